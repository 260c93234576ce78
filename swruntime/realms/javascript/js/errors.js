// Exceptions that come from the runtime, and those that go to it.

import { isNativeError } from "./engine.js";
import { ObjectKeys, ReflectGetOwnPropertyDescriptor } from "./primordials.js";

const { apply } = Reflect;
const { getPrototypeOf } = Object;
const ENGINE = {
    __proto__: null,
    Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError,
};
const NativeDOMException = DOMException;
const NativeQuotaExceededError = globalThis.QuotaExceededError;
const nameOf = ((get) => (error) => apply(get, error, []))(
    Object.getOwnPropertyDescriptor(DOMException.prototype, "name").get,
);
const messageOf = ((get) => (error) => apply(get, error, []))(
    Object.getOwnPropertyDescriptor(DOMException.prototype, "message").get,
);
const NativeString = String;

/** The name that the class which stands for `name` has. */
export const ownName = (name) => (ENGINE[name] === undefined ? "Error" : name);

/**
 * The exception for what the runtime says: `dom`, whether it is a DOMException of that name.
 *
 * What it is made of is a part of a frame, or a clone's node: it has no prototype.
 */
export function errorFrom({ name, message, dom, quota, requested }) {
    if (!dom) return new (ENGINE[name] ?? ENGINE.Error)(message);
    if (name === "QuotaExceededError" && NativeQuotaExceededError !== undefined) {
        return new NativeQuotaExceededError(message, {
            __proto__: null,
            ...(quota === null || quota === undefined ? {} : { quota }),
            ...(requested === null || requested === undefined ? {} : { requested }),
        });
    }
    return new NativeDOMException(message, name);
}

/** A new DOMException, whatever a script has made of the name. */
export const domException = (message, name) => new NativeDOMException(message, name);

export const isDOMException = (value) => {
    try {
        nameOf(value);
        return true;
    } catch {
        return false;
    }
};

/** A string of whatever was thrown; nothing of the script's own may throw in here. */
function written(value) {
    try {
        return typeof value === "symbol" ? "a symbol" : NativeString(value);
    } catch {
        return "something that cannot be written";
    }
}

function member(value, name) {
    try {
        const found = value[name];
        return typeof found === "string" ? found : undefined;
    } catch {
        return undefined;
    }
}

/** What was thrown, in a line: "TypeError: no". */
export function errorText(value) {
    if (isDOMException(value)) {
        const message = messageOf(value);
        return message ? `${nameOf(value)}: ${message}` : nameOf(value);
    }
    if (value !== null && typeof value === "object" && getPrototypeOf(value) !== null) {
        const message = member(value, "message");
        if (message !== undefined) {
            const name = member(value, "name") ?? "Error";
            return message ? `${name}: ${message}` : name;
        }
    }
    return written(value);
}

const NAMES = ObjectKeys(ENGINE);
const PROTOTYPES = { __proto__: null };
for (let at = 0; at < NAMES.length; at++) PROTOTYPES[NAMES[at]] = ENGINE[NAMES[at]].prototype;

/** The same of what another origin's script threw: nothing that this one could have replaced is asked about it. */
export function mutedText(value) {
    if (isDOMException(value)) return `${nameOf(value)}: ${messageOf(value)}`;
    if (typeof value === "function" || (typeof value === "object" && value !== null)) {
        if (!isNativeError(value)) return "an object";
        const message = ReflectGetOwnPropertyDescriptor(value, "message")?.value;
        const prototype = getPrototypeOf(value);
        let name = "Error";
        for (let at = 0; at < NAMES.length; at++) if (PROTOTYPES[NAMES[at]] === prototype) name = NAMES[at];
        return typeof message === "string" && message !== "" ? `${name}: ${message}` : name;
    }
    return written(value);
}

/** What was thrown, as the runtime takes it. */
export function errorTo(value) {
    if (isDOMException(value)) return { __proto__: null, name: nameOf(value), message: messageOf(value), dom: true };
    if (value !== null && typeof value === "object") {
        const name = member(value, "name");
        const message = member(value, "message");
        if (message !== undefined) {
            return { __proto__: null, name: name !== undefined && name in ENGINE ? name : "Error", message, dom: false };
        }
    }
    return { __proto__: null, name: "Error", message: written(value), dom: false };
}
