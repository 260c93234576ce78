// All of the platform that a script can use, used once. `d` makes a dictionary, which asks no prototype; each part has a
// name, and what it throws is told by that.

const exercise = (my, scope) => {
    "use strict";
    const d = (object) => my(Object.setPrototypeOf(object, null));
    const failed = [];
    const part = async (name, act) => {
        try {
            await act();
        } catch (error) {
            failed.push(`${name}: ${error}`);
        }
    };
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    const once = (target, type) => new Promise((resolve) => target.addEventListener(type, resolve, d({ once: true })));
    const done = (request) => new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });

    const parts = {
        __proto__: null,
        async headers() {
            const headers = new Headers(my([my(["a", "b"]), my(["set-cookie", "c"])]));
            headers.append("x", "1");
            headers.append("x", "2");
            headers.set("a", "c");
            headers.delete("q");
            headers.delete("a");
            headers.get("x");
            headers.getSetCookie();
            headers.has("a");
            for (const pair of headers) pair.length;
            headers.forEach(() => {});
            new Headers(d({ a: "b", c: "d" }));
            try { new Headers(my([my(["a"])])); } catch { /* two items */ }
            try { headers.append("a b", "c"); } catch { /* no name */ }
        },
        async requests() {
            const request = new Request("/a?b#c", d({ method: "POST", body: "text", headers: d({ "content-type": "text/plain" }), mode: "same-origin", credentials: "omit", cache: "no-store", redirect: "error", referrer: "/r", referrerPolicy: "no-referrer", integrity: "", keepalive: true, signal: new AbortController().signal }));
            const copy = request.clone();
            await copy.text();
            new Request(request, d({ method: "PUT" }));
            for (const name of ["method", "url", "headers", "destination", "referrer", "mode", "signal", "body", "bodyUsed"]) request[name];
            await new Request("/a", d({ method: "POST", body: new Blob(my(["a"])) })).arrayBuffer();
            await new Request("/a", d({ method: "POST", body: new URLSearchParams("a=b") })).formData();
            const form = new FormData();
            form.append("a", "b");
            form.append("f", new File(my(["x"]), "x.txt"));
            await new Request("/a", d({ method: "POST", body: form })).formData();
            await new Request("/a", d({ method: "POST", body: form })).text();
            await new Request("/a", d({ method: "POST", body: new ReadableStream(d({ start(c) { c.enqueue(new Uint8Array(1)); c.close(); } })), duplex: "half" })).bytes();
        },
        async responses() {
            const response = new Response("text", d({ status: 201, statusText: "a", headers: d({ a: "b" }) }));
            const copy = response.clone();
            await response.text();
            await copy.blob();
            await Response.json(d({ a: 1 })).json();
            Response.error();
            Response.redirect("/x", 301);
            await new Response(new Uint8Array(3)).bytes();
            await new Response(new DataView(new ArrayBuffer(3), 1)).arrayBuffer();
            const streamed = new Response(new ReadableStream(d({ pull(c) { c.enqueue(new Uint8Array(2)); c.close(); } })));
            const reader = streamed.clone().body.getReader();
            while (!(await reader.read()).done);
            await streamed.text();
            await new Response(new Response("abc").body.pipeThrough(new TransformStream())).text();
            await new Response(my(new ReadableStream(d({ start(c) { c.error(new Error("e")); } })))).text().catch(() => {});
            try { new Response("x", d({ status: 204 })); } catch { /* no body */ }
            await new Response("%", d({ headers: d({ "content-type": "multipart/form-data; boundary=a" }) })).formData().catch(() => {});
        },
        async fetch() {
            const response = await fetch("/file.txt", d({ headers: d({ x: "y" }) }));
            response.headers.get("content-type");
            const copy = response.clone();
            await response.text();
            await copy.blob();
            const streamed = await fetch("/file.txt");
            const byob = streamed.body.getReader(d({ mode: "byob" }));
            for (let view = new Uint8Array(4);;) {
                const { done, value } = await byob.read(view);
                if (done) break;
                view = new Uint8Array(value.buffer);
            }
            await fetch("/missing").catch(() => {});
            await fetch("http://127.0.0.1:1/").catch(() => {});
            const controller = new AbortController();
            const gone = fetch("/file.txt", d({ signal: controller.signal })).then((r) => r.text()).catch(() => {});
            controller.abort();
            await gone;
            await fetch("/file.txt", d({ signal: AbortSignal.abort() })).catch(() => {});
            await fetch("/file.txt", d({ signal: AbortSignal.any(my([new AbortController().signal])) }));
            await fetch("/post", d({ method: "POST", body: "x" })).catch(() => {});
            await fetch("/post", d({ method: "POST", body: new ReadableStream(d({ start(c) { c.enqueue(new Uint8Array(9)); c.close(); } })), duplex: "half" })).catch(() => {});
            (await fetch("/file.txt")).body.cancel();
            const unread = await fetch("/file.txt");
            for await (const chunk of unread.body) chunk.length;
        },
        async caches() {
            const cache = await caches.open("a");
            await cache.put("/a", new Response("x", d({ headers: d({ vary: "q" }) })));
            await cache.put(new Request("/s"), new Response(new ReadableStream(d({ start(c) { c.enqueue(new Uint8Array(9)); c.close(); } }))));
            await cache.add("/file.txt");
            await cache.addAll(my(["/file.txt", new Request("/file.txt?2")]));
            await (await cache.match("/a", d({ ignoreSearch: true }))).text();
            await cache.match("/none");
            await cache.matchAll();
            await cache.keys();
            await caches.match("/a", d({ cacheName: "a" }));
            await caches.has("a");
            await caches.keys();
            await cache.delete("/a");
            await caches.delete("a");
            await cache.put("/a", d({})).catch(() => {});
            await cache.add("/missing").catch(() => {});
        },
        async clones() {
            const cycle = d({ a: 1 });
            cycle.self = cycle;
            structuredClone(cycle);
            structuredClone(my([1, my([2]), , "x", null, undefined, 1n, NaN, -0]));
            structuredClone(new Map(my([my(["a", my([1])])])));
            structuredClone(new Set(my([1, 2])));
            structuredClone(new Date(0));
            structuredClone(/a/gu);
            structuredClone(new TypeError("x"));
            structuredClone(new DOMException("x", "AbortError"));
            structuredClone(new Uint16Array(3));
            structuredClone(new Blob(my(["a"])));
            structuredClone(Object("boxed"));
            const buffer = new ArrayBuffer(8);
            structuredClone(buffer, d({ transfer: my([buffer]) }));
            const { port1 } = new MessageChannel();
            structuredClone(port1, d({ transfer: my([port1]) }));
            for (const bad of [() => {}, Symbol("a"), new WeakMap(), Promise.resolve(), new Response("")]) {
                try { structuredClone(my([d({ a: bad })])); } catch (error) { error.name; }
            }
        },
        async messages() {
            const { port1, port2 } = new MessageChannel();
            const got = once(port2, "message");
            port2.start();
            port1.postMessage(d({ a: my([1, new Uint8Array(2)]) }));
            const event = await got;
            event.data.a.length;
            event.ports.length;
            const other = new MessageChannel();
            port1.onmessage = (each) => each.ports[0]?.close();
            port2.postMessage("x", my([other.port1]));
            await wait(5);
            port1.close();
            const one = new BroadcastChannel("b");
            const two = new BroadcastChannel("b");
            const heard = once(two, "message");
            one.postMessage(my([1]));
            await heard;
            one.close();
            two.close();
            new MessageEvent("message", d({ data: 1, ports: my([]) }));
        },
        async events() {
            const target = new EventTarget();
            const listener = my({ handleEvent() {} });
            target.addEventListener("a", listener, d({ once: true, signal: new AbortController().signal }));
            target.addEventListener("a", (event) => event.preventDefault());
            target.addEventListener("a", () => { throw new Error("thrown"); });
            const calm = (event) => event.preventDefault();
            addEventListener("error", calm);
            target.dispatchEvent(new Event("a", d({ cancelable: true })));
            target.removeEventListener("a", listener);
            target.dispatchEvent(new CustomEvent("b", d({ detail: 1 })));
            new ErrorEvent("error", d({ message: "a" }));
            new PromiseRejectionEvent("unhandledrejection", d({ promise: Promise.resolve(), reason: 1 }));
            onunhandledrejection = (event) => event.preventDefault();
            const rejected = Promise.reject(new Error("unhandled"));
            await wait(5);
            onrejectionhandled = () => {};
            rejected.catch(() => {});
            await wait(5);
            onunhandledrejection = null;
            reportError(new Error("reported"));
            setTimeout("throw new Error('of a text')", 1);
            await wait(5);
            removeEventListener("error", calm);
            queueMicrotask(() => {});
            target.a = 1;
        },
        async timers() {
            const id = setInterval(() => {}, 1);
            await wait(4);
            clearInterval(id);
            clearTimeout(setTimeout(() => {}, 100));
            setTimeout((a) => a, 1, "x");
            setTimeout("1 + 1", 1);
            await wait(3);
            new Date();
            Date();
            Date.now();
            performance.now();
            performance.timeOrigin;
        },
        async console() {
            console.log("%s %d %o", "a", 1, d({ a: 1 }), my([1]), new Map(), new Response("x"), new Error("shown"));
            console.error(my([1]));
            console.table(my([1]));
            console.trace("a");
            console.assert(false, "b");
            console.count();
            console.countReset();
            console.group("g");
            console.groupEnd();
            console.time();
            console.timeLog();
            console.timeEnd();
            console.dir(d({ a: 1 }));
        },
        async abort() {
            const controller = new AbortController();
            controller.signal.onabort = () => {};
            controller.signal.addEventListener("abort", () => {});
            AbortSignal.any(my([controller.signal]));
            controller.abort(new Error("x"));
            try { controller.signal.throwIfAborted(); } catch { /* aborted */ }
        },
        async streams() {
            const stream = new ReadableStream(d({ type: "bytes", pull(c) { c.enqueue(new Uint8Array(3)); c.close(); } }));
            const [a, b] = stream.tee();
            await new Response(a).text();
            await b.cancel();
            const { readable, writable } = new TransformStream(d({ transform(chunk, c) { c.enqueue(chunk); } }));
            const writer = writable.getWriter();
            writer.write(new Uint8Array(1));
            writer.close();
            await new Response(readable).text();
            await new Response(new Blob(my(["abc"])).stream().pipeThrough(new CompressionStream("gzip"))).bytes();
            await new Blob(my(["abc"])).text();
            await new Blob(my([new Blob(my(["x"])), "y"])).slice(0, 1).arrayBuffer();
            await new Response(ReadableStream.from(my([new Uint8Array(1)]))).text();
        },
        async urls() {
            const url = new URL("/a?b=c", location.href);
            url.searchParams.append("d", "e");
            new URLSearchParams(d({ a: "b" })).toString();
            new URLPattern(d({ pathname: "/a" })).test("http://a/a");
            location.href;
            location.toString();
            new TextDecoder().decode(new TextEncoder().encode("a"));
            btoa(atob("YQ=="));
        },
        async crypto() {
            const { subtle } = crypto;
            crypto.getRandomValues(new Uint8Array(4));
            crypto.randomUUID();
            const key = await subtle.generateKey(d({ name: "AES-GCM", length: 128 }), false, my(["encrypt", "decrypt"]));
            await subtle.encrypt(d({ name: "AES-GCM", iv: new Uint8Array(12) }), key, new Uint8Array(1));
            await subtle.exportKey("raw", key).catch(() => {});
            await subtle.digest("SHA-256", new Uint8Array(1));
            await subtle.generateKey(d({ name: "ECDSA", namedCurve: "P-256" }), false, my(["sign"]));
        },
        async indexeddb() {
            indexedDB.cmp(my([1, "a"]), new Date(0));
            const opening = indexedDB.open("db", 1);
            opening.onupgradeneeded = () => {
                const store = opening.result.createObjectStore("s", d({ keyPath: "id", autoIncrement: true }));
                store.createIndex("i", "tags", d({ multiEntry: true }));
                store.createIndex("j", my(["a", "b"]));
                opening.result.createObjectStore("t");
                opening.result.objectStoreNames.contains("s");
            };
            const db = await done(opening);
            const writing = db.transaction(my(["s", "t"]), "readwrite", d({ durability: "strict" }));
            const store = writing.objectStore("s");
            await done(store.put(d({ tags: my(["x", "y"]), a: 1, b: 2 })));
            await done(store.add(d({ id: 7, blob: new Blob(my(["z"])) })));
            await done(writing.objectStore("t").put(my([1]), my([1, new Uint8Array(2)])));
            await done(store.get(7));
            await done(store.getAll());
            await done(store.getAllKeys(IDBKeyRange.bound(1, 9)));
            await done(store.getAllRecords(d({ count: 2 })));
            await done(store.count());
            await done(store.index("i").getAll("x"));
            for (let cursor = await done(store.openCursor()); cursor !== null;) {
                cursor.key;
                cursor.value;
                cursor.continue();
                cursor = await done(cursor.request);
            }
            await done(store.delete(7));
            await new Promise((resolve) => (writing.oncomplete = resolve));
            const aborting = db.transaction("s", "readwrite");
            aborting.objectStore("s").clear().onerror = (event) => event.preventDefault();
            aborting.abort();
            await new Promise((resolve) => (aborting.onabort = resolve));
            await indexedDB.databases();
            db.close();
            await done(indexedDB.deleteDatabase("db"));
        },
        async storage() {
            await navigator.storage.estimate();
            const status = await navigator.permissions.query(d({ name: "notifications" }));
            status.state;
            status.onchange = () => {};
            navigator.onLine;
            navigator.languages;
            navigator.userAgent;
            navigator.geolocation;
        },
        async absent() {
            "XMLHttpRequest" in globalThis;
            try { new WebSocket("ws://a/"); } catch { /* absent */ }
            globalThis.onresize = 1;
        },
        async ofRegistration() {
            const registration = scope === "worker" ? globalThis.registration : await navigator.serviceWorker.ready;
            registration.active?.state;
            registration.onupdatefound = () => {};
            await registration.showNotification("title", d({ body: "b", actions: my([d({ action: "a", title: "t" })]), data: my([1]), vibrate: my([1, 2]) }));
            const [shown] = await registration.getNotifications(d({ tag: "" }));
            shown.actions.length;
            shown.data.length;
            shown.close();
            await registration.navigationPreload.getState();
            await registration.sync.register("s").catch(() => {});
            await registration.sync.getTags();
            await registration.periodicSync.register("p", d({ minInterval: 1000 })).catch(() => {});
            await registration.periodicSync.getTags();
            await registration.pushManager.subscribe(d({ userVisibleOnly: true, applicationServerKey: new Uint8Array(65).fill(4) })).then((subscription) => {
                subscription.toJSON();
                subscription.getKey("auth");
                subscription.options.applicationServerKey;
                return subscription.unsubscribe();
            }).catch(() => {});
            await registration.pushManager.getSubscription();
            await registration.pushManager.permissionState();
            const fetching = await registration.backgroundFetch.fetch("f", my(["/file.txt"]), d({ title: "t", icons: my([d({ src: "/i.png" })]), downloadTotal: 1000 }));
            fetching.onprogress = () => {};
            fetching.downloaded;
            await registration.backgroundFetch.getIds();
            await registration.backgroundFetch.get("f");
            const record = await fetching.match("/file.txt");
            await (await record?.responseReady)?.text();
            await fetching.matchAll();
            await fetching.abort();
            await wait(50);
        },
        async ofScope() {
            if (scope === "worker") {
                await skipWaiting();
                await clients.matchAll(d({ type: "window", includeUncontrolled: true }));
                const [client] = await clients.matchAll();
                client?.postMessage(my([1]), d({ transfer: my([]) }));
                client?.url;
                await clients.get("none");
                await clients.openWindow("/x").catch(() => {});
                await clients.claim().catch(() => {});
                return;
            }
            const { serviceWorker } = navigator;
            await serviceWorker.getRegistration();
            await serviceWorker.getRegistrations();
            await serviceWorker.register("/sw.js", d({ scope: "/", updateViaCache: "none" }));
            serviceWorker.onmessage = () => {};
            serviceWorker.startMessages();
            serviceWorker.controller?.postMessage(my(["hello", my([1])]));
            await Notification.requestPermission();
            Notification.permission;
            await wait(5);
        },
    };

    return (async () => {
        for (const name of Object.keys(parts)) await part(name, parts[name]);
        return failed;
    })();
};
