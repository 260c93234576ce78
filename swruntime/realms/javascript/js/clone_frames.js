// What is still to be walked of a value that has parts: each frame gives its parts one after the other, says how each
// is written in a path, takes what became of it, and gives the node in the end.

import {
    ArrayPrototypePush, JSONStringify, MapPrototypeForEach, matches, newList, ObjectKeys, ObjectPrototypeHasOwnProperty,
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
    #entries = newList();

    constructor(object, keys = ObjectKeys(object)) {
        this.#object = object;
        this.#keys = keys;
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
        const entries = this.#entries;
        entries[entries.length] = [this.#keys[this.#at], value];
    }

    get step() {
        const key = this.#keys[this.#at];
        if (matches(INDEX, key)) return `[${key}]`;
        return matches(NAME, key) ? `.${cut(key)}` : `[${JSONStringify(cut(key))}]`;
    }

    node() {
        return { k: "Object", entries: this.#entries };
    }
}

/** The properties of an array that has holes, or others than its items. */
export class SparseItems extends Properties {
    #length;

    constructor(array, keys) {
        super(array, keys);
        this.#length = array.length;
    }

    node() {
        return { k: "SparseArray", length: this.#length, entries: super.node().entries };
    }
}

/** The items of an array that has nothing else. Should a getter remove some of them, there are holes. */
export class Items {
    #array;
    #length;
    #at = -1;
    #items = newList();
    #places = null;

    constructor(array) {
        this.#array = array;
        this.#length = array.length;
    }

    next() {
        while (++this.#at < this.#length) {
            if (ObjectPrototypeHasOwnProperty(this.#array, this.#at)) return true;
            if (this.#places !== null) continue;
            this.#places = newList();
            for (let i = 0; i < this.#at; i++) ArrayPrototypePush(this.#places, i);
        }
        return false;
    }

    read() {
        return this.#array[this.#at];
    }

    put(value) {
        const items = this.#items;
        items[items.length] = value;
        if (this.#places !== null) ArrayPrototypePush(this.#places, this.#at);
    }

    get step() {
        return `[${this.#at}]`;
    }

    node() {
        const items = this.#items;
        if (this.#places === null) return { k: "Array", items };
        const entries = newList();
        for (let i = 0; i < items.length; i++) ArrayPrototypePush(entries, [`${this.#places[i]}`, items[i]]);
        return { k: "SparseArray", length: this.#length, entries };
    }
}

export function frameOfArray(array) {
    const keys = ObjectKeys(array);
    const { length } = array;
    // Indices come first and ascend: if the one at the place of the last item is the last index, none is missing.
    const isDense = keys.length === length && (length === 0 || keys[length - 1] === `${length - 1}`);
    return isDense ? new Items(array) : new SparseItems(array, keys);
}

/** The keys and values of a Map, as they are at the start. */
export class Entries {
    #list = newList();
    #at = -1;
    #entries = newList();

    constructor(map) {
        MapPrototypeForEach(map, (value, key) => {
            ArrayPrototypePush(this.#list, key);
            ArrayPrototypePush(this.#list, value);
        });
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

    node() {
        return { k: "Map", entries: this.#entries };
    }
}

/** The members of a Set, as they are at the start. */
export class Members {
    #list = newList();
    #at = -1;
    #members = newList();

    constructor(set) {
        SetPrototypeForEach(set, (value) => ArrayPrototypePush(this.#list, value));
    }

    next() {
        return ++this.#at < this.#list.length;
    }

    read() {
        return this.#list[this.#at];
    }

    put(value) {
        const members = this.#members;
        members[members.length] = value;
    }

    get step() {
        return ".values()";
    }

    node() {
        return { k: "Set", members: this.#members };
    }
}
