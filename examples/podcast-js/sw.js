// The worker of the podcast site: it keeps an episode when its download has ended, whichever way.

const EPISODES = "episodes";

self.addEventListener("install", (event) => {
    // Everything the page needs offline, before this worker is activated.
    event.waitUntil((async () => {
        const cache = await caches.open("shell");
        await cache.put("/about", new Response("An episode a week.", { headers: { "Content-Type": "text/plain" } }));
    })());
});

self.addEventListener("backgroundfetchsuccess", (event) => {
    event.waitUntil((async () => {
        const cache = await caches.open(EPISODES);
        for (const record of await event.registration.matchAll()) {
            // A reference to the stored body, not a copy: 60 MiB take no time, and never come to JavaScript.
            await cache.put(record.request, await record.responseReady);
        }
        await event.updateUI({ title: "Episode 5 is ready" });
    })());
});

self.addEventListener("backgroundfetchfail", (event) => {
    // What did arrive is still good: keep it, and say what did not.
    event.waitUntil((async () => {
        const cache = await caches.open(EPISODES);
        for (const record of await event.registration.matchAll()) {
            let response;
            try {
                response = await record.responseReady;
            } catch (error) {
                console.warn(`${record.request.url} did not come: ${error}`);
                continue;
            }
            if (response.ok) await cache.put(record.request, response);
        }
        await event.updateUI({ title: `Episode 5 failed (${event.registration.failureReason})` });
    })());
});

self.addEventListener("backgroundfetchabort", (event) => {
    console.info(`${event.registration.id} was aborted after ${event.registration.downloaded} bytes`);
});

self.addEventListener("backgroundfetchclick", (event) => {
    console.info(`${event.registration.id} was clicked`);
});
