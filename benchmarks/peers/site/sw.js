// A worker as many sites have it: a shell for offline use, downloads into a cache, and the events of a server.
importScripts("/names.js");

self.addEventListener("install", (event) => event.waitUntil((async () => {
    const cache = await caches.open(SHELL);
    await cache.addAll(["/index.html", "/shell.txt"]);
    await skipWaiting();
})()));

self.addEventListener("activate", (event) => event.waitUntil(clients.claim()));

self.addEventListener("fetch", (event) => {
    if (new URL(event.request.url).pathname !== "/shell.txt") return;
    event.respondWith((async () => {
        const kept = await caches.match("/shell.txt");
        return new Response(`from the worker: ${await kept.text()}`);
    })());
});

self.addEventListener("backgroundfetchsuccess", (event) => event.waitUntil((async () => {
    const cache = await caches.open(FILES);
    const records = await event.registration.matchAll();
    for (const record of records) {
        const response = await record.responseReady;
        await cache.put(record.request, response);
    }
})()));

let pushes = 0; // a global: gone when the worker is stopped

const note = async (name, text) => (await caches.open(LOG)).put(`/log/${name}`, new Response(text));

self.addEventListener("push", (event) => {
    pushes += 1;
    event.waitUntil((async () => {
        await note("push", `${event.data.text()} ${pushes}`);
        await registration.showNotification("News", { body: event.data.text() });
    })());
});
self.addEventListener("sync", (event) => event.waitUntil((async () => {
    if (event.tag === "never") {
        await reached("sync-never");
        throw new Error("not this time");
    }
    await note("sync", event.tag);
})()));
self.addEventListener("periodicsync", (event) => event.waitUntil(note("periodicsync", event.tag)));
self.addEventListener("backgroundfetchabort", (event) => event.waitUntil(note("abort", event.registration.id)));
self.addEventListener("backgroundfetchclick", (event) => event.waitUntil(note("click", event.registration.id)));
self.addEventListener("backgroundfetchfail", (event) =>
    event.waitUntil(note("fail", event.registration.failureReason)));

// The test sees at its server that a handler got this far.
const reached = (name) => fetch(new URL(`/file/${name}?size=1`, location.href));

self.addEventListener("message", (event) => {
    pushes += 1;
    event.waitUntil((async () => {
        const { data } = event;
        if (data.wait) {
            await new Promise((resolve) => setTimeout(resolve, data.wait));
            await reached(data.name);
        }
        event.source?.postMessage({ pushes });
        await note("message", `${data} ${pushes}`);
    })());
});
