"""Good traces, of lives in the laboratory that have lines of every kind a background fetch can have."""

from __future__ import annotations

import trio

from swruntime.testing import laboratory
from swruntime.testing.lab import Laboratory
from swruntime.trace import Line

PYTHON = """
async def onbackgroundfetchsuccess(event):  # swruntime: allow=no-fail-handler
    print(event.registration.id)

async def onsync(event):
    pass
"""

JAVASCRIPT = """
self.addEventListener("backgroundfetchsuccess", event => {  // swruntime: allow=no-fail-handler
    console.log(event.registration.id);
    event.waitUntil(event.registration.matchAll());
});
self.addEventListener("sync", event => event.waitUntil(Promise.resolve()));
"""


async def life(worker: str, script: str) -> list[Line]:
    """Two lives of an agent: cut, paused, failing, several at once, aborted, killed offline and taken up again."""
    async with laboratory(profile=True) as lab:
        (lab.site / worker).write_text(script)
        lab.origin.add("/cut", b"x" * 3000, drop_after=1000)
        lab.origin.add("/slow", b"z" * 3_000_000, drop_after=1_000_000)
        lab.origin.add("/whole", b"y" * 3000)
        window = await lab.window(worker=f"/{worker}")
        registration = await window.navigator.service_worker.ready
        fetch = registration.background_fetch.fetch
        await fetch("first", ["/cut", "/whole"], download_total=10_000)
        await lab.user_agent.settled()
        await _cut_while_it_is_watched(lab, fetch)
        await fetch("paused", "/whole")
        (paused,) = lab.user_agent.background_fetches
        await paused.pause()
        await trio.sleep(1)
        await paused.resume()
        await lab.user_agent.settled()
        await fetch("missing", "/missing")
        await lab.user_agent.settled()
        await registration.sync.register("outbox")
        await lab.user_agent.settled()
        lab.user_agent.network.go_offline()
        await fetch("aborted", "/whole")
        await trio.sleep(1)
        (aborted,) = lab.user_agent.background_fetches
        await aborted.abort()
        await lab.user_agent.settled()
        await fetch("killed", "/whole")
        await trio.sleep(1)
        await lab.restart()
        lab.user_agent.network.go_offline()
        await trio.sleep(1)
        lab.user_agent.network.go_online()
        await lab.user_agent.settled()
        await trio.sleep(40)
    return lab.trace


async def _cut_while_it_is_watched(lab: Laboratory, fetch: object) -> None:
    """Slow enough that progress is told before the connection breaks, and after it is made again."""
    lab.user_agent.network.conditions = "fast-4g"
    await fetch("slow", "/slow")  # type: ignore[operator]
    await lab.user_agent.settled()
    lab.user_agent.network.conditions = "online"
