// Event interfaces that scripts can construct: https://dom.spec.whatwg.org/#constructing-events
//
// What the runtime fires is of the same classes; its script may subclass them.

import { boolean, dictionary, DOMString, interfaceType, isObject, requireArguments, sequence, USVString } from "./webidl.js";
import { isFace } from "./faces.js";
import { notImplemented } from "./absent.js";
import { named } from "./functions.js";
import { PromiseReject, StringPrototypeIncludes } from "./primordials.js";

const { apply, defineProperty } = Reflect;
const { freeze, getOwnPropertyDescriptors, keys } = Object;
const uncurry = (fn) => (self, ...rest) => apply(fn, self, rest);
const getWeak = uncurry(WeakMap.prototype.get);
const setWeak = uncurry(WeakMap.prototype.set);
const NativeEvent = Event;
const NativeTypeError = TypeError;
const global = globalThis;

const EVENT = [["bubbles", boolean, false], ["cancelable", boolean, false], ["composed", boolean, false]];

export const isKind = (name) => interfaceType(name, (value) => isFace(value, name));
const port = isKind("MessagePort");

/** The classes by their names. */
export const classes = { __proto__: null };

/** Whether an object is of that class, by its name. */
const brands = { __proto__: null };

/** Throws TypeError where `event` is not of the class `name`. */
export function known(event, name) {
    if (!isObject(event) || !brands[name](event)) throw new NativeTypeError("Illegal invocation");
    return event;
}

/**
 * Define an event interface.
 *
 * @param {[string, Function, any][]} members of its dictionary, besides those of EventInit; they are its attributes
 * @param {object} options `needsInit`: the dictionary must be given; `inherited`: members that are attributes of `Base`;
 *   `promises`: attributes that the IDL calls promises; `extra`: an object with further members; `finish(values)`: the
 *   attributes' values of the dictionary's
 */
export function defineEvent(name, Base, members, options = {}) {
    const { needsInit = false, inherited = [], promises = [], extra = {}, finish = (values) => values } = options;
    const least = needsInit ? 2 : 1;
    const read = dictionary([...EVENT, ...inherited, ...members]);
    const values = new WeakMap();
    const constructor = {
        [name]: class extends Base {
            #own = true;

            constructor(type, init = undefined) {
                requireArguments(arguments.length, least, `construct '${name}'`);
                const text = DOMString(type, `Failed to construct '${name}': parameter 1`);
                const given = read(init, `Failed to construct '${name}': parameter 2`);
                super(text, { __proto__: null, ...init, ...given });
                setWeak(values, this, finish(given));
            }

            static {
                brands[name] = (value) => #own in value;
            }
        },
    }[name];
    defineProperty(constructor, "length", { value: least, configurable: true });
    const { prototype } = constructor;
    const valueOf = (event, attribute) => getWeak(values, known(event, name))[attribute];
    for (const [attribute] of members) {
        const getters = {
            plain() {
                return valueOf(this, attribute);
            },
            promise() {
                try {
                    return valueOf(this, attribute);
                } catch (error) {
                    return PromiseReject(error);
                }
            },
        };
        const get = named(getters[promises.includes(attribute) ? "promise" : "plain"], `get ${attribute}`, 0);
        defineProperty(prototype, attribute, { get, set: undefined, enumerable: true, configurable: true });
    }
    const descriptors = getOwnPropertyDescriptors(extra);
    for (const key of keys(descriptors)) defineProperty(prototype, key, { ...descriptors[key], enumerable: true });
    defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true });
    classes[name] = constructor;
    return constructor;
}

const nullOr = (converter) => (value, context) => (value === null || value === undefined ? null : converter(value, context));

/** The members of the dictionaries of MessageEvent and ExtendableMessageEvent; `kinds` are what may be a `source`. */
export const messageMembers = (kinds) => [
    ["data", (value) => value, null],
    ["lastEventId", DOMString, ""],
    ["origin", USVString, ""],
    ["ports", sequence(port), undefined],
    ["source", nullOr(interfaceType(kinds, (value) => isSource(value, kinds))), null],
];

function isSource(value, kinds) {
    if (isFace(value, "ServiceWorker") || isFace(value, "MessagePort")) return true;
    return StringPrototypeIncludes(kinds, "Client") ? isFace(value, "Client") : value === global;
}

export const withFrozenPorts = (values) => ({ __proto__: null, ...values, ports: freeze(values.ports ?? []) });

/** https://html.spec.whatwg.org/multipage/comms.html#the-messageevent-interface */
export const MessageEvent = defineEvent("MessageEvent", NativeEvent, messageMembers("Window, ServiceWorker or MessagePort"), {
    finish: withFrozenPorts,
    extra: notImplemented("MessageEvent", "initMessageEvent", 1, (event) => known(event, "MessageEvent")),
});
