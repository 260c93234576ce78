"""TLS, a record at a time: what has come is taken together, what is left is seen, nothing is waited for."""

from __future__ import annotations

import ssl
from typing import cast

import httpcore
import pytest
import trio
import trio.testing
import trustme
from hypothesis import given, strategies as st

from swruntime.network.byte_stream import ByteStream
from swruntime.network.tls_records import TlsRecords

RECORD = 16384
"""Bytes of the content of a record, at most."""


@pytest.fixture(scope="module")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A client's, and a server's."""
    authority = trustme.CA()
    client, server = ssl.create_default_context(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.configure_trust(client)
    authority.issue_cert("localhost").configure_cert(server)
    return client, server


class Connection:
    """The client's end is a ByteStream; what the server sends lies there before the client reads."""

    def __init__(self, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
        here, self.wire = trio.testing.memory_stream_pair()
        self.records = TlsRecords(cast(trio.SocketStream, here))
        client = trio.SSLStream(self.records, contexts[0], server_hostname="localhost", https_compatible=True)
        self.server = trio.SSLStream(self.wire, contexts[1], server_side=True)
        self.client = ByteStream(client)
        self._handshake = client.do_handshake
        self.receives = 0
        receive = here.receive_some

        async def counted(most: int | None = None) -> bytes | bytearray:
            self.receives += 1
            return await receive(most)

        here.receive_some = counted  # type: ignore[method-assign, assignment]

    async def open(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._handshake)
            nursery.start_soon(self.server.do_handshake)


@pytest.fixture(params=["TLSv1.2", "TLSv1.3"])
async def connection(
    request: pytest.FixtureRequest, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> Connection:
    version = ssl.TLSVersion.TLSv1_2 if request.param == "TLSv1.2" else ssl.TLSVersion.TLSv1_3
    contexts[1].minimum_version = contexts[1].maximum_version = version
    connection = Connection(contexts)
    await connection.open()
    return connection


async def test_records_that_have_come_are_read_together(connection: Connection) -> None:
    data = bytes(range(256)) * 4096
    await connection.server.send_all(data)
    connection.receives = 0
    pieces: list[bytes] = []
    while sum(map(len, pieces)) < len(data):
        pieces.append(await connection.client.read(len(data), 1.0))
    assert b"".join(pieces) == data
    assert len(pieces) <= 6  # of 64 records
    assert connection.receives <= 2 * len(pieces)


@pytest.mark.parametrize("most", [1, 100, RECORD - 1, RECORD, RECORD + 1, 3 * RECORD])
async def test_no_more_is_read_than_was_asked_for(connection: Connection, most: int) -> None:
    data = bytes(range(200)) * 300
    await connection.server.send_all(data)
    read = await connection.client.read(most, 1.0)
    assert 0 < len(read) <= most
    assert connection.client.has_more()
    while len(read) < len(data):
        piece = await connection.client.read(most, 1.0)
        assert 0 < len(piece) <= most
        read += piece
    assert read == data


async def test_what_has_come_is_given_without_waiting_for_the_rest(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext], autojump_clock: object
) -> None:
    """A record of which only a part has come: whoever reads gets those before it."""
    connection = Connection(contexts)
    await connection.open()
    sent: list[bytes] = []
    send_all = connection.wire.send_all

    async def held(data: bytes) -> None:
        sent.append(bytes(data))

    connection.wire.send_all = held  # type: ignore[method-assign, assignment]
    for text in (b"first, ", b"second", b", third"):
        await connection.server.send_all(text)
    data = b"".join(sent)
    await send_all(data[:-3])
    with trio.fail_after(1):
        assert await connection.client.read(1000) == b"first, second"
    await send_all(data[-3:])
    assert await connection.client.read(1000, 1.0) == b", third"


async def test_the_end_is_seen_although_it_came_with_the_last_bytes(connection: Connection) -> None:
    await connection.server.send_all(b"all of it")
    await connection.server.aclose()
    assert await connection.client.read(1000, 1.0) == b"all of it"
    assert connection.client.has_more()  # it is not for another request
    assert await connection.client.read(1000, 1.0) == b""
    assert await connection.client.ended_with_notice()


async def test_a_cut_is_no_notice(connection: Connection) -> None:
    await connection.server.send_all(b"a part of it")
    await connection.wire.aclose()
    assert await connection.client.read(1000, 1.0) == b"a part of it"
    assert await connection.client.read(1000, 1.0) == b""
    assert not await connection.client.ended_with_notice()


async def test_a_record_that_is_damaged_takes_nothing_of_those_before_it(connection: Connection) -> None:
    await connection.server.send_all(b"whole")
    await connection.wire.send_all(b"\x17\x03\x03\x00\x20" + bytes(32))
    assert await connection.client.read(1000, 1.0) == b"whole"
    assert connection.client.has_more()
    for _ in range(2):
        with pytest.raises(httpcore.ReadError):
            await connection.client.read(1000, 1.0)


# Records in any division


class Pieces:
    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    async def receive_some(self, most: int) -> bytes:
        await trio.lowlevel.checkpoint()
        return self.pieces.pop(0) if self.pieces else b""


contents = st.lists(st.binary(max_size=40), min_size=1, max_size=8)


@given(contents=contents, cuts=st.lists(st.integers(1, 60), max_size=40), most=st.none() | st.integers(1, 60))
def test_a_record_at_a_time_in_any_division(contents: list[bytes], cuts: list[int], most: int | None) -> None:
    records = [b"\x17\x03\x03" + len(content).to_bytes(2, "big") + content for content in contents]
    data, pieces = b"".join(records), []
    for cut in cuts:
        pieces.append(data[:cut])
        data = data[cut:]
    pieces = [piece for piece in (*pieces, data) if piece]

    async def main() -> None:
        stream = TlsRecords(cast(trio.SocketStream, Pieces(pieces)))
        for record in records:
            taken = b""
            while len(taken) < len(record):
                if stream.has_record:
                    stream.waits = False
                    assert not taken
                else:
                    stream.waits = False
                    with pytest.raises(trio.WouldBlock):
                        await stream.receive_some(most)
                    stream.waits = True
                piece = await stream.receive_some(most)
                assert piece
                assert most is None or len(piece) <= most
                taken += piece
            assert taken == record
        stream.waits = True
        assert await stream.receive_some(most) == b""
        assert not stream.has_more

    trio.run(main)
