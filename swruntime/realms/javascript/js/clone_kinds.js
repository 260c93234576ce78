// What a value is, as structured serialization tells values apart, and what it is called where it cannot be cloned.

import {
    brandSlot, isAnyArrayBuffer, isArgumentsObject, isBoxedPrimitive, isDate, isGeneratorObject, isMap,
    isMapIterator, isModuleNamespaceObject, isNativeError, isPromise, isProxy, isRegExp, isSet, isSetIterator,
    isSharedArrayBuffer, isSymbolObject, isWeakMap, isWeakSet, serialize as engineSerialize, trustedSlot,
} from "./engine.js";
import { isDOMException } from "./errors.js";
import {
    ArrayBufferIsView, ArrayIsArray, matches, ObjectGetOwnPropertyDescriptor, ObjectGetPrototypeOf, ObjectKeys,
    ObjectPrototypeHasOwnProperty, String, StringPrototypeSlice, SymbolToStringTag, TypedArrayPrototypeGetByteLength,
} from "./primordials.js";
import { isBlob, isCryptoKey } from "./platform.js";

let isPlatformObject = () => false;

/** `isOurs` tells which objects are platform objects of this runtime's own: none of them can be cloned. */
export function configureKinds(isOurs) {
    isPlatformObject = isOurs;
}

const isEngines = (object) =>
    ObjectPrototypeHasOwnProperty(object, brandSlot) ||
    (trustedSlot !== undefined && ObjectPrototypeHasOwnProperty(object, trustedSlot));

/**
 * The kind of node that an object becomes; null where it cannot be cloned.
 *
 * https://html.spec.whatwg.org/multipage/structured-data.html#structuredserializeinternal, in another order where that
 * makes no difference: what is asked are internal slots, and nothing of the script's runs.
 */
export function kindOf(object) {
    if (isProxy(object)) return null;
    if (ArrayIsArray(object)) return "Array";
    if (isBoxedPrimitive(object)) return isSymbolObject(object) ? null : "Boxed";
    if (isDate(object)) return "Date";
    if (isRegExp(object)) return "RegExp";
    if (isAnyArrayBuffer(object)) return isSharedArrayBuffer(object) ? null : "ArrayBuffer";
    if (ArrayBufferIsView(object)) return "View";
    if (isMap(object)) return "Map";
    if (isSet(object)) return "Set";
    if (isEngines(object)) return isBlob(object) ? "Blob" : isDOMException(object) ? "Error" : null;
    if (isNativeError(object)) return "Error";
    if (isCryptoKey(object)) return null; // which the engine's serializer, not having marked it, takes for an ordinary one
    return isPlatformObject(object) || !isOrdinary(object) ? null : "Object";
}

const OBJECT = 0x6f;

/** Whether it has no internal slots and is not exotic. */
function isOrdinary(object) {
    if (isPromise(object) || isWeakMap(object) || isWeakSet(object) || isArgumentsObject(object)) return false;
    if (isGeneratorObject(object) || isMapIterator(object) || isSetIterator(object)) return false;
    if (isModuleNamespaceObject(object)) return false;
    if (ObjectKeys(object).length > 0) return true;
    if (isCryptoKey(object)) return false; // the engine's serializer takes one for an ordinary object
    // For what else the engine has (a WeakRef, an Intl.Collator, an iterator's helper) it has no question; but its own
    // serializer tells them apart. Without properties, it runs nothing of the script's.
    try {
        return engineSerialize(object)[2] === OBJECT; // behind two bytes of its version
    } catch {
        return false;
    }
}

const LENGTH_TRACKING = 1;

/** Whether a view is as long as its buffer allows: the last byte of what the engine's own serializer writes of it. */
export function isLengthTracking(view) {
    const written = engineSerialize(view); // throws for what is out of bounds
    return (written[TypedArrayPrototypeGetByteLength(written) - 1] & LENGTH_TRACKING) !== 0;
}

const MOST = 60;
const cut = (text) => (text.length > MOST ? `${StringPrototypeSlice(text, 0, MOST)}...` : text);

/** "a Response", "the function f": what a value is, for an error. */
export function described(value) {
    if (typeof value === "symbol") return cut(String(value));
    if (typeof value === "function") {
        const name = ownText(value, "name");
        return name ? `the function ${cut(name)}` : "a function";
    }
    if (typeof value !== "object" || value === null) return cut(`${typeof value} ${String(value)}`);
    if (isProxy(value)) return "a Proxy";
    const name = className(value);
    return `a${matches(/^[AEIOaeio]/, name) ? "n" : ""} ${name}${isPromise(value) ? ", not its result (await it first)" : ""}`;
}

function className(object) {
    for (let at = object, depth = 0; at !== null && depth < 10; at = ObjectGetPrototypeOf(at), depth++) {
        if (isProxy(at)) break;
        const tag = at === object ? "" : ownText(at, SymbolToStringTag);
        if (tag) return cut(tag);
        const constructor = ObjectGetOwnPropertyDescriptor(at, "constructor")?.value;
        if (typeof constructor === "function" && !isProxy(constructor)) return cut(ownText(constructor, "name") || "object");
    }
    return "object";
}

function ownText(object, name) {
    const found = isProxy(object) ? undefined : ObjectGetOwnPropertyDescriptor(object, name)?.value;
    return typeof found === "string" ? found : "";
}
