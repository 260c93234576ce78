"""Ten times as many entries, windows, registrations or background fetches: how much more time?

    python benchmarks/scaling.py [--only windows] [--few 100] [--disk] [--repeat 3] [--json]

For each thing measured: seconds of the processor with the small number, with ten times as many, and the quotient, in
memory, and with `--disk` in a profile on the disk. Linear is 10; more than 12 is marked, and ends the program with
status 1. `match` and `delete` ask for each entry, one after the other, as a page would; `keys` asks once for all.
Of background fetches each has a record of 100 bytes; they are all under way before the first one ends.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import attrs
import trio

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from swruntime.errors import WaitingForUser  # noqa: E402
from swruntime.testing import Laboratory, laboratory  # noqa: E402

AT_MOST = 12.0
"""Times as long that ten times as many may take."""
AT_LEAST = 0.05
"""Seconds: what takes less in all is not judged."""

WORKER = """\
async def onmessage(event):
    for client in await clients.match_all():
        client.post_message(event.data)

def onbackgroundfetchsuccess(event):
    pass
"""

Steps = dict[str, Callable[[], Awaitable[object]]]


@asynccontextmanager
async def fresh(disk: bool) -> AsyncIterator[Laboratory]:
    async with laboratory(profile=disk) as lab:
        (lab.site / "worker.py").write_text(WORKER)
        yield lab


async def caches(lab: Laboratory, number: int) -> Steps:
    """put, match, keys and delete of so many entries of one cache."""
    window = await lab.window()
    cache = await window.caches.open("entries")

    async def put() -> None:
        for n in range(number):
            await cache.put(f"/entries/{n}", window.Response("x" * 100))

    async def match() -> None:
        for n in range(number):
            assert await cache.match(f"/entries/{n}") is not None

    async def keys() -> None:
        assert len(await cache.keys()) == number

    async def delete() -> None:
        for n in range(number):
            assert await cache.delete(f"/entries/{n}")

    return {"put": put, "match": match, "keys": keys, "delete": delete}


async def windows(lab: Laboratory, number: int) -> Steps:
    """So many windows of one worker: opened, told something by it, handed to a new worker, closed."""
    first = await lab.window()
    opened: list[Any] = []

    async def open_all() -> None:
        for n in range(number):
            opened.append(await lab.user_agent.open_window(f"/page/{n}"))

    async def message() -> None:
        heard: list[object] = []
        for window in opened:
            window.navigator.service_worker.onmessage = lambda event: heard.append(event.data)
        (await first.navigator.service_worker.ready).active.post_message("hello")
        await lab.user_agent.settled()
        assert len(heard) == number

    async def update() -> None:
        (lab.site / "worker.py").write_text(
            WORKER + "def oninstall(event): event.wait_until(skip_waiting())\n"
        )
        await (await first.navigator.service_worker.ready).update()
        await lab.user_agent.settled()

    async def close() -> None:
        for window in opened:
            window.close()
        await lab.user_agent.settled()

    return {"open": open_all, "message to all": message, "update": update, "close": close}


async def registrations(lab: Laboratory, number: int) -> Steps:
    """So many registrations of one origin: registered, matched by as many windows, unregistered."""
    window = await lab.window(worker=None)
    container = window.navigator.service_worker

    async def register() -> None:
        for n in range(number):
            await container.register("/worker.py", scope=f"/{n}/")
        await lab.user_agent.settled()

    async def get() -> None:
        for n in range(number):
            assert (await container.get_registration(f"/{n}/page")).scope.endswith(f"/{n}/")

    async def unregister() -> None:
        for registration in await container.get_registrations():
            await registration.unregister()
        await lab.user_agent.settled()

    return {"register": register, "get_registration": get, "unregister": unregister}


async def fetches(lab: Laboratory, number: int) -> Steps:
    """So many background fetches at once: begun offline, asked for, paused, and then to their end; or aborted."""
    lab.origin.add("/file", body=b"x" * 100)
    at: dict[str, Any] = {}

    async def open_page() -> None:
        at["agent"] = agent = lab.user_agent
        agent.network.go_offline()
        window = await (lab.window() if "manager" not in at else agent.open_window("/"))
        at["manager"] = (await window.navigator.service_worker.ready).background_fetch

    await open_page()

    async def begin() -> None:
        for n in range(number):
            await at["manager"].fetch(f"fetch {n}", "/file")

    async def get() -> None:
        for n in range(number):
            assert await at["manager"].get(f"fetch {n}") is not None

    async def get_ids() -> None:
        assert len(await at["manager"].get_ids()) == number

    async def waits() -> None:
        with suppress(WaitingForUser):
            await at["agent"].settled()

    async def view() -> None:
        shown = [(fetch.progress, fetch.records) for fetch in at["agent"].background_fetches]
        assert len(shown) == number

    async def pause_and_resume() -> None:
        for fetch in at["agent"].background_fetches:
            assert await fetch.pause()
        for fetch in at["agent"].background_fetches:
            assert await fetch.resume()

    async def restart() -> None:
        await lab.restart()
        await open_page()

    async def to_the_end() -> None:
        at["agent"].network.go_online()
        await at["agent"].settled()
        assert at["agent"].background_fetches == []

    async def begin_again() -> None:
        at["agent"].network.go_offline()
        await begin()

    async def abort() -> None:
        for fetch in at["agent"].background_fetches:
            assert await fetch.abort()
        await at["agent"].settled()
        assert at["agent"].background_fetches == []

    steps: Steps = {"fetch": begin, "get": get, "get_ids": get_ids, "settled, waiting": waits, "view": view}
    steps["pause, resume"] = pause_and_resume
    steps["restart"] = restart
    return {**steps, "to their events' end": to_the_end, "fetch again": begin_again, "abort": abort}


async def records(lab: Laboratory, number: int) -> Steps:
    """So many records of one background fetch."""
    window = await lab.window()
    manager = (await window.navigator.service_worker.ready).background_fetch
    urls = [f"/{n}" for n in range(number)]
    for url in urls:
        lab.origin.add(url, body=b"x" * 100)
    agent = lab.user_agent
    agent.network.go_offline()

    async def begin() -> None:
        await manager.fetch("records", urls)

    async def match() -> None:
        registration = await manager.get("records")
        assert len(await registration.match_all()) == number

    async def pause_and_resume() -> None:
        (fetch,) = agent.background_fetches
        assert await fetch.pause()
        assert await fetch.resume()

    async def to_the_end() -> None:
        agent.network.go_online()
        await agent.settled()
        assert agent.background_fetches == []

    return {
        "fetch": begin,
        "match_all": match,
        "pause, resume": pause_and_resume,
        "to its event's end": to_the_end,
    }


@attrs.frozen
class Subject:
    name: str
    steps: Callable[[Laboratory, int], Awaitable[Steps]]
    small: int


SUBJECTS = (
    Subject("cache entries", caches, 1000),
    Subject("windows", windows, 10),
    Subject("registrations", registrations, 10),
    Subject("background fetches", fetches, 100),
    Subject("records", records, 100),
)


@attrs.frozen
class Row:
    what: str
    number: int
    seconds: float
    ten_times: float

    @property
    def quotient(self) -> float:
        return self.ten_times / self.seconds

    @property
    def too_slow(self) -> bool:
        return self.quotient > AT_MOST and self.ten_times > AT_LEAST


async def measured(subject: Subject, number: int, disk: bool) -> dict[str, float]:
    """Seconds of the processor, for each step: others may use this machine, too."""
    async with fresh(disk) as lab:
        seconds: dict[str, float] = {}
        steps = await subject.steps(lab, number)
        if not disk:
            steps.pop("restart", None)  # what is held in memory leaves nothing
        for name, step in steps.items():
            # What the steps before left is not this one's to look through: Python's collector would, again and again.
            gc.collect()
            gc.freeze()
            begun = time.process_time()
            await step()
            seconds[name] = time.process_time() - begun
        return seconds


def best(subject: Subject, number: int, disk: bool, repeat: int) -> dict[str, float]:
    rounds = [trio.run(measured, subject, number, disk) for _ in range(repeat)]
    return {name: min(each[name] for each in rounds) for name in rounds[0]}


def rows(only: str | None, few: int | None, disk: bool, repeat: int) -> list[Row]:
    found: list[Row] = []
    for subject in SUBJECTS:
        if only not in (None, subject.name):
            continue
        number = few or subject.small
        small = best(subject, number, disk, repeat)
        large = best(subject, number * 10, disk, repeat)
        found += [Row(f"{subject.name}: {n}", number, small[n], large[n]) for n in small]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    names = [subject.name for subject in SUBJECTS]
    parser.add_argument("--only", choices=names, help="only this subject")
    parser.add_argument(
        "--few", type=int, metavar="N", help="the small number, in place of the subject's own"
    )
    parser.add_argument("--disk", action="store_true", help="in a profile on the disk, in place of memory")
    parser.add_argument("--repeat", type=int, default=3, help="the best of so many rounds counts (default 3)")
    parser.add_argument("--json", action="store_true", help="one object")
    arguments = parser.parse_args()
    found = rows(arguments.only, arguments.few, arguments.disk, arguments.repeat)
    too_slow = [row for row in found if row.too_slow]
    if arguments.json:
        print(json.dumps({"rows": [attrs.asdict(row) for row in found]}))
    else:
        print(f"{'':40} {'few':>10} {'ten times':>10} {'quotient':>9}")
        for row in found:
            mark = "  more than linear" if row in too_slow else ""
            print(f"{row.what:40} {row.seconds:9.3f}s {row.ten_times:9.3f}s {row.quotient:8.1f}x{mark}")
    return 1 if too_slow else 0


if __name__ == "__main__":
    sys.exit(main())
