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
from swruntime.network.reachability import (
    MOST_LOOKS,
    ReachabilityNetwork,
    ServerWatch,
    listen,
    message_types,
)
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


async def ask(network: ReachabilityNetwork, url: str, later: NetworkFailure | None = None) -> None:
    try:
        async with network.exchange(WireRequest("GET", url, HeaderList())):
            if later is not None:
                raise later
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


# Looking whether a server is back


class Servers:
    """Servers that take connections, or not; and what is awaited, and told."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.up: set[str] = set()
        self.awaited = {"http://a.example"}
        self.looks: list[tuple[float, str]] = []
        self.back: list[tuple[float, str]] = []
        self.hangs = False
        self.at_once = self.most = 0
        self.watch = ServerWatch(nursery, self.reach, self.awaited.__contains__, self.tell)

    async def reach(self, origin: str) -> None:
        self.looks.append((trio.current_time(), origin))
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await trio.sleep(1 if self.hangs else 0)
        finally:
            self.at_once -= 1
        if origin not in self.up:
            raise NetworkFailure("connect", "as the test wants it")

    def tell(self, origin: str) -> None:
        self.back.append((trio.current_time(), origin))


A = "http://a.example"


@asynccontextmanager
async def watching() -> AsyncIterator[Servers]:
    async with trio.open_nursery() as nursery:
        yield Servers(nursery)
        nursery.cancel_scope.cancel()


async def test_a_server_that_is_back_is_noticed_at_the_next_look(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with watching() as servers:
        for _ in range(6):  # as many connections fail at once
            servers.watch.failed(A)
        await trio.sleep(9)
        servers.up.add(A)
        await trio.sleep(100)
    assert servers.looks == [(seconds, A) for seconds in (2, 4, 6, 8, 10)]
    assert servers.back == [(10, A)]


async def test_nobody_looks_at_what_nobody_waits_for(autojump_clock: trio.testing.MockClock) -> None:
    async with watching() as servers:
        servers.watch.failed("http://other.example")
        servers.watch.failed(A)
        await trio.sleep(5)
        servers.awaited.clear()
        await trio.sleep(100)
        assert servers.looks == [(2, A), (4, A)]
        servers.awaited.add(A)
        servers.watch.failed(A)
        await trio.sleep(3)
    assert servers.looks == [(2, A), (4, A), (107, A)], "a failure begins it anew"


async def test_a_look_that_was_wrong_is_not_repeated_as_soon(autojump_clock: trio.testing.MockClock) -> None:
    """Something takes connections, and requests fail all the same: a proxy without its server, say."""
    async with watching() as servers:
        servers.up.add(A)
        for _ in range(8):
            servers.watch.failed(A)
            await trio.sleep(100)
        servers.watch.answered(A)
        servers.watch.failed(A)
        await trio.sleep(100)
    assert [seconds % 100 for seconds, _ in servers.back] == [2, 4, 8, 16, 32, 60, 60, 60, 2]


async def test_not_too_many_looks_at_once(autojump_clock: trio.testing.MockClock) -> None:
    async with watching() as servers:
        servers.hangs = True
        origins = [f"http://{number}.example" for number in range(3 * MOST_LOOKS)]
        servers.awaited.update(origins)
        for origin in origins:
            servers.watch.failed(origin)
        await trio.sleep(6)
    assert servers.most == MOST_LOOKS
    assert {origin for _, origin in servers.looks} == set(origins)


@pytest.mark.parametrize(
    ("cause", "looked_at"),
    [("dns", True), ("connect", True), ("timeout", True), ("reset", False), ("tls", False), ("proxy", False)],
)
async def test_which_failures_begin_it(
    cause: Cause, looked_at: bool, autojump_clock: trio.testing.MockClock
) -> None:
    inner = Fails()
    network = ReachabilityNetwork(inner, lambda origin: None)
    async with watching() as servers:
        network.watch = servers.watch
        inner.cause = cause
        await ask(network, f"{A}/1")
        await trio.sleep(3)
        assert bool(servers.looks) == looked_at
        inner.cause = None
        await ask(network, f"{A}/2", NetworkFailure(cause, "in the middle of the body"))
        servers.awaited.clear()
        await trio.sleep(10)
        servers.awaited.add(A)
        servers.looks.clear()
        await trio.sleep(10)
        assert servers.looks == [], "who answers is there"
