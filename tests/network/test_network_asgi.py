"""ASGI apps in process: both directions stream, and nothing of an app breaks out of its exchange."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio
import trio.testing

from swruntime.concepts.http import HeaderList
from swruntime.errors import NetworkFailure
from swruntime.network.asgi import AsgiNetwork, Message, Receive, Scope, Send
from swruntime.ports.network import LARGEST_PIECE, WireRequest

GET = WireRequest("GET", "http://localhost:8400/a%20b?q=1", HeaderList((("X-Name", "value"),)))


def start(status: int = 200, *headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def piece(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def answer(network: AsgiNetwork, request: WireRequest = GET) -> tuple[int, bytes]:
    async with network.exchange(request) as response:
        return response.status, b"".join([piece async for piece in response.body])


async def test_the_scope_is_what_a_server_makes() -> None:
    scopes: list[dict[str, Any]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(dict(scope))
        await send(start(201, (b"x-answer", b"yes")))
        await send(piece(b"done", more=False))

    async with AsgiNetwork(app).exchange(GET) as response:
        assert response.status == 201
        assert response.headers.get("X-Answer") == "yes"
        assert [piece async for piece in response.body] == [b"done"]
    (scope,) = scopes
    assert (scope["type"], scope["method"], scope["scheme"]) == ("http", "GET", "http")
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/a b", b"/a%20b", b"q=1")
    assert scope["headers"] == [(b"host", b"localhost:8400"), (b"x-name", b"value")]
    assert scope["server"] == ("localhost", 8400)


async def test_both_directions_stream_at_once() -> None:
    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        more = True
        while more:
            message = await receive()
            more = message["more_body"]
            await send(piece(message["body"], more=more))

    echoed = trio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"one"
        await echoed.wait()  # nothing goes on unless the first echo arrives before the second piece is sent
        yield b"two"

    request = WireRequest("POST", "http://localhost:8400/", HeaderList(), body)
    async with AsgiNetwork(echo).exchange(request) as response:
        assert await anext(response.body) == b"one"
        echoed.set()
        assert [piece async for piece in response.body] == [b"two"]


async def test_an_app_is_not_ahead_of_its_reader() -> None:
    sent: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        for number in range(10):
            await send(piece(bytes([number])))
            sent.append(number)
        await send(piece(b"", more=False))

    async with AsgiNetwork(app).exchange(GET) as response:
        for number in range(10):
            await trio.testing.wait_all_tasks_blocked()
            assert sent == list(range(number))
            assert await anext(response.body) == bytes([number])
        with pytest.raises(StopAsyncIteration):
            await anext(response.body)


async def test_who_leaves_early_disconnects_the_app() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["more_body"] is False
        await send(start())
        await send(piece(b"x"))
        seen.append((await receive())["type"])
        await trio.lowlevel.checkpoint()
        seen.append("tidied up")

    async with AsgiNetwork(app).exchange(GET) as response:
        assert await anext(response.body) == b"x"
        await trio.testing.wait_all_tasks_blocked()
    assert seen == ["http.disconnect", "tidied up"]


async def test_who_leaves_early_ends_an_app_that_does_not_listen() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(piece(b"x"))
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            seen.append("cancelled")
            raise

    async with AsgiNetwork(app).exchange(GET) as response:
        assert await anext(response.body) == b"x"
    assert seen == ["cancelled"]


async def test_an_app_that_ignores_the_disconnect_is_ended(autojump_clock: trio.testing.MockClock) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(start())
        await send(piece(b"x"))
        await receive()
        await trio.sleep_forever()

    async with AsgiNetwork(app).exchange(GET) as response:
        await anext(response.body)
        await trio.testing.wait_all_tasks_blocked()


async def test_sending_to_who_left_is_an_oserror() -> None:
    raised: list[BaseException] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(piece(b"x"))
        await receive()
        await receive()
        try:
            await send(piece(b"y"))
        except OSError as error:
            raised.append(error)

    async with AsgiNetwork(app).exchange(GET) as response:
        await anext(response.body)
        await trio.testing.wait_all_tasks_blocked()
    assert [str(error) for error in raised] == ["the client has left"]


async def test_an_app_that_raises_before_its_response(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async with trio.open_nursery():
            raise ConnectionRefusedError("the app's own upstream")

    with pytest.raises(NetworkFailure, match="without a response") as caught:
        await answer(AsgiNetwork(app))
    assert caught.value.cause == "reset"
    assert "the app's own upstream" in caplog.text


@pytest.mark.usefixtures("caplog")
@pytest.mark.parametrize("headers", [[], [(b"content-length", b"10")]])
async def test_an_app_that_raises_in_the_middle(headers: list[tuple[bytes, bytes]]) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(200, *headers))
        await send(piece(b"hello"))
        raise ValueError("too bad")

    async with AsgiNetwork(app).exchange(GET) as response:
        assert await anext(response.body) == b"hello"
        with pytest.raises(NetworkFailure, match="too bad") as caught:
            await anext(response.body)
        assert caught.value.cause == "truncated"


async def test_an_app_that_returns_too_early() -> None:
    async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
        return

    async def half(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(piece(b"hello"))

    for app, cause in ((nothing, "reset"), (half, "truncated")):
        with pytest.raises(NetworkFailure) as caught:
            await answer(AsgiNetwork(app))
        assert caught.value.cause == cause


@pytest.mark.parametrize(("length", "cause"), [(b"4", "protocol"), (b"6", "truncated")])
async def test_a_content_length_that_lies(length: bytes, cause: str) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(200, (b"content-length", length)))
        await send(piece(b"hello", more=False))

    with pytest.raises(NetworkFailure) as caught:
        await answer(AsgiNetwork(app))
    assert caught.value.cause == cause


async def test_an_app_that_stalls_times_out(autojump_clock: trio.testing.MockClock) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["query_string"]:
            await trio.sleep_forever()
        await send(start())
        await trio.sleep(59)
        await send(piece(b"late, but there"))
        await trio.sleep_forever()

    network = AsgiNetwork(app)
    with pytest.raises(NetworkFailure, match="60 s") as caught:
        await answer(network)
    assert caught.value.cause == "timeout"
    async with network.exchange(WireRequest("GET", "http://localhost:8400/", HeaderList())) as response:
        assert await anext(response.body) == b"late, but there"
        with pytest.raises(NetworkFailure) as caught:
            await anext(response.body)
        assert caught.value.cause == "timeout"


async def test_pieces_are_cut_to_size() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(piece(bytes(2 * LARGEST_PIECE + 9), more=False))

    async with AsgiNetwork(app).exchange(GET) as response:
        assert [len(piece) async for piece in response.body] == [LARGEST_PIECE, LARGEST_PIECE, 9]


async def test_a_body_where_there_is_none_is_dropped() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start(200, (b"content-length", b"5")))
        await send(piece(b"hello", more=False))

    request = WireRequest("HEAD", "http://localhost:8400/", HeaderList())
    assert await answer(AsgiNetwork(app), request) == (200, b"")


async def test_an_error_of_the_requests_own_body_comes_out_as_it_is() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def eager(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(piece(b"x"))
        await app(scope, receive, send)

    async def body() -> AsyncIterator[bytes]:
        yield b"x"
        raise FileNotFoundError("the caller's own")

    request = WireRequest("POST", "http://localhost:8400/", HeaderList(), body)
    for each in (app, eager):
        with pytest.raises(FileNotFoundError, match="the caller's own"):
            await answer(AsgiNetwork(each), request)


async def test_a_callers_own_exception_and_a_cancellation_pass_unwrapped() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(piece(b"x"))
        await trio.sleep_forever()

    network = AsgiNetwork(app)
    with pytest.raises(KeyError, match="mine"):
        async with network.exchange(GET):
            raise KeyError("mine")
    with pytest.raises(ExceptionGroup, match="mine too"):
        async with network.exchange(GET):
            raise ExceptionGroup("mine too", [ValueError()])
    with trio.CancelScope() as scope:
        async with network.exchange(GET) as response:
            scope.cancel()
            await anext(response.body)
    assert scope.cancelled_caught


async def test_what_an_app_does_after_its_response_goes_on_until_the_network_closes() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(start())
        await send(piece(b"x", more=False))
        try:
            await going_on.wait()
            seen.append("went on")
            await trio.sleep_forever()
        finally:
            seen.append("ended")

    going_on = trio.Event()
    async with AsgiNetwork(app) as network:
        assert await answer(network) == (200, b"x")
        assert seen == []
        going_on.set()
        await trio.testing.wait_all_tasks_blocked()
        assert seen == ["went on"]
    assert seen == ["went on", "ended"]
