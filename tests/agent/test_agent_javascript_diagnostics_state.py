"""What a JavaScript worker keeps in its globals, and loses when it is stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from tests.agent.test_agent_diagnostics_state import post_a_port

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

pytest.importorskip("deno")

Told = list[tuple[str, str | None]]


async def open_with(lab: Lab, worker: str) -> None:
    lab.origin.add("/a", b"aaa", delay=1000)
    lab.worker(worker, "sw.js")
    lab.window = await lab.agent.open_window("/")
    await lab.window.navigator.service_worker.register("/sw.js")
    lab.registration = await lab.window.navigator.service_worker.ready


async def clicks(lab: Lab, worker: str, *, stops: int = 1) -> Told:
    """Code and place of what is told of a worker that handles a click, is stopped, and handles another one."""
    async with lab.open(ready=False) as agent:
        await open_with(lab, worker)
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


async def message_then_click(lab: Lab, worker: str, *, stop: bool = True) -> Told:
    async with lab.open(ready=False) as agent:
        await open_with(lab, worker)
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


ABORT = "onbackgroundfetchabort = () => {};\n"
CLICK = ABORT + "onbackgroundfetchclick = () => {\n"

COUNTERS = {
    "let": "let count = 0;\n" + CLICK + "    count += 1;  // HERE\n};\n",
    "var": "var count = 0;\n" + CLICK + "    count++;  // HERE\n};\n",
    "a property": "self.count = 0;\n" + CLICK + "    self.count = self.count + 1;  // HERE\n};\n",
    "after others": "  const a = 0; let b = 2\n  let count = a\n" + CLICK + "    ++count;  // HERE\n};\n",
    "after what looks like something else": (
        "const re = /[\"'`{/]/, text = `let count = 0; ${'}'} {`; // let count\nlet count = 0;\n"
        + CLICK
        + "    count -= -1;  // HERE\n};\n"
    ),
}


def here(worker: str) -> str:
    (line,) = (number for number, text in enumerate(worker.splitlines(), 1) if "HERE" in text)
    return f"sw.js:{line}"


@pytest.mark.parametrize("case", COUNTERS)
async def test_a_counter(lab: Lab, autojump_clock: object, case: str) -> None:
    worker = COUNTERS[case]
    assert await clicks(lab, worker, stops=3) == [("state-only-in-globals", here(worker))]
    message = lab.one("diagnostic")["message"]
    assert message == "count is 0 again: it was 1 when the worker was stopped"


SETTING = """let setting = "none";
onmessage = (event) => { setting = event.data; };
onbackgroundfetchabort = () => {};
onbackgroundfetchclick = (event) => event.waitUntil((async () => {
    await caches.open("x");
    console.log(setting);
})());
"""
QUEUE = """const queue = [];
onbackgroundfetchabort = () => {};
onmessage = (event) => {
    queue.push(event.data);
};
onbackgroundfetchclick = () => {
    while (queue.length > 0) console.log(queue.shift());
};
"""


@pytest.mark.parametrize("keyword", ["let", "var"])
async def test_a_setting_that_is_read_after_the_worker_was_stopped(
    lab: Lab, autojump_clock: object, keyword: str
) -> None:
    worker = SETTING.replace("let", keyword)
    assert await message_then_click(lab, worker) == [("state-only-in-globals", "sw.js:6")]
    lab.said("none", "none")


async def test_a_setting_that_is_read_while_the_worker_lives(lab: Lab, autojump_clock: object) -> None:
    assert await message_then_click(lab, SETTING, stop=False) == []
    lab.said("loud", "loud")


async def test_a_queue(lab: Lab, autojump_clock: object) -> None:
    assert await message_then_click(lab, QUEUE) == [("state-only-in-globals", "sw.js:7")]
    message = lab.one("diagnostic")["message"]
    assert message == 'queue is [] again: it was ["loud"] when the worker was stopped'


@pytest.mark.parametrize(
    ("before", "fill", "read"),
    [
        ("const seen = new Map();", "seen.set('a', event.data)", "seen.get('a')"),
        ("const seen = new Set();", "seen.add(event.data)", "[...seen]"),
        ("const seen = {};", "seen.a = event.data", "seen.a"),
        ("let seen = null;", "seen = { at: [event.data, 1n, true] }", "seen?.at"),
    ],
)
async def test_containers(lab: Lab, autojump_clock: object, before: str, fill: str, read: str) -> None:
    worker = f"{before}\nonmessage = (event) => {{ {fill}; }};\n{CLICK}    console.log({read});\n}};\n"
    assert await message_then_click(lab, worker) == [("state-only-in-globals", "sw.js:5")]


async def test_what_is_allowed_where_it_is_read(lab: Lab, autojump_clock: object) -> None:
    worker = QUEUE.replace("    while", "    // swruntime: allow=state-only-in-globals\n    while")
    assert await message_then_click(lab, worker) == []


async def test_a_constant_stays_one(lab: Lab, autojump_clock: object) -> None:
    worker = QUEUE.replace(
        "while (queue", "try { queue = 1; } catch (error) { console.log(error.message); }\n    while (queue"
    )
    await message_then_click(lab, worker)
    said = ["Assignment to constant variable."] * 2
    assert [text for text in lab.console if "constant" in text] == said


RIGHT = {
    "a memo that is null at first": (
        "let memo = null;\nasync function get() {\n    if (memo === null) memo = (await caches.keys()).length;\n"
        "    return memo;\n}\n"
        + ABORT
        + "onbackgroundfetchclick = (e) => e.waitUntil(get().then(console.log));\n"
    ),
    "a memo that cannot be filled again": (
        "let memo;\noninstall = (e) => e.waitUntil(caches.open('x'));\nasync function get() {\n"
        "    memo ??= (await caches.delete('x')) ? 1 : undefined;\n    return memo;\n}\n"
        + ABORT
        + "onbackgroundfetchclick = (e) => e.waitUntil(get().then(console.log));\n"
    ),
    "a memo that is a Map": (
        "const memo = new Map();\nfunction get(key) {\n    if (!memo.has(key)) memo.set(key, key + key);\n"
        "    return memo.get(key);\n}\n" + CLICK + "    console.log(get('x'));\n};\n"
    ),
    "what is set before it is read": (
        "let last = null;\n"
        + CLICK.replace("()", "(event)", 2)
        + "    last = event.type;\n    console.log(last);\n};\n"
    ),
    "what is only written": "const log = [];\n" + CLICK + "    log.push('click');\n};\n",
    "a text that grows": "let log = '';\n" + CLICK + "    log += 'click';\n};\n",
    "a constant": "const LIMIT = 3;\n" + CLICK + "    console.log(LIMIT);\n};\n",
    "objects": (
        "let cache = null;\n"
        + ABORT
        + "onbackgroundfetchclick = (e) => e.waitUntil((async () => { cache = cache || await caches.open('x'); })());\n"
    ),
    "what is restored at the top": "let count = Math.random();\n" + CLICK + "    count += 1;\n};\n",
    "a local of the same name": (
        "let count = 0;\n" + CLICK + "    let count = 0;\n    count += 1;\n    console.log(count);\n};\n"
    ),
    "what is evaluated": "let count = 0;\n" + CLICK + "    count += 1;\n    eval('count');\n};\n",
    "what hides the platform": "let registration = 0;\n" + CLICK + "    registration += 1;\n};\n",
    "in a function": "(() => {\nlet count = 0;\n" + CLICK + "    count += 1;\n};\n})();\n",
}


@pytest.mark.parametrize("case", RIGHT)
async def test_what_is_right_is_left_in_peace(lab: Lab, autojump_clock: object, case: str) -> None:
    assert await clicks(lab, RIGHT[case], stops=2) == []


async def test_a_script_that_was_edited_meanwhile(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(ready=False) as agent:
        await open_with(lab, QUEUE)
        await lab.manager.fetch("f", "/a")
        lab.registration.active.post_message("loud")
        await trio.sleep(1)
        lab.worker(QUEUE.replace("queue", "line"), "sw.js")
        await agent.terminate_worker(lab.registration)
        (shown,) = agent.background_fetches
        await shown.click()
        await shown.abort()
        await agent.settled()
    assert lab.diagnostics == []


async def test_a_worker_of_two_files_is_not_looked_at(lab: Lab, autojump_clock: object) -> None:
    lab.worker("", "other.js")
    assert await message_then_click(lab, 'importScripts("other.js");\n' + QUEUE) == []


PORT = """{before}
onmessage = (event) => {{
    {keep};
    event.ports[0].postMessage("hello");
}};
"""


async def with_a_port(lab: Lab, before: str, keep: str, *, close: bool = False) -> Told:
    """Code and place of what is told of a worker that is posted a port, and stopped."""
    async with lab.open(ready=False):
        await open_with(lab, PORT.format(before=before, keep=keep))
        await post_a_port(lab, close=close)
    return [(line["code"], line["where"]) for line in lab.of("diagnostic")]


@pytest.mark.parametrize(
    ("before", "keep"),
    [
        ("let port = null;", "port = event.ports[0]"),
        ("var port;", "port = event.ports[0]"),
        ("", "self.port = event.ports[0]"),
        ("const ports = [];", "ports.push(event.ports[0])"),
        ("const ports = new Map();", "ports.set('page', event.ports[0])"),
        ("const ports = new Set();", "ports.add(event.ports[0])"),
        ("const state = {};", "state.port = event.ports[0]"),
        ("class State {}\nconst state = new State();", "state.port = event.ports[0]"),
    ],
)
async def test_a_port_that_dies_with_its_worker(
    lab: Lab, autojump_clock: object, before: str, keep: str
) -> None:
    line = 3 + before.count("\n")
    assert await with_a_port(lab, before, keep) == [("port-held-across-restart", f"sw.js:{line}")]


@pytest.mark.parametrize(
    ("keep", "close"),
    [
        ("port = event.ports[0]", True),
        ("port = event.ports[0]; port = null", False),
        ("port = event.ports[0]; port.postMessage('bye'); port.close()", False),
        ("port = null", False),
        ("port = event.ports[0]  // swruntime: allow=port-held-across-restart\n", False),
    ],
)
async def test_a_port_that_is_let_go(lab: Lab, autojump_clock: object, keep: str, close: bool) -> None:
    assert await with_a_port(lab, "let port = null;", keep, close=close) == []


async def test_a_port_when_the_agent_closes(lab: Lab, autojump_clock: object) -> None:
    async with lab.open(ready=False):
        await open_with(lab, PORT.format(before="let port;", keep="port = event.ports[0]"))
        channel = lab.window.MessageChannel()
        lab.registration.active.post_message("take it", [channel.port2])
        await trio.sleep(1)
    assert lab.diagnostics == []
