// Plain data with bytes in it, as JSON and the bytes beside: of frames, and of the values that IndexedDB keeps.

const { stringify } = JSON;
const { keys } = Object;
const { isArray } = Array;
const { apply } = Reflect;
const uncurry = (fn) => (self, ...rest) => apply(fn, self, rest);
const setBytes = uncurry(Uint8Array.prototype.set);
const subarray = uncurry(Uint8Array.prototype.subarray);
const Bytes = Uint8Array;

/** JSON of plain data; each Uint8Array in it is put into `attachments`, in order. It asks nothing that a script can change. */
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
    if (value instanceof Bytes) {
        attachments[attachments.length] = value;
        return `{"$bytes":${value.byteLength}}`;
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

/** Puts the attachments back in their places. */
export function attach(value, payload, at) {
    if (value === null || typeof value !== "object") return value;
    if (isArray(value)) {
        for (let i = 0; i < value.length; i++) value[i] = attach(value[i], payload, at);
        return value;
    }
    const names = keys(value);
    if (names.length === 1 && names[0] === "$bytes") {
        const begin = at.offset;
        at.offset += value.$bytes;
        // A copy of its own: what a script is handed must not show it the rest of the frame.
        const bytes = new Bytes(value.$bytes);
        setBytes(bytes, subarray(payload, begin, at.offset));
        return bytes;
    }
    for (let i = 0; i < names.length; i++) value[names[i]] = attach(value[names[i]], payload, at);
    return value;
}
