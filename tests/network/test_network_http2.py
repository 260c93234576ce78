"""SocketNetwork over TLS: names, certificates, HTTP/2, and which connection serves what."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import attrs
import h2.config
import h2.connection
import h2.events
import pytest
import trio
import trustme

from swruntime.concepts.http import HeaderList
from swruntime.errors import NetworkFailure, UsageError
from swruntime.network.names import Names
from swruntime.network.opening import tls_context
from swruntime.network.sockets import SocketNetwork
from swruntime.ports.network import WireRequest

HOST = "files.example"
WINDOW = 65_535

Answer = Callable[["H2Server", h2.events.RequestReceived], Awaitable[None]]


@attrs.define
class H2Server:
    """One HTTP/2 connection, of which `answer` gets the requests, one after the other."""

    stream: trio.SSLStream[trio.SocketStream]
    answer: Answer
    connection: h2.connection.H2Connection = attrs.field(
        factory=lambda: h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    )
    events: list[h2.events.Event] = attrs.field(factory=list)

    async def serve(self) -> None:
        self.connection.initiate_connection()
        await self.flush()
        while (event := await self.next()) is not None:
            if isinstance(event, h2.events.RequestReceived):
                await self.answer(self, event)

    async def next(self) -> h2.events.Event | None:
        while not self.events:
            data = await self.stream.receive_some()
            if not data:
                return None
            self.events += self.connection.receive_data(data)
            await self.flush()
        return self.events.pop(0)

    async def flush(self) -> None:
        await self.stream.send_all(self.connection.data_to_send())

    async def respond(
        self, event: h2.events.RequestReceived, body: bytes, *, length: int | None = None, end: bool = True
    ) -> None:
        assert event.stream_id is not None
        told = str(len(body) if length is None else length)
        headers = [(":status", "200"), ("content-length", told), ("x-path", header(event, ":path"))]
        self.connection.send_headers(event.stream_id, headers)
        self.connection.send_data(event.stream_id, body, end_stream=end)
        await self.flush()


def header(event: h2.events.RequestReceived, name: str) -> str:
    assert event.headers is not None
    return {n.decode(): v.decode() for n, v in event.headers}[name]


@attrs.define
class Serving:
    port: int
    authority: trustme.CA
    names: list[str | None]
    """What each connection asked for, by SNI."""

    def url(self, path: str = "/", host: str = HOST) -> str:
        return f"https://{host}:{self.port}{path}"

    def network(self, folder: Path, *hosts: str) -> SocketNetwork:
        authorities = folder / "authorities.pem"
        self.authority.cert_pem.write_to_path(str(authorities))
        names = Names.parse(f"{host}:127.0.0.1" for host in hosts or (HOST,))
        return SocketNetwork(names, tls_context(authorities))


def server_context(protocols: tuple[str, ...]) -> tuple[trustme.CA, ssl.SSLContext]:
    """An authority, and the certificate of a server that it has issued."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST, "other.example").configure_cert(context)
    context.set_alpn_protocols(list(protocols))
    return authority, context


@asynccontextmanager
async def serving(answer: Answer, *, protocols: tuple[str, ...] = ("h2",)) -> AsyncIterator[Serving]:
    authority, context = server_context(protocols)
    names: list[str | None] = []
    context.sni_callback = lambda socket, name, context: names.append(name)

    async def handle(stream: trio.SSLStream[trio.SocketStream]) -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):  # the other side may go
            await H2Server(stream, answer).serve()

    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_ssl_over_tcp_listeners(
            0, context, host="127.0.0.1", https_compatible=True
        )
        nursery.start_soon(trio.serve_listeners, handle, [listener])
        inner = listener.transport_listener
        assert isinstance(inner, trio.SocketListener)
        yield Serving(inner.socket.getsockname()[1], authority, names)
        nursery.cancel_scope.cancel()


async def get(network: SocketNetwork, url: str) -> tuple[HeaderList, bytes]:
    async with network.exchange(WireRequest("GET", url, HeaderList((("X-One", "1"),)))) as response:
        return response.headers, b"".join([piece async for piece in response.body])


async def failing(network: SocketNetwork, url: str) -> NetworkFailure:
    with pytest.raises(NetworkFailure) as caught:
        await get(network, url)
    return caught.value


async def hello(server: H2Server, event: h2.events.RequestReceived) -> None:
    await server.respond(event, b"hello")


async def test_host_and_sni_stay_the_hosts(tmp_path: Path) -> None:
    seen: list[tuple[str, str]] = []

    async def answer(server: H2Server, event: h2.events.RequestReceived) -> None:
        seen.append((header(event, ":authority"), header(event, "x-one")))
        await server.respond(event, b"hello")

    async with serving(answer) as site, site.network(tmp_path) as network:
        headers, body = await get(network, site.url("/a|b?c"))
    assert (headers.get("x-path"), body) == ("/a|b?c", b"hello")
    assert seen == [(f"{HOST}:{site.port}", "1")]
    assert site.names == [HOST]


async def test_a_connection_serves_the_next_exchange_of_its_host_alone(tmp_path: Path) -> None:
    """Two hosts at one address: neither's connection, with its certificate and its SNI, is the other's."""
    async with serving(hello) as site, site.network(tmp_path, HOST, "other.example") as network:
        for host in (HOST, HOST, "other.example", HOST):
            await get(network, site.url(host=host))
    assert site.names == [HOST, "other.example"]


async def test_exchanges_at_the_same_time_have_a_connection_each(tmp_path: Path) -> None:
    async with serving(hello) as site, site.network(tmp_path) as network, trio.open_nursery() as nursery:
        async with network.exchange(WireRequest("GET", site.url(), HeaderList())):
            await get(network, site.url())
        nursery.cancel_scope.cancel()
    assert site.names == [HOST, HOST]


async def test_a_body_larger_than_the_window(tmp_path: Path) -> None:
    body = bytes(range(256)) * 2000

    async def answer(server: H2Server, event: h2.events.RequestReceived) -> None:
        assert event.stream_id is not None
        connection, rest = server.connection, body
        connection.send_headers(event.stream_id, [(":status", "200")])
        while rest:
            size = min(connection.local_flow_control_window(event.stream_id), 16_384)
            if size == 0:
                data = await server.stream.receive_some()
                server.events += connection.receive_data(data)
                continue
            connection.send_data(event.stream_id, rest[:size], end_stream=size >= len(rest))
            rest = rest[size:]
            await server.flush()

    async with serving(answer) as site, site.network(tmp_path) as network:
        _, received = await get(network, site.url())
    assert received == body


async def test_what_is_given_up_takes_its_connection_with_it(tmp_path: Path) -> None:
    """The rest of it would come for ever, on a connection that somebody else is given."""

    async def answer(server: H2Server, event: h2.events.RequestReceived) -> None:
        await server.respond(event, b"x" * 1000, length=WINDOW * 100, end=False)

    async with serving(answer) as site, site.network(tmp_path) as network:
        for _ in range(2):
            async with network.exchange(WireRequest("GET", site.url(), HeaderList())) as response:
                assert await anext(response.body) == b"x" * 1000
    assert len(site.names) == 2


async def test_an_upload(tmp_path: Path) -> None:
    """More than the window takes at once: the rest waits until the server has read."""
    came: list[int] = []

    async def answer(server: H2Server, event: h2.events.RequestReceived) -> None:
        assert event.stream_id is not None
        while not isinstance(part := await server.next(), h2.events.StreamEnded):
            if isinstance(part, h2.events.DataReceived):
                came.append(len(part.data))
                server.connection.acknowledge_received_data(part.flow_controlled_length, event.stream_id)
                await server.flush()
        await server.respond(event, b"thanks")

    async def body() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * 20_000

    async with serving(answer) as site, site.network(tmp_path) as network:
        request = WireRequest("POST", site.url(), HeaderList(), body, 200_000)
        async with network.exchange(request) as response:
            assert b"".join([piece async for piece in response.body]) == b"thanks"
    assert sum(came) == 200_000


async def test_a_response_that_ends_too_early_is_truncated(tmp_path: Path) -> None:
    async def answer(server: H2Server, event: h2.events.RequestReceived) -> None:
        await server.respond(event, b"12345", length=10)

    async with serving(answer) as site, site.network(tmp_path) as network:
        failure = await failing(network, site.url())
    assert failure.cause == "truncated"
    assert "5 of 10" in failure.message


async def test_more_than_was_told_is_no_http(tmp_path: Path) -> None:
    async def answer(server: H2Server, event: h2.events.RequestReceived) -> None:
        await server.respond(event, b"1234567890", length=5)

    async with serving(answer) as site, site.network(tmp_path) as network:
        assert (await failing(network, site.url())).cause == "protocol"


async def test_a_stream_that_is_reset(tmp_path: Path) -> None:
    async def answer(server: H2Server, event: h2.events.RequestReceived) -> None:
        await server.respond(event, b"12345", length=10, end=False)
        assert event.stream_id is not None
        server.connection.reset_stream(event.stream_id, error_code=2)
        await server.flush()

    async with serving(answer) as site, site.network(tmp_path) as network:
        assert (await failing(network, site.url())).cause == "reset"


async def test_a_connection_that_is_cut_in_the_middle(tmp_path: Path) -> None:
    async def answer(server: H2Server, event: h2.events.RequestReceived) -> None:
        await server.respond(event, b"12345", length=10, end=False)
        await server.stream.transport_stream.aclose()
        raise trio.ClosedResourceError

    async with serving(answer) as site, site.network(tmp_path) as network:
        assert (await failing(network, site.url())).cause == "reset"


async def test_a_server_that_says_goodbye_is_asked_again_on_a_new_connection(tmp_path: Path) -> None:
    """On a connection that was kept: it took no notice of the request."""
    asked: list[int] = []

    async def answer(server: H2Server, event: h2.events.RequestReceived) -> None:
        asked.append(event.stream_id or 0)
        if event.stream_id == 1:
            await server.respond(event, b"hello")
        else:
            server.connection.close_connection(last_stream_id=1)
            await server.flush()

    async with serving(answer) as site, site.network(tmp_path) as network:
        assert (await get(network, site.url()))[1] == b"hello"
        assert (await get(network, site.url()))[1] == b"hello"
    assert asked == [1, 3, 1]


async def test_a_frame_where_none_may_be(tmp_path: Path) -> None:
    async def answer(server: H2Server, event: h2.events.RequestReceived) -> None:
        await server.stream.send_all(b"\0\0\1\0\0\0\0\0\0x")  # DATA of no stream

    async with serving(answer) as site, site.network(tmp_path) as network:
        failure = await failing(network, site.url())
    assert failure.cause == "protocol", failure


async def test_a_certificate_of_nobody_we_know(tmp_path: Path) -> None:
    async with serving(hello) as site:
        trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
        names = Names.parse([f"{HOST}:127.0.0.1"])
        async with SocketNetwork(names, tls_context(tmp_path / "other.pem")) as network:
            assert (await failing(network, site.url())).cause == "tls"


async def test_a_certificate_of_another_name(tmp_path: Path) -> None:
    """An address that is given does not change which name the certificate must have."""
    async with serving(hello) as site, site.network(tmp_path, "third.example") as network:
        failure = await failing(network, site.url(host="third.example"))
    assert failure.cause == "tls"
    assert "third.example" in failure.message


def test_a_file_of_certificates_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    with pytest.raises(UsageError, match="no certificate in it"):
        tls_context(tmp_path / "empty.pem")
    with pytest.raises(UsageError, match="No such file"):
        tls_context(tmp_path / "missing.pem")
    with pytest.raises(UsageError, match="Is a directory|no certificate in it"):
        tls_context(tmp_path)
