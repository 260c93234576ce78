// The bytes of a Blob, without waiting: a message with a Blob in it is serialized at once.

import { getPromiseDetails, isTypedArray, partsSlot, setPromiseHooks } from "./engine.js";
import {
    ArrayPrototypePop, ArrayPrototypePush, newList, ObjectGetPrototypeOf, ObjectSetPrototypeOf, PromisePrototypeThen,
    TypedArrayPrototypeGetByteLength, TypedArrayPrototypeSet, Uint8Array, uncurryThis,
} from "./primordials.js";
import { Blob, isBlob } from "./platform.js";

const reference = new Blob(["probe"])[partsSlot][0];
ObjectSetPrototypeOf(ObjectGetPrototypeOf(reference), null);
const streamOf = uncurryThis(ObjectGetPrototypeOf(reference).stream);
// %AsyncGeneratorPrototype%
const next = uncurryThis(ObjectGetPrototypeOf(ObjectGetPrototypeOf(streamOf(reference))).next);
const nothing = () => {};
const FULFILLED = 1;

/**
 * The bytes that a reference of the engine's stands for. The engine gives them as a promise only; but it has them in
 * memory, and so that promise is fulfilled as it is made. undefined where it is not.
 */
function referenced(reference) {
    const promises = newList();
    const note = (promise) => {
        promises[promises.length] = promise;
    };
    setPromiseHooks(note, undefined, undefined, undefined);
    let result;
    try {
        result = next(streamOf(reference));
    } finally {
        setPromiseHooks(undefined, undefined, undefined, undefined);
    }
    PromisePrototypeThen(result, nothing, nothing);
    for (let i = 0; i < promises.length; i++) {
        const details = getPromiseDetails(promises[i]);
        if (details[0] === FULFILLED && isTypedArray(details[1])) return details[1];
    }
    return undefined;
}

/** The bytes of a Blob, in a buffer of their own; undefined where the engine does not have them in memory. */
export function bytesOfBlob(blob) {
    const pieces = newList();
    let size = 0;
    const wanted = newList();
    ArrayPrototypePush(wanted, blob);
    while (wanted.length > 0) {
        const part = ArrayPrototypePop(wanted);
        if (isBlob(part)) {
            const parts = part[partsSlot];
            for (let i = parts.length - 1; i >= 0; i--) ArrayPrototypePush(wanted, parts[i]);
            continue;
        }
        const bytes = referenced(part);
        if (bytes === undefined) return undefined;
        size += TypedArrayPrototypeGetByteLength(bytes);
        ArrayPrototypePush(pieces, bytes);
    }
    const whole = new Uint8Array(size);
    for (let i = 0, at = 0; i < pieces.length; i++) {
        TypedArrayPrototypeSet(whole, pieces[i], at);
        at += TypedArrayPrototypeGetByteLength(pieces[i]);
    }
    return whole;
}
