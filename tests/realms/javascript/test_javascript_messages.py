"""Messages between realms of two languages, end to end: a worker in JavaScript, a page in Python."""

from __future__ import annotations

from typing import Any

import swruntime
from swruntime.testing import laboratory

WORKER = """
addEventListener("message", (event) => {
    const { data, ports, source } = event;
    switch (data.what ?? data) {
        case "echo":
            source.postMessage(data);
            break;
        case "javascript":
            source.postMessage([new Map([["k", new Set([1])]]), 2n ** 70n, undefined, [1, , 3], new Uint16Array([1, 2]),
                Object("boxed"), new Date(5), new DOMException("gone", "AbortError"), new File(["abc"], "n.txt")]);
            break;
        case "regexp":
            source.postMessage(/a/);
            break;
        case "port": {
            ports[0].onmessage = ({ data }) => data[0].postMessage(data[1].a);
            ports[0].postMessage("ready");
            break;
        }
        case "refused":
            source.postMessage([attempt(() => source.postMessage({ all: [registration] })),
                attempt(() => source.postMessage(caches)),
                attempt(() => structuredClone({ r: new Response() })),
                attempt(() => registration.showNotification("t", { data: [() => 1] }))]);
            break;
        case "detached": {
            const buffer = new ArrayBuffer(1);
            const { port1, port2 } = new MessageChannel();
            const told = [attempt(() => port1.postMessage(0, [port1]))];
            source.postMessage(0, [port1, buffer]);
            told.push(buffer.detached, attempt(() => source.postMessage(0, [port1])));
            port2.close();
            told.push(attempt(() => source.postMessage(0, { transfer: [port2] })));
            source.postMessage(told);
            break;
        }
    }
});
function attempt(act) {
    try {
        const result = act();
        result?.catch(() => {});
        return result instanceof Promise ? "a promise" : "nothing";
    } catch (error) {
        return `${error.name}: ${error.message}`;
    }
}
"""


async def told(lab: Any, message: Any, transfer: list[Any] | None = None) -> list[Any]:
    """What the page hears after it has sent `message`."""
    (lab.site / "sw.js").write_text(WORKER)
    heard: list[Any] = []
    window = await lab.user_agent.open_window("/")
    container = window.navigator.service_worker
    container.add_event_listener("message", lambda event: heard.append(event.data))
    container.add_event_listener("messageerror", lambda event: heard.append("messageerror"))
    container.start_messages()
    await container.register("/sw.js")
    registration = await container.ready
    registration.active.post_message(message, transfer)
    await lab.user_agent.settled()
    return heard


async def test_a_value_goes_and_comes_back(autojump_clock: object) -> None:
    value: dict[str, Any] = {"what": "echo", "list": [1, None, 1.5, "\ud800"], "bytes": b"\0", "big": 2**64}
    value["maps"] = {1: {"x"}}
    value["self"] = value
    async with laboratory() as lab:
        [back] = await told(lab, value)
        assert back.pop("self") is back
        del value["self"]
        assert back == value


async def test_what_javascript_has_more_of(autojump_clock: object) -> None:
    async with laboratory() as lab:
        [[mapped, big, undefined, holes, view, boxed, date, error, file]] = await told(lab, "javascript")
        assert (mapped, big, undefined, holes, view) == (
            {"k": {1}},
            2**70,
            None,
            [1, None, 3],
            b"\1\0\2\0",
        )
        assert (boxed, date.timestamp(), type(error), str(error)) == (
            "boxed",
            0.005,
            swruntime.AbortError,
            "gone",
        )
        assert (file.name, await file.text()) == ("n.txt", "abc")


async def test_what_python_has_no_value_for_is_a_messageerror(autojump_clock: object) -> None:
    async with laboratory() as lab:
        assert await told(lab, "regexp") == ["messageerror"]


async def test_ports_travel_both_ways(autojump_clock: object) -> None:
    async with laboratory() as lab:
        window = await lab.user_agent.open_window("/")
        channel, further = window.MessageChannel(), window.MessageChannel()
        heard: list[Any] = []
        channel.port1.add_event_listener("message", lambda event: heard.append(event.data))
        further.port1.add_event_listener("message", lambda event: heard.append(event.data))
        channel.port1.start()
        further.port1.start()
        await told(lab, "port", [channel.port2])
        channel.port1.post_message([further.port2, {"a": b"1"}], [further.port2])
        await lab.user_agent.settled()
        assert heard[0] == "ready"
        assert heard[1:] == [b"1"]


async def test_the_runtimes_own_objects_cannot_be_cloned(autojump_clock: object) -> None:
    async with laboratory() as lab:
        [refusals] = await told(lab, "refused")
        assert refusals == [
            "DataCloneError: message.all[0] is a ServiceWorkerRegistration, which cannot be cloned.",
            "DataCloneError: message is a CacheStorage, which cannot be cloned.",
            "DataCloneError: value.r is a Response, which cannot be cloned.",
            "a promise",
        ]


async def test_what_is_transferred_is_detached(autojump_clock: object) -> None:
    async with laboratory() as lab:
        heard = await told(lab, "detached")
        detached = "DataCloneError: transfer[0] is detached: it was transferred or closed before."
        assert heard == [
            0,
            ["DataCloneError: A port cannot be sent through itself.", True, detached, detached],
        ]


async def test_structured_clone_in_a_worker(autojump_clock: object) -> None:
    script = """
    const [o, b, { port1 }] = [{ m: new Map() }, new ArrayBuffer(2), new MessageChannel()];
    o.m.set("o", o);
    const copy = structuredClone([o, b, port1], { transfer: [b, port1] });
    console.log(copy[0] !== o && copy[0].m.get("o") === copy[0], b.detached, copy[1].byteLength,
        copy[2] instanceof MessagePort);
    console.log(structuredClone.length, JSON.stringify(structuredClone(undefined)));
    """
    async with laboratory() as lab:
        (lab.site / "sw.js").write_text(script)
        window = await lab.user_agent.open_window("/")
        await window.navigator.service_worker.register("/sw.js")
        await lab.user_agent.settled()
        said = [line["text"] for line in lab.trace if line["kind"] == "console"]
        assert said == ["true true 2 true", "1 undefined"]
