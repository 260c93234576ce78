// Proofs that got through once, and their kin: each replaces something, uses the platform, and gives back what it was
// handed. `proofs.run()` tells, by name, what of it no script may have.

const proofs = (() => {
    const { apply, defineProperty, deleteProperty, getPrototypeOf, ownKeys, setPrototypeOf } = Reflect;
    const NativePromise = Promise;
    const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";
    const wait = (ms) => new NativePromise((resolve) => setTimeout(resolve, ms));
    const root = Object.prototype;

    /** What a script may not have: frames, records of calls, keys' bytes, functions and classes of the engine's or ours. */
    function forbidden(value) {
        if (typeof value === "symbol") return value.description === "the runtime's own" ? "the token" : null;
        if (!isObject(value)) return null;
        const own = ownKeys(value);
        const has = (...names) => names.every((name) => own.includes(name));
        if (has("t") && ["id", "op", "event", "target", "url"].some((name) => own.includes(name))) return `a frame: ${value.t}`;
        if (has("resolve", "reject", "revive")) return "a call under way";
        if (has("$object") || has("$response") || has("$request") || has("$message")) return "a mention";
        if (has("handle") && (has("read") || has("url") || has("body"))) return "a handle";
        if (has("isFace") || has("number", "names", "state")) return "the state of an object";
        for (let at = value; at !== null && at !== root; at = getPrototypeOf(at)) {
            for (const name of ["runInThisContext", "createCachedData", "linkRequests", "instantiate", "readSync", "_onImmediate"]) {
                if (Object.hasOwn(at, name)) return `an object with ${name}`;
            }
        }
        if (typeof value === "function") {
            if (/^(op_|Script$|SourceTextModule|SyntheticModule|Module$|drain$|settle$|Immediate$|TimersList$)/.test(value.name)) return `the function ${value.name}`;
            if (value.constructor === undefined) return "a function without a constructor";
        }
        return null;
    }

    // What an attack has replaced is not used to note what it got.
    const keep = (caught, value) => {
        defineProperty(caught, caught.length, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
    };
    const keepAll = (caught, self, given) => {
        keep(caught, self);
        for (let i = 0; i < given.length && i < 9; i++) keep(caught, given[i]);
    };

    /** Getters and setters of `names` on `target` while `act` runs: all that they were handed. */
    async function watching(target, names, act) {
        const caught = [];
        const put = [];
        for (const name of names) {
            if (Object.hasOwn(target, name)) continue;
            put.push(name);
            try {
                Object.defineProperty(target, name, {
                    __proto__: null,
                    configurable: true,
                    get() { keep(caught, this); },
                    set(value) {
                        keep(caught, this);
                        keep(caught, value);
                        defineProperty(this, name, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
                    },
                });
            } catch {
                put.pop(); // refused
            }
        }
        try {
            await act();
        } finally {
            for (const name of put) deleteProperty(target, name);
        }
        return caught;
    }

    async function replaced(holder, name, replacement, act) {
        const before = Object.getOwnPropertyDescriptor(holder, name);
        const caught = [];
        try {
            Object.defineProperty(holder, name, { __proto__: null, configurable: true, writable: true, value: replacement(before.value, caught) });
        } catch {
            return []; // it stays as it is
        }
        try {
            await act();
        } finally {
            Object.defineProperty(holder, name, before);
        }
        return caught;
    }

    /** Some of everything, so that frames go and come. */
    async function use() {
        console.log("carrier", { a: 1 });
        await caches.has("x");
        await caches.open("x");
        await caches.keys();
        await (await fetch("/file.txt")).text();
        await fetch("/nowhere").catch(() => {});
        await fetch("http://127.0.0.1:1/").catch(() => {});
        await navigator.permissions.query({ name: "nothing" }).catch(() => {});
        await wait(1);
        const { port1, port2 } = new MessageChannel();
        const heard = new NativePromise((resolve) => (port2.onmessage = resolve));
        port1.postMessage([1, { a: 2 }]);
        await heard;
        structuredClone([1, { a: new Map([[1, 2]]) }]);
        setTimeout("1 + 1");
        await wait(1);
        await new NativePromise((resolve) => (indexedDB.open("p").onsuccess = resolve));
    }

    const MEMBERS = [
        "t", "op", "args", "id", "at", "event", "value", "error", "clock", "updates", "state", "is", "$bytes", "$object",
        "$request", "$response", "$message", "$permission", "byteLength", "message", "messages", "ports", "source", "handle",
        "body", "stream", "bytes", "remote", "heard", "detached", "closed", "options", "fate", "revive", "resolve", "reject",
        "quota", "requested", "dom", "name", "init", "preload", "request", "handled", "watch", "kept", "piece", "seen",
    ];
    const COMPILER = [
        "filename", "lineOffset", "columnOffset", "cachedData", "produceCachedData", "importModuleDynamically", "timeout",
        "cachedDataProduced", "cachedDataRejected", "displayErrors", "breakOnSigint", "contextName", "contextOrigin",
        "contextCodeGeneration", "microtaskMode", "identifier", "context", "initializeImportMeta", "then",
    ];
    const TIMERS = ["_onImmediate", "_idleNext", "_idlePrev", "_idleTimeout", "_onTimeout", "_timerArgs", "expiry", "msecs", "domain"];

    const compile = async () => {
        setTimeout("import('x').catch(() => {})");
        new Function("return import('y')")().catch(() => {});
        (0, eval)("import('z')").catch(() => {});
        await wait(2);
    };
    const secret = () => crypto.subtle.importKey("raw", new Uint8Array([115, 101, 99, 114, 101, 116, 33, 33, 33, 33, 33, 33, 33, 33, 33, 33]), "AES-GCM", false, ["encrypt", "wrapKey"]);
    const makeKeys = async () => {
        await secret();
        await crypto.subtle.generateKey({ name: "AES-GCM", length: 128 }, false, ["encrypt"]);
        await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
    };

    /** What is in an object's own properties, with symbols, three levels deep: bytes of keys. */
    function material(object, depth = 0) {
        if (!isObject(object) || depth > 3) return [];
        if (ArrayBuffer.isView(object)) return object.byteLength >= 16 ? [KEY] : [];
        const found = [];
        for (const key of ownKeys(object)) {
            const { value, get } = Object.getOwnPropertyDescriptor(object, key);
            for (const each of [value, get]) {
                found.push(...material(each, depth + 1));
                if (typeof each === "function" && typeof key === "symbol") {
                    try { found.push(...material(apply(each, object, []), depth + 1)); } catch { /* no such function */ }
                }
            }
        }
        return found;
    }

    const KEY = "the bytes of a key";
    const names = ["data", "keyData", "privateKey", "seed"];
    const setterOf = (caught) => function (value) { caught.push(value); };
    const withSetters = async (install) => {
        const caught = [];
        for (const name of names) try { install(name, setterOf(caught)); } catch { /* refused */ }
        try {
            await makeKeys();
        } finally {
            for (const name of names) deleteProperty(root, name);
        }
        return caught.flatMap((each) => material(each));
    };

    const attacks = {
        __proto__: null,
        "members of frames": () => watching(root, MEMBERS, use),
        "members of options of the compiler": () => watching(root, COMPILER, compile),
        "members of timers": () => watching(root, TIMERS, use),
        "then of all objects": () => watching(root, ["then"], use),
        "indices of arrays": () => watching(Array.prototype, ["0", "1", "2", "3", "4"], use),
        "indices of all objects": () => watching(root, ["0", "1", "2", "3", "4"], use),
        "an array's prototype that is a proxy": async () => {
            const caught = [];
            setPrototypeOf(Array.prototype, new Proxy(root, {
                __proto__: null,
                set(target, name, value, receiver) {
                    keep(caught, receiver); keep(caught, value);
                    return defineProperty(receiver, name, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
                },
            }));
            try { await use(); } finally { setPrototypeOf(Array.prototype, root); }
            return caught;
        },
        "instanceof": async () => {
            const caught = [];
            const classes = [Uint8Array, Array, Object, Promise, ArrayBuffer, EventTarget, Error, Map, Set, Response, Request];
            for (const each of classes) defineProperty(each, Symbol.hasInstance, { configurable: true, value(value) { keep(caught, value); return false; } });
            try { await use(); } finally { for (const each of classes) delete each[Symbol.hasInstance]; }
            return caught;
        },
        "the iterator of arrays": () => replaced(Array.prototype, Symbol.iterator, (native, caught) => function () { keep(caught, this); for (let i = 0; i < this.length && i < 9; i++) keep(caught, this[i]); return apply(native, this, []); }, use),
        "methods of arrays": async () => {
            const all = [];
            for (const name of ["push", "map", "filter", "slice", "splice", "concat", "forEach", "join", "includes", "shift", "some", "sort"]) {
                all.push(...await replaced(Array.prototype, name, (native, caught) => function (...given) { keepAll(caught, this, given); return apply(native, this, given); }, use));
            }
            return all;
        },
        "the species of arrays": () => replaced(Array.prototype, "constructor", (native, caught) => ({ [Symbol.species]: function (length) { const made = new native(length); keep(caught, made); return made; } }), use),
        "the species of bytes": () => replaced(Object.getPrototypeOf(Uint8Array.prototype), "constructor", (native, caught) => ({ [Symbol.species]: function (...given) { const made = new Uint8Array(...given); caught.push(...given); if (given[0] instanceof ArrayBuffer && given[0].byteLength > 100_000) caught.push({ t: "the buffer of frames", id: 0 }); return made; } }), use),
        "the constructor of promises": () => replaced(Promise.prototype, "constructor", (native, caught) => class extends native { constructor(run) { super((a, b) => run((value) => { keep(caught, value); a(value); }, b)); } }, use),
        "the species of promises": async () => {
            const caught = [];
            try {
                defineProperty(Promise, Symbol.species, { configurable: true, get() { caught.push(this); return class extends NativePromise { constructor(run) { super((a, b) => run((value) => { keep(caught, value); a(value); }, b)); } }; } });
                await use();
            } finally {
                defineProperty(Promise, Symbol.species, { configurable: true, get() { return this; } });
            }
            return caught;
        },
        "then of promises": () => replaced(Promise.prototype, "then", (native, caught) => function (a, b) { return apply(native, this, [(value) => { keep(caught, value); return typeof a === "function" ? a(value) : value; }, b]); }, use),
        "call of functions": () => replaced(Function.prototype, "call", (native, caught) => function (self, ...given) { keepAll(caught, this, given); keep(caught, self); return apply(this, self, given); }, use),
        "apply of functions": () => replaced(Function.prototype, "apply", (native, caught) => function (self, given) { keepAll(caught, this, given ?? []); keep(caught, self); return apply(this, self, given ?? []); }, use),
        "bind of functions": () => replaced(Function.prototype, "bind", (native, caught) => function (...given) { keepAll(caught, this, given); return apply(native, this, given); }, use),
        "methods of maps": async () => {
            const all = [];
            for (const cls of [Map, WeakMap, Set, WeakSet]) {
                for (const name of ["get", "set", "has", "delete", "add", "forEach"]) {
                    if (name in cls.prototype) all.push(...await replaced(cls.prototype, name, (native, caught) => function (...given) { keepAll(caught, null, given); return apply(native, this, given); }, use));
                }
            }
            return all;
        },
        "JSON": async () => [
            ...await replaced(JSON, "parse", (native, caught) => (text) => { const made = native(text); keep(caught, made); return made; }, use),
            ...await replaced(JSON, "stringify", (native, caught) => (value) => { keep(caught, value); return native(value); }, use),
        ],
        "toJSON": () => watching(root, ["toJSON"], use),
        "constructors' prototypes": async () => {
            const caught = [];
            const evil = (before) => function (...given) {
                keepAll(caught, null, given);
                return before === Function.prototype ? Object.create(new.target.prototype) : Reflect.construct(before, given, new.target);
            };
            const restored = [];
            for (const name of Object.getOwnPropertyNames(globalThis)) {
                const cls = Object.getOwnPropertyDescriptor(globalThis, name).value;
                if (typeof cls !== "function" || !/^(IDB|Cache|Client|WindowClient|Service|Message|Broadcast|Background|Permission|Push|Notification|Extendable|Fetch|Navigat|Worker|Storage|Sync|Periodic)/.test(name)) continue;
                restored.push([cls, getPrototypeOf(cls)]);
                try { setPrototypeOf(cls, evil(getPrototypeOf(cls))); } catch { /* it stays */ }
            }
            try {
                await use().catch(() => {});
                const opening = indexedDB.open("q", 1);
                opening.onupgradeneeded = () => opening.result.createObjectStore("s").put(1, 1);
                await new NativePromise((resolve) => (opening.onsuccess = opening.onerror = resolve));
                await wait(2);
            } catch {
                // what the script has broken
            } finally {
                for (const [cls, prototype] of restored) setPrototypeOf(cls, prototype);
            }
            return caught;
        },
        "the writer of stacks": async () => {
            const caught = [];
            const before = Error.prepareStackTrace;
            Error.prepareStackTrace = (error, sites) => {
                for (const site of sites) caught.push(site.getThis?.(), site.getFunction?.());
                return { t: "post", op: "console", args: ["log", "forged"] };
            };
            try { await use(); } finally { Error.prepareStackTrace = before; }
            return caught.filter((each) => typeof each !== "function" || each.name !== "use");
        },
        "custom inspection": async () => {
            const caught = [];
            const shown = {};
            for (const name of ["Deno.customInspect", "Deno.privateCustomInspect", "nodejs.util.inspect.custom"]) shown[Symbol.for(name)] = function (...given) { caught.push(...given.filter((each) => typeof each === "function")); return "x"; };
            console.log(shown, [shown], new Map([[1, shown]]));
            return caught.filter((each) => typeof each({ a: 1 }) !== "string"); // it writes values, and does nothing else
        },
        "members of descriptors": async () => {
            const all = await watching(root, ["get", "set", "value", "writable", "enumerable", "configurable"], async () => {
                globalThis.origin = "https://evil.example";
                await use();
            });
            return all;
        },
        "bytes of a key: its own properties": async () => {
            const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
            return [await secret(), pair.privateKey].flatMap((key) => material(key));
        },
        "bytes of a key: then": async () => {
            const caught = await watching(root, ["then"], makeKeys);
            return caught.flatMap((each) => material(each));
        },
        "bytes of a key: Object.defineProperty": () => withSetters((name, set) => Object.defineProperty(root, name, { configurable: true, set })),
        "bytes of a key: Reflect.defineProperty": () => withSetters((name, set) => Reflect.defineProperty(root, name, { configurable: true, set })),
        "bytes of a key: Object.defineProperties": () => withSetters((name, set) => Object.defineProperties(root, { [name]: { configurable: true, set } })),
        "bytes of a key: __defineSetter__": () => withSetters((name, set) => root.__defineSetter__(name, set)),
        "bytes of a key: through a proxy": () => withSetters((name, set) => Object.defineProperty(new Proxy(new Proxy(root, {}), {}), name, { configurable: true, set })),
        "bytes of a key: a key that changes": () => withSetters((name, set) => {
            let asked = 0;
            Object.defineProperty(root, { toString: () => (asked++ === 0 ? "other" : name) }, { configurable: true, set });
            deleteProperty(root, "other");
        }),
        "bytes of a key: a descriptor that changes": () => withSetters((name, set) => {
            let asked = 0;
            Object.defineProperty(root, name, { configurable: true, get set() { return asked++ === 0 ? undefined : set; } });
        }),
        "bytes of a key: exported": async () => {
            const key = await secret();
            const wrapper = await secret();
            const got = [];
            const attempts = [
                () => crypto.subtle.exportKey("raw", key), () => crypto.subtle.exportKey("jwk", key),
                () => crypto.subtle.wrapKey("raw", key, wrapper, { name: "AES-GCM", iv: new Uint8Array(12) }),
                () => structuredClone(key), () => new MessageChannel().port1.postMessage(key), () => CryptoKey.exportNodeMaterial(key),
                () => CryptoKey.fromCloneData({ type: "CryptoKey" }), () => Object.assign({}, key).data, () => key.data, () => key.keyData,
            ];
            for (const attempt of attempts) {
                try {
                    const value = await attempt();
                    if (value !== undefined) got.push({ t: `a key, by ${attempt}`, id: 0 });
                } catch { /* refused */ }
            }
            return got;
        },
    };

    /** Of each attack that got something: what. */
    async function run(only = Object.keys(attacks)) {
        const found = {};
        const log = console.log;
        for (const name of only) {
            let caught;
            try {
                caught = await attacks[name]();
            } catch (error) {
                found[name] = [`it ended with ${error}`];
                continue;
            }
            const told = [...new Set(caught.map((each) => (each === KEY ? each : forbidden(each))).filter((each) => each !== null))];
            if (told.length > 0) found[name] = told.slice(0, 6);
        }
        log(`proofs:${JSON.stringify({ tried: only.length, found })}`);
    }

    return { attacks, run };
})();
