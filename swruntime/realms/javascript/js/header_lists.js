/**
 * Header lists, and which names and values the standard singles out.
 *
 * A list is an array of [name, value], changed in place; values are strings of one character up to U+00FF a byte. The
 * same rules are in Python in `swruntime.algorithms.headers`, and a test compares them.
 */

import {
    ArrayPrototypeFilter,
    ArrayPrototypeIncludes,
    ArrayPrototypeJoin,
    ArrayPrototypePush,
    ArrayPrototypeSome,
    ArrayPrototypeSort,
    BigInt,
    matches,
    newList,
    RegExpPrototypeExec,
    StringPrototypeSlice,
    StringPrototypeStartsWith,
    StringPrototypeToLowerCase,
    StringPrototypeToUpperCase,
} from "./primordials.js";
import { parseMimeType, quotedString, strip, TOKEN } from "./mime.js";

const lower = StringPrototypeToLowerCase;

// deno-fmt-ignore
const FORBIDDEN_REQUEST = [
    "accept-charset", "accept-encoding", "access-control-request-headers", "access-control-request-method",
    "connection", "content-length", "cookie", "cookie2", "date", "dnt", "expect", "host", "keep-alive", "origin",
    "referer", "set-cookie", "te", "trailer", "transfer-encoding", "upgrade", "via",
];
const METHOD_OVERRIDES = ["x-http-method", "x-http-method-override", "x-method-override"];
const FORBIDDEN_METHODS = ["CONNECT", "TRACE", "TRACK"];
export const NO_CORS_SAFELISTED = ["accept", "accept-language", "content-language", "content-type"];
const FORBIDDEN_RESPONSE = ["set-cookie", "set-cookie2"];
const SAFELISTED_TYPES = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];
// deno-lint-ignore no-control-regex
const UNSAFE_BYTE = /[\x00-\x08\x0a-\x1f"():<>?@[\\\]{}\x7f]/;
const LANGUAGE = /^[0-9A-Za-z *,\-.;=]*$/;
const SIMPLE_RANGE = /^bytes=([0-9]+)-([0-9]*)$/;

/** https://fetch.spec.whatwg.org/#forbidden-method */
export const isForbiddenMethod = (method) =>
    ArrayPrototypeIncludes(FORBIDDEN_METHODS, StringPrototypeToUpperCase(method));

/** https://fetch.spec.whatwg.org/#header-name */
export const isName = (text) => matches(TOKEN, text);

/** https://fetch.spec.whatwg.org/#concept-header-value-normalize */
export const normalizeValue = (text) => strip(text, "\t\n\r ");

/** https://fetch.spec.whatwg.org/#forbidden-request-header */
export function isForbiddenRequestHeader(name, value) {
    name = lower(name);
    if (ArrayPrototypeIncludes(FORBIDDEN_REQUEST, name)) return true;
    if (StringPrototypeStartsWith(name, "proxy-") || StringPrototypeStartsWith(name, "sec-")) return true;
    return ArrayPrototypeIncludes(METHOD_OVERRIDES, name) &&
        ArrayPrototypeSome(splitValue(value), isForbiddenMethod);
}

/** https://fetch.spec.whatwg.org/#forbidden-response-header-name */
export const isForbiddenResponseHeaderName = (name) =>
    ArrayPrototypeIncludes(FORBIDDEN_RESPONSE, lower(name));

/** https://fetch.spec.whatwg.org/#no-cors-safelisted-request-header */
export function isNoCorsSafelisted(name, value) {
    name = lower(name);
    return ArrayPrototypeIncludes(NO_CORS_SAFELISTED, name) && isCorsSafelisted(name, value);
}

/** https://fetch.spec.whatwg.org/#cors-safelisted-request-header; `name` is in lower case */
function isCorsSafelisted(name, value) {
    if (value.length > 128) return false;
    switch (name) {
        case "accept":
            return !matches(UNSAFE_BYTE, value);
        case "accept-language":
        case "content-language":
            return matches(LANGUAGE, value);
        case "content-type": {
            const type = parseMimeType(value);
            return !matches(UNSAFE_BYTE, value) && type !== null &&
                ArrayPrototypeIncludes(SAFELISTED_TYPES, type.essence);
        }
        case "range": {
            const range = RegExpPrototypeExec(SIMPLE_RANGE, value);
            return range !== null && (range[2] === "" || BigInt(range[1]) <= BigInt(range[2]));
        }
        default:
            return false;
    }
}

/** https://fetch.spec.whatwg.org/#header-value-get-decode-and-split */
export function splitValue(value) {
    const parts = newList();
    let from = 0;
    let at = 0;
    while (at < value.length) {
        if (value[at] === '"') {
            at = quotedString(value, at).end;
        } else if (value[at] === ",") {
            parts[parts.length] = strip(StringPrototypeSlice(value, from, at), "\t ");
            from = ++at;
        } else {
            at++;
        }
    }
    parts[parts.length] = strip(StringPrototypeSlice(value, from), "\t ");
    return parts;
}

// Lists

/** The values of `name`, one for each of its headers. */
export function all(list, name) {
    name = lower(name);
    const values = newList();
    for (let at = 0; at < list.length; at++) {
        if (lower(list[at][0]) === name) values[values.length] = list[at][1];
    }
    return values;
}

/** https://fetch.spec.whatwg.org/#concept-header-list-get: the combined value, null where there is none */
export function get(list, name) {
    const values = all(list, name);
    return values.length === 0 ? null : ArrayPrototypeJoin(values, ", ");
}

export const contains = (list, name) => indexOf(list, name) >= 0;

function indexOf(list, name) {
    name = lower(name);
    for (let at = 0; at < list.length; at++) {
        if (lower(list[at][0]) === name) return at;
    }
    return -1;
}

/** A list that can be changed without changing `list`. */
export function copy(list) {
    const result = newList();
    for (let at = 0; at < list.length; at++) result[at] = [list[at][0], list[at][1]];
    return result;
}

/** https://fetch.spec.whatwg.org/#concept-header-list-append (the first spelling of the name stays) */
export function appendTo(list, name, value) {
    const first = indexOf(list, name);
    list[list.length] = [first < 0 ? name : list[first][0], value];
}

/** https://fetch.spec.whatwg.org/#concept-header-list-delete */
export function deleteFrom(list, name) {
    name = lower(name);
    const left = ArrayPrototypeFilter(list, (header) => lower(header[0]) !== name);
    list.length = 0;
    for (let at = 0; at < left.length; at++) list[list.length] = left[at];
}

/** https://fetch.spec.whatwg.org/#concept-header-list-set (the first one is replaced, the others go) */
export function setIn(list, name, value) {
    const first = indexOf(list, name);
    if (first < 0) return ArrayPrototypePush(list, [name, value]);
    const header = list[first];
    header[1] = value;
    const wanted = lower(name);
    const left = ArrayPrototypeFilter(list, (each) => each === header || lower(each[0]) !== wanted);
    list.length = 0;
    for (let at = 0; at < left.length; at++) list[list.length] = left[at];
}

/** https://fetch.spec.whatwg.org/#concept-header-list-sort-and-combine */
export function sortAndCombine(list) {
    const names = newList();
    for (let at = 0; at < list.length; at++) {
        const name = lower(list[at][0]);
        if (!ArrayPrototypeIncludes(names, name)) names[names.length] = name;
    }
    ArrayPrototypeSort(names, (a, b) => (a < b ? -1 : 1));
    const result = newList();
    for (let at = 0; at < names.length; at++) {
        const values = all(list, names[at]);
        if (names[at] !== "set-cookie") { // the one header whose values must not be combined
            result[result.length] = [names[at], ArrayPrototypeJoin(values, ", ")];
            continue;
        }
        for (let each = 0; each < values.length; each++) {
            result[result.length] = [names[at], values[each]];
        }
    }
    return result;
}

/** https://fetch.spec.whatwg.org/#concept-header-extract-mime-type: null where there is none that makes sense */
export function extractMimeType(list) {
    const value = get(list, "content-type");
    if (value === null) return null;
    let charset;
    let found = null;
    const parts = splitValue(value);
    for (let at = 0; at < parts.length; at++) {
        const type = parseMimeType(parts[at]);
        if (type === null || type.essence === "*/*") continue;
        if (found === null || type.essence !== found.essence) {
            charset = type.parameters.charset;
        } else if (type.parameters.charset === undefined && charset !== undefined) {
            type.parameters.charset = charset;
        }
        found = type;
    }
    return found;
}
