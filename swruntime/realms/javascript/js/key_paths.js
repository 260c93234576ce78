/** Key paths: https://w3c.github.io/IndexedDB/#key-path-construct */

import {
    BlobPrototypeGetSize, BlobPrototypeGetType, FilePrototypeGetLastModified, FilePrototypeGetName, isBlob, isFile,
} from "./platform.js";
import {
    ArrayIsArray,
    ArrayPrototypePush,
    newList,
    ObjectDefineProperty,
    ObjectPrototypeHasOwnProperty,
    StringPrototypeSplit,
    matches,
} from "./primordials.js";
import { GENERATED, compareKeys, encodeParts } from "./keys.js";

const IDENTIFIER = /^[$_\p{ID_Start}][$_\u200c\u200d\p{ID_Continue}]*$/u;

/** What evaluating a key path fails with. */
export const FAILURE = Symbol("failure");

export function isValidKeyPath(path) {
    if (ArrayIsArray(path)) {
        if (path.length === 0) return false;
        for (let at = 0; at < path.length; at++) if (!isValidString(path[at])) return false;
        return true;
    }
    return isValidString(path);
}

function isValidString(path) {
    if (path === "") return true;
    const identifiers = StringPrototypeSplit(path, ".");
    for (let at = 0; at < identifiers.length; at++) if (!matches(IDENTIFIER, identifiers[at])) return false;
    return true;
}

/** *Evaluate a key path on a value*, which is a clone: no getter of a script's runs. */
export function evaluate(value, path) {
    if (ArrayIsArray(path)) {
        const result = [];
        for (let at = 0; at < path.length; at++) {
            const item = evaluate(value, path[at]);
            if (item === FAILURE) return FAILURE;
            ObjectDefineProperty(result, at, dataProperty(item));
        }
        return result;
    }
    if (path === "") return value;
    const identifiers = StringPrototypeSplit(path, ".");
    let here = value;
    for (let at = 0; at < identifiers.length; at++) {
        here = member(here, identifiers[at]);
        if (here === FAILURE || here === undefined) return FAILURE;
    }
    return here;
}

function member(value, name) {
    if (typeof value === "string" && name === "length") return value.length;
    if (typeof value !== "object" || value === null) return FAILURE;
    if (isBlob(value)) {
        if (name === "size") return BlobPrototypeGetSize(value);
        if (name === "type") return BlobPrototypeGetType(value);
    }
    if (isFile(value)) {
        if (name === "name") return FilePrototypeGetName(value);
        if (name === "lastModified") return FilePrototypeGetLastModified(value);
    }
    return ObjectPrototypeHasOwnProperty(value, name) ? value[name] : FAILURE;
}

const isContainer = (value) => typeof value === "object" && value !== null;

/** https://w3c.github.io/IndexedDB/#check-that-a-key-could-be-injected-into-a-value */
export function canInject(value, path) {
    const identifiers = StringPrototypeSplit(path, ".");
    let here = value;
    for (let at = 0; at < identifiers.length - 1; at++) {
        if (!isContainer(here)) return false;
        if (!ObjectPrototypeHasOwnProperty(here, identifiers[at])) return true;
        here = here[identifiers[at]];
    }
    return isContainer(here);
}

/** https://w3c.github.io/IndexedDB/#inject-a-key-into-a-value-using-a-key-path */
export function inject(value, path, key) {
    const identifiers = StringPrototypeSplit(path, ".");
    let here = value;
    for (let at = 0; at < identifiers.length - 1; at++) {
        const name = identifiers[at];
        if (!ObjectPrototypeHasOwnProperty(here, name)) ObjectDefineProperty(here, name, dataProperty({}));
        here = here[name];
    }
    ObjectDefineProperty(here, identifiers[identifiers.length - 1], dataProperty(key));
}

const dataProperty = (value) => ({
    __proto__: null,
    value,
    writable: true,
    enumerable: true,
    configurable: true,
});

/**
 * The keys of a record in an index, each in parts: none where there is no valid one.
 *
 * Spec: https://w3c.github.io/IndexedDB/#extract-a-key-from-a-value-using-a-key-path
 */
export function indexKeys(clone, keyPath, multiEntry) {
    const value = evaluate(clone, keyPath);
    if (value === FAILURE) return newList();
    if (!multiEntry || !ArrayIsArray(value)) {
        const key = encodeParts(value);
        const found = newList();
        if (key !== undefined) ArrayPrototypePush(found, key);
        return found;
    }
    const keys = newList();
    const plain = newList();
    let generated = false;
    for (let at = 0; at < value.length; at++) {
        if (value[at] === GENERATED) {
            if (!generated) ArrayPrototypePush(keys, [null]);
            generated = true;
            continue;
        }
        const key = encodeParts(value[at]);
        if (key === undefined) continue;
        if (key.length === 1 && key[0] !== null) {
            if (has(plain, key[0])) continue;
            ArrayPrototypePush(plain, key[0]);
        }
        ArrayPrototypePush(keys, key);
    }
    return keys;
}

function has(keys, key) {
    for (let at = 0; at < keys.length; at++) if (compareKeys(keys[at], key) === 0) return true;
    return false;
}

