"""abort(), by the script and by the user; pause and resume; the permission."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from swruntime import AbortError, NotAllowedError, WaitingForUser

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

HOME = "http://localhost:8400"


def slow(lab: Lab) -> None:
    """A file that is there at once, and one that stalls in the middle."""
    lab.origin.add("/done", b"done")
    lab.origin.add("/big", b"x" * 100_000, stall_after=(60_000,), chunk=10_000)


async def test_abort_in_the_middle(lab: Lab, autojump_clock: object) -> None:
    slow(lab)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("mid", ["/done", "/big"])
        record = await fetch.match("/big")
        response = await record.response_ready
        await trio.sleep(1)
        assert await fetch.abort() is True
        assert await fetch.abort() is False
        with pytest.raises(AbortError):
            await response.bytes()
        assert await lab.manager.get("mid") is None
        await agent.settled()
        assert (fetch.result, fetch.failure_reason, fetch.downloaded) == ("failure", "aborted", 60_004)
        assert await fetch.abort() is False
    lab.said("backgroundfetchabort mid failure aborted", "{}/done 200 4", "{}/big AbortError")
    lab.one("record.settle", index=1, result="aborted", cause="aborted", bytes=60_000)
    lab.one("fetch.settle", result="failure", failure_reason="aborted", cause="script")


async def test_abort_before_any_byte(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("now", ["/a", "/b"])
        assert await fetch.abort() is True
        await agent.settled()
        assert (fetch.result, fetch.downloaded) == ("failure", 0)
    lab.said("backgroundfetchabort now failure aborted", "{}/a AbortError", "{}/b AbortError")
    assert [request for request in lab.origin.requests if request.path == "/a"] == []


async def test_two_aborts_at_once_one_of_which_is_true(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("twice", "/a")
        first, second = fetch.abort(), fetch.abort()
        assert [await first, await second] == [True, False]
        await agent.settled()
    assert len(lab.of("fetch.settle")) == 1


async def test_the_user_aborts(lab: Lab, autojump_clock: object) -> None:
    slow(lab)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("user", ["/done", "/big"])
        await trio.sleep(1)
        (shown,) = agent.background_fetches
        assert await shown.abort() is True
        assert await shown.abort() is False
        await agent.settled()
        assert (fetch.result, fetch.failure_reason) == ("failure", "aborted")
        assert agent.background_fetches == []
    lab.one("fetch.settle", cause="user", failure_reason="aborted")
    assert len(lab.of("user.action", action="abort", id="user")) == 2


async def test_abort_of_a_paused_one(lab: Lab, autojump_clock: object) -> None:
    slow(lab)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("paused", ["/done", "/big"])
        await trio.sleep(1)
        assert await agent.background_fetches[0].pause() is True
        assert await fetch.abort() is True
        await agent.settled()
    lab.said("backgroundfetchabort paused failure aborted", "{}/done 200 4", "{}/big AbortError")


async def test_an_abort_goes_before_a_failure_that_was_noted(lab: Lab, autojump_clock: object) -> None:
    slow(lab)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("both", ["/missing", "/big"])
        await trio.sleep(1)
        await fetch.abort()
        await agent.settled()
        assert fetch.failure_reason == "aborted"
    lab.said("backgroundfetchabort both failure aborted", "{}/missing 404 0", "{}/big AbortError")


async def test_pause_and_resume(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/big", bytes(range(250)) * 400, stall_after=[60_000, None], chunk=10_000)
    lab.worker(
        "async def onbackgroundfetchsuccess(event):\n"
        "    record = await event.registration.match('/big')\n"
        "    print(await (await record.response_ready).bytes() == bytes(range(250)) * 400)\n"
    )
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("pause", "/big")
        await trio.sleep(1)
        shown = agent.background_fetches[0]
        assert await shown.resume() is False
        assert await shown.pause() is True
        assert await shown.pause() is False
        assert shown.paused
        assert fetch.result == ""
        assert [(r.state, r.wait, r.downloaded) for r in shown.records] == [("paused", "paused", 60_000)]
        with pytest.raises(WaitingForUser, match=r"'pause': http://localhost:8400/big waits: paused"):
            await agent.settled()
        await trio.sleep(3600)
        assert await shown.resume() is True
        await agent.settled()
        assert fetch.result == "success"
    lab.said("True")
    assert [r.range for r in lab.origin.requests if r.path == "/big"] == [None, "bytes=60000-"]
    lab.one("fetch.pause", cause="user")
    lab.one("fetch.resume", cause="user")
    lab.one("record.wait", reason="paused", until=None)


async def test_pause_while_records_queue_and_wait(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/r", b"x", delay=1)
    async with lab.open() as agent:
        paths = ["http://nowhere.example/", *(f"/r?{i}" for i in range(10))]
        fetch = await lab.manager.fetch("queue", paths)
        await trio.sleep(0.5)
        shown = agent.background_fetches[0]
        assert await shown.pause() is True
        assert {r.wait for r in shown.records} == {"paused"}
        await trio.sleep(100)
        assert await shown.resume() is True
        await trio.sleep(0.5)
        assert await shown.pause() is True
        await trio.sleep(1000)
        await shown.resume()
        await agent.settled()
        assert (fetch.failure_reason, fetch.downloaded) == ("fetch-error", 10)


async def test_a_post_in_flight_is_not_paused(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/post", b"ok", delay=5)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("post", [lab.request("/post", method="POST", body="data")])
        await trio.sleep(1)
        assert await agent.background_fetches[0].pause() is False
        assert not agent.background_fetches[0].paused
        await agent.settled()
        assert fetch.result == "success"
    assert lab.of("fetch.pause") == []


async def test_a_post_that_waits_for_its_turn_is_paused(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/post", b"ok")
    async with lab.open() as agent:
        agent.network.go_offline()
        fetch = await lab.manager.fetch("post", [lab.request("/post", method="POST", body="data")])
        assert await agent.background_fetches[0].pause() is True
        agent.network.go_online()
        await trio.sleep(10)
        assert [r.path for r in lab.origin.requests] == ["/"]
        await agent.background_fetches[0].resume()
        await agent.settled()
        assert (fetch.result, fetch.uploaded) == ("success", 4)


async def test_permission_denied(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(permission="denied") as agent:
        with pytest.raises(NotAllowedError):
            await lab.manager.fetch("denied", "/a")
        agent.permissions.set("granted")
        await lab.manager.fetch("granted", "/a")
        await agent.settled()
    assert [line["id"] for line in lab.of("fetch.start")] == ["granted"]


async def test_permission_that_is_asked_for_and_given(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    async with lab.open(permission="prompt") as agent:
        fetch = await lab.manager.fetch("prompt", ["/a", lab.request("/a", method="POST", body="x")])
        with pytest.raises(WaitingForUser, match="permission"):
            await agent.settled()
        assert {line["reason"] for line in lab.of("record.wait")} == {"permission"}
        lab.one("fetch.pause", cause="permission")
        assert len(lab.origin.requests) == 1
        assert await agent.background_fetches[0].resume() is True
        await agent.settled()
        assert fetch.result == "success"
    lab.one("fetch.resume", cause="user")


async def test_permission_that_is_asked_for_and_refused(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(permission="prompt") as agent:
        fetch = await lab.manager.fetch("prompt", "/a")
        with pytest.raises(WaitingForUser):
            await agent.settled()
        assert await agent.background_fetches[0].abort() is True
        await agent.settled()
        assert fetch.failure_reason == "aborted"
    lab.said("backgroundfetchabort prompt failure aborted", "{}/a AbortError")


async def test_unregistering_ends_without_an_event(lab: Lab, autojump_clock: object) -> None:
    slow(lab)
    async with lab.open() as agent:
        fetch = await lab.manager.fetch("gone", ["/done", "/big"])
        record = await fetch.match("/big")
        await trio.sleep(1)
        assert await lab.registration.unregister() is True
        assert await lab.registration.unregister() is False
        await agent.settled()
        assert (fetch.result, fetch.failure_reason, fetch.records_available) == ("failure", "aborted", False)
        with pytest.raises(AbortError):
            await (await record.response_ready).bytes()
        assert await fetch.abort() is False
        with pytest.raises(TypeError, match="no active worker"):
            await lab.manager.fetch("again", "/done")
        assert agent.background_fetches == []
        assert lab.bodies == 0
    assert lab.console == []
    lab.one("fetch.release", cause="unregistered")
    lab.one("worker.state", state="redundant")


async def test_an_earlier_registration_does_not_take_what_a_later_keeps_that_is_unregistered_in_use(
    lab: Lab, autojump_clock: object
) -> None:
    """Both are in use when they are unregistered; the earlier one is cleared while the later one's event is owed."""
    lab.origin.add("/late", b"content", delay=5)
    async with lab.open() as agent:
        earlier_page = lab.window
        later_page = await agent.open_window("/")
        await lab.registration.unregister()
        await earlier_page.navigator.service_worker.register("/worker.py")
        await agent.settled()
        later = await earlier_page.navigator.service_worker.get_registration()
        user = await agent.open_window("/")
        await later.background_fetch.fetch("late", "/late")
        await later.unregister()
        earlier_page.close()
        later_page.close()
        await agent.settled()
        lab.said("backgroundfetchsuccess late success ", "{}/late 200 7")
        user.close()
        await agent.settled()
        await trio.testing.wait_all_tasks_blocked()
        assert agent.storage.estimate().usage == 0
