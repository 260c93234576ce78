// What a worker's script keeps in its globals, for swruntime/realms/javascript/kept.py: which of them are plain data, and
// what it is; which hold a MessagePort; and when an event reads one that an earlier run of the worker has lost.
//
// To see reads, such a global is an accessor until the first one. No code of the script's runs for any of this.

import { post } from "./calls.js";
import { isMap, isProxy, isSet, newScript, runScript } from "./engine.js";
import { isFace, numberOf } from "./faces.js";
import { currentEvent } from "./handling.js";
import { here } from "./places.js";
import {
    ArrayPrototypeJoin, dataDescriptor, newList, ReflectGetOwnPropertyDescriptor as getOwnPropertyDescriptor,
} from "./primordials.js";

const { apply, defineProperty, getPrototypeOf, ownKeys } = Reflect;
const uncurry = (fn) => (self, ...rest) => apply(fn, self, rest);
const { isArray } = Array;
const { stringify } = JSON;
const { prototype: objectPrototype } = Object;
const forEachOfMap = uncurry(Map.prototype.forEach);
const forEachOfSet = uncurry(Set.prototype.forEach);
const NativeTypeError = TypeError;
const global = globalThis;

/** Values in a global; one that has more is not looked at. */
const MOST = 1000;
/** Of each name that may be a global of the script: how it is read, and what the runtime was told of it last. */
const watched = { __proto__: null };
/** What is behind the accessors. */
const hidden = { __proto__: null };
let names = newList();
let evaluated = false;

/** Before the script runs. `constants` of those that are `lost` cannot be set. */
export function watch(candidates, lost, constants) {
    for (let i = 0; i < candidates.length; i++) {
        const name = candidates[i];
        // The script's own is hidden by what the platform has, or hides it: neither is looked at.
        if (isOfPlatform(name)) continue;
        watched[name] = { __proto__: null, reader: newScript(name), shown: undefined, ports: "" };
        names[names.length] = name;
    }
    for (let i = 0; i < lost.length; i++) if (lost[i] in watched) hide(lost[i], constants);
}

function isOfPlatform(name) {
    for (let object = global; object !== null; object = getPrototypeOf(object)) {
        if (getOwnPropertyDescriptor(object, name) !== undefined) return true;
    }
    return false;
}

function hide(name, constants) {
    let isConstant = false;
    for (let i = 0; i < constants.length; i++) isConstant ||= constants[i] === name;
    const entry = (hidden[name] = { __proto__: null, value: undefined, isRead: false });
    defineProperty(global, name, {
        __proto__: null,
        get() {
            if (evaluated && !entry.isRead) {
                entry.isRead = true;
                // A constant goes on as an accessor: one that cannot be set says so.
                if (!isConstant) show(name, entry.value);
                const at = here();
                post("kept.read", [name, currentEvent(), at === null ? 0 : at[1], at === null ? 0 : at[2]]);
            }
            return entry.value;
        },
        set(value) {
            if (!evaluated) entry.value = value;
            else if (isConstant) throw new NativeTypeError("Assignment to constant variable.");
            else show(name, value);
        },
        enumerable: true, configurable: true,
    });
}

/** From now on it is what the script makes it. */
function show(name, value) {
    delete hidden[name];
    defineProperty(global, name, dataDescriptor(value));
}

/** The script has run: what its globals are at first. */
export function firstState() {
    evaluated = true;
    return changes().shown;
}

/** Event `number` may end with what is told next: tell what has changed before. */
export function tellKept(number) {
    if (names.length === 0) return;
    const changed = changes();
    if (changed.any) post("kept", [changed.shown, changed.ports, number]);
}

function changes() {
    const shown = { __proto__: null };
    const ports = { __proto__: null };
    let any = false;
    for (let i = 0; i < names.length; i++) {
        const entry = watched[names[i]];
        const value = valueOf(names[i], entry);
        const now = plain(value);
        if (now !== entry.shown) {
            shown[names[i]] = entry.shown = now;
            any = true;
        }
        const held = portsIn(value);
        const key = ArrayPrototypeJoin(held, ",");
        if (key !== entry.ports) {
            entry.ports = key;
            ports[names[i]] = held;
            any = true;
        }
    }
    return { __proto__: null, any, shown, ports };
}

/** What a global is: of the global object, or declared by `let` or `const`. */
function valueOf(name, entry) {
    if (name in hidden) return hidden[name].value;
    const own = getOwnPropertyDescriptor(global, name);
    if (own !== undefined) return own.value;
    try {
        return runScript(entry.reader);
    } catch {
        return undefined; // there is none by now
    }
}

/** Plain data as a text; null for what is none, or is too much. */
function plain(value) {
    const left = { __proto__: null, count: MOST };
    return textOf(value, left);
}

function textOf(value, left) {
    if (left.count-- <= 0) return null;
    switch (typeof value) {
        case "string":
            return stringify(value);
        case "number":
        case "boolean":
        case "undefined":
            return `${value}`;
        case "bigint":
            return `${value}n`;
        case "object":
            return value === null ? "null" : textOfObject(value, left);
        default:
            return null;
    }
}

function textOfObject(object, left) {
    if (isProxy(object)) return null;
    const parts = { __proto__: null, text: "", broken: false };
    const add = (part) => {
        if (part === null) parts.broken = true;
        else parts.text += (parts.text ? ", " : "") + part;
    };
    const text = (value) => (parts.broken ? null : textOf(value, left));
    if (isMap(object)) {
        forEachOfMap(object, (value, key) => add(join(text(key), " => ", text(value))));
        return parts.broken ? null : `Map {${parts.text}}`;
    }
    if (isSet(object)) {
        forEachOfSet(object, (value) => add(text(value)));
        return parts.broken ? null : `Set {${parts.text}}`;
    }
    if (!isArray(object) && getPrototypeOf(object) !== objectPrototype && getPrototypeOf(object) !== null) return null;
    const keys = ownKeys(object);
    for (let i = 0; i < keys.length && !parts.broken; i++) {
        const { value, get, set, enumerable } = getOwnPropertyDescriptor(object, keys[i]);
        if (!enumerable) continue;
        if (typeof keys[i] !== "string" || get !== undefined || set !== undefined) return null;
        add(isArray(object) ? text(value) : join(stringify(keys[i]), ": ", text(value)));
    }
    if (parts.broken) return null;
    return isArray(object) ? `[${parts.text}]` : `{${parts.text}}`;
}

const join = (key, between, value) => (key === null || value === null ? null : key + between + value);

/** The numbers of the MessagePorts in a value: it, or what is in it if it is a container, or an object with attributes. */
function portsIn(value) {
    const found = newList();
    const look = (each) => {
        if (isFace(each, "MessagePort") && found.length < MOST) found[found.length] = numberOf(each);
    };
    if (value === null || typeof value !== "object" || isProxy(value)) return found;
    look(value);
    if (isMap(value)) forEachOfMap(value, look);
    else if (isSet(value)) forEachOfSet(value, look);
    const keys = ownKeys(value);
    for (let i = 0; i < keys.length && i < MOST; i++) look(getOwnPropertyDescriptor(value, keys[i]).value);
    return found;
}
