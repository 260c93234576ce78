"""Cache first: what was stored once is answered from the cache, for ever; the network is for the rest.

For what never changes under its name. A new version of the site is a new CACHE, filled while it is installed.
"""

from swruntime.worker import caches, fetch

CACHE = "cache-first-v1"
SHELL = ["/", "/style.css", "/quote.json"]


async def oninstall(event):
    cache = await caches.open(CACHE)
    await cache.add_all(SHELL)


async def onactivate(event):
    for name in await caches.keys():
        if name.startswith("cache-first-") and name != CACHE:
            await caches.delete(name)


def onfetch(event):
    # A plain `def`: respond_with has to be called before the first await.
    if event.request.method == "GET":
        event.respond_with(answer(event))


async def answer(event):
    cache = await caches.open(CACHE)
    stored = await cache.match(event.request)
    if stored is not None:
        return stored
    response = await fetch(event.request)
    # 206 is a part only, which no cache takes.
    if response.status == 200:
        event.wait_until(cache.put(event.request, response.clone()))
    return response
