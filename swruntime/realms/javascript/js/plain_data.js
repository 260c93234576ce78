// Plain data with bytes in it, as JSON and the bytes beside: of frames, and of the values that IndexedDB keeps.

import {
    ArrayIsArray as isArray, JSONStringify as stringify, ObjectKeys as keys, ObjectSetPrototypeOf as setPrototypeOf, subarray,
    TypedArrayPrototypeGetByteLength, TypedArrayPrototypeGetToStringTag, TypedArrayPrototypeSet, Uint8Array,
} from "./primordials.js";

/**
 * JSON of plain data; each Uint8Array in it is put into the list `attachments`, in order. It asks nothing that a script
 * can change: a Uint8Array is told by its internal slot, and of an object only what it has itself is read.
 */
export function encodeValue(value, attachments) {
    switch (typeof value) {
        case "string":
            return stringify(value);
        case "number":
            return value === value && value !== Infinity && value !== -Infinity ? `${value}` : "null";
        case "boolean":
            return value ? "true" : "false";
        case "object":
            break;
        default:
            return "null";
    }
    if (value === null) return "null";
    if (TypedArrayPrototypeGetToStringTag(value) === "Uint8Array") {
        attachments[attachments.length] = value;
        return `{"$bytes":${TypedArrayPrototypeGetByteLength(value)}}`;
    }
    let text = "";
    if (isArray(value)) {
        for (let i = 0; i < value.length; i++) text += (i ? "," : "") + encodeValue(value[i], attachments);
        return `[${text}]`;
    }
    const names = keys(value);
    for (let i = 0; i < names.length; i++) {
        const member = value[names[i]];
        if (member === undefined) continue;
        text += (text ? "," : "") + stringify(names[i]) + ":" + encodeValue(member, attachments);
    }
    return `{${text}}`;
}

/**
 * Puts the attachments back in their places. Objects and arrays lose their prototypes: a member that is missing is
 * missing, whatever a script has put on `Object.prototype`.
 */
export function attach(value, payload, at) {
    if (value === null || typeof value !== "object") return value;
    setPrototypeOf(value, null);
    if (isArray(value)) {
        for (let i = 0; i < value.length; i++) value[i] = attach(value[i], payload, at);
        return value;
    }
    const names = keys(value);
    if (names.length === 1 && names[0] === "$bytes") {
        const begin = at.offset;
        at.offset += value.$bytes;
        // A copy of its own: what a script is handed must not show it the rest of the frame.
        const bytes = new Uint8Array(value.$bytes);
        TypedArrayPrototypeSet(bytes, subarray(payload, begin, at.offset));
        return bytes;
    }
    for (let i = 0; i < names.length; i++) value[names[i]] = attach(value[names[i]], payload, at);
    return value;
}
