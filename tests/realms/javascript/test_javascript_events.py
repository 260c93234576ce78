"""Events of a JavaScript worker: microtasks, trust, what extends an event and what does not.

Spec: https://w3c.github.io/ServiceWorker/#extendableevent-interface, https://dom.spec.whatwg.org/#concept-event-dispatch
"""

from __future__ import annotations

from typing import Any

import pytest

from swruntime.testing import laboratory
from swruntime.testing.lab import Laboratory


def said(lab: Laboratory) -> list[str]:
    return [line["text"] for line in lab.trace if line["kind"] == "console"]


def outcome(lab: Laboratory, name: str) -> dict[str, Any]:
    return next(line for line in lab.trace if line["kind"] == "event.end" and line["name"] == name)


async def run_worker(lab: Laboratory, script: str, *, message: object = "go") -> Any:
    """A worker with that script, and a message to it."""
    (lab.site / "sw.js").write_text(script)
    window = await lab.window(worker="/sw.js")
    (await window.navigator.service_worker.ready).active.post_message(message)
    await lab.user_agent.settled()
    return window


ORDER = """
const log = [];
addEventListener("message", () => { log.push("1"); Promise.resolve().then(() => log.push("1's microtask")); });
onmessage = () => { log.push("handler"); queueMicrotask(() => log.push("handler's microtask")); };
addEventListener("message", { handleEvent() { log.push("object"); } });
addEventListener("message", (event) => {
    event.waitUntil(new Promise((resolve) => setTimeout(resolve, 10)).then(() => console.log(log.join(", "))));
});
"""


async def test_a_listeners_microtasks_run_before_the_next_listener(autojump_clock: object) -> None:
    async with laboratory() as lab:
        await run_worker(lab, ORDER)
        assert said(lab) == ["1, 1's microtask, handler, handler's microtask, object"]


WAITING = """
const tried = (name, fn) => { try { fn(); console.log(name, "taken"); } catch (error) {
    console.log(name, error instanceof DOMException, error.name); } };
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
onmessage = (event) => {
    const work = later(5);
    event.waitUntil(work);
    // In the reaction to the last promise the event is active still.
    work.then(() => { tried("in the reaction", () => event.waitUntil(later(5))); });
    later(50).then(() => tried("after the end", () => event.waitUntil(later(5))));
    const own = new ExtendableEvent("message");
    console.log(event.isTrusted, own.isTrusted);
    tried("of a script", () => own.waitUntil(later(1)));
    tried("without arguments", () => { try { event.waitUntil(); } catch (error) {
        console.log(error instanceof TypeError); } });
};
"""


async def test_what_extends_an_event(autojump_clock: object) -> None:
    async with laboratory() as lab:
        window = await run_worker(lab, WAITING)
        (await window.navigator.service_worker.ready)
        await lab.user_agent.until(lambda line: line.get("text", "").startswith("after the end"))
        assert said(lab) == [
            "true false",
            "of a script true InvalidStateError",
            "true",
            "without arguments taken",
            "in the reaction taken",
            "after the end true InvalidStateError",
        ]
        assert outcome(lab, "message")["outcome"] == "fulfilled"


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        ("event.waitUntil(Promise.reject(new RangeError('no')))", "RangeError: no"),
        (
            "event.waitUntil((async () => { await 0; undefinedName; })())",
            "ReferenceError: undefinedName is not defined",
        ),
        ("event.waitUntil(Promise.reject('a text'))", "a text"),
        ("event.waitUntil(Promise.reject(new DOMException('gone', 'AbortError')))", "AbortError: gone"),
        ("throw new TypeError('thrown')", "TypeError: thrown"),
    ],
)
async def test_how_an_event_fails(autojump_clock: object, handler: str, error: str) -> None:
    async with laboratory() as lab:
        await run_worker(lab, f"onmessage = (event) => {{\n    {handler};\n}};\n")
        ended = outcome(lab, "message")
        assert (ended["outcome"], ended["error"]) == ("rejected", error)
        assert ended["where"] in ("sw.js:2", None)


REJECTIONS = """
addEventListener("unhandledrejection", (event) => {
    console.log(event.reason.message, event.promise instanceof Promise, event.isTrusted);
    if (event.reason.message === "mine") event.preventDefault();
});
onmessage = () => { Promise.reject(new Error("mine")); Promise.reject(new Error("nobody's")); };
"""


@pytest.mark.filterwarnings("ignore::swruntime.testing.DiagnosticWarning")
async def test_rejections_that_nobody_handles(autojump_clock: object) -> None:
    async with laboratory() as lab:
        await run_worker(lab, REJECTIONS)
        told = [line for line in lab.trace if line["kind"] == "diagnostic"]
        assert [(line["code"], line["where"]) for line in told] == [("unhandled-rejection", "sw.js:6")]
        assert "nobody's" in told[0]["message"]
        assert said(lab) == ["mine true true", "nobody's true true", "Uncaught Error: nobody's"]


FETCHES = """
oninstall = () => skipWaiting();
onactivate = (event) => event.waitUntil(clients.claim());
const name = (fn) => { try { fn(); return "taken"; } catch (error) { return error.name; } };
onfetch = (event) => {
    const path = new URL(event.request.url).pathname;
    event.handled.then(() => console.log(path, "handled"), (error) => console.log(path, error.name));
    if (path === "/twice") {
        event.respondWith(new Response("1"));
        console.log(name(() => event.respondWith(new Response("2"))));
    } else if (path === "/late") {
        setTimeout(() => console.log(name(() => event.respondWith(new Response("late")))), 0);
    } else if (path === "/wrong") {
        event.respondWith({});
    } else if (path === "/rejected") {
        event.respondWith(Promise.reject(new Error("no")));
    } else if (path === "/prevented") {
        event.preventDefault();
    } else if (path === "/streamed") {
        const { readable, writable } = new TransformStream();
        const writer = writable.getWriter();
        for (const text of ["a", "b", "c"]) writer.write(new TextEncoder().encode(text));
        writer.close();
        event.respondWith(new Response(readable, { status: 201, headers: { "X-Path": path } }));
    }
};
"""


async def test_fetch_events(autojump_clock: object) -> None:
    async with laboratory() as lab:
        (lab.site / "sw.js").write_text(FETCHES)
        for path in ("/late", "/other"):
            lab.origin.add(path, body=b"network")
        window = await lab.window(worker="/sw.js")
        await lab.user_agent.settled()

        async def text(path: str) -> str:
            try:
                response = await window.fetch(path)
            except TypeError as error:
                return "TypeError" if path in str(error) else str(error)
            return f"{response.status} {await response.text()}"

        assert await text("/twice") == "200 1"
        assert await text("/late") == "200 network"
        assert await text("/wrong") == "TypeError"
        assert await text("/rejected") == "TypeError"
        assert await text("/prevented") == "TypeError"
        assert await text("/streamed") == "201 abc"
        assert await text("/other") == "200 network"
        await lab.user_agent.settled()
        assert sorted(said(lab)) == sorted(
            [
                "InvalidStateError",
                "/twice handled",
                "/late handled",
                "InvalidStateError",
                "/wrong NetworkError",
                "/rejected NetworkError",
                "/prevented NetworkError",
                "/streamed handled",
                "/other handled",
            ]
        )
