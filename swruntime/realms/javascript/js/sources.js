/**
 * Where the bytes of a body come from.
 *
 * A source is not begun until someone reads it, and is read once:
 *
 * - `bytes`: all of it, where it is in memory; else null
 * - `handle`: the handle of the remote object that has it, where a runtime's object does; else null
 * - `read()`: a promise of the next piece, null at the end
 * - `cancel(reason)`: nobody will read on
 * - `clone()`: a second source with the same bytes, before anything was read; null where only a stream has them
 */

import {
    ArrayBuffer,
    ArrayBufferPrototypeGetByteLength,
    ArrayPrototypePush,
    MathMin,
    newList,
    PromisePrototypeThen,
    PromiseReject,
    PromiseResolve,
    PromiseWithResolvers,
    Set,
    SetPrototypeAdd,
    SetPrototypeDelete,
    SetPrototypeForEach,
    sever,
    subarray,
    TypedArrayPrototypeGetBuffer,
    TypedArrayPrototypeGetByteLength,
    TypedArrayPrototypeGetToStringTag,
    TypedArrayPrototypeSet,
    TypeError,
    Uint8Array,
} from "./primordials.js";
import {
    BlobPrototypeStream,
    ByobRequestPrototypeRespond,
    ByteControllerPrototypeClose,
    ByteControllerPrototypeEnqueue,
    ByteControllerPrototypeGetByobRequest,
    ReadableStream,
    ReadableStreamPrototypeGetReader,
    ReaderPrototypeCancel,
    ReaderPrototypeRead,
} from "./platform.js";

const CHUNK = 64 * 1024;

/** Bytes in memory, which nobody else changes. */
export class BytesSource {
    handle = null;
    #at = 0;

    constructor(bytes) {
        this.bytes = bytes;
    }

    read() {
        const size = TypedArrayPrototypeGetByteLength(this.bytes);
        if (this.#at >= size) return PromiseResolve(null);
        const to = MathMin(this.#at + CHUNK, size);
        // A copy: a byte stream takes the buffer away from who gives it a piece.
        const piece = copyOf(subarray(this.bytes, this.#at, to));
        this.#at = to;
        return PromiseResolve(piece);
    }

    cancel() {
        return PromiseResolve(undefined);
    }

    clone() {
        return new BytesSource(this.bytes);
    }
}

/**
 * Whether the response that a body came with was aborted: then reading it, now and later, is an error.
 *
 * A body and its clones share one, and it keeps none of them alive. https://fetch.spec.whatwg.org/#abort-fetch
 */
export class Fate {
    #failed = null;
    #waiting = new Set();

    /** `read`, as long as nothing is aborted. */
    guard(read) {
        if (this.#failed !== null) return PromiseReject(this.#failed.reason);
        const { promise, resolve, reject } = PromiseWithResolvers();
        SetPrototypeAdd(this.#waiting, reject);
        const settle = (how) => (value) => {
            SetPrototypeDelete(this.#waiting, reject);
            how(value);
        };
        PromisePrototypeThen(read(), settle(resolve), settle(reject));
        return promise;
    }

    fail(reason) {
        this.#failed = { __proto__: null, reason };
        SetPrototypeForEach(this.#waiting, (reject) => reject(reason));
    }
}

/** The body of an object of the runtime; nothing of it travels before it is read. */
export class RemoteSource {
    bytes = null;
    #remote;

    constructor(remote, fate = new Fate()) {
        this.#remote = remote;
        this.fate = fate;
    }

    get handle() {
        return this.#remote.handle;
    }

    read() {
        return this.fate.guard(() => this.#remote.read());
    }

    cancel() {
        return PromiseResolve(this.#remote.cancel());
    }

    clone() {
        return new RemoteSource(this.#remote.clone(), this.fate);
    }
}

/** A stream that only has been made when it is read: a Blob's, or that of a form which the engine encodes. */
export class LazySource {
    bytes = null;
    handle = null;
    #open;
    #reader = null;

    /** @param {() => ReadableStream} open called at most once */
    constructor(open) {
        this.#open = open;
    }

    async read() {
        this.#reader ??= ReadableStreamPrototypeGetReader(this.#open());
        const { done, value } = await ReaderPrototypeRead(this.#reader);
        return done ? null : checkedPiece(value);
    }

    cancel(reason) {
        this.#reader ??= ReadableStreamPrototypeGetReader(this.#open());
        return ReaderPrototypeCancel(this.#reader, reason);
    }

    clone() {
        return null;
    }
}

for (const cls of [BytesSource, Fate, RemoteSource, LazySource]) sever(cls);

/** A Blob, which can be read any number of times. */
export class BlobSource extends LazySource {
    #blob;

    constructor(blob) {
        super(() => BlobPrototypeStream(blob));
        this.#blob = blob;
    }

    clone() {
        return new BlobSource(this.#blob);
    }
}

/** A piece of a stream of bytes. Throws TypeError for what is no Uint8Array. */
export function checkedPiece(value) {
    if (TypedArrayPrototypeGetToStringTag(value) !== "Uint8Array") {
        throw new TypeError("A piece of the body is not a Uint8Array.");
    }
    return value;
}

/** All that is left of a source. */
export async function readAll(source) {
    if (source.bytes !== null) return source.bytes;
    const pieces = newList();
    let size = 0;
    for (let piece; (piece = await source.read()) !== null;) {
        ArrayPrototypePush(pieces, piece);
        size += TypedArrayPrototypeGetByteLength(piece);
    }
    if (pieces.length === 1) return pieces[0];
    const result = new Uint8Array(size);
    for (let at = 0, each = 0; each < pieces.length; each++) {
        TypedArrayPrototypeSet(result, pieces[each], at);
        at += TypedArrayPrototypeGetByteLength(pieces[each]);
    }
    return result;
}

/** A byte stream that asks `source` for a piece when, and only when, someone asks it for one. */
export function streamOf(source) {
    const underlying = {
        __proto__: null,
        type: "bytes",
        async pull(controller) {
            let piece = await source.read();
            while (piece !== null && TypedArrayPrototypeGetByteLength(piece) === 0) {
                piece = await source.read();
            }
            if (piece !== null) {
                ByteControllerPrototypeEnqueue(controller, ownBuffer(piece));
                return;
            }
            ByteControllerPrototypeClose(controller);
            // Who waits with a buffer of their own is told that nothing comes.
            const request = ByteControllerPrototypeGetByobRequest(controller);
            if (request !== null) ByobRequestPrototypeRespond(request, 0);
        },
        cancel: (reason) => source.cancel(reason),
    };
    return new ReadableStream(underlying, { __proto__: null, highWaterMark: 0 });
}

/** `piece`, with a buffer that nobody else has a part of. */
function ownBuffer(piece) {
    const whole = ArrayBufferPrototypeGetByteLength(TypedArrayPrototypeGetBuffer(piece));
    return whole === TypedArrayPrototypeGetByteLength(piece) ? piece : copyOf(piece);
}

/** A Uint8Array with the bytes of another. */
export function copyOf(bytes) {
    const result = new Uint8Array(new ArrayBuffer(TypedArrayPrototypeGetByteLength(bytes)));
    TypedArrayPrototypeSet(result, bytes);
    return result;
}
