"""A server that goes away (GOAWAY), or takes no notice of a stream: what it serves is served, the rest is asked again."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import attrs
import pytest
import trio

from swruntime.concepts.http import HeaderList
from swruntime.errors import NetworkFailure
from swruntime.network.names import Names
from swruntime.network.opening import tls_context
from swruntime.network.sockets import KEPT_OF_UPLOADS, MOST_REFUSALS, SocketNetwork
from swruntime.ports.network import WireRequest
from tests.network.test_network_http2 import HOST, server_context

DATA, HEADERS, RST_STREAM, SETTINGS, WINDOW_UPDATE, GOAWAY = 0, 1, 3, 4, 8, 7
REFUSED_STREAM, INTERNAL_ERROR, NO_ERROR = 7, 2, 0
END_STREAM, END_HEADERS, ACK = 1, 4, 1
NEVER = 2**31 - 1


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def goaway(last: int, code: int = NO_ERROR, debug: bytes = b"") -> bytes:
    return frame(GOAWAY, 0, 0, struct.pack(">II", last, code) + debug)


def reset(stream: int, code: int) -> bytes:
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def head(stream: int, *, end: bool = False) -> bytes:
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, b"\x88")


def data(stream: int, body: bytes, *, end: bool = True) -> bytes:
    return frame(DATA, END_STREAM if end else 0, stream, body)


def whole(stream: int) -> bytes:
    return head(stream) + data(stream, b"hello")


@attrs.define
class Asked:
    """A request as it came. `number` counts the requests of all connections, from 1."""

    connection: int
    number: int
    stream: int
    body: bytes
    server: RawServer

    @property
    def where(self) -> tuple[int, int]:
        return self.connection, self.stream


@attrs.define
class RawServer:
    """One connection, of which `answer` gets each request, once its body has come (or its head, where `early`)."""

    stream: trio.SSLStream[trio.SocketStream]
    number: int
    site: Site

    async def serve(self) -> None:
        await self.stream.send_all(frame(SETTINGS, 0, 0))
        got = await self.some(24)
        got = got[24:]
        bodies: dict[int, bytes] = {}
        while True:
            while len(got) < 9 or len(got) < 9 + int.from_bytes(got[:3], "big"):
                got += await self.some(1)
            size, kind, flags = int.from_bytes(got[:3], "big"), got[3], got[4]
            stream, payload = int.from_bytes(got[5:9], "big"), got[9 : 9 + size]
            got = got[9 + size :]
            if kind == SETTINGS and not flags & ACK:
                await self.stream.send_all(frame(SETTINGS, ACK, 0))
            if kind in (HEADERS, DATA):
                bodies[stream] = bodies.get(stream, b"") + (payload if kind == DATA else b"")
                if kind == DATA and payload:
                    update = struct.pack(">I", len(payload))
                    await self.stream.send_all(
                        frame(WINDOW_UPDATE, 0, 0, update) + frame(WINDOW_UPDATE, 0, stream, update)
                    )
                if flags & END_STREAM or (self.site.early and kind == HEADERS):
                    self.site.count += 1
                    asked = Asked(self.number, self.site.count, stream, bodies[stream], self)
                    self.site.asked.append(asked)
                    await self.site.answer(asked)

    async def some(self, least: int) -> bytes:
        got = b""
        while len(got) < least:
            part = await self.stream.receive_some()
            if not part:
                raise EOFError
            got += part
        return got

    async def send(self, frames: bytes) -> None:
        for piece in self.site.divide(frames):
            await self.stream.send_all(piece)


@attrs.define
class Site:
    answer: Callable[[Asked], Awaitable[None]]
    early: bool = False
    divide: Callable[[bytes], list[bytes]] = lambda frames: [frames]
    asked: list[Asked] = attrs.field(factory=list)
    connections: int = 0
    count: int = 0
    port: int = 0

    @property
    def places(self) -> list[tuple[int, int]]:
        return [asked.where for asked in self.asked]

    def url(self) -> str:
        return f"https://{HOST}:{self.port}/"


def one_by_one(frames: bytes) -> list[bytes]:
    return [frames[index : index + 1] for index in range(len(frames))]


@asynccontextmanager
async def serving(site: Site, folder: Path) -> AsyncIterator[SocketNetwork]:
    authority, context = server_context(("h2",))
    authorities = folder / "authorities.pem"
    authority.cert_pem.write_to_path(str(authorities))

    async def handle(stream: trio.SSLStream[trio.SocketStream]) -> None:
        site.connections += 1
        with suppress(EOFError, trio.BrokenResourceError, trio.ClosedResourceError):
            await RawServer(stream, site.connections, site).serve()

    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_ssl_over_tcp_listeners(
            0, context, host="127.0.0.1", https_compatible=True
        )
        nursery.start_soon(trio.serve_listeners, handle, [listener])
        inner = listener.transport_listener
        assert isinstance(inner, trio.SocketListener)
        site.port = inner.socket.getsockname()[1]
        async with SocketNetwork(Names.parse([f"{HOST}:127.0.0.1"]), tls_context(authorities)) as network:
            yield network
        nursery.cancel_scope.cancel()


async def get(network: SocketNetwork, site: Site) -> bytes:
    async with network.exchange(WireRequest("GET", site.url(), HeaderList())) as response:
        return b"".join([piece async for piece in response.body])


async def post(network: SocketNetwork, site: Site, *pieces: bytes, method: str = "POST") -> bytes:
    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            await trio.lowlevel.checkpoint()
            yield piece

    request = WireRequest(method, site.url(), HeaderList(), body, sum(map(len, pieces)))
    async with network.exchange(request) as response:
        return b"".join([piece async for piece in response.body])


@pytest.mark.parametrize(
    "divide", [lambda frames: [frames], one_by_one], ids=["in one packet", "byte by byte"]
)
@pytest.mark.parametrize(
    "frames",
    [
        goaway(1) + whole(1),
        head(1) + goaway(1) + data(1, b"hello"),
        head(1) + data(1, b"he", end=False) + goaway(1) + data(1, b"llo"),
        whole(1) + goaway(1),
        goaway(NEVER) + head(1) + goaway(1, 0, b"going") + data(1, b"hello"),
        goaway(NEVER) + goaway(1) + whole(1),
        goaway(1, INTERNAL_ERROR, b"x" * 1000) + whole(1),
        head(1) + data(1, b"hello", end=False) + goaway(1) + data(1, b""),
    ],
)
async def test_a_stream_that_is_served_is_served_to_its_end(
    tmp_path: Path, frames: bytes, divide: Callable[[bytes], list[bytes]]
) -> None:
    """And the connection serves no other one."""

    async def answer(asked: Asked) -> None:
        await asked.server.send(frames if asked.connection == 1 else whole(asked.stream))

    site = Site(answer, divide=divide)
    async with serving(site, tmp_path) as network:
        for _ in range(3):
            assert await get(network, site) == b"hello"
    if frames.endswith(goaway(1)):  # it may come after the next request, which is asked again
        assert site.places[-1] in ((2, 1), (2, 3))
    else:
        assert site.places == [(1, 1), (2, 1), (2, 3)]


@pytest.mark.parametrize(
    "divide", [lambda frames: [frames], one_by_one], ids=["in one packet", "byte by byte"]
)
@pytest.mark.parametrize(
    "refusal",
    [
        goaway(0),
        goaway(0, INTERNAL_ERROR),
        goaway(NEVER) + goaway(0),
        reset(1, REFUSED_STREAM),
        reset(1, REFUSED_STREAM) + goaway(NEVER),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_the_server_took_no_notice_of_is_asked_again(
    tmp_path: Path, refusal: bytes, method: str, divide: Callable[[bytes], list[bytes]]
) -> None:
    async def answer(asked: Asked) -> None:
        await asked.server.send(refusal if asked.connection == 1 else whole(asked.stream))

    site = Site(answer, divide=divide)
    async with serving(site, tmp_path) as network:
        if method == "GET":
            assert await get(network, site) == b"hello"
        else:
            assert await post(network, site, b"one", b"", b"two") == b"hello"
            assert [asked.body for asked in site.asked] == [b"onetwo", b"onetwo"]
    assert site.places == [(1, 1), (2, 1)]


async def test_a_kept_connection_that_goes_away_under_a_post(tmp_path: Path) -> None:
    async def answer(asked: Asked) -> None:
        await asked.server.send(goaway(1) if asked.where == (1, 3) else whole(asked.stream))

    site = Site(answer)
    async with serving(site, tmp_path) as network:
        assert await get(network, site) == b"hello"
        assert await post(network, site, b"body") == b"hello"
    assert site.places == [(1, 1), (1, 3), (2, 1)]
    assert site.asked[-1].body == b"body"


@pytest.mark.parametrize("refusal", [goaway(0), reset(1, REFUSED_STREAM)])
async def test_a_server_that_refuses_for_ever(tmp_path: Path, refusal: bytes) -> None:
    async def answer(asked: Asked) -> None:
        await asked.server.send(refusal)

    site = Site(answer)
    async with serving(site, tmp_path) as network:
        with pytest.raises(NetworkFailure, match="takes no notice") as caught:
            await post(network, site, b"body")
    assert caught.value.cause == "reset"
    assert site.places == [(number, 1) for number in range(1, MOST_REFUSALS + 2)]


@pytest.mark.parametrize("refusal", [goaway(0), reset(1, REFUSED_STREAM)])
async def test_an_upload_that_is_refused_in_its_midst(tmp_path: Path, refusal: bytes) -> None:
    """The window is full, so the client waits, and hears of it."""

    async def answer(asked: Asked) -> None:
        if asked.connection == 1:
            await asked.server.send(refusal)
        else:
            site.early = False
            if asked.body:
                await asked.server.send(whole(asked.stream))

    site = Site(answer, early=True)
    body = bytes(range(256)) * 1024
    async with serving(site, tmp_path) as network:
        assert await post(network, site, body[:100_000], body[100_000:]) == b"hello"
    assert site.asked[-1].body == body
    assert site.connections == 2


async def test_more_than_is_kept_is_not_sent_again(tmp_path: Path) -> None:
    """Its source may be gone; the failure is one that a background fetch tries again where it may."""

    async def answer(asked: Asked) -> None:
        await asked.server.send(reset(1, REFUSED_STREAM))

    site = Site(answer)
    async with serving(site, tmp_path) as network:
        with pytest.raises(NetworkFailure) as caught:
            await post(network, site, b"x" * KEPT_OF_UPLOADS, b"x")
    assert caught.value.cause == "reset"
    assert site.connections == 1


@pytest.mark.parametrize(
    "frames",
    [
        reset(1, INTERNAL_ERROR),
        reset(1, NO_ERROR),
        head(1) + data(1, b"he", end=False) + reset(1, REFUSED_STREAM),
        head(1) + data(1, b"he", end=False) + goaway(0),
        head(1) + data(1, b"he", end=False) + reset(1, INTERNAL_ERROR),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_may_have_been_acted_upon_is_not_asked_again(
    tmp_path: Path, frames: bytes, method: str
) -> None:
    async def answer(asked: Asked) -> None:
        await asked.server.send(frames)

    site = Site(answer)
    async with serving(site, tmp_path) as network:
        with pytest.raises(NetworkFailure) as caught:
            await (get(network, site) if method == "GET" else post(network, site, b"body"))
    assert caught.value.cause == "reset"
    assert site.connections == 1


@pytest.mark.parametrize("code", [NO_ERROR, INTERNAL_ERROR])
@pytest.mark.parametrize("begun", [b"", head(1), head(1) + data(1, b"he", end=False)])
async def test_a_stream_that_should_be_served_and_is_not(tmp_path: Path, begun: bytes, code: int) -> None:
    async def answer(asked: Asked) -> None:
        await asked.server.send(goaway(1, code) + begun)
        await asked.server.stream.aclose()

    site = Site(answer)
    async with serving(site, tmp_path) as network:
        with pytest.raises(NetworkFailure) as caught:
            await get(network, site)
    assert caught.value.cause == "reset"
    assert site.connections == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_kept_connection_that_is_closed_without_a_word(tmp_path: Path, method: str) -> None:
    async def answer(asked: Asked) -> None:
        if asked.where == (1, 3):
            await asked.server.stream.aclose()
        await asked.server.send(whole(asked.stream))

    site = Site(answer)
    async with serving(site, tmp_path) as network:
        assert await get(network, site) == b"hello"
        if method == "GET":
            assert await get(network, site) == b"hello"
            assert site.places == [(1, 1), (1, 3), (2, 1)]
        else:
            with pytest.raises(NetworkFailure) as caught:
                await post(network, site, b"body")
            assert caught.value.cause == "reset"


@pytest.mark.parametrize("status", [b"abc", b""])
async def test_a_status_that_is_none(tmp_path: Path, status: bytes) -> None:
    literal = b"\x08" + bytes([len(status)]) + status  # of the indexed name :status

    async def answer(asked: Asked) -> None:
        await asked.server.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, literal))

    site = Site(answer)
    async with serving(site, tmp_path) as network:
        with pytest.raises(NetworkFailure) as caught:
            await get(network, site)
    assert caught.value.cause == "protocol"


async def test_a_header_with_a_line_end(tmp_path: Path) -> None:
    literal = b"\x88\x00\x01x\x04a\r\nb"

    async def answer(asked: Asked) -> None:
        await asked.server.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, literal))

    site = Site(answer)
    async with serving(site, tmp_path) as network:
        with pytest.raises(NetworkFailure) as caught:
            await get(network, site)
    assert caught.value.cause == "protocol"
