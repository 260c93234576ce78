// It counts its downloads in a global, which is gone once the worker was stopped.
let count = 0;

self.addEventListener("backgroundfetchsuccess", (event) => event.waitUntil((async () => {
    count += 1;
    const cache = await caches.open("files");
    for (const record of await event.registration.matchAll()) {
        await cache.put(record.request, await record.responseReady);
    }
    await cache.put("/count", new Response(`${count} downloads`));
})()));
