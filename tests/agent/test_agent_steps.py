"""Steps of Service Workers that neither the flows of test_agent_updates.py nor the other tests show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from swruntime import InvalidStateError
from swruntime.agent.registrations import STALE

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

SLOW_INSTALL = "import trio\nasync def oninstall(event):\n    await trio.sleep(10)\n"


def starts(lab: Lab) -> list[str]:
    """Why workers were started, in order."""
    return [line["reason"] for line in lab.of("worker.start")]


# Jobs


async def test_equal_jobs_are_answered_together(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        one, other = container.register("/worker.py"), container.register("/worker.py")
        assert await one is await other
        await agent.settled()
    assert starts(lab) == ["install"]


async def test_jobs_of_a_scope_run_one_after_the_other(lab: Lab, autojump_clock: object) -> None:
    lab.worker(SLOW_INSTALL)
    lab.worker("", "other.py")
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        first = await container.register("/worker.py")
        # Another script for the same scope waits until the install before it is done with; another scope does not.
        second = container.register("/other.py", scope="/")
        await container.register("/other.py", scope="/apart/")
        await trio.sleep(5)
        assert not second.settled
        assert await second is first
        await agent.settled()
        assert first.active.script_url.endswith("/other.py")


async def test_equal_jobs_are_rejected_together(lab: Lab, autojump_clock: object) -> None:
    lab.worker("raise ValueError('no')\n")
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        for promise in [container.register("/worker.py"), container.register("/worker.py")]:
            with pytest.raises(TypeError, match="no"):
                await promise


async def test_an_answered_job_answers_for_no_other(lab: Lab, autojump_clock: object) -> None:
    lab.worker(SLOW_INSTALL)
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        registration = await container.register("/worker.py")
        again = container.register("/worker.py")
        await trio.sleep(5)
        assert (again.settled, registration.installing.state) == (False, "installing")
        assert await again is registration
        await agent.settled()


async def test_unregistering_what_is_unregistered(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        page = await agent.open_window("/")
        assert [await lab.registration.unregister(), await lab.registration.unregister()] == [True, False]
        # The page still uses it, so it has a worker yet.
        assert page.navigator.service_worker.controller is not None
        with pytest.raises(TypeError, match="not registered"):
            await lab.registration.update()


async def test_an_update_after_another_script_was_registered(lab: Lab, autojump_clock: object) -> None:
    lab.worker("", "other.py")
    async with lab.open() as agent:
        container = lab.window.navigator.service_worker
        # Both wait in the queue; the update is for the script that was the newest when it was asked for.
        other = container.register("/other.py", scope="/")
        update = lab.registration.update()
        await other
        with pytest.raises(TypeError, match="not the newest worker"):
            await update
        await agent.settled()


# Register and Update


async def test_another_type_is_another_worker(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        before = lab.registration.active
        await lab.window.navigator.service_worker.register("/worker.py", type="module")
        await agent.settled()
        assert (lab.registration.active is before, before.state) == (False, "redundant")


async def test_another_update_mode_is_noted_and_kept(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(profile=lab.profile) as agent:
        await agent.settled()
        before = lab.registration.active
        await lab.window.navigator.service_worker.register("/worker.py", update_via_cache="none")
        await agent.settled()
        assert (lab.registration.update_via_cache, lab.registration.active) == ("none", before)
        # An update on its own leaves it as it is.
        await lab.registration.update()
        assert lab.registration.update_via_cache == "none"
    async with lab.open(ready=False, profile=lab.profile) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        assert (await container.get_registration()).update_via_cache == "none"


async def test_a_module_that_changed_is_an_update(lab: Lab, autojump_clock: object) -> None:
    lab.worker("import part\n")
    lab.worker("x = 1\n", "part.py")
    async with lab.open() as agent:
        before = lab.registration.active
        lab.worker("x = 1\n", "unused.py")
        await lab.registration.update()
        assert lab.registration.installing is None
        lab.worker("x = 2\n", "part.py")
        await lab.registration.update()
        await agent.settled()
        assert lab.registration.active is not before


async def test_a_worker_that_is_installing_asks_for_no_update(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "async def oninstall(event):\n"
        "    try:\n        await registration.update()\n"
        "    except InvalidStateError as error:\n        print(error)\n"
        "async def onactivate(event):\n    print(await registration.update() is registration)\n"
    )
    async with lab.open() as agent:
        await agent.settled()
    refused, later = lab.console
    assert "installing" in refused
    assert later == "True"


@pytest.mark.parametrize("stale", [False, True])
@pytest.mark.parametrize("what", ["subresource", "functional event"])
async def test_a_stale_registration_is_updated(
    lab: Lab, what: str, stale: bool, autojump_clock: object
) -> None:
    lab.origin.add("/a", b"aaa")
    lab.worker("def onfetch(event): pass\n")
    async with lab.open() as agent:
        page = await agent.open_window("/")
        await agent.settled()
        await trio.sleep(STALE + 1 if stale else STALE / 2)
        (registration,) = agent.registrations.all()
        checked = registration.last_update_check
        if what == "subresource":
            await page.fetch("/a")
        else:
            await lab.manager.fetch("f", "/a")
        await agent.settled()
        assert (registration.last_update_check != checked) == stale


# Activate


async def test_a_worker_waits_while_another_activates(lab: Lab, autojump_clock: object) -> None:
    lab.worker("import trio\nasync def onactivate(event):\n    await trio.sleep(10)\n")
    async with lab.open() as agent:
        old = lab.registration.active
        lab.worker("def oninstall(event):\n    event.wait_until(skip_waiting())\n")
        await lab.registration.update()
        await trio.sleep(5)
        assert (old.state, lab.registration.waiting.state) == ("activating", "installed")
        await agent.settled()
        assert (old.state, lab.registration.active.state) == ("redundant", "activated")


@pytest.mark.parametrize("handler", ["raise ValueError('no')", "await trio.sleep(1000)"])
async def test_nothing_keeps_a_worker_from_being_activated(
    lab: Lab, handler: str, autojump_clock: object
) -> None:
    lab.worker(f"import trio\nasync def onactivate(event):\n    {handler}\n")
    async with lab.open() as agent:
        await trio.sleep(1)
        await agent.terminate_worker(lab.registration)
        await agent.settled()
        assert lab.registration.active.state == "activated"


async def test_functional_events_wait_for_the_activation(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "import trio\nasync def onactivate(event):\n    await trio.sleep(10)\n    print('activated')\n"
        "def onsync(event): print('sync')\ndef onfetch(event): print('fetch')\n"
    )
    async with lab.open() as agent:
        page = await agent.open_window("/")
        agent.sync(lab.registration, "t")
        await agent.settled()
        assert page.navigator.service_worker.controller.state == "activated"
    assert lab.console[0] == "activated"
    assert sorted(lab.console[1:]) == ["fetch", "sync"]


# Run and Terminate


async def test_a_running_worker_is_not_started_again(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        await agent.sync(lab.registration, "one")
        await agent.sync(lab.registration, "two")
        await agent.settled()
    assert starts(lab) == ["install"]


async def test_a_redundant_worker_is_not_started(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        (worker,) = agent.registrations.all()[0].workers
        await lab.registration.unregister()
        lab.window.close()
        await agent.settled()
        assert worker.state == "redundant"
        with pytest.raises(Exception, match="redundant"):
            await worker.run("test")
    assert starts(lab) == ["install"]


async def test_an_event_that_a_worker_does_not_survive(lab: Lab, autojump_clock: object) -> None:
    lab.worker("import trio\nasync def onsync(event):\n    await trio.sleep(100)\n")
    async with lab.open() as agent:
        await agent.settled()
        outcome = agent.sync(lab.registration, "t")
        await trio.sleep(1)
        (worker,) = agent.registrations.all()[0].workers
        assert (worker.running, worker.has_no_pending_events) == (True, False)
        await agent.terminate_worker(lab.registration)
        assert await outcome == "interrupted"
        assert (worker.running, worker.has_no_pending_events) == (False, True)


# Unregister


async def test_a_registration_is_cleared_when_its_last_event_has_ended(
    lab: Lab, autojump_clock: object
) -> None:
    lab.worker("import trio\nasync def onsync(event):\n    await trio.sleep(10)\n")
    async with lab.open() as agent:
        await agent.settled()
        worker = lab.registration.active
        agent.sync(lab.registration, "t")
        await lab.registration.unregister()
        await trio.sleep(5)
        assert worker.state == "activated"
        assert await lab.window.navigator.service_worker.get_registration() is None
        await trio.sleep(10)
        assert (worker.state, lab.registration.active) == ("redundant", None)


async def test_a_registration_is_cleared_when_its_last_page_has_gone(
    lab: Lab, autojump_clock: object
) -> None:
    lab.origin.add("/a", b"aaa")
    lab.worker("def onfetch(event): event.respond_with(Response('still here'))\n")
    async with lab.open() as agent:
        page = await agent.open_window("/")
        another = await agent.open_window("/")
        worker = page.navigator.service_worker.controller
        await lab.registration.unregister()
        another.close()
        await agent.settled()
        assert await (await page.fetch("/a")).text() == "still here"
        page.close()
        await trio.sleep(1)
        assert lab.registration.active is None
        assert [line["state"] for line in lab.of("worker.state")][-1] == "redundant"
        assert worker.script_url.endswith("/worker.py")


# Fetch events


async def test_the_ids_of_a_navigation(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "def onfetch(event):\n"
        "    print(event.client_id or '-', event.replaces_client_id or '-', event.resulting_client_id or '-')\n"
    )
    async with lab.open() as agent:
        page = await agent.open_window("/")
        first = page._window_realm.client.id
        moved = await page.navigate("/next")
        second = moved._window_realm.client.id
        await agent.settled()
    assert len({first, second}) == 2
    lab.said(f"- - {first}", f"- {first} {second}")


async def test_an_event_that_is_cancelled_is_a_network_error(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    lab.worker("def onfetch(event):\n    if event.client_id: event.prevent_default()\n")
    async with lab.open() as agent:
        page = await agent.open_window("/")
        with pytest.raises(TypeError, match="cancelled without a response"):
            await page.fetch("/a")
        await agent.settled()


RESPONDS = """
import trio
def first(event):
    if not event.client_id:
        return
    event.respond_with(Response("first"))
    try:
        event.respond_with(Response("second"))
    except InvalidStateError as error:
        print(error.name)
def late(event):
    print("called", event.request.mode)
add_event_listener("fetch", first)
add_event_listener("fetch", late)
"""


async def test_the_first_to_respond_is_the_only_one(lab: Lab, autojump_clock: object) -> None:
    lab.worker(RESPONDS)
    async with lab.open() as agent:
        page = await agent.open_window("/")
        assert await (await page.fetch("/a")).text() == "first"
        await agent.settled()
    lab.said("called navigate", "InvalidStateError")


async def test_respond_with_comes_too_late_after_an_await(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"from the network")
    lab.worker(
        "import trio\nasync def onfetch(event):\n    await trio.sleep(1)\n"
        "    try:\n        event.respond_with(Response('late'))\n"
        "    except InvalidStateError as error:\n        print(error.name)\n"
    )
    async with lab.open() as agent:
        page = await agent.open_window("/")
        await agent.settled()
        lab.lines.clear()
        assert await (await page.fetch("/a")).text() == "from the network"
        await agent.settled()
    lab.said("InvalidStateError")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("refuse()", "respond_with was rejected: ValueError: no"),
        ("5", "5"),
        ("Response.error()", "error response"),
    ],
)
async def test_what_is_no_answer_is_a_network_error(
    lab: Lab, answer: str, told: str, autojump_clock: object
) -> None:
    lab.worker(
        "async def refuse():\n    raise ValueError('no')\n"
        f"def onfetch(event):\n    if event.client_id: event.respond_with({answer})\n"
    )
    async with lab.open() as agent:
        page = await agent.open_window("/")
        with pytest.raises(TypeError, match=told):
            await page.fetch("/a")
        await agent.settled()


async def test_without_a_preload_there_is_none(lab: Lab, autojump_clock: object) -> None:
    lab.worker("async def onfetch(event):\n    print(await event.preload_response)\n")
    async with lab.open() as agent:
        await agent.open_window("/")
        await agent.settled()
    lab.said("None")


async def test_a_preload_that_fails_is_rejected(lab: Lab, autojump_clock: object) -> None:
    lab.worker(
        "async def onactivate(event):\n    await registration.navigation_preload.enable()\n"
        "async def onfetch(event):\n"
        "    try:\n        await event.preload_response\n"
        "    except TypeError as error:\n        print('TypeError')\n"
    )
    async with lab.open() as agent:
        await agent.settled()
        agent.network.go_offline()
        await agent.open_window("/")
        await agent.settled()
    lab.said("TypeError")


async def test_preload_needs_an_active_worker(lab: Lab, autojump_clock: object) -> None:
    lab.worker(SLOW_INSTALL)
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        preload: Any = (await container.register("/worker.py")).navigation_preload
        for promise in (preload.enable(), preload.disable(), preload.set_header_value("x")):
            with pytest.raises(InvalidStateError, match="no active worker"):
                await promise
        await agent.settled()


# Clients


async def test_a_controlled_page_that_is_claimed_again_is_told_nothing(
    lab: Lab, autojump_clock: object
) -> None:
    lab.worker("async def onsync(event):\n    await clients.claim()\n")
    async with lab.open() as agent:
        page = await agent.open_window("/")
        changes: list[object] = []
        for window in (page, lab.window):
            window.navigator.service_worker.oncontrollerchange = changes.append
        await agent.sync(lab.registration, "t")
        await agent.settled()
        assert len(changes) == 1


async def test_a_page_of_a_narrower_scope_is_not_claimed(lab: Lab, autojump_clock: object) -> None:
    lab.worker("async def onsync(event):\n    await clients.claim()\n")
    async with lab.open() as agent:
        deeper = await agent.open_window("/deep/")
        narrow = await deeper.navigator.service_worker.register("/worker.py", scope="/deep/")
        await agent.settled()
        inside = await agent.open_window("/deep/page")
        own = inside.navigator.service_worker.controller
        # It had the wider one, and keeps it until its own worker claims it.
        assert deeper.navigator.service_worker.controller.script_url == narrow.active.script_url
        before = deeper.navigator.service_worker.controller
        await agent.sync(lab.registration, "t")
        assert deeper.navigator.service_worker.controller is before
        assert inside.navigator.service_worker.controller is own is not None
        await agent.sync(narrow, "t")
        await agent.settled()
        assert deeper.navigator.service_worker.controller is narrow.active


@pytest.mark.parametrize("call", ["open_window('about:blank')", "open_window('http://[bad')"])
async def test_windows_for_what_is_no_page(lab: Lab, call: str, autojump_clock: object) -> None:
    lab.worker(
        f"async def onactivate(event):\n    try:\n        await clients.{call}\n    except TypeError:\n        print('refused')\n"
    )
    async with lab.open() as agent:
        await agent.settled()
    lab.said("refused")


async def test_a_registration_of_another_origin_is_not_asked_for(lab: Lab, autojump_clock: object) -> None:
    async with lab.open():
        container = lab.window.navigator.service_worker
        assert await container.get_registration("/deep#fragment") is lab.registration
        with pytest.raises(Exception, match="another origin") as caught:
            await container.get_registration("http://other.example/")
        assert getattr(caught.value, "name", "") == "SecurityError"
        with pytest.raises(TypeError):
            await container.get_registration("http://[bad")


async def test_a_page_that_is_not_there_yet(lab: Lab, autojump_clock: object) -> None:
    lab.worker("async def onfetch(event):\n    print(await clients.get(event.resulting_client_id))\n")
    async with lab.open() as agent:
        await agent.open_window("/")
        await agent.settled()
    lab.said("None")


GONE = """
async def onbackgroundfetchclick(event):
    (page,) = await clients.match_all()
    await page.navigate("/next")
    for promise in (page.focus(), page.navigate("/x"), page.navigate("http://[bad"), page.navigate("about:blank")):
        try:
            await promise
        except TypeError as error:
            print("closed" in str(error))
"""

ELSEWHERE = """
async def onbackgroundfetchclick(event):
    (page,) = await clients.match_all()
    print(await page.navigate("http://other.example/"), await clients.match_all())
"""


async def click(lab: Lab, worker: str) -> None:
    """Let `worker` handle a click, with one page that it controls."""
    lab.worker(worker)
    lab.origin.add("/a", b"aaa", delay=5)
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/a")
        lab.window.close()
        await agent.open_window("/page")
        await agent.background_fetches[0].click()
        await agent.settled()


async def test_a_page_that_has_gone(lab: Lab, autojump_clock: object) -> None:
    await click(lab, GONE)
    lab.said("True", "True", "False", "False")


async def test_a_page_that_goes_elsewhere(lab: Lab, autojump_clock: object) -> None:
    await click(lab, ELSEWHERE)
    lab.said("None ()")


# What is kept, and what is not


async def test_a_worker_that_was_installing_is_not_kept(lab: Lab, autojump_clock: object) -> None:
    lab.worker(SLOW_INSTALL)
    async with lab.open(ready=False, profile=lab.profile) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        registration = await container.register("/worker.py")
        assert registration.installing.state == "installing"
    async with lab.open(ready=False, profile=lab.profile) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        assert await container.get_registrations() == []


async def test_the_newest_worker(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        await agent.open_window("/")
        (concept,) = agent.registrations.all()
        assert concept.newest_worker is concept.active
        for version in ("one", "two"):
            lab.worker(f"{SLOW_INSTALL}# {version}\n")
            await lab.registration.update()
            assert concept.newest_worker is concept.installing is not None
            await agent.settled()
            assert concept.newest_worker is concept.waiting is not None
        assert len(concept.workers) == 2


async def test_an_update_without_a_worker(lab: Lab, autojump_clock: object) -> None:
    lab.worker("def oninstall(event): raise ValueError('no')\n")
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        registration = await container.register("/worker.py")
        await agent.settled()
        with pytest.raises(InvalidStateError, match="no worker to update"):
            await registration.update()


async def test_a_preload_that_is_switched_off(lab: Lab, autojump_clock: object) -> None:
    lab.worker("async def onfetch(event):\n    print(await event.preload_response)\n")
    async with lab.open() as agent:
        await agent.settled()
        preload = lab.registration.navigation_preload
        await preload.enable()
        assert (await preload.get_state()).enabled is True
        await preload.disable()
        assert (await preload.get_state()).enabled is False
        await agent.open_window("/")
        await agent.settled()
    lab.said("None")


# Caches


async def test_an_opaque_response_comes_out_of_a_cache(lab: Lab, autojump_clock: object) -> None:
    other = lab.internet.origin_at("https://other.example")
    other.add("/a", b"aaa", headers={"Cross-Origin-Resource-Policy": "same-origin"})
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        cache = await window.caches.open("c")
        request = window.Request("https://other.example/a", mode="no-cors")
        await cache.put(request, await window.fetch(request))
        (found,) = await cache.match_all()
        assert (found.type, found.status, await found.text()) == ("opaque", 0, "")


async def test_what_comes_out_of_a_cache_cannot_be_changed(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        cache = await window.caches.open("c")
        await cache.put("/a", window.Response("a"))
        for found in (await cache.match("/a"), (await cache.keys())[0]):
            with pytest.raises(TypeError):
                found.headers.set("X-Any", "1")
        assert await cache.match("/a") is not await cache.match("/a")


@pytest.mark.parametrize("answer", [{"status": 206}, {"status": 404}, {"headers": {"Vary": "Accept, *"}}])
async def test_what_add_refuses(lab: Lab, answer: dict[str, Any], autojump_clock: object) -> None:
    lab.origin.add("/good", b"g")
    lab.origin.add("/bad", b"bad", **answer)
    async with lab.open(ready=False) as agent:
        cache = await (await agent.open_window("/")).caches.open("c")
        with pytest.raises(TypeError):
            await cache.add_all(["/good", "/bad"])
        assert await cache.keys() == []


async def test_match_goes_through_the_caches_in_order(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        for each in ("b", "a"):
            await (await window.caches.open(each)).put("/both", window.Response(each))
        await (await window.caches.open("a")).put("/one", window.Response("one"))
        asked: list[tuple[str, str | None, str]]
        asked = [("/both", None, "b"), ("/both", "a", "a"), ("/one", None, "one")]
        for url, name, text in asked:
            found = await window.caches.match(url, cache_name=name)
            assert await found.text() == text
        assert await window.caches.match("/one", cache_name="b") is None
        assert await window.caches.match("/none") is None
