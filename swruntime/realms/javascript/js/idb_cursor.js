/** IDBCursor and IDBCursorWithValue: https://w3c.github.io/IndexedDB/#cursor-interface */

import { domException } from "./idb_platform.js";
import { compareKeys, decodeKey } from "./keys.js";
import { FAILURE, evaluate } from "./key_paths.js";
import { queryWire, validKey } from "./idb_range.js";
import { placeRequest } from "./idb_transaction.js";
import { newRequest } from "./idb_request.js";
import { readValue, store } from "./idb_store.js";
import { dequeue, emptyQueue, newQueue, queued, StringPrototypeStartsWith, TypeError } from "./primordials.js";
import { createAs, defineInterface, enforcedUnsignedLong, illegalConstructor } from "./webidl.js";

/** Records that are fetched ahead: the first step asks for one, who goes on gets more and more. */
const MOST_AHEAD = 128;
const MOST_BYTES = 512 * 1024;

let isCursor;
let cursorState;

export class IDBCursor {
    #state;

    constructor(key = undefined, state = undefined) {
        illegalConstructor(key);
        this.#state = state;
        state.facade = this;
    }

    get source() {
        return this.#state.self.facade;
    }

    get direction() {
        return this.#state.direction;
    }

    get key() {
        return this.#state.shownKey;
    }

    get primaryKey() {
        return this.#state.shownPrimaryKey;
    }

    get request() {
        return this.#state.request.facade;
    }

    advance(count) {
        const steps = enforcedUnsignedLong(count, "count");
        if (steps === 0) throw new TypeError("advance: count is 0.");
        const state = this.#state;
        requireValue(state);
        iterate(state, { __proto__: null, key: null, primaryKey: null, steps });
    }

    continue(key = undefined) {
        const state = this.#state;
        requireValue(state);
        const target = key === undefined ? null : validKey(key);
        if (target !== null && !isBeyond(state, compareKeys(target, state.key))) {
            throw domException("DataError", "The key is not beyond the cursor's position.");
        }
        iterate(state, { __proto__: null, key: target, primaryKey: null, steps: 1 });
    }

    continuePrimaryKey(key, primaryKey) {
        const state = this.#state;
        const { self, direction } = state;
        self.check();
        if (self.kind !== "index" || (direction !== "next" && direction !== "prev")) {
            throw domException("InvalidAccessError", "continuePrimaryKey is for indexes, in the directions next and prev.");
        }
        if (!state.gotValue) throw domException("InvalidStateError", "The cursor is being iterated or is at its end.");
        const target = validKey(key);
        const primary = validKey(primaryKey);
        const order = compareKeys(target, state.key) || compareKeys(primary, state.primaryKey);
        if (!isBeyond(state, order)) throw domException("DataError", "The key is not beyond the cursor's position.");
        iterate(state, { __proto__: null, key: target, primaryKey: primary, steps: 1 });
    }

    update(value) {
        const state = this.#state;
        const owner = requireWritable(state);
        const { definition } = owner;
        if (definition.keyPath === null) return store(owner, this, value, decodeKey(state.primaryKey), true);
        return store(owner, this, value, undefined, true, (clone) => requireKey(clone, definition, state.primaryKey));
    }

    delete() {
        const state = this.#state;
        const owner = requireWritable(state);
        const wire = ["delete", owner.definition.id, queryWire(decodeKey(state.primaryKey), true)];
        return placeRequest(owner.transaction, this, wire, { __proto__: null, writes: true }).facade;
    }

    static {
        isCursor = (value) => #state in value;
        cursorState = (cursor) => cursor.#state;
    }
}
defineInterface(IDBCursor, { brand: isCursor });

export class IDBCursorWithValue extends IDBCursor {
    constructor() {
        illegalConstructor();
        super();
    }

    get value() {
        return cursorState(this).value;
    }
}
defineInterface(IDBCursorWithValue, { brand: isCursor });

function requireValue(state) {
    state.self.check();
    if (!state.gotValue) throw domException("InvalidStateError", "The cursor is being iterated or is at its end.");
}

/** The object store that a cursor's record is changed in. */
function requireWritable(state) {
    const { self } = state;
    const owner = self.kind === "store" ? self : self.owner;
    self.check();
    owner.check(true);
    if (!state.gotValue) throw domException("InvalidStateError", "The cursor is being iterated or is at its end.");
    if (!state.values) throw domException("InvalidStateError", "The cursor has keys only.");
    return owner;
}

/** An update may not change the record's key. */
function requireKey(clone, { keyPath }, primaryKey) {
    const found = evaluate(clone, keyPath);
    if (found === FAILURE || compareKeys(validKey(found), primaryKey) !== 0) {
        throw domException("DataError", "The value has another key than the cursor's record.");
    }
}

const isBackwards = (state) => StringPrototypeStartsWith(state.direction, "prev");
const isBeyond = (state, order) => (isBackwards(state) ? order < 0 : order > 0);

export function openCursor(self, range, direction, values) {
    const request = newRequest(self.facade, self.transaction);
    const state = {
        __proto__: null, facade: null, self, range, direction, values, request,
        key: null, primaryKey: null, shownKey: undefined, shownPrimaryKey: undefined, value: undefined, gotValue: false,
        /** Records after the position, as they were when so many writes had been made. */
        ahead: newQueue(), writes: -1, size: 1,
    };
    createAs(values ? IDBCursorWithValue : IDBCursor, IDBCursor, state);
    place(state, { __proto__: null, key: null, primaryKey: null, steps: 1 });
    return request.facade;
}

function iterate(state, target) {
    state.gotValue = false;
    state.request.done = false;
    state.request.result = undefined;
    place(state, target);
}

function place(state, target) {
    const { transaction, facade } = state.self;
    // The position is that of the call: there is no other call until this one is answered.
    placeRequest(transaction, facade, (ask) => next(state, target, ask), {
        __proto__: null,
        request: state.request,
        convert: (row) => moveTo(state, row),
    });
}

async function next(state, target, ask) {
    const { transaction, kind, definition } = state.self;
    const { ahead } = state;
    if (state.writes !== transaction.writes) emptyQueue(ahead);
    if (target.key === null) {
        if (queued(ahead) >= target.steps) {
            for (let at = 1; at < target.steps; at++) dequeue(ahead);
            return dequeue(ahead);
        }
    }
    emptyQueue(ahead);
    const rows = await ask([
        "scan", kind, definition.id, state.range, state.direction, positionOf(state, target), target.steps - 1,
        state.size, state.values, MOST_BYTES,
    ]);
    state.size = state.size * 4 > MOST_AHEAD ? MOST_AHEAD : state.size * 4;
    state.writes = transaction.writes;
    if (rows.length === 0) return null;
    state.ahead = newQueue(rows);
    return dequeue(state.ahead);
}

/** Where a scan goes on: [key, primary key or null, whether that record itself is meant]; null at the beginning. */
function positionOf(state, target) {
    const unique = state.direction === "nextunique" || state.direction === "prevunique";
    if (target.key !== null) return [target.key, target.primaryKey, true];
    if (state.key === null) return null;
    return [state.key, unique || state.self.kind === "store" ? null : state.primaryKey, false];
}

function moveTo(state, row) {
    if (row === null) {
        state.shownKey = undefined;
        state.shownPrimaryKey = undefined;
        state.value = undefined;
        return null;
    }
    if (state.key === null || compareKeys(state.key, row[0]) !== 0) state.shownKey = decodeKey(row[0]);
    state.shownPrimaryKey = decodeKey(row[1]);
    state.key = row[0];
    state.primaryKey = row[1];
    state.value = state.values ? readValue(state.self.store, row[1], row[2]) : undefined;
    state.gotValue = true;
    return state.facade;
}
