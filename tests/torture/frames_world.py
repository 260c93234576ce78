"""Where the fuzzer of frames plays: two origins, what must stay secret, a worker and pages whose processes are stand-ins.

The worker and the page of http://localhost:8400 may say anything. A page of http://other.test:8400 behaves well, and
so does a page in Python beside the attacker: both must go on working.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, cast

import attrs
import trio

from swruntime.errors import DOMException, InvalidStateError, ScriptError
from swruntime.realms.javascript import deno, engine as engines, start
from swruntime.realms.javascript.deno import Process
from swruntime.realms.javascript.engine import Engine
from swruntime.testing import laboratory
from swruntime.testing.lab import Laboratory
from tests.torture.frames_process import Frame, StandIn

OTHER = "http://other.test:8400"
LISTENED = (
    "install activate fetch message push sync periodicsync notificationclick notificationclose "
    "backgroundfetchsuccess backgroundfetchfail backgroundfetchabort backgroundfetchclick pushsubscriptionchange"
)
MOST_PAGES = 10
"""So many pages are opened, one after the other, while the attacker sends each elsewhere."""
SCRIPTED = "set-by-the-script"
"""The value of each header that the attacker gives a request."""
SECRETS = {
    "the body of an opaque response": b"S3CRET-opaque-body",
    "a header that no filter shows": b"S3CRET-header",
    "the body of a response without CORS": b"S3CRET-refused-body",
    "where a redirect leads that is not followed": b"S3CRET-location",
    "a cookie": b"S3CRET-cookie",
    "what another origin keeps": b"S3CRET-of-the-other-origin",
}
FORBIDDEN = (
    "host",
    "cookie",
    "origin",
    "referer",
    "connection",
    "content-length",
    "te",
    "upgrade",
    "date",
    "via",
)


@attrs.define
class World:
    lab: Laboratory
    worker_page: Any
    """A page in Python, controlled by the attacker's worker."""
    registration: Any
    bystander: StandIn
    """The process of the other origin's page."""
    started: list[StandIn]
    engines: list[Engine]
    leaks: list[str] = attrs.field(factory=list)
    react: Callable[[Frame], list[Frame]] = attrs.field(default=lambda frame: behaves(frame))
    """How processes that are started from now on answer what they are told."""

    def engine_of(self, process: StandIn) -> Engine | None:
        return next((each for each in self.engines if cast(object, each.channel.process) is process), None)

    @property
    def worker(self) -> StandIn | None:
        """The process of the attacker's worker, None where it does not run."""
        return self._alive("worker")

    @property
    def page(self) -> StandIn | None:
        return self._alive("window")

    def _alive(self, kind: str) -> StandIn | None:
        found = [
            each
            for each in self.started
            if each.kind == kind and not each.killed.is_set() and each is not self.bystander
        ]
        return found[-1] if found else None

    async def run(self, process: StandIn) -> None:
        """Have the runtime hear all that it has to say, and do what it begins."""
        engine = self.engine_of(process)
        if engine is not None:
            engine.send({"t": "update"})
        await trio.sleep(0.05)

    async def start_worker(self) -> StandIn | None:
        """The worker, running: a message starts it."""
        if self.worker is None:
            self.registration.active.post_message("begin")
            await trio.sleep(1)
        return self.worker

    async def open_page(self) -> StandIn | None:
        """The page of the attacker's, running its script."""
        if self.page is None:
            window = await self.lab.user_agent.open_window("/page")
            self.lab.user_agent.services.nursery.start_soon(_run_page, window)
            await trio.sleep(1)
        return self.page

    async def renew(self) -> None:
        """What the attacker may do to its own origin: send a page elsewhere, unregister the worker.

        What it asked for before may come in the middle of this, and then another page is opened.
        """
        self.react = behaves
        await self._on_a_page(self._renewed)

    async def _on_a_page(self, perform: Callable[[], Awaitable[Any]]) -> Any:
        for _ in range(MOST_PAGES):
            try:
                return await perform()
            except InvalidStateError:
                if self._page_alive():
                    raise  # not because it was sent elsewhere
        raise AssertionError(f"{MOST_PAGES} pages in a row were sent elsewhere")

    async def _renewed(self) -> None:
        agent = self.lab.user_agent
        if not self._page_alive():
            self.worker_page = await agent.open_window("/")
        container = self.worker_page.navigator.service_worker
        self.registration = await container.register("/sw.js")
        await container.ready
        if container.controller is None:
            self.worker_page.close()
            self.worker_page = await agent.open_window("/")
            self.registration = await self.worker_page.navigator.service_worker.ready

    def _page_alive(self) -> bool:
        return bool(self.worker_page._window_realm.context.alive)

    async def others_work(self) -> list[str]:
        """What does not work any more of what is not the attacker's."""
        failed = []
        self.react = behaves
        if await self._on_a_page(self._asks_a_cache):
            failed.append("a page in Python sees a cache that is not there")
        call = self.bystander.call(
            "CacheStorage.match", self.bystander.objects["CacheStorage"][0], f"{OTHER}/mine"
        )
        await self.run(self.bystander)
        settled = self.bystander.settled.pop(call, None)
        if settled is None or "$response" not in settled.get("value", {}):
            failed.append(f"the other origin's page is answered {settled}")
        return failed

    async def _asks_a_cache(self) -> Any:
        await self._renewed()
        return await self.worker_page.caches.has("nobody's")

    def overheard(self, process: StandIn, data: bytes) -> None:
        if process is self.bystander:
            return
        secrets = {**SECRETS, "a path of the machine": str(self.lab.site.parent).encode()}
        self.leaks += [
            f"{what}, to a {process.kind}: {data[:300]!r}" for what, text in secrets.items() if text in data
        ]

    def wrongly_sent(self) -> list[str]:
        """What servers were asked that no script may have them asked."""
        wrong = []
        for url in (self.lab.user_agent.origin, OTHER):
            origin = self.lab.origin_at(url)
            for request in origin.requests:
                if request.method.upper() in ("CONNECT", "TRACE", "TRACK"):
                    wrong.append(f"{request.method} {request.url}")
                for name, value in request.headers.items():
                    if SCRIPTED in value and (name in FORBIDDEN or name.startswith(("sec-", "proxy-"))):
                        wrong.append(f"{request.method} {request.url} with {name}: {value}")
            origin.requests.clear()
        return wrong


async def _run_page(window: Any) -> None:
    with suppress(ScriptError, DOMException):  # how the attacker's script ends is the attacker's affair
        await window.run("/page.js")


def behaves(frame: Frame) -> list[Frame]:
    """What a process says that does what is expected of it."""
    match frame:
        case {"t": "run", "id": id, "watch": [names, *_]}:
            return [
                {
                    "t": "answer",
                    "id": id,
                    "value": {"events": _events(), "pending": False, "kept": dict.fromkeys(names, "0")},
                }
            ]
        case {"t": "run", "id": id}:
            return [{"t": "answer", "id": id, "value": {"events": _events(), "pending": True}}]
        case {"t": "completion", "id": id}:
            return [{"t": "answer", "id": id, "value": None}]
        case {"t": "event", "event": number, "is": "ExtendableEvent" | "InstallEvent"}:
            return [{"t": "life", "event": number, "input": "finished", "left": []}]
        case {"t": "event", "event": number, "is": "FetchEvent"}:
            left = {"t": "post", "op": "FetchEvent.left", "args": [number, False], "at": None}
            return [left, {"t": "life", "event": number, "input": "finished", "left": []}]
    return []


def behaves_but_answers_nobody(frame: Frame) -> list[Frame]:
    """Requests of pages wait."""
    return [] if frame.get("is") == "FetchEvent" else behaves(frame)


def _events() -> list[Any]:
    return [[type, None] for type in LISTENED.split()]


@contextmanager
def stand_ins(world: list[World], started: list[StandIn], made: list[Engine]) -> Iterator[None]:
    """While the block runs, a stand-in is started in place of every process."""

    def start_process() -> Process:
        def overhear(data: bytes) -> None:
            for each in world:
                each.overheard(process, data)

        process = StandIn(str(len(started)), overhear)
        process.react = lambda frame: (world[-1].react if world else behaves)(frame)
        started.append(process)
        return cast(Process, process)

    def init(self: Engine, *arguments: Any, **options: Any) -> None:
        plain_init(self, *arguments, **options)
        made.append(self)

    plain_start, plain_init = deno.start_process, engines.Engine.__init__
    setattr(start, "start_process", start_process)  # noqa: B010 - the name that it is imported by
    engines.Engine.__init__ = init  # type: ignore[method-assign]
    try:
        yield
    finally:
        setattr(start, "start_process", plain_start)  # noqa: B010
        engines.Engine.__init__ = plain_init  # type: ignore[method-assign]


@asynccontextmanager
async def open_world(seed: int) -> AsyncIterator[World]:
    worlds: list[World] = []
    started: list[StandIn] = []
    made: list[Engine] = []
    with stand_ins(worlds, started, made):
        async with laboratory(seed=seed) as lab:
            _serve(lab)
            for name in ("notifications", "push", "background-fetch", "periodic-background-sync"):
                lab.user_agent.permissions.set("granted", name)
            stranger = await lab.user_agent.open_window(f"{OTHER}/")
            lab.user_agent.services.nursery.start_soon(_run_page, stranger)
            await trio.sleep(1)
            bystander = started[0]
            page = await lab.user_agent.open_window("/")
            registration = await page.navigator.service_worker.register("/sw.js")
            await page.navigator.service_worker.ready
            page.close()
            page = await lab.user_agent.open_window("/")  # it is controlled
            registration = await page.navigator.service_worker.ready
            world = World(lab, page, registration, bystander, started, made)
            worlds.append(world)
            await _keep_secret(world)
            yield world
            made.clear()


def _serve(lab: Laboratory) -> None:
    (lab.site / "sw.js").write_text("let kept = 0;\nvar other = [];\n")
    (lab.site / "page.js").write_text("1;\n")
    cookie = {"Set-Cookie": "session=S3CRET-cookie; HttpOnly; Path=/"}
    lab.origin.add("/", b"<p>", content_type="text/html")
    lab.origin.add("/page", b"<p>", content_type="text/html")
    lab.origin.add("/data", b"own data", headers=cookie)
    lab.origin.add("/more", b"x" * 200_000)
    lab.origin.add("/away", redirect=f"{OTHER}/S3CRET-location")
    other = lab.origin_at(OTHER)
    hidden = {**cookie, "X-Hidden": "S3CRET-header"}
    other.add("/", b"<p>", content_type="text/html")
    other.add("/page.js", b"1;\n", content_type="text/javascript")
    other.add("/mine", b"S3CRET-of-the-other-origin")
    other.add("/opaque", b"S3CRET-opaque-body", headers=hidden)
    other.add("/refused", b"S3CRET-refused-body", headers=hidden)
    other.add("/cors", b"for everyone", headers=hidden, cors="*")
    other.add("/away", redirect=f"{OTHER}/S3CRET-location")
    other.add("/S3CRET-location", b"S3CRET-opaque-body", headers=hidden)


async def _keep_secret(world: World) -> None:
    """The other origin's page keeps something; a cookie is set at each origin."""
    bystander = world.bystander
    [storage] = bystander.objects["CacheStorage"]
    bystander.call("CacheStorage.open", storage, "its own")
    await world.run(bystander)
    [cache] = bystander.objects["Cache"]
    bystander.call("Cache.add", cache, f"{OTHER}/mine")
    await world.run(bystander)
    await world.worker_page.fetch("/data", credentials="include")
    await trio.sleep(1)
