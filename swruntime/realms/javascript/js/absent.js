// What browsers have and this version has not says so, by name, when it is touched; nothing pretends.
//
// An absent global: a script that reads it gets what a name that does not exist gives (undefined of `self.X`,
// a ReferenceError of `X`), and `'X' in self` and `typeof X` say that it is not there. So an accessor on the
// global will not do. The runtime is told of such a read by a proxy, which is asked for whatever neither the
// global object nor its prototypes have. Its place is one where no script can tell it from what the standards
// have there:
//
// - of a worker it is `WorkerGlobalScope.prototype` itself (of an interface whose members we have on the
//   global object);
// - of a page it is the "named properties object", an exotic object between Window.prototype and
//   EventTarget.prototype: https://webidl.spec.whatwg.org/#named-properties-object
//
// `self.X` comes to it as "get". For `X`, `typeof X` and `'X' in self` alike it is asked whether it "has" X:
// what the script has where it is then tells them apart. Whether browsers have X is known to the runtime
// (swruntime/realms/python/absent_names.py); it is told of each name once.
//
// `navigator` and what hangs on it are proxies too: a member of theirs that is absent is undefined, and told.
//
// An absent member of one of our interfaces, [NotImplemented] in specs/*/interfaces.webidl, is a method that
// throws a NotSupportedError, or an attribute that tells when it is read or set.

import { post } from "./calls.js";
import { domException } from "./errors.js";
import { named } from "./functions.js";
import { forgetMatch, here, textAt } from "./places.js";
import { PromiseReject } from "./primordials.js";

const { apply, get: reflectGet, has: reflectHas, set: reflectSet } = Reflect;
const uncurry = (fn) => (self, ...rest) => apply(fn, self, rest);
const NativeProxy = Proxy;
const exec = uncurry(RegExp.prototype.exec);
const indexOf = uncurry(String.prototype.indexOf);
const slice = uncurry(String.prototype.slice);
const startsWith = uncurry(String.prototype.startsWith);
const getMap = uncurry(Map.prototype.get);
const setMap = uncurry(Map.prototype.set);
const sizeOf = uncurry(Object.getOwnPropertyDescriptor(Map.prototype, "size").get);

/** Of each name how often it was looked for; `TOLD` once the runtime knows. */
const looked = new Map();
const TOLD = Infinity;
/** It is not looked at a name's place more often: who asks in a loop whether it is there shall not pay for it. */
const MOST_LOOKS = 20;
const MOST_NAMES = 1000;
/** How much of a script is looked at: the engine says where a statement, or an operator, begins. */
const MOST_TEXT = 500;

/** Tell the runtime that the script touches `what`, once; `isKnown`: that browsers have it is certain. */
export function touch(what, isKnown = false) {
    if (!isNews(what)) return;
    setMap(looked, what, TOLD);
    post("absent", [what, isKnown]);
}

function isNews(what) {
    const looks = getMap(looked, what);
    return looks === undefined ? sizeOf(looked) < MOST_NAMES : looks < MOST_LOOKS;
}

/** Whether the script that looks for `name` uses it: it does not just ask, with `in` or `typeof`. */
function isUsed(name) {
    if (!isNews(name)) return false;
    setMap(looked, name, (getMap(looked, name) ?? 0) + 1);
    try {
        return isUsedIn(textAt(here(), MOST_TEXT), name);
    } finally {
        forgetMatch();
    }
}

function isUsedIn(text, name) {
    if (startsWith(text, "in") && !isPartOfName(text[2])) return false;
    for (let at = -1; (at = indexOf(text, name, at + 1)) >= 0;) {
        const before = text[at - 1];
        if (isPartOfName(before) || isPartOfName(text[at + name.length]) || before === ".") continue;
        return before !== "'" && before !== '"' && before !== "`" && exec(TYPEOF, slice(text, 0, at)) === null;
    }
    return false;
}

const TYPEOF = /\btypeof[\s(]*$/;
const NAME = /[\w$\u0080-\uffff]/;
const isPartOfName = (character) => character !== undefined && exec(NAME, character) !== null;

/** A proxy of `target`, to be a prototype of the global object. */
export const tellingAbsent = (target) =>
    new NativeProxy(target, {
        __proto__: null,
        has(object, name) {
            if (reflectHas(object, name)) return true;
            if (typeof name === "string" && isUsed(name)) touch(name);
            return false;
        },
        get(object, name, receiver) {
            if (reflectHas(object, name)) return reflectGet(object, name, receiver);
            if (typeof name === "string" && isNews(name) && here() !== null) touch(name);
            return undefined;
        },
        set(object, name, value, receiver) {
            // The handler of an event that is never fired; anything else is a variable of the script's own.
            if (typeof name === "string" && startsWith(name, "on") && !reflectHas(object, name)) touch(name);
            return reflectSet(object, name, value, receiver);
        },
    });

/** `object`, of the interface `name`, as a proxy that tells of members that browsers have and it has not. */
export const tellingMembers = (object, name) =>
    new NativeProxy(object, {
        __proto__: null,
        get(target, member, receiver) {
            const isThere = typeof member !== "string" || reflectHas(target, member);
            if (isThere) return reflectGet(target, member, receiver);
            const what = `${name}.${member}`;
            if (isNews(what) && here() !== null) touch(what);
            return undefined;
        },
    });

const refusal = (what) =>
    domException(`${what} is not implemented in this version of swruntime`, "NotSupportedError");

/** What would navigate. Throws a NotSupportedError. */
export function neverNavigates(what) {
    touch(what, true);
    throw refusal(what);
}

/** A method, as the one member of an object, that throws. `check` throws of a wrong `this`. */
export const notImplemented = (name, method, length, check) => ({
    [method]: named({ [method]() {
        check(this);
        touch(`${name}.${method}`, true);
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
                return PromiseReject(error);
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
            touch(`${name}.${handler}`, true);
        },
    };
    return accessors;
}
