"""The known holes of published workers, in JavaScript: each is told, with its code and line, and what is mended is not."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio

from swruntime.trace import explained, script_diagnostic

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

pytest.importorskip("deno")


async def succeed(lab: Lab) -> None:
    await lab.manager.fetch("f", "/a")
    await lab.agent.settled()
    lab.registration.active.post_message("x")
    await trio.sleep(1)
    await lab.agent.settled()


async def fail(lab: Lab) -> None:
    await lab.manager.fetch("f", "/none")
    await lab.agent.settled()


async def abort(lab: Lab) -> None:
    await (await lab.manager.fetch("f", "/slow")).abort()
    await lab.agent.settled()


async def page(lab: Lab) -> None:
    await lab.window.run("/page.js")
    await lab.agent.settled()


@attrs.frozen
class Hole:
    """A script that has one, at the line that says HERE, and the same script mended."""

    code: str
    before: str
    after: str
    drive: Callable[[Lab], Awaitable[None]] = succeed
    file: str = "sw.js"


HOLES = [
    Hole(
        "function-to-wait-until",
        """addEventListener("install", (event) => {
    event.waitUntil(async () => {  // HERE
        await caches.open("shell");
    });
});
""",
        """addEventListener("install", (event) => {
    event.waitUntil((async () => {
        await caches.open("shell");
    })());
});
""",
    ),
    Hole(
        "missing-wait-until",
        """addEventListener("install", () => {
    caches.open("shell").then((cache) => cache.add("/a"));  // HERE
});
""",
        """addEventListener("install", (event) => {
    event.waitUntil(caches.open("shell").then((cache) => cache.add("/a")));
});
""",
    ),
    Hole(
        "records-read-after-event",
        """let registration;
addEventListener("backgroundfetchsuccess", (event) => { registration = event.registration; });
addEventListener("message", (event) => {
    event.waitUntil(registration.matchAll().catch(() => {}));  // HERE
});
""",
        """addEventListener("backgroundfetchsuccess", (event) => { event.waitUntil(event.registration.matchAll()); });
""",
    ),
    Hole(
        "unknown-event-name",
        """addEventListener("backgroundfetchfailure", () => {});  // HERE
""",
        """addEventListener("backgroundfetchfail", () => {});
""",
    ),
    Hole(
        "no-fail-handler",
        """addEventListener("backgroundfetchsuccess", () => {});  // HERE
""",
        """addEventListener("backgroundfetchsuccess", () => {});
addEventListener("backgroundfetchfail", () => {});
""",
        fail,
    ),
    Hole(
        "no-abort-handler",
        """addEventListener("backgroundfetchsuccess", () => {});  // HERE
""",
        """addEventListener("backgroundfetchsuccess", () => {});
addEventListener("backgroundfetchabort", () => {});
""",
        abort,
    ),
    Hole(
        "download-total-too-small",
        """navigator.serviceWorker.ready.then((registration) =>
    registration.backgroundFetch.fetch("f", "/a", { downloadTotal: 2 }));  // HERE
""",
        """navigator.serviceWorker.ready.then((registration) =>
    registration.backgroundFetch.fetch("f", "/a", { downloadTotal: 3 }));
""",
        page,
        "page.js",
    ),
    Hole(
        "response-body-used",
        """const read = async () => {
    const response = new Response("a");
    await response.text();
    await response.text().catch(() => {});  // HERE
};
addEventListener("install", (event) => event.waitUntil(read()));
""",
        """const read = async () => {
    const response = new Response("a");
    await response.clone().text();
    await response.text();
};
addEventListener("install", (event) => event.waitUntil(read()));
""",
    ),
    Hole(
        "unhandled-rejection",
        """addEventListener("message", () => {
    Promise.reject(new Error("nobody listens"));  // HERE
});
""",
        """addEventListener("message", () => {
    Promise.reject(new Error("nobody listens")).catch(() => {});
});
""",
    ),
]


async def told(lab: Lab, hole: Hole, script: str) -> list[tuple[Any, Any]]:
    lab.origin.add("/a", b"aaa")
    lab.origin.add("/slow", b"aaa", delay=1000)
    lab.worker("", "sw.js")
    lab.worker(script, hole.file)
    async with lab.open(ready=False):
        lab.window = await lab.agent.open_window("/")
        await lab.window.navigator.service_worker.register("/sw.js")
        lab.registration = await lab.window.navigator.service_worker.ready
        await hole.drive(lab)
    return [(line["code"], line["where"]) for line in lab.lines if script_diagnostic(line)]


def place(hole: Hole) -> str:
    (line,) = (number for number, text in enumerate(hole.before.splitlines(), 1) if "HERE" in text)
    return f"{hole.file}:{line}"


@pytest.mark.parametrize("hole", HOLES, ids=lambda hole: hole.code)
async def test_a_hole_is_told(lab: Lab, autojump_clock: object, hole: Hole) -> None:
    assert await told(lab, hole, hole.before) == [(hole.code, place(hole))]


@pytest.mark.parametrize("hole", HOLES, ids=lambda hole: hole.code)
async def test_it_is_told_in_javascripts_names(lab: Lab, autojump_clock: object, hole: Hole) -> None:
    await told(lab, hole, hole.before)
    (text,) = (explained(line, code) for line in lab.lines if (code := script_diagnostic(line)))
    assert not re.search(r"[a-z]_[a-z]|\basync def\b|\bPython\b", text), text


@pytest.mark.parametrize("hole", HOLES, ids=lambda hole: hole.code)
async def test_what_is_mended_is_not(lab: Lab, autojump_clock: object, hole: Hole) -> None:
    assert await told(lab, hole, hole.after) == []


@pytest.mark.parametrize("hole", HOLES, ids=lambda hole: hole.code)
async def test_a_comment_allows_it(lab: Lab, autojump_clock: object, hole: Hole) -> None:
    script = hole.before.replace("// HERE", f"// swruntime: allow={hole.code}")
    assert await told(lab, hole, script) == []


async def test_a_comment_that_allows_what_is_no_code(lab: Lab, autojump_clock: object) -> None:
    hole = Hole("unknown-allowed-code", "\n// swruntime: allow=nonsense\n", "")
    assert await told(lab, hole, hole.before) == [("unknown-allowed-code", "sw.js:2")]


async def test_what_looks_like_such_a_comment_in_a_string_allows_nothing(
    lab: Lab, autojump_clock: object
) -> None:
    script = (
        """addEventListener("backgroundfetchfailure", () => "// swruntime: allow=unknown-event-name");\n"""
    )
    assert await told(lab, HOLES[0], script) == [("unknown-event-name", "sw.js:1")]
