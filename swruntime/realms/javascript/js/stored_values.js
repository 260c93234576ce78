/**
 * Values of IndexedDB as bytes, which a profile keeps: a 1, the length of what follows as JSON (32 bits, big-endian),
 * the wire form of clone.js as JSON, and its bytes one after the other (see plain_data.js). A byte 255 at the beginning
 * is of the engine's own serializer, which had no Blobs; what earlier versions wrote with it is read.
 *
 * https://html.spec.whatwg.org/multipage/structured-data.html#structuredserializeforstorage
 */

import { deserialize, serialize } from "./clone.js";
import { deserialize as engineDeserialize } from "./engine.js";
import { attach, encodeValue } from "./plain_data.js";
import {
    DataView, DataViewPrototypeGetUint32, DataViewPrototypeSetUint32, JSONParse, newList, RangeError, subarray,
    TypedArrayPrototypeGetBuffer, TypedArrayPrototypeGetByteLength, TypedArrayPrototypeGetByteOffset,
    TypedArrayPrototypeSet, Uint8Array, utf8Decode, utf8Encode,
} from "./primordials.js";

const OURS = 1;
const ENGINES = 0xff;
const HEAD = 5;

/**
 * *StructuredSerializeForStorage*: the bytes, and a function that makes one clone of the value, without asking the
 * script again. Throws DataCloneError, and what a getter throws.
 */
export function serializeForStorage(value) {
    const wire = serialize(value, [], "value");
    return { __proto__: null, bytes: pack(wire), clone: () => deserialize(wire, []) };
}

/** *StructuredDeserialize*. Throws where the bytes are of no value. */
export function deserializeStored(bytes) {
    if (bytes[0] === ENGINES) return engineDeserialize(bytes);
    if (bytes[0] !== OURS) throw new RangeError(`a value of the unknown form ${bytes[0]}`);
    const end = HEAD + DataViewPrototypeGetUint32(viewOf(bytes), 1);
    const wire = JSONParse(utf8Decode(subarray(bytes, HEAD, end)));
    const attachments = subarray(bytes, end, TypedArrayPrototypeGetByteLength(bytes));
    return deserialize(attach(wire, attachments, { __proto__: null, offset: 0 }), []);
}

function pack(wire) {
    const attachments = newList();
    const header = utf8Encode(encodeValue(wire, attachments));
    const length = TypedArrayPrototypeGetByteLength(header);
    let size = HEAD + length;
    for (let i = 0; i < attachments.length; i++) size += TypedArrayPrototypeGetByteLength(attachments[i]);
    const bytes = new Uint8Array(size);
    bytes[0] = OURS;
    DataViewPrototypeSetUint32(viewOf(bytes), 1, length);
    TypedArrayPrototypeSet(bytes, header, HEAD);
    for (let i = 0, at = HEAD + length; i < attachments.length; i++) {
        TypedArrayPrototypeSet(bytes, attachments[i], at);
        at += TypedArrayPrototypeGetByteLength(attachments[i]);
    }
    return bytes;
}

const viewOf = (bytes) =>
    new DataView(
        TypedArrayPrototypeGetBuffer(bytes), TypedArrayPrototypeGetByteOffset(bytes), TypedArrayPrototypeGetByteLength(bytes),
    );
