"""The user agent as a whole: its surface, how it ends, determinism, page scripts, fetch() of scripts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio

import swruntime
from swruntime import ScriptError, SiteError, UsageError, WaitingForUser
from swruntime.testing.origin import Origin

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

HOME = "http://localhost:8400"


# How it opens and ends


@pytest.mark.parametrize("ready", [False, True])
def test_an_exception_of_the_body_comes_out_as_it_is(tmp_path: Path, ready: bool) -> None:
    class Mine(Exception):
        pass

    (tmp_path / "worker.py").write_text("")
    origin = Origin()
    origin.add("/a", b"x" * 1000, stall_after=10)

    async def main() -> None:
        async with swruntime.open_user_agent(site=tmp_path, network=origin) as agent:
            if ready:
                window = await agent.open_window("/")
                await window.navigator.service_worker.register("/worker.py")
                registration = await window.navigator.service_worker.ready
                await registration.background_fetch.fetch("f", "/a")
                await trio.sleep(0.1)
            raise Mine from cause

    cause = KeyError("why")
    with pytest.raises(Mine) as caught:
        trio.run(main)
    assert caught.value.__cause__ is cause
    assert caught.value.__context__ is None


async def test_an_exception_group_of_the_body_stays_one(lab: Lab, autojump_clock: object) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with lab.open():
            raise ExceptionGroup("mine", [ValueError("one"), KeyError("two")])
    assert caught.value.message == "mine"
    assert [type(e) for e in caught.value.exceptions] == [ValueError, KeyError]


async def test_cancelling_from_outside(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"x", delay=1e6)
    with trio.move_on_after(10) as scope:
        async with lab.open() as agent:
            await lab.manager.fetch("f", "/a")
            await agent.settled()
    assert scope.cancelled_caught
    assert lab.of("fetch.settle") == []


async def test_two_agents_know_nothing_of_each_other(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as one, lab.open(ready=False) as two:
        await lab.manager.fetch("f", "/missing")
        assert two.background_fetches == []
        window = await two.open_window("/")
        assert await window.navigator.service_worker.get_registrations() == []
        await one.settled()
        await two.settled()


async def test_wrong_options(tmp_path: Path, autojump_clock: object) -> None:
    file = tmp_path / "file"
    file.write_text("")
    wrong: list[tuple[type[Exception], dict[str, Any]]] = [
        (SiteError, {"site": tmp_path / "nowhere"}),
        (SiteError, {"site": file}),
        (UsageError, {"origin": "localhost:8400"}),
        (UsageError, {"origin": "http://localhost/with/path"}),
        (UsageError, {"network": 5}),
        (UsageError, {"proxy": 5}),
        (UsageError, {"proxy": "socks5://proxy.example:1080"}),
        (UsageError, {"give_up": 0}),
        (ValueError, {"permission": "perhaps"}),
    ]
    for error, options in wrong:
        with pytest.raises(error):
            async with swruntime.open_user_agent(**options):
                raise AssertionError(options)


async def test_settled_with_nothing_to_wait_for(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(ready=False) as agent:
        await agent.settled()
        assert agent.background_fetches == []
    assert [line["kind"] for line in lab.lines] == ["agent.open"]


async def test_settled_waits_for_what_was_begun_and_not_awaited(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")

    async def slow_body() -> Any:
        await trio.sleep(5)
        yield b"x"

    async with lab.open() as agent:
        promise = lab.manager.fetch("f", [lab.request("/a", method="POST", body=slow_body())])
        await agent.settled()
        assert promise.settled
    lab.one("fetch.settle", result="success")


async def test_settled_lists_only_what_waits(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa", delay=50)
    lab.origin.add("/done", b"aaa")
    async with lab.open() as agent:
        await lab.manager.fetch("paused", ["/done", "/a"])
        await lab.manager.fetch("running", "/a")
        await trio.sleep(1)
        await agent.background_fetches[0].pause()
        with pytest.raises(WaitingForUser) as caught:
            await agent.settled()
        assert caught.value.waiting == (f"background fetch 'paused': {HOME}/a waits: paused",)
        assert 50 <= lab.one("fetch.settle", id="running")["time"] < 52
        assert "\n" in str(caught.value)


async def test_until(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/a")
        line = await agent.until(lambda line: line["kind"] == "fetch.release")
        assert line["id"] == "f"
        with trio.move_on_after(5) as scope:
            await agent.until(lambda line: False)
        assert scope.cancelled_caught
        assert len(agent.trace.sinks) == 1


async def test_terminating_what_is_no_registration(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        with pytest.raises(TypeError, match="ServiceWorkerRegistration"):
            agent.terminate_worker("worker.py")


# Page scripts


async def test_a_page_script(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    lab.worker(
        "async def main():\n"
        "    await navigator.service_worker.register('/worker.py')\n"
        "    registration = await navigator.service_worker.ready\n"
        "    fetch = await registration.background_fetch.fetch('f', ['/a'], title='From a page')\n"
        "    print(fetch.id, location.pathname, window is self)\n"
        "    return fetch\n",
        "page.py",
    )
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/deep/page?x")
        fetch = await window.run("/page.py")
        await agent.settled()
        assert fetch.result == "success"
    assert lab.console[0] == "f /deep/page True"


async def test_page_scripts_that_fail(lab: Lab, autojump_clock: object) -> None:
    lab.worker("async def main():\n    await caches.open(5)\n", "rejects.py")
    lab.worker("nonsense(\n", "syntax.py")
    lab.worker("def main(): pass\n", "plain.py")
    lab.worker("caches.open(5)\nx = 1\n", "unawaited.py")
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        with pytest.raises(ScriptError, match="cache_name") as caught:
            await window.run("/rejects.py")
        assert caught.value.where == "rejects.py:2"
        with pytest.raises(ScriptError) as caught:
            await window.run("/syntax.py")
        assert caught.value.where == "syntax.py:1"
        with pytest.raises(ScriptError, match="async def"):
            await window.run("/plain.py")
        with pytest.raises(SiteError):
            await window.run("/nowhere.py")
        await window.run("/unawaited.py")
    told = lab.one("diagnostic", code="unhandled-rejection")
    assert told["where"] == "unawaited.py:1"


async def test_closing_a_window(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa", delay=10)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("f", "/a")
        record = await fetch.match("/a")
        lab.window.close()
        with pytest.raises(swruntime.InvalidStateError, match="closed"):
            await fetch.match("/a")
        with pytest.raises(swruntime.InvalidStateError):
            await lab.manager.get("f")
        await agent.settled()
        # The operation behind it went on; it was the realm that ended.
        assert (await record.response_ready).status == 200
        assert fetch.result == ""
    lab.one("fetch.settle", result="success")


# fetch() of scripts


async def test_fetch_of_scripts(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"x" * 200_000)
    lab.origin.add("/echo", lambda request: request.body)
    lab.origin.add("/never", delay=1e6)
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        assert len(await (await window.fetch("/a")).bytes()) == 200_000
        assert (await window.fetch("/missing")).status == 404
        assert await (await window.fetch("/echo", method="POST", body="ping")).text() == "ping"
        with pytest.raises(TypeError, match="dns"):
            await window.fetch("http://nowhere.example/")
        agent.network.go_offline()
        with pytest.raises(TypeError, match="offline"):
            await window.fetch("/a")
        agent.network.go_online()
        controller = window.AbortController()
        promise = window.fetch("/never", signal=controller.signal)
        await trio.sleep(1)
        controller.abort()
        with pytest.raises(swruntime.AbortError):
            await promise
        with pytest.raises(swruntime.AbortError):
            await window.fetch("/a", signal=controller.signal)
        half = await window.fetch("/a")
        await half.body.cancel()
        await agent.settled()


async def test_fetch_of_a_worker_that_is_stopped(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/never", delay=1e6)
    lab.worker("async def onbackgroundfetchfail(event):\n    await fetch('/never')\n")
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/missing")
        for _ in range(5):
            await trio.sleep(1)
            await agent.terminate_worker(lab.registration)
        with pytest.raises(WaitingForUser, match="held"):
            await agent.settled()


# Determinism

SCENARIO = """
import sys
import trio
import swruntime
from swruntime.network.conditions import Conditions
from swruntime.testing.origin import Origin
from swruntime.testing.pattern import Pattern
from swruntime.trace import to_json

async def scenario(site, lines):
    origin = Origin()
    for index in range(20):
        origin.add(f"/r{index}", Pattern(10_000 * index, seed=index), drop_after=[5_000, None], chunk=1000)
    origin.add("/busy", responses=[{"retry_after": 5}, {"body": b"abc"}])
    async with swruntime.open_user_agent(site=site, network=origin, seed=7, on_trace=lines.append) as agent:
        window = await agent.open_window("/")
        await window.navigator.service_worker.register("/worker.py")
        registration = await window.navigator.service_worker.ready
        agent.network.conditions = Conditions("slow", latency=0.05, download=1_000_000)
        await registration.background_fetch.fetch("many", [f"/r{i}" for i in range(20)], title="Many")
        await registration.background_fetch.fetch("busy", ["/busy", "/missing", "http://nowhere.example/"])
        await trio.sleep(0.5)
        agent.network.go_offline()
        await trio.sleep(60)
        agent.network.go_online()
        aborted = await registration.background_fetch.fetch("aborted", ["/r19", "/r18"])
        await trio.sleep(0.3)
        await aborted.abort()
        await agent.settled()

def trace(site, seed=0):
    trio._core._run._ALLOW_DETERMINISTIC_SCHEDULING = True
    trio._core._run._r.seed(seed)
    lines = []
    clock = trio.testing.MockClock(autojump_threshold=0)
    trio.run(scenario, site, lines, clock=clock)
    return [to_json(line) for line in lines]
"""


def test_the_same_scenario_gives_the_same_trace(tmp_path: Path) -> None:
    (tmp_path / "worker.py").write_text(
        "async def keep(event):\n"
        "    cache = await caches.open('kept')\n"
        "    for record in await event.registration.match_all():\n"
        "        try:\n"
        "            await cache.put(record.request, await record.response_ready)\n"
        "        except (DOMException, TypeError) as error:\n"
        "            print(error)\n"
        "onbackgroundfetchsuccess = onbackgroundfetchfail = onbackgroundfetchabort = keep\n"
    )
    run = SCENARIO + "import trio.testing\nprint('\\n'.join(trace(sys.argv[1])))\n"
    traces = []
    for hash_seed in ("0", "1", "17"):
        done = subprocess.run(
            [sys.executable, "-c", run, os.fspath(tmp_path)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
            timeout=120,
        )
        traces.append(done.stdout)
    assert traces[0].count(b"\n") > 100
    assert traces[0] == traces[1] == traces[2]
