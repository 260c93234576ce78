/** IDBRequest, IDBOpenDBRequest, IDBVersionChangeEvent: https://w3c.github.io/IndexedDB/#request-api */

import { EventConstructor, EventTargetConstructor, defineHandler, domException, fireAlong } from "./idb_platform.js";
import { TypeError } from "./primordials.js";
import {
    DOMString,
    createAs,
    defineInterface,
    dictionary,
    enforcedUnsignedLongLong,
    illegalConstructor,
    isObject,
    nullable,
    requireArguments,
} from "./webidl.js";

let isRequest;
let isVersionChange;
/** The state of a request: what the rest of IndexedDB works with. */
export let requestState;

export class IDBRequest extends EventTargetConstructor {
    #state;

    constructor(key = undefined, state = undefined) {
        illegalConstructor(key);
        super();
        this.#state = state;
        state.facade = this;
    }

    get result() {
        return this.#done().result;
    }

    get error() {
        return this.#done().error;
    }

    get source() {
        return this.#state.source;
    }

    get transaction() {
        return this.#state.transaction?.facade ?? null;
    }

    get readyState() {
        return this.#state.done ? "done" : "pending";
    }

    #done() {
        if (!this.#state.done) throw domException("InvalidStateError", "The request has not finished.");
        return this.#state;
    }

    static {
        isRequest = (value) => #state in value;
        requestState = (request) => request.#state;
    }
}
defineInterface(IDBRequest, { brand: isRequest });

/** Throws where a handler attribute is asked of what is none of ours. */
export const branded = (is) => (value) => {
    if (!isObject(value) || !is(value)) throw new TypeError("Illegal invocation");
};
defineHandler(IDBRequest.prototype, "success", branded(isRequest));
defineHandler(IDBRequest.prototype, "error", branded(isRequest));

export class IDBOpenDBRequest extends IDBRequest {
    constructor() {
        illegalConstructor();
        super();
    }
}
defineInterface(IDBOpenDBRequest, { brand: isRequest });
defineHandler(IDBOpenDBRequest.prototype, "blocked", branded(isRequest));
defineHandler(IDBOpenDBRequest.prototype, "upgradeneeded", branded(isRequest));

/** `source` is the facade that the request was made of; `transaction` a state. */
export function newRequest(source, transaction, constructor = IDBRequest) {
    const state = { __proto__: null, facade: null, done: false, result: undefined, error: null, source, transaction };
    createAs(constructor, IDBRequest, state);
    return state;
}

/** What a request has come to. `error` is a DOMException. */
export function settle(request, result, error) {
    request.done = true;
    request.result = error === null ? result : undefined;
    request.error = error;
}

const versionChangeInit = dictionary([
    ["bubbles", (value) => !!value, false],
    ["cancelable", (value) => !!value, false],
    ["composed", (value) => !!value, false],
    ["newVersion", nullable(enforcedUnsignedLongLong), null],
    ["oldVersion", enforcedUnsignedLongLong, 0],
]);

export class IDBVersionChangeEvent extends EventConstructor {
    #oldVersion;
    #newVersion;

    constructor(type, init = undefined) {
        requireArguments(arguments.length, 1, "construct 'IDBVersionChangeEvent'");
        const members = versionChangeInit(init, "construct 'IDBVersionChangeEvent'");
        super(DOMString(type, "type"), members);
        this.#oldVersion = members.oldVersion;
        this.#newVersion = members.newVersion;
    }

    get oldVersion() {
        return this.#oldVersion;
    }

    get newVersion() {
        return this.#newVersion;
    }

    static {
        isVersionChange = (value) => #oldVersion in value;
    }
}
defineInterface(IDBVersionChangeEvent, { brand: isVersionChange });

/** *Fire a version change event*. Answers whether a listener threw. */
export function fireVersionChange(path, type, oldVersion, newVersion) {
    return fireAlong(path, new IDBVersionChangeEvent(type, { __proto__: null, oldVersion, newVersion })).threw;
}

/** A request that is in no transaction (any more) has come to its end: `open` and `deleteDatabase`. */
export function fireEnd(request, result, error) {
    settle(request, result, error);
    const bubbles = error !== null;
    const event = new EventConstructor(error === null ? "success" : "error", { __proto__: null, bubbles, cancelable: bubbles });
    fireAlong([request.facade], event);
}
