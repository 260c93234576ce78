// https://html.spec.whatwg.org/multipage/structured-data.html#structuredserializewithtransfer

import { isAnyArrayBuffer, isSharedArrayBuffer } from "./engine.js";
import { bytesOfBlob } from "./blob_bytes.js";
import { Entries, Items, Members, Properties } from "./clone_frames.js";
import { described, isLengthTracking, kindOf } from "./clone_kinds.js";
import { fillError, primitive, unboxed } from "./clone_leaves.js";
import { domException } from "./errors.js";
import {
    ArrayBufferPrototypeGetByteLength, ArrayBufferPrototypeGetDetached, ArrayBufferPrototypeGetMaxByteLength,
    ArrayBufferPrototypeGetResizable, ArrayBufferPrototypeTransferToFixedLength, ArrayPrototypeJoin, ArrayPrototypePop,
    ArrayPrototypePush, ArrayPrototypeSplice, DataViewPrototypeGetBuffer, DataViewPrototypeGetByteLength,
    DataViewPrototypeGetByteOffset, DatePrototypeGetTime, Map, MapPrototypeGet, MapPrototypeHas, MapPrototypeSet,
    MAX_SAFE_INTEGER, MathMax, MathMin, MIN_SAFE_INTEGER, NumberIsNaN, regExpFlags, RegExpPrototypeGetSource,
    TypedArrayPrototypeGetBuffer, TypedArrayPrototypeGetByteOffset, TypedArrayPrototypeGetLength,
    TypedArrayPrototypeGetToStringTag, TypedArrayPrototypeSet, Uint8Array,
} from "./primordials.js";
import { BlobPrototypeGetType, FilePrototypeGetLastModified, FilePrototypeGetName, isFile } from "./platform.js";

/** The steps of a path that are shown, at each of its ends. */
const SHOWN = 6;

let isPort = () => false;
let isDetached = () => false;

export function configureSerializer(asPort, asDetached = () => false) {
    isPort = asPort;
    isDetached = asDetached;
}

/**
 * The wire form of `value`; what is in the list `transferred` goes along, and ArrayBuffers of it are detached. `what`
 * names the value in errors. Throws DataCloneError, or whatever a getter throws.
 */
export function serialize(value, transferred, what = "message") {
    return new Serializer(what).run(value, transferred);
}

const failure = (text) => domException(text, "DataCloneError");
const refused = (path, value) => failure(`${path} is ${described(value)}, which cannot be cloned.`);
const isBuffer = (value) => isAnyArrayBuffer(value) && !isSharedArrayBuffer(value);

class Serializer {
    #what;
    #nodes = [];
    /** The node of each object that was met. */
    #indices = new Map();
    #frames = [];
    /** Of each ArrayBuffer that is transferred its node, null until it is met. */
    #buffers = new Map();

    constructor(what) {
        this.#what = what;
    }

    run(value, transferred) {
        this.#list(transferred);
        const root = this.#value(value);
        while (this.#frames.length > 0) {
            const frame = this.#frames[this.#frames.length - 1];
            if (frame.next()) {
                frame.put(this.#value(frame.read()));
            } else {
                frame.end();
                ArrayPrototypePop(this.#frames);
            }
        }
        this.#transfer(transferred);
        return { __proto__: null, root, nodes: this.#nodes };
    }

    #list(transferred) {
        let ports = 0;
        for (let i = 0; i < transferred.length; i++) {
            const each = transferred[i];
            if (MapPrototypeHas(this.#indices, each) || MapPrototypeHas(this.#buffers, each)) {
                throw failure(`transfer[${i}] is in the list a second time.`);
            }
            if (isPort(each)) this.#add(each, { __proto__: null, k: "Port", index: ports++ });
            else if (isBuffer(each)) MapPrototypeSet(this.#buffers, each, null);
            else throw failure(`transfer[${i}] is ${described(each)}, which cannot be transferred.`);
        }
    }

    /** Only now, as the getters of a value may still use what is transferred with it, or detach it. */
    #transfer(transferred) {
        for (let i = 0; i < transferred.length; i++) {
            const each = transferred[i];
            const gone = isPort(each) ? isDetached(each) : ArrayBufferPrototypeGetDetached(each);
            if (gone) throw failure(`transfer[${i}] is detached: it was transferred or closed before.`);
        }
        for (let i = 0; i < transferred.length; i++) {
            if (isPort(transferred[i])) continue;
            const node = MapPrototypeGet(this.#buffers, transferred[i]);
            let moved;
            try {
                moved = ArrayBufferPrototypeTransferToFixedLength(transferred[i]);
            } catch {
                throw failure(`transfer[${i}] is an ArrayBuffer of WebAssembly's, which cannot be detached.`);
            }
            if (node !== null) node.bytes = new Uint8Array(moved);
        }
    }

    #path(suffix) {
        const steps = [];
        for (let i = 0; i < this.#frames.length; i++) ArrayPrototypePush(steps, this.#frames[i].step);
        if (steps.length > 2 * SHOWN) ArrayPrototypeSplice(steps, SHOWN, steps.length - 2 * SHOWN, "...");
        return `${this.#what}${ArrayPrototypeJoin(steps, "")}${suffix}`;
    }

    #add(object, node) {
        const index = ArrayPrototypePush(this.#nodes, node) - 1;
        MapPrototypeSet(this.#indices, object, index);
        return { __proto__: null, r: index };
    }

    /** A value; what has parts is walked before anything else is. */
    #value(value, suffix = "") {
        if (typeof value === "symbol" || typeof value === "function") throw refused(this.#path(suffix), value);
        if (typeof value !== "object" || value === null) return primitive(value);
        const index = MapPrototypeGet(this.#indices, value);
        if (index !== undefined) return { __proto__: null, r: index };
        const kind = kindOf(value);
        if (kind === null) {
            if (isPort(value)) throw failure(`${this.#path(suffix)} is a MessagePort that is not in the transfer list.`);
            throw refused(this.#path(suffix), value);
        }
        const node = { __proto__: null, k: kind };
        const reference = this.#add(value, node);
        this.#fill(kind, value, node, suffix);
        return reference;
    }

    #fill(kind, value, node, suffix) {
        switch (kind) {
            case "Object":
                ArrayPrototypePush(this.#frames, new Properties(value, node));
                break;
            case "Array":
                node.k = "SparseArray";
                ArrayPrototypePush(this.#frames, new Items(value, node));
                break;
            case "Map":
                ArrayPrototypePush(this.#frames, new Entries(value, node));
                break;
            case "Set":
                ArrayPrototypePush(this.#frames, new Members(value, node));
                break;
            case "Boxed":
                node.value = primitive(unboxed(value));
                break;
            case "Date": {
                const time = DatePrototypeGetTime(value);
                node.t = NumberIsNaN(time) ? null : time;
                break;
            }
            case "RegExp":
                node.source = RegExpPrototypeGetSource(value);
                node.flags = regExpFlags(value);
                break;
            case "Error":
                fillError(node, value);
                break;
            case "Blob":
                this.#fillBlob(node, value, suffix);
                break;
            case "ArrayBuffer":
                this.#fillBuffer(node, value, suffix);
                break;
            case "View":
                this.#fillView(node, value, suffix);
                break;
        }
    }

    #fillBlob(node, blob, suffix) {
        const bytes = bytesOfBlob(blob);
        if (bytes === undefined) throw failure(`${this.#path(suffix)} is a Blob whose bytes are not in memory.`);
        const file = isFile(blob);
        node.bytes = bytes;
        node.type = BlobPrototypeGetType(blob);
        node.name = file ? FilePrototypeGetName(blob) : null;
        const modified = file ? FilePrototypeGetLastModified(blob) : 0;
        node.lastModified = MathMin(MathMax(modified, MIN_SAFE_INTEGER), MAX_SAFE_INTEGER);
    }

    #fillBuffer(node, buffer, suffix) {
        node.maxByteLength = ArrayBufferPrototypeGetResizable(buffer) ? ArrayBufferPrototypeGetMaxByteLength(buffer) : null;
        if (MapPrototypeHas(this.#buffers, buffer)) {
            MapPrototypeSet(this.#buffers, buffer, node);
            return;
        }
        if (ArrayBufferPrototypeGetDetached(buffer)) throw failure(`${this.#path(suffix)} is a detached ArrayBuffer.`);
        const bytes = new Uint8Array(ArrayBufferPrototypeGetByteLength(buffer));
        TypedArrayPrototypeSet(bytes, new Uint8Array(buffer));
        node.bytes = bytes;
    }

    #fillView(node, view, suffix) {
        const type = TypedArrayPrototypeGetToStringTag(view);
        const isTyped = type !== undefined;
        const buffer = isTyped ? TypedArrayPrototypeGetBuffer(view) : DataViewPrototypeGetBuffer(view);
        node.type = isTyped ? type : "DataView";
        let tracks = false;
        if (isBuffer(buffer) && !ArrayBufferPrototypeGetDetached(buffer) && ArrayBufferPrototypeGetResizable(buffer)) {
            try {
                tracks = isLengthTracking(view);
            } catch {
                throw failure(`${this.#path(suffix)} is a ${node.type} out of the bounds of its buffer.`);
            }
        }
        node.buffer = this.#value(buffer, `${suffix}.buffer`).r;
        node.offset = isTyped ? TypedArrayPrototypeGetByteOffset(view) : DataViewPrototypeGetByteOffset(view);
        if (tracks) node.length = null;
        else node.length = isTyped ? TypedArrayPrototypeGetLength(view) : DataViewPrototypeGetByteLength(view);
    }
}
