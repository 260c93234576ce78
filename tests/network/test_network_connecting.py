"""Which addresses a host has, and one after the other of them until one answers."""

from __future__ import annotations

import math
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import httpcore
import pytest
import trio
import trio.testing

from swruntime.concepts.http import HeaderList
from swruntime.errors import NetworkFailure
from swruntime.network.connecting import DELAY, REMEMBERED, Connector
from swruntime.network.names import Names
from swruntime.network.sockets import SocketNetwork
from swruntime.ports.network import WireRequest


@attrs.define
class Stream:
    address: str
    closed: bool = False

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
        self.closed = True


class Machines:
    """What an attempt at each address comes to, and after how many seconds; one that is not listed never answers."""

    def __init__(self, answers: dict[str, tuple[float, Exception | None]]) -> None:
        self.answers = answers
        self.tried: list[tuple[float, str]] = []
        self.left: list[str] = []
        """Attempts that were cancelled."""
        self.streams: list[Stream] = []

    async def open_one(self, address: str, port: int) -> Stream:
        self.tried.append((round(trio.current_time(), 3), address))
        seconds, error = self.answers.get(address, (math.inf, None))
        try:
            await trio.sleep(seconds)
        except trio.Cancelled:
            self.left.append(address)
            raise
        if error is not None:
            raise error
        self.streams.append(Stream(address))
        return self.streams[-1]


REFUSED = ConnectionRefusedError(111, "Connection refused")
NO_ROUTE = OSError(101, "Network is unreachable")
SIX, FOUR, OTHER = "2001:db8::1", "192.0.2.1", "192.0.2.2"


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What the system's resolver knows: addresses by name, `"fe80::1%2"` with the number of its link."""
    known: dict[str, list[str]] = {}

    async def getaddrinfo(host: str, port: int, *, type: int) -> list[Any]:
        await trio.lowlevel.checkpoint()
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        found = []
        for each in known[host]:
            plain, _, link = each.partition("%")
            address = (plain, port, 0, int(link or 0)) if ":" in each else (plain, port)
            found.append((0, type, 6, "", address))
        return found

    monkeypatch.setattr(trio.socket, "getaddrinfo", getaddrinfo)
    return known


async def connect(
    machines: Machines, host: str = "a.test", *rules: str, seconds: float | None = 30
) -> Stream:
    return await Connector(Names.parse(rules), machines.open_one).connect(host, 80, seconds)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "a.localhost", "localhost."])
async def test_localhost_is_both_loopback_addresses(
    host: str, known: dict[str, list[str]], autojump_clock: trio.testing.MockClock
) -> None:
    """Whatever the resolver says: that it has another address, or none."""
    known["localhost"] = ["192.0.2.66"]
    for answers in ("::1", "127.0.0.1"):
        machines = Machines({"::1": (0, REFUSED), "127.0.0.1": (0, REFUSED), answers: (0, None)})
        assert (await connect(machines, host)).address == answers


async def test_a_rule_goes_before(
    known: dict[str, list[str]], autojump_clock: trio.testing.MockClock
) -> None:
    known["a.test"] = [SIX, FOUR]
    for host, rule, address in [
        ("localhost", "localhost:192.0.2.5", "192.0.2.5"),
        ("A.test", "a.test:80:[2001:db8::5]", "2001:db8::5"),
    ]:
        machines = Machines({address: (0, None)})
        assert (await connect(machines, host, rule)).address == address
        assert [address for _, address in machines.tried] == [address]


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "::1", "127.0.0.1"])
async def test_an_address_is_not_asked_for(
    address: str, known: dict[str, list[str]], autojump_clock: trio.testing.MockClock
) -> None:
    machines = Machines({address: (0, None)})
    assert (await connect(machines, address)).address == address


async def test_the_next_address_at_once_when_one_fails(
    known: dict[str, list[str]], autojump_clock: trio.testing.MockClock
) -> None:
    known["a.test"] = [SIX, FOUR]
    machines = Machines({SIX: (0.01, NO_ROUTE), FOUR: (0.01, None)})
    assert (await connect(machines)).address == FOUR
    assert machines.tried == [(0.0, SIX), (0.01, FOUR)]


async def test_a_black_hole_costs_a_quarter_of_a_second(
    known: dict[str, list[str]], autojump_clock: trio.testing.MockClock
) -> None:
    known["a.test"] = [SIX, "2001:db8::2", FOUR, OTHER]
    machines = Machines({OTHER: (0.01, None)})
    assert (await connect(machines)).address == OTHER
    assert machines.tried == [(0.0, SIX), (DELAY, FOUR), (2 * DELAY, "2001:db8::2"), (3 * DELAY, OTHER)]
    assert sorted(machines.left) == sorted([SIX, FOUR, "2001:db8::2"]), "nothing goes on behind our back"


async def test_a_slow_one_may_still_win(
    known: dict[str, list[str]], autojump_clock: trio.testing.MockClock
) -> None:
    known["a.test"] = [SIX, FOUR]
    machines = Machines({SIX: (0.3, None), FOUR: (9, None)})
    assert (await connect(machines)).address == SIX
    assert machines.left == [FOUR]


async def test_of_two_in_the_same_instant_one_is_closed(
    known: dict[str, list[str]], autojump_clock: trio.testing.MockClock
) -> None:
    known["a.test"] = [SIX, FOUR]
    machines = Machines({SIX: (DELAY + 1, None), FOUR: (1, None)})
    won = await connect(machines)
    assert not won.closed
    assert [each.closed for each in machines.streams if each is not won] in ([], [True])


async def test_what_each_address_said_is_told(
    known: dict[str, list[str]], autojump_clock: trio.testing.MockClock
) -> None:
    known["a.test"] = [SIX, FOUR]
    machines = Machines({SIX: (0, NO_ROUTE), FOUR: (0, REFUSED)})
    with pytest.raises(httpcore.ConnectError, match=f"no connection to {SIX}, {FOUR}") as caught:
        await connect(machines)
    assert isinstance(caught.value.__cause__, ExceptionGroup)
    assert caught.value.__cause__.exceptions == (NO_ROUTE, REFUSED)


async def test_a_single_address_that_refuses(
    known: dict[str, list[str]], autojump_clock: trio.testing.MockClock
) -> None:
    known["a.test"] = [FOUR]
    with pytest.raises(httpcore.ConnectError) as caught:
        await connect(Machines({FOUR: (0, REFUSED)}))
    assert caught.value.__cause__ is REFUSED


async def test_the_time_is_that_of_all_addresses(
    known: dict[str, list[str]], autojump_clock: trio.testing.MockClock
) -> None:
    known["a.test"] = [SIX, FOUR]
    machines = Machines({SIX: (5, REFUSED)})
    with pytest.raises(httpcore.ConnectTimeout, match=f"no answer from {SIX}, {FOUR}"):
        await connect(machines, seconds=30)
    assert trio.current_time() == 30
    assert machines.left == [FOUR]


async def test_a_name_that_does_not_resolve(
    known: dict[str, list[str]], autojump_clock: trio.testing.MockClock
) -> None:
    with pytest.raises(httpcore.ConnectError) as caught:
        await connect(Machines({}), "nowhere.test")
    assert isinstance(caught.value.__cause__, socket.gaierror)


async def test_a_links_own_address_keeps_its_link(
    known: dict[str, list[str]], autojump_clock: trio.testing.MockClock
) -> None:
    known["a.test"] = ["fe80::1%2", FOUR]
    assert (await connect(Machines({"fe80::1%2": (0, None)}))).address == "fe80::1%2"


async def test_who_is_cancelled_leaves_nothing_open(
    known: dict[str, list[str]], autojump_clock: trio.testing.MockClock
) -> None:
    known["a.test"] = [SIX, FOUR]
    for seconds in (0.1, 0.3, 0.5, 0.6):
        machines = Machines({FOUR: (0.25, None)})
        with trio.move_on_after(seconds):
            await connect(machines)
            machines.streams.clear()
        assert [each for each in machines.streams if not each.closed] == []


async def test_what_answered_at_last_is_tried_first(
    known: dict[str, list[str]], autojump_clock: trio.testing.MockClock
) -> None:
    known["a.test"] = [SIX, FOUR]
    machines = Machines({FOUR: (0, None)})
    connector = Connector(Names(), machines.open_one)
    await connector.connect("a.test", 80, None)
    before = len(machines.tried)
    for port in (80, 81):
        assert (await connector.connect("a.test", port, None)).address == FOUR
    assert [address for _, address in machines.tried[before:]] == [FOUR, SIX, FOUR], "per host and port"
    machines.answers = {SIX: (0, None), FOUR: (0, REFUSED)}
    assert (await connector.connect("a.test", 80, None)).address == SIX, "it is not relied upon"
    known["a.test"] = [OTHER]
    machines.answers[OTHER] = (0, None)
    assert (await connector.connect("a.test", 80, None)).address == OTHER, "the resolver says what there is"


async def test_not_everything_is_remembered(
    known: dict[str, list[str]], autojump_clock: trio.testing.MockClock
) -> None:
    connector = Connector(Names(), Machines({SIX: (0, REFUSED), FOUR: (0, None)}).open_one)
    for number in range(REMEMBERED + 20):
        known[f"{number}.test"] = [SIX, FOUR]
        await connector.connect(f"{number}.test", 80, None)
    assert len(connector._answered) == REMEMBERED


# Real sockets


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="there is no IPv6 here")


@contextmanager
def listening(address: str, port: int = 0) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(8)
        yield listener


async def serve(listener: socket.socket) -> None:
    """Answer each request with the address that it came to."""

    async def answer(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some()
            body = stream.socket.getsockname()[0].encode()
            await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    ours = trio.SocketListener(trio.socket.from_stdlib_socket(listener.dup()))
    listener.setblocking(False)
    await trio.serve_listeners(answer, [ours])


async def get(url: str) -> bytes:
    request = WireRequest("GET", url, HeaderList())
    async with (
        SocketNetwork() as network,
        network.exchange(request) as response,
    ):
        return b"".join([piece async for piece in response.body])


@pytest.mark.parametrize("address", ["127.0.0.1", pytest.param("::1", marks=needs_ipv6)])
@pytest.mark.parametrize("host", ["localhost", "app.localhost"])
async def test_real_servers_at_one_of_the_two(host: str, address: str) -> None:
    with listening(address) as listener:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve, listener)
            assert await get(f"http://{host}:{listener.getsockname()[1]}/") == address.encode()
            nursery.cancel_scope.cancel()


@needs_ipv6
async def test_a_real_black_hole_is_passed_over() -> None:
    """One that listens and takes no more connections: what is sent to it is dropped."""
    with listening("127.0.0.1") as listener:
        port = listener.getsockname()[1]
        with socket.socket(socket.AF_INET6) as hole:
            hole.bind(("::1", port))
            hole.listen(0)
            waiting = [socket.socket(socket.AF_INET6) for _ in range(4)]
            for each in waiting:
                each.setblocking(False)
                each.connect_ex(("::1", port))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(serve, listener)
                assert await get(f"http://localhost:{port}/") == b"127.0.0.1"
                nursery.cancel_scope.cancel()
            for each in waiting:
                each.close()


@needs_ipv6
async def test_nobody_at_either() -> None:
    with socket.socket() as four, socket.socket(socket.AF_INET6) as six:
        # Taken, so that nobody else gets the port; and nobody listens.
        four.bind(("127.0.0.1", 0))
        port = four.getsockname()[1]
        six.bind(("::1", port))
        with pytest.raises(NetworkFailure, match=f"localhost:{port} refused the connection") as caught:
            await get(f"http://localhost:{port}/")
    assert caught.value.cause == "connect"


@pytest.mark.parametrize("host", ["a" * 64 + ".test", "a..b.test"])
async def test_a_name_that_no_resolver_can_have(host: str) -> None:
    with pytest.raises(NetworkFailure, match="does not resolve") as caught:
        await get(f"http://{host}/")
    assert caught.value.cause == "dns"
