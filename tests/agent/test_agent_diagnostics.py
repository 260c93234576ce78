"""Diagnostics about scripts: each found with its code and line, and what is right left in peace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

if TYPE_CHECKING:
    from tests.agent.conftest import Lab


async def told(lab: Lab, worker: str, **options: Any) -> list[tuple[str, str | None]]:
    """Code and place of what is told of a worker that is installed, and handles one success."""
    lab.origin.add("/a", b"aaa")
    lab.worker(worker)
    async with lab.open(**options) as agent:
        await lab.manager.fetch("f", "/a")
        await agent.settled()
        await trio.sleep(1)
        return [(line["code"], line["where"]) for line in lab.of("diagnostic")]


SUCCESS = "def onbackgroundfetchsuccess(event):\n"

WRONG = {
    "a promise in a plain handler": (SUCCESS + "    caches.open('x')\n", "missing-wait-until", 2),
    "records in a plain handler": (
        SUCCESS + "    x = [event.registration.match_all()]\n",
        "missing-wait-until",
        2,
    ),
    "a fetch in a plain handler": (SUCCESS + "    fetch('/a')\n", "missing-wait-until", 2),
    "a promise that is kept in a plain handler": (
        "kept = []\n" + SUCCESS + "    kept.append(caches.open('x'))\n",
        "missing-wait-until",
        3,
    ),
    "in a function of a plain handler": (
        "def work():\n    caches.open('x')\n" + SUCCESS + "    work()\n",
        "missing-wait-until",
        2,
    ),
    "a promise dropped by an async handler": (
        "async def oninstall(event):\n    cache = await caches.open('x')\n    cache.add('/a')\n",
        "dropped-awaitable",
        3,
    ),
    "a promise dropped in what wait_until was given": (
        "async def work():\n    caches.open('x')\n" + SUCCESS + "    event.wait_until(work())\n",
        "dropped-awaitable",
        2,
    ),
    "a promise dropped in a nursery's task": (
        "import trio\nasync def work():\n    caches.open('x')\nasync "
        + SUCCESS
        + "    async with trio.open_nursery() as nursery:\n        nursery.start_soon(work)\n",
        "dropped-awaitable",
        3,
    ),
    "a coroutine that nobody awaits": (
        "async def work(): pass\n" + SUCCESS + "    if event.type == 'other': work()\n",
        "dropped-awaitable",
        3,
    ),
    "a coroutine that is made, and that nobody awaits": (
        "async def work(): pass\n" + SUCCESS + "    work()\n",
        "dropped-awaitable",
        3,
    ),
    "a body read twice": (
        "async "
        + SUCCESS
        + "    record = await event.registration.match('/a')\n    response = await record.response_ready\n"
        "    await response.text()\n    try:\n        await response.text()\n    except TypeError:\n        pass\n",
        "response-body-used",
        6,
    ),
    "a stream read twice": (
        "async def oninstall(event):\n    response = Response('x')\n    await response.text()\n    try:\n"
        "        async for _ in response.body: pass\n    except TypeError:\n        pass\n",
        "response-body-used",
        5,
    ),
    "a function uncalled": (
        "async def work(): pass\n"
        + SUCCESS
        + "    try:\n        event.wait_until(work)\n    except TypeError: pass\n",
        "function-to-wait-until",
        4,
    ),
    "a listener for what there is not": (
        "add_event_listener(\n    'backgroundfetchfailure',\n    lambda event: None,\n)\n",
        "unknown-event-name",
        1,
    ),
    "a listener in camel case": (
        "def keep(event): pass\nadd_event_listener('backgroundFetchSuccess', keep)\n",
        "unknown-event-name",
        2,
    ),
    "a handler's name on self": (
        "x = 1\ndef failed(event): pass\nself.onbackgroundfetchfailure = failed\n",
        "unknown-event-name",
        2,
    ),
    "a listener that no script defines": (
        "import functools\nadd_event_listener('backgroundfetchaborted', functools.partial(print))\n",
        "unknown-event-name",
        2,
    ),
    "records read after their event": (
        "import trio\nasync def later(event):\n    await trio.sleep(0.5)\n    try:\n"
        "        await event.registration.match_all()\n    except InvalidStateError:\n        pass\n"
        "def onbackgroundfetchsuccess(event):\n    add_event_listener('late', lambda _: later(event))\n"
        "    dispatch_event(Event('late'))\n",
        "records-read-after-event",
        5,
    ),
}

RIGHT = {
    "an async handler": "async " + SUCCESS + "    await event.registration.match_all()\n",
    "a promise for wait_until": SUCCESS + "    event.wait_until(event.registration.match_all())\n",
    "a coroutine for wait_until": (
        "async def work(event):\n    cache = await caches.open('x')\n    p = cache.add('/a')\n    await p\n"
        + SUCCESS
        + "    event.wait_until(work(event))\n"
    ),
    "promises awaited together": (
        "import trio\nasync def wait(p): await p\nasync "
        + SUCCESS
        + "    async with trio.open_nursery() as nursery:\n"
        "        for name in 'ab':\n            nursery.start_soon(wait, caches.open(name))\n"
    ),
    "begun by a plain function, awaited by a coroutine": (
        "async def work(opened):\n    await opened\n"
        + SUCCESS
        + "    event.wait_until(work(caches.open('x')))\n"
    ),
    "what is done without being awaited": (
        "def oninstall(event): skip_waiting()\ndef onactivate(event): clients.claim()\n"
        "async " + SUCCESS + "    event.update_ui(title='x')\n    registration.show_notification('x')\n"
    ),
    "a promise at the top level": "opened = caches.open('x')\nasync " + SUCCESS + "    await opened\n",
    "a handler that gives up": SUCCESS + "    caches.open('x')\n    raise ValueError('no')\n",
    "a clone": (
        "async def oninstall(event):\n    response = Response('x')\n    copy = response.clone()\n"
        "    await response.text()\n    await copy.text()\n"
    ),
    "an event of the script's own": "add_event_listener('fetched', lambda e: None)\nadd_event_listener('late', lambda e: None)\n",
    "responses that nobody asks for": "async "
    + SUCCESS
    + "    (r,) = await event.registration.match_all()\n    r.response_ready\n",
}


@pytest.mark.parametrize("case", WRONG)
async def test_what_is_wrong_is_told_once_with_its_line(lab: Lab, autojump_clock: object, case: str) -> None:
    worker, code, line = WRONG[case]
    assert await told(lab, worker) == [(code, f"worker.py:{line}")]


@pytest.mark.parametrize("case", WRONG)
async def test_a_comment_allows_it(lab: Lab, autojump_clock: object, case: str) -> None:
    worker, code, line = WRONG[case]
    lines = worker.splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].rstrip() + f"  # swruntime: allow={code}\n"
    assert await told(lab, "".join(lines)) == []


@pytest.mark.parametrize("case", RIGHT)
async def test_what_is_right_is_left_in_peace(lab: Lab, autojump_clock: object, case: str) -> None:
    assert await told(lab, RIGHT[case]) == []


@pytest.mark.parametrize(
    ("handler", "hinted"),
    [
        ("async " + SUCCESS + "    await caches.open('x')\n", True),
        ("async " + SUCCESS + "    pass\n", False),
        (
            "async def work(): await caches.open('x')\nasync " + SUCCESS + "    event.wait_until(work())\n",
            False,
        ),
        ("async def work(): await caches.open('x')\n" + SUCCESS + "    event.wait_until(work())\n", False),
    ],
)
async def test_hints_for_javascript_are_asked_for(
    lab: Lab, autojump_clock: object, handler: str, hinted: bool
) -> None:
    line = handler.count("\n", 0, handler.index("onback")) + 1
    expected = [("relies-on-async-handler", f"worker.py:{line}")] if hinted else []
    assert await told(lab, handler, javascript_hints=True) == expected


@pytest.mark.parametrize("how", ["fail", "abort"])
@pytest.mark.parametrize("handled", [True, False])
async def test_only_success_is_handled(lab: Lab, autojump_clock: object, how: str, handled: bool) -> None:
    beside = f"def onbackgroundfetch{how}(event): pass\n" if handled else ""
    lab.worker("async " + SUCCESS + "    pass\n" + beside)
    lab.origin.add("/slow", b"x", delay=100)
    async with lab.open() as agent:
        for number in range(2):
            fetch = await lab.manager.fetch(f"f{number}", "/none" if how == "fail" else "/slow")
            if how == "abort":
                await fetch.abort()
            await agent.settled()
    expected = [] if handled else [(f"no-{how}-handler", "worker.py:1")]
    assert [(line["code"], line["where"]) for line in lab.of("diagnostic")] == expected


@pytest.mark.parametrize("total", [2, 3, 0])
async def test_a_download_total_that_is_too_small(lab: Lab, autojump_clock: object, total: int) -> None:
    lab.origin.add("/a", b"aaa")
    (lab.site / "page.py").write_text(
        "async def main():\n    registration = await navigator.service_worker.ready\n"
        f"    await registration.background_fetch.fetch('f', '/a', download_total={total})\n"
    )
    async with lab.open() as agent:
        await lab.window.run("/page.py")
        await agent.settled()
    expected = [("download-total-too-small", "page.py:3")] if total == 2 else []
    assert [(line["code"], line["where"]) for line in lab.of("diagnostic")] == expected


async def test_a_place_is_told_once_over_all_starts(lab: Lab, autojump_clock: object) -> None:
    lab.origin.add("/a", b"aaa")
    lab.worker(SUCCESS + "    caches.open('x')\n")
    async with lab.open() as agent:
        for number in range(3):
            await lab.manager.fetch(f"f{number}", "/a")
            await agent.settled()
            await agent.terminate_worker(lab.registration)
    assert lab.diagnostics == ["missing-wait-until"]
