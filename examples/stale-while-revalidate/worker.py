"""Stale while revalidate: answered from the cache at once, and the cache is brought up to date behind its back.

For what may be one visit old: each answer is the one that the visit before has fetched.
"""

from swruntime.worker import caches, console, fetch

CACHE = "pages"


def onfetch(event):
    if event.request.method == "GET":
        event.respond_with(answer(event))


async def answer(event):
    cache = await caches.open(CACHE)
    stored = await cache.match(event.request)
    if stored is not None:
        # The answer does not wait for it, the end of the event does: until then the worker is not stopped.
        event.wait_until(revalidate(cache, event.request))
        return stored
    response = await fetch(event.request)
    if response.status == 200:
        event.wait_until(cache.put(event.request, response.clone()))
    return response


async def revalidate(cache, request):
    try:
        response = await fetch(request)
        if response.status == 200:
            await cache.put(request, response)
    except TypeError as error:
        console.info(f"{request.url} stays as it is: {error}")
