"""Registering a worker: what it takes, what can go wrong, and who says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from swruntime import SecurityError

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

HOME = "http://localhost:8400"


async def test_from_register_to_ready(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "async def oninstall(event):\n    print('install', event.type, registration.installing.state)\n"
        "async def onactivate(event):\n    print('activate', registration.active.state)\n"
    )
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        container = window.navigator.service_worker
        assert container.ready is container.ready
        assert await container.get_registration() is None
        registration = await container.register("/worker.py")
        assert registration.scope == f"{HOME}/"
        assert registration.installing.state == "installing"
        assert await container.ready is registration
        assert registration.active.script_url == f"{HOME}/worker.py"
        await agent.settled()
        assert registration.active.state == "activated"
        assert await container.get_registration("/deep/page") is registration
        assert await container.get_registrations() == [registration]
        # A page that was there before is not controlled; one that comes later is.
        assert container.controller is None
        later = await agent.open_window("/later")
        assert later.navigator.service_worker.controller.state == "activated"
    lab.said("install install installing", "activate activating")
    assert [line["state"] for line in lab.of("worker.state")] == [
        "installing",
        "installed",
        "activating",
        "activated",
    ]


async def test_fetch_before_there_is_an_active_worker(lab: Lab, autojump_clock: object) -> None:
    lab.worker("import trio\nasync def oninstall(event):\n    await trio.sleep(5)\n")
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        registration = await window.navigator.service_worker.register("/worker.py")
        with pytest.raises(TypeError, match=r"no active worker; await service_worker\.ready"):
            await registration.background_fetch.fetch("f", "/a")
        await window.navigator.service_worker.ready
        await registration.background_fetch.fetch("f", "/a")
        await agent.settled()


async def test_registering_the_same_again(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        again = await lab.window.navigator.service_worker.register("/worker.py")
        assert again is lab.registration
        await agent.settled()
    assert len(lab.of("worker.start")) == 1


@pytest.mark.parametrize(
    ("script", "where"),
    [
        ("x = 1\nthis is no Python\n", "worker.py:2"),
        ("x = 1\n\nraise ValueError('at the top')\n", "worker.py:3"),
        ("import broken\n", "broken.py:2"),
        ("import nowhere_to_be_found\n", "worker.py:1"),
    ],
)
async def test_a_script_that_fails(lab: Lab, autojump_clock: object, script: str, where: str) -> None:
    lab.worker(script)
    lab.worker("y = 2\nundefined_name\n", "broken.py")
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        with pytest.raises(TypeError, match=where):
            await window.navigator.service_worker.register("/worker.py")
        assert await window.navigator.service_worker.get_registration() is None
        (error,) = agent.script_errors
        assert error.where == where
        lab.one("console", level="error", where=where)
        # Mended, it goes.
        lab.worker("")
        await window.navigator.service_worker.register("/worker.py")
        await window.navigator.service_worker.ready


async def test_without_a_site_there_is_no_script(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(ready=False, site=None) as agent:
        window = await agent.open_window("/")
        with pytest.raises(TypeError, match="SITE"):
            await window.navigator.service_worker.register("/worker.py")


async def test_a_script_cannot_end_the_process(lab: Lab, autojump_clock: object) -> None:
    lab.worker("import sys\nsys.exit(3)\n")
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        with pytest.raises(TypeError, match=r"SystemExit"):
            await window.navigator.service_worker.register("/worker.py")


@pytest.mark.parametrize("how", ["raise ValueError('no')", "event.wait_until(refuse())"])
async def test_a_rejected_install(lab: Lab, autojump_clock: object, how: str) -> None:
    lab.worker(f"async def refuse():\n    raise ValueError('no')\ndef oninstall(event):\n    {how}\n")
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        registration = await window.navigator.service_worker.register("/worker.py")
        await agent.settled()
        assert registration.installing is registration.waiting is registration.active is None
        assert await window.navigator.service_worker.get_registration() is None
        with pytest.raises(TypeError, match="no active worker"):
            await registration.background_fetch.fetch("f", "/a")
        assert [str(error) for error in agent.script_errors] == ["ValueError: no"]
    lab.one("event.end", name="install", outcome="rejected", error="ValueError: no")
    assert [line["state"] for line in lab.of("worker.state")] == ["installing", "redundant"]


async def test_a_worker_stopped_in_its_install(lab: Lab, autojump_clock: object) -> None:
    lab.worker("import trio\nasync def oninstall(event):\n    await trio.sleep(10)\n")
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        registration = await window.navigator.service_worker.register("/worker.py")
        await trio.sleep(1)
        await agent.terminate_worker(registration)
        await agent.settled()
        assert await window.navigator.service_worker.get_registration() is None
    lab.one("event.end", name="install", outcome="interrupted")


async def test_scopes_and_origins(lab: Lab, autojump_clock: object) -> None:
    (lab.site / "deep").mkdir()
    lab.worker("", "deep/worker.py")
    async with lab.open() as agent:
        container = lab.window.navigator.service_worker
        with pytest.raises(SecurityError):
            await container.register("/deep/worker.py", scope="/")
        with pytest.raises(SecurityError):
            await container.register("http://elsewhere.example/worker.py")
        with pytest.raises(TypeError):
            await container.register("http://[bad/worker.py")
        with pytest.raises(TypeError):
            await container.register("/worker.py", type="other")
        deep = await container.register("/deep/worker.py")
        assert deep.scope == f"{HOME}/deep/"
        await agent.settled()
        page = await agent.open_window("/deep/page")
        assert (await page.navigator.service_worker.ready).scope == f"{HOME}/deep/"


async def test_a_page_that_is_not_secure(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(ready=False, origin="http://insecure.example") as agent:
        window = await agent.open_window("/")
        with pytest.raises(SecurityError, match="not secure"):
            await window.navigator.service_worker.register("/worker.py")
