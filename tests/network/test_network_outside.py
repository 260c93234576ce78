"""The network outside, from its first exchange on."""

from __future__ import annotations

import builtins
import errno
import os
from pathlib import Path
from typing import Any

import pytest
import trio

from swruntime.algorithms.proxies import Proxies
from swruntime.concepts.http import HeaderList
from swruntime.errors import NetworkFailure, UsageError
from swruntime.network.names import Names
from swruntime.network.outside import OutsideNetwork
from swruntime.ports.network import WireRequest


def nothing(*told: object) -> None:
    """Nobody is told."""


def outside(authorities: Path | None = None) -> OutsideNetwork:
    return OutsideNetwork(Names(), Proxies(), authorities, nothing, nothing)


async def serve_one(listener: trio.SocketListener) -> None:
    async with await listener.accept() as stream:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")


async def get(network: OutsideNetwork, port: int) -> bytes:
    async with network.exchange(WireRequest("GET", f"http://127.0.0.1:{port}/", HeaderList())) as response:
        return b"".join([piece async for piece in response.body])


async def test_an_exchange() -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    network = outside()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_one, listener)
        assert await get(network, listener.socket.getsockname()[1]) == b"hi"
    await network.aclose()
    await listener.aclose()


async def test_one_that_nobody_used_is_closed() -> None:
    await outside().aclose()


async def test_whether_an_origin_takes_connections() -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    origin = f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
    await outside().reach(origin, 10)
    await listener.aclose()
    with pytest.raises(NetworkFailure, match="refused"):
        await outside().reach(origin, 10)


def test_authorities_are_read_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cacert"):
        outside(tmp_path / "missing.pem")


async def test_our_own_files_cannot_be_read_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many files are open: that is a failure of the network, which is tried again, and works when it has passed."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    network = outside()
    real = builtins.__import__

    def few(name: str, *arguments: Any) -> Any:
        if name.startswith("swruntime.network."):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return real(name, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(builtins, "__import__", few)
        with pytest.raises(
            NetworkFailure, match="no connection can be made now: Too many open files"
        ) as failed:
            await get(network, port)
        assert failed.value.cause == "reset"
        with pytest.raises(NetworkFailure):
            await network.reach(f"http://127.0.0.1:{port}", 10)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_one, listener)
        assert await get(network, port) == b"hi"
    await network.aclose()
    await listener.aclose()
