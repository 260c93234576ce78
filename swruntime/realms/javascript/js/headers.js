/** The Headers class: https://fetch.spec.whatwg.org/#headers-class */

import { isObject, record, sequence, sequenceFrom, shown } from "./webidl.js";
import { ByteString, create, defineInterface, definePairIterable, token } from "./webidl.js";
import * as guards from "./guards.js";
import * as lists from "./header_lists.js";
import { arrayFor, newList, SymbolIterator, TypeError } from "./primordials.js";

const byteStrings = sequence(ByteString);
const byteStringRecord = record(ByteString, ByteString);

let isHeadersObject, listOf, guardOf, sorted;

export class Headers {
    /** @type {[string, string][]} */
    #list = newList();
    #guard = "none";
    /** What iteration goes over, until the list changes. */
    #sorted = null;

    constructor(init = undefined) {
        if (init === token) {
            this.#list = arguments[1];
            this.#guard = arguments[2];
        } else if (init !== undefined) {
            guards.fill(this.#list, "none", HeadersInit(init, "Failed to construct 'Headers': parameter 1"));
        }
    }

    append(name, value) {
        const context = "Failed to execute 'append' on 'Headers': ";
        name = ByteString(name, `${context}parameter 1`);
        guards.append(this.#changing(), this.#guard, name, ByteString(value, `${context}parameter 2`));
    }

    delete(name) {
        name = ByteString(name, "Failed to execute 'delete' on 'Headers': parameter 1");
        guards.remove(this.#changing(), this.#guard, name);
    }

    get(name) {
        return lists.get(this.#list, headerName(name, "get"));
    }

    getSetCookie() {
        return arrayFor(lists.all(this.#list, "set-cookie"));
    }

    has(name) {
        return lists.contains(this.#list, headerName(name, "has"));
    }

    set(name, value) {
        const context = "Failed to execute 'set' on 'Headers': ";
        name = ByteString(name, `${context}parameter 1`);
        guards.set(this.#changing(), this.#guard, name, ByteString(value, `${context}parameter 2`));
    }

    #changing() {
        this.#sorted = null;
        return this.#list;
    }

    static {
        isHeadersObject = (value) => #list in value;
        listOf = (headers) => headers.#list;
        guardOf = (headers) => headers.#guard;
        sorted = (headers) => (headers.#sorted ??= lists.sortAndCombine(headers.#list));
    }
}

defineInterface(Headers, { brand: isHeadersObject });
definePairIterable(Headers, { brand: isHeadersObject, pairs: sorted });
const iterate = Headers.prototype[SymbolIterator];

function headerName(name, method) {
    name = ByteString(name, `Failed to execute '${method}' on 'Headers': parameter 1`);
    if (!lists.isName(name)) {
        throw new TypeError(
            `Failed to execute '${method}' on 'Headers': ${shown(name)} is not a header name.`,
        );
    }
    return name;
}

/** (sequence<sequence<ByteString>> or record<ByteString, ByteString>), as a list of lists */
export function HeadersInit(value, context) {
    if (!isObject(value)) throw new TypeError(`${context} is ${shown(value)}; expected headers.`);
    const method = value[SymbolIterator];
    if (method === undefined || method === null) return byteStringRecord(value, context);
    // Another Headers object, whose iteration no script changed.
    if (method === iterate && isHeadersObject(value)) return lists.sortAndCombine(listOf(value));
    return sequenceFrom(value, method, byteStrings, context);
}

/** The Headers object for `list`, which it changes, under `guard`. */
export const makeHeaders = (list, guard) => create(Headers, list, guard);

// For Request and Response: the list that a Headers object changes, and its guard.
export { guardOf, listOf };
