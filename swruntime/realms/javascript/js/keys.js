/**
 * Keys of IndexedDB as bytes that sort as the standard says: number < date < string < binary < array.
 *
 * A key is a tag and what follows. Numbers and dates: the double, big-endian, its sign turned round (of a negative one all
 * bits). Strings: each code unit in one to three bytes, none of which is 0. Binary: each byte, 0 and 1 with a 1 before
 * them. Arrays: their keys. Strings, binary and arrays end with a 0, which sorts before all that could go on.
 *
 * Spec: https://w3c.github.io/IndexedDB/#key-construct
 */

import { isAnyArrayBuffer, isDate } from "./engine.js";
import {
    ArrayBufferIsView,
    ArrayBufferPrototypeGetDetached,
    arrayFor,
    ArrayIsArray,
    ArrayPrototypeIncludes,
    DataView,
    DataViewPrototypeGetBuffer,
    DataViewPrototypeGetByteLength,
    DataViewPrototypeGetByteOffset,
    newList,
    ObjectPrototypeHasOwnProperty,
    StringFromCharCode,
    StringPrototypeCharCodeAt,
    TypedArrayPrototypeGetBuffer,
    TypedArrayPrototypeGetByteLength,
    TypedArrayPrototypeGetByteOffset,
    TypedArrayPrototypeGetToStringTag,
    Uint8Array,
    uncurryThis,
} from "./primordials.js";

const NUMBER = 0x10;
const DATE = 0x20;
const STRING = 0x30;
const BINARY = 0x40;
const ARRAY = 0x50;
/** Deeper arrays are no keys: the stack has an end. */
const DEEPEST = 1000;

/** Stands in a value for the key that the generator will make; a key with it has it as a part. */
export const GENERATED = Symbol("the generated key");

const NativeDate = Date;
const getTime = uncurryThis(Date.prototype.getTime);
const setFloat64 = uncurryThis(DataView.prototype.setFloat64);
const getFloat64 = uncurryThis(DataView.prototype.getFloat64);
const scratch = new Uint8Array(8);
const double = new DataView(TypedArrayPrototypeGetBuffer(scratch));

/** The key's bytes, undefined where `value` is no valid key. Throws what an array's getters throw. */
export function encodeKey(value) {
    const out = newList();
    return write(value, out, newList()) ? bytesOf(out) : undefined;
}

/** The key in parts: bytes, and null for `GENERATED`. Undefined where `value` is no valid key. */
export function encodeParts(value) {
    const out = newList();
    if (!write(value, out, newList())) return undefined;
    const parts = newList();
    let part = newList();
    for (let at = 0; at < out.length; at++) {
        if (out[at] !== null) {
            part[part.length] = out[at];
            continue;
        }
        if (part.length > 0) parts[parts.length] = bytesOf(part);
        parts[parts.length] = null;
        part = newList();
    }
    if (part.length > 0) parts[parts.length] = bytesOf(part);
    return parts;
}

function bytesOf(numbers) {
    const bytes = new Uint8Array(numbers.length);
    for (let at = 0; at < numbers.length; at++) bytes[at] = numbers[at];
    return bytes;
}

/** *Convert a value to a key*: https://w3c.github.io/IndexedDB/#convert-a-value-to-a-key */
function write(value, out, seen) {
    if (value === GENERATED) {
        out[out.length] = null;
        return true;
    }
    if (typeof value === "number") return writeNumber(NUMBER, value, out);
    if (typeof value === "string") return writeString(value, out);
    if (typeof value !== "object" || value === null) return false;
    if (isDate(value)) return writeNumber(DATE, getTime(value), out);
    const bytes = binaryOf(value);
    if (bytes !== undefined) return bytes !== null && writeBinary(bytes, out);
    return ArrayIsArray(value) && writeArray(value, out, seen);
}

function writeNumber(tag, value, out) {
    if (value !== value) return false; // NaN
    setFloat64(double, 0, value === 0 ? 0 : value);
    const negative = scratch[0] >= 0x80;
    out[out.length] = tag;
    for (let at = 0; at < 8; at++) {
        const byte = negative ? scratch[at] ^ 0xff : at === 0 ? scratch[0] | 0x80 : scratch[at];
        out[out.length] = byte;
    }
    return true;
}

function writeString(value, out) {
    out[out.length] = STRING;
    for (let at = 0; at < value.length; at++) {
        const unit = StringPrototypeCharCodeAt(value, at);
        if (unit < 0x7f) {
            out[out.length] = unit + 1;
        } else if (unit < 0x7f + 0x4000) {
            const rest = unit - 0x7f;
            out[out.length] = 0x80 | (rest >> 8);
            out[out.length] = rest & 0xff;
        } else {
            out[out.length] = 0xc0 | (unit >> 12);
            out[out.length] = (unit >> 4) & 0xff;
            out[out.length] = (unit & 0xf) << 4;
        }
    }
    out[out.length] = 0;
    return true;
}

/** The bytes of a buffer source, undefined for what is none, null for one that is detached. */
function binaryOf(value) {
    let buffer = value;
    let offset = 0;
    let length;
    if (ArrayBufferIsView(value)) {
        const typed = TypedArrayPrototypeGetToStringTag(value) !== undefined;
        buffer = typed ? TypedArrayPrototypeGetBuffer(value) : DataViewPrototypeGetBuffer(value);
        if (isDetached(buffer)) return null;
        offset = typed ? TypedArrayPrototypeGetByteOffset(value) : DataViewPrototypeGetByteOffset(value);
        length = typed ? TypedArrayPrototypeGetByteLength(value) : DataViewPrototypeGetByteLength(value);
    } else if (!isAnyArrayBuffer(value)) {
        return undefined;
    }
    if (isDetached(buffer)) return null;
    return new Uint8Array(buffer, offset, length);
}

function isDetached(buffer) {
    try {
        return ArrayBufferPrototypeGetDetached(buffer);
    } catch {
        return false; // a SharedArrayBuffer
    }
}

function writeBinary(bytes, out) {
    out[out.length] = BINARY;
    const length = TypedArrayPrototypeGetByteLength(bytes);
    for (let at = 0; at < length; at++) {
        if (bytes[at] <= 1) out[out.length] = 1;
        out[out.length] = bytes[at] <= 1 ? bytes[at] + 1 : bytes[at];
    }
    out[out.length] = 0;
    return true;
}

function writeArray(value, out, seen) {
    if (seen.length >= DEEPEST || ArrayPrototypeIncludes(seen, value)) return false;
    out[out.length] = ARRAY;
    seen[seen.length] = value;
    const length = value.length;
    for (let at = 0; at < length; at++) {
        if (!ObjectPrototypeHasOwnProperty(value, at) || !write(value[at], out, seen)) return false;
    }
    seen.length -= 1;
    out[out.length] = 0;
    return true;
}

/** *Convert a key to a value*: https://w3c.github.io/IndexedDB/#convert-a-key-to-a-value */
export function decodeKey(bytes) {
    return read({ __proto__: null, bytes, at: 0 });
}

function read(cursor) {
    const { bytes } = cursor;
    const tag = bytes[cursor.at++];
    if (tag === NUMBER) return readNumber(cursor);
    if (tag === DATE) return new NativeDate(readNumber(cursor));
    if (tag === STRING) return readString(cursor);
    if (tag === BINARY) return readBinary(cursor);
    const items = newList();
    while (bytes[cursor.at] !== 0) items[items.length] = read(cursor);
    cursor.at++;
    return arrayFor(items);
}

function readNumber(cursor) {
    const negative = cursor.bytes[cursor.at] < 0x80;
    for (let at = 0; at < 8; at++) {
        const byte = cursor.bytes[cursor.at++];
        scratch[at] = negative ? byte ^ 0xff : at === 0 ? byte & 0x7f : byte;
    }
    return getFloat64(double, 0);
}

function readString(cursor) {
    const { bytes } = cursor;
    let text = "";
    for (let first; (first = bytes[cursor.at++]) !== 0; ) {
        let unit;
        if (first < 0x80) unit = first - 1;
        else if (first < 0xc0) unit = (((first & 0x3f) << 8) | bytes[cursor.at++]) + 0x7f;
        else unit = ((first & 0xf) << 12) | (bytes[cursor.at++] << 4) | (bytes[cursor.at++] >> 4);
        text += StringFromCharCode(unit);
    }
    return text;
}

function readBinary(cursor) {
    const { bytes } = cursor;
    const found = newList();
    for (let byte; (byte = bytes[cursor.at++]) !== 0; ) {
        found[found.length] = byte === 1 ? bytes[cursor.at++] - 1 : byte;
    }
    return TypedArrayPrototypeGetBuffer(bytesOf(found));
}

/** *Compare two keys*, as their bytes: https://w3c.github.io/IndexedDB/#compare-two-keys */
export function compareKeys(one, other) {
    const ones = TypedArrayPrototypeGetByteLength(one);
    const others = TypedArrayPrototypeGetByteLength(other);
    for (let at = 0; at < ones && at < others; at++) {
        if (one[at] !== other[at]) return one[at] < other[at] ? -1 : 1;
    }
    return ones === others ? 0 : ones < others ? -1 : 1;
}
