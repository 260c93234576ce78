"""A thousand background fetches under way cost a thousand times one: calls are counted, and no time is measured."""

from __future__ import annotations

import gc
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

import pytest
import trio.testing

from swruntime.agent.candidates import Candidates
from swruntime.agent.worker_texts import ScriptMap
from swruntime.errors import WaitingForUser
from swruntime.ports.display import FetchView

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

FEW, MANY = 40, 320
SLOW = """
import trio

async def onactivate(event):
    await trio.sleep(100)

async def onbackgroundfetchsuccess(event):
    pass
"""


@contextmanager
def counted() -> Iterator[list[int]]:
    """The calls that Python makes while the block runs, C's included: the one number in the list."""
    calls = [0]

    def count(frame: FrameType, event: str, argument: object) -> None:
        calls[0] += event in ("call", "c_call")

    # What the collector finalizes meanwhile is somebody else's.
    gc.collect()
    gc.disable()
    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(None)
        gc.enable()


async def begun_offline(lab: Lab, number: int) -> None:
    lab.origin.add("/file", body=b"x")
    lab.agent.network.go_offline()
    for n in range(number):
        await lab.manager.fetch(f"fetch {n}", "/file")


async def to_its_end(lab: Lab, id: str) -> None:
    """One background fetch, begun and waited for as `settled()` waits, until it is released."""
    agent = lab.agent

    async def watch() -> None:
        while agent.can_go_on:
            await agent.services.activity.wait_for_change()

    async with trio.open_nursery() as nursery:
        await lab.manager.fetch(id, "/file")
        nursery.start_soon(watch)
        await agent.until(lambda line: line["kind"] == "fetch.release" and line["id"] == id)
        nursery.cancel_scope.cancel()


async def paused(lab: Lab, number: int) -> Callable[[], Awaitable[object]]:
    await begun_offline(lab, number)
    for fetch in lab.agent.background_fetches:
        await fetch.pause()
    lab.agent.network.go_online()
    return lambda: to_its_end(lab, "measured")


async def pause_and_resume(lab: Lab, number: int) -> Callable[[], Awaitable[object]]:
    await begun_offline(lab, number)
    fetch = lab.agent.background_fetches[-1]

    async def one() -> None:
        assert await fetch.pause()
        assert not lab.agent.can_go_on
        assert await fetch.resume()

    return one


async def abort(lab: Lab, number: int) -> Callable[[], Awaitable[object]]:
    await begun_offline(lab, number)
    return lab.agent.background_fetches[-1].abort  # type: ignore[no-any-return]


async def start_of_the_worker(lab: Lab, number: int) -> Callable[[], Awaitable[object]]:
    """What is owed is dispatched then, and most owe nothing yet."""
    await begun_offline(lab, number)
    await lab.agent.terminate_worker(lab.registration)
    return lambda: lab.agent.sync(lab.registration, "tag")


async def server_returns(lab: Lab, number: int) -> Callable[[], Awaitable[object]]:
    """So many wait out a backoff, each for the sake of its own server, and one of these is back."""
    lab.agent.network.go_online()
    for n in range(number):
        await lab.manager.fetch(f"fetch {n}", f"http://{n}.example/file")
    last = lab.internet.origin_at(f"http://{number}.example")
    last.add("/file", b"x", cors="*")
    last.refuse = True
    await lab.manager.fetch("measured", f"http://{number}.example/file")
    await trio.sleep(0.1)
    last.refuse = False

    async def back() -> None:
        assert lab.agent.awaited(f"http://{number}.example")
        assert not lab.agent.awaited("http://nobody.example")
        lab.agent.server_returned(f"http://{number}.example")

    return back


@pytest.mark.parametrize("prepare", [paused, pause_and_resume, abort, start_of_the_worker, server_returns])
async def test_what_happens_to_one_looks_at_no_other(
    prepare: Callable[[Lab, int], Awaitable[Callable[[], Awaitable[object]]]],
    lab: Lab,
    autojump_clock: object,
) -> None:
    lab.worker("def onbackgroundfetchsuccess(event): pass")
    calls = {}
    for number in (FEW, MANY):
        async with lab.open():
            one = await prepare(lab, number)
            await trio.testing.wait_all_tasks_blocked()
            assert lab.agent.can_go_on is (prepare is server_returns)  # what was begun is looked at once
            with counted() as found:
                await one()
                await trio.testing.wait_all_tasks_blocked()
            calls[number] = found[0]
    assert calls[MANY] < 1.1 * calls[FEW] + 20


async def test_events_that_wait_for_an_activation_are_not_woken_before(
    lab: Lab, autojump_clock: object
) -> None:
    lab.worker(SLOW)
    calls = {}
    for number in (FEW, MANY):
        async with lab.open(ready=False) as agent:
            lab.window = await agent.open_window("/")
            lab.registration = await lab.window.navigator.service_worker.register("/worker.py")
            await trio.sleep(1)
            assert lab.registration.active.state == "activating"
            await begun_offline(lab, number)
            with counted() as found:
                agent.network.go_online()
                await agent.settled()
            calls[number] = found[0] // number
            assert len(lab.of("fetch.release")) == number
            lab.lines.clear()
    assert calls[MANY] < 1.1 * calls[FEW]


async def test_an_unregistered_one_that_fires_goes_on_when_it_is_cleared(
    lab: Lab, autojump_clock: object
) -> None:
    """Those that wait for the activation are told as well when none comes any more."""
    lab.worker(SLOW)
    async with lab.open(ready=False) as agent:
        lab.window = await agent.open_window("/")
        lab.registration = await lab.window.navigator.service_worker.register("/worker.py")
        await trio.sleep(1)
        sync = agent.sync(lab.registration, "tag")
        await trio.sleep(1)
        await lab.registration.unregister()
        lab.window.close()
        with trio.fail_after(1000):
            assert await sync in ("fulfilled", "interrupted")


async def test_a_pause_shows_a_thousand_records_once(lab: Lab, autojump_clock: object) -> None:
    shown: list[FetchView] = []

    class Display:
        live = True

        def show(self, view: FetchView) -> None:
            shown.append(view)

        def remove(self, fetch: int) -> None:
            pass

    display: Any = Display()
    async with lab.open() as agent:
        agent.services.display = display
        agent.network.go_offline()
        fetch = await lab.manager.fetch("many", [f"/{n}" for n in range(FEW)])
        shown.clear()
        (fetch,) = agent.background_fetches
        await fetch.pause()
        assert len(shown) == 2
        assert (shown[-1].paused, shown[-1].waiting) == (True, ())
        await fetch.resume()
        assert shown[-1].waiting == tuple(f"http://localhost:8400/{n}: offline" for n in range(FEW))
        display.live = False
        shown.clear()
        await fetch.pause()
        assert shown == []


async def test_settled_says_what_waits_once_nothing_goes_on(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        await begun_offline(lab, 3)
        second = agent.background_fetches[1]
        await second.pause()
        with pytest.raises(WaitingForUser) as caught:
            await agent.settled()
        assert [line.rpartition(": ")[2] for line in caught.value.waiting] == ["offline", "paused", "offline"]
        agent.network.go_online()
        with pytest.raises(WaitingForUser) as caught:
            await agent.settled()
        assert [line.rpartition(": ")[2] for line in caught.value.waiting] == ["paused"]
        await second.resume()
        await agent.settled()
        assert not agent.background_fetches
        fetches = agent.fetches
        assert not any((fetches._going_on._items, fetches._ended, fetches._backing_off))


async def test_nothing_is_left_of_one_that_backed_off(lab: Lab, autojump_clock: object) -> None:
    server = lab.internet.origin_at("http://down.example")
    server.refuse = True
    async with lab.open() as agent:
        await lab.manager.fetch("f", [f"http://down.example/{n}" for n in range(20)])
        await trio.sleep(1)
        assert agent.awaited("http://down.example")
        agent.network.go_offline()
        assert not agent.awaited("http://down.example")
        agent.network.go_online()
        assert await agent.background_fetches[0].abort()
        await agent.settled()
        assert not agent.awaited("http://down.example")
        fetches = agent.fetches
        assert not any((fetches._going_on._items, fetches._ended, fetches._backing_off))


def test_candidates_are_looked_at_once_for_each_time_they_are_added() -> None:
    looks: list[int] = []
    good: set[int] = set()

    def fulfils(item: int) -> bool:
        looks.append(item)
        return item in good

    candidates = Candidates(fulfils)
    for n in range(1000):
        candidates.add(n)
        candidates.add(n)
    good.add(999)
    assert [bool(candidates) for _ in range(1000)] == [True] * 1000
    assert len(looks) == 1999
    candidates.discard(999)
    candidates.discard(5)
    assert not candidates
    for n in (3, 1, 2):
        candidates.add(n)
    good |= {1, 3}
    assert candidates.all() == [3, 1] == candidates.all()


def test_a_thousand_events_hear_of_a_new_script_in_one_look_at_all_scripts() -> None:
    scripts = ScriptMap()
    heard: list[object] = []
    with scripts.watched(heard.append), scripts.watched(heard.append):
        scripts.lacks("http://localhost/a.py")
    scripts.lacks("http://localhost/b.py")
    assert len(heard) == 2
    assert heard[0] is heard[1]
