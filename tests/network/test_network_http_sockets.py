"""SocketNetwork over real sockets, against servers that misbehave."""

from __future__ import annotations

import gzip
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Never

import httpx
import pytest
import trio
import trio.testing
import trustme

from swruntime.concepts.http import HeaderList
from swruntime.errors import Cause, NetworkFailure
from swruntime.network.http import HttpxNetwork
from swruntime.network.sockets import SocketNetwork
from swruntime.ports.network import LARGEST_PIECE, WireRequest

Handler = Callable[[trio.abc.Stream], Awaitable[None]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[int]:
    """A server on the loopback; the value is its port."""
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, handler, [listener])
        yield listener.socket.getsockname()[1]
        nursery.cancel_scope.cancel()


@pytest.fixture
async def network() -> AsyncIterator[SocketNetwork]:
    async with SocketNetwork() as network:
        yield network


async def read_head(stream: trio.abc.Stream) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = await stream.receive_some()
        if not more:
            raise EOFError(data)
        data += more
    return data


def sends(answer: bytes) -> Handler:
    """A server that reads a request, sends `answer` and closes the connection."""

    async def handle(stream: trio.abc.Stream) -> None:
        await read_head(stream)
        await stream.send_all(answer)
        await stream.aclose()

    return handle


async def get(network: SocketNetwork, port: int, path: str = "/", method: str = "GET") -> tuple[int, bytes]:
    request = WireRequest(method, f"http://127.0.0.1:{port}{path}", HeaderList())
    async with network.exchange(request) as response:
        return response.status, b"".join([piece async for piece in response.body])


async def failing(network: SocketNetwork, url: str) -> NetworkFailure:
    async def exchange() -> None:
        async with network.exchange(WireRequest("GET", url, HeaderList())) as response:
            async for _ in response.body:
                pass

    with pytest.raises(NetworkFailure) as caught:
        await exchange()
    return caught.value


async def test_a_response_comes_as_it_was_sent(network: SocketNetwork) -> None:
    answer = (
        b"HTTP/1.1 299 Well Enough\r\nX-One: 1\r\nx-one: 2\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok"
    )
    async with serving(sends(answer)) as port:
        request = WireRequest("GET", f"http://127.0.0.1:{port}/", HeaderList())
        async with network.exchange(request) as response:
            assert (response.status, response.status_text) == (299, "Well Enough")
            assert response.headers.items[:3] == (("X-One", "1"), ("x-one", "2"), ("Set-Cookie", "a=b"))
            assert [piece async for piece in response.body] == [b"ok"]


async def test_the_request_goes_out_as_the_url_standard_wrote_it(network: SocketNetwork) -> None:
    heads: list[bytes] = []

    async def handle(stream: trio.abc.Stream) -> None:
        heads.append(await read_head(stream))
        await stream.send_all(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with serving(handle) as port:
        headers = HeaderList((("X-Lower", "caf\xe9"),))
        request = WireRequest("patch", f"http://127.0.0.1:{port}/a|b%zz?q='x'#fragment", headers)
        async with network.exchange(request) as response:
            assert response.status == 204
    lines = heads[0].split(b"\r\n")
    assert lines[0] == b"patch /a|b%zz?q=%27x%27 HTTP/1.1"
    assert set(lines[1:]) == {f"Host: 127.0.0.1:{port}".encode(), b"X-Lower: caf\xe9", b""}


async def test_no_redirect_is_followed_and_nothing_is_tried_again(network: SocketNetwork) -> None:
    connections = 0

    async def handle(stream: trio.abc.Stream) -> None:
        nonlocal connections
        connections += 1
        await sends(b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n")(stream)

    async with serving(handle) as port:
        assert await get(network, port) == (302, b"")
    assert connections == 1


async def test_a_refused_connection_says_so(network: SocketNetwork) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: refused, and nobody else can take the port
        port = taken.getsockname()[1]
        failure = await failing(network, f"http://127.0.0.1:{port}/")
    assert failure.cause == "connect"
    assert failure.message == f"127.0.0.1:{port} refused the connection"


async def test_a_name_that_does_not_resolve(network: SocketNetwork) -> None:
    class Resolver(trio.abc.HostnameResolver):
        async def getaddrinfo(self, host: object, *args: object, **more: object) -> Never:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        async def getnameinfo(self, sockaddr: object, flags: int) -> Never:
            raise NotImplementedError

    trio.socket.set_custom_hostname_resolver(Resolver())
    failure = await failing(network, "http://nowhere.invalid/")
    assert failure.cause == "dns"
    assert failure.message == "the name of nowhere.invalid does not resolve"


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", "truncated"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "truncated"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", "truncated"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", "protocol"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\nX-Flood: " + b"x" * 300_000 + b"\r\n\r\n", "protocol"),
        (b"220 smtp.example ready\r\n\r\n", "protocol"),
        (b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", "protocol"),
        (b"", "reset"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "reset"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"x" * 99, mtime=0)[:-1],
            "truncated",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nno gzip at all", "coding"),
    ],
)
async def test_what_is_wrong_with_a_response_is_told(
    network: SocketNetwork, answer: bytes, cause: Cause
) -> None:
    async with serving(sends(answer)) as port:
        failure = await failing(network, f"http://127.0.0.1:{port}/")
    assert failure.cause == cause


async def test_a_reset_in_the_middle_of_the_body(network: SocketNetwork) -> None:
    async def handle(stream: trio.abc.Stream) -> None:
        assert isinstance(stream, trio.SocketStream)
        await read_head(stream)
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        await taken.wait()
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await stream.aclose()

    taken = trio.Event()
    async with serving(handle) as port:
        request = WireRequest("GET", f"http://127.0.0.1:{port}/", HeaderList())
        async with network.exchange(request) as response:
            assert await anext(response.body) == b"hello"
            taken.set()
            with pytest.raises(NetworkFailure, match="broke: Connection reset by peer") as caught:
                await anext(response.body)
            assert caught.value.cause == "reset"
            with pytest.raises(NetworkFailure):  # and it does not seem to have ended when asked again
                await anext(response.body)


async def test_a_server_that_stalls(network: SocketNetwork) -> None:
    async def handle(stream: trio.abc.Stream) -> None:
        await read_head(stream)
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        await trio.sleep_forever()

    async with serving(handle) as port, SocketNetwork(read=0.05) as impatient:
        failure = await failing(impatient, f"http://127.0.0.1:{port}/")
    assert failure.cause == "timeout"
    assert failure.message == f"127.0.0.1:{port} sent nothing for too long"


async def test_a_body_without_a_length_ends_with_the_connection(network: SocketNetwork) -> None:
    async with serving(sends(b"HTTP/1.1 200 OK\r\n\r\nhello")) as port:
        assert await get(network, port) == (200, b"hello")


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_what_has_no_body_leaves_the_connection_usable(
    network: SocketNetwork, method: str, status: int
) -> None:
    connections = 0

    async def handle(stream: trio.abc.Stream) -> None:
        nonlocal connections
        connections += 1
        coded = "Content-Encoding: gzip\r\n" + ("" if status == 204 else "Content-Length: 99\r\n")
        try:
            while True:
                await read_head(stream)
                await stream.send_all(f"HTTP/1.1 {status} Fine\r\n{coded}\r\n".encode())
        except EOFError:
            return

    async with serving(handle) as port:
        assert await get(network, port, method=method) == (status, b"")
        assert await get(network, port, method=method) == (status, b"")
        assert connections == 1
        await network.aclose()


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("HEAD", 200), ("GET", 204)])
async def test_what_comes_after_a_response_is_not_the_beginning_of_the_next(
    network: SocketNetwork, method: str, status: int
) -> None:
    """A body longer than its Content-Length; here the rest even looks like a response."""
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    told = b"good" if (method, status) == ("GET", 200) else b""
    connections = 0

    async def handle(stream: trio.abc.Stream) -> None:
        nonlocal connections
        connections += 1
        await read_head(stream)
        await stream.send_all(b"HTTP/1.1 %d Fine\r\nContent-Length: 4\r\n\r\n%b" % (status, told + evil))
        assert await stream.receive_some() == b""

    async with serving(handle) as port:
        for _ in range(2):
            assert await get(network, port, method=method) == (status, told)
        assert connections == 2


async def test_a_flood_of_headers(network: SocketNetwork) -> None:
    """In pieces that h11 lets pass one by one."""
    transport = httpx.MockTransport(
        lambda request: httpx.Response(200, headers=[(f"X-{n}", "x" * 999) for n in range(300)])
    )
    request = WireRequest("GET", "http://flood.example/", HeaderList())
    with pytest.raises(NetworkFailure, match="more than 262144") as caught:
        async with HttpxNetwork(transport, outside=False).exchange(request):
            pytest.fail("there is no response")
    assert caught.value.cause == "protocol"


@pytest.mark.parametrize("length", [None, 150_000])
async def test_a_request_body_streams(network: SocketNetwork, length: int | None) -> None:
    received = bytearray()

    async def handle(stream: trio.abc.Stream) -> None:
        while received.count(b"z") < 1:
            received.extend(await stream.receive_some())
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await stream.aclose()

    async def body() -> AsyncIterator[bytes]:
        yield b"x" * 100_000
        yield b"y" * 49_999
        yield b"z"

    async with serving(handle) as port:
        request = WireRequest("POST", f"http://127.0.0.1:{port}/", HeaderList(), body, length)
        async with network.exchange(request) as response:
            assert response.status == 200
    assert received.count(b"x") == 100_000
    assert received.count(b"y") == 49_999
    head = bytes(received.split(b"\r\n\r\n")[0])
    assert (b"Content-Length: 150000" in head) is (length is not None)
    assert (b"Transfer-Encoding: chunked" in head) is (length is None)


async def test_an_error_of_the_requests_own_body_comes_out_as_it_is(network: SocketNetwork) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"x"
        raise FileNotFoundError("the caller's own")

    async with serving(sends(b"")) as port:
        request = WireRequest("POST", f"http://127.0.0.1:{port}/", HeaderList(), body, 5)
        with pytest.raises(FileNotFoundError, match="the caller's own"):
            async with network.exchange(request):
                pytest.fail("there is no response")


async def test_a_request_body_of_another_length_is_not_sent(network: SocketNetwork) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"four"

    async with serving(sends(b"")) as port:
        for length in (3, 5):
            request = WireRequest("POST", f"http://127.0.0.1:{port}/", HeaderList(), body, length)
            with pytest.raises(NetworkFailure, match=f"should have {length} bytes") as caught:
                async with network.exchange(request):
                    pytest.fail("there is no response")
            assert caught.value.cause == "protocol"


async def test_leaving_early_closes_the_connection(network: SocketNetwork) -> None:
    closed = trio.Event()

    async def handle(stream: trio.abc.Stream) -> None:
        await read_head(stream)
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while True:
                await stream.send_all(b"x" * 65536)
        except trio.BrokenResourceError:
            closed.set()

    async with serving(handle) as port:
        request = WireRequest("GET", f"http://127.0.0.1:{port}/", HeaderList())
        async with network.exchange(request) as response:
            assert len(await anext(response.body)) <= LARGEST_PIECE
        with trio.fail_after(10):
            await closed.wait()
        with pytest.raises(trio.ClosedResourceError):
            await anext(response.body)


async def test_a_callers_own_exception_and_a_cancellation_pass(network: SocketNetwork) -> None:
    answer = sends(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
    async with serving(answer) as port:
        request = WireRequest("GET", f"http://127.0.0.1:{port}/", HeaderList())
        with pytest.raises(KeyError, match="mine"):
            async with network.exchange(request):
                raise KeyError("mine")
        with trio.CancelScope() as scope:
            async with network.exchange(request) as response:
                scope.cancel()
                await anext(response.body)
        assert scope.cancelled_caught


async def test_a_virtual_clock_holds_while_a_socket_is_waited_for(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def handle(stream: trio.abc.Stream) -> None:
        await read_head(stream)
        await trio.to_thread.run_sync(thread_sleep)
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
        await trio.to_thread.run_sync(thread_sleep)
        await stream.send_all(b"llo")
        await stream.aclose()

    def thread_sleep() -> None:
        time.sleep(0.05)  # not a task's: it gives the clock every occasion to jump

    async with serving(handle) as port, SocketNetwork() as network:
        begin = trio.current_time()
        assert await get(network, port) == (200, b"hello")
        assert trio.current_time() == begin
        await trio.sleep(3600)  # and jumps again afterwards


async def test_a_request_body_may_wait_for_the_virtual_clock(autojump_clock: trio.testing.MockClock) -> None:
    async def body() -> AsyncIterator[bytes]:
        await trio.sleep(3600)
        yield b"late"

    async with (
        serving(sends(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as port,
        SocketNetwork() as network,
    ):
        request = WireRequest("POST", f"http://127.0.0.1:{port}/", HeaderList(), body, 4)
        async with network.exchange(request) as response:
            assert response.status == 200


# TLS


@asynccontextmanager
async def serving_tls(handler: Handler) -> AsyncIterator[tuple[int, ssl.SSLContext]]:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)

    async def handle(stream: trio.abc.Stream) -> None:
        secure = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
        try:
            await handler(secure)
        except (trio.BrokenResourceError, EOFError):
            return

    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with serving(handle) as port:
        yield port, trusting


async def test_a_certificate_of_an_unknown_authority(network: SocketNetwork) -> None:
    async with serving_tls(sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as (port, trusting):
        failure = await failing(network, f"https://127.0.0.1:{port}/")
        assert failure.cause == "tls"
        assert "its certificate is not valid" in failure.message
        async with SocketNetwork(tls=trusting) as trusting_network:
            request = WireRequest("GET", f"https://127.0.0.1:{port}/", HeaderList())
            async with trusting_network.exchange(request) as response:
                assert [piece async for piece in response.body] == [b"ok"]


async def test_plain_http_where_tls_was_expected(network: SocketNetwork) -> None:
    async def handle(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await stream.receive_some()

    async with serving(handle) as port:
        failure = await failing(network, f"https://127.0.0.1:{port}/")
    assert failure.cause == "tls"


async def test_a_connection_that_breaks_in_the_handshake_is_a_reset(network: SocketNetwork) -> None:
    async def handle(stream: trio.abc.Stream) -> None:
        await stream.receive_some()

    async with serving(handle) as port:
        failure = await failing(network, f"https://127.0.0.1:{port}/")
    assert failure.cause == "reset"


async def test_a_tls_connection_that_breaks_in_the_body_is_no_tls_failure() -> None:
    answer = sends(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
    async with (
        serving_tls(answer) as (port, trusting),
        SocketNetwork(tls=trusting) as network,
    ):
        failure = await failing(network, f"https://127.0.0.1:{port}/")
    assert failure.cause == "truncated"


# Another client in its place


async def test_an_httpx_transport_with_sockets_of_its_own() -> None:
    async with (
        serving(sends(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")) as port,
        HttpxNetwork(httpx.AsyncHTTPTransport(), outside=True) as network,
    ):
        for _ in range(2):
            request = WireRequest("GET", f"http://127.0.0.1:{port}/", HeaderList())
            async with network.exchange(request) as response:
                assert [piece async for piece in response.body] == [b"hello"]


async def test_an_answer_that_is_longer_than_its_length_from_another_client() -> None:
    """Where nobody is there to be told of it, it is a failure."""
    told: list[str] = []
    transport = httpx.MockTransport(
        lambda request: httpx.Response(200, headers={"Content-Length": "4"}, content=b"hello")
    )
    request = WireRequest("GET", "http://long.example/", HeaderList())
    async with HttpxNetwork(transport, outside=False, tell=told.append).exchange(request) as response:
        assert [piece async for piece in response.body] == [b"hell"]
    assert told == ["1 bytes came after the end of the answer to GET http://long.example/, and are left out"]
    async with HttpxNetwork(transport, outside=False).exchange(request) as response:
        with pytest.raises(NetworkFailure, match="exceeds its Content-Length") as caught:
            await anext(response.body)
    assert caught.value.cause == "protocol"
