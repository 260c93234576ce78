// The same download, with the mistake that loses it: nothing tells the browser to wait for what the handler does.
self.addEventListener("backgroundfetchsuccess", async (event) => {
    const cache = await caches.open("files");
    for (const record of await event.registration.matchAll()) {
        await cache.put(record.request, await record.responseReady);
    }
});

self.addEventListener("sync", async () => {
    const cache = await caches.open("log");
    await cache.put("/log/sync", new Response("sent"));
});
