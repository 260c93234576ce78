"""What people get wrong about a worker, in one list: the standard's error each time, and what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio

from swruntime import DataCloneError, SecurityError

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

ELSEWHERE = {
    "a script that does not compile, or raises": "agent/test_agent_registering.py::test_a_script_that_fails",
    "an install that is rejected": "agent/test_agent_registering.py::test_a_rejected_install",
    "a page that is not secure": "agent/test_agent_registering.py::test_a_page_that_is_not_secure",
    "a script that ends the process": "agent/test_agent_registering.py::test_a_script_cannot_end_the_process",
    "wait_until of a function": "agent/test_agent_handlers.py::test_a_function_handed_to_wait_until_uncalled",
    "a handler's name that does not exist": (
        "agent/test_agent_handlers.py::test_a_handler_with_a_name_that_does_not_exist_is_told"
    ),
    "wait_until when it is too late": (
        "realms/test_realms_extendable.py::test_once_it_is_over_it_cannot_be_extended"
    ),
    "every value that cannot be cloned": (
        "realms/test_realms_messages_clone.py::test_what_cannot_be_cloned_is_named"
    ),
    "a handler that never awaits": (
        "cli/test_cli_never_awaits.py::test_a_worker_that_never_awaits_is_named_and_can_be_interrupted"
    ),
}
"""The rest of the list: what is tested in the room where it belongs."""


@pytest.mark.parametrize("what", ELSEWHERE)
def test_what_is_tested_elsewhere_is(what: str) -> None:
    file, _, name = ELSEWHERE[what].partition("::")
    assert f"def {name}(" in (Path(__file__).parents[1] / file).read_text("utf-8")


@attrs.frozen
class Registering:
    """`said` are in the message: the argument, its value, what is expected or what to do."""

    script: str
    options: dict[str, str]
    error: type[Exception]
    said: tuple[str, ...]


REGISTERING = {
    "script not found": Registering(
        "/other.py",
        {},
        TypeError,
        ("http://localhost:8400/other.py", "there is no file /other.py in ", "write it, or name another"),
    ),
    "scope wider than the script's folder": Registering(
        "/deep/worker.py",
        {"scope": "/"},
        SecurityError,
        ("the scope / is not below /deep/", "move the script up", "'Service-Worker-Allowed: /'"),
    ),
    "cross-origin script": Registering(
        "https://elsewhere.example/worker.py",
        {},
        SecurityError,
        ("script URL https://elsewhere.example/worker.py", "http://localhost:8400", "serve it from there"),
    ),
    "cross-origin scope": Registering(
        "/worker.py",
        {"scope": "https://elsewhere.example/"},
        SecurityError,
        ("the scope https://elsewhere.example/", "http://localhost:8400", "serve it from there"),
    ),
    "script of another scheme": Registering(
        "data:text/javascript,",
        {},
        TypeError,
        ("script URL 'data:text/javascript,'", "expected http or https"),
    ),
    "hidden slash": Registering(
        "/a%2fworker.py", {}, TypeError, ("script URL '/a%2fworker.py'", "%2f", "write the slash")
    ),
    "wrong type": Registering(
        "/worker.py", {"type": "other"}, TypeError, ("type", "'other'", "'classic'", "'module'")
    ),
}


@pytest.mark.parametrize("what", REGISTERING)
async def test_registering(lab: Lab, what: str, autojump_clock: object) -> None:
    bad = REGISTERING[what]
    (lab.site / "deep").mkdir()
    lab.worker("", "deep/worker.py")
    async with lab.open(ready=False) as agent:
        container = (await agent.open_window("/")).navigator.service_worker
        with pytest.raises(bad.error) as caught:
            await container.register(bad.script, **bad.options)
        for text in bad.said:
            assert text in str(caught.value)
        assert await container.get_registrations() == []


@attrs.frozen
class Responding:
    """The statements of `onfetch`; what its page's fetch comes to; how the event ends, and why."""

    statements: str
    page: str
    outcome: str = "fulfilled"
    error: str | None = None


FROM_THE_NETWORK = "404"

RESPONDING = {
    "something that is no response": Responding(
        "event.respond_with('text')", "respond_with was given 'text'; expected a Response"
    ),
    "nothing": Responding(
        "event.respond_with(later(None))", "respond_with was given None; expected a Response"
    ),
    "a promise that is rejected": Responding(
        "event.respond_with(fail())", "ValueError: no", "rejected", "ValueError: no"
    ),
    "an error response": Responding("event.respond_with(Response.error())", "an error response"),
    "a body that was read": Responding("event.respond_with(used())", "respond_with: "),
    "a function uncalled": Responding(
        "event.respond_with(fail)",
        FROM_THE_NETWORK,
        "rejected",
        "TypeError: respond_with was handed the function fail uncalled: respond_with(fail()) calls it",
    ),
    "twice": Responding(
        "event.respond_with(Response('mine')); event.respond_with(Response('yours'))",
        "mine",
        "rejected",
        "InvalidStateError: respond_with was called before on this event; call it once, "
        "with all that is to be awaited",
    ),
    "late": Responding(
        "await trio.sleep(1); event.respond_with(Response('mine'))",
        FROM_THE_NETWORK,
        "rejected",
        "InvalidStateError: respond_with after the dispatch: call it before the handler's first await, "
        "with what to await",
    ),
    "prevent_default alone": Responding(
        "event.prevent_default()", "cancelled without a response: prevent_default goes with respond_with only"
    ),
}

HELPERS = """
import trio

async def later(value):
    await trio.sleep(1)
    return value

async def fail():
    raise ValueError("no")

async def used():
    response = Response("read")
    await response.text()
    return response

async def onfetch(event):
    if event.request.mode != "navigate":
        {}
"""


@pytest.mark.parametrize("what", RESPONDING)
async def test_respond_with(lab: Lab, what: str, autojump_clock: object) -> None:
    bad = RESPONDING[what]
    lab.worker(HELPERS.format(bad.statements))
    async with lab.open() as agent:
        page = await agent.open_window("/")
        await agent.settled()
        lab.lines.clear()
        try:
            response = await page.fetch("/a")
            came = FROM_THE_NETWORK if response.status == 404 else await response.text()
        except TypeError as error:
            came = str(error)
        await agent.settled()
    assert bad.page in came
    end = lab.one("event.end", name="fetch")
    assert (end["outcome"], end["error"]) == (bad.outcome, bad.error)
    assert end["where"] is None if bad.error is None else end["where"].startswith("worker.py:")


async def test_a_message_that_cannot_be_cloned(lab: Lab, autojump_clock: object) -> None:
    async with lab.open() as agent:
        with pytest.raises(
            DataCloneError, match=r"message\['f'\] is the function \w+; a message takes None, bool"
        ):
            lab.registration.active.post_message({"f": test_a_message_that_cannot_be_cloned})
        await agent.settled()
    assert lab.of("event.start", name="message") == []


async def bring_about(lab: Lab, event: str) -> None:
    """Have `event` fired at the worker, which is registered by whoever opens the page."""
    agent = lab.agent
    window = await agent.open_window("/first")
    container = window.navigator.service_worker
    await container.register("/worker.py")
    if event == "install":
        await agent.settled()
        return
    registration = await container.ready
    if event == "fetch":
        page = await agent.open_window("/")
        try:
            print((await page.fetch("/a")).status)
        except TypeError as error:
            print(error)
    elif event == "message":
        registration.active.post_message("do it")
    elif event.startswith("backgroundfetch"):
        await registration.background_fetch.fetch("f", "/slow" if "abort" in event else "/a")
        (view,) = agent.background_fetches
        if event == "backgroundfetchabort":
            view.abort()
        elif event == "backgroundfetchclick":
            view.click()
    await agent.settled()


EVENTS = {
    "install": None,
    "activate": "activated",
    "fetch": "activated",
    "message": "activated",
    "backgroundfetchsuccess": "activated",
    "backgroundfetchfail": "activated",
    "backgroundfetchabort": "activated",
    "backgroundfetchclick": "activated",
}
"""Each event of a worker's life, and the state in which a failure of it leaves the worker; None: unregistered."""


async def fail_in(lab: Lab, event: str, statements: str) -> Any:
    """Let a worker fail in `event`, and answer with its two lines. Nothing else is the worse for it."""
    if event != "backgroundfetchfail":
        lab.origin.add("/a", b"aaa")
    lab.origin.add("/slow", b"aaa", delay=100)
    condition = "event.request.mode != 'navigate'" if event == "fetch" else "True"
    lab.worker(f"import trio\nasync def on{event}(event):\n    if {condition}:\n        {statements}\n")
    async with lab.open(ready=False) as agent:
        await bring_about(lab, event)
        states = [worker.state for r in agent.registrations.all() for worker in r.workers]
        assert states == ([] if EVENTS[event] is None else [EVENTS[event]])
        assert agent.background_fetches == []
        # The next one is as good as any.
        lab.worker("")
        window = await agent.open_window("/")
        await window.navigator.service_worker.register("/worker.py")
        await window.navigator.service_worker.ready
    both = zip(lab.of("event.start", name=event), lab.of("event.end", name=event), strict=True)
    ((start, end),) = [(start, end) for start, end in both if end["outcome"] != "fulfilled"]
    return start, end


@pytest.mark.parametrize("event", EVENTS)
async def test_a_worker_that_raises(lab: Lab, event: str, autojump_clock: object) -> None:
    _, end = await fail_in(lab, event, "raise ValueError('oh no')")
    assert (end["outcome"], end["error"], end["where"]) == ("rejected", "ValueError: oh no", "worker.py:4")
    (error,) = lab.agent.script_errors
    assert (str(error), error.where) == ("ValueError: oh no", "worker.py:4")


@pytest.mark.parametrize("event", EVENTS)
async def test_a_handler_that_never_returns(lab: Lab, event: str, autojump_clock: object) -> None:
    waits = "event.respond_with(trio.sleep_forever())" if event == "fetch" else "await trio.sleep_forever()"
    start, end = await fail_in(lab, event, waits)
    assert end["outcome"] == "timed-out"
    assert end["error"].startswith("it lasted over 300 s; what it awaits has to end sooner")
    assert end["time"] - start["time"] == pytest.approx(300)
    assert lab.of("worker.stop")[0]["reason"] == f"{event} lasted over 300 s"


async def test_a_page_is_told_that_its_request_was_not_answered(lab: Lab, autojump_clock: object) -> None:
    lab.worker(HELPERS.format("event.respond_with(trio.sleep_forever())"))
    async with lab.open() as agent:
        page = await agent.open_window("/")
        with pytest.raises(TypeError, match="the worker ended without a response: it lasted over 300 s"):
            await page.fetch("/a")
        assert trio.current_time() >= 300
