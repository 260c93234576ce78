/**
 * A body that is read once: https://fetch.spec.whatwg.org/#concept-body
 *
 * Most bodies are read, or handed on, without anyone asking for their stream; so the stream is only made when a script
 * asks for it, and until it is read the body still is where it came from.
 */

import { sever, TypeError, Uint8Array, WeakMap, WeakMapPrototypeGet, WeakMapPrototypeSet } from "./primordials.js";
import {
    EngineResponse,
    EngineResponsePrototypeBytes,
    EngineResponsePrototypeGetBodyUsed,
    identityTransform,
    ReadableStreamPrototypeCancel,
    ReadableStreamPrototypeGetLocked,
    ReadableStreamPrototypeGetReader,
    ReadableStreamPrototypePipeThrough,
    ReadableStreamPrototypeTee,
    ReaderPrototypeCancel,
} from "./platform.js";
import { BytesSource, readAll, streamOf } from "./sources.js";

/** The body that a stream is the stream of. */
const bodies = new WeakMap();

/** The body of a script's stream. Throws TypeError where it is disturbed or locked. */
export function bodyOfStream(stream) {
    const body = WeakMapPrototypeGet(bodies, stream);
    // A stream of ours is still the body that it is of: nothing need travel through it.
    if (body === undefined) return new BodyState(null, stream);
    body.check();
    return body;
}

const nothing = () => new BytesSource(new Uint8Array(0));

let toldUnusable = () => {};

/** Call `tell` whenever a script uses a body that is used already. */
export const onUnusable = (tell) => {
    toldUnusable = tell;
};

export class BodyState {
    /** Where the bytes are; null where only a stream has them. */
    #source;
    #stream = null;
    /** Where the stream has its bytes from, until the body is handed on. */
    #holder = null;
    /** An engine's Response around the stream: only that tells whether a stream is disturbed. */
    #probe = null;
    /** Read, being read or handed on, and not by its stream. */
    #used = false;

    constructor(source, stream = null) {
        this.#source = source;
        if (stream !== null) this.#setStream(stream);
    }

    #setStream(stream) {
        this.#probe = new EngineResponse(stream); // throws TypeError where it is disturbed or locked
        this.#stream = stream;
        WeakMapPrototypeSet(bodies, stream, this);
    }

    /** Whether its length is unknown and it can be read once only. */
    get isStream() {
        return this.#source === null;
    }

    get stream() {
        if (this.#stream === null) this.#makeStream();
        return this.#stream;
    }

    #makeStream() {
        if (!this.#used) {
            const holder = this.#holder = { __proto__: null, source: this.#source };
            const read = () => holder.source.read();
            return this.#setStream(streamOf({ __proto__: null, read, cancel: (reason) => holder.source.cancel(reason) }));
        }
        // What is left to see is a stream that someone reads: reading a body locks it for good.
        this.#setStream(streamOf(nothing()));
        ReaderPrototypeCancel(ReadableStreamPrototypeGetReader(this.#stream));
    }

    /** https://fetch.spec.whatwg.org/#dom-body-bodyused */
    get used() {
        return this.#used || (this.#probe !== null && EngineResponsePrototypeGetBodyUsed(this.#probe));
    }

    /** https://fetch.spec.whatwg.org/#body-unusable */
    get unusable() {
        return this.used || (this.#stream !== null && ReadableStreamPrototypeGetLocked(this.#stream));
    }

    /** Throws TypeError where it is unusable. */
    check() {
        if (!this.unusable) return;
        toldUnusable();
        throw new TypeError("The body is used already, or its stream is locked.");
    }

    /** The handle of the remote object whose body this is, unread; null where it is none. */
    get handle() {
        return this.#source === null || this.unusable ? null : this.#source.handle;
    }

    /** A promise of all its bytes; it is used from now on. Throws TypeError where it is unusable. */
    readAll() {
        this.check();
        if (this.#stream !== null) return EngineResponsePrototypeBytes(this.#probe);
        this.#used = true;
        return readAll(this.#source);
    }

    /** Hand it on, as {bytes}, {remote: handle} or {stream}: it is used now. Throws TypeError where it is unusable. */
    take() {
        this.check();
        const source = this.#leave();
        if (source === null) return { __proto__: null, stream: this.#stream };
        if (source.handle !== null) return { __proto__: null, remote: source.handle };
        return source.bytes !== null
            ? { __proto__: null, bytes: source.bytes }
            : { __proto__: null, stream: streamOf(source) };
    }

    /**
     * The same for another Request: this one is used from now on. Throws TypeError where it is unusable.
     * https://fetch.spec.whatwg.org/#concept-body-create-a-proxy
     */
    move() {
        this.check();
        const source = this.#leave();
        if (source !== null) return new BodyState(source);
        return new BodyState(null, ReadableStreamPrototypePipeThrough(this.#stream, identityTransform()));
    }

    /** https://fetch.spec.whatwg.org/#concept-body-clone. Throws TypeError where it is unusable. */
    clone() {
        this.check();
        const copy = this.#source === null ? null : this.#source.clone();
        if (copy !== null) return new BodyState(copy);
        const branches = ReadableStreamPrototypeTee(this.stream);
        this.#source = null;
        this.#setStream(branches[0]);
        return new BodyState(null, branches[1]);
    }

    /** Its source is another's from now on. What there is of a stream ends, and has nothing to cancel. */
    #leave() {
        const source = this.#source;
        this.#used = true;
        if (source !== null) {
            this.#source = nothing();
            if (this.#stream !== null) {
                this.#holder.source = this.#source;
                ReadableStreamPrototypeCancel(this.#stream);
            }
        }
        return source;
    }
}
sever(BodyState);
