/** The Request class: https://fetch.spec.whatwg.org/#request-class */

import { ArrayPrototypeIncludes, newList, TypeError } from "./primordials.js";
import { AbortController, AbortControllerPrototypeGetSignal, AbortSignalAny } from "./platform.js";
import { BODY_PROMISES, extractBody, includeBody } from "./body.js";
import { BodyState } from "./body_state.js";
import * as guards from "./guards.js";
import * as lists from "./header_lists.js";
import { guardOf, listOf, makeHeaders } from "./headers.js";
import { applyInit, isEmpty, RequestInit, stateFromURL } from "./request_init.js";
import { RemoteSource } from "./sources.js";
import { create, defineInterface, isObject, requireArguments, token, USVString } from "./webidl.js";

let isRequestObject, bodyOf, stateOf, listIn, followedBy, wholeHandle, signal;

export class Request {
    /**
     * Method, url, mode and so on: what never changes, as in the struct of `takeRequest`. `source` is the remote object
     * of the runtime's request that it is made of, so that the runtime still knows where that came from; `isModified`:
     * an init was given on the way.
     */
    #state;
    #headers;
    #body;
    /** The signals that this request's follows, and its own once someone asked for it. */
    #followed;
    #signal = null;
    /** Whether it is the face of one of the runtime's, so that its handle stands for all of it. */
    #isFace;
    /** Whether it has no body, and `#body` is there for its handle only. */
    #isHidden;

    constructor(input, init = undefined) {
        let made = init;
        if (input !== token) {
            requireArguments(arguments.length, 1, "construct 'Request'");
            made = constructed(input, init);
        }
        this.#state = made.state;
        this.#headers = made.headers;
        this.#body = made.body;
        this.#followed = made.followed;
        this.#isFace = made.isFace;
        this.#isHidden = made.isHidden;
    }

    get method() {
        return this.#state.method;
    }

    get url() {
        return this.#state.url;
    }

    get headers() {
        return this.#headers;
    }

    get destination() {
        return this.#state.destination;
    }

    get referrer() {
        return this.#state.referrer;
    }

    get referrerPolicy() {
        return this.#state.referrerPolicy;
    }

    get mode() {
        return this.#state.mode;
    }

    get credentials() {
        return this.#state.credentials;
    }

    get cache() {
        return this.#state.cache;
    }

    get redirect() {
        return this.#state.redirect;
    }

    get integrity() {
        return this.#state.integrity;
    }

    get keepalive() {
        return this.#state.keepalive;
    }

    get isReloadNavigation() {
        return false; // pages are opened and navigated here, not reloaded
    }

    get isHistoryNavigation() {
        return false; // pages have no history here
    }

    get signal() {
        return signal(this);
    }

    get duplex() {
        return "half";
    }

    clone() {
        const body = this.#body === null ? null : this.#body.clone();
        const headers = makeHeaders(lists.copy(listOf(this.#headers)), guardOf(this.#headers));
        const made = { state: this.#state, headers, body, followed: this.#followed };
        return create(Request, { __proto__: null, ...made, isFace: this.#isFace, isHidden: this.#isHidden });
    }

    static {
        isRequestObject = (value) => #state in value;
        bodyOf = (request) => (request.#isHidden ? null : request.#body);
        stateOf = (request) => request.#state;
        listIn = (request) => listOf(request.#headers);
        followedBy = (request) => request.#followed;
        includeBody(Request, bodyOf, listIn);
        signal = (request) => (request.#signal ??= follow(request.#followed));
        wholeHandle = (request) => (request.#isFace ? request.#body.handle : null);
    }
}

defineInterface(Request, { brand: isRequestObject, promises: BODY_PROMISES });

function follow(signals) {
    return signals.length === 0
        ? AbortControllerPrototypeGetSignal(new AbortController())
        : AbortSignalAny(signals);
}

/** https://fetch.spec.whatwg.org/#dom-request, with its numbers; 1 to 25 are in `request_init.js`. */
function constructed(input, given) {
    const context = "Failed to construct 'Request'";
    const other = isRequest(input) ? input : null;
    const url = other === null ? USVString(input, `${context}: parameter 1`) : null;
    const init = RequestInit(given, `${context}: parameter 2`);
    // 5, 6, 12. A URL, or a copy of another request.
    const state = other === null ? stateFromURL(url, context) : { __proto__: null, ...stateOf(other), destination: "" };
    applyInit(state, init, context);
    // 26-30. The signal.
    let followed = other === null ? [] : followedBy(other);
    if (init.signal !== undefined) followed = init.signal === null ? [] : [init.signal];
    // 31, 32. The guard.
    const guard = state.mode === "no-cors" ? "request-no-cors" : "request";
    if (guard === "request-no-cors" && !ArrayPrototypeIncludes(["GET", "HEAD", "POST"], state.method)) {
        throw new TypeError(`${context}: method is '${state.method}' and mode is 'no-cors'.`);
    }
    // 33. The headers.
    let list = other === null ? newList() : lists.copy(listIn(other));
    if (!isEmpty(init)) {
        const pairs = init.headers ?? list;
        list = newList();
        guards.fill(list, guard, pairs);
    }
    const inherited = other === null ? null : bodyOf(other);
    const body = constructedBody({ state, init, list, guard, inherited, context });
    return { __proto__: null, state, headers: makeHeaders(list, guard), body, followed, isFace: false, isHidden: false };
}

/** Steps 34 to 42. It appends the Content-Type to `list`. */
function constructedBody({ state, init, list, guard, inherited, context }) {
    const isGiven = init.body !== undefined && init.body !== null;
    if (!isGiven && inherited === null) return null;
    // 35. GET and HEAD have none.
    if (state.method === "GET" || state.method === "HEAD") {
        throw new TypeError(`${context}: a request with method ${state.method} has no body.`);
    }
    if (!isGiven) {
        checkStream(inherited.isStream, state, context);
        return inherited.move();
    }
    // 37. Its type, unless there is one.
    const { body, type, isStream } = extractBody(init.body, `${context}: body`);
    if (isStream && state.keepalive) {
        throw new TypeError(`${context}: keepalive is true and body is a stream.`);
    }
    if (type !== null && !lists.contains(list, "Content-Type")) {
        guards.append(list, guard, "Content-Type", type);
    }
    // 39. A stream can be sent once only.
    if (isStream && init.duplex === undefined) {
        throw new TypeError(`${context}: body is a stream; expected duplex: 'half' with it.`);
    }
    checkStream(isStream, state, context);
    return body;
}

function checkStream(isStream, state, context) {
    if (isStream && state.mode !== "same-origin" && state.mode !== "cors") {
        throw new TypeError(`${context}: mode is '${state.mode}' and body is a stream.`);
    }
}

// For the bridge

export const isRequest = (value) => isObject(value) && isRequestObject(value);

/** Whether anything could abort it. */
export const isAbortable = (request) => followedBy(request).length > 0;

/** The request's own signal. */
export const signalOf = (request) => signal(request);

/**
 * The face of a request of the runtime's.
 *
 * @param {{method, url, headers, mode, credentials, cache, redirect, referrer, referrerPolicy, integrity, keepalive,
 *   destination, hasBody}} struct
 * @param {{handle, read, cancel, clone}} remote
 * @param {{guard?: string, signal?: AbortSignal}} options `signal` is what aborts it
 */
export function makeRequest(struct, remote, { guard = "immutable", signal: source = null } = { __proto__: null }) {
    const { headers: pairs, hasBody, ...rest } = struct;
    const state = { __proto__: null, ...rest, source: remote, isModified: false };
    const headers = makeHeaders(lists.copy(pairs), guard);
    const body = new BodyState(new RemoteSource(remote));
    const followed = source === null ? [] : [source];
    const isFace = guard === "immutable";
    return create(Request, { __proto__: null, state, headers, body, followed, isFace, isHidden: !hasBody });
}

/**
 * A request to be handed over. Its body is used from now on. Throws TypeError where it is used already.
 *
 * @returns its struct; `body`, null or {bytes}, {remote: handle} or {stream}; and `handle`: that of the runtime's
 *   request which this is the untouched face of, and which then stands for all of it, else null
 */
export function takeRequest(request) {
    const handle = wholeHandle(request);
    const body = bodyOf(request);
    return {
        __proto__: null,
        ...plainState(request),
        headers: lists.copy(listIn(request)),
        body: body === null ? null : body.take(),
        handle,
    };
}

/** What `takeRequest` answers with, of a request that keeps its body: for a method that only looks at it. */
export function describeRequest(request) {
    const headers = lists.copy(listIn(request));
    return { __proto__: null, ...plainState(request), headers, body: null, handle: wholeHandle(request) };
}

function plainState(request) {
    const { source, isModified, ...state } = stateOf(request);
    return { __proto__: null, ...state };
}

/**
 * Which of the runtime's requests this one is made of, null for none.
 *
 * @returns {{handle: number, isModified: boolean} | null}
 */
export function sourceOf(request) {
    const { source, isModified } = stateOf(request);
    return source === null ? null : { __proto__: null, handle: source.handle, isModified };
}

export { wholeHandle as requestHandle };
