// https://html.spec.whatwg.org/multipage/structured-data.html#structureddeserialize

import { errorFrom, ownName } from "./errors.js";
import {
    arrayFor, ArrayBuffer, BigInt, Date, Map, MapPrototypeSet, Object, ObjectPrototype, ObjectPrototypeHasOwnProperty,
    iterable, newList, ReflectDefineProperty, RegExp, Set, SetPrototypeAdd, StringPrototypeSlice,
    StringPrototypeStartsWith, TypedArrayPrototypeGetBuffer, TypedArrayPrototypeGetByteLength, TypedArrayPrototypeSet,
    Uint8Array,
} from "./primordials.js";
import { Blob, File } from "./platform.js";

const VIEWS = {
    __proto__: null,
    BigInt64Array, BigUint64Array, DataView, Float16Array, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array,
    Uint8Array, Uint8ClampedArray, Uint16Array, Uint32Array,
};
const FLOATS = { __proto__: null, NaN, Infinity, "-Infinity": -Infinity, "-0": -0 };

/**
 * The value that a wire form stands for, `ports` being those that came with it. It uses up the wire: bytes and lists of
 * it become the value's. Throws what the engine throws where there is no such value, a RegExp of another syntax.
 */
export function deserialize(wire, ports) {
    return new Deserializer(wire.nodes, ports).run(wire.root);
}

class Deserializer {
    #nodes;
    #ports;
    /** Without a prototype: a script may have put setters there. */
    #made = newList();

    constructor(nodes, ports) {
        this.#nodes = nodes;
        this.#ports = ports;
    }

    /** All that is, without its parts; views, which are made of buffers; then the parts: so cycles are no matter. */
    run(root) {
        const nodes = this.#nodes;
        for (let i = 0; i < nodes.length; i++) this.#made[i] = this.#make(nodes[i]);
        for (let i = 0; i < nodes.length; i++) if (nodes[i].k === "View") this.#made[i] = this.#view(nodes[i]);
        for (let i = 0; i < nodes.length; i++) this.#fill(this.#made[i], nodes[i]);
        return this.#value(root);
    }

    #value(wire) {
        if (wire === null || typeof wire !== "object") return wire;
        if (has(wire, "r")) return this.#made[wire.r];
        if (has(wire, "n")) return bigint(wire.n);
        return has(wire, "f") ? FLOATS[wire.f] : undefined;
    }

    #make(node) {
        switch (node.k) {
            case "Array":
                return arrayFor(node.items);
            case "SparseArray": {
                const array = [];
                array.length = node.length;
                return array;
            }
            case "Object":
                return {};
            case "Map":
                return new Map();
            case "Set":
                return new Set();
            case "Date":
                return new Date(node.t === null ? NaN : node.t);
            case "RegExp":
                return new RegExp(node.source, node.flags);
            case "Boxed":
                return new Object(this.#value(node.value));
            case "Error":
                return error(node);
            case "Blob":
                return blob(node);
            case "Port":
                return this.#ports[node.index];
            case "ArrayBuffer":
                return buffer(node);
        }
        return undefined; // a View
    }

    #view({ type, buffer, offset, length }) {
        const View = VIEWS[type];
        return length === null ? new View(this.#made[buffer], offset) : new View(this.#made[buffer], offset, length);
    }

    #fill(made, node) {
        switch (node.k) {
            case "Array":
                for (let i = 0; i < made.length; i++) made[i] = this.#value(made[i]);
                break;
            case "Object": {
                const { entries } = node;
                for (let i = 0; i < entries.length; i++) {
                    const key = entries[i][0];
                    const value = this.#value(entries[i][1]);
                    // Much faster, and the same where there is neither a setter nor `__proto__` to be asked.
                    if (key in ObjectPrototype) define(made, key, value);
                    else made[key] = value;
                }
                break;
            }
            case "SparseArray": {
                const { entries } = node;
                for (let i = 0; i < entries.length; i++) define(made, entries[i][0], this.#value(entries[i][1]));
                break;
            }
            case "Map": {
                const { entries } = node;
                for (let i = 0; i < entries.length; i++) {
                    MapPrototypeSet(made, this.#value(entries[i][0]), this.#value(entries[i][1]));
                }
                break;
            }
            case "Set": {
                const { members } = node;
                for (let i = 0; i < members.length; i++) SetPrototypeAdd(made, this.#value(members[i]));
                break;
            }
        }
    }
}

const has = ObjectPrototypeHasOwnProperty;

/** CreateDataProperty: neither a setter nor `__proto__` is asked. */
const define = (object, key, value) =>
    ReflectDefineProperty(object, key, { __proto__: null, value, writable: true, enumerable: true, configurable: true });

function bigint(text) {
    return StringPrototypeStartsWith(text, "-") ? -BigInt(StringPrototypeSlice(text, 1)) : BigInt(text);
}

function error(node) {
    const made = errorFrom(node);
    // Its stack would be that of the runtime's own code.
    if (!node.dom) {
        const name = ownName(node.name);
        const value = node.message ? `${name}: ${node.message}` : name;
        ReflectDefineProperty(made, "stack", { __proto__: null, value, writable: true, configurable: true });
    }
    return made;
}

function blob({ bytes, type, name, lastModified }) {
    if (name === null) return new Blob(iterable([bytes]), { __proto__: null, type });
    return new File(iterable([bytes]), name, { __proto__: null, type, lastModified });
}

/** The bytes lie in a buffer that nothing else has. */
function buffer({ bytes, maxByteLength }) {
    if (maxByteLength === null) return TypedArrayPrototypeGetBuffer(bytes);
    const made = new ArrayBuffer(TypedArrayPrototypeGetByteLength(bytes), { __proto__: null, maxByteLength });
    TypedArrayPrototypeSet(new Uint8Array(made), bytes);
    return made;
}
