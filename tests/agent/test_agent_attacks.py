"""Attacks that a script tries on other servers through the runtime: request framing, forbidden headers and methods, blocked
ports. What reaches the wire is looked at as bytes."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio

import swruntime

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("deno")

BREAKS = [
    "\r\nX-Smuggled: 1",
    "\nX-Smuggled: 1",
    "\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
    "\0",
    "\rX-Smuggled: 1",
]
"""What would begin another header, or another request, where a value were written as it is."""

FORBIDDEN = {
    "Accept-Charset": "x-forged",
    "Accept-Encoding": "x-forged",
    "Access-Control-Request-Headers": "x-forged",
    "Access-Control-Request-Method": "x-forged",
    "Connection": "x-forged",
    "Content-Length": "99",
    "Cookie": "x-forged=1",
    "Cookie2": "x-forged",
    "Date": "x-forged",
    "DNT": "x-forged",
    "Expect": "x-forged",
    "Host": "x-forged.example",
    "Keep-Alive": "x-forged",
    "Origin": "http://x-forged.example",
    "Referer": "http://x-forged.example/",
    "Set-Cookie": "x-forged=1",
    "TE": "x-forged",
    "Trailer": "x-forged",
    "Transfer-Encoding": "chunked",
    "Upgrade": "x-forged",
    "Via": "x-forged",
    "Proxy-Authorization": "x-forged",
    "Sec-Fetch-Site": "same-origin",
    "Sec-X-Forged": "x-forged",
    "X-HTTP-Method-Override": "TRACE",
}
"""https://fetch.spec.whatwg.org/#forbidden-request-header"""

PORTS = [6000, 6566, 6667, 6697, 10080]
"""Some of https://fetch.spec.whatwg.org/#port-blocking, which anybody may listen at."""


@attrs.frozen
class Recorder:
    """A server that keeps the bytes of every request, and answers each connection once."""

    port: int
    seen: list[bytes] = attrs.field(factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def answer(self, stream: trio.SocketStream) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            more = await stream.receive_some()
            if not more:
                return
            data += more
        self.seen.append(data)
        head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n"
        origin = "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: *\r\nAccess-Control-Allow-Methods: *"
        await stream.send_all(f"{head}{origin}\r\n\r\n".encode())
        await stream.aclose()


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        recorder = Recorder(listener.socket.getsockname()[1])
        nursery.start_soon(trio.serve_listeners, recorder.answer, [listener])
        yield recorder
        nursery.cancel_scope.cancel()


async def said_by(site: Path, script: str) -> dict[str, Any]:
    """Run a page script with a worker beside it; what it has logged, as JSON, by its first word."""
    (site / "sw.js").write_text("")
    (site / "page.js").write_text(script)
    lines: list[Any] = []
    async with swruntime.open_user_agent(site=site, give_up=1, on_trace=lines.append) as agent:
        window = await agent.open_window("/")
        await window.navigator.service_worker.register("/sw.js")
        await window.navigator.service_worker.ready
        await window.run("/page.js")
        await agent.settled()
    texts = [line["text"] for line in lines if line["kind"] == "console" and line["level"] == "log"]
    return {text.split(" ", 1)[0]: json.loads(text.split(" ", 1)[1]) for text in texts}


TRYING = """
const outcome = async (attempt) => {
    try {
        await attempt();
        return "done";
    } catch (error) {
        return error.name;
    }
};
const manager = navigator.serviceWorker.ready.then((registration) => registration.backgroundFetch);
let ids = 0;
const roads = {
    fetch: (url, init) => fetch(url, init),
    request: (url, init) => fetch(new Request(url, init)),
    set: (url, { headers = {}, ...init }) => {
        const request = new Request(url, init);
        for (const name of Object.keys(headers)) request.headers.append(name, headers[name]);
        return fetch(request);
    },
    background: async (url, init) => {
        await (await manager).fetch(`f${ids += 1}`, [new Request(url, init)]);
    },
};
"""


async def test_no_value_of_a_script_begins_a_header_or_a_request(recorder: Recorder, tmp_path: Path) -> None:
    script = f"""{TRYING}
    (async () => {{
        const url = {json.dumps(recorder.url)};
        const told = {{}};
        for (const [road, send] of Object.entries(roads)) {{
            for (const text of {json.dumps(BREAKS)}) {{
                const attempts = {{
                    "a header's value": () => send(url, {{ headers: {{ "X-Own": `a${{text}}b` }} }}),
                    "a header's name": () => send(url, {{ headers: {{ [`X-Own${{text}}`]: "a" }} }}),
                    "a method": () => send(url, {{ method: `GET / HTTP/1.1${{text}}` }}),
                    "a path": () => send(`${{url}}/a b${{text}}`, {{}}),
                    "a query": () => send(`${{url}}/?a b${{text}}`, {{}}),
                    "a host": () => send(`http://127.0.0.1${{text}}:{recorder.port}/`, {{}}),
                    "a referrer": () => send(url, {{ referrer: `/a b${{text}}` }}),
                    "a type": () => send(url, {{ method: "POST", body: new Blob(["x"], {{ type: `a/b${{text}}` }}) }}),
                }};
                for (const name of Object.keys(attempts)) {{
                    const key = `${{road}}: ${{name}}`;
                    (told[key] ??= []).push(await outcome(attempts[name]));
                }}
            }}
        }}
        console.log("told", JSON.stringify(told));
    }})();
    """
    told = (await said_by(tmp_path, script))["told"]
    assert len(told) == 4 * 8
    for road in ("fetch", "request", "set", "background"):
        for part in ("a header's name", "a method"):
            assert set(told[f"{road}: {part}"]) == {"TypeError"}
    assert len(recorder.seen) > 20, "what is harmless once it is encoded was sent"
    for request in recorder.seen:
        head, _, rest = request.partition(b"\r\n\r\n")
        assert rest in (b"", b"x")
        first, *headers = head.split(b"\r\n")
        assert first.count(b" ") == 2
        assert first.endswith(b" HTTP/1.1")
        assert not [each for each in (b"\r", b"\n", b"\0") if any(each in line for line in headers)]
        assert not [line for line in headers if line.lower().startswith(b"x-smuggled")]


async def test_forbidden_headers_and_methods_are_not_sent(recorder: Recorder, tmp_path: Path) -> None:
    script = f"""{TRYING}
    (async () => {{
        const url = {json.dumps(recorder.url)};
        const methods = [];
        for (const send of Object.values(roads)) {{
            const forbidden = {json.dumps(FORBIDDEN)};
            for (const name of Object.keys(forbidden)) {{
                for (const spelling of [name, name.toLowerCase(), name.toUpperCase()]) {{
                    await outcome(() => send(url, {{ headers: {{ [spelling]: forbidden[name] }} }}));
                }}
            }}
            for (const method of ["CONNECT", "TRACE", "TRACK", "trace", "Connect"]) {{
                methods.push(await outcome(() => send(url, {{ method }})));
            }}
        }}
        console.log("methods", JSON.stringify(methods));
    }})();
    """
    said = await said_by(tmp_path, script)
    assert said["methods"] == ["TypeError"] * 20
    assert len(recorder.seen) >= 4 * 3 * len(FORBIDDEN)
    for request in recorder.seen:
        assert b"x-forged" not in request.lower()
        assert b"trace" not in request.lower()
        assert b"content-length: 99" not in request.lower()
        assert f"host: 127.0.0.1:{recorder.port}\r\n".encode() in request.lower()
        assert b"transfer-encoding" not in request.lower()


@pytest.fixture
async def behind_blocked_ports() -> AsyncIterator[tuple[str, list[int]]]:
    """Servers that listen at blocked ports of an address of this process's own, and the ports that were connected to."""
    number = os.getpid()
    host = f"127.77.{number >> 8 & 255}.{number & 255 | 1}"
    connected: list[int] = []

    async def note(stream: trio.SocketStream) -> None:
        connected.append(stream.socket.getsockname()[1])

    async with trio.open_nursery() as nursery:
        for port in PORTS:
            nursery.start_soon(trio.serve_listeners, note, await trio.open_tcp_listeners(port, host=host))
        yield host, connected
        nursery.cancel_scope.cancel()


async def test_blocked_ports_are_blocked_on_every_road(
    behind_blocked_ports: tuple[str, list[int]], tmp_path: Path
) -> None:
    host, connected = behind_blocked_ports
    script = f"""{TRYING}
    (async () => {{
        const told = {{}};
        const cache = await caches.open("c");
        for (const port of {json.dumps(PORTS)}) {{
            const url = `http://{host}:${{port}}/`;
            const attempts = {{
                ...roads,
                "no-cors": (target) => fetch(target, {{ mode: "no-cors" }}),
                add: (target) => cache.add(target),
                opaque: (target) => cache.add(new Request(target, {{ mode: "no-cors" }})),
                stream: (target, init) => fetch(target, {{ ...init, method: "POST", body: "x" }}),
            }};
            for (const name of Object.keys(attempts)) {{
                (told[name] ??= []).push(await outcome(() => attempts[name](url, {{}})));
            }}
        }}
        console.log("told", JSON.stringify(told));
    }})();
    """
    told = (await said_by(tmp_path, script))["told"]
    assert told == dict.fromkeys(told, ["TypeError"] * len(PORTS))
    assert len(told) == 8
    assert connected == []
