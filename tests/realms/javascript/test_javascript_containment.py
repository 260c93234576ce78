"""Whatever a script does, only its own realm suffers: the agent stays whole, tells what happened, and goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio

from swruntime.errors import ScriptError
from swruntime.realms.javascript.worker_realm import JavaScriptWorkerRealm
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
            if not any(line.get("text") == "7 bytes" for line in them.lab.trace):
                await agent.until(lambda line: line.get("text") == "7 bytes")
            assert not them.ends()  # it loops still
            await agent.terminate_worker(them.registration)
            await agent.settled()
        assert them.ends() == ["interrupted"]


HARMLESS = {
    "an ArrayBuffer of 4 GiB": (
        "try { new ArrayBuffer(2 ** 32); console.log('got it') } catch (error) { console.log(error.name) }",
        "RangeError",
    ),
    "deep recursion": (
        "try { (function f() { f(); })() } catch (error) { console.log(error.name) }",
        "RangeError",
    ),
    "a giant string": ("try { 'a'.repeat(2 ** 30) } catch (error) { console.log(error.name) }", "RangeError"),
    "half a character": (r"console.log('\ud800')", None),
    "a promise that throws in its then": ("({ then() { throw new TypeError('no') } })", None),
    "an exception that cannot be written": (
        "throw { get message() { throw 1 }, toString() { throw 2 } }",
        None,
    ),
    "an exception that is its own": ("throw new Proxy({}, { get() { throw 1 } })", None),
    "process.exit": ("process.exit(3)", None),
    "close": ("close()", None),
}


@pytest.mark.parametrize(("code", "said"), HARMLESS.values(), ids=HARMLESS.keys())
async def test_what_a_worker_may_try(code: str, said: str | None, autojump_clock: object) -> None:
    async with attacked() as them:
        await them.post(code)
        assert said is None or said in [line["text"] for line in them.lab.trace if line["kind"] == "console"]
        assert not them.told("script-process-ended")
        assert await them.works()


FLOODS = {
    "many calls that nobody awaits": (
        "for (let i = 0; i < 1_000; i++) caches.has('a' + i); console.log('done')",
        "done",
    ),
    "many lines": (
        "for (let i = 0; i < 1_000; i++) console.debug('x'.repeat(100)); console.log('done')",
        "done",
    ),
    "many errors": (
        "for (let i = 0; i < 100; i++) Promise.reject(new Error(i)); console.log('done')",
        "done",
    ),
    "many timers": ("for (let i = 0; i < 1_000; i++) setTimeout(() => {}); console.log('done')", "done"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("code", "said"), FLOODS.values(), ids=FLOODS.keys())
async def test_a_flood_is_taken(code: str, said: str, autojump_clock: object) -> None:
    async with attacked() as them:
        await them.post(code)
        assert said in [line["text"] for line in them.lab.trace if line["kind"] == "console"]
        assert not them.told("script-process-ended")
        assert await them.works()


async def test_a_promise_that_never_settles_ends_with_its_event(autojump_clock: object) -> None:
    async with attacked() as them:
        await them.post("new Promise(() => {})")
        assert them.ends() == ["timed-out"]
        assert await them.works()


@pytest.mark.slow
@pytest.mark.parametrize("code", ["objects", "array buffers"])
async def test_memory_has_an_end(code: str, autojump_clock: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "MOST", 120.0)
    attack = {
        "objects": "const all = []; for (;;) all.push(new Array(100_000).fill(1.5))",
        "array buffers": "const all = []; try { for (;;) all.push(new Uint8Array(2 ** 26).fill(1)); } catch {}",
    }[code]
    async with attacked() as them:
        await them.post(attack)
        if code == "objects":
            [ended] = them.told("script-process-ended")
            assert "it ran out of memory" in ended
            assert them.ends() == ["interrupted"]
        assert await them.works()


POLLUTION = {
    "names of members": """
        for (const name of ["t", "op", "args", "id", "at", "event", "value", "error", "$bytes", "$object", "state", "is"]) {
            Object.defineProperty(Object.prototype, name, { get() { return 1 }, set() { throw new Error("no") }, configurable: true });
        }""",
    "then of all objects": "Object.prototype.then = function () {}",
    "toJSON": "Object.prototype.toJSON = () => 1; String.prototype.toJSON = () => 2",
    "array iterators": "Array.prototype[Symbol.iterator] = () => { throw new Error('no') }",
    "array methods": "for (const name of ['push', 'map', 'slice', 'join', 'shift']) Array.prototype[name] = () => { throw 1 }",
    "indices": "Object.defineProperty(Array.prototype, 0, { get() { return 1 }, set() { throw new Error('no') } })",
    "promises": "Promise.prototype.then = () => { throw new Error('no') }",
    "Promise": "Promise.resolve = Promise.reject = () => { throw 1 }; globalThis.Promise = class {}",
    "JSON": "JSON.parse = JSON.stringify = () => { throw new Error('no') }",
    "maps": "Map.prototype.get = Map.prototype.set = WeakMap.prototype.get = () => { throw new Error('no') }",
    "bytes": "Uint8Array.prototype.set = Uint8Array.prototype.subarray = () => { throw new Error('no') }",
    "functions": "Function.prototype.call = Function.prototype.apply = () => { throw new Error('no') }",
    "strings": "for (const name of ['slice', 'split', 'startsWith']) String.prototype[name] = () => { throw 1 }",
    "stacks": "Error.prepareStackTrace = () => { throw new Error('no') }",
    "stacks that nobody may change": "Object.freeze(Error)",
    "stacks by a getter": "Object.defineProperty(Error, 'prepareStackTrace', { get() { throw new Error('no') } })",
    "the name of a stack's file": """
        const prepare = Error.prepareStackTrace;
        Error.prepareStackTrace = (_, sites) => Object.getPrototypeOf(sites[0]);
        new Error().stack.getFileName = () => { throw new Error('no') };
        Error.prepareStackTrace = prepare;""",
    "no stacks": "Error.stackTraceLimit = 0",
    "regular expressions": "RegExp.prototype.exec = RegExp.prototype[Symbol.replace] = () => { throw 1 }",
    "events": "Event.prototype.stopImmediatePropagation = EventTarget.prototype.dispatchEvent = () => { throw 1 }",
    "Reflect": "for (const name of Reflect.ownKeys(Reflect)) delete Reflect[name]",
    "Object": "for (const name of Object.getOwnPropertyNames(Object)) try { delete Object[name] } catch {}",
    "the global object": "for (const name of Object.getOwnPropertyNames(globalThis)) try { delete globalThis[name] } catch {}",
}


@pytest.mark.parametrize(
    "code",
    [
        # The loop that it makes is ended after ten seconds of the wall clock.
        pytest.param(code, id=name, marks=pytest.mark.slow if name == "array iterators" else ())
        for name, code in POLLUTION.items()
    ],
)
async def test_pollution_hurts_the_polluter_only(code: str, autojump_clock: object) -> None:
    async with attacked() as them:
        await them.post(code)
        with trio.fail_after(600):
            await them.post(
                "caches.has('a'); fetch('/nothing').catch(() => {}); setTimeout(() => {}, 10); structuredClone([1])"
            )
        assert len(them.ends()) == 2
        assert await them.restarted()


WRITERS = {
    "none": "",
    "one of the script's": "Error.prepareStackTrace = () => { console.error('called'); return 'nowhere' };",
    "one that stays": """
        Object.defineProperty(Error, "prepareStackTrace", { value: undefined, writable: false, configurable: false });""",
}


@pytest.mark.parametrize("code", WRITERS.values(), ids=WRITERS.keys())
async def test_a_place_is_known_whoever_writes_the_stack(code: str, autojump_clock: object) -> None:
    async with attacked(f"{code}\nonmessage = () => console.log(String(Error.prepareStackTrace));") as them:
        await them.post("")
        [line] = [line for line in them.lab.trace if line["kind"] == "console"]
        assert line["where"] == f"sw.js:{code.count(chr(10)) + 2}"
        # What the script has there is there still.
        assert line["text"] == (
            "() => { console.error('called'); return 'nowhere' }" if "called" in code else "undefined"
        )


FORGED: list[dict[str, Any]] = [
    {"t": "unheard-of"},
    {"t": "ready", "version": 2},
    {"t": "broken", "text": "no"},
    {"t": "answer", "id": 77},
    {"t": "pulled", "id": 77, "piece": b""},
    {"t": "call", "id": "1", "op": "caches", "args": []},
    {"t": "call", "id": 1, "op": "__class__.__init__", "args": [1]},
    {"t": "call", "id": 1, "op": "Cache.__init__", "args": [1]},
    {"t": "call", "id": 1, "op": "Cache._entries", "args": [1]},
    {"t": "call", "id": 1, "op": "body.read", "args": [{}]},
    {"t": "call", "id": 1, "op": "body.read", "args": [1, 2, 3]},
    {"t": "call", "id": 1, "op": "script.fetch", "args": ["file:///etc/hosts"]},
    {"t": "call", "id": 1, "op": "fetch", "args": [{"url": 1}]},
    {"t": "post", "op": "release", "args": [1, "many"]},
    {"t": "post", "op": "release", "args": [{}, 1]},
    {"t": "post", "op": "listen", "args": [999, "a"]},
    {"t": "post", "op": "timer.set", "args": [1, -1, False]},
    {"t": "post", "op": "console", "args": ["shout", "a"]},
    {"t": "post", "op": "MessageChannel.new", "args": [1, 2]},
    {"t": "ask", "op": "eval", "args": []},
    {"t": "life", "event": 1, "input": []},
    {"t": "life", "event": 1, "input": "turn"},
    {"t": "call", "id": 1, "op": "CacheStorage.has", "args": [1, "a"], "at": "nowhere"},
    {"t": "call", "id": 1, "op": "CacheStorage.has", "args": [1, "a"], "at": [{}, 1, 1]},
]


@pytest.mark.parametrize("frame", FORGED, ids=lambda frame: "-".join(map(str, frame.values())))
async def test_a_frame_that_no_process_of_ours_sends(frame: dict[str, Any], autojump_clock: object) -> None:
    async with attacked() as them:
        [engine] = [
            realm._engine
            for realm in them.lab.user_agent.services.realms
            if isinstance(realm, JavaScriptWorkerRealm)
        ]
        assert engine is not None
        engine._handle(frame)
        await them.lab.user_agent.settled()
        assert await them.works()
