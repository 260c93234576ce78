"""Which origin is answered by whom."""

from __future__ import annotations

import pytest

from swruntime.concepts.http import HeaderList
from swruntime.network.asgi import AsgiNetwork, Receive, Scope, Send
from swruntime.network.router import OriginRouter
from swruntime.ports.network import WireRequest


def named(name: str) -> AsgiNetwork:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": name.encode()})

    return AsgiNetwork(app)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://localhost:8400/a", "site"),
        ("http://LOCALHOST:8400", "site"),
        ("http://localhost:8401/", "default"),
        ("https://localhost:8400/", "default"),
        ("http://plain.example:80/", "plain"),
        ("http://plain.example.evil/", "default"),
    ],
)
async def test_the_origin_decides(url: str, name: str) -> None:
    router = OriginRouter(
        named("default"), {"http://localhost:8400/x": named("site"), "http://plain.example": named("plain")}
    )
    async with router.exchange(WireRequest("GET", url, HeaderList())) as response:
        assert b"".join([piece async for piece in response.body]) == name.encode()
