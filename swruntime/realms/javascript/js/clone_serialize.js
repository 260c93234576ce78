// https://html.spec.whatwg.org/multipage/structured-data.html#structuredserializewithtransfer

import { isAnyArrayBuffer, isSharedArrayBuffer } from "./engine.js";
import { bytesOfBlob } from "./blob_bytes.js";
import { Entries, frameOfArray, Members, Properties } from "./clone_frames.js";
import { described, isLengthTracking, kindOf } from "./clone_kinds.js";
import { errorNode, primitive, unboxed } from "./clone_leaves.js";
import { domException } from "./errors.js";
import {
    ArrayBufferPrototypeGetByteLength, ArrayBufferPrototypeGetDetached, ArrayBufferPrototypeGetMaxByteLength,
    ArrayBufferPrototypeGetResizable, ArrayBufferPrototypeTransferToFixedLength, ArrayPrototypeJoin, ArrayPrototypePop,
    ArrayPrototypePush, ArrayPrototypeSlice, concat, DataViewPrototypeGetBuffer, DataViewPrototypeGetByteLength,
    DataViewPrototypeGetByteOffset, DatePrototypeGetTime, Map, MapPrototypeGet, MapPrototypeHas, MapPrototypeSet,
    MAX_SAFE_INTEGER, MathMax, MathMin, MIN_SAFE_INTEGER, newList, NumberIsNaN, regExpFlags, RegExpPrototypeGetSource,
    TypedArrayPrototypeGetBuffer, TypedArrayPrototypeGetByteLength, TypedArrayPrototypeGetByteOffset,
    TypedArrayPrototypeGetLength, TypedArrayPrototypeGetToStringTag, TypedArrayPrototypeSet, Uint8Array,
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
const outOfBounds = (path, type) => failure(`${path} is a ${type} out of the bounds of its buffer.`);
const isBuffer = (value) => isAnyArrayBuffer(value) && !isSharedArrayBuffer(value);

class Serializer {
    #what;
    #nodes = newList();
    /** The node of each object that was met. */
    #indices = new Map();
    #frames = newList();
    /** Of each frame the index of its node. */
    #walked = newList();
    /** Of each ArrayBuffer that is transferred its node, null until it is met. */
    #buffers = new Map();
    /** Of each view of a buffer that can be resized: its node, where it ends, and the path to it. */
    #bounds = newList();

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
                this.#nodes[ArrayPrototypePop(this.#walked)] = frame.node();
                ArrayPrototypePop(this.#frames);
            }
        }
        this.#transfer(transferred);
        this.#checkBounds();
        return { root, nodes: this.#nodes };
    }

    #list(transferred) {
        let ports = 0;
        for (let i = 0; i < transferred.length; i++) {
            const each = transferred[i];
            if (MapPrototypeHas(this.#indices, each) || MapPrototypeHas(this.#buffers, each)) {
                throw failure(`transfer[${i}] is in the list a second time.`);
            }
            if (isPort(each)) this.#add(each, { k: "Port", index: ports++ });
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

    /** Between a view and its buffer, a getter may have shrunk that. */
    #checkBounds() {
        for (let i = 0; i < this.#bounds.length; i++) {
            const { node, end, path } = this.#bounds[i];
            const { bytes } = this.#nodes[node.buffer];
            if (TypedArrayPrototypeGetByteLength(bytes) < end) throw outOfBounds(path, node.type);
        }
    }

    #path(suffix) {
        let steps = newList();
        for (let i = 0; i < this.#frames.length; i++) ArrayPrototypePush(steps, this.#frames[i].step);
        if (steps.length > 2 * SHOWN) {
            const first = ArrayPrototypeSlice(steps, 0, SHOWN);
            ArrayPrototypePush(first, "...");
            steps = concat(first, ArrayPrototypeSlice(steps, steps.length - SHOWN));
        }
        return `${this.#what}${ArrayPrototypeJoin(steps, "")}${suffix}`;
    }

    #add(object, node) {
        const index = ArrayPrototypePush(this.#nodes, node) - 1;
        MapPrototypeSet(this.#indices, object, index);
        return index;
    }

    /** A value; what has parts is walked before anything else is. */
    #value(value, suffix = "") {
        if (typeof value === "symbol" || typeof value === "function") throw refused(this.#path(suffix), value);
        if (typeof value !== "object" || value === null) return primitive(value);
        const index = MapPrototypeGet(this.#indices, value);
        if (index !== undefined) return { r: index };
        const kind = kindOf(value);
        if (kind === null) {
            if (isPort(value)) throw failure(`${this.#path(suffix)} is a MessagePort that is not in the transfer list.`);
            throw refused(this.#path(suffix), value);
        }
        const added = this.#add(value, null);
        const frame = frameOf(kind, value);
        if (frame === null) {
            this.#nodes[added] = this.#node(kind, value, suffix);
        } else {
            ArrayPrototypePush(this.#frames, frame);
            ArrayPrototypePush(this.#walked, added);
        }
        return { r: added };
    }

    #node(kind, value, suffix) {
        switch (kind) {
            case "Boxed":
                return { k: kind, value: primitive(unboxed(value)) };
            case "Date": {
                const time = DatePrototypeGetTime(value);
                return { k: kind, t: NumberIsNaN(time) ? null : time };
            }
            case "RegExp":
                return { k: kind, source: RegExpPrototypeGetSource(value), flags: regExpFlags(value) };
            case "Error":
                return errorNode(value);
            case "Blob":
                return this.#blob(value, suffix);
            case "ArrayBuffer":
                return this.#buffer(value, suffix);
        }
        return this.#view(value, suffix);
    }

    #blob(blob, suffix) {
        const bytes = bytesOfBlob(blob);
        if (bytes === undefined) throw failure(`${this.#path(suffix)} is a Blob whose bytes are not in memory.`);
        const type = BlobPrototypeGetType(blob);
        if (!isFile(blob)) return { k: "Blob", bytes, type, name: null, lastModified: 0 };
        const lastModified = MathMin(MathMax(FilePrototypeGetLastModified(blob), MIN_SAFE_INTEGER), MAX_SAFE_INTEGER);
        return { k: "Blob", bytes, type, name: FilePrototypeGetName(blob), lastModified };
    }

    #buffer(buffer, suffix) {
        const most = ArrayBufferPrototypeGetResizable(buffer) ? ArrayBufferPrototypeGetMaxByteLength(buffer) : null;
        const node = { k: "ArrayBuffer", bytes: null, maxByteLength: most };
        if (MapPrototypeHas(this.#buffers, buffer)) {
            MapPrototypeSet(this.#buffers, buffer, node); // whose bytes are moved in the end
            return node;
        }
        if (ArrayBufferPrototypeGetDetached(buffer)) throw failure(`${this.#path(suffix)} is a detached ArrayBuffer.`);
        node.bytes = new Uint8Array(ArrayBufferPrototypeGetByteLength(buffer));
        TypedArrayPrototypeSet(node.bytes, new Uint8Array(buffer));
        return node;
    }

    #view(view, suffix) {
        const tag = TypedArrayPrototypeGetToStringTag(view);
        const isTyped = tag !== undefined;
        const type = isTyped ? tag : "DataView";
        const buffer = isTyped ? TypedArrayPrototypeGetBuffer(view) : DataViewPrototypeGetBuffer(view);
        const isResizable =
            isBuffer(buffer) && !ArrayBufferPrototypeGetDetached(buffer) && ArrayBufferPrototypeGetResizable(buffer);
        let tracks = false;
        try {
            tracks = isResizable && isLengthTracking(view);
        } catch {
            throw outOfBounds(this.#path(suffix), type);
        }
        const at = this.#value(buffer, `${suffix}.buffer`).r;
        const offset = isTyped ? TypedArrayPrototypeGetByteOffset(view) : DataViewPrototypeGetByteOffset(view);
        const size = isTyped ? TypedArrayPrototypeGetByteLength(view) : DataViewPrototypeGetByteLength(view);
        const length = isTyped ? TypedArrayPrototypeGetLength(view) : size;
        const node = { k: "View", type, buffer: at, offset, length: tracks ? null : length };
        const end = tracks ? offset : offset + size;
        if (isResizable) ArrayPrototypePush(this.#bounds, { node, end, path: this.#path(suffix) });
        return node;
    }
}

/** How to walk what has parts; null for what has none. */
function frameOf(kind, value) {
    switch (kind) {
        case "Object":
            return new Properties(value);
        case "Array":
            return frameOfArray(value);
        case "Map":
            return new Entries(value);
        case "Set":
            return new Members(value);
    }
    return null;
}
