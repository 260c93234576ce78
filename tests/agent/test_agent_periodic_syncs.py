"""Periodic Background Sync, end to end: its pace, its permission, what is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing

import swruntime
from swruntime.agent.services import Limits
from tests.agent.conftest import HOME, Lab

HOUR = 3600.0
DAY = 24 * HOUR

SAY = """
async def onperiodicsync(event):
    print(event.type, event.tag)
"""


def starts(lab: Lab) -> list[tuple[str, float]]:
    """For which tag, and after how many hours since the agent opened."""
    return [
        (line["tag"], round(line["time"] / HOUR, 2)) for line in lab.of("event.start", name="periodicsync")
    ]


@asynccontextmanager
async def opened(lab: Lab, **options: Any) -> AsyncIterator[Any]:
    lab.worker(SAY)
    async with lab.open(**options) as agent:
        yield agent


async def test_it_comes_every_interval_and_nobody_waits_for_it(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    async with opened(lab) as agent:
        await lab.registration.periodic_sync.register("news", min_interval=int(DAY * 1000))
        assert await lab.registration.periodic_sync.get_tags() == ["news"]
        await agent.settled()
        assert trio.current_time() < HOUR
        await trio.sleep(3 * DAY + HOUR)
        assert starts(lab) == [("news", 24.0), ("news", 48.0), ("news", 72.0)]
        assert lab.console == ["periodicsync news"] * 3
        assert lab.of("event.end", tag="news", outcome="fulfilled") != []
        assert await lab.registration.periodic_sync.get_tags() == ["news"]


async def test_the_least_interval_of_an_origin_is_twelve_hours(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    async with opened(lab):
        await lab.registration.periodic_sync.register("first")
        await trio.sleep(HOUR)
        await lab.registration.periodic_sync.register("second", min_interval=1)
        await trio.sleep(2 * DAY)
    # The second one is due an hour after the first one was fired, and waits for the origin's next time.
    both = [(at, tag) for at in (24.0, 36.0, 48.0) for tag in ("first", "second")]
    assert sorted((at, tag) for tag, at in starts(lab)) == [(12.0, "first"), *both]


async def test_the_limit_can_be_set(lab: Lab, autojump_clock: trio.testing.MockClock) -> None:
    async with opened(lab, limits=Limits(periodic_sync=HOUR)):
        await lab.registration.periodic_sync.register("news", min_interval=int(2.5 * HOUR * 1000))
        await trio.sleep(6 * HOUR)
        assert starts(lab) == [("news", 2.5), ("news", 5.0)]


async def test_registered_again_it_has_its_new_interval_and_keeps_its_anchor(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    async with opened(lab, limits=Limits(periodic_sync=HOUR)):
        await lab.registration.periodic_sync.register("news", min_interval=int(10 * HOUR * 1000))
        await trio.sleep(3 * HOUR)
        await lab.registration.periodic_sync.register("news", min_interval=int(4 * HOUR * 1000))
        await trio.sleep(2 * HOUR)
        assert starts(lab) == [("news", 4.0)]
        assert await lab.registration.periodic_sync.get_tags() == ["news"]


async def test_unregistered_it_comes_no_more_and_registering_again_is_no_short_cut(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    async with opened(lab):
        manager = lab.registration.periodic_sync
        await manager.register("news")
        await trio.sleep(11 * HOUR)
        await manager.unregister("news")
        await manager.unregister("never registered")
        assert await manager.get_tags() == []
        await manager.register("news")
        await trio.sleep(11 * HOUR)
        assert starts(lab) == []
        await trio.sleep(2 * HOUR)
        assert starts(lab) == [("news", 23.0)]
        await manager.unregister("news")
        await trio.sleep(2 * DAY)
        assert len(starts(lab)) == 1


async def test_offline_it_waits_for_the_network(lab: Lab, autojump_clock: trio.testing.MockClock) -> None:
    async with opened(lab) as agent:
        await lab.registration.periodic_sync.register("news")
        agent.network.go_offline()
        await trio.sleep(20 * HOUR)
        await agent.settled()
        assert starts(lab) == []
        agent.network.go_online()
        await agent.settled()
        assert starts(lab) == [("news", 20.0)]
        await trio.sleep(DAY + HOUR)
        assert starts(lab)[1:] == [("news", 32.0), ("news", 44.0)]


async def test_a_failure_is_not_retried_before_its_time(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    lab.worker("async def onperiodicsync(event):\n    raise ValueError('no news')\n")
    async with lab.open() as agent:
        await lab.registration.periodic_sync.register("news")
        await trio.sleep(25 * HOUR)
        assert starts(lab) == [("news", 12.0), ("news", 24.0)]
        assert len(agent.script_errors) == 2
        assert agent.services.store.last_periodic_fire(HOME) is None


async def test_unregistered_in_its_own_event(lab: Lab, autojump_clock: trio.testing.MockClock) -> None:
    lab.worker(
        "async def onperiodicsync(event):\n"
        "    await registration.periodic_sync.unregister(event.tag)\n"
        "    print(await registration.periodic_sync.get_tags())\n"
    )
    async with lab.open() as agent:
        await lab.registration.periodic_sync.register("news")
        await trio.sleep(2 * DAY)
        lab.said("[]")
        assert agent.services.store.periodic_syncs() == []


async def test_without_the_permission_there_is_none(lab: Lab, autojump_clock: trio.testing.MockClock) -> None:
    async with opened(lab) as agent:
        manager = lab.registration.periodic_sync
        await manager.register("news")
        await manager.register("weather")
        await trio.sleep(11 * HOUR)
        agent.network.go_offline()
        await trio.sleep(2 * HOUR)
        # Taken away: what was registered goes, and what is due is not fired on its way out.
        agent.permissions.set("prompt", "periodic-background-sync", HOME)
        agent.network.go_online()
        assert await manager.get_tags() == []
        with pytest.raises(swruntime.NotAllowedError, match="periodic-background-sync"):
            await manager.register("news")
        agent.permissions.set("granted", "periodic-background-sync", HOME)
        await trio.sleep(2 * DAY)
        assert starts(lab) == []
        assert agent.services.store.periodic_syncs() == []


async def test_the_permission_is_taken_away_while_two_are_due(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    async with opened(lab, profile=lab.profile):
        for tag in ("news", "weather"):
            await lab.registration.periodic_sync.register(tag)
    await trio.sleep(DAY)
    async with lab.open(profile=lab.profile, ready=False, permission="denied") as agent:
        await agent.settled()
        assert starts(lab) == []
        assert agent.services.store.periodic_syncs() == []


async def test_what_became_due_while_nobody_was_there(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    async with opened(lab, profile=lab.profile):
        await lab.registration.periodic_sync.register("news")
        await lab.registration.periodic_sync.register("weekly", min_interval=int(7 * DAY * 1000))
    await trio.sleep(5 * DAY)
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.settled()
        # Once, not once for each time that was missed.
        assert starts(lab) == [("news", 0.0)]
    await trio.sleep(HOUR)
    lab.lines.clear()
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.settled()
        assert starts(lab) == []
        await trio.sleep(11.5 * HOUR)
        assert starts(lab) == [("news", 11.0)]


async def test_the_end_of_the_process_in_its_event_leaves_it_due(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    lab.worker("import trio\nasync def onperiodicsync(event):\n    await trio.sleep_forever()\n")
    async with lab.open(profile=lab.profile) as agent:
        await lab.registration.periodic_sync.register("news")
        await agent.until(lambda line: line["kind"] == "event.start" and line["name"] == "periodicsync")
        await trio.testing.wait_all_tasks_blocked()
    lab.worker(SAY)
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.settled()
        lab.said("periodicsync news")


async def test_what_is_not_taken_up_sleeps(lab: Lab, autojump_clock: trio.testing.MockClock) -> None:
    async with opened(lab, profile=lab.profile):
        await lab.registration.periodic_sync.register("news")
    await trio.sleep(DAY)
    async with lab.open(profile=lab.profile, ready=False, take_up=False) as agent:
        agent.network.go_offline()
        agent.network.go_online()
        await agent.settled()
        assert starts(lab) == []


async def test_the_users_button(lab: Lab, autojump_clock: trio.testing.MockClock) -> None:
    async with opened(lab) as agent:
        await lab.registration.periodic_sync.register("news")
        await trio.sleep(HOUR)
        assert await agent.periodic_sync(lab.registration, "news") == "fulfilled"
        assert await agent.periodic_sync(lab.registration, "made up") == "fulfilled"
        assert [line["action"] for line in lab.of("user.action")] == ["periodic-sync"] * 2
        await trio.sleep(12 * HOUR)
        # When it is due has not changed by it.
        assert starts(lab) == [("news", 1.0), ("made up", 1.0), ("news", 12.0)]
        with pytest.raises(TypeError, match="registration is None"):
            agent.periodic_sync(None, "news")


@pytest.mark.parametrize("wrong", [-1, 1.5, "5", True, None, 2**53])
async def test_an_interval_that_is_none(
    lab: Lab, wrong: object, autojump_clock: trio.testing.MockClock
) -> None:
    async with opened(lab):
        manager = lab.registration.periodic_sync
        with pytest.raises(TypeError, match="min_interval is .*; expected a whole number"):
            await manager.register("news", min_interval=wrong)
        with pytest.raises(TypeError, match="tag is 5"):
            await manager.register(5)
        with pytest.raises(TypeError, match="tag is 5"):
            await manager.unregister(5)
        await manager.register("far away", min_interval=2**53 - 1)
        assert await manager.get_tags() == ["far away"]


async def test_no_worker_no_window_no_room(
    lab: Lab, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(lab) as agent:
        concept = lab.registration._concept

        def full(sync: object) -> int:
            raise swruntime.errors.StorageFull("no room")

        with monkeypatch.context() as patched:
            patched.setattr(agent.services.store, "add_periodic_sync", full)
            with pytest.raises(swruntime.QuotaExceededError, match="no room for periodic sync 'news'"):
                await lab.registration.periodic_sync.register("news")
        lab.window.close()
        with pytest.raises(swruntime.InvalidAccessError, match="no window of"):
            agent.periodic_syncs.register(concept, "news", 0)
        await agent.registrations.unregister(concept)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(swruntime.InvalidStateError, match="no active worker"):
            agent.periodic_syncs.register(concept, "news", 0)
        with pytest.raises(swruntime.InvalidStateError, match="no active worker"):
            agent.periodic_sync(concept, "news")
