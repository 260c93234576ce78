"""Background Sync, end to end: registered offline, fired online, retried, kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
import trio.testing

import swruntime
from swruntime.agent.services import Limits
from swruntime.machines.background_sync import Retries
from swruntime.testing import laboratory, run
from swruntime.trace import Line
from tests.agent.conftest import HOME, Lab

MINUTES = 60.0

SAY = """
async def onsync(event):
    print(event.type, event.tag, event.last_chance)
"""

FAIL = """
async def onsync(event):
    print(event.tag, event.last_chance)
    raise ValueError("the server said no")
"""

FETCH = """
async def onsync(event):
    response = await fetch("/outbox", method="POST", body=event.tag)
    print(event.tag, await response.text())
"""

HANG = """
import trio
async def onsync(event):
    print(event.tag, event.last_chance)
    await trio.sleep_forever()
"""


def starts(lab: Lab, name: str = "sync") -> list[tuple[float, str, int]]:
    """When, for which tag, and which attempt."""
    return [
        (round(line["time"], 3), line["tag"], line["attempt"]) for line in lab.of("event.start", name=name)
    ]


def is_start(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda line: line["kind"] == "event.start" and line["name"] == name


async def test_online_it_is_fired_at_once(lab: Lab, autojump_clock: trio.testing.MockClock) -> None:
    lab.worker(SAY)
    async with lab.open() as agent:
        await lab.registration.sync.register("outbox")
        await agent.settled()
        lab.said("sync outbox False")
        assert await lab.registration.sync.get_tags() == []
        end = lab.one("event.end", name="sync")
        assert (end["outcome"], end["tag"], "id" in end) == ("fulfilled", "outbox", False)


async def test_offline_it_waits_for_the_switch_and_then_goes_out(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    lab.worker(FETCH)
    lab.origin.add("/outbox", b"thanks")
    async with lab.open() as agent:
        agent.network.go_offline()
        await lab.registration.sync.register("outbox")
        await lab.registration.sync.register("other")
        await lab.registration.sync.register("outbox")
        with pytest.raises(swruntime.WaitingForUser) as waiting:
            await agent.settled()
        assert waiting.value.waiting == (
            f"sync 'outbox' of {HOME}/ waits: offline",
            f"sync 'other' of {HOME}/ waits: offline",
        )
        assert await lab.registration.sync.get_tags() == ["outbox", "other"]
        assert lab.of("event.start", name="sync") == []
        agent.network.go_online()
        await agent.settled()
        assert sorted(lab.console) == ["other thanks", "outbox thanks"]
        assert [request.path for request in lab.origin.requests].count("/outbox") == 2


async def test_what_fails_is_tried_three_times_and_the_last_time_knows(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    lab.worker(FAIL)
    async with lab.open() as agent:
        await lab.registration.sync.register("outbox")
        began = trio.current_time()
        await agent.settled()
        lab.said("outbox False", "outbox False", "outbox True")
        assert [attempt for _, _, attempt in starts(lab)] == [1, 2, 3]
        times = [time - starts(lab)[0][0] for time, _, _ in starts(lab)]
        assert times == pytest.approx([0, 5 * MINUTES, 20 * MINUTES])
        assert trio.current_time() - began == pytest.approx(20 * MINUTES)
        assert {line["outcome"] for line in lab.of("event.end", name="sync")} == {"rejected"}
        assert await lab.registration.sync.get_tags() == []
        assert [line["message"] for line in lab.of("diagnostic")] == [
            "sync 'outbox': attempt 1 ended rejected, tried again in 300 s",
            "sync 'outbox': attempt 2 ended rejected, tried again in 900 s",
            "sync 'outbox': attempt 3 ended rejected, that was its last chance",
        ]
        assert lab.diagnostics == ["sync-retry", "sync-retry", "sync-given-up"]
        # What is tried again is no failure yet.
        (error,) = agent.script_errors
        assert "the server said no" in str(error)


async def test_one_that_fails_first_and_succeeds_then_is_no_failure(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    lab.worker(FETCH)
    lab.origin.add("/outbox", b"thanks", drop_after=(2,))
    async with lab.open() as agent:
        await lab.registration.sync.register("outbox")
        await agent.settled()
        lab.said("outbox thanks")
        assert [line["outcome"] for line in lab.of("event.end", name="sync")] == ["rejected", "fulfilled"]
        assert agent.script_errors == []


async def test_the_limits_say_how_often(lab: Lab, autojump_clock: trio.testing.MockClock) -> None:
    lab.worker(FAIL)
    limits = Limits(sync=Retries(attempts=2, delay=1.0, factor=10.0))
    async with lab.open(limits=limits) as agent:
        await lab.registration.sync.register("outbox")
        await agent.settled()
        lab.said("outbox False", "outbox True")


async def test_a_worker_that_is_stopped_in_it_is_called_again(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    lab.worker(HANG)
    async with lab.open() as agent:
        await lab.registration.sync.register("outbox")
        await trio.testing.wait_all_tasks_blocked()
        agent.terminate_worker(lab.registration)
        await agent.until(lambda line: line["kind"] == "event.end")
        assert lab.one("event.end", name="sync")["outcome"] == "interrupted"
        assert await lab.registration.sync.get_tags() == ["outbox"]
        lab.worker(SAY)
        await agent.settled()
        lab.said("outbox False", "sync outbox False")
        assert [attempt for _, _, attempt in starts(lab)] == [1, 2]


async def test_one_that_lasts_too_long_is_called_again(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    lab.worker(HANG)
    async with lab.open() as agent:
        await lab.registration.sync.register("outbox")
        await agent.settled()
        assert [line["outcome"] for line in lab.of("event.end", name="sync")] == ["timed-out"] * 3


async def test_a_worker_that_cannot_start_uses_up_its_attempts(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    async with lab.open() as agent:
        lab.worker("1 / 0")
        agent.terminate_worker(lab.registration)
        await lab.registration.sync.register("outbox")
        await agent.settled()
        assert [attempt for _, _, attempt in starts(lab)] == [1, 2, 3]
        assert await lab.registration.sync.get_tags() == []


async def test_registered_while_it_fires_it_is_fired_once_more(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    lab.worker("""
import trio
async def onsync(event):
    print(event.tag, event.last_chance, await registration.sync.get_tags())
    await trio.sleep(10)
    if event.last_chance:
        raise ValueError
""")
    async with lab.open(limits=Limits(sync=Retries(attempts=1))) as agent:
        await lab.registration.sync.register("outbox")
        await trio.testing.wait_all_tasks_blocked()
        await lab.registration.sync.register("outbox")
        await lab.registration.sync.register("outbox")
        await agent.settled()
        # Also after its last chance had failed.
        lab.said(*["outbox True ['outbox']"] * 2)


async def test_registered_while_it_waits_it_begins_anew(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    lab.worker(FAIL)
    async with lab.open() as agent:
        await lab.registration.sync.register("outbox")
        await trio.sleep(6 * MINUTES)
        lab.said("outbox False", "outbox False")
        await lab.registration.sync.register("outbox")
        await agent.settled()
        lab.said(*["outbox False"] * 4, "outbox True")
        assert [attempt for _, _, attempt in starts(lab)] == [1, 2, 1, 2, 3]
        assert [round(time - starts(lab)[0][0]) for time, _, _ in starts(lab)] == [0, 300, 360, 660, 1560]


async def test_its_time_comes_while_offline_and_it_waits_for_the_switch(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    lab.worker(FAIL)
    async with lab.open() as agent:
        await lab.registration.sync.register("outbox")
        await trio.testing.wait_all_tasks_blocked()
        agent.network.go_offline()
        with pytest.raises(swruntime.WaitingForUser, match="outbox"):
            await agent.settled()
        agent.network.go_online()
        agent.network.go_offline()
        # Moving the switch does not shorten the wait.
        await trio.sleep(1 * MINUTES)
        assert len(starts(lab)) == 1
        await trio.sleep(9 * MINUTES)
        assert len(starts(lab)) == 1
        agent.network.go_online()
        await trio.testing.wait_all_tasks_blocked()
        assert len(starts(lab)) == 2


async def test_two_tags_do_not_wait_for_each_other(lab: Lab, autojump_clock: trio.testing.MockClock) -> None:
    lab.worker("""
import trio
async def onsync(event):
    if event.tag == "slow":
        await trio.sleep(100)
    print(event.tag)
""")
    async with lab.open() as agent:
        await lab.registration.sync.register("slow")
        await lab.registration.sync.register("quick")
        await agent.settled()
        lab.said("quick", "slow")


async def test_a_worker_registers_one_while_a_window_is_open(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    lab.worker("""
async def onmessage(event):
    try:
        await registration.sync.register(event.data)
    except DOMException as error:
        print(error.name, "no window" in str(error))

async def onsync(event):
    print(event.tag)
""")
    async with lab.open() as agent:
        lab.registration.active.post_message("with a window")
        await agent.settled()
        # The message is on its way, and the window is gone before the worker can do anything.
        lab.registration.active.post_message("without one")
        lab.window.close()
        await agent.settled()
        lab.said("with a window", "InvalidAccessError True")


# Refused


async def test_what_cannot_be_registered_says_why(lab: Lab, autojump_clock: trio.testing.MockClock) -> None:
    async with lab.open() as agent:
        manager = lab.registration.sync
        with pytest.raises(TypeError, match=r"tag is 5; expected a str"):
            await manager.register(5)
        agent.permissions.set("prompt", "background-sync")
        await manager.register("prompt is not denied")
        agent.permissions.set("denied", "background-sync", HOME)
        with pytest.raises(swruntime.NotAllowedError, match="background-sync"):
            await manager.register("outbox")
        await agent.settled()
        assert await lab.registration.unregister()
        lab.window.close()
        await trio.testing.wait_all_tasks_blocked()
        other = await agent.open_window("/")
        with pytest.raises(swruntime.InvalidStateError, match="no active worker"):
            agent.syncs.register(lab.registration._concept, "outbox")
        other.close()
        with pytest.raises(TypeError, match="public constructor"):
            type(manager)()


async def test_a_full_disk_rejects_it(
    lab: Lab, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with lab.open() as agent:

        def full(sync: object) -> int:
            raise swruntime.errors.StorageFull("no room")

        monkeypatch.setattr(agent.services.store, "add_sync", full)
        with pytest.raises(swruntime.QuotaExceededError, match="no room for sync 'outbox'"):
            await lab.registration.sync.register("outbox")
        assert await lab.registration.sync.get_tags() == []
        await agent.settled()


async def test_the_constructor_takes_what_the_standard_says(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    lab.worker("""
made = SyncEvent("sync", tag="a", last_chance=True)
print(made.tag, made.last_chance, SyncEvent("sync", tag="").last_chance, made.is_trusted)
print(PeriodicSyncEvent("periodicsync", tag="b").tag)
for make in (lambda: SyncEvent("sync"), lambda: SyncEvent("sync", tag=5), lambda: PeriodicSyncEvent("x", tag=None)):
    try:
        make()
    except TypeError:
        print("TypeError")
print("SyncManager" in self, "PeriodicSyncManager" in self)
""")
    async with lab.open():
        lab.said("a True False False", "b", "TypeError", "TypeError", "TypeError", "True True")


# The developer tools' button


async def test_the_user_fires_one_that_nobody_registered(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    lab.worker(SAY)
    async with lab.open() as agent:
        assert await agent.sync(lab.registration, "made up") == "fulfilled"
        agent.network.go_offline()
        last = agent.sync(lab.registration._concept, "offline", last_chance=True)
        await agent.settled()
        assert last.result() == "fulfilled"
        lab.said("sync made up False", "sync offline True")
        assert [line["action"] for line in lab.of("user.action")] == ["sync", "sync"]
        with pytest.raises(TypeError, match=r"registration is 'x'; expected"):
            agent.sync("x", "outbox")
        with pytest.raises(TypeError, match=r"tag is None; expected a str"):
            agent.sync(lab.registration, None)


async def test_the_users_own_changes_nothing_of_what_is_registered(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    lab.worker(FAIL)
    async with lab.open() as agent:
        agent.network.go_offline()
        await lab.registration.sync.register("outbox")
        assert await agent.sync(lab.registration, "outbox") == "rejected"
        assert agent.script_errors == []
        assert await agent.sync(lab.registration, "outbox", last_chance=True) == "rejected"
        assert len(agent.script_errors) == 1
        assert await lab.registration.sync.get_tags() == ["outbox"]
        agent.network.go_online()
        await agent.until(is_start("sync"))
        assert starts(lab)[-1][2] == 1


# Kept


async def test_it_outlives_the_process(lab: Lab, autojump_clock: trio.testing.MockClock) -> None:
    lab.worker(SAY)
    async with lab.open(profile=lab.profile) as agent:
        agent.network.go_offline()
        await lab.registration.sync.register("out\ud800box")
        await lab.registration.sync.register("")
    async with lab.open(profile=lab.profile, ready=False, conditions="offline") as agent:
        with pytest.raises(swruntime.WaitingForUser):
            await agent.settled()
        agent.network.go_online()
        await agent.settled()
    assert sorted(lab.console) == ["sync  False", "sync out\ud800box False"]
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.settled()
    assert len(lab.console) == 2


async def test_the_end_of_the_process_is_no_attempt_and_a_failure_is_one(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    lab.worker(HANG)
    for _ in range(4):
        async with lab.open(profile=lab.profile, ready=not lab.profile.exists()) as agent:
            if agent.registrations.all()[0].active is not None and not lab.console:
                await lab.registration.sync.register("outbox")
            await trio.testing.wait_all_tasks_blocked()
    lab.said(*["outbox False"] * 4)
    assert [attempt for _, _, attempt in starts(lab)] == [1] * 4
    lab.worker(FAIL)
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.until(lambda line: line["kind"] == "event.end")
        failed = agent.services.wall.now()
        await trio.sleep(100)
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.until(is_start("sync"))
        assert agent.services.wall.now() - failed == pytest.approx(300)
        await agent.until(lambda line: line["kind"] == "event.end")
    await trio.sleep(3600)
    async with lab.open(profile=lab.profile, ready=False) as agent:
        begun = agent.services.wall.now()
        await agent.settled()
        assert agent.services.wall.now() == pytest.approx(begun)
    assert lab.console[4:] == ["outbox False", "outbox False", "outbox True"]


@pytest.mark.parametrize("what", ["sync", "periodic_sync"])
@pytest.mark.parametrize("seed", range(4))
async def test_a_death_while_its_worker_is_activated_costs_no_attempt(
    what: str, seed: int, autojump_clock: trio.testing.MockClock
) -> None:
    worker = """
import trio
async def onactivate(event):
    await trio.sleep(60)
async def onsync(event):
    print(event.tag)
onperiodicsync = onsync
"""
    async with laboratory(seed=seed, profile=True, limits=Limits(periodic_sync=10.0)) as lab:
        lab.user_agent.network.go_offline()
        (lab.site / "worker.py").write_text(worker)
        window = await lab.user_agent.open_window("/")
        await window.navigator.service_worker.register("/worker.py")
        registration = await window.navigator.service_worker.ready
        await getattr(registration, what).register("outbox")
        await trio.sleep(20)
        assert registration.active.state == "activating"
        agent = await lab.restart()
        await agent.settled()
        (fired,) = [line for line in lab.trace if line["kind"] == "event.end" and "tag" in line]
        assert fired["outcome"] == "fulfilled"
        assert [line["text"] for line in lab.trace if line["kind"] == "console"] == ["outbox"]


async def test_what_is_not_taken_up_sleeps(lab: Lab, autojump_clock: trio.testing.MockClock) -> None:
    lab.worker(SAY)
    async with lab.open(profile=lab.profile) as agent:
        agent.network.go_offline()
        await lab.registration.sync.register("outbox")
        await trio.testing.wait_all_tasks_blocked()
    async with lab.open(profile=lab.profile, ready=False, take_up=False) as agent:
        await agent.settled()
        agent.network.go_offline()
        agent.network.go_online()
        await agent.settled()
        assert lab.console == []
        agent.take_up()
        await agent.settled()
        lab.said("sync outbox False")


async def test_it_goes_with_its_registration(lab: Lab, autojump_clock: trio.testing.MockClock) -> None:
    lab.worker(SAY)
    async with lab.open(profile=lab.profile) as agent:
        agent.network.go_offline()
        await lab.registration.sync.register("outbox")
        await lab.registration.periodic_sync.register("news")
        controlled = await agent.open_window("/")
        await lab.registration.unregister()
        # A page still uses it.
        assert await lab.registration.sync.get_tags() == ["outbox"]
        assert await lab.registration.periodic_sync.get_tags() == ["news"]
        controlled.close()
        await trio.testing.wait_all_tasks_blocked()
        assert agent.services.store.syncs() == agent.services.store.periodic_syncs() == []
        agent.network.go_online()
        await agent.settled()
    assert lab.console == []


async def test_a_later_registration_of_the_scope_keeps_its_own(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    lab.worker(SAY)
    async with lab.open(profile=lab.profile) as agent:
        agent.network.go_offline()
        await lab.registration.sync.register("outbox")
        controlled = await agent.open_window("/")
        await lab.registration.unregister()
        other = await agent.open_window("/")
        later = await other.navigator.service_worker.register("/worker.py")
        await other.navigator.service_worker.ready
        await later.sync.register("outbox")
        assert await lab.registration.sync.get_tags() == ["outbox"]
        controlled.close()
        await trio.testing.wait_all_tasks_blocked()
        assert await lab.registration.sync.get_tags() == []
        assert await later.sync.get_tags() == ["outbox"]
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.settled()
        lab.said("sync outbox False")


async def test_cleared_while_it_fires_it_is_not_fired_again(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    lab.worker(
        FAIL.replace("raise", "await Promise_never()\n    raise")
        + "\nimport trio\nPromise_never = trio.sleep_forever\n"
    )
    async with lab.open() as agent:
        concept = lab.registration._concept
        await lab.registration.sync.register("outbox")
        await trio.testing.wait_all_tasks_blocked()
        agent.syncs.clear(concept)
        assert agent.syncs.tags(concept) == []
        agent.terminate_worker(concept)
        await agent.settled()
        assert len(starts(lab)) == 1


async def test_afterwards_its_worker_is_looked_at_for_an_update(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    lab.worker(SAY)
    async with lab.open() as agent:
        lab.worker(SAY + "\nskip_waiting()\n")
        await lab.registration.sync.register("outbox")
        await agent.settled()
        assert lab.of("worker.start", reason="update")


def test_the_same_seed_gives_the_same_trace() -> None:
    async def scenario() -> list[Line]:
        async with laboratory(seed=3) as lab:
            (lab.site / "worker.py").write_text(FAIL)
            window = await lab.user_agent.open_window("/")
            await window.navigator.service_worker.register("/worker.py")
            registration = await window.navigator.service_worker.ready
            for tag in ("a", "b", "c"):
                await registration.sync.register(tag)
                await registration.periodic_sync.register(tag)
            await lab.user_agent.settled()
            await trio.sleep(13 * 3600)
            return lab.trace

    first, second = run(scenario), run(scenario)
    assert len([line for line in first if line["kind"] == "event.end"]) > 12
    assert first == second


async def test_a_death_of_the_process_in_its_event(autojump_clock: trio.testing.MockClock) -> None:
    async with laboratory(profile=True) as lab:
        (lab.site / "worker.py").write_text(HANG)
        window = await lab.user_agent.open_window("/")
        await window.navigator.service_worker.register("/worker.py")
        registration = await window.navigator.service_worker.ready
        await registration.sync.register("outbox")
        await trio.testing.wait_all_tasks_blocked()
        (lab.site / "worker.py").write_text(SAY)
        agent = await lab.restart()
        await agent.settled()
        assert [line["text"] for line in lab.trace if line["kind"] == "console"][-1] == "sync outbox False"
        assert agent.services.store.syncs() == []


async def test_the_time_of_an_attempt_that_was_not_needed_passes_unnoticed(
    lab: Lab, autojump_clock: trio.testing.MockClock
) -> None:
    lab.worker(FAIL)
    async with lab.open() as agent:
        await lab.registration.sync.register("outbox")
        await trio.sleep(1 * MINUTES)
        agent.network.go_offline()
        # It waited for its second attempt; now it waits for the network, from its first attempt on.
        await lab.registration.sync.register("outbox")
        await trio.sleep(10 * MINUTES)
        assert len(starts(lab)) == 1
        agent.network.go_online()
        await agent.settled()
        assert [attempt for _, _, attempt in starts(lab)] == [1, 1, 2, 3]


async def test_what_register_promises_outlives_a_power_failure(
    lab: Lab, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with lab.open(profile=lab.profile) as agent:
        agent.network.go_offline()
        await trio.testing.wait_all_tasks_blocked()
        store = agent.services.store
        asked: list[bool] = []
        transaction = store.transaction

        def noting(*, durable: bool = False) -> Any:
            asked.append(durable)
            return transaction(durable=durable)

        monkeypatch.setattr(store, "transaction", noting)
        await lab.registration.sync.register("outbox")
        assert asked[0] is True
        asked.clear()
        await lab.registration.periodic_sync.register("news")
        assert asked[0] is True
