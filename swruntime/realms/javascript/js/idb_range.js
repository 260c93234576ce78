/** IDBKeyRange: https://w3c.github.io/IndexedDB/#keyrange */

import { domException } from "./idb_platform.js";
import { compareKeys, decodeKey, encodeKey } from "./keys.js";
import { boolean, create, defineInterface, illegalConstructor, isObject } from "./webidl.js";

let isRange;
/** A range as the runtime takes it: [lower, upper, lowerOpen, upperOpen]. */
export let rangeWire;

export class IDBKeyRange {
    #wire;
    #lower;
    #upper;

    constructor(key = undefined, wire = undefined) {
        illegalConstructor(key);
        this.#wire = wire;
        this.#lower = wire[0] === null ? undefined : decodeKey(wire[0]);
        this.#upper = wire[1] === null ? undefined : decodeKey(wire[1]);
    }

    get lower() {
        return this.#lower;
    }

    get upper() {
        return this.#upper;
    }

    get lowerOpen() {
        return this.#wire[2];
    }

    get upperOpen() {
        return this.#wire[3];
    }

    includes(key) {
        const bytes = validKey(key);
        const wire = this.#wire;
        const above = wire[0] === null ? 1 : compareKeys(bytes, wire[0]);
        const below = wire[1] === null ? -1 : compareKeys(bytes, wire[1]);
        return (above > 0 || (above === 0 && !wire[2])) && (below < 0 || (below === 0 && !wire[3]));
    }

    static only(value) {
        const key = validKey(value);
        return create(IDBKeyRange, [key, key, false, false]);
    }

    static lowerBound(lower, open = false) {
        return create(IDBKeyRange, [validKey(lower), null, boolean(open), true]);
    }

    static upperBound(upper, open = false) {
        return create(IDBKeyRange, [null, validKey(upper), true, boolean(open)]);
    }

    static bound(lower, upper, lowerOpen = false, upperOpen = false) {
        const from = validKey(lower);
        const to = validKey(upper);
        const order = compareKeys(from, to);
        if (order > 0 || (order === 0 && (lowerOpen || upperOpen))) {
            throw domException("DataError", "The lower bound is greater than the upper one, or nothing is between them.");
        }
        return create(IDBKeyRange, [from, to, boolean(lowerOpen), boolean(upperOpen)]);
    }

    static {
        isRange = (value) => #wire in value;
        rangeWire = (range) => range.#wire;
    }
}
defineInterface(IDBKeyRange, { brand: isRange });

/** The bytes of a key. Throws DataError. */
export function validKey(value) {
    const key = encodeKey(value);
    if (key === undefined) throw domException("DataError", "The parameter is not a valid key.");
    return key;
}

/** *Convert a value to a key range*, as the runtime takes it. */
export function queryWire(value, nullDisallowed) {
    if (isObject(value) && isRange(value)) return rangeWire(value);
    if (value === undefined || value === null) {
        if (nullDisallowed) throw domException("DataError", "No key or key range was given.");
        return [null, null, false, false];
    }
    const key = validKey(value);
    return [key, key, false, false];
}

export const isKeyRange = (value) => isObject(value) && isRange(value);
