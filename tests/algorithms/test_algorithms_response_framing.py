"""Where a response ends: strict, in any division into packets."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, strategies as st

from swruntime.algorithms.response_framing import (
    LARGEST_TRAILERS,
    LONGEST_LINE,
    ChunkReader,
    Framing,
    content_length,
    framing_of,
    is_bodiless,
    stays_open,
    transfer_codings,
)
from swruntime.algorithms.response_head import NotHttp, ResponseHead
from swruntime.concepts.http import HeaderList


def head(*headers: tuple[str, str], status: int = 200, version: tuple[int, int] = (1, 1)) -> ResponseHead:
    return ResponseHead(status, "", version, HeaderList(headers))


LENGTH = ("Content-Length", "10")
CHUNKED = ("Transfer-Encoding", "chunked")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], Framing("close")),
        ([LENGTH], Framing("length", 10)),
        ([("content-length", "0")], Framing("length", 0)),
        ([("Content-Length", "00010")], Framing("length", 10)),
        ([LENGTH, LENGTH], Framing("length", 10)),
        ([("Content-Length", "10, 10,\t10")], Framing("length", 10)),
        ([("Content-Length", "999999999999999999")], Framing("length", 999_999_999_999_999_999)),
        ([CHUNKED], Framing("chunks")),
        ([("transfer-encoding", " CHUNKED\t")], Framing("chunks")),
        ([("Transfer-Encoding", "identity")], Framing("close")),
        ([("Transfer-Encoding", "")], Framing("close")),
        ([("Transfer-Encoding", "Identity"), LENGTH], Framing("length", 10)),
        ([("Transfer-Encoding", "identity, chunked")], Framing("chunks")),
    ],
)
def test_what_frames_a_body(headers: list[tuple[str, str]], expected: Framing) -> None:
    assert framing_of("GET", head(*headers)) == expected


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ([("Content-Length", "-1")], "its Content-Length is '-1'"),
        ([("Content-Length", "+1000")], "its Content-Length is '+1000'"),
        ([("Content-Length", "1e3")], "its Content-Length is '1e3'"),
        ([("Content-Length", "0x10")], "its Content-Length is '0x10'"),
        ([("Content-Length", "10 ; x")], "its Content-Length is '10 ; x'"),
        ([("Content-Length", "")], "its Content-Length is ''"),
        ([("Content-Length", "\xb2")], "its Content-Length is '\xb2'"),
        ([("Content-Length", "\v10")], "its Content-Length is '\\x0b10'"),
        ([("Content-Length", "1000000000000000000")], "its Content-Length is '1000000000000000000'"),
        ([LENGTH, ("Content-Length", "11")], "its Content-Length is '10, 11'"),
        ([("Content-Length", "10, 11")], "its Content-Length is '10, 11'"),
        ([("Content-Length", "10,")], "its Content-Length is '10,'"),
        ([CHUNKED, LENGTH], "it has a Content-Length and a Transfer-Encoding"),
        ([CHUNKED, ("Content-Length", "x")], "its Content-Length is 'x'"),
        ([("Transfer-Encoding", "gzip, chunked")], "its Transfer-Encoding is 'gzip, chunked'"),
        ([("Transfer-Encoding", "gzip")], "its Transfer-Encoding is 'gzip'"),
        ([CHUNKED, CHUNKED], "its Transfer-Encoding is 'chunked, chunked'"),
        ([("Transfer-Encoding", "chunked, gzip")], "its Transfer-Encoding is 'chunked, gzip'"),
        ([("Transfer-Encoding", "xchunked")], "its Transfer-Encoding is 'xchunked'"),
        ([("Transfer-Encoding", "chunked;q=1")], "its Transfer-Encoding is 'chunked;q=1'"),
        ([("Transfer-Encoding", "\vchunked")], "its Transfer-Encoding is '\\x0bchunked'"),
    ],
)
def test_what_contradicts_itself(headers: list[tuple[str, str]], why: str) -> None:
    with pytest.raises(NotHttp) as caught:
        framing_of("GET", head(*headers))
    assert str(caught.value) == why


@pytest.mark.parametrize(
    ("method", "status", "none"),
    [
        ("HEAD", 200, True),
        ("GET", 204, True),
        ("GET", 304, True),
        ("GET", 199, True),
        ("GET", 100, True),
        ("GET", 200, False),
        ("head", 200, False),
        ("GET", 205, False),
        ("POST", 303, False),
    ],
)
def test_what_has_no_body(method: str, status: int, none: bool) -> None:
    assert is_bodiless(method, status) is none
    framed = framing_of(method, head(LENGTH, status=status))
    assert framed == (Framing("nothing") if none else Framing("length", 10))
    if none:  # whatever else the headers say
        assert framing_of(method, head(LENGTH, CHUNKED, status=status)) == Framing("nothing")


def test_lengths_and_codings_by_themselves() -> None:
    assert content_length(HeaderList()) is None
    assert content_length(HeaderList((("CONTENT-LENGTH", "5"),))) == 5
    assert transfer_codings(HeaderList()) == []
    assert transfer_codings(HeaderList((("Transfer-Encoding", "A ,identity,, b"),))) == ["a", "b"]


@pytest.mark.parametrize(
    ("version", "headers", "open"),
    [
        ((1, 1), [LENGTH], True),
        ((1, 1), [CHUNKED], True),
        ((2, 0), [LENGTH], True),
        ((1, 1), [LENGTH, ("Connection", "x, Close")], False),
        ((1, 1), [LENGTH, ("Connection", "close,x")], False),
        ((1, 1), [LENGTH, ("Connection", "\tclose\t")], False),
        ((1, 1), [LENGTH, ("Connection", "\vclose")], True),
        ((1, 1), [LENGTH, ("connection", "keep-alive")], True),
        ((1, 1), [LENGTH, ("connection", "keep-alive"), ("Connection", "close")], False),
        ((1, 0), [LENGTH], False),
        ((1, 0), [LENGTH, ("Connection", "Keep-Alive")], True),
        ((1, 0), [LENGTH, ("Connection", "keep-alive, close")], False),
        ((1, 0), [CHUNKED, ("Connection", "keep-alive")], False),
        ((1, 1), [], False),
        ((1, 1), [("Connection", "keep-alive")], False),
    ],
)
def test_whether_a_connection_stays_open(
    version: tuple[int, int], headers: list[tuple[str, str]], open: bool
) -> None:
    answer = head(*headers, version=version)
    assert stays_open(answer, framing_of("GET", answer)) is open


def test_a_head_without_a_body_leaves_the_connection_open() -> None:
    assert stays_open(head(), Framing("nothing"))


# Chunks


def cut_up(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


def unchunk(*pieces: bytes) -> tuple[bytes, bool, bytes]:
    """The body, whether it has ended, and what came after it."""
    reader = ChunkReader()
    got = b""
    for index, piece in enumerate(pieces):
        got += reader.feed(piece)
        if reader.ended:
            return got, True, reader.rest + b"".join(pieces[index + 1 :])
    assert reader.rest == b""
    return got, False, b""


def outcome(*pieces: bytes) -> object:
    try:
        return unchunk(*pieces)
    except NotHttp as error:
        return str(error)


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b"0\r\n\r\n", b""),
        (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (b"5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", b"hello!"),
        (b"A\r\n0123456789\r\n000\r\n\r\n", b"0123456789"),
        (b"a\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
        (b"10\r\n0123456789abcdef\r\n0\r\n\r\n", b"0123456789abcdef"),
        (b"5 \t \r\nhello\r\n0  \r\n\r\n", b"hello"),
        (b"5;a=b\r\nhello\r\n0;x\r\n\r\n", b"hello"),
        (b'5 ;a="\xe9;"\r\nhello\r\n0\r\n\r\n', b"hello"),
        (b"5\nhello\n0\n\n", b"hello"),
        (b"2\r\n\r\n\r\n0\r\n\r\n", b"\r\n"),
        (b"5\r\nhello\r\n0\r\nTrailer: x\r\nnonsense\r\n\r\n", b"hello"),
        (b"000000000000005\r\nhello\r\n0\r\n\r\n", b"hello"),
    ],
)
def test_chunks(data: bytes, body: bytes) -> None:
    assert unchunk(data) == (body, True, b"")
    assert unchunk(data + b"\r\nrest") == (body, True, b"\r\nrest")
    for cut in range(len(data)):  # a cut anywhere is no end
        assert unchunk(data[:cut])[1] is False


SIZE = "a chunk's size is "
LONGER = "a chunk is longer than its size"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"zz\r\nhello\r\n", SIZE + "'zz'"),
        (b"\r\n", SIZE + "''"),
        (b" 5\r\nhello", SIZE + "' 5'"),
        (b"-5\r\nhello", SIZE + "'-5'"),
        (b"+5\r\nhello", SIZE + "'+5'"),
        (b"0x5\r\nhello", SIZE + "'0x5'"),
        (b"5_0\r\nhello", SIZE + "'5_0'"),
        (b"5 5\r\nhello", SIZE + "'5 5'"),
        (b"5\r;\r\nhello", SIZE + r"'5\r;'"),
        (b"5;\r;\r\nhello", SIZE + r"'5;\r;'"),
        (b"5\r\r\nhello", SIZE + r"'5\r'"),
        (b"\xb2\r\nhello", SIZE + "'\xb2'"),
        (b"0000000000000005\r\nhello", SIZE + "'0000000000000005'"),
        (b"x" * 100 + b"\r\n", SIZE + repr("x" * 60)),
        (b"5\r\nhello!", None),
        (b"5\r\nhello!!", LONGER),
        (b"5\r\nhello!\n", LONGER),
        (b"5\r\nhello0\r\n\r\n", LONGER),
        (b"5\r\nhello\r\r\n", LONGER),
    ],
)
def test_what_is_not_a_chunk(data: bytes, why: str | None) -> None:
    if why is None:
        assert unchunk(data)[1] is False
        return
    with pytest.raises(NotHttp) as caught:
        unchunk(data)
    assert str(caught.value) == why


def test_before_anything_came() -> None:
    reader = ChunkReader()
    assert reader.ended is False
    assert reader.rest == b""
    assert reader.feed(b"") == b""


def test_lines_have_a_limit() -> None:
    line = b"1;" + b"x" * (LONGEST_LINE - 2)
    assert unchunk(line + b"\n!\r\n0\r\n\r\n") == (b"!", True, b"")
    assert unchunk(line)[1] is False
    why = f"a line between its chunks, or after them, has more than {LONGEST_LINE} bytes"
    for data in (line + b"x", line + b"\r\n", b"0\r\n" + line + b"x"):
        assert outcome(data) == outcome(data[:100], data[100:]) == why


def test_trailers_have_a_limit() -> None:
    trailer = b"x" * (LONGEST_LINE - 2) + b"\r\n"
    most = b"0\r\n" + trailer * (LARGEST_TRAILERS // LONGEST_LINE)
    why = f"its trailers have more than {LARGEST_TRAILERS} bytes"
    assert outcome(most + b"x") == outcome(most, b"x") == why
    assert outcome(most + b"\n") == (b"", True, b"")


CHUNKED_BYTES = st.lists(
    st.one_of(
        st.sampled_from([b"0", b"5", b"a", b"\r\n", b"\n", b"\r", b";x", b" ", b"hello", b"T: x"]),
        st.binary(max_size=4),
    ),
    max_size=20,
).map(b"".join)


@given(CHUNKED_BYTES, st.lists(st.integers(0, 100), max_size=10))
@example(b"5\r\nhello\r\n0\r\n\r\n", list(range(20)))
def test_any_division_of_anything_gives_the_same(data: bytes, cuts: list[int]) -> None:
    assert outcome(*cut_up(data, cuts)) == outcome(data)
    data = b"5\r\nhello\r\n" + data
    assert outcome(*cut_up(data, cuts)) == outcome(data)


@given(
    st.lists(st.binary(min_size=1, max_size=50), max_size=8),
    st.sampled_from([b"\r\n", b"\n"]),
    st.sampled_from([b"", b"A: 1\r\nB: 2\r\n"]),
    st.binary(max_size=10),
    st.lists(st.integers(0, 1000), max_size=20),
)
def test_any_division_of_chunks_gives_the_whole(
    chunks: list[bytes], line_end: bytes, trailers: bytes, rest: bytes, cuts: list[int]
) -> None:
    data = b"".join(b"%x" % len(chunk) + line_end + chunk + line_end for chunk in chunks)
    data += b"0" + line_end + trailers + line_end
    assert unchunk(*cut_up(data + rest, cuts)) == (b"".join(chunks), True, rest)
    for cut in range(len(data)):
        got, ended, _ = unchunk(data[:cut])
        assert not ended
        assert b"".join(chunks).startswith(got)
