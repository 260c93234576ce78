/**
 * What a script's arguments become: https://webidl.spec.whatwg.org/#js-type-mapping
 *
 * A converter takes the value and the words that a TypeError begins with: `DOMString(name, "Failed to execute
 * 'open' on 'CacheStorage': parameter 1")`.
 */

import {
    ArrayPrototypeIncludes,
    ArrayPrototypePush,
    MathAbs,
    MathFloor,
    MathTrunc,
    MAX_SAFE_INTEGER,
    newList,
    NumberIsFinite,
    ObjectCreate,
    PromiseResolve,
    ReflectApply,
    ReflectGetOwnPropertyDescriptor,
    ReflectOwnKeys,
    String,
    StringPrototypeCharCodeAt,
    StringPrototypeSlice,
    StringPrototypeToWellFormed,
    Symbol,
    SymbolIterator,
    SymbolPrototypeToString,
    TypeError,
} from "./primordials.js";

/** `value` as an error message has it. It never calls a script's code. */
export function shown(value) {
    switch (typeof value) {
        case "string":
            return `'${value.length > 80 ? `${StringPrototypeSlice(value, 0, 77)}...` : value}'`;
        case "symbol":
            return SymbolPrototypeToString(value);
        case "function":
            return "a function";
        case "object":
            return value === null ? "null" : "an object";
        default:
            return String(value);
    }
}

export const any = (value) => value;

export const boolean = (value) => !!value;

export function DOMString(value, context) {
    if (typeof value === "symbol") throw new TypeError(`${context} is a symbol; expected a string.`);
    return `${value}`;
}

export function USVString(value, context) {
    return StringPrototypeToWellFormed(DOMString(value, context));
}

export function ByteString(value, context) {
    const text = DOMString(value, context);
    for (let at = 0; at < text.length; at++) {
        if (StringPrototypeCharCodeAt(text, at) > 0xff) {
            throw new TypeError(`${context} is ${shown(text)}; expected no character beyond U+00FF.`);
        }
    }
    return text;
}

/** [EnforceRange] of an integer type. */
function enforceRange(least, most) {
    return (value, context) => {
        if (typeof value === "bigint" || typeof value === "symbol") {
            throw new TypeError(`${context} is ${shown(value)}; expected a number.`);
        }
        const number = +value;
        const whole = MathTrunc(number) + 0; // -0 becomes 0
        if (!NumberIsFinite(number) || whole < least || whole > most) {
            throw new TypeError(
                `${context} is ${String(number)}; expected a number from ${least} to ${most}.`,
            );
        }
        return whole;
    };
}

export const enforcedUnsignedLongLong = enforceRange(0, MAX_SAFE_INTEGER);
export const enforcedUnsignedLong = enforceRange(0, 2 ** 32 - 1);

/** An unsigned integer type of so many bits, without attributes: it wraps around. */
function wrapping(bits) {
    const modulus = 2 ** bits;
    return (value, context) => {
        if (typeof value === "bigint" || typeof value === "symbol") {
            throw new TypeError(`${context} is ${shown(value)}; expected a number.`);
        }
        const number = +value;
        if (!NumberIsFinite(number)) return 0;
        const whole = (number < 0 ? -1 : 1) * MathFloor(MathAbs(number));
        return ((whole % modulus) + modulus) % modulus;
    };
}

export const unsignedShort = wrapping(16);
export const unsignedLong = wrapping(32);

export function double(value, context) {
    if (typeof value === "bigint" || typeof value === "symbol" || !NumberIsFinite(+value)) {
        throw new TypeError(`${context} is ${shown(value)}; expected a finite number.`);
    }
    return +value;
}

export function object(value, context) {
    if (!isObject(value)) throw new TypeError(`${context} is ${shown(value)}; expected an object.`);
    return value;
}

/** A callback function. */
export function callback(value, context) {
    if (typeof value !== "function") {
        throw new TypeError(`${context} is ${shown(value)}; expected a function.`);
    }
    return value;
}

/** Promise<any>: https://webidl.spec.whatwg.org/#js-promise */
export const promise = (value) => PromiseResolve(value);

export const nullable = (converter) => (value, context) =>
    value === null || value === undefined ? null : converter(value, context);

/** An enumeration; `name` is the IDL's. */
export function enumeration(name, values) {
    return (value, context) => {
        const text = DOMString(value, context);
        if (!ArrayPrototypeIncludes(values, text)) {
            throw new TypeError(`${context}: ${shown(text)} is not a valid value for enumeration ${name}.`);
        }
        return text;
    };
}

/** An interface; `is` tells whether an object is of it. */
export function interfaceType(name, is) {
    return (value, context) => {
        if (!is(value)) throw new TypeError(`${context} is ${shown(value)}; expected a ${name}.`);
        return value;
    };
}

export const isObject = (value) =>
    (typeof value === "object" && value !== null) || typeof value === "function";

/** sequence<T>: https://webidl.spec.whatwg.org/#js-sequence */
export function sequence(converter) {
    return (value, context) => {
        const method = isObject(value) ? value[SymbolIterator] : undefined;
        if (method === undefined || method === null) {
            throw new TypeError(`${context} is ${shown(value)}; expected a sequence.`);
        }
        return sequenceFrom(value, method, converter, context);
    };
}

/** https://webidl.spec.whatwg.org/#create-sequence-from-iterable */
export function sequenceFrom(value, method, converter, context) {
    const iterator = ReflectApply(callback(method, context), value, []);
    const next = object(iterator, context).next;
    const result = [];
    for (;;) {
        const step = object(ReflectApply(callback(next, context), iterator, []), context);
        if (step.done) return result;
        ArrayPrototypePush(result, converter(step.value, `${context}, element ${result.length}`));
    }
}

/** record<K, V> as a list of pairs: https://webidl.spec.whatwg.org/#js-record */
export function record(keyConverter, valueConverter) {
    return (value, context) => {
        const keys = ReflectOwnKeys(object(value, context));
        const result = newList();
        for (let at = 0; at < keys.length; at++) {
            const descriptor = ReflectGetOwnPropertyDescriptor(value, keys[at]);
            if (descriptor === undefined || !descriptor.enumerable) continue;
            const key = keyConverter(keys[at], `${context}, a key`);
            setPair(result, key, valueConverter(value[keys[at]], `${context}['${key}']`));
        }
        return result;
    };
}

function setPair(pairs, key, value) {
    for (let at = 0; at < pairs.length; at++) {
        if (pairs[at][0] === key) {
            pairs[at][1] = value; // two keys became one, the first one's place stays
            return;
        }
    }
    ArrayPrototypePush(pairs, [key, value]);
}

/** The default of a member that must be given. */
export const required = Symbol("required");

/**
 * A dictionary: https://webidl.spec.whatwg.org/#js-dictionary
 *
 * `members` is a list of [name, converter, default]; names in lexicographical order, a base dictionary's first. A
 * member without a default is absent (undefined) when it is not given; a default that is `required` makes a
 * TypeError of that.
 */
export function dictionary(members) {
    return (value, context) => {
        if (value !== undefined && value !== null && !isObject(value)) {
            throw new TypeError(`${context} is ${shown(value)}; expected an object.`);
        }
        const result = ObjectCreate(null);
        for (let at = 0; at < members.length; at++) {
            const name = members[at][0];
            const given = value === undefined || value === null ? undefined : value[name];
            if (given !== undefined) {
                result[name] = members[at][1](given, `${context}: member '${name}'`);
                continue;
            }
            const otherwise = members[at].length > 2 ? members[at][2] : undefined;
            if (otherwise === required) {
                throw new TypeError(`${context}: required member '${name}' is undefined.`);
            }
            result[name] = otherwise;
        }
        return result;
    };
}
