"""What is done in a long life: two pages and their workers, one of each language, and the user."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import trio

PYTHON_WORKER = """
async def onbackgroundfetchsuccess(event):
    cache = await caches.open("files")
    for record in await event.registration.match_all():
        response = await record.response_ready
        await cache.put(record.request, response.clone())
        await response.bytes()
    await cache.delete("/file")
    await event.update_ui(title="done")

async def onbackgroundfetchfail(event):
    await event.registration.match_all()

async def onbackgroundfetchabort(event):
    pass

async def onfetch(event):
    if event.request.url.endswith("/from-worker"):
        event.respond_with(Response("hello"))

async def onmessage(event):
    for port in event.ports:
        port.post_message("pong")

async def onsync(event):
    pass

async def onnotificationclick(event):
    event.notification.close()
"""

JAVASCRIPT_WORKER = """
self.addEventListener("backgroundfetchsuccess", event => event.waitUntil((async () => {
    const cache = await caches.open("files");
    for (const record of await event.registration.matchAll()) {
        const response = await record.responseReady;
        await cache.put(record.request, response.clone());
        await response.arrayBuffer();
    }
    await cache.delete("/file");
    await event.updateUI({ title: "done" });
})()));
self.addEventListener("backgroundfetchfail", event => event.waitUntil(event.registration.matchAll()));
self.addEventListener("backgroundfetchabort", () => {});
self.addEventListener("fetch", event => {
    if (event.request.url.endsWith("/from-worker")) event.respondWith(new Response("hello"));
});
self.addEventListener("message", event => {
    for (const port of event.ports) port.postMessage("pong");
});
self.addEventListener("sync", () => {});
self.addEventListener("notificationclick", event => event.notification.close());
"""

JAVASCRIPT_STEPS = {
    "fetch": """
        const fetch = await ready.backgroundFetch.fetch(id, ["/file", "/other"]);
        fetch.addEventListener("progress", () => {});
    """,
    "fail": "await ready.backgroundFetch.fetch(id, ['/file', '/missing']);",
    "abort": "await (await ready.backgroundFetch.fetch(id, ['/file'])).abort();",
    "plain": """
        const response = await fetch("/from-worker");
        await response.clone().text();
        await fetch("/file");
        const half = (await fetch("/file")).body.getReader();
        await half.read();
    """,
    "message": """
        const { port1, port2 } = new MessageChannel();
        await new Promise((resolve) => {
            port1.onmessage = resolve;
            ready.active.postMessage("ping", [port2]);
        });
    """,
    "notify": """
        await ready.showNotification(id);
        for (const each of await ready.getNotifications()) each.close();
    """,
    "sync": "await ready.sync.register(id);",
    "cache": """
        const cache = await caches.open(id);
        await cache.put("/kept", new Response("kept"));
        await (await cache.match("/kept")).text();
        await caches.delete(id);
    """,
    "database": """
        const request = indexedDB.open("database", 1);
        request.onupgradeneeded = () => request.result.createObjectStore("store");
        const database = await new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
        const transaction = database.transaction("store", "readwrite");
        transaction.objectStore("store").put(id, 1);
        await new Promise((resolve) => { transaction.oncomplete = resolve; });
        database.close();
    """,
    "timer": "await new Promise((resolve) => setTimeout(resolve, 1)); clearInterval(setInterval(() => {}, 1000));",
}

FETCHES = ("fetch", "fail", "abort")
"""The steps that make a background fetch."""


def build_site(site: Path) -> Path:
    """Make a site, with a worker of each language."""
    site.mkdir()
    (site / "python").mkdir()
    (site / "python" / "worker.py").write_text(PYTHON_WORKER)
    (site / "javascript").mkdir()
    (site / "javascript" / "sw.js").write_text(JAVASCRIPT_WORKER)
    (site / "file").write_bytes(b"f" * 20_000)
    (site / "other").write_bytes(b"o" * 200)
    (site / "from-worker").write_bytes(b"from the site")
    for name, step in JAVASCRIPT_STEPS.items():
        (site / f"{name}.js").write_text(
            "(async () => { globalThis.n = (globalThis.n ?? 0) + 1; const id = `javascript-${n}`;"
            f" const ready = await navigator.serviceWorker.ready; {step} }})()\n"
        )
    return site


class Life:
    """Does one thing after the other, with the pages and workers of `agent`."""

    def __init__(
        self, agent: Any, rng: random.Random, pages: dict[str, Any], registrations: dict[str, Any]
    ) -> None:
        self.fetches = 0
        self.stops = 0
        self._agent = agent
        self._rng = rng
        self._pages = pages
        self._registrations = registrations
        self._steps: dict[str, Callable[[], Awaitable[None]]] = {
            "fetch": self._fetch,
            "fail": self._fail,
            "abort": self._abort,
            "plain": self._plain,
            "message": self._message,
            "notify": self._notify,
            "sync": self._sync,
            "cache": self._cache,
            "window": self._window,
        }

    @classmethod
    async def begin(cls, agent: Any, rng: random.Random) -> Life:
        pages, registrations = {}, {}
        for language, worker in (("python", "worker.py"), ("javascript", "sw.js")):
            page = pages[language] = await agent.open_window(f"/{language}/")
            await page.navigator.service_worker.register(f"/{language}/{worker}")
            registrations[language] = await page.navigator.service_worker.ready
        return cls(agent, rng, pages, registrations)

    async def step(self) -> None:
        """One thing, until nothing of it is under way; now and then a worker is stopped before it, or in its midst."""
        if self._rng.random() < 0.1:
            await self._agent.terminate_worker(
                self._registrations[self._rng.choice(("python", "javascript"))]
            )
            self.stops += 1
        if self._rng.random() < 0.5:
            step = self._rng.choice(tuple(self._steps))
            await self._steps[step]()
        else:
            step = self._rng.choice(tuple(JAVASCRIPT_STEPS))
            await self._pages["javascript"].run(f"/{step}.js")
        self.fetches += step in FETCHES
        await self._agent.settled()

    async def rest(self) -> None:
        """Until nothing is under way, and what the scripts' engines have let go of is told."""
        await self._agent.settled()
        for registration in self._registrations.values():
            await self._agent.terminate_worker(registration)
        await trio.sleep(1)

    def end(self) -> None:
        for page in self._pages.values():
            page.close()

    # Of the page in Python

    async def _fetch(self) -> None:
        fetch = await self._manager.fetch(self._id, ["/file", "/other"])
        fetch.onprogress = lambda event: None

    async def _fail(self) -> None:
        await self._manager.fetch(self._id, ["/file", "/missing"])

    async def _abort(self) -> None:
        await (await self._manager.fetch(self._id, ["/file"])).abort()

    async def _plain(self) -> None:
        page = self._pages["python"]
        response = await page.fetch("/python/from-worker")
        await response.clone().text()
        await page.fetch("/file")

    async def _message(self) -> None:
        channel = self._pages["python"].MessageChannel()
        answered = trio.Event()
        channel.port1.onmessage = lambda event: answered.set()
        self._registrations["python"].active.post_message("ping", [channel.port2])
        await answered.wait()

    async def _notify(self) -> None:
        registration = self._registrations["python"]
        await registration.show_notification("title")
        await self._agent.notifications[0].click()
        for each in await registration.get_notifications():
            each.close()

    async def _sync(self) -> None:
        await self._registrations["python"].sync.register(self._id)

    async def _cache(self) -> None:
        page = self._pages["python"]
        cache = await page.caches.open(self._id)
        await cache.put("/kept", page.Response("kept"))
        await (await cache.match("/kept")).text()
        await page.caches.delete(self._id)

    async def _window(self) -> None:
        page = await self._agent.open_window("/python/another")
        await (await page.fetch("/python/from-worker")).text()
        await page.navigator.service_worker.ready
        page.close()

    @property
    def _manager(self) -> Any:
        return self._registrations["python"].background_fetch

    @property
    def _id(self) -> str:
        return f"python-{self.fetches}"
