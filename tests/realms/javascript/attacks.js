// What a script may try to get out of its realm. Each attempt has a name and an outcome: the name of what was thrown or
// rejected with, or what was got. Used by test_javascript_sandbox.py, in pages and workers.

const attacks = (() => {
    const native = Promise;

    async function outcome(attempt) {
        try {
            const value = await attempt();
            const tag = Object.prototype.toString.call(value);
            return `got ${tag} ${value?.default ?? value}`;
        } catch (error) {
            const genuine = error instanceof globalThis[error.name] ? "" : "no real ";
            return `${genuine}${error.name}`;
        }
    }

    /** Has `run` called with a function that evaluates `code`, a call of import(), in some way; a promise of what comes. */
    function evaluatedBy(run) {
        return (code) =>
            new native((resolve, reject) => {
                globalThis.told = (promise) => {
                    promise.catch(() => {});
                    resolve(promise);
                };
                try {
                    run(`globalThis.told(${code}), "GET"`);
                } catch (error) {
                    reject(error);
                }
            });
    }

    const once = (type, listener) => {
        addEventListener(type, listener, { once: true });
        dispatchEvent(new Event(type));
    };

    /** Ways to have `code` evaluated: by the script, by the engine, by the runtime's own modules. */
    const ways = {
        "direct eval": evaluatedBy((code) => eval(code)),
        "indirect eval": evaluatedBy((code) => (0, eval)(code)),
        "a function's eval": evaluatedBy((code) => [code].map(eval)),
        "new Function": evaluatedBy((code) => new Function(code)()),
        "an async function's constructor": evaluatedBy((code) => (async () => {}).constructor(code)()),
        "a generator's constructor": evaluatedBy((code) => (function* () {}).constructor(code)().next()),
        "a promise's reaction": evaluatedBy((code) => Promise.resolve(code).then(eval)),
        "a promise's reaction, bound": evaluatedBy((code) => Promise.resolve().then(eval.bind(null, code))),
        "queueMicrotask": evaluatedBy((code) => queueMicrotask(eval.bind(null, code))),
        "a timer's string": evaluatedBy((code) => setTimeout(code)),
        "a timer": evaluatedBy((code) => setTimeout(eval.bind(null, code))),
        "a listener": evaluatedBy((code) => once("a", () => eval(code))),
        "eval as a listener": evaluatedBy((code) => once("b", eval.bind(null, code))),
        "Function as a listener": evaluatedBy((code) => once("c", Function(code))),
        "a handler object": evaluatedBy((code) => once("d", { handleEvent: eval.bind(null, code) })),
        "a stream's start": evaluatedBy((code) => new ReadableStream({ start: eval.bind(null, code) })),
        "a stream that a Response pulls": evaluatedBy((code) => {
            new Response(new ReadableStream({ pull: eval.bind(null, code) })).text().catch(() => {});
        }),
        "a conversion": evaluatedBy((code) => new Request({ toString: eval.bind(null, `${code}, "/"`) })),
        "a getter": evaluatedBy((code) => {
            new Request("/", Object.defineProperty({}, "method", { get: eval.bind(null, code) }));
        }),
        "an iterator": evaluatedBy((code) => new Headers({ [Symbol.iterator]: eval.bind(null, `${code}, [].values()`) })),
        "an abort": evaluatedBy((code) => {
            const controller = new AbortController();
            controller.signal.onabort = eval.bind(null, code);
            controller.abort();
        }),
        "a clone's getter": evaluatedBy((code) => {
            structuredClone(Object.defineProperty({}, "a", { get: eval.bind(null, code), enumerable: true }));
        }),
    };

    async function imports(file, isModule) {
        const source = new Blob(["export default 1"], { type: "text/javascript" });
        const blob = URL.createObjectURL?.(source) ?? `blob:${origin}/none`; // not in a service worker
        const specifiers = [
            file, "data:text/javascript,export default 1", "data:application/json,{}", blob, "node:fs", "node:process", "fs",
            "npm:left-pad", "jsr:@std/fs", "ext:core/mod.js", "ext:runtime/98_global_scope_window.js",
        ];
        const attributes = ["", ', { with: { type: "text" } }', ', { with: { type: "json" } }', ', { with: { type: "bytes" } }'];
        const found = {};
        for (const way of Object.keys(ways)) {
            for (const specifier of specifiers) {
                for (const attribute of way === "eval as a listener" || way === "direct eval" ? attributes : attributes.slice(0, 2)) {
                    const code = `import(${JSON.stringify(specifier)}${attribute})`;
                    found[`${way}: ${code}`] = await outcome(() => ways[way](code));
                }
            }
        }
        const name = ["node", "fs"].join(":");
        found["literal"] = await outcome(() => import("node:fs"));
        found["literal, as text"] = await outcome(() => import("file:///etc/hosts", { with: { type: "text" } }));
        found["computed"] = await outcome(() => import(name));
        found["in a function called later"] = await outcome(() => new native((resolve) => {
            setTimeout(() => resolve(import(name)));
        }));
        for (const phase of ["import.source", "import.defer"]) {
            for (const specifier of specifiers) {
                const code = `${phase}(${JSON.stringify(specifier)})`;
                found[code] = await outcome(() => ways["eval as a listener"](code));
            }
        }
        return found;
    }

    const NAMES = [
        "Deno", "process", "require", "module", "exports", "Buffer", "global", "setImmediate", "clearImmediate", "Worker",
        "SharedWorker", "WebSocket", "WebSocketStream", "EventSource", "SharedArrayBuffer", "localStorage", "alert", "prompt",
        "__filename", "__dirname", "internalBinding", "primordials", "bootstrap", "__bootstrap", "Atomics.wait",
    ];

    const BAD = /^(op_|Deno$|readFile|readTextFile|openSync$|runMicrotasks$|Command$|createRequire$|internalBinding$|SourceTextModule$|SyntheticModule$|runInThisContext$|runInContext$|kill$|exit$)/;

    const ENGINES = ["Request", "Response", "Headers", "fetch", "Worker", "WebSocket", "setTimeout", "BroadcastChannel"];

    /** Whether it is the engine's of what the runtime has put its own in place of. */
    const isEngines = (value) =>
        typeof value === "function" && ENGINES.includes(value.name) && value !== globalThis[value.name] &&
        value !== BackgroundFetchManager.prototype.fetch;

    /** All that can be reached from the global object by properties, getters and prototypes: what is not a browser's. */
    function reachable(more = []) {
        const seen = new Set();
        const bad = [];
        const queue = [[globalThis, "globalThis"]];
        for (const [index, root] of more.entries()) queue.push([root, `root ${index}`]);
        for (let next = 0; next < queue.length && next < 60_000; next++) {
            const [value, path] = queue[next];
            if (value === null || (typeof value !== "object" && typeof value !== "function") || seen.has(value)) continue;
            seen.add(value);
            if (path.split(".").length > 9) continue;
            queue.push([Object.getPrototypeOf(value), `${path}.__proto__`]);
            for (const key of Reflect.ownKeys(value)) {
                const name = `${path}.${String(key)}`;
                if (typeof key === "string" && BAD.test(key)) bad.push(name);
                const { value: held, get, set } = Object.getOwnPropertyDescriptor(value, key);
                if (isEngines(held) || (typeof held === "function" && BAD.test(held.name))) bad.push(name);
                queue.push([held, name], [get, `${name}(get)`], [set, `${name}(set)`]);
                if (get !== undefined && !/port|ready|closed|finished/.test(String(key))) {
                    try {
                        const got = Reflect.apply(get, value, []);
                        if (got instanceof Promise) got.catch(() => {});
                        queue.push([got, `${name}()`]);
                    } catch {
                        // It is of another kind of object.
                    }
                }
            }
        }
        return { bad, seen: seen.size, cut: queue.length >= 60_000 };
    }

    /** What the stack shows of whoever called: functions, receivers, and names of files. */
    function stack() {
        const found = [];
        const previous = Error.prepareStackTrace;
        Error.prepareStackTrace = (_, sites) => sites;
        try {
            const look = () => {
                const sites = new Error().stack;
                for (const site of Array.isArray(sites) ? sites : []) {
                    found.push(site.getThis?.(), site.getFunction?.(), site.getEvalOrigin?.());
                }
            };
            look();
            once("e", look);
            new Request({ toString: () => (look(), "/") });
            new ReadableStream({ start: look });
        } finally {
            Error.prepareStackTrace = previous;
        }
        function sloppy() {
            found.push(sloppy.caller, sloppy.arguments, arguments.callee.caller);
            return "/";
        }
        sloppy();
        once("f", sloppy);
        new Request({ toString: sloppy });
        return found;
    }

    /** Things that the engine hands to code it calls. */
    async function handed() {
        const found = [];
        const inspected = {
            [Symbol.for("Deno.customInspect")](...given) { found.push(this, ...given); return ""; },
            [Symbol.for("Deno.privateCustomInspect")](...given) { found.push(this, ...given); return ""; },
            [Symbol.for("nodejs.util.inspect.custom")](...given) { found.push(this, ...given); return ""; },
        };
        console.log(inspected);
        found.push(await new Response("a").blob(), new Event("a"), new Blob(["a"]).stream(), new FormData());
        found.push(new MessageChannel(), new AbortController(), new URL("http://a/"), new TextDecoder(), performance);
        found.push(await fetch("/nothing").catch((error) => error), await caches.keys(), new Request("/"));
        await new Promise((resolve) => once("g", (event) => { found.push(event); resolve(); }));
        return found;
    }

    async function names() {
        const found = {};
        for (const name of NAMES) {
            found[name] = await outcome(() => (0, eval)(`typeof ${name}`));
            found[`${name}, of the global object`] = await outcome(() => (0, eval)(`typeof globalThis.${name}`));
        }
        found["new Worker"] = await outcome(() => new Worker("data:text/javascript,1"));
        found["globalThis.constructor"] = await outcome(() => new globalThis.constructor());
        found["Object.getPrototypeOf(globalThis).constructor"] =
            await outcome(() => new (Object.getPrototypeOf(globalThis).constructor)());
        found["process by an indirect eval"] = await outcome(() => (0, eval)("process.exit(1)"));
        found["Deno by Function"] = await outcome(() => Function("return Deno")());
        found["require of a module's wrapper"] = await outcome(() => Function("return require('fs')")());
        return found;
    }

    async function everything(file) {
        const roots = [...stack(), ...(await handed())];
        const sockets = {};
        for (const url of ["http://127.0.0.1:9/", "https://127.0.0.1:9/", "file:///etc/hosts", "ws://127.0.0.1:9/"]) {
            sockets[url] = await outcome(() => fetch(url));
        }
        return JSON.stringify({
            imports: await imports(file), names: await names(), sockets, reachable: reachable(roots),
        });
    }

    /** Of a module: its own import(), and its import.meta. */
    async function moduleAttacks(load, meta, file) {
        const found = {};
        for (const specifier of [file, "node:fs", "fs", "data:text/javascript,1", "npm:left-pad", "jsr:@std/fs", "ext:core/mod.js"]) {
            found[`import(${specifier})`] = await outcome(() => load(specifier));
            found[`import.meta.resolve(${specifier})`] = await outcome(() => meta.resolve(specifier));
        }
        return JSON.stringify({ found, meta: Object.keys(meta).sort() });
    }

    return { moduleAttacks, outcome, ways, imports, names, everything };
})();
