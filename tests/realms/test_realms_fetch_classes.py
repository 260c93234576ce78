"""Headers, Request and Response of a Python realm."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from swruntime.concepts import http
from swruntime.errors import AbortError, InvalidStateError, NetworkFailure
from swruntime.realms.python.abort import AbortController
from swruntime.realms.python.body_sources import BytesSource, read_all
from swruntime.realms.python.context import RealmContext
from swruntime.realms.python.headers import Headers
from swruntime.realms.python.request import Request
from swruntime.realms.python.response import Response
from swruntime.realms.python.streams import ReadableStream

BASE = "http://localhost:8400"


@pytest.fixture
def request_class(context: RealmContext) -> type[Request]:
    return context.bind(Request)


@pytest.fixture
def response_class(context: RealmContext) -> type[Response]:
    return context.bind(Response)


@attrs.define
class StreamSource:
    """A source that can be read once, as a network's is. It notes what becomes of it."""

    pieces: list[bytes | Exception]
    log: list[str] = attrs.Factory(list)
    stored: int | None = None
    length: int | None = None
    replayable: bool = False

    async def chunks(self) -> AsyncIterator[bytes]:
        self.log.append("opened")
        try:
            for piece in self.pieces:
                await trio.lowlevel.checkpoint()
                if isinstance(piece, Exception):
                    raise piece
                yield piece
            self.log.append("ended")
        finally:
            self.log.append("left")

    def close(self) -> None:
        self.log.append("closed")


# Headers


def test_headers_from_what_a_script_gives() -> None:
    pairs = [("B", "1"), ("a", "2"), ("b", "3")]
    assert list(Headers(pairs)) == [("a", "2"), ("b", "1, 3")]
    assert list(Headers(Headers(pairs))) == [("a", "2"), ("b", "1, 3")]
    headers = Headers({"B": "1"})
    assert dict(headers) == {"b": "1"}
    assert [list(headers.keys()), list(headers.values()), list(headers.items())] == [
        ["b"],
        ["1"],
        [("b", "1")],
    ]


def test_headers_change() -> None:
    headers = Headers()
    headers.append("X", " 1 ")
    headers.append("x", "2")
    assert (headers.get("X"), headers.has("x"), "X" in headers) == ("1, 2", True, True)
    headers.set("x", "3")
    assert headers["x"] == "3"
    headers.delete("x")
    assert (headers.get("x"), headers.has("x")) == (None, False)
    headers.append("Set-Cookie", "a=1")
    headers.append("Set-Cookie", "b=2")
    assert headers.get_set_cookie() == ["a=1", "b=2"]
    assert list(headers) == [("set-cookie", "a=1"), ("set-cookie", "b=2")]


@pytest.mark.parametrize("name", ["", "a b", "ä", 5])
def test_what_is_no_header_name_is_a_type_error(name: Any) -> None:
    headers = Headers()
    for act in (headers.get, headers.has, headers.delete, lambda n: headers.append(n, "x")):
        with pytest.raises(TypeError):
            act(name)


def test_the_guard_is_asked() -> None:
    immutable = Headers._of(http.HeaderList((("A", "1"),)), "immutable")
    with pytest.raises(TypeError, match="immutable"):
        immutable.set("a", "2")
    of_request = Headers._of(http.HeaderList(), "request")
    of_request.set("Host", "elsewhere")
    assert not of_request.has("host")


# Request


async def test_a_request_from_a_url(request_class: type[Request]) -> None:
    request = request_class("/ep-5.mp3#t=10")
    assert isinstance(request, Request)
    assert request.url == f"{BASE}/ep-5.mp3#t=10"
    assert (request.method, request.mode, request.credentials, request.cache) == (
        "GET",
        "cors",
        "same-origin",
        "default",
    )
    assert (request.redirect, request.referrer, request.referrer_policy) == ("follow", "about:client", "")
    assert (request.integrity, request.keepalive, request.destination) == ("", False, "")
    assert (request.body, request.body_used, list(request.headers)) == (None, False, [])
    assert repr(request) == f"<Request GET {BASE}/ep-5.mp3#t=10>"
    assert request._concept.client == request._context.environment


async def test_a_request_with_everything(request_class: type[Request]) -> None:
    request = request_class(
        "https://example.test/",
        method="post",
        headers={"X-A": "1"},
        body="hällo",
        mode="cors",
        credentials="include",
        cache="no-store",
        redirect="manual",
        referrer="",
        referrer_policy="no-referrer",
        integrity="sha256-x",
        keepalive=True,
    )
    concept = request._concept
    assert (concept.method, concept.credentials, concept.cache) == ("POST", "include", "no-store")
    assert (concept.redirect, concept.referrer, concept.keepalive) == ("manual", "", True)
    assert concept.body == "hällo".encode()
    assert dict(request.headers) == {"x-a": "1", "content-type": "text/plain;charset=UTF-8"}
    assert await request.text() == "hällo"


@pytest.mark.parametrize(
    ("input", "init"),
    [
        ("http://user:pw@localhost/", {}),
        ("http://[", {}),
        (5, {}),
        ("/", {"method": "TRACE"}),
        ("/", {"mode": "navigate"}),
        ("/", {"mode": "no-cors", "method": "PUT"}),
        ("/", {"cache": "only-if-cached"}),
        ("/", {"redirect": "maybe"}),
        ("/", {"body": b"x"}),
        ("/", {"method": "POST", "body": {"a": 1}}),
        ("/", {"method": "POST", "body": 5}),
        ("/", {"headers": {"a b": "1"}}),
        ("/", {"signal": "stop"}),
        ("/", {"duplex": "full"}),
        ("/", {"priority": "urgent"}),
        ("/", {"window": 5}),
    ],
)
async def test_wrong_arguments_are_type_errors(
    request_class: type[Request], input: Any, init: dict[str, Any]
) -> None:
    with pytest.raises(TypeError):
        request_class(input, **init)


async def test_the_headers_object_of_a_request_is_live(request_class: type[Request]) -> None:
    request = request_class("/", headers=Headers({"A": "1"}))
    request.headers.set("B", "2")
    request.headers.set("Cookie", "forbidden")
    assert request._concept.headers == http.HeaderList((("a", "1"), ("B", "2")))
    no_cors = request_class("/", mode="no-cors", headers={"Range": "bytes=0-", "Accept": "a/b", "X-A": "1"})
    assert list(no_cors.headers) == [("accept", "a/b")]


async def test_a_request_from_a_request_takes_its_body(request_class: type[Request]) -> None:
    old = request_class("/", method="POST", body=b"data", headers={"A": "1"})
    new = request_class(old, headers={"B": "2"})
    assert (old.body_used, new.body_used, new.method) == (True, False, "POST")
    assert dict(new.headers) == {"b": "2"}
    assert await new.bytes() == b"data"
    with pytest.raises(TypeError, match="used already"):
        request_class(old)
    source = request_class("/", method="POST", body=b"data")
    replaced = request_class(source, body=b"other")
    assert (source.body_used, await replaced.bytes()) == (False, b"other")


async def test_a_request_from_a_request_that_fails_takes_nothing(request_class: type[Request]) -> None:
    old = request_class("/", method="POST", body=b"data")
    with pytest.raises(TypeError):
        request_class(old, method="GET")
    assert not old.body_used


async def test_a_clone_is_apart(request_class: type[Request]) -> None:
    request = request_class("/", method="POST", body=b"data", headers={"A": "1"})
    other = request.clone()
    other.headers.set("A", "2")
    assert (request.headers.get("a"), other.headers.get("a")) == ("1", "2")
    assert [await request.text(), await other.text()] == ["data", "data"]
    with pytest.raises(TypeError, match="clone"):
        request.clone()


async def test_a_requests_signal_follows_the_one_given(
    context: RealmContext, request_class: type[Request]
) -> None:
    controller = context.bind(AbortController)()
    request = request_class("/", signal=controller.signal)
    copies = [request, request.clone(), request_class(request)]
    assert not any(each.signal.aborted for each in copies)
    controller.abort()
    assert all(each.signal.aborted for each in copies)


async def test_a_stream_as_a_requests_body(request_class: type[Request]) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    request = request_class("/", method="POST", body=body())
    assert request._concept.body is None
    assert await request_class(request).text() == "one two"
    with pytest.raises(TypeError, match="keepalive"):
        request_class("/", method="POST", body=body(), keepalive=True)
    with pytest.raises(TypeError, match="mode is 'no-cors'"):
        request_class("/", method="POST", body=body(), mode="no-cors")
    assert request_class("/", method="POST", body=body(), duplex="half", priority="low").duplex == "half"
    assert (request.is_reload_navigation, request.is_history_navigation) == (False, False)


async def test_a_dead_realm_makes_no_requests(context: RealmContext, request_class: type[Request]) -> None:
    context.discard("stopped")
    with pytest.raises(InvalidStateError):
        request_class("/")


async def test_the_runtimes_own_constructor(context: RealmContext, request_class: type[Request]) -> None:
    concept = http.Request("https://example.test/", mode="no-cors", body=http.StoredBody(7, 3))
    source = BytesSource(b"abc", stored=7)
    request = Request._of(context, concept, source)
    assert type(request) is request_class
    assert request._headers._guard == "request-no-cors"
    taken = request._take_source()
    assert taken is source
    assert request.body_used
    with pytest.raises(TypeError):
        request._take_source()


async def test_a_stored_body_is_referred_to(context: RealmContext) -> None:
    source = StreamSource([b"abc"], stored=7, length=3)
    request = Request._of(context, http.Request("https://example.test/", method="POST"), source)
    assert request._concept.body == http.StoredBody(7, 3)


# Response


async def test_a_response_of_a_script(response_class: type[Response]) -> None:
    response = response_class("hello", status=201, status_text="Made", headers={"A": "1"})
    assert isinstance(response, Response)
    assert (response.status, response.status_text, response.ok) == (201, "Made", True)
    assert (response.type, response.url, response.redirected) == ("default", "", False)
    assert dict(response.headers) == {"a": "1", "content-type": "text/plain;charset=UTF-8"}
    assert await response.text() == "hello"
    assert (response_class().status, response_class().body, response_class().status_text) == (200, None, "")
    assert "Content-Type" not in response_class(b"x").headers
    response.headers.set("Set-Cookie", "a=1")
    response.headers.set("B", "2")
    assert response._concept.headers.get("b") == "2"
    assert "set-cookie" not in response._concept.headers


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"status": 199}, ValueError),
        ({"status": 600}, ValueError),
        ({"status": "200"}, TypeError),
        ({"status_text": "a\nb"}, TypeError),
        ({"body": "x", "status": 204}, TypeError),
        ({"headers": 5}, TypeError),
        ({"body": ["x"]}, TypeError),
    ],
)
async def test_wrong_arguments_of_a_response(
    response_class: type[Response], arguments: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        response_class(**arguments)


async def test_error_redirect_and_json_of_the_class(response_class: type[Response]) -> None:
    error = response_class.error()
    assert (error.type, error.status, error.ok, type(error)) == ("error", 0, False, response_class)
    redirect = response_class.redirect("/there", 307)
    assert (redirect.status, dict(redirect.headers)) == (307, {"location": f"{BASE}/there"})
    with pytest.raises(TypeError, match="immutable"):
        redirect.headers.set("a", "1")
    with pytest.raises(ValueError, match="status"):
        response_class.redirect("/there", 200)
    made = response_class.json({"ä": [1, None]}, status=201)
    assert (made.status, made.headers.get("content-type")) == (201, "application/json")
    assert await made.clone().text() == '{"ä":[1,null]}'
    assert await made.json() == {"ä": [1, None]}
    with pytest.raises(TypeError):
        response_class.json({1j: 2})
    with pytest.raises(TypeError):
        response_class.json(1, status=204)


async def test_a_response_that_came(context: RealmContext) -> None:
    concept = http.Response(
        status=206,
        headers=http.HeaderList((("ETag", '"x"'), ("Content-Type", "a/b"))),
        url_list=("https://a.test/", "https://b.test/x#y"),
        type="cors",
    )
    response = Response._of(context, concept, BytesSource(b"abc"))
    assert (response.url, response.redirected) == ("https://b.test/x", True)
    assert dict(response.headers) == {"content-type": "a/b"}
    assert response._concept is concept
    with pytest.raises(TypeError, match="immutable"):
        response.headers.set("a", "1")
    shown = Response._of(context, concept, exposed=http.Response(status=206, type="cors"))
    assert dict(shown.headers) == {}
    assert repr(response) == "<Response 206 https://b.test/x>"


async def test_an_opaque_response_hides_its_body_and_keeps_it(context: RealmContext) -> None:
    concept = http.Response(status=200, url_list=("https://a.test/",), type="opaque")
    response = Response._of(context, concept, StreamSource([b"secret"]))
    assert (response.status, response.url, response.body, await response.text()) == (0, "", None, "")
    other = response.clone()
    for each in (response, other):
        source = each._take_source()
        assert source is not None
        assert await read_all(source) == b"secret"


# Bodies


@pytest.mark.parametrize("read_first", [False, True])
async def test_a_clone_that_was_not_begun_when_its_realm_died_has_no_end(
    context: RealmContext, read_first: bool
) -> None:
    """Who has taken it must not take it for an empty body."""
    response = Response._of(context, http.Response(status=200), StreamSource([b"one ", b"two"]))
    sources = [response.clone()._take_source(), response._take_source()]
    assert sources[0] is not None
    assert sources[1] is not None
    if read_first:
        assert await read_all(sources[1]) == b"one two"
    context.discard("stopped")
    with pytest.raises(AbortError):
        await read_all(sources[0])


async def test_a_body_is_read_once(response_class: type[Response]) -> None:
    response = response_class("hello")
    used = [response.body_used]
    promise = response.text()
    used.append(response.body_used)
    assert used == [False, True]
    with pytest.raises(TypeError, match="used already"):
        await response.text()
    assert [await promise, await promise] == ["hello", "hello"]
    with pytest.raises(TypeError, match="used already"):
        response.clone()
    empty = response_class()
    assert [await empty.text(), await empty.bytes(), empty.body_used] == ["", b"", False]


async def test_the_body_as_what_it_is_asked_for(response_class: type[Response]) -> None:
    marked = b"\xef\xbb\xbf[1]\xff"
    assert await response_class(marked).text() == "[1]\ufffd"
    assert await response_class(bytearray(marked)).bytes() == marked
    assert await response_class(memoryview(marked)).array_buffer() == marked
    assert await response_class(marked[:-1]).json() == [1]
    assert await response_class("\ud800").bytes() == b"\xef\xbf\xbd"
    for text in ("", "[1,]", "NaN"):
        with pytest.raises(ValueError):  # noqa: PT011 - the wording is the standard library's
            await response_class(text).json()
    with pytest.raises(ValueError, match="the JSON nests too deeply"):
        await response_class("[" * 100_000).json()


async def test_a_body_is_a_stream(response_class: type[Response]) -> None:
    data = bytes(range(256)) * 1024
    response = response_class(data)
    assert response.body is response.body is not None
    pieces = []
    async for piece in response.body:
        assert response.body.locked
        pieces.append(piece)
    assert b"".join(pieces) == data
    assert len(pieces) > 1
    assert (response.body.locked, response.body_used) == (False, True)
    with pytest.raises(TypeError, match="used already"):
        aiter(response.body)


async def test_a_stream_that_is_left_early_is_cancelled_by_who_leaves(context: RealmContext) -> None:
    source = StreamSource([b"one", b"two", b"three"])
    response = Response._of(context, http.Response(), source)
    assert response.body is not None
    async for piece in response.body:
        assert piece == b"one"
        break
    await response.body.cancel()
    await trio.testing.wait_all_tasks_blocked()
    assert source.log == ["opened", "left"]
    unread = StreamSource([b"one"])
    stream = Response._of(context, http.Response(), unread).body
    assert stream is not None
    await stream.cancel()
    assert unread.log == ["closed"]


async def test_a_stream_ends_with_its_realm(context: RealmContext) -> None:
    source = StreamSource([b"one", b"two"])
    response = Response._of(context, http.Response(), source)
    assert response.body is not None
    iterator = aiter(response.body)
    assert await anext(iterator) == b"one"
    context.discard("stopped")
    await trio.testing.wait_all_tasks_blocked()
    assert source.log == ["opened", "left"]
    with pytest.raises(InvalidStateError):
        await anext(iterator)


async def test_reading_all_outlives_the_realm(context: RealmContext) -> None:
    promise = Response._of(context, http.Response(), StreamSource([b"one", b"two"])).text()
    context.discard("stopped")
    assert await promise == "onetwo"


async def test_a_failure_of_the_network_is_a_type_error(context: RealmContext) -> None:
    def broken() -> Response:
        source = StreamSource([b"one", NetworkFailure("reset", "the connection broke")])
        return Response._of(context, http.Response(), source)

    with pytest.raises(TypeError, match="the connection broke"):
        await broken().text()
    stream = broken().body
    assert stream is not None
    iterator = aiter(stream)
    assert await anext(iterator) == b"one"
    with pytest.raises(TypeError, match="the connection broke"):
        await anext(iterator)
    assert not stream.locked


async def test_clones_of_a_stream_read_at_their_own_pace(context: RealmContext) -> None:
    source = StreamSource([b"one", b"two", b"three"])
    response = Response._of(context, http.Response(), source)
    other = response.clone()
    third = other.clone()
    assert await other.text() == "onetwothree"
    assert await response.text() == "onetwothree"
    assert await third.text() == "onetwothree"
    assert source.log == ["opened", "ended", "left"]


async def test_clones_that_nobody_can_read_any_more_let_the_source_go(context: RealmContext) -> None:
    unread = StreamSource([b"one"])
    Response._of(context, http.Response(), unread).clone()
    begun = StreamSource([b"one", b"two"])
    response = Response._of(context, http.Response(), begun)
    response.clone()
    assert response.body is not None
    assert await anext(aiter(response.body)) == b"one"
    context.discard("stopped")
    await trio.testing.wait_all_tasks_blocked()
    assert unread.log == ["closed"]
    assert begun.log == ["opened", "left"]


async def test_a_failure_reaches_both_clones(context: RealmContext) -> None:
    source = StreamSource([b"one", NetworkFailure("reset", "the connection broke")])
    response = Response._of(context, http.Response(), source)
    other = response.clone()
    for each in (response, other):
        with pytest.raises(TypeError, match="the connection broke"):
            await each.text()


async def test_a_scripts_stream_runs_in_its_realm(
    context: RealmContext, response_class: type[Response]
) -> None:
    left: list[str] = []

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x"
                await trio.sleep_forever()
        finally:
            left.append("left")

    promise = response_class(endless()).text()
    await trio.testing.wait_all_tasks_blocked()
    context.discard("stopped")
    with pytest.raises(AbortError):
        await promise
    assert left == ["left"]


async def test_a_scripts_stream_gives_bytes_and_may_raise(response_class: type[Response]) -> None:
    async def text() -> AsyncIterator[Any]:
        yield "text"

    async def broken() -> AsyncIterator[bytes]:
        yield b"one"
        raise LookupError("no more")

    class Plain:
        def __init__(self) -> None:
            self.left = 2

        def __aiter__(self) -> Plain:
            return self

        async def __anext__(self) -> bytes:
            if not self.left:
                raise StopAsyncIteration
            self.left -= 1
            return b"p"

    with pytest.raises(TypeError, match="expected bytes"):
        await response_class(text()).bytes()
    with pytest.raises(LookupError, match="no more"):
        await response_class(broken()).bytes()
    assert await response_class(Plain()).text() == "pp"


async def test_the_stream_of_one_response_is_the_body_of_another(response_class: type[Response]) -> None:
    first = response_class("hello")
    assert isinstance(first.body, ReadableStream)
    second = response_class(first.body)
    assert first.body_used
    assert await second.text() == "hello"
    with pytest.raises(TypeError, match="used already"):
        response_class(first.body)
