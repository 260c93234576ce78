"""Whatever a script does, only its own realm suffers: the agent stays whole, tells what happened, and goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio

from swruntime.errors import ScriptError
from swruntime.realms.python import watchdog
from swruntime.testing import laboratory
from swruntime.testing.lab import Laboratory

pytest.importorskip("deno")

pytestmark = pytest.mark.filterwarnings("ignore::swruntime.testing.DiagnosticWarning")

WORKER = """
addEventListener("message", (event) => {
    if (event.data === "ping") event.source.postMessage("pong");
    else event.waitUntil((0, eval)(event.data));
});
addEventListener("fetch", (event) => event.respondWith(new Response("by the worker")));
"""


@attrs.define
class Attacked:
    lab: Laboratory
    page: Any
    registration: Any
    heard: list[Any]

    async def post(self, code: str) -> None:
        """Have the worker evaluate `code` in a message event that lasts as long as what it gives."""
        self.registration.active.post_message(code)
        with trio.fail_after(600):
            await self.lab.user_agent.settled()

    async def works(self) -> bool:
        """Whether its next event works, in another process if need be."""
        self.heard.clear()
        await self.post("ping")
        return self.heard == ["pong"]

    async def restarted(self) -> bool:
        await self.lab.user_agent.terminate_worker(self.registration)
        return await self.works()

    def told(self, code: str) -> list[str]:
        return [line["message"] for line in self.lab.trace if line.get("code") == code]

    def ends(self) -> list[str]:
        """How its message events ended."""
        return [
            line["outcome"]
            for line in self.lab.trace
            if line["kind"] == "event.end" and line["name"] == "message"
        ]


@asynccontextmanager
async def attacked(worker: str = WORKER) -> AsyncIterator[Attacked]:
    async with laboratory() as lab:
        (lab.site / "sw.js").write_text(worker)
        page = await lab.window("/", worker="/sw.js")
        registration = await page.navigator.service_worker.ready
        heard: list[Any] = []
        page.navigator.service_worker.add_event_listener("message", lambda event: heard.append(event.data))
        yield Attacked(lab, page, registration, heard)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "PATIENCE", 0.5)
    monkeypatch.setattr(watchdog, "MOST", 2.0)


LOOPS = {
    "a loop": "for (;;) {}",
    "a loop of microtasks": "(function again() { Promise.resolve().then(again); })(), new Promise(() => {})",
    "a regular expression": "/^(a+)+$/.test('a'.repeat(60) + 'b')",
    "importScripts for ever": "for (;;) { try { importScripts('/sw.js'); } catch {} }",
    "a getter that a conversion calls": "new Request({ toString() { for (;;) {} } })",
}


@pytest.mark.slow
@pytest.mark.parametrize("code", LOOPS.values(), ids=LOOPS.keys())
async def test_a_worker_that_loops_is_told_and_ended(
    code: str, impatient: None, autojump_clock: object
) -> None:
    async with attacked() as them:
        await them.post(code)
        assert them.told("script-does-not-await")
        [ended] = them.told("script-process-ended")
        assert "it has not given way for 2 s" in ended
        assert them.ends() == ["interrupted"]
        assert await them.works()


PAGE_LOOPS = {
    "at once": "for (;;) {}",
    "in a microtask": "Promise.resolve().then(() => { for (;;) {} })",
    "in a timer": "setTimeout(() => { for (;;) {} }, 1000)",
    "in the value of its last statement": "({ then() { for (;;) {} } })",
    "in a getter of that": "({ get a() { for (;;) {} } })",
}


@pytest.mark.slow
@pytest.mark.parametrize("code", PAGE_LOOPS.values(), ids=PAGE_LOOPS.keys())
async def test_a_page_that_loops_is_told_and_ended(
    code: str, impatient: None, autojump_clock: object
) -> None:
    async with laboratory() as lab:
        (lab.site / "page.js").write_text(code)
        (lab.site / "good.js").write_text("1 + 1")
        page = await lab.user_agent.open_window("/")
        with pytest.raises(ScriptError, match="it has not given way for"):
            await page.run("/page.js")
        assert await page.run("/good.js") == 2
        await lab.user_agent.settled()


@pytest.mark.slow
async def test_the_others_go_on_while_a_worker_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the real clock: a virtual one stands still while a script computes."""
    monkeypatch.setattr(watchdog, "MOST", 300.0)
    async with attacked() as them:
        agent = them.lab.user_agent
        page = await agent.open_window("/")
        them.lab.origin.add("/file", b"content")
        (them.lab.site / "page.js").write_text("""
            (async () => {
                const registration = await navigator.serviceWorker.ready;
                registration.active.postMessage("for (;;) {}");
                await new Promise((resolve) => setTimeout(resolve, 20));
                const fetching = await registration.backgroundFetch.fetch("a", ["/file"]);
                fetching.onprogress = () => console.log(`${fetching.downloaded} bytes`);
            })()
        """)
        with trio.fail_after(60):
            await page.run("/page.js")
            await agent.until(lambda line: line.get("text") == "7 bytes")
            assert not them.ends()  # it loops still
            await agent.terminate_worker(them.registration)
            await agent.settled()
        assert them.ends() == ["interrupted"]
