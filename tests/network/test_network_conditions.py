"""Offline, latency and throughput, on a virtual clock."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import get_args

import pytest
import trio
import trio.testing

from swruntime.concepts.enums import ConditionsName
from swruntime.concepts.http import HeaderList
from swruntime.errors import NetworkFailure
from swruntime.network.conditions import OFFLINE, ONLINE, PRESETS, ConditionedNetwork, Conditions
from swruntime.ports.network import LARGEST_PIECE, WireRequest, WireResponse

GET = WireRequest("GET", "http://localhost:8400/", HeaderList())


@asynccontextmanager
async def closing(pieces: AsyncIterator[bytes]) -> AsyncIterator[AsyncIterator[bytes]]:
    """As the real networks do with a body: an async generator is closed by whoever opened it."""
    try:
        yield pieces
    finally:
        await pieces.aclose()  # type: ignore[attr-defined]


class Answering:
    """A network that answers with `size` bytes at once, or never; and reads what is sent to it."""

    def __init__(self, size: int = 0, *, answers: bool = True, ends: bool = True) -> None:
        self.size = size
        self.answers = answers
        self.ends = ends
        self.running = 0
        self.uploaded = 0

    @asynccontextmanager
    async def exchange(self, request: WireRequest) -> AsyncIterator[WireResponse]:
        self.running += 1
        try:
            if request.body is not None:
                async with closing(request.body()) as pieces:
                    async for piece in pieces:
                        self.uploaded += len(piece)
            if not self.answers:
                await trio.sleep_forever()
            # A scope that stays open over the yield: whoever wraps this must not break its nesting.
            with trio.CancelScope():
                async with closing(self._body()) as body:
                    yield WireResponse(200, "OK", HeaderList(), body)
        finally:
            self.running -= 1

    async def _body(self) -> AsyncIterator[bytes]:
        for start in range(0, self.size, 65536):
            yield bytes(min(65536, self.size - start))
        if not self.ends:
            await trio.sleep_forever()


async def read(network: ConditionedNetwork, request: WireRequest = GET) -> int:
    async with network.exchange(request) as response:
        return sum([len(piece) async for piece in response.body])


async def cause_of(network: ConditionedNetwork) -> str | None:
    try:
        await read(network)
    except NetworkFailure as failure:
        return failure.cause
    return None


async def test_without_conditions_it_takes_no_time(autojump_clock: trio.testing.MockClock) -> None:
    begin = trio.current_time()
    assert await read(ConditionedNetwork(Answering(1_000_000))) == 1_000_000
    assert trio.current_time() == begin


async def test_no_exchange_starts_offline() -> None:
    inner = Answering()
    network = ConditionedNetwork(inner, OFFLINE)
    assert not network.online
    with pytest.raises(NetworkFailure) as caught:
        await read(network)
    assert caught.value.cause == "offline"
    network.go_online()
    assert await read(network) == 0


@pytest.mark.parametrize("when", ["headers", "latency", "body", "throughput", "upload"])
async def test_going_offline_breaks_what_waits(when: str, autojump_clock: trio.testing.MockClock) -> None:
    slow = Conditions("slow", latency=100 if when == "latency" else 0)
    if when in ("throughput", "upload"):
        slow = Conditions("slow", download=1, upload=1)
    inner = Answering(1000, answers=when != "headers", ends=False)
    network = ConditionedNetwork(inner, slow)

    async def body() -> AsyncIterator[bytes]:
        yield bytes(1000)

    request = WireRequest("POST", GET.url, HeaderList(), body) if when == "upload" else GET
    failures: list[NetworkFailure] = []

    async def client() -> None:
        with pytest.raises(NetworkFailure) as caught:
            await read(network, request)
        failures.append(caught.value)
        assert trio.current_time() == begin + 10

    async with trio.open_nursery() as nursery:
        begin = trio.current_time()
        nursery.start_soon(client)
        await trio.sleep(10)
        assert inner.running == 1
        network.go_offline()
        assert network.conditions is OFFLINE
    assert [failure.cause for failure in failures] == ["offline"]
    assert inner.running == 0


async def test_who_is_not_waiting_finds_out_when_reading_on() -> None:
    network = ConditionedNetwork(Answering(200_000))
    async with network.exchange(GET) as response:
        await anext(response.body)
        network.go_offline()
        await trio.lowlevel.checkpoint()  # what the caller does meanwhile is not broken off
        network.go_online()
        for _ in range(2):
            with pytest.raises(NetworkFailure, match="switched off"):
                await anext(response.body)


async def test_who_has_read_all_is_not_bothered() -> None:
    network = ConditionedNetwork(Answering(10))
    async with network.exchange(GET) as response:
        assert [len(piece) async for piece in response.body] == [10]
        network.go_offline()


async def test_going_offline_at_the_instant_of_the_headers() -> None:
    network = ConditionedNetwork(Answering(10))
    ended: list[str | None] = []

    async def switch(ticks: int) -> None:
        for _ in range(ticks):
            await trio.lowlevel.checkpoint()
        network.go_offline()

    for ticks in range(8):
        network.go_online()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(switch, ticks)
            ended.append(await cause_of(network))
    # Which it is depends on the instant; what it must not be is a cancellation, or a hang.
    assert set(ended) <= {"offline", None}


async def test_a_caller_never_sees_our_cancellation(autojump_clock: trio.testing.MockClock) -> None:
    network = ConditionedNetwork(Answering(10), Conditions("far", latency=1))
    seen: list[str] = []

    async def switch() -> None:
        await trio.sleep(1)
        network.go_offline()

    async def client() -> None:
        try:
            async with network.exchange(GET):
                try:
                    await trio.lowlevel.checkpoint()
                except trio.Cancelled:
                    seen.append("cancelled")
                    raise
        except NetworkFailure as failure:
            seen.append(failure.cause)

    for _ in range(40):  # who of the two wakes first at that instant is up to Trio's dice
        network.go_online()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(switch)
            nursery.start_soon(client)
    assert "offline" in seen
    assert "cancelled" not in seen


async def test_going_online_restores_the_conditions() -> None:
    network = ConditionedNetwork(Answering(), PRESETS["slow-3g"])
    changes: list[str] = []
    stop = network.on_change(lambda: changes.append(network.conditions.name))
    network.go_online()
    network.go_offline()
    network.go_offline()
    network.go_online()
    network.set(ONLINE)
    stop()
    network.go_offline()
    assert changes == ["offline", "slow-3g", "online"]


async def test_latency_is_from_the_request_to_the_headers(autojump_clock: trio.testing.MockClock) -> None:
    network = ConditionedNetwork(Answering(10), Conditions("far", latency=2.0))
    begin = trio.current_time()
    async with network.exchange(GET) as response:
        assert trio.current_time() == begin + 2.0
        await anext(response.body)
        assert trio.current_time() == begin + 2.0


@pytest.mark.parametrize("rate", [100, 50_000, 1_012_500, 10_000_000])
async def test_throughput_is_what_was_asked_for(rate: int, autojump_clock: trio.testing.MockClock) -> None:
    network = ConditionedNetwork(Answering(rate * 10), Conditions("slow", download=rate))
    begin = trio.current_time()
    assert await read(network) == rate * 10
    assert trio.current_time() - begin == pytest.approx(10)


async def test_throughput_is_shared_fairly(autojump_clock: trio.testing.MockClock) -> None:
    network = ConditionedNetwork(Answering(100_000), Conditions("slow", download=10_000))
    ended: list[float] = []

    async def client(delay: float) -> None:
        await trio.sleep(delay)
        await read(network)
        ended.append(trio.current_time() - begin)

    begin = trio.current_time()
    async with trio.open_nursery() as nursery:
        for delay in (0, 0, 10):
            nursery.start_soon(client, delay)
    # 10 s for two, who get half of theirs; then a third of the link for each until the two are through.
    assert ended == [pytest.approx(25, abs=0.2), pytest.approx(25, abs=0.2), pytest.approx(30, abs=0.2)]


async def test_the_clock_gives_the_same_times_every_run() -> None:
    def once() -> list[tuple[int, float]]:
        times: list[tuple[int, float]] = []

        async def main() -> None:
            network = ConditionedNetwork(Answering(3_000), Conditions("slow", download=1_000))

            async def client(number: int) -> None:
                async with network.exchange(GET) as response:
                    await trio.sleep(1)
                    async for _ in response.body:
                        times.append((number, trio.current_time()))

            async with trio.open_nursery() as nursery:
                for number in range(5):
                    nursery.start_soon(client, number)
                    await trio.testing.wait_all_tasks_blocked()  # the order of the exchanges is the agent's

        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
        return times

    runs = await trio.to_thread.run_sync(lambda: [once() for _ in range(5)])
    assert all(run == runs[0] for run in runs)
    # Each in turn: no one gets two pieces while another waits.
    assert [number for number, _ in runs[0][:10]] == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]


async def test_uploads_are_slow_too(autojump_clock: trio.testing.MockClock) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield bytes(1000)

    inner = Answering()
    network = ConditionedNetwork(inner, Conditions("slow", upload=100))
    begin = trio.current_time()
    await read(network, WireRequest("POST", GET.url, HeaderList(), body, 1000))
    assert inner.uploaded == 1000
    assert trio.current_time() - begin == pytest.approx(10)


async def test_new_conditions_hold_for_what_is_running(autojump_clock: trio.testing.MockClock) -> None:
    network = ConditionedNetwork(Answering(1_000_000), Conditions("slow", download=1000))

    async def switch() -> None:
        await trio.sleep(100)
        network.set(ONLINE)

    begin = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(switch)
        await read(network)
    assert trio.current_time() - begin == pytest.approx(100, abs=0.1)


async def test_who_gives_up_waiting_gives_up_the_turn(autojump_clock: trio.testing.MockClock) -> None:
    network = ConditionedNetwork(Answering(1000), Conditions("slow", download=100))
    begin = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(read, network)
        for patience in (1.01, 2.02, 3.03):
            with trio.move_on_after(patience) as scope:
                await read(network)
            assert scope.cancelled_caught
    assert await read(network) == 1000
    assert trio.current_time() - begin < 25


async def test_a_callers_own_exception_passes() -> None:
    network = ConditionedNetwork(Answering(10))
    with pytest.raises(KeyError, match="mine"):
        async with network.exchange(GET):
            raise KeyError("mine")


@pytest.mark.parametrize(
    "wrong",
    [{"latency": -1}, {"latency": math.inf}, {"download": 0}, {"upload": -5}, {"download": math.nan}],
)
def test_conditions_that_make_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Conditions("wrong", **wrong)  # type: ignore[arg-type]


def test_the_presets_are_those_of_developer_tools() -> None:
    """Chromium's, in its kilobits with its factors: https://chromium.googlesource.com/devtools/devtools-frontend"""
    kilobit = 1000 / 8
    figures = {name: (c.latency, c.download, c.upload) for name, c in PRESETS.items() if not c.offline}
    assert figures == {
        "online": (0, math.inf, math.inf),
        "slow-3g": (0.4 * 5, 500 * kilobit * 0.8, 500 * kilobit * 0.8),
        "3g": (0.4 * 5, 500 * kilobit * 0.8, 500 * kilobit * 0.8),
        "fast-3g": (0.15 * 3.75, 1600 * kilobit * 0.9, 750 * kilobit * 0.9),
        "slow-4g": (0.15 * 3.75, 1600 * kilobit * 0.9, 750 * kilobit * 0.9),
        "fast-4g": (pytest.approx(0.06 * 2.75), 9000 * kilobit * 0.9, 1500 * kilobit * 0.9),
    }
    assert PRESETS["offline"].offline


@pytest.mark.parametrize("rate", [math.inf, 1_000_000])
async def test_packets(autojump_clock: object, rate: float) -> None:
    conditions = Conditions("packets", download=rate, packet=1460)
    network = ConditionedNetwork(Answering(10_000), conditions)
    async with network.exchange(GET) as response:
        sizes = [len(piece) async for piece in response.body]
    assert sizes == [1460] * 6 + [1240]


class AnsweringAtOnce(Answering):
    """All of it is there, in the largest pieces that there are."""

    async def _body(self) -> AsyncIterator[bytes]:
        while self.size:
            self.pieces.append(bytes(min(LARGEST_PIECE, self.size)))
            self.size -= len(self.pieces[-1])
            yield self.pieces[-1]

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.pieces: list[bytes] = []


async def test_a_piece_that_nothing_slows_down_is_not_cut_or_copied() -> None:
    inner = AnsweringAtOnce(3 * LARGEST_PIECE + 9)
    async with ConditionedNetwork(inner).exchange(GET) as response:
        pieces = [piece async for piece in response.body]
    assert len(pieces) == 4
    assert all(piece is given for piece, given in zip(pieces, inner.pieces, strict=True))


@pytest.mark.parametrize(("rate", "largest"), [(100_000_000, 65536), (100_000, 5000)])
async def test_a_link_that_is_limited_takes_no_larger_pieces(
    autojump_clock: object, rate: float, largest: int
) -> None:
    """However large those are that come, others get their turn as often."""
    begin = trio.current_time()
    network = ConditionedNetwork(AnsweringAtOnce(3_000_000), Conditions("limited", download=rate))
    async with network.exchange(GET) as response:
        sizes = [len(piece) async for piece in response.body]
    assert trio.current_time() - begin == pytest.approx(3_000_000 / rate)
    assert max(sizes) == largest
    assert sum(sizes) == 3_000_000
    assert len(sizes) <= 3_000_000 / largest + 3


@pytest.mark.parametrize("packet", [0, -1, 1_048_577])
def test_packets_that_make_no_sense(packet: int) -> None:
    with pytest.raises(ValueError, match="packet must be from 1 to 1048576 bytes"):
        Conditions("packets", packet=packet)


async def test_a_link_without_latency_sets_no_timer(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    slept = 0
    real = trio.sleep_until

    async def sleep_until(deadline: float) -> None:
        nonlocal slept
        slept += 1
        await real(deadline)

    monkeypatch.setattr(trio, "sleep_until", sleep_until)
    network = ConditionedNetwork(Answering(10))
    for latency, sleeps in ((0.0, 0), (0.5, 1)):
        network.set(Conditions("some", latency=latency))
        async with network.exchange(GET):
            assert slept == sleeps


def test_the_presets_have_their_names_among_the_enumerations() -> None:
    """The command line's grammar has them from there: the network is not imported for `--help`."""
    assert set(get_args(ConditionsName)) == set(PRESETS)
