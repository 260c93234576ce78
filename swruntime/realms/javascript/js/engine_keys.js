// A key that is not extractable is never exported: https://w3c.github.io/webcrypto/#security-considerations
//
// The engine writes a key's bytes on the key itself, as properties named by symbols, for node:crypto and for its own
// structured clone. It does so only once it was told the symbols; here it never is. While it makes a key, it also
// assigns the bytes to ordinary objects that it then forgets, and that asks for setters on `Object.prototype`: those
// names cannot get one.

import { getProxyDetails, isProxy } from "./engine.js";
import { named } from "./functions.js";
import {
    ArrayPrototypeIncludes, ObjectDefineProperty, ObjectPrototype, ReflectApply, ReflectDefineProperty,
    ReflectGetOwnPropertyDescriptor, ReflectHas, ReflectOwnKeys, TypeError,
} from "./primordials.js";

/** What the engine assigns bytes of a key to, or objects that have them. */
const NAMES = ["data", "keyData", "privateKey", "seed"];

/** To be called before `crypto` is read for the first time, and before `removeInternals`. */
export function hideKeyMaterial(global) {
    const { Crypto } = global;
    ReflectDefineProperty(Crypto, "registerSymbols", { __proto__: null, value: () => {}, configurable: true });
    void global.crypto.subtle; // both are made now
    refuseSetters(global);
}

/** Whether `object` is `Object.prototype`, or a proxy of it. */
function isRoot(object) {
    let at = object;
    while (isProxy(at)) at = getProxyDetails(at)[0];
    return at === ObjectPrototype;
}

const FIELDS = ["enumerable", "configurable", "value", "writable", "get", "set"];

/** *ToPropertyDescriptor*: what a script's object says, asked once. */
function descriptorFrom(object) {
    const isObject = (typeof object === "object" && object !== null) || typeof object === "function";
    if (!isObject) throw new TypeError("Property description must be an object");
    const descriptor = { __proto__: null };
    for (let i = 0; i < FIELDS.length; i++) if (ReflectHas(object, FIELDS[i])) descriptor[FIELDS[i]] = object[FIELDS[i]];
    return descriptor;
}

const keyFrom = (value) => (typeof value === "symbol" ? value : `${value}`);
const isRefused = (key, descriptor) => descriptor.set !== undefined && ArrayPrototypeIncludes(NAMES, key);
const refusal = (key) => new TypeError(`Cannot define a setter of '${key}' for all objects`);

/** The ways to give an object that is there a setter. */
function refuseSetters({ Object, Reflect }) {
    const { defineProperties } = Object;
    const { __defineSetter__ } = ObjectPrototype;
    const methods = {
        defineProperty(object, key, attributes) {
            if (!isRoot(object)) return ObjectDefineProperty(object, key, attributes);
            const name = keyFrom(key);
            const descriptor = descriptorFrom(attributes);
            if (isRefused(name, descriptor)) throw refusal(name);
            return ObjectDefineProperty(object, name, descriptor);
        },
        defineProperties(object, properties) {
            if (!isRoot(object) || properties === null || typeof properties !== "object") {
                return ReflectApply(defineProperties, Object, [object, properties]);
            }
            const keys = ReflectOwnKeys(properties);
            const all = { __proto__: null };
            for (let i = 0; i < keys.length; i++) {
                if (ReflectGetOwnPropertyDescriptor(properties, keys[i])?.enumerable !== true) continue;
                const descriptor = descriptorFrom(properties[keys[i]]);
                if (isRefused(keys[i], descriptor)) throw refusal(keys[i]);
                all[keys[i]] = descriptor;
            }
            return ReflectApply(defineProperties, Object, [object, all]);
        },
    };
    const { reflected } = {
        reflected(object, key, attributes) {
            if (!isRoot(object)) return ReflectDefineProperty(object, key, attributes);
            const name = keyFrom(key);
            const descriptor = descriptorFrom(attributes);
            return !isRefused(name, descriptor) && ReflectDefineProperty(object, name, descriptor);
        },
    };
    const { legacy } = {
        legacy(key, setter) {
            if (isRoot(this) && ArrayPrototypeIncludes(NAMES, (key = keyFrom(key)))) throw refusal(key);
            ReflectApply(__defineSetter__, this, [key, setter]);
        },
    };
    put(Object, "defineProperty", methods.defineProperty, 3);
    put(Object, "defineProperties", methods.defineProperties, 2);
    put(Reflect, "defineProperty", reflected, 3);
    put(ObjectPrototype, "__defineSetter__", legacy, 2);
}

const put = (holder, name, method, length) =>
    ReflectDefineProperty(holder, name, {
        __proto__: null, value: named(method, name, length), writable: true, enumerable: false, configurable: true,
    });
