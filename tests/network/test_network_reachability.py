"""Whether the network is back: exchanges that answer again, and what Linux says of routes."""

from __future__ import annotations

import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing
from hypothesis import given, strategies as st

from swruntime.concepts.http import HeaderList
from swruntime.errors import Cause, NetworkFailure
from swruntime.network.reachability import ReachabilityNetwork, listen, message_types
from swruntime.ports.network import WireRequest, WireResponse


async def _nothing() -> AsyncIterator[bytes]:
    yield b""


class Fails:
    """A network whose exchanges fail with `cause`, where there is one."""

    def __init__(self) -> None:
        self.cause: Cause | None = None

    @asynccontextmanager
    async def exchange(self, request: WireRequest) -> AsyncIterator[WireResponse]:
        await trio.lowlevel.checkpoint()
        if self.cause is not None:
            raise NetworkFailure(self.cause, "as the test wants it")

        yield WireResponse(200, "", HeaderList(), _nothing())


async def ask(network: ReachabilityNetwork, url: str) -> None:
    try:
        async with network.exchange(WireRequest("GET", url, HeaderList())):
            pass
    except NetworkFailure:
        return


@pytest.mark.parametrize("cause", ["dns", "connect"])
async def test_an_origin_that_answers_again(cause: Cause) -> None:
    inner, signs = Fails(), list[str]()
    network = ReachabilityNetwork(inner, signs.append)
    await ask(network, "http://a.example/1")
    inner.cause = cause
    for path in ("1", "2"):
        await ask(network, f"http://a.example/{path}")
    inner.cause = None
    await ask(network, "http://always.example/")
    assert signs == [], "it was never away"
    for path in ("3", "4"):
        await ask(network, f"http://a.example/{path}")
    assert signs == ["http://a.example"]


@pytest.mark.parametrize("cause", ["reset", "timeout", "tls", "protocol", "offline"])
async def test_what_says_nothing_of_the_network(cause: Cause) -> None:
    inner, signs = Fails(), list[str]()
    network = ReachabilityNetwork(inner, signs.append)
    inner.cause = cause
    await ask(network, "http://a.example/")
    inner.cause = None
    await ask(network, "http://a.example/")
    assert signs == []


def message(kind: int, size: int = 8) -> bytes:
    return struct.pack("=IHHII", 16 + size, kind, 0, 0, 0) + b"x" * size + b"\0" * (-size % 4)


def test_netlink_messages() -> None:
    assert list(message_types(message(16) + message(20, 5) + message(24))) == [16, 20, 24]
    assert list(message_types(message(20)[:10])) == []
    assert list(message_types(struct.pack("=IHHII", 0, 3, 0, 0, 0) + message(20))) == [3]


@given(st.binary(max_size=200))
def test_any_bytes_are_messages(data: bytes) -> None:
    assert len(list(message_types(data))) <= len(data) // 16


async def test_a_burst_is_one_change(autojump_clock: trio.testing.MockClock) -> None:
    ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setblocking(False)
    changes: list[float] = []
    with kernels, trio.socket.from_stdlib_socket(ours) as listening:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen, listening, lambda: changes.append(trio.current_time()))
            kernels.send(message(16) + message(17))
            await trio.sleep(10)
            assert changes == [], "a link that went up or down is no route yet"
            for kind in (20, 24, 24):
                kernels.send(message(kind))
            await trio.sleep(10)
            kernels.send(message(16) + message(24))
            await trio.sleep(10)
            nursery.cancel_scope.cancel()
    assert changes == [11.0, 21.0]


IN_A_NAMESPACE = """
import subprocess, sys, trio
from swruntime.network.reachability import watch_routes

async def main():
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            changed = trio.Event()
            nursery.start_soon(watch_routes, changed.set)
            while not changed.is_set():
                for what in (["link", "set", "lo", "up"], ["addr", "replace", "10.9.8.7/24", "dev", "lo"]):
                    subprocess.run([sys.argv[1], *what], check=True)
                with trio.move_on_after(2):
                    await changed.wait()
                subprocess.run([sys.argv[1], "addr", "del", "10.9.8.7/24", "dev", "lo"], check=True)
            nursery.cancel_scope.cancel()
    print("changed")

trio.run(main)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="rtnetlink is Linux's")
def test_linux_tells() -> None:
    """In a network namespace of its own, where a test may have addresses."""
    import shutil

    ip = shutil.which("ip") or shutil.which("ip", path="/usr/sbin:/sbin")
    if ip is None or subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode != 0:
        pytest.skip("no ip, or no network namespaces for this user")
    command = ["unshare", "-rn", sys.executable, "-c", IN_A_NAMESPACE, ip]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "changed\n"
