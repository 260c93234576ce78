/**
 * What makes a class an interface: https://webidl.spec.whatwg.org/#js-interfaces
 *
 * A class has its state in #private members, and hands out what only the runtime may see from a static block, which is
 * also where its brand comes from:
 *
 *     let isCache;
 *     class Cache {
 *         #handle;
 *         constructor(key = undefined, handle = undefined) {
 *             illegalConstructor(key);
 *             this.#handle = handle;
 *         }
 *         put(request, response) { ... }
 *         static {
 *             isCache = (value) => #handle in value;
 *         }
 *     }
 *     defineInterface(Cache, { brand: isCache, promises: ["put"] });
 */

import {
    ArrayPrototypeIncludes,
    ArrayPrototypePush,
    IteratorPrototype,
    newList,
    ObjectDefineProperty,
    ObjectGetOwnPropertyDescriptor,
    ObjectSetPrototypeOf,
    PromiseReject,
    ReflectApply,
    ReflectConstruct,
    ReflectOwnKeys,
    Symbol,
    SymbolIterator,
    SymbolToStringTag,
    TypeError,
} from "./primordials.js";
import { callback, isObject } from "./converters.js";

/** What the runtime's own calls of a constructor have as their first argument, and no script has. */
export const token = Symbol("the runtime's own");

/** Make an object of a class that scripts cannot construct. */
export function create(constructor, a, b, c) {
    return new constructor(token, a, b, c);
}

/**
 * Make an object of a class that inherits from `base`, with the constructor of that only: what the class calls with
 * `super` is what a script has made its prototype, and would get the token.
 */
export const createAs = (constructor, base, state) => ReflectConstruct(base, [token, state], constructor);

/** The first line of a constructor that only `create` may call: `illegalConstructor(key)`. */
export function illegalConstructor(key) {
    if (key !== token) throw new TypeError("Illegal constructor");
}

/** Throws where too few arguments came. `what` is "execute 'put' on 'Cache'" or "construct 'Request'". */
export function requireArguments(count, least, what) {
    if (count >= least) return;
    const needed = least === 1 ? "1 argument" : `${least} arguments`;
    throw new TypeError(`Failed to ${what}: ${needed} required, but only ${count} present.`);
}

/**
 * Make an interface of a class, as https://webidl.spec.whatwg.org/#js-interfaces has it.
 *
 * Every member becomes enumerable; checks that its object is `brand`ed and that as many arguments came as it has
 * parameters without a default; and, where its name is among `promises`, rejects where it would throw.
 *
 * @param {Function} constructor the class
 * @param {{brand: (value: object) => boolean, promises?: string[], name?: string}} options `brand` is called with
 *   objects only, and so may be `(value) => #member in value`
 */
export function defineInterface(constructor, { brand, promises = [], name = constructor.name }) {
    const branded = (value) => isObject(value) && brand(value);
    ArrayPrototypePush(brands, brand);
    wrapMembers(constructor.prototype, name, promises, branded);
    wrapMembers(constructor, name, promises, null);
    ObjectDefineProperty(constructor.prototype, SymbolToStringTag, { value: name, configurable: true });
    ObjectDefineProperty(constructor, "name", { value: name, configurable: true });
}

const brands = newList();

/** Whether an object is of any interface that was defined here. */
export function isOfInterface(object) {
    for (let at = 0; at < brands.length; at++) if (brands[at](object)) return true;
    return false;
}

/** `branded` is null for static members. */
function wrapMembers(holder, name, promises, branded) {
    const keys = ReflectOwnKeys(holder);
    const notMembers = branded === null ? ["prototype", "length", "name"] : ["constructor"];
    for (let at = 0; at < keys.length; at++) {
        const key = keys[at];
        if (typeof key === "symbol" || ArrayPrototypeIncludes(notMembers, key)) continue;
        const descriptor = ObjectGetOwnPropertyDescriptor(holder, key);
        const { value, get, set } = descriptor;
        const isPromise = branded !== null && ArrayPrototypeIncludes(promises, key);
        if (typeof value === "function") {
            const what = `execute '${key}' on '${name}'`;
            descriptor.value = named(member(value, what, isPromise, branded), key, value.length);
        }
        if (get !== undefined) descriptor.get = named(member(get, "", isPromise, branded), `get ${key}`, 0);
        if (set !== undefined) {
            descriptor.set = named(member(set, `set '${key}' on '${name}'`, false, branded), `set ${key}`, 1);
        }
        descriptor.enumerable = true;
        ObjectDefineProperty(holder, key, descriptor);
    }
}

/** `original` with its checks. */
function member(original, what, isPromise, branded) {
    const least = original.length;
    const call = (self, given) => {
        if (branded !== null && !branded(self)) throw new TypeError("Illegal invocation");
        requireArguments(given.length, least, what);
        return ReflectApply(original, self, given);
    };
    // Method syntax: what an interface has cannot be called with `new`.
    const methods = {
        throwing(...given) {
            return call(this, given);
        },
        rejecting(...given) {
            try {
                return call(this, given);
            } catch (error) {
                return PromiseReject(error);
            }
        },
    };
    return isPromise ? methods.rejecting : methods.throwing;
}

function named(method, name, length) {
    ObjectDefineProperty(method, "name", { value: name, configurable: true });
    ObjectDefineProperty(method, "length", { value: length, configurable: true });
    return method;
}

/**
 * Give an interface, once it is one, the members of `iterable<K, V>`: https://webidl.spec.whatwg.org/#js-iterable
 *
 * @param {(object: object) => [any, any][]} pairs what is iterated over, asked again at each step
 */
export function definePairIterable(constructor, { brand, pairs, name = constructor.name }) {
    class Iterator {
        #target;
        #kind;
        #index = 0;

        constructor(target, kind) {
            this.#target = target;
            this.#kind = kind;
        }

        next() {
            if (!isObject(this) || !(#index in this)) throw new TypeError("Illegal invocation");
            const all = pairs(this.#target);
            if (this.#index >= all.length) return { value: undefined, done: true };
            const pair = all[this.#index++];
            const kind = this.#kind;
            const value = kind === "key" ? pair[0] : kind === "value" ? pair[1] : [pair[0], pair[1]];
            return { value, done: false };
        }
    }
    const prototype = Iterator.prototype;
    delete prototype.constructor; // scripts cannot make one
    ObjectSetPrototypeOf(prototype, IteratorPrototype);
    ObjectDefineProperty(prototype, "next", { enumerable: true });
    ObjectDefineProperty(prototype, SymbolToStringTag, { value: `${name} Iterator`, configurable: true });
    addIterationMethods(constructor.prototype, { brand, pairs, name, Iterator });
}

function addIterationMethods(prototype, { brand, pairs, name, Iterator }) {
    const check = (self) => {
        if (!isObject(self) || !brand(self)) throw new TypeError("Illegal invocation");
        return self;
    };
    const methods = {
        entries() {
            return new Iterator(check(this), "entry");
        },
        forEach(...given) {
            check(this);
            requireArguments(given.length, 1, `execute 'forEach' on '${name}'`);
            const each = callback(given[0], `Failed to execute 'forEach' on '${name}': parameter 1`);
            const self = given.length > 1 ? given[1] : undefined;
            let all = pairs(this);
            for (let at = 0; at < all.length; at++, all = pairs(this)) {
                ReflectApply(each, self, [all[at][1], all[at][0], this]);
            }
        },
        keys() {
            return new Iterator(check(this), "key");
        },
        values() {
            return new Iterator(check(this), "value");
        },
    };
    named(methods.forEach, "forEach", 1);
    const define = (key, value, enumerable) =>
        ObjectDefineProperty(prototype, key, { value, writable: true, enumerable, configurable: true });
    define("entries", methods.entries, true);
    define("forEach", methods.forEach, true);
    define("keys", methods.keys, true);
    define("values", methods.values, true);
    define(SymbolIterator, methods.entries, false);
}
