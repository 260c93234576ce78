// Events as the standards have them where the engine's fall short: a listener's microtasks run before the next listener is
// called, what a listener throws is reported and ends nothing, and what the runtime dispatches is trusted.
//
// Spec: https://dom.spec.whatwg.org/#concept-event-dispatch,
// https://webidl.spec.whatwg.org/#call-a-user-objects-operation (clean up after running script)

import { runMicrotasks, trustedSlot } from "./engine.js";
import { here } from "./places.js";
import { ArrayPrototypePush, MapPrototypeForEach, newList } from "./primordials.js";

const { apply, defineProperty } = Reflect;
const uncurry = (fn) => (self, ...rest) => apply(fn, self, rest);
const NativeTypeError = TypeError;
const preventDefault = uncurry(Event.prototype.preventDefault);
const prototype = EventTarget.prototype;
const nativeAdd = uncurry(prototype.addEventListener);
const nativeRemove = uncurry(prototype.removeEventListener);
const nativeDispatch = uncurry(prototype.dispatchEvent);
const getWeak = uncurry(WeakMap.prototype.get);
const setWeak = uncurry(WeakMap.prototype.set);
const getMap = uncurry(Map.prototype.get);
const setMap = uncurry(Map.prototype.set);
const NativeMap = Map;
const global = globalThis;
const isTrustedOf = uncurry(Object.getOwnPropertyDescriptor(Event.prototype, "isTrusted")?.get ?? (() => false));
export const typeOf = uncurry(Object.getOwnPropertyDescriptor(Event.prototype, "type").get);
export const stopImmediately = uncurry(Event.prototype.stopImmediatePropagation);
export const defaultPreventedOf = uncurry(Object.getOwnPropertyDescriptor(Event.prototype, "defaultPrevented").get);

export const isTrusted = (event) => trustedSlot === undefined ? isTrustedOf(event) : event[trustedSlot] === true;

const wrappers = new WeakMap();
/** The event that the runtime dispatches now, as opposed to one that a script dispatches inside of it. */
let dispatching = null;
/** How a listener of it is called; `thrown` is told what a listener threw. */
let around = (call) => call();
let thrown = () => {};
let report = () => {};

/** What is done with an exception that nobody can catch any more. */
export const onUncaught = (reporter) => {
    report = reporter;
};
export const reportException = (error) => report(error);

function invoke(self, callback, event, isObject) {
    try {
        if (isObject) {
            const { handleEvent } = callback; // the script's
            if (typeof handleEvent !== "function") throw new NativeTypeError("The listener has no handleEvent function");
            apply(handleEvent, callback, [event]);
        } else {
            apply(callback, self, [event]);
        }
    } catch (error) {
        report(error);
        if (event === dispatching) thrown(error);
    }
}

function wrapperOf(callback) {
    let wrapper = getWeak(wrappers, callback);
    if (wrapper === undefined) {
        const isObject = typeof callback !== "function";
        wrapper = function (event) {
            if (event !== dispatching) {
                invoke(this, callback, event, isObject);
                return;
            }
            around(() => invoke(this, callback, event, isObject), callback);
            runMicrotasks();
        };
        setWeak(wrappers, callback, wrapper);
    }
    return wrapper;
}

const heard = new WeakMap();
/** What a listener is told of when it is added to a target. */
const onAdd = new WeakMap();

/** The types that were ever listened to at the global object, in the order of the first listeners, and where. */
export function typesHeard() {
    const types = newList();
    const known = getWeak(heard, global);
    if (known !== undefined) MapPrototypeForEach(known, (at, type) => ArrayPrototypePush(types, [type, at]));
    return types;
}

/** Call `callback(type, listener)` for each listener that is added to `target`. */
export const whenListened = (target, callback) => setWeak(onAdd, target, callback);

function note(target, type, callback) {
    if (target === global) {
        let types = getWeak(heard, target);
        if (types === undefined) setWeak(heard, target, (types = new NativeMap()));
        if (getMap(types, `${type}`) === undefined) setMap(types, `${type}`, here());
    }
    getWeak(onAdd, target)?.(`${type}`, callback);
}

const isListener = (value) => typeof value === "function" || (typeof value === "object" && value !== null);

const members = {
    addEventListener(type, callback, options = undefined) {
        const target = this ?? global;
        if (arguments.length < 2) throw new NativeTypeError("addEventListener: 2 arguments required");
        if (callback === null || callback === undefined) return undefined;
        if (!isListener(callback)) {
            throw new NativeTypeError("Failed to execute 'addEventListener' on 'EventTarget': parameter 2 is not of type 'Object'.");
        }
        const result = nativeAdd(target, type, wrapperOf(callback), options);
        note(target, type, callback);
        return result;
    },
    removeEventListener(type, callback, options = undefined) {
        const target = this ?? global;
        if (arguments.length < 2) throw new NativeTypeError("removeEventListener: 2 arguments required");
        if (!isListener(callback)) return undefined;
        return nativeRemove(target, type, wrapperOf(callback), options);
    },
    dispatchEvent(event) {
        return nativeDispatch(this ?? global, event);
    },
};
for (const name of ["addEventListener", "removeEventListener", "dispatchEvent"]) {
    defineProperty(members[name], "length", { value: name === "dispatchEvent" ? 1 : 2, configurable: true });
    defineProperty(prototype, name, { value: members[name], writable: true, enumerable: true, configurable: true });
}

/**
 * Dispatch `event` at `target` as the runtime does: it is trusted. `wrap(call, callback)` calls each listener; `onThrown`
 * is told what one throws. Ends after the microtasks that follow the last listener.
 */
export function fire(target, event, wrap = (call) => call(), onThrown = () => {}) {
    const outer = { __proto__: null, dispatching, around, thrown };
    dispatching = event;
    around = wrap;
    thrown = onThrown;
    if (trustedSlot !== undefined) event[trustedSlot] = true;
    try {
        nativeDispatch(target, event);
    } finally {
        dispatching = outer.dispatching;
        around = outer.around;
        thrown = outer.thrown;
    }
}

/** Whether listeners of `event` are being called. */
export const isDispatched = (event) => event === dispatching;

const handlers = new WeakMap();

/**
 * Define `on<type>` on a prototype, or on an object of its own kind.
 *
 * Spec: https://html.spec.whatwg.org/multipage/webappapis.html#event-handler-idl-attributes
 */
export function defineHandler(owner, type, check = () => {}, onSet = () => {}) {
    const key = type;
    const accessors = {
        [`on${type}`]: {
            get() {
                const self = this ?? global;
                check(self);
                return getMap(getWeak(handlers, self) ?? new NativeMap(), key)?.value ?? null;
            },
            set(value) {
                const self = this ?? global;
                check(self);
                let own = getWeak(handlers, self);
                if (own === undefined) setWeak(handlers, self, (own = new NativeMap()));
                let slot = getMap(own, key);
                const callback = isListener(value) ? value : null;
                if (slot === undefined) {
                    slot = { __proto__: null, value: null, call: null };
                    setMap(own, key, slot);
                }
                slot.value = callback;
                if (callback !== null && slot.call === null) {
                    slot.call = function (event) {
                        if (typeof slot.value === "function" && apply(slot.value, self, [event]) === false) {
                            preventDefault(event);
                        }
                    };
                    nativeAdd(self, key, wrapperOf(slot.call));
                } else if (callback === null && slot.call !== null) {
                    nativeRemove(self, key, wrapperOf(slot.call));
                    slot.call = null;
                }
                if (callback !== null) note(self, key, callback);
                onSet(self, callback);
            },
        },
    };
    const name = `on${type}`;
    const { get, set } = accessors[name];
    defineProperty(get, "name", { value: `get ${name}`, configurable: true });
    defineProperty(set, "name", { value: `set ${name}`, configurable: true });
    defineProperty(owner, name, { get, set, enumerable: true, configurable: true });
}

