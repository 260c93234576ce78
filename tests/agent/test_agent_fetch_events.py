"""Requests of pages go through the worker that controls them; updates wait for the pages they control."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

CACHE_FIRST = """
def onfetch(event):
    print(event.request.method, event.request.url, bool(event.client_id), bool(event.resulting_client_id))
    if "through" in event.request.url:
        return
    event.respond_with(answer(event))

async def answer(event):
    cache = await caches.open("v1")
    found = await cache.match(event.request)
    if found:
        return found
    response = await fetch(event.request)
    await cache.put(event.request, response.clone())
    return response
"""


async def test_a_page_that_is_not_controlled_goes_to_the_network(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    lab.worker(CACHE_FIRST)
    async with lab.open():
        assert lab.window.navigator.service_worker.controller is None
        assert await (await lab.window.fetch("/a")).text() == "aaa"
        assert lab.console == []


async def test_cache_first_survives_the_networks_end(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    lab.origin.add("/through", b"ttt")
    lab.worker(CACHE_FIRST)
    async with lab.open() as agent:
        page = await agent.open_window("/")
        assert page.navigator.service_worker.controller.state == "activated"
        assert await (await page.fetch("/a")).text() == "aaa"
        assert await (await page.fetch("/through")).text() == "ttt"
        agent.network.go_offline()
        again = await page.fetch("/a")
        assert (await again.text(), again.status, again.url, again.type) == (
            "aaa",
            200,
            f"{lab.origin.url}/a",
            "basic",
        )
        with pytest.raises(TypeError, match="offline"):
            await page.fetch("/through")
        # A navigation is answered from the cache as well: it was stored when this page was opened.
        assert (await agent.open_window("/")).navigator.service_worker.controller is not None
    gets = [line for line in lab.console if line.startswith("GET")]
    assert gets[0] == f"GET {lab.origin.url}/ False True"
    assert gets[1] == f"GET {lab.origin.url}/a True False"
    assert [r.path for r in lab.origin.requests].count("/a") == 1


async def test_handled_tells_how_it_ended(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "async def onfetch(event):\n"
        "    if 'bad' in event.request.url:\n"
        "        event.respond_with('bad')\n"
        "    try:\n"
        "        await event.handled\n"
        "        print('handled')\n"
        "    except NetworkError as error:\n"
        "        print(error.name)\n"
    )
    lab.origin.add("/good", b"g")
    async with lab.open() as agent:
        page = await agent.open_window("/")
        lab.lines.clear()
        await page.fetch("/good")
        with pytest.raises(TypeError):
            await page.fetch("/bad")
        await agent.settled()
    lab.said("handled", "NetworkError")


async def test_a_worker_stopped_before_it_answers(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "import trio\nasync def slow():\n    await trio.sleep(100)\ndef onfetch(event): event.respond_with(slow())\n"
    )
    async with lab.open(ready=False) as agent:
        first = await agent.open_window("/outside")
        await first.navigator.service_worker.register("/worker.py")
        registration = await first.navigator.service_worker.ready
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def stop() -> None:
                await trio.sleep(1)
                await agent.terminate_worker(registration)

            page = await agent.open_window("/")
        assert page.navigator.service_worker.controller is not None
    assert lab.one("event.end", name="fetch")["outcome"] == "interrupted"


async def test_a_workers_own_requests_do_not_come_back_to_it(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    lab.worker("def onfetch(event): event.respond_with(fetch('/a'))\n")
    async with lab.open() as agent:
        page = await agent.open_window("/")
        fetch = await (await page.navigator.service_worker.ready).background_fetch.fetch("f", "/a")
        await agent.settled()
        assert fetch.result == "success"
        assert [r.path for r in lab.origin.requests][-2:] == ["/a", "/a"]


async def test_a_new_worker_waits_for_the_page_that_the_old_one_controls(
    lab: Lab, autojump_clock: object
) -> None:
    version = "def onfetch(event): event.respond_with(Response('{}'))\n"
    lab.worker(version.format("one"))
    async with lab.open() as agent:
        page = await agent.open_window("/")
        registration = await page.navigator.service_worker.ready
        old = registration.active
        events: list[str] = []
        registration.onupdatefound = lambda event: events.append("updatefound")
        page.navigator.service_worker.oncontrollerchange = lambda event: events.append("controllerchange")
        old.onstatechange = lambda event: events.append(f"old {event.target.state}")
        assert await registration.update() is registration
        assert registration.waiting is None
        lab.worker(version.format("two"))
        await registration.update()
        await agent.settled()
        waiting: Any = registration.waiting
        assert (registration.active, waiting.state) == (old, "installed")
        await agent.terminate_worker(registration)
        assert await (await page.fetch("/a")).text() == "one"
        page.close()
        await agent.settled()
        newer = await agent.open_window("/")
        assert await (await newer.fetch("/a")).text() == "two"
        await agent.settled()
    assert events == ["updatefound"]
    states = [(line["state"]) for line in lab.of("worker.state")]
    assert states == [
        "installing", "installed", "activating", "activated",
        "installing", "installed", "redundant", "activating", "activated",
    ]  # fmt: skip


async def test_skip_waiting_takes_over_at_once(lab: Lab, autojump_clock: object) -> None:
    version = "def onfetch(event): event.respond_with(Response('{}'))\n"
    lab.worker(version.format("one"))
    async with lab.open() as agent:
        page = await agent.open_window("/")
        registration = await page.navigator.service_worker.ready
        changed: list[object] = []
        page.navigator.service_worker.oncontrollerchange = lambda event: changed.append(
            page.navigator.service_worker.controller.state
        )
        lab.worker(version.format("two") + "async def oninstall(event):\n    await skip_waiting()\n")
        await registration.update()
        await agent.settled()
        assert await (await page.fetch("/a")).text() == "two"
    assert changed == ["activating"]


async def test_a_failed_update_leaves_the_old_worker(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        old = lab.registration.active
        lab.worker("syntax error")
        with pytest.raises(TypeError, match=r"worker\.py:1"):
            await lab.registration.update()
        lab.worker("async def oninstall(event): raise ValueError('no')\n")
        await lab.registration.update()
        await agent.settled()
        assert (lab.registration.active, lab.registration.waiting, lab.registration.installing) == (
            old,
            None,
            None,
        )
