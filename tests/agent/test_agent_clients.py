"""Windows as workers see them: found, claimed, focused, opened, navigated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

CLICKED = """
async def onbackgroundfetchclick(event):
    {}
"""


async def click(lab: Lab, body: str) -> None:
    """Let a worker do `body` while a click is handled."""
    lab.worker(CLICKED.format(body.replace("\n", "\n    ")))
    lab.origin.add("/a", b"aaa", delay=5)
    async with lab.open() as agent:
        lab.window.close()
        lab.window = await agent.open_window("/page")
        registration = await lab.window.navigator.service_worker.ready
        await registration.background_fetch.fetch("f", "/a")
        await agent.background_fetches[0].click()
        await agent.settled()


async def test_match_all_and_get(lab: Lab, autojump_clock: object) -> None:
    await click(
        lab,
        "found = await clients.match_all()\n"
        "print([(c.url, c.type, c.frame_type, c.focused, c.visibility_state) for c in found])\n"
        "again = await clients.get(found[0].id)\n"
        "print(again is not found[0], again.id == found[0].id, await clients.get('nothing'))\n"
        "print(len(await clients.match_all(type='worker')), isinstance(again, WindowClient))\n",
    )
    lab.said(
        f"[('{lab.origin.url}/page', 'window', 'top-level', False, 'visible')]", "True True None", "0 True"
    )


async def test_uncontrolled_pages_are_found_when_asked_for(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "async def onactivate(event):\n"
        "    print(len(await clients.match_all()), len(await clients.match_all(include_uncontrolled=True)))\n"
        "    await clients.claim()\n"
        "    print(len(await clients.match_all()))\n"
    )
    async with lab.open() as agent:
        changed: list[object] = []
        container = lab.window.navigator.service_worker
        container.oncontrollerchange = lambda event: changed.append(container.controller.state)
        await agent.settled()
        assert changed == ["activating"]
        assert container.controller.state == "activated"
    lab.said("0 1", "1")


async def test_claim_by_a_worker_that_is_not_active(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "async def oninstall(event):\n"
        "    try:\n        await clients.claim()\n"
        "    except InvalidStateError as error:\n        print(error.name)\n"
    )
    async with lab.open():
        lab.said("InvalidStateError")


async def test_open_focus_and_navigate(lab: Lab, autojump_clock: object) -> None:
    await click(
        lab,
        "opened = await clients.open_window('/opened')\n"
        "print(opened.url, (await opened.focus()).focused)\n"
        "print([c.url for c in await clients.match_all()])\n"
        "gone = await opened.navigate('/elsewhere')\n"
        "print(gone.url, gone.id != opened.id, await clients.get(opened.id))\n"
        "print(await clients.open_window('http://other.example/'))\n",
    )
    home = lab.origin.url
    lab.said(
        f"{home}/opened True",
        f"['{home}/opened', '{home}/page']",
        f"{home}/elsewhere True None",
        "None",
    )


@pytest.mark.parametrize(
    "call", ["clients.open_window('/x')", "(await clients.match_all(include_uncontrolled=True))[0].focus()"]
)
async def test_windows_only_after_a_click(lab: Lab, call: str, autojump_clock: object) -> None:
    lab.worker(
        f"async def onactivate(event):\n    try:\n        await {call}\n    except InvalidAccessError as e:\n        print(e.name)\n"
    )
    async with lab.open() as agent:
        await agent.settled()
        lab.said("InvalidAccessError")


async def test_a_page_of_another_worker_is_not_navigated(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "async def onactivate(event):\n"
        "    page = (await clients.match_all(include_uncontrolled=True))[0]\n"
        "    try:\n        await page.navigate('/x')\n"
        "    except TypeError as error:\n        print(error)\n"
    )
    async with lab.open() as agent:
        await agent.settled()
        (text,) = lab.console
        assert "not controlled by this worker" in text


async def test_navigation_preload(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "async def onactivate(event):\n"
        "    await registration.navigation_preload.enable()\n"
        "    await registration.navigation_preload.set_header_value('yes')\n"
        "def onfetch(event):\n"
        "    event.respond_with(event.preload_response)\n"
    )
    lab.origin.add("/", b"home")
    async with lab.open() as agent:
        await agent.settled()
        state = await lab.registration.navigation_preload.get_state()
        assert (state.enabled, state.header_value) == (True, "yes")
        before = len(lab.origin.requests)
        await agent.open_window("/")
        (request,) = lab.origin.requests[before:]
        assert request.headers["service-worker-navigation-preload"] == "yes"
        await lab.registration.navigation_preload.disable()
        with pytest.raises(TypeError):
            await lab.registration.navigation_preload.set_header_value("a\nb")
