/** DOMStringList: https://html.spec.whatwg.org/multipage/common-dom-interfaces.html#the-domstringlist-interface */

import {
    ArrayPrototypeIncludes,
    ArrayPrototypePush,
    ArrayPrototypeSort,
    newList,
    ObjectDefineProperty,
    String,
    SymbolIterator,
} from "./primordials.js";
import { create, defineInterface, illegalConstructor, unsignedLong } from "./webidl.js";

const arrayValues = Array.prototype.values;
let isList;

export class DOMStringList {
    #items;

    constructor(key = undefined, items = undefined) {
        illegalConstructor(key);
        this.#items = items;
        for (let at = 0; at < items.length; at++) {
            ObjectDefineProperty(this, at, { __proto__: null, value: items[at], enumerable: true, configurable: true });
        }
    }

    get length() {
        return this.#items.length;
    }

    item(index) {
        return this.#items[unsignedLong(index, "item")] ?? null;
    }

    contains(string) {
        return ArrayPrototypeIncludes(this.#items, String(string));
    }

    static {
        isList = (value) => #items in value;
    }
}
defineInterface(DOMStringList, { brand: isList });
ObjectDefineProperty(DOMStringList.prototype, SymbolIterator, {
    __proto__: null,
    value: arrayValues,
    writable: true,
    configurable: true,
});

/** A list of `names` (an array of ours), sorted by code units. */
export function sortedList(names) {
    const copy = newList();
    for (let at = 0; at < names.length; at++) ArrayPrototypePush(copy, names[at]);
    ArrayPrototypeSort(copy);
    return create(DOMStringList, copy);
}
