"""What a worker keeps in its globals, and loses when it is stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

if TYPE_CHECKING:
    from tests.agent.conftest import Lab


async def told(lab: Lab, worker: str, *, stops: int = 1) -> list[tuple[str, str | None]]:
    """Code and place of what is told of a worker that handles a click, is stopped, and handles another one."""
    lab.origin.add("/a", b"aaa", delay=1000)
    lab.worker(worker)
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/a")
        (shown,) = agent.background_fetches
        await shown.click()
        for _ in range(stops):
            await agent.terminate_worker(lab.registration)
            await shown.click()
        assert lab.of("event.end", outcome="rejected") == []
        await shown.abort()
        await agent.settled()
    return [(line["code"], line["where"]) for line in lab.of("diagnostic")]


CLICK = "def onbackgroundfetchclick(event):\n"

COUNTER = "count = 0\n" + CLICK + "    global count\n    count += 1\n"
SETTING = (
    "setting = 'none'\nasync def onmessage(event):\n    global setting\n    setting = event.data\n"
    "async def onbackgroundfetchclick(event):\n    await caches.open('x')\n    print(setting)\n"
)


async def test_a_counter(lab: Lab, autojump_clock: object) -> None:
    assert await told(lab, COUNTER, stops=3) == [("state-only-in-globals", "worker.py:4")]
    message = lab.one("diagnostic")["message"]
    assert message == "count is 0 again: it was 1 when the worker was stopped"


async def message_then_click(lab: Lab, worker: str, *, stop: bool) -> list[tuple[str, str | None]]:
    lab.origin.add("/a", b"aaa", delay=1000)
    lab.worker(worker)
    async with lab.open() as agent:
        await lab.manager.fetch("f", "/a")
        (shown,) = agent.background_fetches
        lab.registration.active.post_message("loud")
        await trio.sleep(1)
        if stop:
            await agent.terminate_worker(lab.registration)
        await shown.click()
        await shown.click()
        await shown.abort()
        await agent.settled()
    return [(line["code"], line["where"]) for line in lab.of("diagnostic")]


async def test_a_setting_that_is_read_after_the_worker_was_stopped(lab: Lab, autojump_clock: object) -> None:
    assert await message_then_click(lab, SETTING, stop=True) == [("state-only-in-globals", "worker.py:7")]
    lab.said("none", "none")


async def test_a_setting_that_is_read_while_the_worker_lives(lab: Lab, autojump_clock: object) -> None:
    assert await message_then_click(lab, SETTING, stop=False) == []
    lab.said("loud", "loud")


QUEUE = (
    "queue = []\ndef onmessage(event):\n    queue.append(event.data)\n"
    "def onbackgroundfetchclick(event):\n    while queue:\n        print(queue.pop())\n"
)


async def test_a_queue(lab: Lab, autojump_clock: object) -> None:
    assert await message_then_click(lab, QUEUE, stop=True) == [("state-only-in-globals", "worker.py:5")]


async def test_what_is_allowed_where_it_is_read(lab: Lab, autojump_clock: object) -> None:
    worker = QUEUE.replace("    while queue", "    # swruntime: allow=state-only-in-globals\n    while queue")
    assert await message_then_click(lab, worker, stop=True) == []


RIGHT = {
    "a memo that is None at first": (
        "memo = None\nasync def get():\n    global memo\n    if memo is None:\n        memo = len(await caches.keys())\n"
        "    return memo\nasync " + CLICK + "    print(await get())\n"
    ),
    "a memo that cannot be filled again": (
        "memo = None\nasync def oninstall(event): await caches.open('x')\nasync def get():\n    global memo\n"
        "    if memo is None:\n        memo = 1 if await caches.delete('x') else None\n    return memo\n"
        "async " + CLICK + "    print(await get())\n"
    ),
    "a memo that is a dict": (
        "memo = {}\ndef get(key):\n    if key not in memo:\n        memo[key] = key * 2\n    return memo[key]\n"
        + CLICK
        + "    print(get('x'))\n"
    ),
    "what is set before it is read": (
        "last = None\n" + CLICK + "    global last\n    last = event.type\n    print(last)\n"
    ),
    "what is only written": "log = []\n" + CLICK + "    log.append(event.type)\n",
    "a constant": "LIMIT = 3\n" + CLICK + "    print(LIMIT)\n",
    "objects": (
        "cache = None\nasync " + CLICK + "    global cache\n    cache = cache or await caches.open('x')\n"
    ),
    "what is restored at the top": "import time\ncount = time.time_ns()\n"
    + CLICK
    + "    global count\n    count += 1\n",
    "a namespace that is looked into": (
        "count = 0\n" + CLICK + "    global count\n    count += 1\n    print(sorted(globals())[0])\n"
    ),
}


@pytest.mark.parametrize("case", RIGHT)
async def test_what_is_right_is_left_in_peace(lab: Lab, autojump_clock: object, case: str) -> None:
    assert await told(lab, RIGHT[case], stops=2) == []


PORT = "{before}port = None\ndef onmessage(event):\n    global port\n    {keep}\n    event.ports[0].post_message('hello')\n"


async def with_a_port(lab: Lab, worker: str, *, close: bool = False) -> list[tuple[str, str | None]]:
    """Code and place of what is told of a worker that is posted a port, and stopped."""
    lab.worker(worker)
    async with lab.open():
        await post_a_port(lab, close=close)
    return [(line["code"], line["where"]) for line in lab.of("diagnostic")]


async def post_a_port(lab: Lab, *, close: bool) -> None:
    """Have its worker get a port, and stopped when it is idle."""
    channel = lab.window.MessageChannel()
    lab.registration.active.post_message("take it", [channel.port2])
    await trio.sleep(1)
    if close:
        channel.port1.close()
    await trio.sleep(60)
    assert not lab.registration._concept.active.running
    channel.port1.close()
    await lab.agent.settled()


@pytest.mark.parametrize(
    ("before", "keep"),
    [
        ("", "port = event.ports[0]"),
        ("ports = []\n", "ports.append(event.ports[0])"),
        ("ports = {}\n", "ports['page'] = event.ports[0]"),
        ("class State: pass\nstate = State()\n", "state.port = event.ports[0]"),
    ],
)
async def test_a_port_that_dies_with_its_worker(
    lab: Lab, autojump_clock: object, before: str, keep: str
) -> None:
    worker = PORT.format(before=before, keep=keep)
    line = next(n for n, text in enumerate(worker.splitlines(), 1) if keep in text)
    if keep.startswith("state"):
        line = 2  # who puts what into an object's attributes is not looked for
    assert await with_a_port(lab, worker) == [("port-held-across-restart", f"worker.py:{line}")]


async def test_a_port_whose_other_end_is_closed(lab: Lab, autojump_clock: object) -> None:
    assert await with_a_port(lab, PORT.format(before="", keep="port = event.ports[0]"), close=True) == []


async def test_a_port_that_is_used_and_let_go(lab: Lab, autojump_clock: object) -> None:
    assert await with_a_port(lab, PORT.format(before="", keep="pass")) == []


async def test_a_port_that_the_worker_closes(lab: Lab, autojump_clock: object) -> None:
    keep = "port = event.ports[0]; port.post_message('bye'); port.close()"
    assert await with_a_port(lab, PORT.format(before="", keep=keep)) == []


async def test_a_port_when_the_agent_closes(lab: Lab, autojump_clock: object) -> None:
    lab.worker(PORT.format(before="", keep="port = event.ports[0]"))
    async with lab.open():
        channel = lab.window.MessageChannel()
        lab.registration.active.post_message("take it", [channel.port2])
        await trio.sleep(1)
    assert lab.diagnostics == []
