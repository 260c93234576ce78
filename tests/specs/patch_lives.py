"""Lives of a user agent that touch what the patches break; side three reads their traces."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import trio

from swruntime.testing.lab import Laboratory
from swruntime.trace import Line

PATIENCE = 10_000.0
"""Seconds on the virtual clock: more than anything in here takes."""

LONG = 60.0
"""Seconds that a handler of WORKER takes."""

WORKER = f"""
import trio
VERSION = 1

async def oninstall(event):
    await skip_waiting()

async def onbackgroundfetchsuccess(event):
    await trio.sleep({LONG})

onbackgroundfetchabort = onbackgroundfetchfail = onbackgroundfetchsuccess
"""

Life = Callable[[Laboratory], Awaitable[None]]


async def _registration(lab: Laboratory) -> Any:
    (lab.site / "worker.py").write_text(WORKER)
    lab.origin.add("/cut", b"x" * 3000, drop_after=1000)
    lab.origin.add("/whole", b"y" * 3000)
    window = await lab.window()
    return await window.navigator.service_worker.ready


def _is_of_its_end(line: Line) -> bool:
    return bool(line["kind"] == "event.start" and line["name"].startswith("backgroundfetch"))


async def it_is_cut_and_succeeds(lab: Laboratory) -> None:
    registration = await _registration(lab)
    await registration.background_fetch.fetch("cut", ["/cut", "/whole"], download_total=10_000)
    await lab.user_agent.settled()


async def it_fails(lab: Laboratory) -> None:
    """The first record is settled long before the last one, which succeeds."""
    registration = await _registration(lab)
    await registration.background_fetch.fetch("missing", ["/missing", "/cut"])
    await lab.user_agent.settled()


async def it_is_paused_and_aborted(lab: Laboratory) -> None:
    registration = await _registration(lab)
    lab.user_agent.network.go_offline()
    await registration.background_fetch.fetch("aborted", "/whole")
    (fetch,) = lab.user_agent.background_fetches
    await trio.sleep(1)
    await fetch.pause()
    await trio.sleep(1)
    await fetch.resume()
    await trio.sleep(1)
    await fetch.abort()
    lab.user_agent.network.go_online()
    await lab.user_agent.settled()


async def its_worker_dies_in_the_event(lab: Laboratory) -> None:
    registration = await _registration(lab)
    await registration.background_fetch.fetch("interrupted", "/whole")
    await lab.user_agent.until(_is_of_its_end)
    await lab.user_agent.terminate_worker(registration)
    await trio.sleep(1)
    await lab.restart()
    await lab.user_agent.settled()


async def its_worker_is_updated_in_the_event(lab: Laboratory) -> None:
    registration = await _registration(lab)
    await registration.background_fetch.fetch("updated", "/whole")
    await lab.user_agent.until(_is_of_its_end)
    (lab.site / "worker.py").write_text(WORKER.replace("VERSION = 1", "VERSION = 2"))
    await registration.update()
    await lab.user_agent.settled()


LIVES: tuple[Life, ...] = (
    it_is_cut_and_succeeds,
    it_fails,
    it_is_paused_and_aborted,
    its_worker_dies_in_the_event,
    its_worker_is_updated_in_the_event,
)
