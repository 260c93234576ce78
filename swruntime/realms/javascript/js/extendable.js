// ExtendableEvent and its kind: https://w3c.github.io/ServiceWorker/#extendableevent-interface
//
// How long an event lives is counted here as well as in the runtime, because `waitUntil` throws or not without asking.
// How it ended is decided there, by the machine that decides it for every language; it is told each step.

import { call, callsOf, post } from "./calls.js";
import { sendSoon } from "./channel.js";
import { domException, errorText } from "./errors.js";
import { defaultPreventedOf, fire, isDispatched, isTrusted, stopImmediately } from "./events.js";
import { handling } from "./handling.js";
import { tellKept } from "./kept.js";
import { placeOf } from "./places.js";
import { isRequest } from "./request.js";
import { isResponse } from "./response.js";
import { notImplementedPromise } from "./absent.js";
import { defineEvent, isKind as is, known, messageMembers, withFrozenPorts } from "./event_classes.js";
import { bytesIn, sentResponse, uiOptions } from "./values.js";
import {
    iterable, JSONParse, PromisePrototypeThen as then, PromiseReject, PromiseResolve as resolved, sever,
    TypedArrayPrototypeGetBuffer, utf8Decode, utf8Encode,
} from "./primordials.js";
import { copyOf } from "./sources.js";
import { DOMString, USVString, boolean, interfaceType, isObject, required, requireArguments } from "./webidl.js";

const { apply, defineProperty } = Reflect;
const uncurry = (fn) => (self, ...rest) => apply(fn, self, rest);
const NativePromise = Promise;
const NativeBlob = Blob;
const NativeEvent = Event;
const NativeTypeError = TypeError;
const microtask = queueMicrotask;
const getWeak = uncurry(WeakMap.prototype.get);
const setWeak = uncurry(WeakMap.prototype.set);

const lives = new WeakMap();

/** How long one dispatched event lives. */
class Life {
    #pending = 0;
    #dispatching = true;
    number;
    entered = false;
    handled = null;
    preload = undefined;
    updated = false;

    constructor(number) {
        this.number = number;
    }

    /** https://w3c.github.io/ServiceWorker/#extendableevent-active */
    get active() {
        return this.#dispatching || this.#pending > 0;
    }

    get dispatching() {
        return this.#dispatching;
    }

    /** https://w3c.github.io/ServiceWorker/#extendableevent-add-lifetime-promise */
    add(promise, onValue = () => {}, onError = () => {}) {
        if (!this.active) throw domException("The event handler is already finished and no extend lifetime promises are outstanding.", "InvalidStateError");
        this.#pending++;
        this.tell("added");
        then(promise, (value) => {
            onValue(value);
            this.#settled(null, null);
        }, (error) => {
            onError(error);
            this.#settled(errorText(error), placeOf(error));
        });
    }

    raised(error) {
        this.tell("raised", errorText(error), placeOf(error));
    }

    finished() {
        this.#dispatching = false;
        this.tell("finished");
    }

    tell(input, error = undefined, at = undefined) {
        if (input === "finished" || input === "turn") tellKept(this.number);
        // Where it ends with this, what it did not wait for is what is under way now.
        const left = this.active ? undefined : callsOf(this.number);
        sendSoon({ t: "life", event: this.number, input, error, at, left });
    }

    #settled(error, at) {
        this.tell("settled", error ?? undefined, at);
        // What reacts to the promise may still extend the event: it falls one microtask later.
        microtask(() => {
            this.#pending--;
            this.tell("turn");
        });
    }
}

sever(Life);

const lifeOf = (event) => getWeak(lives, event);

/** Dispatch an event of the runtime's at the worker's scope. */
export function dispatch(target, event, number, prepare = () => {}) {
    const life = new Life(number);
    setWeak(lives, event, life);
    prepare(life);
    fire(target, event, (invoke) => handling(number, invoke), (error) => life.raised(error));
    if (life.handled !== null && !life.entered) {
        const prevented = defaultPreventedOf(event);
        post("FetchEvent.left", [number, prevented]);
        if (prevented) life.handled.reject(domException("The fetch event was cancelled without a response.", "NetworkError"));
        else life.handled.resolve();
    }
    microtask(() => life.finished());
}

function diagnose(code, text) {
    post("diagnose", [code, text]);
}

function functionHandedOver(method, fn) {
    if (typeof fn !== "function") return;
    const name = typeof fn.name === "string" && fn.name ? `the function ${fn.name}` : "a function";
    diagnose("function-to-wait-until", `${method} was handed ${name} uncalled`);
}

const promise = (value) => resolved(value);

export function defineEvents() {
    const ExtendableEvent = defineEvent("ExtendableEvent", NativeEvent, [], {
        extra: {
            waitUntil(f) {
                known(this, "ExtendableEvent");
                requireArguments(arguments.length, 1, "execute 'waitUntil' on 'ExtendableEvent'");
                const life = lifeOf(this);
                if (life === undefined || !isTrusted(this)) {
                    throw domException("An event that a script made cannot be extended.", "InvalidStateError");
                }
                functionHandedOver("waitUntil", f);
                life.add(resolved(f));
            },
        },
    });
    defineEvent("InstallEvent", ExtendableEvent, [], {
        extra: notImplementedPromise("InstallEvent", "addRoutes", 1, (event) => known(event, "InstallEvent")),
    });
    defineFetchEvent(ExtendableEvent);
    const sources = "Client, ServiceWorker or MessagePort";
    defineEvent("ExtendableMessageEvent", ExtendableEvent, messageMembers(sources), { finish: withFrozenPorts });
    const registration = ["registration", is("BackgroundFetchRegistration"), required];
    const BackgroundFetchEvent = defineEvent("BackgroundFetchEvent", ExtendableEvent, [registration], { needsInit: true });
    defineEvent("BackgroundFetchUpdateUIEvent", BackgroundFetchEvent, [], {
        needsInit: true, inherited: [registration], extra: { updateUI },
    });
    defineEvent("NotificationEvent", ExtendableEvent, [
        ["action", DOMString, ""], ["notification", is("Notification"), required],
    ], { needsInit: true });
    defineEvent("PushEvent", ExtendableEvent, [["data", messageData, null]]);
    defineEvent("PushSubscriptionChangeEvent", ExtendableEvent, [
        ["newSubscription", is("PushSubscription"), null], ["oldSubscription", is("PushSubscription"), null],
    ]);
    defineEvent("SyncEvent", ExtendableEvent, [["lastChance", boolean, false], ["tag", DOMString, required]], {
        needsInit: true,
    });
    defineEvent("PeriodicSyncEvent", ExtendableEvent, [["tag", DOMString, required]], { needsInit: true });
}

/** https://wicg.github.io/background-fetch/#background-fetch-update-ui-event-update-ui */
const { updateUI } = {
    updateUI(options = undefined) {
        try {
            known(this, "BackgroundFetchUpdateUIEvent");
            const given = uiOptions(options, "Failed to execute 'updateUI' on 'BackgroundFetchUpdateUIEvent': parameter 1");
            const life = lifeOf(this);
            if (life === undefined || !isTrusted(this)) throw domException("A script made this event.", "InvalidStateError");
            if (life.updated) throw domException("updateUI was called before on this event.", "InvalidStateError");
            if (!life.active) throw domException("The event is over.", "InvalidStateError");
            life.updated = true;
            const updated = call("event.updateUI", [life.number, given]);
            life.add(updated);
            return updated;
        } catch (error) {
            return PromiseReject(error);
        }
    },
};

function defineFetchEvent(ExtendableEvent) {
    defineEvent("FetchEvent", ExtendableEvent, [
        ["clientId", DOMString, ""],
        ["handled", promise, undefined],
        ["preloadResponse", promise, undefined],
        ["replacesClientId", DOMString, ""],
        ["request", interfaceType("Request", isRequest), required],
        ["resultingClientId", DOMString, ""],
    ], {
        needsInit: true,
        promises: ["handled", "preloadResponse"],
        finish: (values) => ({
            __proto__: null,
            ...values,
            handled: values.handled ?? new NativePromise(() => {}),
            preloadResponse: values.preloadResponse ?? resolved(undefined),
        }),
        extra: { respondWith },
    });
}

/** https://w3c.github.io/ServiceWorker/#fetch-event-respondwith */
const { respondWith } = {
    respondWith(r) {
        known(this, "FetchEvent");
        requireArguments(arguments.length, 1, "execute 'respondWith' on 'FetchEvent'");
        const life = lifeOf(this);
        // 2.
        if (life === undefined || !isDispatched(this)) {
            throw domException("respondWith: the event is not being dispatched any more; call it before the first await.", "InvalidStateError");
        }
        // 3.
        if (life.entered) throw domException("respondWith was called before on this event.", "InvalidStateError");
        functionHandedOver("respondWith", r);
        // 4. It extends the event; 9, 10: what it settles with.
        life.add(resolved(r), (value) => answer(life, value), (error) => {
            fail(life, `respondWith was rejected: ${errorText(error)}`);
        });
        // 5-7.
        stopImmediately(this);
        life.entered = true;
        post("FetchEvent.entered", [life.number]);
    },
};

function answer(life, value) {
    if (!isResponse(value)) {
        fail(life, "respondWith was given what is not a Response");
        return;
    }
    let response;
    try {
        response = sentResponse(value);
    } catch (error) {
        fail(life, `respondWith: ${errorText(error)}`);
        return;
    }
    post("FetchEvent.respond", [life.number, response]);
    life.handled?.resolve();
}

function fail(life, message) {
    post("FetchEvent.fail", [life.number, message]);
    life.handled?.reject(domException(message, "NetworkError"));
}

/** https://w3c.github.io/push-api/#pushmessagedata-interface */
function messageData(value, context) {
    if (value === null || value === undefined) return null;
    if (isObject(value) && isPushMessageData(value)) return value;
    const bytes = bytesIn(value);
    return new PushMessageData(key, bytes === undefined ? utf8Encode(USVString(value, context)) : copyOf(bytes));
}

const key = Symbol("the runtime's own");

/** @type {(value: object) => boolean} */
export let isPushMessageData;

export class PushMessageData {
    #bytes;

    constructor(given = undefined, bytes = undefined) {
        if (given !== key) throw new NativeTypeError("Illegal constructor");
        this.#bytes = bytes;
    }

    static {
        isPushMessageData = (value) => #bytes in value;
    }

    arrayBuffer() {
        return TypedArrayPrototypeGetBuffer(copyOf(this.#bytes));
    }

    blob() {
        return new NativeBlob(iterable([this.#bytes]));
    }

    bytes() {
        return copyOf(this.#bytes);
    }

    json() {
        return JSONParse(utf8Decode(this.#bytes));
    }

    text() {
        return utf8Decode(this.#bytes);
    }
}
for (const name of ["arrayBuffer", "blob", "bytes", "json", "text"]) {
    defineProperty(PushMessageData.prototype, name, { enumerable: true });
}
defineProperty(PushMessageData.prototype, Symbol.toStringTag, { value: "PushMessageData", configurable: true });

export const pushData = (bytes) => (bytes === null || bytes === undefined ? null : new PushMessageData(key, bytes));
