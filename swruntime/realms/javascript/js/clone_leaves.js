// What has no parts: primitives, boxed ones, and errors.

import { isBigIntObject, isBooleanObject, isNumberObject } from "./engine.js";
import { errorTo, isDOMException } from "./errors.js";
import {
    BigIntPrototypeToString, BigIntPrototypeValueOf, BooleanPrototypeValueOf, NumberIsFinite, NumberPrototypeValueOf,
    ObjectGetOwnPropertyDescriptor, ObjectIs, ObjectPrototypeHasOwnProperty, String, StringPrototypeSlice,
    StringPrototypeValueOf, TypeError,
} from "./primordials.js";

const NAMES = {
    __proto__: null,
    EvalError: true, RangeError: true, ReferenceError: true, SyntaxError: true, TypeError: true, URIError: true,
};

/** A primitive as it stands on the wire. */
export function primitive(value) {
    switch (typeof value) {
        case "undefined":
            return { u: 1 };
        case "bigint": {
            const digits = BigIntPrototypeToString(value, 16);
            return { n: value < 0n ? `-0x${StringPrototypeSlice(digits, 1)}` : `0x${digits}` };
        }
        case "number":
            if (!NumberIsFinite(value)) return { f: `${value}` };
            return ObjectIs(value, -0) ? { f: "-0" } : value;
    }
    return value;
}

/** The primitive in a Boolean, Number, BigInt or String object. */
export function unboxed(object) {
    if (isBooleanObject(object)) return BooleanPrototypeValueOf(object);
    if (isNumberObject(object)) return NumberPrototypeValueOf(object);
    return isBigIntObject(object) ? BigIntPrototypeValueOf(object) : StringPrototypeValueOf(object);
}

export function errorNode(error) {
    if (isDOMException(error)) {
        const { name, message } = errorTo(error);
        return { __proto__: null, k: "Error", name, message, dom: true };
    }
    const { name } = error; // a getter may be asked, as the standard has it
    const message = ObjectGetOwnPropertyDescriptor(error, "message");
    const isData = message !== undefined && ObjectPrototypeHasOwnProperty(message, "value");
    return {
        __proto__: null,
        k: "Error",
        name: typeof name === "string" && NAMES[name] === true ? name : "Error",
        message: isData ? toText(message.value) : "",
        dom: false,
    };
}

/** ToString, which `String(...)` is not: a symbol throws. */
function toText(value) {
    if (typeof value === "symbol") throw new TypeError("Cannot convert a Symbol value to a string");
    return String(value);
}
