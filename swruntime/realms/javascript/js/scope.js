// What both kinds of global scope have, and what is taken away from the engine's.


import { setHandledPromiseRejectionHandler, setReportExceptionCallback, setUnhandledPromiseRejectionHandler } from "./engine.js";
import { errorText } from "./errors.js";
import { defaultPreventedOf, fire, onUncaught } from "./events.js";
import { numberOf } from "./faces.js";
import { placeOf } from "./places.js";
import { deserialize, serialize } from "./clone.js";
import { makeConsole } from "./console.js";
import { installTimers } from "./timers.js";
import { transferList } from "./values.js";
import { send } from "./channel.js";

const { defineProperty, deleteProperty, ownKeys } = Reflect;

/** Names of the engine that no scope of a browser has, or that reach out of the realm. */
const GONE = [
    "Deno", "process", "Buffer", "global", "setImmediate", "clearImmediate", "localStorage", "sessionStorage", "Storage",
    "alert", "confirm", "prompt", "close", "closed", "Window", "Location", "location", "Navigator", "navigator", "name",
    "caches", "Cache", "CacheStorage", "EventSource", "WebSocket", "Worker", "SharedWorker", "onload", "onunload",
    "onbeforeunload", "onerror", "onunhandledrejection", "NavigatorUAData", "Lock", "LockManager", "createImageBitmap",
    "OffscreenCanvas", "ImageBitmapRenderingContext", "window", "SharedArrayBuffer", "CloseEvent",
];

export function removeNames(global) {
    for (const name of GONE) deleteProperty(global, name);
    for (const name of ownKeys(global)) {
        if (typeof name === "string" && name.startsWith("GPU")) deleteProperty(global, name);
    }
    // These would wait in threads that nobody can end.
    deleteProperty(Atomics, "wait");
    deleteProperty(Atomics, "waitAsync");
}

export const define = (global, name, value, enumerable = false) =>
    defineProperty(global, name, { value, writable: true, enumerable, configurable: true });

export const attribute = (owner, name, get) => {
    defineProperty(get, "name", { value: `get ${name}`, configurable: true });
    defineProperty(owner, name, { get, set: undefined, enumerable: true, configurable: true });
};

/** https://html.spec.whatwg.org/multipage/webappapis.html#report-an-exception */
function reportTo(global) {
    let reporting = false;
    onUncaught((error) => {
        if (!reporting) {
            reporting = true;
            try {
                const at = placeOf(error);
                const event = new ErrorEvent("error", {
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
    send({ t: "post", op: "report", args: [kind, errorText(error)], at: placeOf(error) });
}

/** https://html.spec.whatwg.org/multipage/webappapis.html#notify-about-rejected-promises */
function watchRejections(global) {
    setUnhandledPromiseRejectionHandler((promise, reason) => {
        const event = new PromiseRejectionEvent("unhandledrejection", { promise, reason, cancelable: true });
        fire(global, event);
        if (!defaultPreventedOf(event)) report("rejection", reason);
        return true;
    });
    setHandledPromiseRejectionHandler((promise, reason) => {
        fire(global, new PromiseRejectionEvent("rejectionhandled", { promise, reason }));
        return true;
    });
    setReportExceptionCallback((error) => report("exception", error));
}

/** Location, of a worker or a page: read-only here. */
export function makeLocation(name, url) {
    const parsed = new URL(url);
    const Location = { [name]: class { constructor() { throw new TypeError("Illegal constructor"); } } }[name];
    const location = Object.create(Location.prototype);
    for (const part of ["href", "origin", "protocol", "host", "hostname", "port", "pathname", "search", "hash"]) {
        const value = parsed[part];
        attribute(Location.prototype, part, { [part]() { return value; } }[part]);
    }
    define(Location.prototype, "toString", function toString() { return parsed.href; }, true);
    defineProperty(Location.prototype, Symbol.toStringTag, { value: name, configurable: true });
    return { Location, location };
}

export function installCommon(global, { origin, isSecureContext }) {
    reportTo(global);
    watchRejections(global);
    installTimers(global);
    define(global, "console", makeConsole());
    define(global, "structuredClone", function structuredClone(value, options = undefined) {
        if (arguments.length < 1) throw new TypeError("structuredClone: 1 argument required, but only 0 present.");
        const transfer = transferList(options, "Failed to execute 'structuredClone': parameter 2");
        return deserialize(serialize(value, transfer), transfer.filter((each) => numberOf(each) !== null));
    }, true);
    attribute(global, "origin", function () { return origin; });
    attribute(global, "isSecureContext", function () { return isSecureContext; });
    attribute(global, "crossOriginIsolated", function () { return false; });
    define(global, "reportError", function reportError(error) {
        if (arguments.length < 1) throw new TypeError("reportError: 1 argument required, but only 0 present.");
        report("exception", error);
    }, true);
}
