"""A server that leaves its HTTP/2 connections (nginx does, each so many requests): nobody notices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import swruntime
from swruntime.trace import Line
from tests.network.test_network_http2_goaway import DATA, HEADERS, Asked, Site, frame, goaway, serving

WORKER = """
async def onbackgroundfetchsuccess(event):
    for record in await event.registration.match_all():
        print(await (await record.response_ready).text())
"""


async def test_fetches_uploads_and_background_fetches_go_on(tmp_path: Path) -> None:
    """Each connection serves one request, says so within its answer, and refuses what was sent after it."""

    async def answer(asked: Asked) -> None:
        if asked.stream > 1:
            await asked.server.send(goaway(1))
            return
        body = asked.body or b"hello"
        head = b"\x88" + b"\x0f\x0d" + bytes([len(str(len(body)))]) + str(len(body)).encode()
        await asked.server.send(frame(HEADERS, 4, 1, head) + frame(DATA, 0, 1, body[:2]))
        await asked.server.send(goaway(1) + frame(DATA, 1, 1, body[2:]))

    site = Site(answer)
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "worker.py").write_text(WORKER)
    lines: list[Line] = []
    async with (
        serving(site, tmp_path) as network,
        swruntime.open_user_agent(
            site=folder, network=network, origin=site.url().rstrip("/"), on_trace=lines.append
        ) as agent,
    ):
        window: Any = await agent.open_window("/")
        await window.navigator.service_worker.register("/worker.py")
        registration = await window.navigator.service_worker.ready
        for _ in range(3):
            assert await (await window.fetch("/f")).text() == "hello"
            assert await (await window.fetch("/f", method="POST", body="body")).text() == "body"
        await registration.background_fetch.fetch("f", [f"/{number}" for number in range(8)])
        await agent.settled()
    assert [line["result"] for line in lines if line["kind"] == "record.settle"] == ["success"] * 8
    assert not [line for line in lines if line["kind"] == "record.wait" and line["reason"] != "slot"]
    assert [line["text"] for line in lines if line["kind"] == "console"] == ["hello"] * 8
