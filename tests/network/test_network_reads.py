"""How often a connection is read for a body: seldom where its bytes come faster than anybody takes them."""

from __future__ import annotations

from typing import cast

import pytest

from swruntime.concepts.http import HeaderList
from swruntime.network.byte_stream import LARGEST_READ, ByteStream
from swruntime.network.http1 import Http1Connection
from swruntime.network.opening import Opened
from swruntime.network.upload import Timeouts, Upload, Waiting
from swruntime.ports.network import LARGEST_PIECE, WireRequest

MIB = 1 << 20
REQUEST = WireRequest("GET", "http://localhost/big", HeaderList())


class Stream:
    """Gives what is asked for, but no more than `burst` bytes at once."""

    def __init__(self, answer: bytes, burst: int) -> None:
        self.answer = memoryview(answer)
        self.burst = burst
        self.asked: list[int] = []

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        self.asked.append(max_bytes)
        size = min(max_bytes, self.burst)
        piece, self.answer = bytes(self.answer[:size]), self.answer[size:]
        return piece

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Taken."""


async def read(stream: Stream) -> list[bytes]:
    timeouts = Timeouts()
    connection = Http1Connection(Opened(cast(ByteStream, stream)), timeouts)
    upload = Upload(REQUEST, Waiting(REQUEST.url, True, timeouts))
    await connection.ask(REQUEST, "localhost", upload)
    pieces = []
    while (piece := await connection.read()) is not None:
        pieces.append(piece)
    return pieces


def answer(size: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size)


def chunked(size: int, chunk: int) -> bytes:
    each = b"%x\r\n%b\r\n" % (chunk, bytes(chunk))
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + size // chunk * each + b"0\r\n\r\n"


@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_a_big_body_that_is_there_takes_a_read_for_each_mebibyte(framing: str) -> None:
    stream = Stream(answer(64 * MIB) if framing == "length" else chunked(64 * MIB, 32768), 10 * MIB)
    pieces = await read(stream)
    assert sum(map(len, pieces)) == 64 * MIB
    assert len(stream.asked) <= 64 + 5  # the head, and those while the reads grow
    assert max(map(len, pieces)) <= LARGEST_PIECE


async def test_a_body_that_comes_slowly_takes_no_memory_for_more() -> None:
    stream = Stream(answer(MIB), 1460)
    await read(stream)
    assert set(stream.asked) == {LARGEST_READ}


async def test_a_small_body_is_read_as_a_small_one() -> None:
    stream = Stream(answer(LARGEST_READ), MIB)
    assert sum(map(len, await read(stream))) == LARGEST_READ
    assert stream.asked == [LARGEST_READ, LARGEST_READ]


async def test_each_answer_of_a_connection_begins_anew() -> None:
    stream = Stream(answer(8 * MIB) + answer(1), 8 * MIB)
    timeouts = Timeouts()
    connection = Http1Connection(Opened(cast(ByteStream, stream)), timeouts)
    for _ in range(2):
        stream.answer, stream.asked = memoryview(answer(8 * MIB)), []
        await connection.ask(REQUEST, "localhost", Upload(REQUEST, Waiting(REQUEST.url, True, timeouts)))
        while await connection.read() is not None:
            pass
        assert stream.asked[:2] == [LARGEST_READ, LARGEST_READ]
        assert stream.asked[-1] == LARGEST_PIECE
