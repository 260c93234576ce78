"""Real sockets: a server that goes away, and is there again."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import trio
import trio.testing

from swruntime import open_user_agent
from swruntime.trace import Line

BODY = bytes(range(256)) * 40
HELD = 1000
"""Of the body so many bytes come before the server goes away."""


class Server:
    """At a port of 127.0.0.1, on IPv4 only; it has one file, whose first answer is cut."""

    def __init__(self) -> None:
        self.port = 0
        self.ranges: list[str] = []
        self._up: trio.CancelScope | None = None

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        with trio.CancelScope() as self._up:
            (listener,) = await trio.open_tcp_listeners(self.port, host="127.0.0.1")
            self.port = listener.socket.getsockname()[1]
            task_status.started()
            await trio.serve_listeners(self.answer, [listener])

    def stop(self) -> None:
        assert self._up is not None
        self._up.cancel()

    async def answer(self, stream: trio.SocketStream) -> None:
        async with stream:
            head = (await stream.receive_some()).decode().lower()
            if not head:
                return  # somebody who only looks whether we are there
            self.ranges.append(head.partition("range: ")[2].partition("\r\n")[0])
            start = HELD if self.ranges[-1] else 0
            fields = f'Access-Control-Allow-Origin: *\r\nETag: "1"\r\nContent-Length: {len(BODY) - start}\r\n'
            if not start:
                await stream.send_all(f"HTTP/1.1 200 OK\r\n{fields}\r\n".encode() + BODY[:HELD])
                return
            part = f"Content-Range: bytes {start}-{len(BODY) - 1}/{len(BODY)}\r\n"
            await stream.send_all(f"HTTP/1.1 206 Partial\r\n{fields}{part}\r\n".encode() + BODY[start:])


WORKER = """
async def onbackgroundfetchsuccess(event):
    (record,) = await event.registration.match_all()
    print(len(await (await record.response_ready).bytes()))
"""


def settled(lines: list[Line]) -> list[Line]:
    return [line for line in lines if line["kind"] == "record.settle"]


async def _away(
    tmp_path: Path, seconds: float, url: Callable[[int], str], **options: object
) -> tuple[float, list[Line], Server]:
    """A background fetch whose server goes away in the middle; how long after its return it was asked again."""
    (tmp_path / "worker.py").write_text(WORKER)
    lines: list[Line] = []
    server = Server()
    async with trio.open_nursery() as nursery:
        await nursery.start(server.run)
        if "upstream" in options:
            options["upstream"] = f"http://localhost:{server.port}"
        async with open_user_agent(site=tmp_path, on_trace=lines.append, **options) as agent:  # type: ignore[arg-type]
            window = await agent.open_window("/")
            await window.navigator.service_worker.register("/worker.py")
            registration = await window.navigator.service_worker.ready
            await registration.background_fetch.fetch("f", url(server.port))
            await agent.until(lambda line: line["kind"] == "record.wait")
            server.stop()
            await agent.until(lambda line: line["kind"] == "record.wait" and line["reason"] == "connect")
            await trio.sleep(seconds)
            before = trio.current_time()
            await nursery.start(server.run)
            await agent.settled()
            after = trio.current_time() - before
        server.stop()
    return after, lines, server


@pytest.mark.parametrize("seconds", [20, 200, 500])
async def test_a_server_that_is_back_is_asked_within_seconds(
    tmp_path: Path, seconds: float, autojump_clock: trio.testing.MockClock
) -> None:
    after, lines, server = await _away(tmp_path, seconds, lambda port: f"http://localhost:{port}/f")
    assert after < 3
    assert settled(lines)[0]["result"] == "success"
    assert server.ranges == ["", f"bytes={HELD}-"], "a look is not a request"
    assert len([line for line in lines if line["kind"] == "record.start"]) < 20
    signs = [line["name"] for line in lines if line["kind"] == "network.change"]
    assert signs == [f"http://localhost:{server.port}"]


async def test_an_upstream_that_is_back(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    """It is looked for where it is, not where its site's origin is."""
    after, lines, _ = await _away(tmp_path, 200, lambda port: "/f", upstream="")
    assert after < 3
    assert settled(lines)[0]["result"] == "success"


async def test_who_does_not_come_back_is_given_up(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    (tmp_path / "worker.py").write_text(WORKER)
    lines: list[Line] = []
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/f"
        async with open_user_agent(site=tmp_path, give_up=300, on_trace=lines.append) as agent:
            window = await agent.open_window("/")
            await window.navigator.service_worker.register("/worker.py")
            registration = await window.navigator.service_worker.ready
            await registration.background_fetch.fetch("f", url)
            await agent.settled()
    (line,) = settled(lines)
    assert (line["result"], line["cause"]) == ("fetch-error", "connect")
    assert 299 < line["time"] < 305
