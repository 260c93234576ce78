"""Bytes after the end of an answer: the answer is whole without them, and a diagnostic tells of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

import swruntime
from swruntime.trace import Line
from tests.agent.conftest import Lab

BODY = bytes(range(256)) * 40
WORKER = b"""
async def onbackgroundfetchsuccess(event):
    for record in await event.registration.match_all():
        print(len(await (await record.response_ready).bytes()))
"""


@pytest.mark.parametrize("how", ["background fetch", "fetch()"])
async def test_they_are_left_out_and_told(lab: Lab, autojump_clock: object, how: str) -> None:
    lab.origin.add("/f", BODY, content_length=5_000)
    async with lab.open() as agent:
        if how == "fetch()":
            response = await lab.window.fetch("/f")
            assert await response.bytes() == BODY[:5_000]
        else:
            fetch = await lab.manager.fetch("f", ["/f"])
            await agent.settled()
            assert (fetch.result, fetch.downloaded) == ("success", 5_000)
    (told,) = lab.of("diagnostic")
    assert (told["code"], told["where"]) == ("extra-bytes", None)
    assert told["message"].endswith(
        "bytes came after the end of the answer to GET http://localhost:8400/f, and are left out"
    )


@asynccontextmanager
async def serving(answer: bytes) -> AsyncIterator[str]:
    async def handle(stream: trio.abc.Stream) -> None:
        while await stream.receive_some():
            await stream.send_all(answer)

    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, handle, [listener])
        yield f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 5\r\n\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\nhello\r\n0\r\n\r\n\r\n",
    ],
)
async def test_from_a_real_server(tmp_path: Path, answer: bytes) -> None:
    lines: list[Line] = []
    (tmp_path / "worker.py").write_bytes(WORKER)
    async with (
        serving(answer) as url,
        swruntime.open_user_agent(site=tmp_path, on_trace=lines.append) as agent,
    ):
        window: Any = await agent.open_window("/")
        await window.navigator.service_worker.register("/worker.py")
        registration = await window.navigator.service_worker.ready
        await registration.background_fetch.fetch("f", [f"{url}/f"])
        await agent.settled()
    (settled,) = (line for line in lines if line["kind"] == "record.settle")
    assert (settled["result"], settled["bytes"]) == ("success", 5)
    (told,) = (line for line in lines if line["kind"] == "diagnostic" and line["code"] == "extra-bytes")
    assert told["message"] == f"2 bytes came after the end of the answer to GET {url}/f, and are left out"
