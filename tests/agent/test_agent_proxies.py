"""`open_user_agent(proxy=...)`: the one thing that sends a program's requests through a proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from swruntime import open_user_agent
from swruntime.trace import Line
from tests.network.proxy_server import proxy_server


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """A server for any origin's pages; its URL on the loopback."""

    async def answer(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some()
            said = b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 5\r\n\r\nhello"
            await stream.send_all(said)

    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, answer, [listener])
        yield f"http://localhost:{listener.socket.getsockname()[1]}/a"
        nursery.cancel_scope.cancel()


async def fetched(site: Path, url: str, **options: Any) -> list[Line]:
    """What the trace says of it, a page's `fetch()` of `url`."""
    lines: list[Line] = []
    async with open_user_agent(site=site, on_trace=lines.append, **options) as agent:
        window = await agent.open_window("/")
        response = await window.fetch(url)
        assert await response.text() == "hello"
    return lines


async def test_a_proxy_for_all_requests(tmp_path: Path) -> None:
    with proxy_server() as proxy:
        async with serving() as url:
            lines = await fetched(tmp_path, url, proxy=f"http://user:secret@localhost:{proxy.port}")
    assert proxy.lines == [f"GET {url} HTTP/1.1"]
    (told,) = [line for line in lines if line["kind"] == "diagnostic"]
    assert told["code"] == "proxy"
    assert told["message"].startswith(
        f"requests go through the proxy http://localhost:{proxy.port} (proxy), "
    )


async def test_a_programs_environment_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "socks5://127.0.0.1:1")
    async with serving() as url:
        lines = await fetched(tmp_path, url)
    assert [line for line in lines if line["kind"] == "diagnostic"] == []
