"""Connections through a proxy: absolute form, tunnels, logins, and what goes wrong on the way."""

from __future__ import annotations

import socket
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing
import trustme

from swruntime.algorithms.proxies import Proxies, Proxy, from_environment, parse_proxy
from swruntime.concepts.http import HeaderList
from swruntime.errors import Cause, NetworkFailure
from swruntime.network.names import Names
from swruntime.network.opening import DirectOpener, Origin, tls_context
from swruntime.network.proxied import LARGEST_HEAD, ProxiedOpener
from swruntime.network.sockets import SocketNetwork
from swruntime.ports.network import WireRequest
from tests.network.proxy_server import ESTABLISHED, ProxyServer, proxy_server

HOST = "files.example"
PROXY = "proxy.example"
LOGIN = "Basic " + b64encode(b"user:se:cret").decode()
SECRET = "user:se%3Acret@"


@attrs.define
class Server:
    """A server of http or https, what it was asked, and by which name (SNI)."""

    scheme: str
    port: int
    heads: list[str] = attrs.field(factory=list)
    names: list[str | None] = attrs.field(factory=list)

    def url(self, path: str = "/", host: str = HOST) -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path) -> ssl.SSLContext:
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    return tls_context(file)


def certificate(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    return context


@asynccontextmanager
async def serving(authority: trustme.CA | None = None, name: str = HOST) -> AsyncIterator[Server]:
    """Over TLS where there is an authority, with a certificate for `name`."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    server = Server("http" if authority is None else "https", listener.socket.getsockname()[1])
    context = None if authority is None else certificate(authority, name)
    if context is not None:
        context.sni_callback = lambda socket, name, context: server.names.append(name)

    async def answer(tcp: trio.SocketStream) -> None:
        stream: trio.abc.Stream = tcp
        if context is not None:
            stream = trio.SSLStream(tcp, context, server_side=True, https_compatible=True)
        with suppress(trio.BrokenResourceError):
            while head := await stream.receive_some():
                server.heads.append(head.decode("latin-1"))
                await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
                if "connection: close" in head.decode("latin-1").lower():
                    break
        await trio.aclose_forcefully(stream)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, answer, [listener])
        yield server
        nursery.cancel_scope.cancel()


def through(
    proxies: Proxies, *rules: str, trusted: ssl.SSLContext | None = None, connect: float = 30
) -> tuple[SocketNetwork, list[tuple[Proxy, Origin]]]:
    """A network whose requests go through `proxies`, and what it tells of them."""
    used: list[tuple[Proxy, Origin]] = []
    names = Names.parse((f"{PROXY}:127.0.0.1", *rules))
    opener = ProxiedOpener(
        DirectOpener(names, trusted), proxies, names, lambda proxy, origin: used.append((proxy, origin))
    )
    return SocketNetwork(opener=opener, connect=connect), used


async def get(network: SocketNetwork, url: str) -> bytes:
    async with network.exchange(WireRequest("GET", url, HeaderList((("X-One", "1"),)))) as response:
        return b"".join([piece async for piece in response.body])


async def failing(proxies: Proxies, url: str, *, connect: float = 30) -> NetworkFailure:
    network, _ = through(proxies, connect=connect)
    async with network:
        with pytest.raises(NetworkFailure) as caught:
            await get(network, url)
    assert "se:cret" not in caught.value.message
    assert "se%3Acret" not in caught.value.message
    return caught.value


def named(proxy: ProxyServer, scheme: str = "http", login: str = "") -> Proxies:
    """As the environment names it."""
    url = f"{scheme}://{login}{PROXY}:{proxy.port}"
    return from_environment({"ALL_PROXY": url})


@pytest.fixture
def proxy() -> Iterator[ProxyServer]:
    with proxy_server() as proxy:
        yield proxy


async def test_http_is_asked_for_in_absolute_form(proxy: ProxyServer) -> None:
    network, used = through(named(proxy))
    async with serving() as server, network:
        for path in ("/a?b=1", "/c"):
            assert await get(network, server.url(path)) == b"hello"
    assert proxy.lines == [f"GET {server.url(path)} HTTP/1.1" for path in ("/a?b=1", "/c")]
    assert {asked.headers["host"] for asked in proxy.asked} == {f"{HOST}:{server.port}"}
    assert {asked.headers["x-one"] for asked in proxy.asked} == {"1"}
    assert "proxy-authorization" not in proxy.asked[0].headers
    ((told, origin),) = used
    assert (str(told), told.named) == (f"http://{PROXY}:{proxy.port}", "ALL_PROXY")
    assert origin.host == HOST


async def test_https_goes_through_a_tunnel(
    proxy: ProxyServer, authority: trustme.CA, trusted: ssl.SSLContext
) -> None:
    network, _ = through(named(proxy), trusted=trusted)
    async with serving(authority) as server, network:
        for path in ("/a?b=1", "/c"):
            assert await get(network, server.url(path)) == b"hello"
    assert proxy.lines == [f"CONNECT {HOST}:{server.port} HTTP/1.1"], "once, and nothing of the request"
    assert proxy.asked[0].headers == {"host": f"{HOST}:{server.port}"}
    assert server.names == [HOST], "the certificate is the server's"
    assert [head.split("\r\n")[0] for head in server.heads] == ["GET /a?b=1 HTTP/1.1", "GET /c HTTP/1.1"]


async def test_a_login(authority: trustme.CA, trusted: ssl.SSLContext) -> None:
    with proxy_server(login=LOGIN) as proxy:
        network, _ = through(named(proxy, login=SECRET), trusted=trusted)
        async with serving() as plain, serving(authority) as secure, network:
            assert await get(network, plain.url()) == b"hello"
            assert await get(network, secure.url()) == b"hello"
    assert [asked.headers["proxy-authorization"] for asked in proxy.asked] == [LOGIN, LOGIN]
    assert "proxy-authorization" not in secure.heads[0].lower(), "the server does not get it"


@pytest.mark.parametrize("login", ["", "user:wrong@"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_login_that_is_missing_or_wrong(scheme: str, login: str) -> None:
    with proxy_server(login=LOGIN) as proxy:
        failure = await failing(named(proxy, login=login), f"{scheme}://{HOST}:1/")
    assert failure.cause == "proxy"
    assert failure.message.startswith(f"the proxy http://{PROXY}:{proxy.port} ")
    assert "(407)" in failure.message
    assert ("does not take" in failure.message) == bool(login)
    assert "wrong" not in failure.message


async def test_a_proxy_over_tls(authority: trustme.CA, trusted: ssl.SSLContext) -> None:
    """For https then, there is TLS inside of TLS, each with the name of its own end."""
    context = certificate(authority, PROXY)
    names: list[str | None] = []
    context.sni_callback = lambda socket, name, context: names.append(name)
    with proxy_server(login=LOGIN, tls=context) as proxy:
        network, _ = through(named(proxy, "https", SECRET), trusted=trusted)
        async with serving() as plain, serving(authority) as secure, network:
            assert await get(network, plain.url("/a")) == b"hello"
            for _ in range(2):
                assert await get(network, secure.url("/b")) == b"hello"
    assert proxy.lines == [f"GET {plain.url('/a')} HTTP/1.1", f"CONNECT {HOST}:{secure.port} HTTP/1.1"]
    assert (names, secure.names) == ([PROXY, PROXY], [HOST])


async def test_a_proxy_whose_certificate_is_not_its_own(
    authority: trustme.CA, trusted: ssl.SSLContext
) -> None:
    with proxy_server(tls=certificate(authority, "other.example")) as proxy:
        network, _ = through(named(proxy, "https"), trusted=trusted)
        async with network:
            with pytest.raises(
                NetworkFailure, match=f"no secure connection to the proxy https://{PROXY}"
            ) as e:
                await get(network, f"https://{HOST}/")
    assert e.value.cause == "tls"
    assert proxy.asked == []


async def test_a_server_whose_certificate_is_not_its_own(
    proxy: ProxyServer, authority: trustme.CA, trusted: ssl.SSLContext
) -> None:
    network, _ = through(named(proxy), trusted=trusted)
    async with serving(authority, PROXY) as server, network:
        with pytest.raises(NetworkFailure, match=f"no secure connection to {HOST}") as caught:
            await get(network, server.url())
    assert caught.value.cause == "tls"
    assert server.heads == []


@pytest.mark.parametrize(
    ("answer", "cause", "said"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", "proxy", "made no connection to files.example:443: 403 Forbidden"),
        (b"HTTP/1.1 405\r\n\r\n", "proxy", "made no connection to files.example:443: 405"),
        (b"HTTP/1.0 302 Found\r\nLocation: http://portal.example/\r\n\r\n", "proxy", ": 302 Found"),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "connect", ": 503 Service Unavailable"),
        (b"HTTP/1.1 500 Unable to connect\r\n\r\n", "connect", ": 500 Unable to connect"),
        (b"", "reset", "closed the connection without a response"),
        (b"HTTP/1.1 200 OK\r\n", "reset", "closed the connection without a response"),
        (b"SSH-2.0-x\r\n", "protocol", "sent is not HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", "protocol", "sent something of its own through the tunnel"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"a" * LARGEST_HEAD + b"\r\n\r\n", "protocol", "sent is not HTTP"),
        (ESTABLISHED, "reset", "the connection to files.example broke"),
    ],
)  # fmt: skip
async def test_a_tunnel_that_is_not_made(answer: bytes, cause: Cause, said: str) -> None:
    with proxy_server(answer=answer) as proxy:
        failure = await failing(named(proxy, login=SECRET), f"https://{HOST}/")
    assert failure.cause == cause
    assert said in failure.message
    assert f"the proxy http://{PROXY}:{proxy.port}" in failure.message or answer == ESTABLISHED


async def test_what_comes_before_the_final_answer(authority: trustme.CA, trusted: ssl.SSLContext) -> None:
    with proxy_server(
        answer=b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 403 No\r\n\r\n"
    ) as proxy:
        assert (await failing(named(proxy), f"https://{HOST}/")).message.endswith(": 403 No")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_nobody_is_there(scheme: str) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        url = f"http://{SECRET}{PROXY}:{nobody.getsockname()[1]}"
        failure = await failing(from_environment({"ALL_PROXY": url}), f"{scheme}://{HOST}/")
    assert failure.cause == "connect"
    assert failure.message == f"the proxy {parse_proxy(url)} refused the connection"


async def test_the_proxys_name_does_not_resolve() -> None:
    url = f"http://{'a' * 64}.test"
    failure = await failing(from_environment({"ALL_PROXY": url}), f"http://{HOST}/")
    assert (failure.cause, failure.message) == ("dns", f"the name of the proxy {url}:80 does not resolve")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_says_nothing(scheme: str) -> None:
    """What it takes to make a tunnel is limited as a connection is; of http the answer is limited, as ever."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        proxies = from_environment({"ALL_PROXY": f"http://127.0.0.1:{silent.getsockname()[1]}"})
        network = SocketNetwork(
            opener=ProxiedOpener(DirectOpener(Names(), None), proxies, Names()), connect=0.05, read=0.05
        )
        async with network:
            with pytest.raises(NetworkFailure) as caught:
                await get(network, f"{scheme}://{HOST}/")
    assert caught.value.cause == "timeout"


async def test_who_is_cancelled_leaves_no_connection_to_the_proxy() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        network, _ = through(from_environment({"ALL_PROXY": f"http://127.0.0.1:{silent.getsockname()[1]}"}))
        async with network, trio.open_nursery() as nursery:
            nursery.start_soon(get, network, f"https://{HOST}/")
            taken, _ = await trio.to_thread.run_sync(silent.accept)
            with taken:
                asked = await trio.to_thread.run_sync(taken.recv, 65536)
                assert asked.startswith(b"CONNECT ")
                nursery.cancel_scope.cancel()
                with trio.CancelScope(shield=True):
                    assert await trio.to_thread.run_sync(taken.recv, 1) == b""


# Which go through one


@pytest.mark.parametrize("host", ["localhost", "app.localhost", "127.0.0.1"])
async def test_loopback_goes_directly_unless_an_option_says_otherwise(proxy: ProxyServer, host: str) -> None:
    async with serving() as server:
        network, _ = through(named(proxy))
        async with network:
            assert await get(network, server.url(host=host)) == b"hello"
        assert proxy.lines == []
        network, _ = through(Proxies.everything(parse_proxy(f"127.0.0.1:{proxy.port}")))
        async with network:
            assert await get(network, server.url(host=host)) == b"hello"
    assert proxy.lines == [f"GET {server.url(host=host)} HTTP/1.1"]


async def test_what_has_an_address_of_its_own_is_asked_there(proxy: ProxyServer) -> None:
    """--resolve goes before the environment; of --proxy's two ends it names the nearer one."""
    async with serving() as server:
        rule = f"{HOST}:127.0.0.1"
        network, _ = through(named(proxy), rule)
        async with network:
            assert await get(network, server.url()) == b"hello"
        assert proxy.lines == []
        network, _ = through(Proxies.everything(parse_proxy(f"{PROXY}:{proxy.port}")), rule)
        async with network:
            assert await get(network, server.url()) == b"hello"
    assert proxy.lines == [f"GET {server.url()} HTTP/1.1"]


async def test_an_address_of_the_sixth_version(authority: trustme.CA) -> None:
    with proxy_server(answer=b"HTTP/1.1 403 No\r\n\r\n") as proxy:
        failure = await failing(named(proxy), "https://[2001:db8::1]/")
        assert failure.message.endswith("made no connection to [2001:db8::1]:443: 403 No")
    assert proxy.lines == ["CONNECT [2001:db8::1]:443 HTTP/1.1"]
    assert proxy.asked[0].headers["host"] == "[2001:db8::1]:443"


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", pytest.param("::1", marks=pytest.mark.skipif(not _has_ipv6(), reason="no IPv6 here"))],
)
async def test_a_proxy_at_localhost_is_at_either_address(address: str) -> None:
    with proxy_server(address=address) as proxy:
        network, _ = through(from_environment({"HTTP_PROXY": f"localhost:{proxy.port}"}))
        async with serving() as server, network:
            assert await get(network, server.url()) == b"hello"
    assert len(proxy.lines) == 1


# Looking whether there is a way


async def test_reach_asks_for_nothing(proxy: ProxyServer, authority: trustme.CA) -> None:
    async with serving() as plain, serving(authority) as secure:
        names = Names.parse([f"{PROXY}:127.0.0.1"])
        direct = DirectOpener(names, None)
        await ProxiedOpener(direct, Proxies(), names).reach(plain.url(host="localhost"), 5)
        opener = ProxiedOpener(direct, named(proxy), names)
        await opener.reach(plain.url(), 5)
        assert proxy.lines == []
        await opener.reach(secure.url(), 5)
        assert proxy.lines == [f"CONNECT {HOST}:{secure.port} HTTP/1.1"]
        await trio.testing.wait_all_tasks_blocked(0.01)
    assert plain.heads == secure.heads == []


async def test_reach_says_where_there_is_no_way() -> None:
    with socket.socket() as nobody, proxy_server(answer=b"HTTP/1.1 502 No\r\n\r\n") as proxy:
        nobody.bind(("127.0.0.1", 0))
        names = Names.parse([f"{PROXY}:127.0.0.1"])
        opener = ProxiedOpener(DirectOpener(names, None), named(proxy), names)
        with pytest.raises(NetworkFailure, match="refused the connection"):
            await opener.reach(f"http://localhost:{nobody.getsockname()[1]}", 5)
        with pytest.raises(NetworkFailure, match="502 No"):
            await opener.reach(f"https://{HOST}", 5)
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen(1)
            proxies = from_environment({"HTTPS_PROXY": f"127.0.0.1:{silent.getsockname()[1]}"})
            with pytest.raises(NetworkFailure, match="let 0.05 s pass") as caught:
                await ProxiedOpener(DirectOpener(names, None), proxies, names).reach(f"https://{HOST}", 0.05)
            assert caught.value.cause == "timeout"
