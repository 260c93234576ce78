/**
 * IDBTransaction, and how its requests are placed, run and answered.
 *
 * Requests go to the runtime in batches: what was placed while one was under way makes the next. What needs several
 * calls (a cursor, an index over records that are there) is a function, and runs alone.
 *
 * Spec: https://w3c.github.io/IndexedDB/#transaction-construct
 */

import {
    EventConstructor,
    EventTargetConstructor,
    defineHandler,
    domException,
    fireAlong,
    queueTask,
} from "./idb_platform.js";
import { branded, newRequest, settle } from "./idb_request.js";
import {
    ArrayPrototypePush, ArrayPrototypeSlice, dequeue, emptyQueue, enqueue, firstOf, Map, MapPrototypeForEach, MapPrototypeGet, MapPrototypeSet,
    newList, newQueue, PromisePrototypeThen, queued,
} from "./primordials.js";
import { DOMString, create, defineInterface, illegalConstructor } from "./webidl.js";
import { sortedList } from "./string_list.js";

/** Requests in a call at the most, and bytes of values. */
const MOST_REQUESTS = 256;
const MOST_BYTES = 1024 * 1024;

let isTransaction;
export let transactionState;
/** How an object store's facade is made; idb_store.js sets it. */
let makeStore;
export const onMakeStore = (make) => {
    makeStore = make;
};

export class IDBTransaction extends EventTargetConstructor {
    #state;

    constructor(key = undefined, state = undefined) {
        illegalConstructor(key);
        super();
        this.#state = state;
        state.facade = this;
    }

    get objectStoreNames() {
        const names = newList();
        const { scope, connection, mode } = this.#state;
        const stores = mode === "versionchange" ? connection.stores : scope;
        MapPrototypeForEach(stores, (store) => ArrayPrototypePush(names, store.name));
        return sortedList(names);
    }

    get mode() {
        return this.#state.mode;
    }

    get durability() {
        return this.#state.durability;
    }

    get db() {
        return this.#state.connection.facade;
    }

    get error() {
        return this.#state.error;
    }

    objectStore(name) {
        const text = DOMString(name, "objectStore");
        const state = this.#state;
        if (state.phase === "finished") throw domException("InvalidStateError", "The transaction has finished.");
        const store = MapPrototypeGet(state.scope, text);
        if (store === undefined || store.deleted) {
            throw domException("NotFoundError", `'${text}' is not an object store of this transaction.`);
        }
        return storeHandle(state, store);
    }

    commit() {
        const state = this.#state;
        requireActive(state);
        state.phase = "committing";
        step(state);
    }

    abort() {
        const state = this.#state;
        if (state.phase === "committing" || state.phase === "finished") {
            throw domException("InvalidStateError", "The transaction has finished.");
        }
        abort(state, null);
    }

    static {
        isTransaction = (value) => #state in value;
        transactionState = (transaction) => transaction.#state;
    }
}
defineInterface(IDBTransaction, { brand: isTransaction });
defineHandler(IDBTransaction.prototype, "abort", branded(isTransaction));
defineHandler(IDBTransaction.prototype, "complete", branded(isTransaction));
defineHandler(IDBTransaction.prototype, "error", branded(isTransaction));

/** The one object of this transaction for an object store. */
export function storeHandle(transaction, store) {
    let facade = MapPrototypeGet(transaction.handles, store);
    if (facade === undefined) MapPrototypeSet(transaction.handles, store, (facade = makeStore(transaction, store)));
    return facade;
}

/** `begun` is a promise of the runtime's: the transaction may start. */
export function newTransaction(connection, { id, scope, mode, durability, begun, openRequest = null }) {
    const state = {
        __proto__: null, facade: null, connection, id, scope, mode, durability, begun, openRequest,
        /** "active", "inactive", "committing" or "finished" */
        phase: mode === "versionchange" ? "inactive" : "active",
        error: null,
        queue: newQueue(),
        /** The requests that have no answer yet, in order. */
        requests: newQueue(),
        unanswered: 0,
        running: false,
        writes: 0,
        handles: new Map(),
        undo: newList(),
        onEnd: null,
        ending: false,
        aborted: false,
    };
    create(IDBTransaction, state);
    if (mode !== "versionchange") {
        queueTask(() => {
            if (state.phase === "active") state.phase = "inactive";
            step(state);
        });
    }
    return state;
}

export function requireActive(state) {
    if (state.phase !== "active") {
        throw domException("TransactionInactiveError", "The transaction is not active, or has finished.");
    }
}

/** Place an operation that no request stands for. When it fails, the transaction is aborted. */
export function placeQuietly(state, wire) {
    place(state, { __proto__: null, request: null, wire, size: 0, writes: true, convert: null });
}

/** *Asynchronously execute a request*: its state. `convert` makes the result of the runtime's answer. */
export function placeRequest(state, source, wire, { convert = () => undefined, size = 0, writes = false, request = null } = { __proto__: null }) {
    const placed = request ?? newRequest(source, state);
    enqueue(state.requests, placed);
    place(state, { __proto__: null, request: placed, wire, size, writes, convert });
    return placed;
}

function place(state, operation) {
    state.unanswered++;
    enqueue(state.queue, operation);
    run(state);
}

/** Ask the runtime, as part of this transaction. */
async function ask(state, wires) {
    const answer = await state.connection.backend.call("idb.requests", { __proto__: null, transaction: state.id, requests: wires });
    return answer.results;
}

async function run(state) {
    if (state.running) return;
    state.running = true;
    try {
        await state.begun;
        while (queued(state.queue) > 0 && state.phase !== "finished") {
            const operations = takeBatch(state.queue);
            if (typeof operations[0].wire === "function") await runAlone(state, operations[0]);
            else await runBatch(state, operations);
        }
    } catch (error) {
        state.running = false;
        queueTask(() => abort(state, error));
        return;
    }
    state.running = false;
    queueTask(() => step(state));
}

function takeBatch(queue) {
    const batch = newList();
    ArrayPrototypePush(batch, dequeue(queue));
    let size = batch[0].size;
    if (typeof batch[0].wire === "function") return batch;
    while (batch.length < MOST_REQUESTS && size < MOST_BYTES && queued(queue) > 0 && typeof firstOf(queue).wire !== "function") {
        size += firstOf(queue).size;
        ArrayPrototypePush(batch, dequeue(queue));
    }
    return batch;
}

async function runBatch(state, operations) {
    const wires = newList();
    for (let at = 0; at < operations.length; at++) {
        ArrayPrototypePush(wires, operations[at].wire);
        if (operations[at].writes) state.writes++;
    }
    // Of many large records there come some, and the rest is asked for again.
    for (let from = 0; from < operations.length && state.phase !== "finished";) {
        const results = await ask(state, from === 0 ? wires : ArrayPrototypeSlice(wires, from));
        for (let at = 0; at < results.length; at++) {
            const { error, value } = results[at];
            const operation = operations[from + at];
            queueTask(() => answer(state, operation, value, error === undefined ? null : domException(error.name, error.message)));
        }
        from += results.length;
    }
}

async function runAlone(state, operation) {
    if (operation.writes) state.writes++;
    const value = await operation.wire(async (wire) => {
        const { error, value } = (await ask(state, [wire]))[0];
        if (error !== undefined) throw domException(error.name, error.message);
        return value;
    });
    queueTask(() => answer(state, operation, value, null));
}

function answer(state, { request, convert }, value, error) {
    if (state.phase === "finished") return;
    state.unanswered--;
    if (request === null) {
        if (error !== null) abort(state, error);
        else step(state);
        return;
    }
    dequeue(state.requests);
    let result;
    if (error === null) {
        try {
            result = convert(value);
        } catch (failure) {
            error = domException("DataError", `The stored value cannot be read: ${failure}`);
        }
    }
    settle(request, result, error);
    fireAnswer(state, request, error);
}

/** *Fire a success event*, *fire an error event* */
function fireAnswer(state, request, error) {
    const failed = error !== null;
    const event = new EventConstructor(failed ? "error" : "success", { __proto__: null, bubbles: failed, cancelable: failed });
    if (state.phase === "inactive") state.phase = "active";
    const { canceled, threw } = fireAlong([request.facade, state.facade, state.connection.facade], event);
    if (state.phase === "active") state.phase = "inactive";
    if (state.phase !== "inactive" && state.phase !== "committing") return;
    if (threw) abort(state, domException("AbortError", "A listener threw an exception."));
    else if (failed && !canceled) abort(state, error);
    else step(state);
}

/** Commit where nothing is left to do. */
export function step(state) {
    const idle = !state.running && state.unanswered === 0;
    if (idle && !state.ending && (state.phase === "inactive" || state.phase === "committing")) commit(state);
}

async function commit(state) {
    state.phase = "committing";
    state.ending = true;
    try {
        await state.begun;
        await state.connection.backend.call("idb.commit", { __proto__: null, transaction: state.id });
    } catch (error) {
        queueTask(() => abort(state, error, true));
        return;
    }
    queueTask(() => {
        if (state.phase === "finished") return;
        state.phase = "finished";
        if (state.mode === "versionchange") state.connection.upgrade = null;
        fireAlong([state.facade, state.connection.facade], new EventConstructor("complete"));
        if (state.openRequest !== null) state.openRequest.transaction = null;
        state.onEnd?.(null);
    });
}

function sendAbort({ connection, id }) {
    PromisePrototypeThen(connection.backend.call("idb.abort", { __proto__: null, transaction: id }), undefined, () => {});
}

/** *Abort a transaction*: https://w3c.github.io/IndexedDB/#abort-a-transaction */
export function abort(state, error, gone = false) {
    if (state.phase === "finished") return;
    state.phase = "finished";
    state.aborted = true;
    state.error = error;
    for (let at = state.undo.length - 1; at >= 0; at--) state.undo[at]();
    emptyQueue(state.queue);
    if (!gone) sendAbort(state);
    while (queued(state.requests) > 0) {
        const request = dequeue(state.requests);
        queueTask(() => {
            settle(request, undefined, domException("AbortError", "The transaction was aborted."));
            const event = new EventConstructor("error", { __proto__: null, bubbles: true, cancelable: true });
            fireAlong([request.facade, state.facade, state.connection.facade], event);
        });
    }
    queueTask(() => {
        if (state.mode === "versionchange") state.connection.upgrade = null;
        const event = new EventConstructor("abort", { __proto__: null, bubbles: true });
        fireAlong([state.facade, state.connection.facade], event);
        if (state.openRequest !== null) state.openRequest.transaction = null;
        state.onEnd?.(error);
    });
}
