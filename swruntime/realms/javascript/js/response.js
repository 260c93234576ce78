/** The Response class: https://fetch.spec.whatwg.org/#response-class */

import {
    ArrayPrototypeIncludes,
    ArrayPrototypePush,
    JSONStringify,
    matches,
    newList,
    RangeError,
    StringPrototypeIndexOf,
    StringPrototypeSlice,
    TypeError,
} from "./primordials.js";
import { BODY_PROMISES, bodyOfText, extractBody, includeBody } from "./body.js";
import { BodyState } from "./body_state.js";
import { resolveURL } from "./environment.js";
import * as guards from "./guards.js";
import * as lists from "./header_lists.js";
import { guardOf, HeadersInit, listOf, makeHeaders } from "./headers.js";
import { Fate, RemoteSource } from "./sources.js";
import { ByteString, create, defineInterface, dictionary, isObject, token, unsignedShort } from "./webidl.js";
import { USVString } from "./webidl.js";

/** https://fetch.spec.whatwg.org/#null-body-status */
const NULL_BODY_STATUSES = [101, 103, 204, 205, 304];
/** https://fetch.spec.whatwg.org/#redirect-status */
const REDIRECT_STATUSES = [301, 302, 303, 307, 308];
const REASON_PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/;

const ResponseInit = dictionary([
    ["headers", HeadersInit],
    ["status", unsignedShort, 200],
    ["statusText", ByteString, ""],
]);

let isResponseObject, bodyOf, wholeHandle, structOf;

export class Response {
    /** Type, url, redirected, status, statusText: what never changes. */
    #state;
    #headers;
    #body = null;
    /** Whether it is the face of one of the runtime's, so that its handle stands for all of it. */
    #isFace;
    /** Whether scripts see no body (an opaque response's), and `#body` is there for its handle only. */
    #isHidden;

    constructor(body = null, init = undefined) {
        const made = body === token ? init : constructed(body, init);
        this.#state = made.state;
        this.#headers = made.headers;
        this.#body = made.body;
        this.#isFace = made.isFace;
        this.#isHidden = made.isHidden;
    }

    static error() {
        const state = { __proto__: null, type: "error", url: "", redirected: false, status: 0, statusText: "" };
        return create(Response, scripts(state, makeHeaders(newList(), "immutable"), null));
    }

    static json(data, init = undefined) {
        const context = "Failed to execute 'json' on 'Response'";
        const text = JSONStringify(data);
        if (text === undefined) throw new TypeError(`${context}: parameter 1 cannot be made JSON.`);
        const extracted = bodyOfText(text, "application/json");
        const made = initialized(extracted, ResponseInit(init, `${context}: parameter 2`), context);
        return create(Response, made);
    }

    static redirect(url, status = 302) {
        const context = "Failed to execute 'redirect' on 'Response'";
        const location = resolveURL(USVString(url, `${context}: parameter 1`), context);
        status = unsignedShort(status, `${context}: parameter 2`);
        if (!ArrayPrototypeIncludes(REDIRECT_STATUSES, status)) {
            throw new RangeError(`${context}: ${status} is not the status of a redirect.`);
        }
        const state = { __proto__: null, type: "default", url: "", redirected: false, status, statusText: "" };
        const list = newList();
        ArrayPrototypePush(list, ["Location", location]);
        const headers = makeHeaders(list, "immutable");
        return create(Response, scripts(state, headers, null));
    }

    get type() {
        return this.#state.type;
    }

    get url() {
        return this.#state.url;
    }

    get redirected() {
        return this.#state.redirected;
    }

    get status() {
        return this.#state.status;
    }

    get ok() {
        return this.#state.status >= 200 && this.#state.status <= 299;
    }

    get statusText() {
        return this.#state.statusText;
    }

    get headers() {
        return this.#headers;
    }

    clone() {
        const body = this.#body === null ? null : this.#body.clone();
        const headers = makeHeaders(lists.copy(listOf(this.#headers)), guardOf(this.#headers));
        const made = { state: this.#state, headers, body };
        return create(Response, { __proto__: null, ...made, isFace: this.#isFace, isHidden: this.#isHidden });
    }

    static {
        isResponseObject = (value) => #state in value;
        bodyOf = (response) => (response.#isHidden ? null : response.#body);
        includeBody(Response, bodyOf, (response) => listOf(response.#headers));
        wholeHandle = (response) => (response.#isFace ? response.#body.handle : null);
        structOf = (response) => ({ __proto__: null, ...response.#state, headers: lists.copy(listOf(response.#headers)) });
    }
}

defineInterface(Response, { brand: isResponseObject, promises: BODY_PROMISES });

/** What a script's own response is made of. */
const scripts = (state, headers, body) => ({
    __proto__: null, state, headers, body, isFace: false, isHidden: false,
});

function constructed(body, init) {
    const context = "Failed to construct 'Response'";
    const isGiven = body !== null && body !== undefined;
    const extracted = isGiven ? extractBody(body, `${context}: parameter 1`) : null;
    return initialized(extracted, ResponseInit(init, `${context}: parameter 2`), context);
}

/** https://fetch.spec.whatwg.org/#initialize-a-response */
function initialized(extracted, init, context) {
    const { status, statusText } = init;
    // 1, 2. The status and its text.
    if (status < 200 || status > 599) {
        throw new RangeError(`${context}: status is ${status}; expected 200 to 599.`);
    }
    if (!matches(REASON_PHRASE, statusText)) {
        throw new TypeError(`${context}: statusText has control characters.`);
    }
    // 5. The headers.
    const list = newList();
    if (init.headers !== undefined) guards.fill(list, "response", init.headers);
    // 6. The body.
    if (extracted !== null) {
        if (ArrayPrototypeIncludes(NULL_BODY_STATUSES, status)) {
            throw new TypeError(`${context}: a response with status ${status} has no body.`);
        }
        const { type } = extracted;
        if (type !== null && !lists.contains(list, "Content-Type")) {
            ArrayPrototypePush(list, ["Content-Type", type]);
        }
    }
    const state = { __proto__: null, type: "default", url: "", redirected: false, status, statusText };
    return scripts(state, makeHeaders(list, "response"), extracted === null ? null : extracted.body);
}

// For the bridge

export const isResponse = (value) => isObject(value) && isResponseObject(value);

/**
 * The face of a response of the runtime's.
 *
 * @param {{type, url, redirected, status, statusText, headers, hasBody}} struct
 * @param {{handle, read, cancel, clone}} remote
 * @param {Fate} fate what makes its body an error when the fetch is aborted
 */
export function makeResponse(struct, remote, fate = new Fate()) {
    const { type, redirected, status, statusText } = struct;
    const fragment = StringPrototypeIndexOf(struct.url, "#");
    const url = fragment < 0 ? struct.url : StringPrototypeSlice(struct.url, 0, fragment);
    const state = { __proto__: null, type, url, redirected, status, statusText };
    const headers = makeHeaders(lists.copy(struct.headers), "immutable");
    const body = new BodyState(new RemoteSource(remote, fate));
    return create(Response, { __proto__: null, state, headers, body, isFace: true, isHidden: !struct.hasBody });
}

/**
 * A response to be handed over. Its body is used from now on. Throws TypeError where it is used already.
 *
 * @returns its struct; `body`, null or {bytes}, {remote: handle} or {stream}; and `handle`: that of the runtime's
 *   response which this is the untouched face of, and which then stands for all of it, else null
 */
export function takeResponse(response) {
    const handle = wholeHandle(response);
    const body = bodyOf(response);
    const struct = structOf(response);
    struct.body = body === null ? null : body.take();
    struct.handle = handle;
    return struct;
}

export { wholeHandle as responseHandle };
