/** Streams on their way out: what has their number pulls their pieces. */

import { Map, MapPrototypeDelete, MapPrototypeGet, MapPrototypeSet } from "./primordials.js";
import { ReadableStreamPrototypeGetReader, ReaderPrototypeCancel, ReaderPrototypeRead } from "./platform.js";
import { checkedPiece } from "./sources.js";

const readers = new Map();
let next = 1;

/** Lock `stream`, and give it a number. Throws TypeError where it is locked. */
export function register(stream) {
    const number = next++;
    MapPrototypeSet(readers, number, ReadableStreamPrototypeGetReader(stream));
    return number;
}

/**
 * A promise of the next piece, a Uint8Array; null at its end, and when there is no such stream any more. It rejects
 * with the stream's error, and with TypeError for what is no Uint8Array.
 */
export async function pull(number) {
    const reader = MapPrototypeGet(readers, number);
    if (reader === undefined) return null;
    try {
        const { done, value } = await ReaderPrototypeRead(reader);
        if (!done) return checkedPiece(value);
    } catch (error) {
        await cancel(number, error);
        throw error;
    }
    MapPrototypeDelete(readers, number);
    return null;
}

/** Nobody reads on. */
export async function cancel(number, reason = undefined) {
    const reader = MapPrototypeGet(readers, number);
    if (reader === undefined) return;
    MapPrototypeDelete(readers, number);
    try {
        await ReaderPrototypeCancel(reader, reason);
    } catch {
        // That is what the stream's own script threw, or its error, which a reader has had already.
    }
}
