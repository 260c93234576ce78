// What browsers have and this version has not says so, by name, when it is touched; nothing pretends.
//
// An absent global: a script that reads it gets what a name that does not exist gives (undefined of `self.X`, a
// ReferenceError of `X`), and `'X' in self` and `typeof X` say that it is not there. So an accessor on the global will not do.
// The runtime is told of such a read by a proxy, which is asked for whatever neither the global object nor its prototypes have.
// Its place is one where no script can tell it from what the standards have there:
//
// - of a worker it is `WorkerGlobalScope.prototype` itself (of an interface whose members we have on the global object);
// - of a page it is the "named properties object", an exotic object between Window.prototype and EventTarget.prototype:
//   https://webidl.spec.whatwg.org/#named-properties-object
//
// `self.X` comes to it as "get". For `X`, `typeof X` and `'X' in self` alike it is asked whether it "has" X: where the script
// is then tells them apart, as the engine places the first at the name and the others at their operators.
// Whether browsers have X is known to the runtime (swruntime/realms/python/absent_names.py); it is told of each name once.
//
// An absent member of one of our interfaces, [NotImplemented] in specs/*/interfaces.webidl, is a method that throws a
// NotSupportedError, or an attribute that tells when it is read or set.

import { post } from "./calls.js";
import { domException } from "./errors.js";
import { named } from "./functions.js";
import { here, textAt } from "./places.js";

const { apply, get: reflectGet, has: reflectHas, set: reflectSet } = Reflect;
const uncurry = (fn) => (self, ...rest) => apply(fn, self, rest);
const NativeProxy = Proxy;
const NativePromise = Promise;
const startsWith = uncurry(String.prototype.startsWith);
const getMap = uncurry(Map.prototype.get);
const setMap = uncurry(Map.prototype.set);
const sizeOf = uncurry(Object.getOwnPropertyDescriptor(Map.prototype, "size").get);

/** Of each name how often it was looked for; `TOLD` once the runtime knows. */
const looked = new Map();
const TOLD = Infinity;
/** It is not looked at a name's place more often: who asks in a loop whether it is there shall not pay for it. */
const MOST_LOOKS = 100;
const MOST_NAMES = 10_000;

/** Tell the runtime that the script touches `what`, once. */
export function touch(what) {
    if (getMap(looked, what) === TOLD || (sizeOf(looked) >= MOST_NAMES && getMap(looked, what) === undefined)) return;
    setMap(looked, what, TOLD);
    post("absent", [what]);
}

function isNamed(name) {
    const looks = getMap(looked, name) ?? 0;
    if (looks >= MOST_LOOKS || sizeOf(looked) >= MOST_NAMES) return false;
    setMap(looked, name, looks + 1);
    return startsWith(textAt(here()), name);
}

/** A proxy of `target`, to be a prototype of the global object. */
export const tellingAbsent = (target) =>
    new NativeProxy(target, {
        __proto__: null,
        has(object, name) {
            if (reflectHas(object, name)) return true;
            if (typeof name === "string" && isNamed(name)) touch(name);
            return false;
        },
        get(object, name, receiver) {
            if (reflectHas(object, name)) return reflectGet(object, name, receiver);
            if (typeof name === "string" && here() !== null) touch(name);
            return undefined;
        },
        set(object, name, value, receiver) {
            // The handler of an event that is never fired; anything else is a variable of the script's own.
            if (typeof name === "string" && startsWith(name, "on") && !reflectHas(object, name)) touch(name);
            return reflectSet(object, name, value, receiver);
        },
    });

const refusal = (what) => domException(`${what} is not implemented in this version of swruntime`, "NotSupportedError");

/** What would navigate. Throws a NotSupportedError. */
export function neverNavigates(what) {
    touch(what);
    throw refusal(what);
}

/** A method, as the one member of an object, that throws. `check` throws of a wrong `this`. */
export const notImplemented = (name, method, length, check) => ({
    [method]: named({ [method]() {
        check(this);
        touch(`${name}.${method}`);
        throw refusal(`${name}.${method}`);
    } }[method], method, length),
});

/** Of one that answers with a promise: it rejects. */
export function notImplementedPromise(name, method, length, check) {
    const { [method]: throwing } = notImplemented(name, method, length, check);
    return {
        [method]: named({ [method]() {
            try {
                return apply(throwing, this, []);
            } catch (error) {
                return new NativePromise((_, reject) => reject(error));
            }
        } }[method], method, length),
    };
}

/** An event handler, as the one member of an object, whose event is never fired. `check` throws of a wrong `this`. */
export function neverFired(name, handler, check) {
    const accessors = {
        get [handler]() {
            check(this);
            return null;
        },
        set [handler](value) {
            check(this);
            touch(`${name}.${handler}`);
        },
    };
    return accessors;
}
