// What is still to be walked of a value that has parts: each frame gives its parts one after the other, says how each
// is written in a path, and takes what became of it.

import {
    ArrayPrototypePush, JSONStringify, MapPrototypeForEach, matches, ObjectKeys, ObjectPrototypeHasOwnProperty,
    SetPrototypeForEach, String, StringPrototypeSlice,
} from "./primordials.js";

const NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
const INDEX = /^(?:0|[1-9][0-9]*)$/;
const MOST = 50;
const cut = (text) => (text.length > MOST ? `${StringPrototypeSlice(text, 0, MOST)}...` : text);

/** The properties of an object. Which they are is settled at the start; a getter may remove what comes after it. */
export class Properties {
    #object;
    #keys;
    #at = -1;
    #entries = [];

    constructor(object, node) {
        this.#object = object;
        this.#keys = ObjectKeys(object);
        this.node = node;
        node.entries = this.#entries;
    }

    next() {
        while (++this.#at < this.#keys.length) {
            if (ObjectPrototypeHasOwnProperty(this.#object, this.#keys[this.#at])) return true;
        }
        return false;
    }

    read() {
        return this.#object[this.#keys[this.#at]];
    }

    put(value) {
        ArrayPrototypePush(this.#entries, [this.#keys[this.#at], value]);
    }

    get step() {
        const key = this.#keys[this.#at];
        if (matches(INDEX, key)) return `[${key}]`;
        return matches(NAME, key) ? `.${cut(key)}` : `[${JSONStringify(cut(key))}]`;
    }

    end() {}
}

/** The items of an array; where some are missing, or it has other properties, whatever it has. */
export class Items extends Properties {
    constructor(array, node) {
        super(array, node);
        node.length = array.length;
    }

    end() {
        const { node } = this;
        const { entries, length } = node;
        // Indices come first and ascend: if the one at the place of the last item is the last index, none is missing.
        if (entries.length !== length || (length > 0 && entries[length - 1][0] !== `${length - 1}`)) return;
        node.k = "Array";
        const items = [];
        for (let i = 0; i < length; i++) ArrayPrototypePush(items, entries[i][1]);
        node.items = items;
        delete node.entries;
        delete node.length;
    }
}

/** The keys and values of a Map, as they are at the start. */
export class Entries {
    #list = [];
    #at = -1;
    #entries = [];

    constructor(map, node) {
        MapPrototypeForEach(map, (value, key) => ArrayPrototypePush(this.#list, key, value));
        node.entries = this.#entries;
    }

    next() {
        return ++this.#at < this.#list.length;
    }

    read() {
        return this.#list[this.#at];
    }

    put(value) {
        if (this.#at % 2 === 0) ArrayPrototypePush(this.#entries, [value, null]);
        else this.#entries[this.#entries.length - 1][1] = value;
    }

    get step() {
        if (this.#at % 2 === 0) return ".keys()";
        const key = this.#list[this.#at - 1];
        if (typeof key === "string") return `.get(${JSONStringify(cut(key))})`;
        return key === null || typeof key !== "object" ? `.get(${cut(String(key))})` : ".values()";
    }

    end() {}
}

/** The members of a Set, as they are at the start. */
export class Members {
    #list = [];
    #at = -1;
    #members;

    constructor(set, node) {
        SetPrototypeForEach(set, (value) => ArrayPrototypePush(this.#list, value));
        this.#members = node.members = [];
    }

    next() {
        return ++this.#at < this.#list.length;
    }

    read() {
        return this.#list[this.#at];
    }

    put(value) {
        ArrayPrototypePush(this.#members, value);
    }

    get step() {
        return ".values()";
    }

    end() {}
}
