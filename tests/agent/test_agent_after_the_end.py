"""The user's controls on what is over: a background fetch, a notification, a window, a registration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from swruntime import InvalidStateError

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

ENDS = ("success", "failure", "abort", "drop", "unregister")


async def ended(lab: Lab, how: str) -> Any:
    """A background fetch that has ended so, and is released."""
    lab.origin.add("/a", b"a")
    lab.origin.add("/slow", b"x" * 1000, stall_after=(500,))
    urls = {"success": "/a", "failure": "/missing"}.get(how, "/slow")
    await lab.manager.fetch("f", urls)
    (fetch,) = lab.agent.background_fetches
    if how == "abort":
        assert await fetch.abort() is True
    elif how == "drop":
        await fetch.pause()
        fetch.drop()
    elif how == "unregister":
        await lab.registration.unregister()
        lab.window.close()
    await lab.agent.settled()
    assert lab.agent.background_fetches == []
    return fetch


@pytest.mark.parametrize("how", ENDS)
async def test_what_has_ended_answers_false(lab: Lab, autojump_clock: object, how: str) -> None:
    async with lab.open() as agent:
        fetch = await ended(lab, how)
        assert [await fetch.pause(), await fetch.resume(), await fetch.abort()] == [False, False, False]
        fetch.drop()
        assert await fetch.click() is None
        await agent.settled()
    assert lab.of("event.start", name="backgroundfetchclick") == []
    assert len(lab.of("fetch.release")) == 1


@pytest.mark.parametrize("how", ENDS)
async def test_it_shows_what_it_was_at_last(lab: Lab, autojump_clock: object, how: str) -> None:
    async with lab.open():
        fetch = await ended(lab, how)
        result = "success" if how == "success" else "failure"
        assert (fetch.id, fetch.scope, fetch.origin) == (
            "f",
            "http://localhost:8400/",
            "http://localhost:8400",
        )
        assert (fetch.progress.result, fetch.progress.records_available) == (result, False)
        (record,) = fetch.records
        assert record.result == {"success": "success", "failure": "bad-status"}.get(how, "aborted")
        assert (fetch.active, fetch.paused, fetch.held, fetch.owed, fetch.waits()) == (
            False,
            False,
            False,
            "",
            [],
        )
        assert "f" in repr(fetch)


async def test_the_display_is_changed_after_the_user_gave_it_up(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "import trio\n"
        "async def onbackgroundfetchsuccess(event):\n"
        "    await trio.sleep(10)\n"
        "    await event.update_ui(title='done')\n"
        "    print('changed')\n"
    )
    lab.origin.add("/a", b"a")
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/a")
        await agent.until(lambda line: line["kind"] == "event.start" and line["id"] == "f")
        (fetch,) = agent.background_fetches
        fetch.drop()
        await agent.settled()
        assert fetch.title == ""
    lab.said("changed")


async def test_a_window_that_is_closed(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        window = await agent.open_window("/")
        window.close()
        window.close()
        window.focus()
        with pytest.raises(InvalidStateError, match="was discarded: the window was closed"):
            await window.run("/page.py")
        with pytest.raises(InvalidStateError, match="was discarded: the window was closed"):
            await window.navigate("/elsewhere")
        assert window.location.href == "http://localhost:8400/"
        assert len(agent.clients.all()) == 1


async def test_a_registration_that_is_gone(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        concept = lab.registration._concept
        assert await lab.registration.unregister() is True
        assert await lab.registration.unregister() is False
        lab.window.close()
        await agent.settled()
        assert await agent.terminate_worker(concept) is False
        assert await agent.registrations.unregister(concept) is False
        controls: tuple[Callable[[], Awaitable[object]], ...] = (
            lambda: agent.sync(concept, "t"),
            lambda: agent.periodic_sync(concept, "t"),
            lambda: agent.push(concept),
            lambda: agent.expire_push_subscription(concept),
            lambda: agent.refresh_push_subscription(concept),
            lambda: agent.registrations.update(concept),
        )
        for control in controls:
            with pytest.raises(InvalidStateError):
                await control()


async def test_a_notification_that_is_gone(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        await lab.registration.show_notification("n", tag="t")
        (shown,) = agent.notifications
        await lab.registration.show_notification("n2", tag="t")
        assert shown.shown is False
        assert await shown.close() is None
        with pytest.raises(InvalidStateError, match="not shown any more"):
            await shown.click()
        assert (shown.title, shown.tag, shown.scope) == ("n", "t", "http://localhost:8400/")
