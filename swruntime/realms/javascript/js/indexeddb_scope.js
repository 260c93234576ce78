/** `indexedDB` in a realm's global scope, and its interfaces. */

import { call } from "./calls.js";
import * as idb from "./indexeddb.js";
import { attribute, define } from "./scope.js";

const INTERFACES = [
    "DOMStringList", "IDBCursor", "IDBCursorWithValue", "IDBDatabase", "IDBFactory", "IDBIndex", "IDBKeyRange",
    "IDBObjectStore", "IDBOpenDBRequest", "IDBRecord", "IDBRequest", "IDBTransaction", "IDBVersionChangeEvent",
];

let tell = () => {};

export function installIndexedDB(global) {
    for (let at = 0; at < INTERFACES.length; at++) define(global, INTERFACES[at], idb[INTERFACES[at]]);
    const factory = idb.createFactory({ __proto__: null, call: (op, args) => call(op, [args]) });
    tell = factory.tell;
    attribute(global, "indexedDB", function () { return factory.indexedDB; });
}

/** What the runtime tells on its own: see swruntime/realms/javascript/indexed_db.py. */
export const tellIndexedDB = (message) => tell(message);
