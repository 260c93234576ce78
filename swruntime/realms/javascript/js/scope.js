// What both kinds of global scope have, and what is taken away from the engine's.


import { setHandledPromiseRejectionHandler, setReportExceptionCallback, setUnhandledPromiseRejectionHandler } from "./engine.js";
import { errorText, mutedText } from "./errors.js";
import { defaultPreventedOf, fire, onUncaught, reportException } from "./events.js";
import { interfaces, numberOf } from "./faces.js";
import { named } from "./functions.js";
import { isMuted, placeOf } from "./places.js";
import { deserialize, serialize } from "./clone.js";
import { makeConsole } from "./console.js";
import { installTimers } from "./timers.js";
import { transferList } from "./values.js";
import { send } from "./channel.js";
import { requireArguments } from "./webidl.js";
import { ArrayPrototypeFilter, dataDescriptor, PromiseReject } from "./primordials.js";

const { apply, defineProperty, deleteProperty, ownKeys } = Reflect;
const NativeTypeError = TypeError;
const NativeErrorEvent = ErrorEvent;
const NativeRejectionEvent = PromiseRejectionEvent;
const globalObject = globalThis;

/** Names of the engine that no scope of a browser has, or that reach out of the realm. */
const GONE = [
    "Deno", "process", "Buffer", "global", "setImmediate", "clearImmediate", "localStorage", "sessionStorage", "Storage",
    "alert", "confirm", "prompt", "close", "closed", "Window", "Location", "location", "Navigator", "navigator", "name",
    "caches", "Cache", "CacheStorage", "EventSource", "WebSocket", "Worker", "SharedWorker", "onload", "onunload",
    "onbeforeunload", "onerror", "onunhandledrejection", "NavigatorUAData", "Lock", "LockManager", "createImageBitmap",
    "OffscreenCanvas", "ImageBitmapRenderingContext", "window", "SharedArrayBuffer", "CloseEvent",
];

/** Whether a global of the engine is taken away. */
export const isGone = (name) => typeof name === "string" && (GONE.includes(name) || name.startsWith("GPU"));

export function removeNames(global) {
    for (const name of ownKeys(global)) if (isGone(name)) deleteProperty(global, name);
    // These would wait in threads that nobody can end.
    deleteProperty(Atomics, "wait");
    deleteProperty(Atomics, "waitAsync");
}

export const define = (global, name, value, enumerable = false) =>
    defineProperty(global, name, { value, writable: true, enumerable, configurable: true });

/** Throws TypeError for a `this` that is not the global object; without one it is meant. */
export function onlyGlobal(self) {
    if (self !== undefined && self !== null && self !== globalObject) throw new NativeTypeError("Illegal invocation");
}

/**
 * An attribute of the global object. One that is `replaceable` becomes a variable of the script's when it is set:
 * https://webidl.spec.whatwg.org/#Replaceable
 */
export function attribute(global, name, valueOf, { replaceable = false, set = undefined } = {}) {
    const accessors = Object.getOwnPropertyDescriptors({
        get [name]() {
            onlyGlobal(this);
            return valueOf();
        },
        set [name](value) {
            onlyGlobal(this);
            if (replaceable) defineProperty(global, name, dataDescriptor(value));
            else set(value);
        },
    })[name];
    const setter = replaceable || set !== undefined ? accessors.set : undefined;
    defineProperty(global, name, { get: accessors.get, set: setter, enumerable: true, configurable: true });
}

/** Methods of the global object, of an object with them; what one of `promises` throws is a rejection. */
export function operations(global, methods, promises = []) {
    for (const name of Object.keys(methods)) {
        const original = methods[name];
        const wrapped = {
            throwing(...given) {
                onlyGlobal(this);
                requireArguments(given.length, original.length, `execute '${name}'`);
                return apply(original, undefined, given);
            },
            rejecting(...given) {
                try {
                    onlyGlobal(this);
                    requireArguments(given.length, original.length, `execute '${name}'`);
                    return apply(original, undefined, given);
                } catch (error) {
                    return PromiseReject(error);
                }
            },
        };
        const method = wrapped[promises.includes(name) ? "rejecting" : "throwing"];
        define(global, name, named(method, name, original.length), true);
    }
}

/** https://html.spec.whatwg.org/multipage/webappapis.html#report-an-exception */
function reportTo(global) {
    let reporting = false;
    onUncaught((error) => {
        if (!reporting) {
            reporting = true;
            try {
                const at = placeOf(error);
                const event = new NativeErrorEvent("error", isMuted(error) ? {
                    __proto__: null, message: "Script error.", filename: "", lineno: 0, colno: 0, error: undefined,
                    cancelable: true,
                } : {
                    __proto__: null,
                    message: `Uncaught ${errorText(error)}`, filename: at?.[0] ?? "", lineno: at?.[1] ?? 0,
                    colno: at?.[2] ?? 0, error, cancelable: true,
                });
                fire(global, event);
                if (defaultPreventedOf(event)) return;
            } finally {
                reporting = false;
            }
        }
        report("exception", error);
    });
}

function report(kind, error) {
    send({ t: "post", op: "report", args: [kind, isMuted(error) ? mutedText(error) : errorText(error)], at: placeOf(error) });
}

/** https://html.spec.whatwg.org/multipage/webappapis.html#notify-about-rejected-promises */
function watchRejections(global) {
    setUnhandledPromiseRejectionHandler((promise, reason) => {
        if (isMuted(reason)) {
            report("rejection", reason);
            return true;
        }
        const event = new NativeRejectionEvent("unhandledrejection", { __proto__: null, promise, reason, cancelable: true });
        fire(global, event);
        if (!defaultPreventedOf(event)) report("rejection", reason);
        return true;
    });
    setHandledPromiseRejectionHandler((promise, reason) => {
        if (isMuted(reason)) return true;
        fire(global, new NativeRejectionEvent("rejectionhandled", { __proto__: null, promise, reason }));
        return true;
    });
    setReportExceptionCallback((error) => report("exception", error));
}

export function installCommon(global, { origin, isSecureContext }) {
    reportTo(global);
    watchRejections(global);
    installTimers(global);
    define(global, "console", makeConsole());
    operations(global, {
        structuredClone(value, options = undefined) {
            const transfer = transferList(options, "Failed to execute 'structuredClone': parameter 2");
            return deserialize(serialize(value, transfer, "value"), ArrayPrototypeFilter(transfer, (each) => numberOf(each) !== null));
        },
        reportError(error) {
            reportException(error);
        },
    });
    attribute(global, "origin", () => origin, { replaceable: true });
    attribute(global, "isSecureContext", () => isSecureContext);
    attribute(global, "crossOriginIsolated", () => false);
}

/** The interfaces of faces, by the names that they have here. */
export function exposeFaces(global) {
    for (const name of Object.keys(interfaces)) {
        const { constructor, exposedAs } = interfaces[name];
        define(global, exposedAs, constructor);
    }
}
