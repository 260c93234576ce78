"""`serve` without a worker: why it could not be installed is told, and it is tried again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

import swruntime
from swruntime.agent.services import Limits
from swruntime.serve.reload import update_on_edit
from swruntime.serve.site_worker import SiteWorker

GOOD = "def onfetch(event): event.respond_with(Response('{}'))\n"

BROKEN: dict[str, tuple[dict[str, str], str]] = {
    "syntax": ({"worker.py": "\ndef (\n"}, "worker.py:2: "),
    "raises": ({"worker.py": "1 / 0\n"}, "worker.py:1: ZeroDivisionError"),
    "import": ({"worker.py": "import helper\n"}, "worker.py:1: ModuleNotFoundError"),
    "broken import": (
        {"worker.py": "import helper\n", "helper.py": "\n1 / 0\n"},
        "helper.py:2: ZeroDivisionError",
    ),
    "rejects": (
        {"worker.py": "async def oninstall(event):\n    raise ValueError('no')\n"},
        "worker.py:2: install ended rejected: ValueError: no",
    ),
    "times out": (
        {"worker.py": "import trio\nasync def oninstall(event):\n    await trio.sleep_forever()\n"},
        "install ended timed-out",
    ),
}
MENDED = {"worker.py": GOOD.format("mended"), "helper.py": ""}


def write(site: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (site / name).write_text(text)


class Served:
    """What `serve` does around a worker, but for its sockets."""

    def __init__(self, agent: Any, worker: SiteWorker, told: list[str]) -> None:
        self.agent = agent
        self.worker = worker
        self.told = told

    @property
    def active(self) -> bool:
        registration = self.agent.registrations.get(*self.worker.key)
        return registration is not None and registration.active is not None

    async def until(self, holds: Callable[[], bool]) -> None:
        for _ in range(1000):
            if holds():
                return
            await trio.sleep(1)
        raise AssertionError(f"it never came to hold; told: {self.told}")


@asynccontextmanager
async def served(
    site: Path, *, reload: bool = False, script: str = "/worker.py", **options: Any
) -> AsyncIterator[Served]:
    told: list[str] = []
    async with swruntime.open_user_agent(site=site, **options) as agent, trio.open_nursery() as nursery:
        worker = SiteWorker(agent, script, None, told.append)
        nursery.start_soon(worker.run)
        await worker.wait_until_tried()
        if reload:
            nursery.start_soon(partial(update_on_edit, agent, site, worker=worker))
        yield Served(agent, worker, told)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("name", BROKEN)
async def test_the_next_page_tries_again(tmp_path: Path, autojump_clock: object, name: str) -> None:
    files, why = BROKEN[name]
    write(tmp_path, files)
    async with served(tmp_path) as it:
        await it.until(lambda: any(why in text for text in it.told))
        assert not it.active
        assert it.told[-1].endswith(
            "; the site is served without its worker, which is tried again at the next page"
        )
        before = len(it.told)
        it.worker.try_again()
        await trio.sleep(400)
        assert len(it.told) == before, "the same is told once"
        write(tmp_path, MENDED)
        it.worker.try_again()
        await it.until(lambda: it.active)
        assert len(it.told) == before


@pytest.mark.parametrize("name", BROKEN)
async def test_an_edit_tries_again(tmp_path: Path, autojump_clock: object, name: str) -> None:
    files, why = BROKEN[name]
    write(tmp_path, files)
    async with served(tmp_path, reload=True) as it:
        await it.until(lambda: any(why in text for text in it.told))
        await trio.sleep(100)
        assert not it.active
        write(tmp_path, {"worker.py": "raise ValueError('otherwise')\n"})
        await it.until(lambda: "worker.py:1: ValueError: otherwise" in it.told[-1])
        write(tmp_path, MENDED)
        await it.until(lambda: it.active)


async def test_what_it_lacked_is_there(tmp_path: Path, autojump_clock: object) -> None:
    write(tmp_path, {"worker.py": f"import helper\n{GOOD}"})
    async with served(tmp_path, reload=True) as it:
        (told,) = it.told
        assert "helper" in told
        write(tmp_path, {"helper.py": ""})
        await it.until(lambda: it.active)


async def test_an_install_that_never_ends_keeps_nobody(tmp_path: Path, autojump_clock: object) -> None:
    write(tmp_path, BROKEN["times out"][0])
    async with served(tmp_path) as it:
        assert it.told == ["the worker is still being installed; until then the site is served without it"]
        assert trio.current_time() < 60
        it.worker.try_again()  # nothing: it is at it
        await it.until(lambda: len(it.told) == 2)
        assert "install ended timed-out" in it.told[1]


@pytest.mark.parametrize("name", BROKEN)
async def test_an_edit_that_breaks_it_leaves_the_old_one(
    tmp_path: Path, autojump_clock: object, name: str
) -> None:
    files, _ = BROKEN[name]
    write(tmp_path, {"worker.py": GOOD.format("old")})
    lines: list[Any] = []
    async with served(tmp_path, reload=True, on_trace=lines.append) as it:
        assert (it.active, it.told) == (True, [])
        await trio.sleep(10)
        old = it.agent.registrations.get(*it.worker.key).active
        write(tmp_path, files)
        await trio.sleep(10)
        assert it.agent.registrations.get(*it.worker.key).active is old
        write(tmp_path, MENDED)
        await it.until(lambda: it.agent.registrations.get(*it.worker.key).active is not old)
        await trio.sleep(10)
        assert it.agent.registrations.get(*it.worker.key).active.state == "activated"


async def test_an_installed_worker_that_fails_in_a_later_process(
    tmp_path: Path, autojump_clock: object
) -> None:
    site, profile = tmp_path / "site", tmp_path / "profile"
    site.mkdir()
    write(site, {"worker.py": GOOD.format("old")})
    async with served(site, profile=profile) as it:
        assert it.active
    write(site, BROKEN["syntax"][0])
    async with served(site, profile=profile) as it:
        (told,) = it.told
        assert told.startswith("worker.py:2: ")
        write(site, MENDED)
        it.worker.try_again()
        await trio.sleep(10)
        assert it.told == [told]
        assert it.agent.registrations.get(*it.worker.key).active.running


async def test_a_scope_that_it_cannot_have(tmp_path: Path, autojump_clock: object) -> None:
    async with swruntime.open_user_agent(site=tmp_path) as agent:
        with pytest.raises(TypeError, match="does not parse as a URL"):
            SiteWorker(agent, "/worker.py", "http://[", lambda text: None)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("let a = 1;\nlet b = ;", "sw.js:2: SyntaxError: "),
        ("\nthrow new Error('no');", "sw.js:2: Error: no"),
        (
            "oninstall = (e) => e.waitUntil(Promise.reject(new Error('no')));",
            "sw.js:1: install ended rejected: Error: no",
        ),
        ("oninstall = (e) => e.waitUntil(new Promise(() => {}));", "install ended timed-out"),
        ("importScripts('helper.js');", "sw.js:1: "),
    ],
)
async def test_javascript(tmp_path: Path, autojump_clock: object, text: str, why: str) -> None:
    pytest.importorskip("deno")
    write(tmp_path, {"sw.js": text})
    limits = Limits(event=50.0)
    async with served(tmp_path, reload=True, script="/sw.js", limits=limits) as it:
        await it.until(lambda: any(why in told for told in it.told))
        assert not it.active
        write(tmp_path, {"sw.js": "onfetch = () => {};"})
        await it.until(lambda: it.active)
