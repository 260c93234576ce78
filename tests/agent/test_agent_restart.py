"""A profile on the disk: what a process leaves, the next one takes up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import trio

import swruntime
from swruntime import AbortError, ProfileInUse, WaitingForUser
from swruntime.testing.pattern import Pattern

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

HOME = "http://localhost:8400"

CHECKED = """
import trio
async def onbackgroundfetchsuccess(event):
    for record in await event.registration.match_all():
        body = await (await record.response_ready).bytes()
        print(event.registration.id, len(body), sum(body) % 65521)
"""


def check(pattern: Pattern) -> str:
    body = bytes(pattern)
    return f"{len(body)} {sum(body) % 65521}"


async def test_a_transfer_that_is_left_in_the_middle(lab: Lab, autojump_clock: object) -> None:
    body = Pattern(500_000)
    lab.origin.add("/big", body, stall_after=[200_000], chunk=50_000)
    lab.origin.add("/small", b"small")
    lab.worker(CHECKED)
    async with lab.open(profile=lab.profile) as agent:
        fetch = await lab.manager.fetch("f", ["/small", "/big"], title="Kept", download_total=600_000)
        reading = (await fetch.match("/big")).response_ready
        await trio.sleep(1)
        assert fetch.downloaded == 200_005
    await reading
    assert lab.of("fetch.settle") == []
    lab.lines.clear()
    async with lab.open(profile=lab.profile, ready=False) as agent:
        (shown,) = agent.background_fetches
        assert (shown.id, shown.title, shown.number, shown.download_total) == ("f", "Kept", 1, 600_000)
        assert shown.progress.downloaded == 200_005
        await agent.settled()
        window = await agent.open_window("/")
        assert (await window.navigator.service_worker.ready).active.state == "activated"
        assert window.navigator.service_worker.controller is not None
    lab.said("f 5 " + str(sum(b"small")), f"f {check(body)}")
    lab.one("fetch.start", id="f", fetch=1, requests=(f"{HOME}/small", f"{HOME}/big"))
    lab.one("record.start", index=1, range_start=200_000)
    lab.one("fetch.settle", result="success", downloaded=500_005)
    assert [r.range for r in lab.origin.requests if r.path == "/big"] == [None, "bytes=200000-"]
    assert [r.range for r in lab.origin.requests if r.path == "/small"] == [None]


async def test_what_a_script_still_holds_settles_when_the_agent_closes(
    lab: Lab, autojump_clock: object
) -> None:
    lab.origin.add("/never", delay=1e6)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("f", "/never")
        waiting = (await fetch.match("/never")).response_ready
        asking = lab.window.fetch("/never")
        await trio.sleep(1)
        assert not waiting.settled
        del agent
    with pytest.raises(AbortError):
        await waiting
    with pytest.raises(Exception, match="discarded|ended"):
        await asking
    with pytest.raises(swruntime.InvalidStateError, match="discarded"):
        await lab.manager.fetch("g", "/a")


async def test_between_the_last_byte_and_the_result(lab: Lab, autojump_clock: object) -> None:
    """Every byte is there, but nobody said so yet: nothing is asked for again."""
    lab.origin.add("/a", b"x" * 1000, stall_after=[1000])
    lab.worker(CHECKED)
    async with lab.open(profile=lab.profile):
        await lab.manager.fetch("f", "/a")
        await trio.sleep(1)
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.settled()
    lab.said(f"f 1000 {1000 * ord('x') % 65521}")
    assert len([r for r in lab.origin.requests if r.path == "/a"]) == 1


async def test_a_fetch_that_waited_or_was_paused(lab: Lab, autojump_clock: object) -> None:
    for path in ("/paused", "/offline"):
        lab.origin.add(path, b"abc")
    async with lab.open(profile=lab.profile) as agent:
        agent.network.go_offline()
        await lab.manager.fetch("paused", "/paused")
        await lab.manager.fetch("offline", "/offline")
        await agent.background_fetches[0].pause()
    lab.lines.clear()
    async with lab.open(profile=lab.profile, ready=False) as agent:
        with pytest.raises(WaitingForUser, match="paused"):
            await agent.settled()
        assert [shown.id for shown in agent.background_fetches] == ["paused"]
        assert agent.background_fetches[0].paused
        await agent.background_fetches[0].resume()
        await agent.settled()
    assert [line["id"] for line in lab.of("fetch.settle", result="success")] == ["offline", "paused"]


async def test_permission_is_asked_for_once(lab: Lab, autojump_clock: object) -> None:
    """What the user let pass before goes on, although others would be asked for again."""
    lab.origin.add("/a", b"abc", delay=1e4)
    async with lab.open(profile=lab.profile, permission="prompt") as agent:
        await lab.manager.fetch("let", "/a")
        await agent.background_fetches[0].resume()
        await trio.sleep(1)
    lab.origin.add("/a", b"abc")
    lab.lines.clear()
    async with lab.open(profile=lab.profile, ready=False, permission="prompt") as agent:
        await agent.settled()
    lab.one("fetch.settle", result="success")


async def test_an_owed_event_is_dispatched_by_the_next_process(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"x" * 1000)
    lab.worker(CHECKED.replace("    for", "    await trio.sleep(10)\n    for", 1))
    async with lab.open(profile=lab.profile) as agent:
        fetch = await lab.manager.fetch("f", "/a")
        await trio.sleep(1)
        assert fetch.result == "success"
        (shown,) = agent.background_fetches
        assert shown.owed == "backgroundfetchsuccess"
    lab.one("event.end", name="backgroundfetchsuccess", outcome="interrupted")
    lab.lines.clear()
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.settled()
        assert lab.bodies == 0
    lab.said(f"f 1000 {1000 * ord('x') % 65521}")
    lab.one("event.start", name="backgroundfetchsuccess", attempt=2)
    assert lab.of("record.start") == lab.of("fetch.start") == []


async def test_an_owed_event_waits_for_a_worker_that_runs(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"x" * 1000, delay=5)
    lab.worker(CHECKED)
    async with lab.open(profile=lab.profile) as agent:
        await lab.manager.fetch("f", "/a")
        await agent.terminate_worker(lab.registration)
        lab.worker("nonsense(")
        with pytest.raises(WaitingForUser, match="could not run"):
            await agent.settled()
    for attempt in (2, 3):
        lab.lines.clear()
        async with lab.open(profile=lab.profile, ready=False) as agent:
            with pytest.raises(WaitingForUser, match="could not run"):
                await agent.settled()
            assert lab.bodies == 1000
        lab.one("event.start", name="backgroundfetchsuccess", attempt=attempt)
    lab.worker(CHECKED)
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.settled()
        assert agent.background_fetches == []
        assert lab.bodies == 0
    assert lab.console[-1] == f"f 1000 {1000 * ord('x') % 65521}"


async def test_an_owed_event_without_a_site(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"x" * 1000)
    lab.worker(CHECKED.replace("    for", "    await trio.sleep(10)\n    for", 1))
    async with lab.open(profile=lab.profile):
        await lab.manager.fetch("f", "/a")
        await trio.sleep(1)
    async with lab.open(profile=lab.profile, ready=False, site=None) as agent:
        with pytest.raises(WaitingForUser, match="could not run"):
            await agent.settled()
    assert "SITE" in lab.of("event.end", outcome="interrupted")[-1]["error"]


async def test_interrupted_five_times_it_is_held_until_it_is_dropped(
    lab: Lab, autojump_clock: object
) -> None:
    lab.origin.add("/a", b"x" * 1000)
    lab.worker("import trio\nasync def onbackgroundfetchsuccess(event):\n    await trio.sleep_forever()\n")
    async with lab.open(profile=lab.profile):
        await lab.manager.fetch("f", "/a")
        await trio.sleep(1)
    for _ in range(4):
        async with lab.open(profile=lab.profile, ready=False):
            await trio.sleep(1)
    attempts = [line["attempt"] for line in lab.of("event.start", name="backgroundfetchsuccess")]
    assert attempts == [1, 2, 3, 4, 5]
    async with lab.open(profile=lab.profile, ready=False) as agent:
        with pytest.raises(WaitingForUser, match="held"):
            await agent.settled()
        (shown,) = agent.background_fetches
        assert (shown.held, lab.bodies) == (True, 1000)
        shown.drop()
        await agent.settled()
        assert lab.bodies == 0
    async with lab.open(profile=lab.profile, ready=False) as agent:
        assert agent.background_fetches == []


async def test_an_abort_that_was_answered_stays(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"x" * 1000, stall_after=500)
    lab.worker(
        "import trio\n"
        "async def onbackgroundfetchabort(event):\n"
        "    await trio.sleep(1)\n"
        "    print(event.registration.id, event.registration.failure_reason)\n"
    )
    async with lab.open(profile=lab.profile):
        fetch = await lab.manager.fetch("f", "/a")
        await trio.sleep(1)
        assert await fetch.abort() is True
    lab.lines.clear()
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.settled()
    lab.said("f aborted")
    assert lab.of("record.start") == []


async def test_a_post_is_not_sent_again_by_the_next_process(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/post", b"ok", delay=10)
    async with lab.open(profile=lab.profile):
        await lab.manager.fetch("f", [lab.request("/post", method="POST", body="pay")])
        await trio.sleep(1)
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.settled()
    assert len([r for r in lab.origin.requests if r.path == "/post"]) == 1
    lab.one("fetch.settle", result="failure", failure_reason="fetch-error")


async def test_a_post_that_was_not_sent_yet_is_sent_by_the_next_process(
    lab: Lab, autojump_clock: object
) -> None:
    lab.origin.add("/post", b"ok")
    async with lab.open(profile=lab.profile) as agent:
        agent.network.go_offline()
        await lab.manager.fetch("f", [lab.request("/post", method="POST", body="pay")])
        await trio.sleep(1)
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.settled()
    (sent,) = [r for r in lab.origin.requests if r.path == "/post"]
    assert sent.body == b"pay"
    lab.one("fetch.settle", result="success")


async def test_a_worker_that_waits_for_its_activation(lab: Lab, autojump_clock: object) -> None:
    """The process died between install and activate: the next one activates it."""
    lab.worker(
        "import trio\nasync def onactivate(event):\n    await trio.sleep(10)\n    print('activated')\n"
    )
    async with lab.open(profile=lab.profile):
        await trio.sleep(1)
        assert lab.registration.active.state == "activating"
    async with lab.open(profile=lab.profile) as agent:
        await agent.settled()
        assert lab.registration.active.state == "activated"
        await lab.manager.fetch("f", "/missing")
        await agent.settled()


async def test_a_scope_that_is_registered_again_while_the_old_one_is_in_use(
    lab: Lab, autojump_clock: object
) -> None:
    """Each has background fetches of its own, with ids of their own; a death ends those of the old one."""
    lab.origin.add("/a", Pattern(1000), stall_after=[100])
    lab.worker("def onfetch(event):\n    pass\n")
    async with lab.open(profile=lab.profile) as agent:
        controlled = await agent.open_window("/")  # it keeps the old one in use
        await lab.manager.fetch("f", "/a")
        await lab.registration.unregister()
        registration = await controlled.navigator.service_worker.register("/worker.py")
        assert await agent.until(lambda line: line.get("state") == "activated")
        await registration.background_fetch.fetch("f", "/a")
        assert [shown.number for shown in agent.background_fetches if shown.active] == [1, 2]
        assert (await registration.background_fetch.get_ids()) == ["f"]
        elsewhere = await controlled.navigator.service_worker.register("/worker.py", scope="/b/")
        assert await agent.until(lambda line: line.get("state") == "activated")
        await elsewhere.background_fetch.fetch("f", "/a")
    lab.one("fetch.start", fetch=2, after=1)
    assert "after" not in lab.one("fetch.start", fetch=3)  # nobody had that scope before
    async with lab.open(profile=lab.profile, ready=False) as agent:
        assert [shown.number for shown in agent.background_fetches] == [2, 3]


async def test_an_unregistered_registration_does_not_come_back(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"x" * 1000, stall_after=500)
    async with lab.open(profile=lab.profile) as agent:
        await agent.settled()
        controlled = await agent.open_window("/")
        assert controlled.navigator.service_worker.controller is not None
        await lab.manager.fetch("f", "/a")
        await trio.sleep(1)
        assert await lab.registration.unregister()
    async with lab.open(profile=lab.profile, ready=False) as agent:
        window = await agent.open_window("/")
        assert await window.navigator.service_worker.get_registrations() == []
        assert agent.background_fetches == []
        assert lab.bodies == 0


async def test_caches_stay(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(profile=lab.profile):
        cache = await lab.window.caches.open("kept")
        await cache.put("/a", lab.window.Response(b"x" * 100_000, headers={"X-Kept": "yes"}))
    async with lab.open(profile=lab.profile, ready=False) as agent:
        window = await agent.open_window("/")
        response = await window.caches.match("/a")
        assert (len(await response.bytes()), response.headers.get("X-Kept")) == (100_000, "yes")


async def test_one_agent_at_a_time(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(profile=lab.profile):
        with pytest.raises(ProfileInUse):
            async with swruntime.open_user_agent(profile=lab.profile):
                raise AssertionError
    async with lab.open(profile=lab.profile, ready=False):
        pass


async def test_the_profile_keeps_its_origin(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(profile=lab.profile, ready=False, origin="http://localhost:9999") as agent:
        assert agent.origin == "http://localhost:9999"
    async with lab.open(profile=lab.profile, ready=False) as agent:
        assert agent.origin == "http://localhost:9999"
    with pytest.raises(swruntime.OriginMismatch, match=r"8000.*9999"):
        async with lab.open(profile=lab.profile, ready=False, origin="http://localhost:8000"):
            raise AssertionError


KILLED = """
import os, signal, sys
from pathlib import Path
import trio
import swruntime
from swruntime.testing.origin import Origin
from swruntime.testing.pattern import Pattern

async def main(site, profile):
    origin = Origin()
    origin.add("/big", Pattern(500_000), stall_after=200_000, chunk=50_000)
    async with swruntime.open_user_agent(site=site, profile=profile, network=origin) as agent:
        window = await agent.open_window("/")
        await window.navigator.service_worker.register("/worker.py")
        registration = await window.navigator.service_worker.ready
        fetch = await registration.background_fetch.fetch("f", "/big")
        while fetch.downloaded < 200_000:
            await agent.until(lambda line: line["kind"] == "fetch.progress")
            await trio.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)

trio.run(main, *sys.argv[1:])
"""


async def test_a_process_that_is_killed(lab: Lab, autojump_clock: object) -> None:
    body = Pattern(500_000)
    lab.worker(CHECKED)
    command = [sys.executable, "-c", KILLED, os.fspath(lab.site), os.fspath(lab.profile)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    lab.origin.add("/big", body)
    async with lab.open(profile=lab.profile, ready=False) as agent:
        await agent.settled()
    lab.said(f"f {check(body)}")
    assert [r.range for r in lab.origin.requests] == ["bytes=200000-"]
