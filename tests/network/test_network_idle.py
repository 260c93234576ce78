"""Connections that are kept, and were closed meanwhile, when several requests come at once."""

from __future__ import annotations

import trio

from swruntime.concepts.http import HeaderList
from swruntime.network.sockets import SocketNetwork
from swruntime.ports.network import WireRequest

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SEVERAL = 3


async def test_each_request_leaves_what_was_closed_and_takes_what_is_its_own() -> None:
    answered: list[bytes] = []
    connections: list[trio.SocketStream] = []
    first = trio.Event()
    asked, closing, closed = trio.Semaphore(0), trio.Event(), trio.Semaphore(0)

    async def serve(stream: trio.SocketStream) -> None:
        number = len(connections)
        connections.append(stream)
        async with stream:
            await stream.receive_some()
            asked.release()
            if number < SEVERAL:
                await first.wait()
            await stream.send_all(ANSWER)
            if number < SEVERAL:
                await closing.wait()
        if number < SEVERAL:
            closed.release()

    async with trio.open_nursery() as nursery:
        (listener, *_) = await nursery.start(trio.serve_tcp, serve, 0)
        url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}/"

        async def ask(network: SocketNetwork) -> None:
            async with network.exchange(WireRequest("GET", url, HeaderList())) as response:
                answered.append(b"".join([chunk async for chunk in response.body]))

        async with SocketNetwork() as network:
            async with trio.open_nursery() as asking:
                for _ in range(SEVERAL):
                    asking.start_soon(ask, network)
                for _ in range(SEVERAL):
                    await asked.acquire()
                first.set()
            closing.set()
            for _ in range(SEVERAL):
                await closed.acquire()
            async with trio.open_nursery() as asking:
                for _ in range(SEVERAL):
                    asking.start_soon(ask, network)
        nursery.cancel_scope.cancel()
    assert answered == [b"ok"] * (2 * SEVERAL)
