// Puts recorders into all that a script can replace: getters and setters on Object.prototype for each of `names`, on
// Array.prototype for indices, methods and accessors of every builtin and platform interface, their statics, their
// Symbol.hasInstance, and every constructor in the global scope. All of them do what was there before.
//
// What the realm's own JavaScript (a file: URL), or the engine for it (ext:), does to one of them is a finding. What is
// asked of an object that the script calls its own (`my(object)`) is none.

const poisoned = ((names) => {
    "use strict";
    const { apply, construct, defineProperty, deleteProperty, getOwnPropertyDescriptor, getPrototypeOf, has, ownKeys } = Reflect;
    const { create, setPrototypeOf } = Object;
    const method = (fn) => (self, ...given) => apply(fn, self, given);
    const split = method(String.prototype.split);
    const startsWith = method(String.prototype.startsWith);
    const includes = method(String.prototype.includes);
    const indexOf = method(String.prototype.indexOf);
    const slice = method(String.prototype.slice);
    const toTag = method(Object.prototype.toString);
    const hasWeak = method(WeakSet.prototype.has);
    const addWeak = method(WeakSet.prototype.add);
    const hasMap = method(Map.prototype.has);
    const getMap = method(Map.prototype.get);
    const setMap = method(Map.prototype.set);
    const NativeError = Error;
    const NativeString = String;
    const NativeProxy = Proxy;
    const { stringify } = JSON;
    const objectPrototype = Object.prototype;
    const arrayPrototype = Array.prototype;
    const log = console.log;
    const root = globalThis;

    let on = false;
    const mine = new WeakSet();
    const found = create(null);

    const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";
    const my = (value) => {
        if (isObject(value)) addWeak(mine, value);
        return value;
    };

    function describe(subject) {
        if (!isObject(subject)) return typeof subject;
        try {
            const prototype = getPrototypeOf(subject);
            const kind = prototype === null ? "null" : prototype === objectPrototype ? "plain" : prototype === arrayPrototype ? "array" : toTag(subject);
            let text = kind;
            const keys = ownKeys(subject);
            for (let i = 0; i < keys.length && i < 8; i++) text += ` ${typeof keys[i] === "symbol" ? "@@" : keys[i]}`;
            return text;
        } catch {
            return "what cannot be described";
        }
    }

    /** Who called: "runtime", "engine for the runtime", or null for the script and for the engine alone. */
    function caller() {
        const text = new NativeError().stack;
        if (typeof text !== "string") return null;
        const lines = split(text, "\n");
        let engine = false;
        // "Error", `caller`, `record`, and the recorder itself.
        for (let i = 4; i < lines.length; i++) {
            const line = lines[i];
            if (includes(line, "runMicrotasks")) return engine ? null : "";
            if (includes(line, "(<anonymous>)") || includes(line, "(native")) continue;
            if (includes(line, "ext:") || includes(line, "node:")) {
                engine = true;
                continue;
            }
            const at = indexOf(line, "/js/");
            if (!includes(line, "file:///") || at < 0) return null;
            const place = slice(line, at + 4);
            return `${engine ? "the engine, for " : ""}${place}`;
        }
        return engine ? null : "";
    }

    function record(what, subject) {
        if (!on || (isObject(subject) && hasWeak(mine, subject))) return;
        on = false;
        const who = caller();
        // Without a frame it is a job of the engine's: what a promise is resolved with is asked for its `then`.
        if (who !== null && (who !== "" || what === "get Object.prototype.then")) {
            const key = `${what} by ${who === "" ? "a job" : who} of ${describe(subject)}`;
            found[key] = (found[key] ?? 0) + 1;
        }
        on = true;
    }

    function recorder(what, original) {
        const wrapper = {
            recorder(...given) {
                record(what, this);
                const result = apply(original, this, given);
                if (isObject(this) && isObject(result) && hasWeak(mine, this)) addWeak(mine, result); // its iterator
                return result;
            },
        }.recorder;
        return wrapper;
    }

    const wrapped = new Map();
    const wrapperOf = (what, original) => {
        if (!hasMap(wrapped, original)) setMap(wrapped, original, recorder(what, original));
        return getMap(wrapped, original);
    };

    function poisonMembers(holder, path) {
        const keys = ownKeys(holder);
        for (let i = 0; i < keys.length; i++) {
            const key = keys[i];
            if (key === "constructor" || key === "prototype" || key === "__proto__" || key === "caller" || key === "arguments") continue;
            const descriptor = setPrototypeOf(getOwnPropertyDescriptor(holder, key), null);
            if (!descriptor.configurable) continue;
            const what = `${path}.${NativeString(key)}`;
            const isClass = typeof key === "string" && /^[A-Z]/.test(key);
            if (typeof descriptor.value === "function" && !isClass) descriptor.value = wrapperOf(what, descriptor.value);
            else if (descriptor.get !== undefined || descriptor.set !== undefined) {
                if (descriptor.get !== undefined) descriptor.get = wrapperOf(`get ${what}`, descriptor.get);
                if (descriptor.set !== undefined) descriptor.set = wrapperOf(`set ${what}`, descriptor.set);
            } else continue;
            defineProperty(holder, key, descriptor);
        }
    }

    function poisonConstructor(name, constructor) {
        poisonMembers(constructor, name);
        const { prototype } = constructor;
        if (isObject(prototype)) {
            poisonMembers(prototype, `${name}.prototype`);
        }
        const hasInstance = method(Function.prototype[Symbol.hasInstance]);
        try {
            defineProperty(constructor, Symbol.hasInstance, {
                __proto__: null,
                value: { [Symbol.hasInstance](value) { record(`instanceof ${name}`, value); return hasInstance(this, value); } }[Symbol.hasInstance],
                configurable: true, writable: true,
            });
        } catch {
            // some have one that stays
        }
    }

    function poisonGlobal(name, value) {
        const descriptor = setPrototypeOf(getOwnPropertyDescriptor(root, name), null);
        if (!descriptor.configurable) return;
        descriptor.value = new NativeProxy(value, {
            __proto__: null,
            apply(target, self, given) {
                record(`call of global ${name}`, undefined);
                return apply(target, self, given);
            },
            construct(target, given, newTarget) {
                record(`new of global ${name}`, undefined);
                return construct(target, given, newTarget === root[name] ? target : newTarget);
            },
        });
        defineProperty(root, name, descriptor);
    }

    function poisonObjectPrototype(name) {
        if (name in objectPrototype || name === "__proto__") return;
        const values = new WeakMap();
        try {
            defineProperty(objectPrototype, name, {
                __proto__: null,
                get: { get() { record(`get Object.prototype.${name}`, this); return undefined; } }.get,
                set: { set(value) {
                    record(`set Object.prototype.${name}`, this);
                    defineProperty(this, name, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
                } }.set,
                configurable: true,
            });
        } catch {
            // refused
        }
    }

    function poisonIndex(index) {
        defineProperty(arrayPrototype, index, {
            __proto__: null,
            get: { get() { record(`get Array.prototype[${index}]`, this); return undefined; } }.get,
            set: { set(value) {
                record("set Array.prototype[index]", this);
                defineProperty(this, `${index}`, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
            } }.set,
            configurable: true,
        });
    }

    function start() {
        NativeError.stackTraceLimit = 100;
        const hidden = {
            __proto__: null,
            "%ArrayIteratorPrototype%": getPrototypeOf([][Symbol.iterator]()),
            "%IteratorPrototype%": getPrototypeOf(getPrototypeOf([][Symbol.iterator]())),
            "%MapIteratorPrototype%": getPrototypeOf(new Map()[Symbol.iterator]()),
            "%SetIteratorPrototype%": getPrototypeOf(new Set()[Symbol.iterator]()),
            "%StringIteratorPrototype%": getPrototypeOf(""[Symbol.iterator]()),
            "%RegExpStringIteratorPrototype%": getPrototypeOf("a".matchAll(/a/g)),
            "%GeneratorPrototype%": getPrototypeOf((function* () {}).prototype),
            "%AsyncGeneratorPrototype%": getPrototypeOf((async function* () {}).prototype),
            "%AsyncIteratorPrototype%": getPrototypeOf(getPrototypeOf((async function* () {}).prototype)),
            "%TypedArray%": getPrototypeOf(Uint8Array),
            "%TypedArray%.prototype": getPrototypeOf(Uint8Array.prototype),
        };
        const keys = ownKeys(root);
        const constructors = create(null);
        for (let i = 0; i < keys.length; i++) {
            const value = getOwnPropertyDescriptor(root, keys[i]).value;
            if (typeof keys[i] === "string" && typeof value === "function") constructors[keys[i]] = value;
        }
        for (const name of ownKeys(constructors)) {
            if (isObject(constructors[name].prototype)) poisonConstructor(name, constructors[name]);
        }
        for (const name of ["Reflect", "JSON", "Math", "Atomics", "console", "Intl", "WebAssembly"]) poisonMembers(root[name], name);
        for (const name of ownKeys(hidden)) poisonMembers(hidden[name], name);
        for (const name of ownKeys(constructors)) if (name !== "Object" && name !== "Array") poisonGlobal(name, constructors[name]);
        for (let i = 0; i < names.length; i++) poisonObjectPrototype(names[i]);
        for (let i = 0; i <= 20; i++) poisonIndex(i);
        on = true;
    }

    /** What was found, as JSON, through the console. */
    function finish(label) {
        on = false;
        for (let i = 0; i < names.length; i++) {
            if (getOwnPropertyDescriptor(objectPrototype, names[i])?.get?.name === "get") deleteProperty(objectPrototype, names[i]);
        }
        for (let i = 0; i <= 20; i++) deleteProperty(arrayPrototype, `${i}`);
        let text = "";
        const keys = ownKeys(found);
        for (let i = 0; i < keys.length; i++) text += `${i ? "," : ""}${stringify(keys[i])}:${found[keys[i]]}`;
        log(`${label}{${text}}`);
    }

    return { __proto__: null, finish, my, start };
})(/* NAMES */ []);
