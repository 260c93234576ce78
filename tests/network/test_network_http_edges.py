"""SocketNetwork at HTTP/1.1's edges: what is read, what is refused, and which connection is used again."""

from __future__ import annotations

import gzip
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs
import pytest
import trio
import trio.testing
import trustme

from swruntime.concepts.http import HeaderList
from swruntime.errors import Cause, NetworkFailure
from swruntime.network.sockets import SocketNetwork
from swruntime.ports.network import WireRequest
from tests.network.test_network_http_sockets import read_head

OK = b"HTTP/1.1 200 OK\r\n"
FIVE = OK + b"Content-Length: 5\r\n\r\nhello"
CHUNKS = OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"

Division = Callable[[bytes], list[bytes]]
DIVISIONS: dict[str, Division] = {
    "in one packet": lambda data: [data],
    "byte by byte": lambda data: [data[i : i + 1] for i in range(len(data))],
    "head, then the rest": lambda data: [part for part in data.partition(b"\r\n\r\n") if part],
}


@attrs.define
class Serving:
    """Answers each request with `answer`, and closes the connection after it where `closes` says so."""

    answer: bytes
    divide: Division = DIVISIONS["in one packet"]
    closes: bool = False
    later: bytes = b""
    """Sent once the client has read the answer."""
    port: int = 0
    requests: int = 0
    connections: int = 0
    read: trio.Event = attrs.field(factory=trio.Event)
    sent_later: trio.Event = attrs.field(factory=trio.Event)

    async def handle(self, stream: trio.abc.Stream) -> None:
        self.connections += 1
        assert isinstance(stream, trio.SocketStream)
        stream.setsockopt(trio.socket.IPPROTO_TCP, trio.socket.TCP_NODELAY, 1)
        try:
            while True:
                await read_head(stream)
                self.requests += 1
                for piece in self.divide(self.answer):
                    await stream.send_all(piece)
                    await trio.lowlevel.checkpoint()
                if self.later:
                    await self.read.wait()
                    await stream.send_all(self.later)
                    self.sent_later.set()
                if self.closes:
                    await stream.aclose()
                    return
        except (EOFError, trio.BrokenResourceError):
            return


@asynccontextmanager
async def serving(server: Serving) -> AsyncIterator[Serving]:
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        server.port = listener.socket.getsockname()[1]
        nursery.start_soon(trio.serve_listeners, server.handle, [listener])
        yield server
        nursery.cancel_scope.cancel()


@attrs.frozen
class Got:
    status: int
    headers: HeaderList
    body: bytes


async def get(network: SocketNetwork, url: str, method: str = "GET") -> Got:
    async with network.exchange(WireRequest(method, url, HeaderList())) as response:
        return Got(response.status, response.headers, b"".join([piece async for piece in response.body]))


async def outcome(server: Serving, method: str = "GET") -> Got | Cause:
    """What one exchange with `server` comes to."""
    async with serving(server), SocketNetwork() as network:
        try:
            return await get(network, f"http://127.0.0.1:{server.port}/", method)
        except NetworkFailure as failure:
            return failure.cause


@pytest.mark.parametrize("divide", DIVISIONS.values(), ids=DIVISIONS)
@pytest.mark.parametrize(
    "head",
    [
        OK + b"nonsense\r\n",
        OK + b"X-B : 1\r\n",
        OK + b": x\r\n",
        OK + b"X(B): 1\r\n",
        OK + b"caf\xc3\xa9: 1\r\n",
        OK + b"X: 1\r\n and more\r\n",
        OK + b"Content-Length: 5\r\n",
        b"\r\n" + OK,
        b"HTTP/1.1  200  OK\r\n",
        b"HTTP/1.1\t200\tOK\r\n",
        b"http/1.1 200 ok\r\n",
        b"HTTP/1.1 200\r\n",
        b"HTTP/1.1 200 OK\n",
        b"HTTP/1.0 200 OK\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + OK,
    ],
)
async def test_heads_that_browsers_read(head: bytes, divide: Division) -> None:
    got = await outcome(Serving(head + b"Content-Length: 5\r\n\r\nhello", divide))
    assert isinstance(got, Got), got
    assert (got.status, got.body) == (200, b"hello")
    assert got.headers.get("Content-Length") in ("5", "5, 5")


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: -1\r\n\r\nhello",
        OK + b"Content-Length: +5\r\n\r\nhello",
        OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        OK + b"Content-Length: 5, 6\r\n\r\nhello!",
        OK + b"Content-Length: 5\r\n 0\r\n\r\nhello",
        OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloworld\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
        OK + b"X: \0\r\n\r\nhello",
        b"HTTP/1.1 OK\r\n\r\nhello",
        b"<html>hello</html>",
        b"220 smtp.example ready\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + FIVE,
        OK + b"X: " + b"x" * 262_144 + b"\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\n" * 12_000 + FIVE,
    ],
)
async def test_what_contradicts_itself_or_is_not_http_is_refused(answer: bytes) -> None:
    """At once, even where the server leaves the connection open."""
    assert await outcome(Serving(answer)) == "protocol"


@pytest.mark.parametrize("divide", DIVISIONS.values(), ids=DIVISIONS)
@pytest.mark.parametrize(
    "answer",
    [
        CHUNKS,
        OK + b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello",
        OK + b"Transfer-Encoding: CHUNKED\r\n\r\n5 \r\nhello\r\n0;x=y\r\nTrailer: x\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n",
    ],
)
async def test_bodies(answer: bytes, divide: Division) -> None:
    got = await outcome(Serving(answer, divide))
    assert isinstance(got, Got), got
    assert got.body == b"hello"


GZIP = gzip.compress(b"hello", mtime=0)


@pytest.mark.parametrize(
    "answer",
    [
        FIVE,
        CHUNKS,
        CHUNKS[:-2] + b"Trailer: x\r\n\r\n",
        OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(GZIP) + GZIP,
        OK
        + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
        % (len(GZIP), GZIP),
        b"HTTP/1.1 100 Continue\r\n\r\n" + FIVE,
    ],
)
async def test_a_cut_anywhere_may_be_tried_again_and_is_never_success(answer: bytes) -> None:
    begins = answer.rindex(b"\r\n\r\n" if answer is FIVE else b"HTTP/1.1 200")
    async with trio.open_nursery() as nursery:

        async def cut(at: int) -> None:
            got = await outcome(Serving(answer[:at], closes=True))
            assert got in ("truncated", "reset"), (at, got)

        for at in (0, 1, 5, begins, *range(len(answer) - 40, len(answer))):
            nursery.start_soon(cut, at)


@pytest.mark.parametrize("extra", [b"\r\n", b"\n", b"extra", EVIL, b"\0" * 100_000])
@pytest.mark.parametrize(
    ("method", "answer", "body"),
    [
        ("GET", FIVE, b"hello"),
        ("GET", CHUNKS, b"hello"),
        ("GET", OK + b"Content-Length: 0\r\n\r\n", b""),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b""),
        ("HEAD", OK + b"Content-Length: 5\r\n\r\n", b""),
    ],
)
async def test_extra_bytes_in_the_same_packet(method: str, answer: bytes, body: bytes, extra: bytes) -> None:
    """Not part of the answer, nor of the next one: the connection is closed, and it is told."""
    told: list[str] = []
    async with serving(Serving(answer + extra)) as server, SocketNetwork(tell=told.append) as network:
        url = f"http://127.0.0.1:{server.port}/"
        for _ in range(2):
            assert (await get(network, url, method)).body == body
    assert server.connections == 2
    assert len(told) == 2
    assert told[0].endswith(f" bytes came after the end of the answer to {method} {url}, and are left out")


@pytest.mark.parametrize("extra", [b"\r\n", b"extra", EVIL])
@pytest.mark.parametrize("answer", [FIVE, CHUNKS, b"HTTP/1.1 204 No Content\r\n\r\n"])
async def test_extra_bytes_that_come_later(answer: bytes, extra: bytes) -> None:
    """While the connection is kept: it is not used again, and that is told then."""
    told: list[str] = []
    async with (
        serving(Serving(answer, later=extra)) as server,
        SocketNetwork(tell=told.append) as network,
    ):
        first = await get(network, f"http://127.0.0.1:{server.port}/")
        server.read.set()
        await server.sent_later.wait()
        assert await get(network, f"http://127.0.0.1:{server.port}/") == first
    assert server.connections == 2
    assert [line.split()[0] for line in told] == [str(len(extra))]


@pytest.mark.parametrize("extra", [b"\r\n", b"extra", b"H"])
async def test_extra_bytes_byte_by_byte(extra: bytes) -> None:
    """They may come when the next request is on its way already."""
    divide = DIVISIONS["byte by byte"]
    async with serving(Serving(FIVE + extra, divide)) as server, SocketNetwork() as network:
        for _ in range(3):
            assert (await get(network, f"http://127.0.0.1:{server.port}/")).body == b"hello"


@pytest.mark.parametrize(
    ("answer", "connections"),
    [
        (FIVE, 1),
        (CHUNKS, 1),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 1),
        (OK + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello", 3),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", 3),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", 1),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 3),
    ],
)
async def test_which_connections_are_kept(answer: bytes, connections: int) -> None:
    async with serving(Serving(answer)) as server, SocketNetwork() as network:
        for _ in range(3):
            await get(network, f"http://127.0.0.1:{server.port}/")
    assert (server.requests, server.connections) == (3, connections)


async def test_a_connection_that_is_left_in_the_body_is_not_kept() -> None:
    answer = OK + b"Content-Length: 200000\r\n\r\n" + b"x" * 200_000
    async with serving(Serving(answer)) as server, SocketNetwork() as network:
        url = f"http://127.0.0.1:{server.port}/"
        async with network.exchange(WireRequest("GET", url, HeaderList())) as response:
            assert (await anext(response.body)).startswith(b"xxx")
        assert len((await get(network, url)).body) == 200_000
    assert server.connections == 2


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
async def test_a_kept_connection_that_was_closed(method: str) -> None:
    """A request that is safe goes out again: nothing of its answer had come. Another may have been acted upon."""
    asked = 0

    async def handle(stream: trio.abc.Stream) -> None:
        nonlocal asked
        first = asked == 0
        await read_head(stream)
        asked += 1
        await stream.send_all(OK + b"Content-Length: 0\r\n\r\n")
        if first:
            await read_head(stream)
            asked += 1
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, handle, [listener])
        url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}/"
        async with SocketNetwork() as network:
            await get(network, url)
            if method in ("GET", "HEAD"):
                assert (await get(network, url, method)).status == 200
            else:
                with pytest.raises(NetworkFailure) as caught:
                    await get(network, url, method)
                assert caught.value.cause == "reset"
        nursery.cancel_scope.cancel()
    assert asked == (3 if method in ("GET", "HEAD") else 2)


async def test_a_connection_that_breaks_at_once_is_not_tried_again() -> None:
    server = Serving(b"", closes=True)
    assert await outcome(server) == "reset"
    assert server.connections == 1


async def test_a_server_that_answers_without_reading_the_body() -> None:
    """And closes the connection: its answer counts."""

    async def handle(stream: trio.abc.Stream) -> None:
        await read_head(stream)
        await stream.send_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        answered.set()
        await ended.wait()

    async def body() -> AsyncIterator[bytes]:
        yield b"x"
        await answered.wait()
        yield b"x"

    answered, ended = trio.Event(), trio.Event()
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, handle, [listener])
        url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}/"
        async with SocketNetwork() as network:
            request = WireRequest("POST", url, HeaderList(), body, None)
            async with network.exchange(request) as response:
                assert response.status == 413
                assert b"".join([piece async for piece in response.body]) == b"no"
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("name", "value"),
    [("X", "a\r\nEvil: 1"), ("X", "a\nb"), ("X", "\0"), ("X\r\nEvil", "1"), ("X Y", "1"), ("X", "\u0100")],
)
async def test_a_header_that_would_be_two_is_not_sent(name: str, value: str) -> None:
    server = Serving(FIVE)
    async with serving(server), SocketNetwork() as network:
        request = WireRequest("GET", f"http://127.0.0.1:{server.port}/", HeaderList(((name, value),)))
        with pytest.raises(NetworkFailure, match="cannot be sent") as caught:
            async with network.exchange(request):
                pytest.fail("there is no response")
    assert caught.value.cause == "protocol"
    assert server.requests == 0


@pytest.mark.parametrize("method", ["GET / HTTP/1.1\r\nEvil: 1\r\n\r\n", "", "G T"])
async def test_a_method_that_would_be_more_is_not_sent(method: str) -> None:
    server = Serving(FIVE)
    assert await outcome(server, method) == "protocol"
    assert server.requests == 0


# TLS


@asynccontextmanager
async def serving_tls(answer: bytes, *, notice: bool) -> AsyncIterator[tuple[str, ssl.SSLContext]]:
    """One exchange a connection; `notice` says whether its end is told (close_notify)."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async def handle(stream: trio.SocketStream) -> None:
        secure = trio.SSLStream(stream, context, server_side=True)
        await read_head(secure)
        await secure.send_all(answer)
        try:
            if notice:
                await secure.unwrap()
        except trio.BrokenResourceError:
            return
        finally:
            await stream.aclose()

    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, handle, [listener])
        yield f"https://127.0.0.1:{listener.socket.getsockname()[1]}/", trusting
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("answer", "notice", "expected"),
    [
        (FIVE, True, b"hello"),
        (FIVE, False, b"hello"),
        (CHUNKS, False, b"hello"),
        (OK + b"\r\nhello", True, b"hello"),
        (OK + b"\r\nhello", False, "truncated"),
        (FIVE[:-1], True, "truncated"),
        (FIVE[:-1], False, "truncated"),
        (CHUNKS[:-1], True, "truncated"),
        (CHUNKS[:-1], False, "truncated"),
        (OK, True, "reset"),
        (OK, False, "reset"),
    ],
)
async def test_the_end_of_a_tls_connection(answer: bytes, notice: bool, expected: bytes | Cause) -> None:
    """RFC 9112 9.8: where nothing else tells the end, it takes a close_notify; whoever is on the way can cut."""
    async with serving_tls(answer, notice=notice) as (url, trusting), SocketNetwork(tls=trusting) as network:
        if isinstance(expected, bytes):
            assert (await get(network, url)).body == expected
            return
        with pytest.raises(NetworkFailure) as caught:
            await get(network, url)
        assert caught.value.cause == expected


@pytest.mark.parametrize(
    "divide", [lambda data: [data], lambda data: [data[i : i + 7] for i in range(0, len(data), 7)]]
)
@pytest.mark.parametrize("answer", [FIVE, CHUNKS, b"HTTP/1.1 204 No Content\r\n\r\n"])
async def test_extra_bytes_in_a_record_of_their_own(answer: bytes, divide: Division) -> None:
    """Two TLS records in one packet: the second one is not the beginning of the next answer."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    connections = 0

    async def handle(stream: trio.SocketStream) -> None:
        nonlocal connections
        connections += 1
        held = Held(stream)
        secure = trio.SSLStream(held, context, server_side=True)
        try:
            while True:
                await read_head(secure)
                held.holds = True
                await secure.send_all(answer)
                await secure.send_all(EVIL)
                held.holds = False
                for piece in divide(held.data):
                    await stream.send_all(piece)
                held.data = b""
        except (EOFError, trio.BrokenResourceError):
            return

    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, handle, [listener])
        url = f"https://127.0.0.1:{listener.socket.getsockname()[1]}/"
        async with SocketNetwork(tls=trusting) as network:
            first = await get(network, url)
            await trio.testing.wait_all_tasks_blocked()
            assert await get(network, url) == first
        nursery.cancel_scope.cancel()
    assert connections == 2


@attrs.define
class Held(trio.abc.Stream):
    """A server's transport that gathers what is sent, while it `holds`."""

    inner: trio.SocketStream
    holds: bool = False
    data: bytes = b""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        if self.holds:
            self.data += data
        else:
            await self.inner.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self.inner.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        return bytes(await self.inner.receive_some(max_bytes))

    async def aclose(self) -> None:
        await self.inner.aclose()
