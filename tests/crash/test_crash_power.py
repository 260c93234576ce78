"""The power fails, before any change of the disk: see crash_power.py for what is left then.

After `resume` in another boot: the right bytes, the result, the event; no more than a checkpoint is asked for again;
what was told before holds; nothing is sent twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
import trio.testing

import swruntime
from swruntime.agent import checkpoints
from swruntime.storage import open_profile, profile, verify
from swruntime.storage.store import SqlStore
from swruntime.testing import Origin, Pattern
from swruntime.trace import Line
from tests.crash.crash_disk import arm, only_in
from tests.crash.crash_power import Fate, Image, Recorder

CHECKPOINT = 60_000
PIECE = 10_000
HOME = "http://localhost:8400"
FILES = {"/big": Pattern(200_000, seed=1), "/cut": Pattern(90_000, seed=2), "/small": Pattern(100, seed=3)}
FORM, ANSWER = b"name=value&" * 3000, b"thank you"

WORKER = """
import hashlib

async def oninstall(event):
    await (await caches.open("shell")).put("/about", Response("a shell"))

async def keep(event):
    cache = await caches.open("kept")
    for record in await event.registration.match_all():
        if record.request.method == "POST":
            print("sent", len(await record.request.bytes()))
        try:
            response = await record.response_ready
        except TypeError:
            continue
        await cache.put(record.request.url, response)
    print("kept", event.registration.id)

onbackgroundfetchsuccess = onbackgroundfetchfail = keep
"""


@attrs.frozen
class Noted:
    """When the power failed: lines that were told, checkpoints by body, uploads that the server had seen."""

    lines: int
    checkpoints: dict[int, int]
    posts: int


class World:
    """One server, one site; the lines of the agent whose disk is recorded."""

    def __init__(self, folder: Path, *, upload: bool) -> None:
        self.folder = folder
        self.upload = upload
        self.site = folder / "site"
        self.site.mkdir(parents=True)
        (self.site / "worker.py").write_text(WORKER)
        self.lines: list[Line] = []
        self.checkpoints: dict[int, int] = {}
        self.origin = self.server(drop=True)

    def server(self, *, drop: bool) -> Origin:
        origin = Origin()
        for path, content in FILES.items():
            cut = (50_000,) if drop and path == "/cut" else ()
            origin.add(path, content, drop_after=cut, chunk=PIECE)
        origin.add("/form", ANSWER, delay=0.05)
        return origin

    def posts(self, origin: Origin) -> int:
        return sum(request.method == "POST" for request in origin.requests)

    def recorded(self, strategy: Fate | int, every: int = 1) -> list[Image]:
        """Run all of it, and answer with what power failures would have left: one fate for all, or by the seed of a lot."""
        recorder = Recorder(
            self.folder / "profile",
            self.folder / "images",
            lambda: Noted(len(self.lines), dict(self.checkpoints), self.posts(self.origin)),
            strategy=None if isinstance(strategy, int) else strategy,
            seed=strategy if isinstance(strategy, int) else 0,
            every=every,
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(checkpoints, "CHECKPOINT_BYTES", CHECKPOINT)
            patch.setattr(SqlStore, "sync", self._noting(SqlStore.sync))
            arm(only_in(self.folder / "profile", recorder), patch.setattr)
            trio.run(self._run, clock=trio.testing.MockClock(autojump_threshold=0))
        return recorder.made

    def _noting(self, sync: Any) -> Any:
        async def noting(store: SqlStore, bodies: Iterable[int], *, flush: bool = True) -> None:
            bodies = list(bodies)
            lengths = {body: store.length(body) for body in bodies if body in store._bodies._bodies}
            await sync(store, bodies, flush=flush)
            if flush:
                self.checkpoints.update(lengths)

        return noting

    async def _run(self) -> None:
        options: dict[str, Any] = {
            "site": self.site,
            "profile": self.folder / "profile",
            "network": self.origin,
        }
        async with swruntime.open_user_agent(**options, on_trace=self.lines.append) as agent:
            window = await agent.open_window("/")
            await window.navigator.service_worker.register("/worker.py")
            manager = (await window.navigator.service_worker.ready).background_fetch
            requests: list[Any] = list(FILES)
            if self.upload:
                requests.append(window.Request("/form", method="POST", body=FORM))
            await manager.fetch("all of it", requests)
            await agent.settled()

    def resume(self, image: Image) -> Resumed:
        """In another boot, by a new agent."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(profile, "current_boot_id", lambda: "the next boot")
            origin = self.server(drop=False)
            lines: list[Line] = []
            bodies = self._bodies(image)
            trio.run(self._take_up, image, origin, lines, clock=trio.testing.MockClock(autojump_threshold=0))
            assert verify(image.profile) == []
        return Resumed(image, [*self.lines[: image.at.lines], *lines], lines, self.posts(origin), bodies)

    def _bodies(self, image: Image) -> dict[int, int]:
        """The body of each record by its index, as the image has it."""
        store = open_profile(image.profile, read_only=True)
        try:
            return {
                index: record.body
                for fetch in store.fetches()
                for index, record in enumerate(fetch.records)
                if record.body is not None
            }
        finally:
            store.close()

    async def _take_up(self, image: Image, origin: Origin, lines: list[Line]) -> None:
        options: dict[str, Any] = {"site": self.site, "profile": image.profile, "network": origin}
        async with swruntime.open_user_agent(**options, on_trace=lines.append) as agent:
            await agent.settled()


@attrs.frozen
class Resumed:
    image: Image
    lines: Sequence[Line]
    """What was told before the power failed, and what after it."""
    after: Sequence[Line]
    posts: int
    bodies: dict[int, int]

    def of(self, lines: Sequence[Line], kind: str, **keys: object) -> list[Line]:
        return [line for line in lines if line["kind"] == kind and keys.items() <= line.items()]

    def check(self) -> bool:
        """Whether anything had begun."""
        at: Noted = self.image.at
        before = self.lines[: at.lines]
        begun = bool(self.of(before, "fetch.start"))
        if not begun and not any(line.get("id") for line in self.of(self.after, "event.end")):
            return False
        assert self.of(self.lines, "console", text="kept all of it"), "the event came"
        settled = [line["result"] for line in self.of(before, "fetch.settle")]
        assert self.posts + at.posts <= 1, "never sent twice"
        if settled:
            assert not self.of(self.after, "record.start"), "what was told to be a success is on the disk"
        else:
            self._check_asked_for()
        self._check_results(settled)
        self._check_cached()
        if begun:
            self._check_shell()
        return True

    def _check_results(self, told: list[str]) -> None:
        for settle in self.of(self.after, "fetch.settle"):
            failed = self.of(self.after, "record.settle", result="fetch-error")
            assert all(record["url"] == f"{HOME}/form" for record in failed)
            assert bool(failed) == (settle["result"] == "failure")
            assert settle["result"] == (told or [settle["result"]])[0]

    def _check_asked_for(self) -> None:
        """No more of a body is asked for than came after its last checkpoint."""
        at: Noted = self.image.at
        for start in self.of(self.after, "record.start"):
            checkpoint = at.checkpoints.get(self.bodies.get(start["index"], 0), 0)
            assert start["range_start"] >= checkpoint

    def _check_shell(self) -> None:
        """What was put before a durable commit is there after it, with its bytes: see recovery.py, 3 and 6."""
        store = open_profile(self.image.profile, read_only=True)
        (entry,) = store.cache_entries(store.open_cache(HOME, "shell"))
        assert store.read(entry.body or 0, 0, 1_000) == b"a shell"
        store.close()

    def _check_cached(self) -> None:
        store = open_profile(self.image.profile, read_only=True)
        entries = store.cache_entries(store.open_cache(HOME, "kept"))
        found = {
            entry.request.url.removeprefix(HOME): store.read(entry.body or 0, 0, 1_000_000)
            for entry in entries
        }
        store.close()
        form = found.pop("/form", ANSWER)
        assert form == ANSWER
        assert found.keys() == FILES.keys()
        for path, content in FILES.items():
            assert hashlib.sha256(found[path]).digest() == hashlib.sha256(bytes(content)).digest(), path


@pytest.mark.parametrize("upload", [False, True], ids=["files", "and an upload"])
@pytest.mark.parametrize("strategy", ["least", "noise", 0])
def test_a_power_failure_loses_nothing(tmp_path: Path, strategy: Fate | int, upload: bool) -> None:
    world = World(tmp_path / "world", upload=upload)
    images = world.recorded(strategy, every=40)
    assert sum(world.resume(image).check() for image in images) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("upload", [False, True], ids=["files", "and an upload"])
@pytest.mark.parametrize(
    ("strategy", "every"), [("least", 1), ("noise", 3), ("all", 7), *((n, 5) for n in range(4))]
)
def test_a_power_failure_before_any_change_of_the_disk_loses_nothing(
    tmp_path: Path, strategy: Fate | int, every: int, upload: bool
) -> None:
    """All there are where nothing survives that was not synced; a part of them for the other fates."""
    world = World(tmp_path / "world", upload=upload)
    images = world.recorded(strategy, every)
    assert sum(world.resume(image).check() for image in images) > 50 // every, (
        "the recorder sees what there is"
    )
