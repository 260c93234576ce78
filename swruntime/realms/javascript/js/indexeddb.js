/**
 * IndexedDB for a realm: IDBFactory and IDBDatabase.
 *
 * `createFactory(backend)` makes `indexedDB`; `backend.call(operation, args)` answers with a promise. What the runtime
 * tells on its own (`{kind, ...}`) goes to the factory's `tell`.
 *
 * Spec: https://w3c.github.io/IndexedDB/#factory-interface
 */

import { EventConstructor, EventTargetConstructor, defineHandler, domException, fireAlong, queueTask } from "./idb_platform.js";
import { compareKeys } from "./keys.js";
import { validKey } from "./idb_range.js";
import { IDBOpenDBRequest, branded, fireEnd, fireVersionChange, newRequest, settle } from "./idb_request.js";
import { abort, newTransaction, placeQuietly, requireActive, step, storeHandle } from "./idb_transaction.js";
import { keyPathFrom } from "./idb_store.js";
import { sortedList } from "./string_list.js";
import {
    arrayFor, ArrayIsArray, ArrayPrototypeMap, ArrayPrototypePush, Map, MapPrototypeDelete, MapPrototypeForEach,
    MapPrototypeGet, MapPrototypeHas, MapPrototypeSet, newList, PromisePrototypeThen, SymbolIterator, TypeError,
} from "./primordials.js";
import {
    DOMString, create, defineInterface, dictionary, enforcedUnsignedLongLong, enumeration, illegalConstructor, isObject,
    sequence,
} from "./webidl.js";

export { DOMStringList } from "./string_list.js";
export { IDBCursor, IDBCursorWithValue } from "./idb_cursor.js";
export { IDBIndex, IDBObjectStore, IDBRecord } from "./idb_store.js";
export { IDBKeyRange } from "./idb_range.js";
export { IDBOpenDBRequest, IDBRequest, IDBVersionChangeEvent } from "./idb_request.js";
export { IDBTransaction } from "./idb_transaction.js";

const domStrings = sequence(DOMString);
const modes = enumeration("IDBTransactionMode", ["readonly", "readwrite", "versionchange"]);
const durabilities = enumeration("IDBTransactionDurability", ["default", "strict", "relaxed"]);
const transactionOptions = dictionary([["durability", durabilities, "default"]]);
const storeParameters = dictionary([
    ["autoIncrement", (value) => !!value, false],
    ["keyPath", (value) => (value === null ? null : keyPathOf(value)), null],
]);
/** Converted as Web IDL does; whether it is valid is asked later. */
const keyPathOf = (value) =>
    isObject(value) && typeof value[SymbolIterator] === "function" ? domStrings(value, "keyPath") : DOMString(value, "keyPath");

let isFactory;
let isDatabase;

export class IDBDatabase extends EventTargetConstructor {
    #state;

    constructor(key = undefined, state = undefined) {
        illegalConstructor(key);
        super();
        this.#state = state;
        state.facade = this;
    }

    get name() {
        return this.#state.name;
    }

    get version() {
        return this.#state.version;
    }

    get objectStoreNames() {
        const names = newList();
        MapPrototypeForEach(this.#state.stores, (store) => ArrayPrototypePush(names, store.name));
        return sortedList(names);
    }

    transaction(storeNames, mode = "readonly", options = undefined) {
        const state = this.#state;
        const names = isObject(storeNames) && typeof storeNames[SymbolIterator] === "function"
            ? domStrings(storeNames, "storeNames") : [DOMString(storeNames, "storeNames")];
        const kind = modes(mode, "mode");
        const { durability } = transactionOptions(options, "options");
        if (state.upgrade !== null) throw domException("InvalidStateError", "The database is being upgraded.");
        if (state.closed) throw domException("InvalidStateError", "The connection is closed.");
        const scope = new Map();
        const ids = newList();
        for (let at = 0; at < names.length; at++) {
            const store = MapPrototypeGet(state.stores, names[at]);
            if (store === undefined) throw domException("NotFoundError", `There is no object store '${names[at]}'.`);
            if (!MapPrototypeHas(scope, names[at])) ArrayPrototypePush(ids, store.id);
            MapPrototypeSet(scope, names[at], store);
        }
        if (ids.length === 0) throw domException("InvalidAccessError", "No object store was named.");
        if (kind === "versionchange") throw new TypeError("A script cannot begin a versionchange transaction.");
        return begin(state, scope, ids, kind, durability).facade;
    }

    close() {
        closeConnection(this.#state);
    }

    createObjectStore(name, options = undefined) {
        const text = DOMString(name, "createObjectStore");
        const parameters = storeParameters(options, "createObjectStore");
        const connection = this.#state;
        const transaction = requireUpgradeOf(connection);
        const keyPath = parameters.keyPath === null ? null : keyPathFrom(parameters.keyPath);
        if (MapPrototypeHas(connection.stores, text)) throw domException("ConstraintError", `There is an object store '${text}'.`);
        const { autoIncrement } = parameters;
        if (autoIncrement && (keyPath === "" || ArrayIsArray(keyPath))) {
            throw domException("InvalidAccessError", "A key generator needs a key path that is a name, or none.");
        }
        const id = ++connection.lastId;
        const store = { __proto__: null, id, name: text, keyPath, autoIncrement, indexes: new Map(), deleted: false };
        MapPrototypeSet(connection.stores, text, store);
        ArrayPrototypePush(transaction.undo, () => {
            store.deleted = true;
            MapPrototypeDelete(connection.stores, store.name);
        });
        placeQuietly(transaction, ["createStore", id, text, keyPath, autoIncrement]);
        return storeHandle(transaction, store);
    }

    deleteObjectStore(name) {
        const text = DOMString(name, "deleteObjectStore");
        const connection = this.#state;
        const transaction = requireUpgradeOf(connection);
        const store = MapPrototypeGet(connection.stores, text);
        if (store === undefined) throw domException("NotFoundError", `There is no object store '${text}'.`);
        store.deleted = true;
        MapPrototypeDelete(connection.stores, text);
        ArrayPrototypePush(transaction.undo, () => {
            store.deleted = false;
            MapPrototypeSet(connection.stores, text, store);
        });
        placeQuietly(transaction, ["deleteStore", store.id]);
    }

    static {
        isDatabase = (value) => #state in value;
    }
}
defineInterface(IDBDatabase, { brand: isDatabase });
defineHandler(IDBDatabase.prototype, "abort", branded(isDatabase));
defineHandler(IDBDatabase.prototype, "close", branded(isDatabase));
defineHandler(IDBDatabase.prototype, "error", branded(isDatabase));
defineHandler(IDBDatabase.prototype, "versionchange", branded(isDatabase));

function requireUpgradeOf(connection) {
    if (connection.upgrade === null) throw domException("InvalidStateError", "The database is not being upgraded.");
    requireActive(connection.upgrade);
    return connection.upgrade;
}

function begin(connection, scope, ids, mode, durability) {
    const id = ++connection.factory.lastTransaction;
    const begun = connection.backend.call("idb.begin", {
        __proto__: null,
        connection: connection.id, transaction: id, stores: ids, mode, durability,
    });
    PromisePrototypeThen(begun, undefined, () => {}); // whoever waits for it is told
    const transaction = newTransaction(connection, { __proto__: null, id, scope, mode, durability, begun });
    connection.transactions++;
    transaction.onEnd = () => {
        connection.transactions--;
        reallyClose(connection);
    };
    return transaction;
}

/** *Close a database connection*: no new transaction begins; it is closed when the last one has ended. */
function closeConnection(connection) {
    if (connection.closed) return;
    connection.closed = true;
    MapPrototypeDelete(connection.factory.connections, connection.id);
    reallyClose(connection);
}

function reallyClose(connection) {
    if (!connection.closed || connection.transactions > 0 || connection.told) return;
    connection.told = true;
    PromisePrototypeThen(connection.backend.call("idb.close", { __proto__: null, connection: connection.id }), undefined, () => {});
}

function newConnection(factory, name, opened) {
    const stores = new Map();
    const state = {
        __proto__: null, facade: null, factory, backend: factory.backend, id: opened.connection, name,
        version: opened.version, stores, lastId: 0, closed: false, told: false, upgrade: null, transactions: 0,
    };
    const note = (id) => {
        if (id > state.lastId) state.lastId = id;
    };
    for (let at = 0; at < opened.stores.length; at++) {
        const { id, name, keyPath, autoIncrement, indexes } = opened.stores[at];
        const own = new Map();
        note(id);
        for (let of = 0; of < indexes.length; of++) {
            const index = indexes[of];
            note(index.id);
            MapPrototypeSet(own, index.name, { __proto__: null, ...index, deleted: false });
        }
        MapPrototypeSet(stores, name, { __proto__: null, id, name, keyPath, autoIncrement, indexes: own, deleted: false });
    }
    create(IDBDatabase, state);
    MapPrototypeSet(factory.connections, state.id, state);
    return state;
}

/** *Upgrade a database*: https://w3c.github.io/IndexedDB/#upgrade-a-database */
function upgrade(connection, request, opened) {
    const { transaction: id, oldVersion, version } = opened;
    const transaction = newTransaction(connection, {
        __proto__: null, id, scope: connection.stores, mode: "versionchange", durability: "default", begun: undefined, openRequest: request,
    });
    connection.upgrade = transaction;
    connection.transactions++;
    ArrayPrototypePush(transaction.undo, () => {
        connection.version = oldVersion;
    });
    request.transaction = transaction;
    settle(request, connection.facade, null);
    transaction.onEnd = (error) => {
        connection.transactions--;
        queueTask(() => finishOpen(connection, request, transaction, error));
    };
    transaction.phase = "active";
    const threw = fireVersionChange([request.facade], "upgradeneeded", oldVersion, version);
    if (transaction.phase === "active") transaction.phase = "inactive";
    if (threw) abort(transaction, domException("AbortError", "A listener threw an exception."));
    else step(transaction);
}

function finishOpen(connection, request, transaction, error) {
    const aborted = error !== null || transaction.aborted;
    if (aborted || connection.closed) {
        closeConnection(connection);
        reallyClose(connection);
        fireEnd(request, undefined, domException("AbortError", "The upgrade was aborted, or the connection closed in it."));
        return;
    }
    fireEnd(request, connection.facade, null);
}

export class IDBFactory {
    #state;

    constructor(key = undefined, state = undefined) {
        illegalConstructor(key);
        this.#state = state;
    }

    open(name, version = undefined) {
        const text = DOMString(name, "name");
        const wanted = version === undefined ? null : enforcedUnsignedLongLong(version, "version");
        if (wanted === 0) throw new TypeError("Failed to execute 'open' on 'IDBFactory': the version is 0.");
        const request = startRequest(this.#state, "idb.open", { __proto__: null, name: text, version: wanted }, (opened) => {
            const connection = newConnection(this.#state, text, opened);
            if (opened.transaction !== null) upgrade(connection, request, opened);
            else fireEnd(request, connection.facade, null);
        });
        return request.facade;
    }

    deleteDatabase(name) {
        const text = DOMString(name, "name");
        const request = startRequest(this.#state, "idb.delete", { __proto__: null, name: text }, ({ oldVersion }) => {
            settle(request, undefined, null);
            fireVersionChange([request.facade], "success", oldVersion, null);
        });
        return request.facade;
    }

    databases() {
        const asked = this.#state.backend.call("idb.databases", { __proto__: null });
        return PromisePrototypeThen(asked, (found) =>
            arrayFor(ArrayPrototypeMap(found, ({ name, version }) => ({ name, version }))));
    }

    cmp(first, second) {
        return compareKeys(validKey(first), validKey(second));
    }

    static {
        isFactory = (value) => #state in value;
    }
}
defineInterface(IDBFactory, { brand: isFactory, promises: ["databases"] });

function startRequest(factory, operation, args, succeed) {
    const request = newRequest(null, null, IDBOpenDBRequest);
    const number = ++factory.lastRequest;
    MapPrototypeSet(factory.requests, number, request);
    args.request = number;
    const end = (task) => queueTask(() => {
        MapPrototypeDelete(factory.requests, number);
        task();
    });
    PromisePrototypeThen(factory.backend.call(operation, args),
        (answer) => end(() => succeed(answer)),
        (error) => end(() => fireEnd(request, undefined, error)));
    return request;
}

/** What the runtime tells: that a version is to change, that a request is blocked, that a connection was closed. */
function tell(factory, message) {
    if (message.kind === "blocked") {
        const request = MapPrototypeGet(factory.requests, message.request);
        if (request !== undefined) {
            queueTask(() => fireVersionChange([request.facade], "blocked", message.oldVersion, message.newVersion));
        }
        return;
    }
    const connection = MapPrototypeGet(factory.connections, message.connection);
    queueTask(() => {
        if (message.kind === "versionchange") {
            if (connection !== undefined && !connection.closed) {
                fireVersionChange([connection.facade], "versionchange", message.oldVersion, message.newVersion);
            }
            const { connection: id } = message;
            PromisePrototypeThen(factory.backend.call("idb.versionchanged", { __proto__: null, connection: id }), undefined, () => {});
        } else if (connection !== undefined) {
            closeConnection(connection);
            fireAlong([connection.facade], new EventConstructor("close"));
        }
    });
}

/** `indexedDB` of a realm, and what the runtime's messages are told to. */
export function createFactory(backend) {
    const state = {
        __proto__: null, backend, lastRequest: 0, lastTransaction: 0, requests: new Map(), connections: new Map(),
    };
    return { __proto__: null, indexedDB: create(IDBFactory, state), tell: (message) => tell(state, message) };
}
