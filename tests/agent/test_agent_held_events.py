"""An event that was interrupted too often is held, until its worker's text differs or the user asks again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio

from swruntime import WaitingForUser

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

WAITS = (
    "import trio\nasync def onbackgroundfetchsuccess(event):\n    await trio.sleep(10)\n    print('done')\n"
)
MENDED = "async def onbackgroundfetchsuccess(event):\n    print('delivered')\n"


def attempts(lab: Lab) -> list[int]:
    return [line["attempt"] for line in lab.of("event.start", name="backgroundfetchsuccess")]


async def held_by_stops(lab: Lab, worker: str = WAITS) -> Any:
    """The agent's background fetch whose handler was stopped five times."""
    lab.origin.add("/a", b"aaa")
    lab.worker(worker)
    return await held_here(lab)


async def held_here(lab: Lab) -> Any:
    await lab.manager.fetch("f", "/a")
    for _ in range(5):
        await trio.sleep(1)
        await lab.agent.terminate_worker(lab.registration)
    (fetch,) = lab.agent.background_fetches
    await trio.sleep(1)
    assert fetch.held
    return fetch


async def test_the_user_asks_again(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    lab.worker(WAITS)
    async with lab.open() as agent:
        fetch = await held_here(lab)
        assert await fetch.retry() is True
        await agent.settled()
        assert await fetch.retry() is False
        assert agent.background_fetches == []
    lab.said("done")
    assert attempts(lab) == [1, 2, 3, 4, 5, 6]
    assert [line["id"] for line in lab.of("user.action", action="retry")] == ["f", "f"]


async def test_what_is_asked_again_has_five_attempts_more(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    lab.worker(WAITS)
    async with lab.open() as agent:
        fetch = await held_here(lab)
        await fetch.retry()
        for _ in range(5):
            await trio.sleep(1)
            await agent.terminate_worker(lab.registration)
        await trio.sleep(1)
        assert fetch.held
        with pytest.raises(
            WaitingForUser, match="backgroundfetchsuccess was interrupted 10 times and is held"
        ):
            await agent.settled()
    assert attempts(lab) == list(range(1, 11))


async def test_what_is_active_is_not_asked_for_again(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa", stall_after=(1,))
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/a")
        (fetch,) = agent.background_fetches
        assert await fetch.retry() is False
        assert fetch.active


async def test_a_worker_that_was_updated_gets_it(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    lab.worker(WAITS)
    async with lab.open() as agent:
        await held_here(lab)
        lab.worker(MENDED)
        lab.window.close()
        await agent.registrations.update(lab.registration._concept)
        await agent.settled()
    lab.said("delivered")


async def test_a_module_that_was_edited_gets_it_with_the_next_start(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    lab.worker("import trio\nasync def handle():\n    await trio.sleep(10)\n", "lib.py")
    lab.worker(
        "import lib\nasync def onbackgroundfetchsuccess(event):\n    await lib.handle()\n    print('done')\n"
    )
    async with lab.open() as agent:
        await held_here(lab)
        lab.registration.active.post_message("wake up")
        await trio.sleep(100)
        assert len(attempts(lab)) == 5, "its text is the one that failed"
        lab.worker("async def handle():\n    pass\n", "lib.py")
        lab.registration.active.post_message("wake up")
        await agent.settled()
    lab.said("done")


async def until_held(lab: Lab) -> None:
    """Opened again and again, it gives up in the end; and then it stays so. The worker that was whole had one attempt."""
    for _ in range(7):
        async with lab.open(ready=False) as agent:
            with pytest.raises(WaitingForUser, match="owed|held"):
                await agent.settled()
            (fetch,) = agent.background_fetches
            held = fetch.held
    assert held
    assert attempts(lab) == [2, 3, 4, 5, 6]


Break = Callable[["Lab"], None]

SYNTAX_ERROR = "async def onbackgroundfetchsuccess(event:\n"


def missing_module(lab: Lab) -> None:
    lab.worker(f"import helper\n{MENDED}")


def missing_script(lab: Lab) -> None:
    lab.worker(f"import_scripts('helper.py')\n{MENDED}")


def missing_submodule(lab: Lab) -> None:
    (lab.site / "pack").mkdir()
    lab.worker("", "pack/__init__.py")
    lab.worker(f"import pack.helper\n{MENDED}")


def broken_module(lab: Lab) -> None:
    lab.worker("1 +", "helper.py")
    lab.worker(f"import helper\n{MENDED}")


def no_worker(lab: Lab) -> None:
    (lab.site / "worker.py").unlink()


BREAKS: dict[str, tuple[Break, Break]] = {
    "syntax": (lambda lab: lab.worker(SYNTAX_ERROR), lambda lab: lab.worker(MENDED)),
    "raises": (lambda lab: lab.worker("1 / 0"), lambda lab: lab.worker(MENDED)),
    "module": (missing_module, lambda lab: lab.worker("", "helper.py")),
    "package": (missing_module, lambda lab: make_package(lab)),
    "submodule": (missing_submodule, lambda lab: lab.worker("", "pack/helper.py")),
    "import_scripts": (missing_script, lambda lab: lab.worker("", "helper.py")),
    "broken module": (broken_module, lambda lab: lab.worker("", "helper.py")),
    "no worker": (no_worker, lambda lab: lab.worker(MENDED)),
}


def make_package(lab: Lab) -> None:
    (lab.site / "helper").mkdir()
    lab.worker("", "helper/__init__.py")


@pytest.mark.parametrize("name", BREAKS)
async def test_a_worker_that_cannot_start(lab: Lab, autojump_clock: object, name: str) -> None:
    break_it, mend_it = BREAKS[name]
    await left_owed(lab, lambda: break_it(lab))
    await until_held(lab)
    lab.worker("# another file of SITE", "other.py")
    async with lab.open(ready=False) as agent:
        with pytest.raises(WaitingForUser, match="held"):
            await agent.settled()
    mend_it(lab)
    async with lab.open(ready=False) as agent:
        await agent.settled()
    lab.said(*lab.console[:-1], "delivered")
    assert attempts(lab) == [2, 3, 4, 5, 6, 7]


async def left_owed(lab: Lab, break_it: Callable[[], None]) -> None:
    """A process ended with its last byte; then the worker was broken."""
    lab.on_disk = True
    lab.origin.add("/a", b"aaa")
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/a")
        await agent.until(lambda line: line["kind"] == "fetch.settle")
        break_it()
        (fetch,) = agent.background_fetches
        fetch.dormant = True
    lab.lines.clear()


async def test_an_edit_before_it_is_held_counts_from_there(lab: Lab, autojump_clock: object) -> None:
    await left_owed(lab, lambda: lab.worker("1 / 0"))
    for divided in (1, 1, 1, 2, 2, 2, 2, 2, 2):
        lab.worker(f"{divided} / 0")
        async with lab.open(ready=False) as agent:
            with pytest.raises(WaitingForUser):
                await agent.settled()
            (fetch,) = agent.background_fetches
    assert fetch.held
    assert attempts(lab) == [2, 3, 4, 5, 6, 7, 8, 9]


async def test_what_an_earlier_version_held_is_tried_again(lab: Lab, autojump_clock: object) -> None:
    """Nobody noted then what had failed."""
    await left_owed(lab, lambda: lab.worker(MENDED))
    async with lab.open(ready=False, take_up=False) as agent:
        (fetch,) = agent.background_fetches
        held = attrs.evolve(fetch.machine.snapshot(), event="held", attempts=5)
        agent.services.store.save_fetch(fetch.number, held)
    async with lab.open(ready=False) as agent:
        await agent.settled()
    lab.said("delivered")
    assert attempts(lab) == [6]


JAVASCRIPT = "addEventListener('backgroundfetchsuccess', () => console.log('delivered'));"


@pytest.mark.parametrize(
    ("broken", "helper", "mended"),
    [
        ("f( {", None, {"sw.js": JAVASCRIPT}),
        ("throw new Error('no');", None, {"sw.js": JAVASCRIPT}),
        (f"importScripts('helper.js'); {JAVASCRIPT}", None, {"helper.js": ""}),
        (f"importScripts('helper.js'); {JAVASCRIPT}", "1 +", {"helper.js": ""}),
    ],
)
async def test_a_worker_in_javascript(
    lab: Lab, autojump_clock: object, broken: str, helper: str | None, mended: dict[str, str]
) -> None:
    pytest.importorskip("deno")

    def break_it() -> None:
        lab.worker(broken, "sw.js")
        if helper is not None:
            lab.worker(helper, "helper.js")

    await left_owed_by_javascript(lab, break_it)
    await until_held(lab)
    for name, text in mended.items():
        lab.worker(text, name)
    async with lab.open(ready=False) as agent:
        await agent.settled()
    assert lab.console[-1] == "delivered"


async def left_owed_by_javascript(lab: Lab, break_it: Callable[[], None]) -> None:
    lab.on_disk = True
    lab.origin.add("/a", b"aaa")
    lab.worker("", "sw.js")
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        await window.navigator.service_worker.register("/sw.js")
        registration = await window.navigator.service_worker.ready
        await registration.background_fetch.fetch("f", "/a")
        await agent.until(lambda line: line["kind"] == "fetch.settle")
        break_it()
        (fetch,) = agent.background_fetches
        fetch.dormant = True
    lab.lines.clear()


async def test_an_import_that_a_server_has_by_now(lab: Lab, autojump_clock: object) -> None:
    pytest.importorskip("deno")
    await left_owed_by_javascript(
        lab, lambda: lab.worker(f"importScripts('lib/a.js'); {JAVASCRIPT}", "sw.js")
    )
    await until_held(lab)
    lab.origin.add("/lib/a.js", b"", headers={"Content-Type": "text/javascript"})
    async with lab.open(ready=False) as agent:
        await agent.settled()
    assert lab.console[-1] == "delivered"


async def test_a_servers_worker_that_was_mended_there(lab: Lab, autojump_clock: object) -> None:
    pytest.importorskip("deno")
    lab.on_disk = True
    lab.origin.add("/a", b"aaa")

    def serve(text: str) -> None:
        lab.origin.add("/sw.js", text.encode(), headers={"Content-Type": "text/javascript"})

    serve(
        "addEventListener('backgroundfetchsuccess', (e) => e.waitUntil(new Promise((r) => setTimeout(r, 9e3))));"
    )
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        await window.navigator.service_worker.register("/sw.js")
        lab.registration = await window.navigator.service_worker.ready
        await held_here(lab)
    async with lab.open(ready=False) as agent:
        with pytest.raises(WaitingForUser, match="held"):
            await agent.settled()
    serve(JAVASCRIPT)
    async with lab.open(ready=False) as agent:
        await agent.until(lambda line: line["kind"] == "fetch.release")
        await agent.settled()
    lab.said("delivered")
