// The page of the podcast site: it starts the download, follows it, and shows what the cache has in the end.

const MIB = 1024 * 1024;

async function main() {
    const registration = await navigator.serviceWorker.ready;
    const cache = await caches.open("episodes");
    if (await cache.match("/ep-5.mp3") === undefined) await download(registration);
    const response = await cache.match("/ep-5.mp3");
    if (response === undefined) {
        console.warn("episode 5 is not in the cache");
        return;
    }
    const sound = await response.arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", sound));
    const size = sound.byteLength.toLocaleString("en");
    console.log(`in the cache: /ep-5.mp3, ${size} bytes, SHA-256 ${hex(digest)}`);
}

async function download(registration) {
    // An earlier run may have left it half done: then it goes on by itself, and there is nothing to start.
    const fetch = await registration.backgroundFetch.get("ep-5") ??
        await registration.backgroundFetch.fetch("ep-5", ["/ep-5.mp3", "/ep-5-artwork.jpg"], {
            title: "Episode 5: Interesting things.",
            icons: [{ src: "/ep-5-icon.png", sizes: "300x300", type: "image/png" }],
            downloadTotal: 60 * MIB,
        });
    if (!fetch.result) {
        await new Promise((resolve) => {
            fetch.onprogress = () => {
                if (fetch.result) resolve();
            };
        });
    }
    console.log(`the download of ${fetch.id} ended: ${fetch.result || fetch.failureReason}`);
    // The records are there until the worker has handled the event, and then they are in the cache.
    while (fetch.recordsAvailable) await new Promise((resolve) => setTimeout(resolve, 10));
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

main();
