// Every object that can be reached from the global object by properties, accessors' functions and prototypes, with its own
// names: [path, "function" or "object", names] each.

const reachableNames = (samples) => {
    const seen = new Set();
    const found = [];
    const queue = [[globalThis, "globalThis"]];
    const rest = Object.keys(samples);
    const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";
    for (let next = 0; ; next++) {
        // Samples come last: their prototypes are known by then, where they are an interface's.
        if (next === queue.length && rest.length > 0) {
            const name = rest.shift();
            queue.push([samples[name], `(${name})`]);
        }
        if (next === queue.length) break;
        const [value, path] = queue[next];
        if (!isObject(value) || seen.has(value)) continue;
        seen.add(value);
        const keys = Reflect.ownKeys(value);
        const isFilled = ArrayBuffer.isView(value) || Array.isArray(value) || value instanceof String;
        const names = isFilled ? keys.filter((key) => typeof key !== "string" || !/^\d+$/.test(key)) : keys;
        // The engine has an object's state in properties of the object, named by symbols: its slots, of a sample.
        const isSample = path.startsWith("(") && path.endsWith(")");
        const shown = isSample ? names.filter((key) => typeof key !== "symbol") : names;
        found.push([path, typeof value, shown.map((key) => (typeof key === "symbol" ? `@@${key.description}` : key))]);
        for (const key of shown) {
            const { value: held, get, set } = Object.getOwnPropertyDescriptor(value, key);
            const name = typeof key === "symbol" ? `@@${key.description}` : key;
            const at = path === "globalThis" ? name : `${path}.${name}`;
            queue.push([held, at], [get, `get ${at}`], [set, `set ${at}`]);
        }
        queue.push([Object.getPrototypeOf(value), `${path}.__proto__`]);
    }
    return found;
};

/** One object of each kind that a script can have, by what it is. */
const sampleObjects = async () => {
    const { subtle } = crypto;
    const keys = await subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
    const stream = new ReadableStream({ type: "bytes" });
    const { readable, writable } = new TransformStream();
    let controller;
    new ReadableStream({ start(given) { controller = given; } });
    const channel = new MessageChannel();
    return {
        event: new Event("a"), customEvent: new CustomEvent("a"), errorEvent: new ErrorEvent("a"), messageEvent: new MessageEvent("a"),
        target: new EventTarget(), abort: new AbortController(), signal: AbortSignal.abort(), blob: new Blob(["a"]),
        file: new File(["a"], "b"), form: new FormData(), url: new URL("http://a/"), params: new URLSearchParams("a=b"),
        pattern: new URLPattern({}), headers: new Headers(), headersIterator: new Headers().entries(), request: new Request("/"),
        response: new Response("a"), stream, reader: stream.getReader({ mode: "byob" }), readable, writable, controller,
        writer: writable.getWriter(), decoder: new TextDecoder(), encoder: new TextEncoder(),
        compression: new CompressionStream("gzip"), key: keys.privateKey, publicKey: keys.publicKey,
        secret: await subtle.importKey("raw", new Uint8Array(16), "AES-GCM", false, ["encrypt"]),
        mark: performance.mark("a"), channel, port: channel.port1, broadcast: new BroadcastChannel("a"),
        domException: new DOMException("a"), reading: new FileReader(), matrix: new DOMMatrix(), image: new ImageData(1, 1),
        arrayIterator: [].values(), mapIterator: new Map().keys(), setIterator: new Set().keys(), generator: (function* () {})(),
        asyncGenerator: (async function* () {})(), stringIterator: ""[Symbol.iterator](), matches: "a".matchAll(/a/g),
        asyncFunction: async () => {}, helper: [].values().map((x) => x), wrapped: Iterator.from({ next() {} }),
        segments: new Intl.Segmenter().segment("a"), segmentIterator: new Intl.Segmenter().segment("a")[Symbol.iterator](),
        range: IDBKeyRange.only(1), opening: indexedDB.open("a"), proxyLocation: location, paramsIterator: new URLSearchParams().keys(),
        formIterator: new FormData().keys(), streamIterator: new ReadableStream()[Symbol.asyncIterator](),
        error: new TypeError("a"), compiled: new WebAssembly.Memory({ initial: 0 }),
    };
};
