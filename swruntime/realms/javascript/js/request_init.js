/**
 * What the Request constructor makes of its arguments, but for headers and body.
 *
 * https://fetch.spec.whatwg.org/#dom-request; the same steps are in Python in `swruntime.algorithms.requests`.
 */

import { ArrayPrototypeIncludes, matches, StringPrototypeToUpperCase, TypeError } from "./primordials.js";
import {
    isAbortSignal,
    URLPrototypeGetHref,
    URLPrototypeGetOrigin,
    URLPrototypeGetPassword,
    URLPrototypeGetUsername,
} from "./platform.js";
import { environmentOrigin, parseURL } from "./environment.js";
import { isForbiddenMethod } from "./header_lists.js";
import { HeadersInit } from "./headers.js";
import { TOKEN } from "./mime.js";
import {
    any,
    boolean,
    ByteString,
    dictionary,
    DOMString,
    enumeration,
    interfaceType,
    nullable,
    shown,
    USVString,
} from "./webidl.js";

// deno-fmt-ignore
const POLICIES = [
    "", "no-referrer", "no-referrer-when-downgrade", "same-origin", "origin", "strict-origin",
    "origin-when-cross-origin", "strict-origin-when-cross-origin", "unsafe-url",
];
const CACHES = ["default", "no-store", "reload", "no-cache", "force-cache", "only-if-cached"];
const NORMALIZED = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];

/** https://fetch.spec.whatwg.org/#requestinit */
export const RequestInit = dictionary([
    ["body", any],
    ["cache", enumeration("RequestCache", CACHES)],
    ["credentials", enumeration("RequestCredentials", ["omit", "same-origin", "include"])],
    ["duplex", enumeration("RequestDuplex", ["half"])],
    ["headers", HeadersInit],
    ["integrity", DOMString],
    ["keepalive", boolean],
    ["method", ByteString],
    ["mode", enumeration("RequestMode", ["navigate", "same-origin", "no-cors", "cors"])],
    ["priority", enumeration("RequestPriority", ["high", "low", "auto"])],
    ["redirect", enumeration("RequestRedirect", ["follow", "error", "manual"])],
    ["referrer", USVString],
    ["referrerPolicy", enumeration("ReferrerPolicy", POLICIES)],
    ["signal", nullable(interfaceType("AbortSignal", isAbortSignal))],
    ["window", any],
]);

/** Whether no member of a RequestInit is there. */
export function isEmpty(init) {
    for (const name in init) { // it has no prototype
        if (init[name] !== undefined) return false;
    }
    return true;
}

/** What a request for `url` is where nothing else is said. Throws TypeError. */
export function stateFromURL(url, context) {
    // 5.1, 5.2. Parse.
    const parsed = parseURL(url, context);
    // 5.3. No credentials.
    if (URLPrototypeGetUsername(parsed) !== "" || URLPrototypeGetPassword(parsed) !== "") {
        throw new TypeError(`${context}: the URL has credentials; send an Authorization header instead.`);
    }
    return {
        __proto__: null,
        method: "GET",
        url: URLPrototypeGetHref(parsed),
        mode: "cors",
        credentials: "same-origin",
        cache: "default",
        redirect: "follow",
        referrer: "about:client",
        referrerPolicy: "",
        integrity: "",
        keepalive: false,
        destination: "",
        source: null,
        isModified: false,
    };
}

/** Change `state`, that of a request which is being made, as `init` says. Throws TypeError. */
export function applyInit(state, init, context) {
    // 10. The window.
    if (init.window !== undefined && init.window !== null) {
        throw new TypeError(`${context}: window is ${shown(init.window)}; expected null.`);
    }
    // 13. A request that is modified no longer comes from where it came from.
    if (!isEmpty(init)) {
        if (state.mode === "navigate") state.mode = "same-origin";
        state.isModified = true;
        state.referrer = "about:client";
        state.referrerPolicy = "";
    }
    // 14, 15. The referrer and its policy.
    if (init.referrer !== undefined) state.referrer = referrer(init.referrer, context);
    if (init.referrerPolicy !== undefined) state.referrerPolicy = init.referrerPolicy;
    // 16-18. The mode; only a user navigates.
    if (init.mode === "navigate") {
        throw new TypeError(`${context}: mode is 'navigate', which no script may use.`);
    }
    if (init.mode !== undefined) state.mode = init.mode;
    // 19, 20. The credentials mode and the cache mode.
    if (init.credentials !== undefined) state.credentials = init.credentials;
    if (init.cache !== undefined) state.cache = init.cache;
    // 21. What is in the cache of another origin must stay unknown.
    if (state.cache === "only-if-cached" && state.mode !== "same-origin") {
        throw new TypeError(
            `${context}: cache is 'only-if-cached' and mode is '${state.mode}'; expected mode 'same-origin'.`,
        );
    }
    // 22-24.
    if (init.redirect !== undefined) state.redirect = init.redirect;
    if (init.integrity !== undefined) state.integrity = init.integrity;
    if (init.keepalive !== undefined) state.keepalive = init.keepalive;
    // 25. The method.
    if (init.method !== undefined) state.method = method(init.method, context);
}

/** Step 14. One's own pages only; anything else is the client, in silence. */
function referrer(text, context) {
    if (text === "") return "";
    const url = parseURL(text, `${context}: referrer`);
    return URLPrototypeGetOrigin(url) === environmentOrigin() && environmentOrigin() !== "null"
        ? URLPrototypeGetHref(url)
        : "about:client";
}

function method(text, context) {
    if (!matches(TOKEN, text)) throw new TypeError(`${context}: ${shown(text)} is not an HTTP method.`);
    if (isForbiddenMethod(text)) {
        throw new TypeError(`${context}: method is '${text}', which no script may use.`);
    }
    // https://fetch.spec.whatwg.org/#concept-method-normalize; "patch" stays a method of its own
    const upper = StringPrototypeToUpperCase(text);
    return ArrayPrototypeIncludes(NORMALIZED, upper) ? upper : text;
}
