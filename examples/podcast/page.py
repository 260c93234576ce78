"""The page of the podcast site: it starts the download, follows it, and shows what the cache has in the end."""

import hashlib

import episode  # noqa: F401 - makes the files that a server would have
import trio
from swruntime.window import caches, console, navigator

MIB = 1024 * 1024


async def main():
    registration = await navigator.service_worker.ready
    cache = await caches.open("episodes")
    if await cache.match("/ep-5.mp3") is None:
        await download(registration)
    response = await cache.match("/ep-5.mp3")
    if response is None:
        console.warn("episode 5 is not in the cache")
        return
    digest, size = hashlib.sha256(), 0
    async for chunk in response.body:
        digest.update(chunk)
        size += len(chunk)
    console.log(f"in the cache: /ep-5.mp3, {size:,} bytes, SHA-256 {digest.hexdigest()}")


async def download(registration):
    # An earlier run may have left it half done: then it goes on by itself, and there is nothing to start.
    fetch = await registration.background_fetch.get("ep-5")
    if fetch is None:
        fetch = await registration.background_fetch.fetch(
            "ep-5",
            ["/ep-5.mp3", "/ep-5-artwork.jpg"],
            title="Episode 5: Interesting things.",
            icons=[{"src": "/ep-5-icon.png", "sizes": "300x300", "type": "image/png"}],
            download_total=60 * MIB,
        )
    done = trio.Event()

    def onprogress(event):
        if fetch.result:
            done.set()

    fetch.onprogress = onprogress
    if not fetch.result:
        await done.wait()
    console.log(f"the download of {fetch.id} ended: {fetch.result or fetch.failure_reason}")
    # The records are there until the worker has handled the event, and then they are in the cache.
    while fetch.records_available:
        await trio.sleep(0.01)
