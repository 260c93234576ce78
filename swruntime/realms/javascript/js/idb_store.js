/** IDBObjectStore and IDBIndex: https://w3c.github.io/IndexedDB/#object-store-interface */

import { domException } from "./idb_platform.js";
import { GENERATED, decodeKey, encodeKey } from "./keys.js";
import { FAILURE, canInject, evaluate, indexKeys, inject, isValidKeyPath } from "./key_paths.js";
import { isKeyRange, queryWire, validKey } from "./idb_range.js";
import { onMakeStore, placeQuietly, placeRequest, requireActive } from "./idb_transaction.js";
import { openCursor } from "./idb_cursor.js";
import { deserializeStored, serializeForStorage } from "./stored_values.js";
import { sortedList } from "./string_list.js";
import {
    ArrayBufferIsView, arrayFor, ArrayIsArray, ArrayPrototypeMap, ArrayPrototypePush, Map, MapPrototypeDelete,
    MapPrototypeForEach, MapPrototypeGet, MapPrototypeGetSize, MapPrototypeHas, MapPrototypeSet, newList,
    ObjectDefineProperty, ReflectOwnKeys, SymbolIterator, TypedArrayPrototypeGetByteLength,
} from "./primordials.js";
import {
    DOMString, create, defineInterface, dictionary, enforcedUnsignedLong, enumeration, illegalConstructor, isObject,
    sequence,
} from "./webidl.js";

let isStore;
let isIndex;
let selfOfIndex;
export let storeOf;

const direction = enumeration("IDBCursorDirection", ["next", "nextunique", "prev", "prevunique"]);
const indexParameters = dictionary([
    ["multiEntry", (value) => !!value, false],
    ["unique", (value) => !!value, false],
]);
const getAllOptions = dictionary([
    ["count", enforcedUnsignedLong, undefined],
    ["direction", direction, "next"],
    ["query", (value) => value, null],
]);
const domStrings = sequence(DOMString);

/** A key path as Web IDL converts `(DOMString or sequence<DOMString>)`: a string or an array of ours. */
export function keyPathFrom(value) {
    const path = isObject(value) && typeof value[SymbolIterator] === "function" ? domStrings(value, "keyPath") : DOMString(value, "keyPath");
    if (!isValidKeyPath(path)) throw domException("SyntaxError", "The key path is not valid.");
    return path;
}

/** An array of ours as scripts get it. */
export const shownPath = (path) => (ArrayIsArray(path) ? arrayFor(ArrayPrototypeMap(path, (each) => each)) : path);

export function readValue(store, key, bytes) {
    const value = deserializeStored(bytes);
    const { keyPath, autoIncrement } = store;
    // What the generator made was not there yet when the value was cloned.
    if (autoIncrement && keyPath !== null && evaluate(value, keyPath) === FAILURE && canInject(value, keyPath)) {
        inject(value, keyPath, decodeKey(key));
    }
    return value;
}

/** What both kinds of sources ask. `self` is {transaction, source: [kind, id], store, facade, check()}. */
function getFirst(self, query, values) {
    self.check();
    const range = queryWire(query, true);
    const wire = ["scan", self.kind, self.definition.id, range, "next", null, 0, 1, values, null];
    const convert = (rows) =>
        rows.length === 0 ? undefined : values ? readValue(self.store, rows[0][1], rows[0][2]) : decodeKey(rows[0][1]);
    return placeRequest(self.transaction, self.facade, wire, { __proto__: null, convert }).facade;
}

function getAll(self, queryOrOptions, count, what) {
    self.check();
    let query = queryOrOptions;
    let limit = count;
    let order = "next";
    const isOptions = isObject(query) && !isKeyRange(query) && encodeKeySafely(query) === undefined;
    if (what === "records" || isOptions) {
        const options = getAllOptions(query, "options");
        query = options.query;
        limit = options.count;
        order = options.direction;
    } else if (limit !== undefined) {
        limit = enforcedUnsignedLong(limit, "count");
    }
    const range = queryWire(query, false);
    const most = limit === undefined || limit === 0 ? null : limit;
    const values = what !== "keys";
    const wire = ["scan", self.kind, self.definition.id, range, order, null, 0, most, values, null];
    const convert = (rows) =>
        arrayFor(ArrayPrototypeMap(rows, (row) => {
            if (what === "keys") return decodeKey(row[1]);
            const value = readValue(self.store, row[1], row[2]);
            if (what === "values") return value;
            return create(IDBRecord, decodeKey(row[0]), decodeKey(row[1]), value);
        }));
    return placeRequest(self.transaction, self.facade, wire, { __proto__: null, convert }).facade;
}

/** Options are an object that is not a key: dates, arrays and buffers are keys, even where they are not valid. */
function encodeKeySafely(value) {
    if (ArrayIsArray(value) || ArrayBufferIsView(value)) return null;
    return encodeKey(value);
}

function count(self, query) {
    self.check();
    const wire = ["count", self.kind, self.definition.id, queryWire(query, false)];
    return placeRequest(self.transaction, self.facade, wire, { __proto__: null, convert: (value) => value }).facade;
}

function cursor(self, query, order, values) {
    self.check();
    return openCursor(self, queryWire(query, false), direction(order, "direction"), values);
}

/** The methods that object stores and indexes have alike. `selfOf` gives the state of an object of theirs. */
function defineReading(prototype, selfOf) {
    const methods = {
        __proto__: null,
        get(query) {
            return getFirst(selfOf(this), query, true);
        },

        getKey(query) {
            return getFirst(selfOf(this), query, false);
        },

        getAll(queryOrOptions = undefined, count = undefined) {
            return getAll(selfOf(this), queryOrOptions, count, "values");
        },

        getAllKeys(queryOrOptions = undefined, count = undefined) {
            return getAll(selfOf(this), queryOrOptions, count, "keys");
        },

        getAllRecords(options = undefined) {
            return getAll(selfOf(this), options, undefined, "records");
        },

        count(query = undefined) {
            return count(selfOf(this), query);
        },

        openCursor(query = undefined, direction = "next") {
            return cursor(selfOf(this), query, direction, true);
        },

        openKeyCursor(query = undefined, direction = "next") {
            return cursor(selfOf(this), query, direction, false);
        },
    };
    const names = ReflectOwnKeys(methods);
    for (let at = 0; at < names.length; at++) {
        const value = methods[names[at]];
        ObjectDefineProperty(prototype, names[at], { __proto__: null, value, writable: true, configurable: true });
    }
}

let isRecord;
export class IDBRecord {
    #key;
    #primaryKey;
    #value;

    constructor(key = undefined, recordKey = undefined, primaryKey = undefined, value = undefined) {
        illegalConstructor(key);
        this.#key = recordKey;
        this.#primaryKey = primaryKey;
        this.#value = value;
    }

    get key() {
        return this.#key;
    }

    get primaryKey() {
        return this.#primaryKey;
    }

    get value() {
        return this.#value;
    }

    static {
        isRecord = (value) => #key in value;
    }
}
defineInterface(IDBRecord, { brand: isRecord });

export class IDBObjectStore {
    #self;
    #path;

    constructor(key = undefined, transaction = undefined, definition = undefined) {
        illegalConstructor(key);
        this.#path = shownPath(definition.keyPath);
        const self = { __proto__: null, transaction, definition, store: definition, kind: "store", facade: this, indexes: new Map() };
        self.check = (writes = false) => {
            if (definition.deleted) throw domException("InvalidStateError", "The object store has been deleted.");
            requireActive(transaction);
            if (writes && transaction.mode === "readonly") {
                throw domException("ReadOnlyError", "The transaction is read-only.");
            }
        };
        this.#self = self;
    }

    get name() {
        return this.#self.definition.name;
    }

    set name(value) {
        const name = DOMString(value, "name");
        const { transaction, definition } = this.#self;
        if (definition.deleted) throw domException("InvalidStateError", "The object store has been deleted.");
        requireUpgrade(transaction);
        requireActive(transaction);
        if (name === definition.name) return;
        const { stores } = transaction.connection;
        rename(transaction, stores, definition, name, ["renameStore", definition.id, name]);
    }

    get keyPath() {
        return this.#path;
    }

    get indexNames() {
        const names = newList();
        MapPrototypeForEach(this.#self.definition.indexes, (index) => ArrayPrototypePush(names, index.name));
        return sortedList(names);
    }

    get transaction() {
        return this.#self.transaction.facade;
    }

    get autoIncrement() {
        return this.#self.definition.autoIncrement;
    }

    put(value, key = undefined) {
        return addOrPut(this.#self, value, key, true);
    }

    add(value, key = undefined) {
        return addOrPut(this.#self, value, key, false);
    }

    delete(query) {
        this.#self.check(true);
        const wire = ["delete", this.#self.definition.id, queryWire(query, true)];
        return placeRequest(this.#self.transaction, this, wire, { __proto__: null, writes: true }).facade;
    }

    clear() {
        this.#self.check(true);
        return placeRequest(this.#self.transaction, this, ["clear", this.#self.definition.id], { __proto__: null, writes: true }).facade;
    }

    index(name) {
        const text = DOMString(name, "index");
        const { transaction, definition } = this.#self;
        if (definition.deleted) throw domException("InvalidStateError", "The object store has been deleted.");
        if (transaction.phase === "finished") throw domException("InvalidStateError", "The transaction has finished.");
        const index = MapPrototypeGet(definition.indexes, text);
        if (index === undefined) throw domException("NotFoundError", `'${text}' is no index of this object store.`);
        return indexHandle(this.#self, index);
    }

    createIndex(name, keyPath, options = undefined) {
        const text = DOMString(name, "createIndex");
        const parameters = indexParameters(options, "createIndex");
        const { transaction, definition } = this.#self;
        requireUpgrade(transaction);
        if (definition.deleted) throw domException("InvalidStateError", "The object store has been deleted.");
        requireActive(transaction);
        if (MapPrototypeHas(definition.indexes, text)) throw domException("ConstraintError", `There is an index '${text}'.`);
        const path = keyPathFrom(keyPath);
        if (ArrayIsArray(path) && parameters.multiEntry) {
            throw domException("InvalidAccessError", "The key path is an array and multiEntry is true.");
        }
        const id = ++transaction.connection.lastId;
        const { unique, multiEntry } = parameters;
        const index = { __proto__: null, id, name: text, keyPath: path, unique, multiEntry, deleted: false };
        MapPrototypeSet(definition.indexes, text, index);
        ArrayPrototypePush(transaction.undo, () => {
            index.deleted = true;
            MapPrototypeDelete(definition.indexes, index.name);
        });
        placeQuietly(transaction, ["createIndex", definition.id, id, text, path, unique, multiEntry]);
        placeQuietly(transaction, (ask) => populate(ask, definition, index));
        return indexHandle(this.#self, index);
    }

    deleteIndex(name) {
        const text = DOMString(name, "deleteIndex");
        const { transaction, definition } = this.#self;
        requireUpgrade(transaction);
        if (definition.deleted) throw domException("InvalidStateError", "The object store has been deleted.");
        requireActive(transaction);
        const index = MapPrototypeGet(definition.indexes, text);
        if (index === undefined) throw domException("NotFoundError", `'${text}' is no index of this object store.`);
        index.deleted = true;
        MapPrototypeDelete(definition.indexes, text);
        ArrayPrototypePush(transaction.undo, () => {
            index.deleted = false;
            MapPrototypeSet(definition.indexes, text, index);
        });
        placeQuietly(transaction, ["deleteIndex", index.id]);
    }

    static {
        isStore = (value) => #self in value;
        storeOf = (store) => store.#self;
    }
}
defineReading(IDBObjectStore.prototype, storeOf);
defineInterface(IDBObjectStore, { brand: isStore });
onMakeStore((transaction, definition) => create(IDBObjectStore, transaction, definition));

export function requireUpgrade(transaction) {
    if (transaction.mode !== "versionchange") {
        throw domException("InvalidStateError", "The database is not being upgraded.");
    }
}

function rename(transaction, all, definition, name, wire) {
    if (MapPrototypeHas(all, name)) throw domException("ConstraintError", `'${name}' is taken.`);
    const before = definition.name;
    const move = (from, to) => {
        MapPrototypeDelete(all, from);
        MapPrototypeSet(all, to, definition);
        definition.name = to;
    };
    move(before, name);
    ArrayPrototypePush(transaction.undo, () => move(name, before));
    placeQuietly(transaction, wire);
}

/** The index's entries for the records that are there. */
async function populate(ask, store, index) {
    if (store.deleted || index.deleted) return;
    const range = [null, null, false, false];
    let position = null;
    for (;;) {
        const rows = await ask(["scan", "store", store.id, range, "next", position, 0, 256, true, 1024 * 1024]);
        if (rows.length === 0) return;
        const entries = newList();
        for (let at = 0; at < rows.length; at++) {
            const keys = indexKeys(readValue(store, rows[at][1], rows[at][2]), index.keyPath, index.multiEntry);
            for (let of = 0; of < keys.length; of++) ArrayPrototypePush(entries, [keys[of][0], rows[at][1]]);
        }
        if (entries.length > 0) await ask(["addEntries", index.id, entries]);
        position = [rows[rows.length - 1][0], null, false];
    }
}

function addOrPut(self, value, key, overwrite) {
    self.check(true);
    return store(self, self.facade, value, key, overwrite);
}

/**
 * *Add or put*, once its object store and transaction are checked. `source` is what the request is of; `check` may throw
 * for a clone of the value.
 */
export function store(self, source, value, key, overwrite, check = undefined) {
    const { definition, transaction } = self;
    const inline = definition.keyPath !== null;
    if (inline && key !== undefined) throw domException("DataError", "The object store uses in-line keys.");
    if (!inline && !definition.autoIncrement && key === undefined) {
        throw domException("DataError", "The object store uses out-of-line keys, and no key was given.");
    }
    let bytes = key === undefined ? null : validKey(key);
    transaction.phase = "inactive"; // a getter of the value's can do nothing in this transaction
    let stored;
    try {
        stored = serializeForStorage(value);
    } finally {
        if (transaction.phase === "inactive") transaction.phase = "active";
    }
    // Only who looks for keys in it needs the clone.
    const clone = inline || MapPrototypeGetSize(definition.indexes) > 0 ? stored.clone() : undefined;
    check?.(clone);
    if (inline) bytes = inlineKey(definition, clone);
    if (bytes === null && inline) inject(clone, definition.keyPath, GENERATED);
    const entries = newList();
    MapPrototypeForEach(definition.indexes, (index) => {
        const keys = indexKeys(clone, index.keyPath, index.multiEntry);
        for (let at = 0; at < keys.length; at++) ArrayPrototypePush(entries, [index.id, keys[at]]);
    });
    const wire = ["put", definition.id, bytes, stored.bytes, entries, overwrite];
    const size = TypedArrayPrototypeGetByteLength(stored.bytes);
    return placeRequest(transaction, source, wire, { __proto__: null, convert: decodeKey, size, writes: true }).facade;
}

/** The key that a value has at its key path, null where the generator is to make it. */
function inlineKey({ keyPath, autoIncrement }, clone) {
    const found = evaluate(clone, keyPath);
    if (found !== FAILURE) return validKey(found);
    if (!autoIncrement || !canInject(clone, keyPath)) {
        throw domException("DataError", "The value has no key at the key path, and none can be put there.");
    }
    return null;
}

function indexHandle(store, index) {
    let facade = MapPrototypeGet(store.indexes, index);
    if (facade === undefined) MapPrototypeSet(store.indexes, index, (facade = create(IDBIndex, store, index)));
    return facade;
}

export class IDBIndex {
    #self;
    #path;

    constructor(key = undefined, store = undefined, definition = undefined) {
        illegalConstructor(key);
        const { transaction } = store;
        this.#path = shownPath(definition.keyPath);
        const self = { __proto__: null, transaction, definition, store: store.definition, owner: store, kind: "index", facade: this };
        self.check = () => {
            if (definition.deleted || self.store.deleted) {
                throw domException("InvalidStateError", "The index or its object store has been deleted.");
            }
            requireActive(transaction);
        };
        this.#self = self;
    }

    get name() {
        return this.#self.definition.name;
    }

    set name(value) {
        const name = DOMString(value, "name");
        const { transaction, definition, store } = this.#self;
        requireUpgrade(transaction);
        requireActive(transaction);
        if (definition.deleted || store.deleted) throw domException("InvalidStateError", "The index has been deleted.");
        if (name === definition.name) return;
        rename(transaction, store.indexes, definition, name, ["renameIndex", definition.id, name]);
    }

    get objectStore() {
        return this.#self.owner.facade;
    }

    get keyPath() {
        return this.#path;
    }

    get multiEntry() {
        return this.#self.definition.multiEntry;
    }

    get unique() {
        return this.#self.definition.unique;
    }

    static {
        isIndex = (value) => #self in value;
        selfOfIndex = (index) => index.#self;
    }
}
defineReading(IDBIndex.prototype, selfOfIndex);
defineInterface(IDBIndex, { brand: isIndex });
