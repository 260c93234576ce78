/**
 * What a Headers object lets through: its guard, "none", "request", "request-no-cors", "response" or "immutable".
 *
 * A Headers object's methods are these functions on its header list and guard.
 * https://fetch.spec.whatwg.org/#headers-class
 */

import { ArrayPrototypeIncludes, matches, StringPrototypeToLowerCase, TypeError } from "./primordials.js";
import {
    appendTo,
    contains,
    deleteFrom,
    get,
    isForbiddenRequestHeader,
    isForbiddenResponseHeaderName,
    isName,
    isNoCorsSafelisted,
    NO_CORS_SAFELISTED,
    normalizeValue,
    setIn,
} from "./header_lists.js";
import { shown } from "./webidl.js";

const NOT_IN_VALUES = /[\0\r\n]/;

/** https://fetch.spec.whatwg.org/#headers-validate */
function validate(guard, name, value) {
    if (!isName(name)) throw new TypeError(`${shown(name)} is not a header name.`);
    if (matches(NOT_IN_VALUES, value)) {
        throw new TypeError(`${shown(value)} is not a value for the header '${name}'.`);
    }
    if (guard === "immutable") {
        throw new TypeError(`The header '${name}' cannot be changed: these headers are immutable.`);
    }
    if (guard === "request" && isForbiddenRequestHeader(name, value)) return false;
    return !(guard === "response" && isForbiddenResponseHeaderName(name));
}

/** https://fetch.spec.whatwg.org/#concept-headers-append */
export function append(list, guard, name, value) {
    value = normalizeValue(value);
    if (!validate(guard, name, value)) return;
    if (guard === "request-no-cors") {
        const existing = get(list, name);
        // What the header would be as a whole must be safe.
        if (!isNoCorsSafelisted(name, existing === null ? value : `${existing}, ${value}`)) return;
    }
    appendTo(list, name, value);
    removePrivileged(list, guard);
}

/** https://fetch.spec.whatwg.org/#dom-headers-set */
export function set(list, guard, name, value) {
    value = normalizeValue(value);
    if (!validate(guard, name, value)) return;
    if (guard === "request-no-cors" && !isNoCorsSafelisted(name, value)) return;
    setIn(list, name, value);
    removePrivileged(list, guard);
}

/** https://fetch.spec.whatwg.org/#dom-headers-delete */
export function remove(list, guard, name) {
    if (!validate(guard, name, "")) return;
    const wanted = StringPrototypeToLowerCase(name);
    const mayBeThere = wanted === "range" || ArrayPrototypeIncludes(NO_CORS_SAFELISTED, wanted);
    if (guard === "request-no-cors" && !mayBeThere) return;
    // What is not there changes nothing, not even the privileged ones.
    if (!contains(list, name)) return;
    deleteFrom(list, name);
    removePrivileged(list, guard);
}

/** https://fetch.spec.whatwg.org/#concept-headers-remove-privileged-no-cors-request-headers */
function removePrivileged(list, guard) {
    if (guard === "request-no-cors") deleteFrom(list, "range");
}

/** Append each of `pairs`: https://fetch.spec.whatwg.org/#concept-headers-fill */
export function fill(list, guard, pairs) {
    for (let at = 0; at < pairs.length; at++) {
        if (pairs[at].length !== 2) {
            throw new TypeError(`A header has ${pairs[at].length} items; expected a name and a value.`);
        }
        append(list, guard, pairs[at][0], pairs[at][1]);
    }
}
