"""The same as worker.js."""

from swruntime.worker import (
    BackgroundFetchEvent,
    BackgroundFetchUpdateUIEvent,
    ExtendableEvent,
    caches,
    clients,
    skip_waiting,
)


def oninstall(_: ExtendableEvent) -> None:
    skip_waiting()


def onactivate(event: ExtendableEvent) -> None:
    event.wait_until(clients.claim())


async def tell(what: str) -> None:
    for client in await clients.match_all(include_uncontrolled=True):
        client.post_message(what)


async def onbackgroundfetchsuccess(event: BackgroundFetchUpdateUIEvent) -> None:
    cache = await caches.open("kept")
    for record in await event.registration.match_all():
        await cache.put(record.request, await record.response_ready)
    await tell("success")


async def fail(event: BackgroundFetchEvent) -> None:
    await tell(f"{event.type} {event.registration.failure_reason}")


onbackgroundfetchfail = onbackgroundfetchabort = fail
