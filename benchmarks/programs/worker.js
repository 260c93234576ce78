// Keeps what was fetched, and tells the page as its last act. Chromium runs it, and so does swruntime.
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

async function tell(what) {
  for (const client of await clients.matchAll({ includeUncontrolled: true })) client.postMessage(what);
}

addEventListener("backgroundfetchsuccess", (event) => event.waitUntil((async () => {
  const cache = await caches.open("kept");
  for (const record of await event.registration.matchAll()) {
    await cache.put(record.request, await record.responseReady);
  }
  await tell("success");
})()));

for (const type of ["backgroundfetchfail", "backgroundfetchabort"]) {
  addEventListener(type, (event) => event.waitUntil(tell(`${type} ${event.registration.failureReason}`)));
}
