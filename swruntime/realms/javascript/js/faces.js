// Faces: the objects that a script holds, each of one platform object in the runtime. One object has one face.
//
// A face's attributes are copies, which come with the frames that tell of their changes; its methods are calls.

import { call, post, release } from "./calls.js";
import { defineHandler, whenListened } from "./events.js";
import { tellingMembers } from "./absent.js";
import { named } from "./functions.js";
import { madeOne, wentOne } from "./garbage.js";
import { concat, newList, ObjectCreate, PromiseReject as reject, PromiseResolve as resolved, ReflectConstruct } from "./primordials.js";
import { illegalConstructor, isObject, requireArguments } from "./webidl.js";

const { apply, defineProperty } = Reflect;
const { setPrototypeOf, freeze, keys } = Object;
const { isArray } = Array;
const uncurry = (fn) => (self, ...rest) => apply(fn, self, rest);
const getWeak = uncurry(WeakMap.prototype.get);
const setWeak = uncurry(WeakMap.prototype.set);
const getMap = uncurry(Map.prototype.get);
const setMap = uncurry(Map.prototype.set);
const deleteMap = uncurry(Map.prototype.delete);
const deref = uncurry(WeakRef.prototype.deref);
const register = uncurry(FinalizationRegistry.prototype.register);
const addSet = uncurry(Set.prototype.add);
const deleteSet = uncurry(Set.prototype.delete);
const includes = uncurry(Array.prototype.includes);
const NativeEventTarget = EventTarget;
const NativeWeakRef = WeakRef;
const NativeTypeError = TypeError;

/** Of each face: its number, its interfaces, its attributes. */
const slots = new WeakMap();
const faces = new Map();
/** Faces that something may still be fired at, though no script holds them. */
const kept = new Set();
const mentions = new Map();

const collected = new FinalizationRegistry((number) => {
    wentOne();
    // A second face, made since the first was gone, holds the mentions of both.
    if (faceNumbered(number) !== undefined) return;
    const count = getMap(mentions, number) ?? 0;
    deleteMap(mentions, number);
    deleteMap(faces, number);
    release(number, count);
});

/** @type {Record<string, {constructor: Function, freezes: string[], made?: (face: object) => void}>} */
export const interfaces = { __proto__: null };

export const slotOf = (value) => (isObject(value) ? getWeak(slots, value) : undefined);

/** Whether `value` is a face of that interface, or of one that inherits from it. */
export function isFace(value, name) {
    const slot = slotOf(value);
    return slot !== undefined && includes(slot.names, name);
}

/** The number of a face, null for what is none. */
export const numberOf = (value) => slotOf(value)?.number ?? null;

/** A port is transferred or closed: it can be transferred no more, and no message comes to it. */
export function detach(port) {
    const slot = slotOf(port);
    slot.detached = true;
    disentangle(slot);
    nothingComes(port);
}

/** No event comes to a face any more: it is its script's to keep. */
export function nothingComes(face) {
    slotOf(face).expects = false;
    keepIfNeeded(face);
}

/**
 * The ports of a channel that was made here. As long as both are here, and no message is on its way, a script that has
 * neither can have nothing fired at them: each holds the other, and nothing else does.
 */
export function entangle(one, other) {
    slotOf(one).peer = other;
    slotOf(other).peer = one;
}

function disentangle(slot) {
    const { peer } = slot;
    if (peer === null) return;
    slot.peer = slotOf(peer).peer = null;
    keepIfNeeded(peer);
}

/** A message was posted to a port. */
export function posted(port) {
    const { peer } = slotOf(port);
    if (peer === null) return;
    slotOf(peer).coming++;
    keepIfNeeded(peer);
}

/** A message has come to a face. */
export function arrived(face) {
    const slot = slotOf(face);
    if (slot !== undefined && slot.coming > 0) {
        slot.coming--;
        keepIfNeeded(face);
    }
}

/** Hold a face for which an event may come that a listener hears, and no other. */
function keepIfNeeded(face) {
    const slot = slotOf(face);
    const needed = slot.expects && slot.heard.length > 0 && (slot.peer === null || slot.coming > 0);
    if (needed) addSet(kept, face);
    else deleteSet(kept, face);
}

/** Whether any event may come yet to an object of this interface and these attributes. */
function mayExpect(name, state) {
    // Those that are shown tell of themselves at the worker's global object only.
    if (name === "Notification") return false;
    if (name === "ServiceWorker") return state.state !== "redundant";
    return name !== "BackgroundFetchRegistration" || state.recordsAvailable;
}

export const isDetached = (port) => slotOf(port).detached === true;

function checked(value, name) {
    if (!isFace(value, name)) throw new NativeTypeError("Illegal invocation");
    return slotOf(value);
}

/** A new face that the runtime knows, or is about to know, by `number`; null where it needs to know nothing of it. */
export function makeFace(name, number, state = { __proto__: null }) {
    const { constructor, lineage, tellsAbsent, isTarget } = interfaces[name];
    // Without its constructor: what that calls with `super` is what a script has made its prototype.
    const made = isTarget ? ReflectConstruct(NativeEventTarget, newList(), constructor) : ObjectCreate(constructor.prototype);
    const face = tellsAbsent ? tellingMembers(made, name) : made;
    adopt(face, name, number, state, lineage);
    return face;
}

/** Make a face of an object that a constructor is making. */
export function adopt(face, name, number, state, lineage = interfaces[name].lineage) {
    setWeak(slots, face, {
        __proto__: null, number, names: lineage, state: frozen(name, state), promises: { __proto__: null },
        heard: newList(), detached: false, closed: false, options: null, expects: mayExpect(name, state),
        peer: null, coming: 0, known: null,
    });
    if (number === null) return;
    setMap(faces, number, new NativeWeakRef(face));
    register(collected, face, number);
    madeOne();
    if (interfaces[name].isTarget) {
        whenListened(face, (type) => {
            const slot = slotOf(face);
            if (includes(slot.heard, type)) return;
            slot.heard[slot.heard.length] = type;
            keepIfNeeded(face);
            post("listen", [slot.number, type]);
        });
    }
}

function frozen(name, state) {
    const freezes = interfaces[name].freezes;
    for (let i = 0; i < freezes.length; i++) {
        if (isArray(state[freezes[i]])) freeze(state[freezes[i]]);
    }
    return state;
}

/** The face of a mention: `{$object, is, state}`. `state` is revived already; it is there where it is news. */
export function faceOf(mention) {
    const number = mention.$object;
    setMap(mentions, number, (getMap(mentions, number) ?? 0) + 1);
    const known = getMap(faces, number);
    const face = known === undefined ? undefined : deref(known);
    if (face === undefined) return makeFace(mention.is, number, mention.state ?? { __proto__: null });
    if (mention.state !== undefined) update(number, mention.state);
    return face;
}

/** The face that is known by that number, undefined where it is gone. */
export function faceNumbered(number) {
    const known = getMap(faces, number);
    return known === undefined ? undefined : deref(known);
}

/** The attributes of a face have changed. */
export function update(number, state) {
    const face = faceNumbered(number);
    if (face === undefined) return;
    const slot = slotOf(face);
    slot.known = null;
    const name = slot.names[0];
    const names = keys(frozen(name, state));
    for (let i = 0; i < names.length; i++) slot.state[names[i]] = state[names[i]];
}

/** What `method` of a face answers without arguments, as long as nothing changes: asked once, it need not be called. */
export function know(face, method, answer) {
    slotOf(face).known = { __proto__: null, method, answer };
}

/** Keep a face although no script holds it: something may still be fired at it. */
export const keep = (face) => addSet(kept, face);

const same = (value) => value;

function argumentsOf(name, method, given, readers, required) {
    requireArguments(given.length, required, `execute '${method}' on '${name}'`);
    const wire = newList();
    for (let i = 0; i < readers.length; i++) {
        if (i >= required && (i >= given.length || given[i] === undefined)) {
            wire[i] = null;
            continue;
        }
        wire[i] = readers[i](given[i], `Failed to execute '${method}' on '${name}': parameter ${i + 1}`);
    }
    while (wire.length > required && wire[wire.length - 1] === null) wire.length--;
    return wire;
}

/** A method whose answer is a promise: what is wrong with its arguments is a rejection. */
function promising(name, method, readers, required, reviveAnswer) {
    return {
        [method](...given) {
            try {
                const slot = checked(this, name);
                if (slot.known !== null && slot.known.method === method && given.length === 0) {
                    const { answer } = slot.known;
                    slot.known = null;
                    return resolved(answer);
                }
                const wire = argumentsOf(name, method, given, readers, required);
                return call(`${slot.names[0]}.${method}`, concat([slot.number], wire), reviveAnswer);
            } catch (error) {
                return reject(error);
            }
        },
    }[method];
}

/** A method without an answer: it throws at once what can be known here. */
function telling(name, method, readers, required) {
    return {
        [method](...given) {
            const slot = checked(this, name);
            const wire = argumentsOf(name, method, given, readers, required);
            post(`${slot.names[0]}.${method}`, concat([slot.number], wire));
        },
    }[method];
}

/**
 * Define an interface.
 *
 * @param {string} name
 * @param {object} members `parent`: the name of another interface; `isTarget`: it is an EventTarget; `attributes`: names;
 *   `promises`: attributes that are promises; `methods`, `tells`: [converters, required] by name, and whether nothing is
 *   null as an answer, where it is not undefined; `handlers`: types;
 *   `tellsAbsent`: that members are absent is told when they are touched; `extra`: an object with further members; `construct(face, arguments)`: what `new` does, where scripts can.
 */
export function defineFace(name, members) {
    const { parent, isTarget, attributes = [], promises = [], methods = {}, tells = {}, handlers = [] } = members;
    const { extra = {}, construct, freezes = [], handlersThatStart: starting = {}, revive = same, length = 0 } = members;
    const { tellsAbsent = false } = members;
    const Base = parent ? interfaces[parent].constructor : isTarget ? NativeEventTarget : null;
    const constructor = Base === null
        ? { [name]: class { constructor(...given) { began(this, given, construct); } } }[name]
        : {
            [name]: class extends Base {
                constructor(...given) {
                    if (construct === undefined) illegalConstructor();
                    super();
                    began(this, given, construct);
                }
            },
        }[name];
    defineProperty(constructor, "length", { value: length, configurable: true });
    const { prototype } = constructor;
    interfaces[name] = {
        __proto__: null, constructor, lineage: concat([name], parent ? interfaces[parent].lineage : []), freezes, tellsAbsent,
        isTarget: isTarget === true || (parent !== undefined && interfaces[parent].isTarget), exposedAs: name,
    };
    for (const attribute of attributes) {
        const get = { [attribute]() { return checked(this, name).state[attribute]; } }[attribute];
        defineProperty(prototype, attribute, {
            get: named(get, `get ${attribute}`, 0), set: undefined, enumerable: true, configurable: true,
        });
    }
    for (const attribute of promises) {
        const get = {
            [attribute]() {
                try {
                    const slot = checked(this, name);
                    const { promises, state } = slot;
                    return (promises[attribute] ??= state[attribute]
                        ? resolved(state[attribute])
                        : call(`${name}.${attribute}`, [slot.number], revive));
                } catch (error) {
                    return reject(error);
                }
            },
        }[attribute];
        defineProperty(prototype, attribute, {
            get: named(get, `get ${attribute}`, 0), set: undefined, enumerable: true, configurable: true,
        });
    }
    const define = (method, fn, required) =>
        defineProperty(prototype, method, {
            value: named(fn, method, required), writable: true, enumerable: true, configurable: true,
        });
    for (const method of keys(methods)) {
        const [readers, required, isNullable = false] = methods[method];
        define(method, promising(name, method, readers, required, isNullable ? (answer) => revive(answer) ?? null : revive), required);
    }
    for (const method of keys(tells)) {
        const [readers, required] = tells[method];
        define(method, telling(name, method, readers, required), required);
    }
    for (const type of handlers) defineHandler(prototype, type, (value) => checked(value, name));
    for (const type of keys(starting)) defineHandler(prototype, type, (value) => checked(value, name), starting[type]);
    const descriptors = Object.getOwnPropertyDescriptors(extra);
    for (const key of keys(descriptors)) defineProperty(prototype, key, { ...descriptors[key], enumerable: true });
    defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true });
    if (Base === null) setPrototypeOf(constructor, Function.prototype);
    return constructor;
}

function began(face, given, construct) {
    if (construct === undefined) illegalConstructor();
    construct(face, given);
}

export { checked };
