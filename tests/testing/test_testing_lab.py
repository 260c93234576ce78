"""The laboratory: fresh each time, the same each time, and killed without mercy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from trio._core import _run as scheduler

from swruntime import InvalidStateError, UsageError
from swruntime.testing import Laboratory, Pattern, laboratory, run
from swruntime.testing.virtual_time import _GENERATOR, _SWITCH, deterministic_scheduling

WORKER = """
async def onbackgroundfetchsuccess(event):
    records = await event.registration.match_all()
    print(event.registration.id, [len(await (await record.response_ready).bytes()) for record in records])
"""

SCENARIO = """
import sys, trio
from swruntime.testing import Pattern, laboratory, run
from swruntime.trace import to_json

WORKER = '''
async def onbackgroundfetchsuccess(event):
    cache = await caches.open("files")
    for record in await event.registration.match_all():
        await cache.put(record.request, await record.response_ready)
    raise ValueError(event.registration.id)
'''

async def scenario(seed):
    async with laboratory(seed=seed) as lab:
        (lab.site / "worker.py").write_text(WORKER)
        paths = [f"/{n}" for n in range(8)]
        for n, path in enumerate(paths):
            lab.origin.add(path, Pattern(100_000, n), drop_after=1000 * n, delay=0.01 * (n % 3))
        registration = await (await lab.window()).navigator.service_worker.ready
        for id in "abc":
            await registration.background_fetch.fetch(id, paths)
        await trio.sleep(0.02)
        lab.user_agent.network.go_offline()
        await trio.sleep(3600)
        lab.user_agent.network.go_online()
        await lab.user_agent.settled()
    return lab.trace

for seed in sys.argv[1:]:
    print("\\n".join(map(to_json, run(scenario, int(seed)))), end="\\n\\n")
"""


async def ready(lab: Laboratory) -> Any:
    """The manager of a site whose worker says what has come."""
    (lab.site / "worker.py").write_text(WORKER)
    window = await lab.window()
    return (await window.navigator.service_worker.ready).background_fetch


def said(lab: Laboratory) -> list[str]:
    return [line["text"] for line in lab.trace if line["kind"] == "console"]


async def test_a_laboratory_is_fresh_and_leaves_nothing(autojump_clock: object) -> None:
    async with laboratory() as lab:
        assert list(lab.site.iterdir()) == []
        assert [line["kind"] for line in lab.trace] == ["agent.open"]
        assert lab.origin is lab.origin_at("http://localhost:8400/anything")
        assert lab.user_agent.background_fetches == []
    assert not lab.site.parent.exists()


async def test_a_site_that_is_there_stays(tmp_path: Path, autojump_clock: object) -> None:
    async with laboratory(site=tmp_path) as lab:
        assert lab.site == tmp_path
    assert tmp_path.is_dir()


async def test_the_origins_are_the_network(autojump_clock: object) -> None:
    async with laboratory(origin="https://podcast.example", quota=100_000) as lab:
        lab.origin.add("/a", b"aaa")
        lab.origin_at("https://cdn.example").add("/b", b"bbbbb", cors="*")
        manager = await ready(lab)
        await manager.fetch("both", ["/a", "https://cdn.example/b"])
        await lab.user_agent.settled()
    assert said(lab) == ["both [3, 5]"]
    assert [request.path for request in lab.origin.requests][-1] == "/a"


async def test_options_are_the_agents(autojump_clock: object) -> None:
    async with laboratory(permission="prompt", seed=7) as lab:
        assert lab.trace[0]["seed"] == 7
        fetch = await (await ready(lab)).fetch("f", "/f")
        (view,) = lab.user_agent.background_fetches
        assert (view.paused, fetch.result) == (True, "")


async def test_a_window_without_a_worker(autojump_clock: object) -> None:
    async with laboratory() as lab:
        window = await lab.window("/page", worker=None)
        assert window.location.href == "http://localhost:8400/page"
        assert lab.user_agent.registrations.all() == []


async def test_the_blocks_own_exception_leaves_it_as_it_is(autojump_clock: object) -> None:
    with pytest.raises(ZeroDivisionError):
        async with laboratory():
            raise ZeroDivisionError


async def test_what_the_agent_refuses_leaves_it_as_it_is(autojump_clock: object) -> None:
    with pytest.raises(UsageError, match="give_up"):
        async with laboratory(give_up=0):
            pytest.fail("opened")


async def test_a_restart_goes_on_from_what_was_stored(autojump_clock: object) -> None:
    body = Pattern(500_000)
    async with laboratory(profile=True) as lab:
        lab.origin.add("/f", body)
        manager = await ready(lab)
        lab.user_agent.network.conditions = "fast-3g"
        await manager.fetch("f", "/f")
        await trio.sleep(1)
        first = lab.user_agent
        with trio.CancelScope():  # entered after the agent was: it must not be in a scope of the test's
            assert await lab.restart() is lab.user_agent is not first
        await lab.user_agent.settled()
        assert said(lab) == ["f [500000]"]
        starts = [line["range_start"] for line in lab.trace if line["kind"] == "record.start"]
        assert starts[0] == 0
        assert 0 < starts[1] < body.size
        assert len(starts) == 2
    assert [line["kind"] for line in lab.trace].count("agent.open") == 2


async def test_a_killed_agent_says_and_writes_nothing_as_it_goes(autojump_clock: object) -> None:
    async with laboratory(profile=True) as lab:
        lab.origin.add("/f", b"x")
        (lab.site / "worker.py").write_text(
            "import trio\n"
            "async def onbackgroundfetchsuccess(event):\n"
            "    try:\n"
            "        await trio.sleep(60 if not await caches.has('tried') else 0)\n"
            "    finally:\n"
            "        print('over')\n"
        )
        window = await lab.window()
        registration = await window.navigator.service_worker.ready
        await registration.background_fetch.fetch("f", "/f")
        await trio.sleep(1)
        await window.caches.open("tried")
        before = list(lab.trace)
        await lab.restart()
        assert lab.trace[: len(before)] == before
        assert lab.trace[len(before)]["kind"] == "agent.open"
        assert before[-1]["kind"] == "event.start"
        # The event was in the middle: it is owed still, and the next one handles it.
        await lab.user_agent.settled()
        assert said(lab) == ["over"]
        with pytest.raises(InvalidStateError):
            await registration.background_fetch.get("f")


async def test_a_restart_needs_a_profile(autojump_clock: object) -> None:
    async with laboratory() as lab:
        with pytest.raises(UsageError, match="profile=True"):
            await lab.restart()
        assert lab.user_agent.background_fetches == []


def test_the_trace_is_the_same_in_any_process() -> None:
    def trace_of(hash_seed: str, *seeds: str) -> list[str]:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            [sys.executable, "-c", SCENARIO, *seeds],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.split("\n\n")[:-1]

    first, other = trace_of("1", "0", "3")
    assert first != other.replace('"seed":3', '"seed":0')
    assert [other, first] == trace_of("2", "3", "0")


def test_the_order_of_tasks_follows_from_the_seed() -> None:
    async def order(seed: int) -> list[int]:
        came: list[int] = []

        async def come(n: int) -> None:
            came.append(n)

        with deterministic_scheduling(seed):
            async with trio.open_nursery() as nursery:
                for n in range(20):
                    nursery.start_soon(come, n)
        return came

    assert run(order, 1) == run(order, 1) != run(order, 2)


def test_trio_has_what_is_needed_by_its_private_names() -> None:
    assert isinstance(getattr(scheduler, _SWITCH), bool)
    assert getattr(scheduler, _GENERATOR).getstate()


def test_the_scheduler_is_given_back_after_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, _SWITCH, False)
    generator = getattr(scheduler, _GENERATOR)
    state = generator.getstate()
    first, second = deterministic_scheduling(1), deterministic_scheduling(2)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert getattr(scheduler, _SWITCH) is True
    second.__exit__(None, None, None)
    assert getattr(scheduler, _SWITCH) is False
    assert generator.getstate() == state


def test_nothing_of_the_scheduler_is_touched_under_a_real_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, _SWITCH, False)

    async def main() -> object:
        async with laboratory():
            return getattr(scheduler, _SWITCH)

    assert trio.run(main) is False
    assert run(main) is True


def test_run_takes_a_clock_of_its_own_or_anothers() -> None:
    async def nap() -> float:
        await trio.sleep(3600)
        return trio.current_time()

    assert run(nap) == 3600
    clock = trio.testing.MockClock(autojump_threshold=0)
    clock.jump(10)
    assert run(nap, clock=clock) == 3610
