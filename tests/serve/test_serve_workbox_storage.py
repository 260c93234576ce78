"""What Workbox keeps in IndexedDB: how old its cached responses are, and what could not be sent.

As users write it: expiration, and a queue that Background Sync empties. The bundle is made by `workbox_bundle.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

import swruntime
from swruntime.testing.origin import Origin
from swruntime.trace import Line, script_diagnostic
from tests.serve.workbox_bundle import bundled

pytestmark = pytest.mark.slow

HOME = "http://localhost:8400"
DAY = 24 * 60 * 60.0
PACKAGES = ("core", "routing", "strategies", "expiration", "background-sync", "cacheable-response")

SOURCE = """\
import { BackgroundSyncPlugin } from "workbox-background-sync";
import { CacheableResponsePlugin } from "workbox-cacheable-response";
import { clientsClaim } from "workbox-core";
import { ExpirationPlugin } from "workbox-expiration";
import { registerRoute } from "workbox-routing";
import { CacheFirst, NetworkOnly } from "workbox-strategies";

self.skipWaiting();
clientsClaim();
registerRoute(({ url }) => url.pathname.startsWith("/pictures/"), new CacheFirst({
    cacheName: "pictures",
    plugins: [
        new CacheableResponsePlugin({ statuses: [200] }),
        new ExpirationPlugin({ maxEntries: 3, maxAgeSeconds: 24 * 60 * 60 }),
    ],
}));
registerRoute("/comments", new NetworkOnly({
    plugins: [new BackgroundSyncPlugin("comments", { maxRetentionTime: 24 * 60 })],
}), "POST");
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    packages = tuple(f"workbox-{name}" for name in PACKAGES)
    return bundled(tmp_path_factory.mktemp("workbox"), SOURCE, packages)


class Site:
    """A site with the bundle before an origin that counts, on a profile on the disk."""

    def __init__(self, folder: Path, profile: Path) -> None:
        self.folder = folder
        self.profile = profile
        self.origin = Origin()
        self.lines: list[Line] = []

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[tuple[Any, Any]]:
        """A user agent and a page that is the worker's. Twice: the process ended and began again."""
        async with swruntime.open_user_agent(
            site=self.folder, profile=self.profile, network=self.origin, on_trace=self.lines.append
        ) as agent:
            window = await agent.open_window("/")
            await window.navigator.service_worker.register("/sw.js")
            await window.navigator.service_worker.ready
            await agent.settled()
            yield agent, window
        assert [line for line in self.lines if script_diagnostic(line)] == []
        assert [line for line in self.lines if line["kind"] == "console"] == []

    def asked(self, path: str) -> int:
        return sum(request.path == path for request in self.origin.requests)

    @property
    def comments(self) -> list[bytes]:
        """What the origin was sent, in order."""
        return [request.body for request in self.origin.requests if request.path == "/comments"]

    def syncs(self) -> list[str]:
        return [
            line["outcome"] for line in self.lines if line["kind"] == "event.end" and line["name"] == "sync"
        ]


@pytest.fixture
def site(tmp_path: Path, bundle: Path) -> Site:
    found = Site(bundle, tmp_path / "profile")
    for number in range(5):
        found.origin.add(f"/pictures/{number}", b"picture")
    found.origin.add("/comments", b"taken")
    return found


async def look(agent: Any, window: Any, path: str) -> None:
    """Have a page use it, and the worker do what it does afterwards."""
    response = await window.fetch(path)
    assert await response.bytes() == b"picture"
    await agent.settled()


async def kept(window: Any) -> list[str]:
    cache = await window.caches.open("pictures")
    return [request.url.removeprefix(f"{HOME}/pictures/") for request in await cache.keys()]


async def test_the_least_recently_used_go(site: Site, autojump_clock: object) -> None:
    async with site.opened() as (agent, window):
        for number in (0, 1, 2, 0, 3):
            await look(agent, window, f"/pictures/{number}")
            await trio.sleep(1)
        assert await kept(window) == ["0", "2", "3"]
    async with site.opened() as (agent, window):
        await look(agent, window, "/pictures/4")
        assert await kept(window) == ["0", "3", "4"]
        assert site.asked("/pictures/0") == 1


async def test_what_is_too_old_goes(site: Site, autojump_clock: object) -> None:
    async with site.opened() as (agent, window):
        await look(agent, window, "/pictures/0")
        await trio.sleep(DAY - 10)
        await look(agent, window, "/pictures/1")
        assert await kept(window) == ["0", "1"]
        await trio.sleep(20)
        await look(agent, window, "/pictures/1")
        await trio.sleep(1)  # Workbox looks for what is too old after the event, which does not wait for that
        assert await kept(window) == ["1"]
        # It was looked at, and is as good as new for Workbox, which sees no Date.
        await trio.sleep(DAY - 10)
        await look(agent, window, "/pictures/1")
        assert site.asked("/pictures/1") == 1


async def comment(agent: Any, window: Any, text: str) -> None:
    """Have a page send it; it fails, and the worker keeps it."""
    with pytest.raises(TypeError):
        await window.fetch("/comments", method="POST", body=text, headers={"Content-Type": "text/plain"})


async def test_what_could_not_be_sent_is_sent_later(site: Site, autojump_clock: object) -> None:
    async with site.opened() as (agent, window):
        agent.network.go_offline()
        for text in ("first", "second"):
            await comment(agent, window, text)
        await trio.sleep(60)
        agent.network.go_online()
        await agent.settled()
        assert site.comments == [b"first", b"second"]
        assert site.syncs() == ["fulfilled"]
        assert site.origin.requests[-1].headers["content-type"] == "text/plain"


async def test_also_when_the_worker_was_stopped_meanwhile(site: Site, autojump_clock: object) -> None:
    async with site.opened() as (agent, window):
        agent.network.go_offline()
        await comment(agent, window, "first")
        [registration] = agent.registrations.all()
        await trio.sleep(1)
        await agent.terminate_worker(registration)
        await comment(agent, window, "second")
        await trio.sleep(1)
        await agent.terminate_worker(registration)
        agent.network.go_online()
        await agent.settled()
        assert site.comments == [b"first", b"second"]


async def test_also_in_the_next_process(site: Site, autojump_clock: object) -> None:
    async with site.opened() as (agent, window):
        agent.network.go_offline()
        await comment(agent, window, "first")
        await trio.sleep(1)
    assert site.comments == []
    async with site.opened() as (agent, window):
        await agent.settled()
        assert site.comments == [b"first"]
        assert site.syncs() == ["fulfilled"]


async def test_a_server_that_is_away_while_it_is_sent_gets_it_at_the_next_attempt(
    site: Site, autojump_clock: object
) -> None:
    site.origin.add("/comments", responses=[{"hang_up": True}] * 2 + [{}])
    async with site.opened() as (agent, window):
        await comment(agent, window, "first")
        await agent.settled()
        assert site.syncs() == ["rejected", "fulfilled"]
        assert site.comments == [b"first"] * 3
