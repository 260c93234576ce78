"""The clock on the wall is wrong by ten years, before a restart or while it runs: nothing waits for that, or storms."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest
import trio

from swruntime import runtime
from swruntime.agent.services import Limits
from swruntime.runtime import VirtualWallClock

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

HOUR = 3600.0
DAY = 24 * HOUR
YEARS = 10 * 365 * DAY


class Clock(VirtualWallClock):
    wrong = 0.0

    def now(self) -> float:
        return super().now() + self.wrong


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(runtime, "_wall_clock", lambda: clock)
    return clock


def fired(lab: Lab, name: str) -> list[tuple[str, float]]:
    return [(line["tag"], line["time"]) for line in lab.of("event.start", name=name)]


FAILS = """
async def onsync(event):
    raise ValueError("no")
"""
PERIODIC = """
async def onperiodicsync(event):
    print(event.tag)
"""


@pytest.mark.parametrize("wrong", [-YEARS, YEARS])
async def test_a_sync_is_tried_again_in_its_time_after_a_restart(
    lab: Lab, clock: Clock, autojump_clock: object, wrong: float
) -> None:
    lab.worker(FAILS)
    clock.wrong = wrong
    async with lab.open(profile=lab.profile) as agent:
        await lab.registration.sync.register("tag")
        await agent.until(lambda line: line["kind"] == "event.end" and line["name"] == "sync")
    clock.wrong = 0.0
    # Nobody stays for as long as it would take: to open it does not begin the wait anew.
    begun = trio.current_time()
    for _ in range(5):
        async with lab.open(profile=lab.profile, ready=False):
            await trio.sleep(100)
        if len(lab.of("event.start", name="sync")) > 1:
            break
    assert trio.current_time() - begun <= 400
    assert len(fired(lab, "sync")) == 2
    # And the third one fifteen minutes later, not at once.
    async with lab.open(profile=lab.profile, ready=False):
        await trio.sleep(10 * 60)
        assert len(fired(lab, "sync")) == 2
        await trio.sleep(6 * 60)
    assert len(fired(lab, "sync")) == 3


@pytest.mark.parametrize("wrong", [-YEARS, YEARS])
async def test_a_sync_is_tried_again_in_its_time_though_the_clock_is_set(
    lab: Lab, clock: Clock, autojump_clock: object, wrong: float
) -> None:
    lab.worker(FAILS)
    async with lab.open():
        await lab.registration.sync.register("tag")
        await trio.sleep(10)
        clock.wrong = wrong
        await trio.sleep(280)
        assert len(fired(lab, "sync")) == 1
        await trio.sleep(20)
        assert len(fired(lab, "sync")) == 2
        clock.wrong = -wrong
        await trio.sleep(890)
        assert len(fired(lab, "sync")) == 2
        await trio.sleep(20)
        assert len(fired(lab, "sync")) == 3
    assert not any("in -" in line["message"] or len(line["message"]) > 90 for line in lab.of("diagnostic"))


@pytest.mark.parametrize("wrong", [-YEARS, YEARS])
async def test_a_periodic_sync_is_due_in_its_time_after_a_restart(
    lab: Lab, clock: Clock, autojump_clock: object, wrong: float
) -> None:
    lab.worker(PERIODIC)
    clock.wrong = wrong
    async with lab.open(profile=lab.profile):
        await lab.registration.periodic_sync.register("news", min_interval=int(DAY * 1000))
        await trio.sleep(25 * HOUR)
        assert len(fired(lab, "periodicsync")) == 1
    clock.wrong = 0.0
    for _ in range(6):
        async with lab.open(profile=lab.profile, ready=False):
            await trio.sleep(5 * HOUR)
    count = len(fired(lab, "periodicsync"))
    # Where the clock was behind, it is due at once, and once.
    assert count in ((2,) if wrong > 0 else (2, 3))
    async with lab.open(profile=lab.profile, ready=False):
        await trio.sleep(DAY)
    assert len(fired(lab, "periodicsync")) == count + 1


@pytest.mark.parametrize("first", [-YEARS, YEARS])
async def test_a_periodic_sync_neither_storms_nor_stops_while_the_clock_jumps(
    lab: Lab, clock: Clock, autojump_clock: object, first: float
) -> None:
    lab.worker(PERIODIC)
    tags = [f"tag {number}" for number in range(20)]
    async with lab.open(limits=Limits(periodic_sync=HOUR)) as agent:
        for tag in tags:
            await lab.registration.periodic_sync.register(tag, min_interval=int(6 * HOUR * 1000))
        for jumps, wrong in enumerate((first, 0.0, -first, first), start=1):
            clock.wrong = wrong
            # Whatever has the schedule looked at.
            for _ in range(5):
                agent.network.go_offline()
                agent.network.go_online()
            await trio.sleep(6 * HOUR + 60)
            for tag in tags:
                mine = [each for each, _ in fired(lab, "periodicsync") if each == tag]
                # Never later than its interval, and once more for each jump ahead at the most.
                assert jumps <= len(mine) <= 2 * jumps


@pytest.mark.parametrize("on_disk", [False, True])
async def test_a_cookie_lives_as_long_as_it_was_to(
    lab: Lab, clock: Clock, autojump_clock: object, on_disk: bool
) -> None:
    lab.origin.add("/login", b"", headers={"Set-Cookie": "a=1; Max-Age=3600"})
    lab.origin.add("/asks", b"")
    options: dict[str, Any] = {"profile": lab.profile} if on_disk else {}

    def sent() -> list[str | None]:
        return [each.headers.get("cookie") for each in lab.origin.requests if each.path == "/asks"]

    clock.wrong = YEARS
    async with lab.open(**options):
        await lab.window.fetch("/login")
        if not on_disk:
            clock.wrong = 0.0
            await lab.window.fetch("/asks")
            await trio.sleep(3500)
            await lab.window.fetch("/asks")
            await trio.sleep(200)
            await lab.window.fetch("/asks")
    if on_disk:
        clock.wrong = 0.0
        for pause in (0, 3500, 200):
            await trio.sleep(pause)
            async with lab.open(**options):
                await lab.window.fetch("/asks")
    assert sent() == ["a=1", "a=1", None]


@pytest.mark.parametrize("wrong", [-YEARS, YEARS])
async def test_dates_of_a_server_are_by_its_own_clock(
    lab: Lab, clock: Clock, autojump_clock: object, wrong: float
) -> None:
    at = clock.now()
    dates = {
        "Date": formatdate(at, usegmt=True),
        "Retry-After": formatdate(at + 120, usegmt=True),
        "Set-Cookie": f"a=1; Expires={formatdate(at + 600, usegmt=True)}",
    }
    lab.origin.add("/file", b"x" * 100, headers=dates, status=503)
    lab.origin.add("/asks", b"")
    clock.wrong = wrong
    async with lab.open() as agent:
        await lab.manager.fetch("id", "/file")
        await agent.until(lambda line: line["kind"] == "record.wait")
        lab.origin.add("/file", b"x" * 100)
        await agent.settled()
        (wait,) = lab.of("record.wait", reason="retry-after")
        assert 119 < wait["until"] - wait["time"] < 121
        await lab.window.fetch("/asks")
        await trio.sleep(600)
        await lab.window.fetch("/asks")
    assert [each.headers.get("cookie") for each in lab.origin.requests if each.path == "/asks"] == [
        "a=1",
        None,
    ]
