"""The scripted origin: each of its faults, once, as the agent's network adapter sees it."""

from __future__ import annotations

import gzip
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any, Literal

import attrs
import httpx
import pytest
import trio
import trio.testing

from swruntime.concepts.http import HeaderList
from swruntime.errors import NetworkFailure
from swruntime.network.asgi import Receive, Scope, Send
from swruntime.network.http import HttpxNetwork
from swruntime.network.sockets import SocketNetwork
from swruntime.ports.network import WireRequest
from swruntime.testing import Origin, Pattern, RequestRecord, ScriptedInternet

URL = "http://localhost:8400"
BODY = bytes(range(256)) * 1000


@attrs.frozen
class Answer:
    """What came of an exchange: `failure` where the body did not come to its end."""

    status: int
    text: str
    headers: HeaderList
    body: bytes
    failure: NetworkFailure | None = None

    @property
    def cause(self) -> str | None:
        return self.failure.cause if self.failure else None


async def ask(
    transport: httpx.AsyncBaseTransport,
    path: str = "/f",
    method: str = "GET",
    body: bytes | None = None,
    **headers: str,
) -> Answer:
    async def pieces() -> AsyncIterator[bytes]:
        yield body or b""

    pairs = HeaderList.of((name.replace("_", "-"), value) for name, value in headers.items())
    url = path if path.startswith("http") else URL + path
    request = WireRequest(method, url, pairs, None if body is None else pieces)
    got = bytearray()
    async with network_of(transport).exchange(request) as response:
        failure = None
        try:
            async for piece in response.body:
                got += piece
        except NetworkFailure as error:
            failure = error
        return Answer(response.status, response.status_text, response.headers, bytes(got), failure)


class OnSockets(Origin):
    """The origin, as a network finds its real server."""

    network: SocketNetwork


def network_of(transport: httpx.AsyncBaseTransport) -> HttpxNetwork | SocketNetwork:
    return (
        transport.network
        if isinstance(transport, OnSockets)
        else HttpxNetwork(transport, outside=False, tell=print)
    )


@pytest.fixture(params=["in process", "sockets"])
async def origin(request: pytest.FixtureRequest) -> AsyncIterator[Origin]:
    """One description, two interpreters."""
    if request.param == "in process":
        yield Origin()
        return
    origin = OnSockets()
    async with ScriptedInternet([origin]).on_sockets() as origin.network:
        yield origin


async def test_a_good_server(origin: Origin, autojump_clock: trio.testing.MockClock) -> None:
    origin.add("/f", BODY, content_type="audio/mpeg", last_modified=784111777, headers={"X-More": "yes"})
    begin = trio.current_time()
    answer = await ask(origin)
    assert trio.current_time() == begin + 0.001
    assert (answer.status, answer.text, answer.body, answer.failure) == (200, "OK", BODY, None)
    assert answer.headers.get("content-length") == str(len(BODY))
    assert answer.headers.get("content-type") == "audio/mpeg"
    assert answer.headers.get("last-modified") == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert answer.headers.get("x-more") == "yes"
    etag = answer.headers.get("etag") or ""
    part = await ask(origin, range="bytes=1000-1999", if_range=etag)
    assert (part.status, part.body) == (206, BODY[1000:2000])
    assert part.headers.get("content-range") == f"bytes 1000-1999/{len(BODY)}"
    assert part.headers.get("etag") == etag
    assert (await ask(origin, range="bytes=1000-", if_range='"other"')).body == BODY
    assert (await ask(origin, range=f"bytes={len(BODY)}-")).headers.get(
        "content-range"
    ) == f"bytes */{len(BODY)}"
    assert (await ask(origin, if_none_match=etag)).status == 304
    head = await ask(origin, method="HEAD")
    assert (head.status, head.headers, head.body) == (200, answer.headers, b"")


async def test_the_etag_follows_from_the_body(origin: Origin) -> None:
    etags = []
    for body in (b"one", b"one", b"two", Pattern(10, 1), Pattern(10, 2)):
        origin.add("/f", body)
        etags.append((await ask(origin)).headers.get("etag"))
    assert etags[0] == etags[1]
    assert len(set(etags)) == 4
    origin.add("/f", b"one", etag='W/"weak"')
    assert (await ask(origin)).headers.get("etag") == 'W/"weak"'
    origin.add("/f", b"one", etag=None)
    assert "etag" not in (await ask(origin)).headers


async def test_what_reached_it(origin: Origin) -> None:
    origin.add("/f", b"x")
    await ask(origin, "/f?q=1#fragment", "POST", b"hello", X_One="1", Range="bytes=0-")
    (record,) = origin.requests
    assert (record.method, record.path, record.url) == ("POST", "/f?q=1", f"{URL}/f?q=1")
    assert (record.body, record.range, record.headers["x-one"]) == (b"hello", "bytes=0-", "1")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        record.method = "GET"  # type: ignore[misc]


async def test_paths_and_queries(origin: Origin) -> None:
    origin.add("/a b", b"any query")
    origin.add("/a b?q=1", b"this query")
    assert (await ask(origin, "/a%20b?q=2")).body == b"any query"
    assert (await ask(origin, "/a%20b?q=1")).body == b"this query"
    assert (await ask(origin, "/missing")).status == 404


async def test_drop_after(origin: Origin) -> None:
    origin.add("/f", BODY, drop_after=100_000)
    answer = await ask(origin)
    assert (answer.cause, answer.body) == ("reset", BODY[:100_000])
    rest = await ask(origin, range="bytes=100000-")
    assert (rest.failure, rest.body) == (None, BODY[100_000:])
    origin.add("/f", BODY, drop_after=[10, None, 0])
    assert [len((await ask(origin)).body) for _ in range(4)] == [10, len(BODY), 0, len(BODY)]
    origin.add("/f", BODY, drop_after=len(BODY), chunked=True)  # the break comes before the end is told
    assert (await ask(origin)).cause == "reset"


async def test_ignore_range(origin: Origin) -> None:
    origin.add("/f", BODY, ignore_range=True)
    answer = await ask(origin, range="bytes=5-")
    assert (answer.status, answer.body) == (200, BODY)
    assert "accept-ranges" not in answer.headers


async def test_range_etag_and_content_range(origin: Origin) -> None:
    origin.add("/f", BODY, range_etag='"new"', content_range="bytes {start}-{end}/*")
    whole, part = await ask(origin), await ask(origin, range="bytes=5-9")
    assert whole.headers.get("etag") != '"new"'
    assert (part.status, part.headers.get("etag")) == (206, '"new"')
    assert part.headers.get("content-range") == "bytes 5-9/*"


async def test_content_length(origin: Origin) -> None:
    origin.add("/f", BODY, content_length=len(BODY) + 1)
    assert (await ask(origin)).cause == "truncated"
    origin.add("/f", BODY, content_length=1)
    answer = await ask(origin)
    assert (answer.cause, answer.body) == (None, BODY[:1])


async def test_stall_after(origin: Origin, autojump_clock: trio.testing.MockClock) -> None:
    origin.add("/f", BODY, stall_after=[100_000])
    begin = trio.current_time()
    answer = await ask(origin)
    assert (answer.cause, answer.body) == ("timeout", BODY[:100_000])
    assert trio.current_time() - begin == pytest.approx(60.001)
    assert (await ask(origin)).failure is None
    origin.add("/f", BODY, stall_after=0)
    assert [(await ask(origin)).cause for _ in range(2)] == ["timeout", "timeout"]


async def test_delay(origin: Origin, autojump_clock: trio.testing.MockClock) -> None:
    origin.add("/f", BODY, delay=5)
    begin = trio.current_time()
    await ask(origin)
    assert trio.current_time() - begin == pytest.approx(5.001)
    origin.add("/f", BODY, delay=61)
    with pytest.raises(NetworkFailure) as caught:
        await ask(origin)
    assert caught.value.cause == "timeout"


async def test_redirect(origin: Origin) -> None:
    origin.add("/f", redirect="/g")
    origin.add("/p", redirect="/g", status=308)
    answer = await ask(origin)
    assert (answer.status, answer.headers.get("location")) == (302, "/g")
    assert (await ask(origin, "/p")).status == 308
    assert len(origin.requests) == 2


async def test_retry_after(origin: Origin) -> None:
    origin.add("/f", BODY, responses=[{"retry_after": 30}, {"status": 429, "retry_after": "soon"}, {}])
    answers = [await ask(origin) for _ in range(4)]
    assert [answer.status for answer in answers] == [503, 429, 200, 200]
    assert [answer.headers.get("retry-after") for answer in answers] == ["30", "soon", None, None]


async def test_a_sequence_of_responses(origin: Origin) -> None:
    origin.add(
        "/f",
        responses=[
            {"body": b"one", "drop_after": 1},
            {"status": 500},
            {"body": b"three", "drop_after": [2, 3]},
        ],
    )
    answers = [await ask(origin) for _ in range(5)]
    assert [(a.status, a.body, a.cause) for a in answers] == [
        (200, b"o", "reset"),
        (500, b"", None),
        (200, b"th", "reset"),
        (200, b"thr", "reset"),
        (200, b"three", None),
    ]


async def test_chunk_and_chunked(origin: Origin) -> None:
    origin.add("/f", BODY, chunk=1000, chunked=True)
    sizes = []
    request = WireRequest("GET", f"{URL}/f", HeaderList())
    async with HttpxNetwork(origin, outside=False).exchange(request) as response:
        assert "content-length" not in response.headers
        async for piece in response.body:
            sizes.append(len(piece))
    assert sizes == [1000] * 256


async def test_coding(origin: Origin) -> None:
    origin.add("/f", BODY, coding="gzip", drop_after=[None, 100], content_length=None)
    answer = await ask(origin)
    assert (answer.body, answer.headers.get("content-encoding")) == (BODY, "gzip")
    assert answer.headers.get("content-length") == str(len(gzip.compress(BODY, mtime=0)))
    assert (await ask(origin)).cause == "reset"


async def test_a_coding_cut_short(origin: Origin) -> None:
    cut = gzip.compress(BODY)[:-1]
    origin.add("/f", cut, headers={"Content-Encoding": "gzip"})
    answer = await ask(origin)
    assert (answer.cause, answer.body) == ("truncated", BODY)


async def test_cors(origin: Origin) -> None:
    origin.add("/f", BODY, cors="*", responses=[{"status": 404}, {}])
    preflight = await ask(
        origin,
        method="OPTIONS",
        Origin="http://other",
        Access_Control_Request_Method="PUT",
        Access_Control_Request_Headers="x-one",
    )
    assert preflight.status == 204
    assert preflight.headers.get("access-control-allow-origin") == "*"
    assert preflight.headers.get("access-control-allow-methods") == "PUT"
    assert preflight.headers.get("access-control-allow-headers") == "x-one"
    answer = await ask(origin)  # the preflight has not used up the first response
    assert (answer.status, answer.headers.get("access-control-allow-origin")) == (404, "*")


async def test_bodies_that_are_made_for_a_request(origin: Origin) -> None:
    def body(request: RequestRecord) -> bytes | dict[str, Any]:
        if request.method == "POST":
            return request.body[::-1]
        return {"status": 418, "body": "short and stout", "headers": {"X-Tea": "pot"}}

    origin.add("/f", body)
    assert (await ask(origin, method="POST", body=b"hello")).body == b"olleh"
    answer = await ask(origin)
    assert (answer.status, answer.body, answer.headers.get("x-tea")) == (418, b"short and stout", "pot")


async def test_an_app_below_a_path(origin: Origin) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": scope["path"].encode() + message["body"]})

    origin.add("/api", app=app)
    origin.add("/api/fixed", b"fixed")
    assert (await ask(origin, "/api/x", "POST", b"!")).body == b"/api/x!"
    assert (await ask(origin, "/api")).body == b"/api"
    assert (await ask(origin, "/api/fixed")).body == b"fixed"
    assert (await ask(origin, "/apiary")).status == 404
    assert [record.body for record in origin.requests] == [b"!", b"", b"", b""]
    await origin.aclose()


async def test_refuse(origin: Origin) -> None:
    origin.add("/f", BODY)
    origin.refuse = True
    with pytest.raises(NetworkFailure) as caught:
        await ask(origin)
    assert (caught.value.cause, caught.value.message) == ("connect", "localhost:8400 refused the connection")
    assert origin.requests == []
    origin.refuse = False
    assert (await ask(origin)).status == 200


async def test_an_internet_of_origins() -> None:
    internet = ScriptedInternet([Origin()])
    internet.origin_at(URL).add("/f", b"home")
    internet.origin_at("https://cdn.example/ignored").add("/f", b"far away")
    assert internet.origin_at("https://cdn.example") is internet.origin_at("https://cdn.example:443/x")
    assert (await ask(internet)).body == b"home"
    assert (await ask(internet, "https://cdn.example/f")).body == b"far away"
    for transport in (internet, Origin()):
        for url, cause in (("http://nowhere.example/f", "dns"), ("http://localhost:8401/f", "connect")):
            with pytest.raises(NetworkFailure) as caught:
                await ask(transport, url)
            assert caught.value.cause == cause


async def test_a_great_body_costs_no_memory(origin: Origin) -> None:
    size = 64 << 20
    origin.add("/f", Pattern(size))
    received = 0
    request = WireRequest("GET", f"{URL}/f", HeaderList())
    tracemalloc.start()
    async with HttpxNetwork(origin, outside=False).exchange(request) as response:
        async for piece in response.body:
            received += len(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert received == size
    assert peak < 4 << 20


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"chunk": 0}, ValueError),
        ({"coding": "br"}, ValueError),
        ({"responses": [{"boddy": b""}]}, TypeError),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(wrong: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        Origin().add("/f", **wrong)


def test_importing_it_imports_no_test_framework() -> None:
    code = "import sys, swruntime.testing; print(*({'pytest', 'hypothesis'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


# What only a real server can show


async def test_listening_for_any_client(autojump_clock: trio.testing.MockClock) -> None:
    """An hour of the virtual clock, over a socket, with the time-outs that a client has."""
    origin = Origin()
    origin.add("/slow", BODY, delay=3600)
    origin.add("/drips", BODY[:10], chunk=1, pace=40)
    async with origin.listen() as url, httpx.AsyncClient(timeout=None) as client:
        begin = trio.current_time()
        assert (await client.get(f"{url}/slow")).content == BODY
        assert 3600 <= trio.current_time() - begin < 3601
        async with SocketNetwork() as network:
            request = WireRequest("GET", f"{url}/drips", HeaderList())
            async with network.exchange(request) as response:
                assert b"".join([piece async for piece in response.body]) == BODY[:10]
        assert 3960 <= trio.current_time() - begin < 3961
        assert [record.url for record in origin.requests] == [f"{url}/slow", f"{url}/drips"]


async def test_the_port_is_closed_while_it_refuses(autojump_clock: trio.testing.MockClock) -> None:
    origin = Origin()
    origin.add("/f", b"here")
    origin.refuse = True
    async with origin.listen() as url, httpx.AsyncClient() as client:
        for _ in range(3):
            await trio.testing.wait_all_tasks_blocked()  # the connection that is kept is idle
            origin.refuse = True
            with pytest.raises(httpx.ConnectError):
                await client.get(f"{url}/f")
            origin.refuse = False
            assert (await client.get(f"{url}/f")).text == "here"
    with pytest.raises(httpx.ConnectError):
        async with httpx.AsyncClient() as client:
            await client.get(f"{url}/f")


async def test_an_address_that_is_taken() -> None:
    async with Origin().listen() as url:
        with pytest.raises(OSError, match="in use"):
            async with Origin().listen(port=int(url.rpartition(":")[2])):
                pytest.fail("two servers at one address")


async def test_what_is_no_http_ends_the_connection() -> None:
    origin = Origin()
    async with origin.listen() as url:
        host, _, port = url.removeprefix("http://").partition(":")
        async with await trio.open_tcp_stream(host, int(port)) as stream:
            await stream.send_all(b"\x16\x03\x01 no HTTP at all\r\n\r\n")
            assert await stream.receive_some() == b""
    assert origin.requests == []


@pytest.mark.parametrize("drop_with", ["reset", "close"])
@pytest.mark.parametrize("framing", [{}, {"chunked": True}, {"content_length": False}])
async def test_how_a_connection_breaks(
    origin: Origin, autojump_clock: object, drop_with: Literal["reset", "close"], framing: dict[str, Any]
) -> None:
    origin.add("/f", BODY, drop_after=100_000, drop_with=drop_with, **framing)
    origin.add("/never", BODY, hang_up=True, drop_with=drop_with)
    answer = await ask(origin)
    expected: str | None = "reset" if drop_with == "reset" else "truncated"
    if drop_with == "close" and framing == {"content_length": False}:
        expected = None  # nobody can tell that it is not the end
    assert (answer.cause, answer.body) == (expected, BODY[:100_000])
    with pytest.raises(NetworkFailure) as caught:
        await ask(origin, "/never")
    assert caught.value.cause == "reset"


async def test_pace(origin: Origin, autojump_clock: trio.testing.MockClock) -> None:
    origin.add("/f", BODY, chunk=64_000, pace=30)
    begin = trio.current_time()
    assert (await ask(origin)).body == BODY
    assert 90 <= trio.current_time() - begin < 91


async def test_an_app_that_raises(
    origin: Origin, autojump_clock: object, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/app/later":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            await trio.sleep(30)
        raise ValueError("on purpose")

    origin.add("/app", app=app)
    with pytest.raises(NetworkFailure) as caught:
        await ask(origin, "/app")
    assert caught.value.cause == "reset"
    answer = await ask(origin, "/app/later")
    assert (answer.body, answer.cause) == (b"half", "truncated")
