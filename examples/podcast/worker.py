"""The worker of the podcast site: it keeps an episode when its download has ended, whichever way."""

import episode  # noqa: F401 - makes the files that a server would have
from swruntime.worker import Response, caches, console

EPISODES = "episodes"


async def oninstall(event):
    # Everything the page needs offline, before this worker is activated.
    cache = await caches.open("shell")
    await cache.put("/about", Response("An episode a week.", headers={"Content-Type": "text/plain"}))


async def onbackgroundfetchsuccess(event):
    cache = await caches.open(EPISODES)
    for record in await event.registration.match_all():
        # A reference to the stored body, not a copy: 60 MiB take no time.
        await cache.put(record.request, await record.response_ready)
    await event.update_ui(title="Episode 5 is ready")


async def onbackgroundfetchfail(event):
    # What did arrive is still good: keep it, and say what did not.
    cache = await caches.open(EPISODES)
    for record in await event.registration.match_all():
        try:
            response = await record.response_ready
        except Exception as error:
            console.warn(f"{record.request.url} did not come: {error}")
            continue
        if response.ok:
            await cache.put(record.request, response)
    await event.update_ui(title=f"Episode 5 failed ({event.registration.failure_reason})")


async def onbackgroundfetchabort(event):
    console.info(f"{event.registration.id} was aborted after {event.registration.downloaded} bytes")


async def onbackgroundfetchclick(event):
    console.info(f"{event.registration.id} was clicked")
