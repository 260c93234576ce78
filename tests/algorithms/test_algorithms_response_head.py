"""A response's head: what browsers read is read, in any division into packets, and nothing else."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import example, given, strategies as st

from swruntime.algorithms.response_head import LARGEST_HEAD, HeadReader, NotHttp, ResponseHead
from swruntime.concepts.http import HeaderList


def read(*pieces: bytes, largest: int = LARGEST_HEAD) -> tuple[ResponseHead | None, bytes]:
    """The head and what came after it, with the pieces that were not looked at any more."""
    reader = HeadReader(largest)
    for index, piece in enumerate(pieces):
        head = reader.feed(piece)
        if head is not None:
            return head, reader.rest + b"".join(pieces[index + 1 :])
    return None, b""


def head_of(data: bytes) -> ResponseHead:
    head, rest = read(data)
    assert head is not None
    assert rest == b""
    return head


def outcome(*pieces: bytes, largest: int = LARGEST_HEAD) -> object:
    try:
        return read(*pieces, largest=largest)
    except NotHttp as error:
        return str(error)


def cut_up(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


def fields(text: bytes) -> tuple[tuple[str, str], ...]:
    return head_of(b"HTTP/1.1 200 OK\r\n" + text + b"\r\n").headers.items


def test_a_head_as_it_should_be() -> None:
    data = b"HTTP/1.1 299 Well Enough\r\nX-One: 1\r\nx-one:2\r\nSet-Cookie: a=b; c\r\nEmpty:\r\n\r\n"
    head, rest = read(data + b"body\r\n\r\n")
    assert head == ResponseHead(
        299,
        "Well Enough",
        (1, 1),
        HeaderList((("X-One", "1"), ("x-one", "2"), ("Set-Cookie", "a=b; c"), ("Empty", ""))),
    )
    assert rest == b"body\r\n\r\n"


def test_the_size_is_that_of_the_head() -> None:
    reader = HeadReader()
    reader.feed(b"\r\nHTTP/1.1 200 OK\r\n\r\nmore")
    assert reader.size == len(b"HTTP/1.1 200 OK\r\n\r\n")
    assert reader.rest == b"more"
    assert HeadReader().rest == b""
    assert HeadReader().size == 0


@pytest.mark.parametrize(
    ("line", "status", "reason", "version"),
    [
        (b"HTTP/1.1 200 OK", 200, "OK", (1, 1)),
        (b"HTTP/1.0 404 Not Found", 404, "Not Found", (1, 0)),
        (b"HTTP/1.1  200  OK ", 200, "OK", (1, 1)),
        (b"HTTP/1.1\t200\tOK\t", 200, "OK", (1, 1)),
        (b"HTTP/1.1 \v\f 200 OK", 200, "OK", (1, 1)),
        (b"HTTP/1.1\r200\rOK", 200, "OK", (1, 1)),
        (b"http/1.1 200 ok", 200, "ok", (1, 1)),
        (b"hTtP/1.1 206 Partial\tContent", 206, "Partial\tContent", (1, 1)),
        (b"HTTP/1.1 200", 200, "", (1, 1)),
        (b"HTTP/1.1 200 ", 200, "", (1, 1)),
        (b"HTTP/1.1 200OK", 200, "OK", (1, 1)),
        (b"HTTP/1.1 200 caf\xe9", 200, "caf\xe9", (1, 1)),
        (b"HTTP/1.1 999 Denied", 999, "Denied", (1, 1)),
        (b"HTTP/1.1 100 Continue", 100, "Continue", (1, 1)),
        (b"HTTP/2.0 200 OK", 200, "OK", (2, 0)),
        (b"HTTP/2 200", 200, "", (2, 0)),
        (b"HTTP/9.9 200", 200, "", (9, 9)),
        (b"HTTP 200 OK", 200, "OK", (1, 0)),
    ],
)
def test_status_lines_that_are_read(line: bytes, status: int, reason: str, version: tuple[int, int]) -> None:
    assert head_of(line + b"\r\n\r\n") == ResponseHead(status, reason, version, HeaderList())


@pytest.mark.parametrize(
    "line",
    [
        b"HTTP/1.1",
        b"HTTP/1.1 ",
        b"HTTP/1.1 OK",
        b"HTTP/1.1 20 OK",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1 099 OK",
        b"HTTP/1.1 -200 OK",
        b"HTTP/1.1 +200 OK",
        b"HTTP/1.1 \xb2\xb2\xb2 OK",
        b"HTTP/0.9 200 OK",
        b"HTTP/1.10 200 OK",
        b"HTTP/11.1 200 OK",
        b"HTTP/1. 200 OK",
        b"HTTP/ 1.1 200 OK",
        b"HTTP/1.1.1 200 OK",
        b"HTTP/1,1 200 OK",
        b"HTTP/-1.1 200 OK",
        b"HTTPS/1.1 200 OK",
        b"HTTP/1.1200 OK",
        b"HTTP200 OK",
        b"http://example.com/ 200",
    ],
)
def test_status_lines_that_are_none(line: bytes) -> None:
    with pytest.raises(NotHttp, match="its status line is") as caught:
        read(line + b"\r\nContent-Length: 1\r\n\r\nx")
    assert str(caught.value) == f"its status line is {line.rstrip().decode('latin-1')!r}" or line.endswith(
        b" "
    )


def test_a_long_status_line_is_shortened() -> None:
    with pytest.raises(NotHttp) as caught:
        read(b"HTTP/1.1 " + b"x" * 100 + b"\r\n\r\n")
    assert str(caught.value) == f"its status line is {'HTTP/1.1 ' + 'x' * 51!r}"


@pytest.mark.parametrize("before", [b"\r\n", b"\n", b"\r", b"\n\n", b"\r\n\r\n", b"\n\r\n\r"])
def test_line_ends_before_the_status_line(before: bytes) -> None:
    assert head_of(before + b"HTTP/1.1 200 OK\r\n\r\n").status == 200


@pytest.mark.parametrize(
    "data",
    [
        b"220 smtp.example ready\r\n",
        b"SSH-2.0-OpenSSH",
        b"\r\n\r\n\r",
        b"\n\n\n\n\n",
        b" HTTP/1.1 200 OK",
        b"\xef\xbb\xbfHTTP/1.1 200 OK",
        b"xHTTP/1.1 200 OK",
        b"HTP",
        b"Hx",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"<html>",
        b"\0",
    ],
)
def test_what_is_obviously_not_http_is_told_at_once(data: bytes) -> None:
    """Whoever speaks so waits for an answer, perhaps for ever."""
    with pytest.raises(NotHttp, match=r"^it does not begin with HTTP$"):
        read(data)


@pytest.mark.parametrize(
    "data", [b"", b"\r\n\r\n", b"H", b"ht", b"HTT", b"http", b"HTTP/1.1 200 OK\r\n", b"HTTPx"]
)
def test_what_may_become_one_is_waited_for(data: bytes) -> None:
    assert read(data) == (None, b"")


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n", b"\r\n\n", b"\n\r\n", b"\r\r\n\r\r\n", b"\n\r\r\n"])
def test_line_ends(end: bytes) -> None:
    head, rest = read(b"HTTP/1.1 200 OK\nA: 1\r\nB: 2" + end + b"\nrest")
    assert head is not None
    assert head.headers.items == (("A", "1"), ("B", "2"))
    assert rest == b"\nrest"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"nonsense\r\nA: 1\r\n", [("A", "1")]),
        (b": x\r\nA: 1\r\n", [("A", "1")]),
        (b" : x\r\nA: 1\r\n", [("A", "1")]),
        (b"A : 1\r\nB\t : 2\r\n", [("A", "1"), ("B", "2")]),
        (b"X(B): 1\r\nA: 1\r\n", [("A", "1")]),
        (b"caf\xc3\xa9: 1\r\nA: 1\r\n", [("A", "1")]),
        (b"a b: 1\r\nA: 1\r\n", [("A", "1")]),
        (b"a\rb: 1\r\nA: 1\r\n", [("A", "1")]),
        (b"!#$%&'*+-.^_`|~09azAZ: 1\r\n", [("!#$%&'*+-.^_`|~09azAZ", "1")]),
        (b"A:\t 1 \t\r\n", [("A", "1")]),
        (b"A: b:c: d\r\n", [("A", "b:c: d")]),
        (b"A:\v1\f\r\n", [("A", "\v1\f")]),
        (b"A: 1\r\n \v2\f \r\n", [("A", "1 \v2\f")]),
        (b"A: XX1XX\r\n XX2XX\r\n", [("A", "XX1XX XX2XX")]),
        (b"A\v: 1\r\nB: 1\r\n", [("B", "1")]),
        (b"A: caf\xe9 \xc3\xa9\r\n", [("A", "caf\xe9 \xc3\xa9")]),
        (b"A: 1\r2\r\n", [("A", "1 2")]),
        (b"A: \x01\x7f\r\n", [("A", "\x01\x7f")]),
        (b"A: 1\r\n 2\r\n\t 3 \r\nB: 4\r\n", [("A", "1 2 3"), ("B", "4")]),
        (b"A:\r\n 1\r\n", [("A", "1")]),
        (b"A: 1\r\n \r\nB: 2\r\n", [("A", "1"), ("B", "2")]),
        (b"nonsense\r\n A: 1\r\nB: 2\r\n", [("B", "2")]),
        (b"X(B): 1\r\n A: 1\r\nB: 2\r\n", [("B", "2")]),
        (b" A: 1\r\nB: 2\r\n", [("B", "2")]),
        (b"Content-Length: 1\r\n 0\r\n", [("Content-Length", "1 0")]),
    ],
)
def test_field_lines(text: bytes, expected: list[tuple[str, str]]) -> None:
    assert list(fields(text)) == expected


def test_a_nul_is_refused() -> None:
    for data in (
        b"HTTP/1.1 200 O\0K\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: \0\r\n\r\n",
        b"HTTP/1.1 200\r\n\0\r\n\r\n",
    ):
        with pytest.raises(NotHttp, match=r"^its head has a NUL$"):
            read(data)
    assert read(b"HTTP/1.1 200\r\n\r\n\0")[1] == b"\0"


def test_the_largest_head() -> None:
    data = b"HTTP/1.1 200 OK\r\nA: "
    room = LARGEST_HEAD - len(data) - 4
    assert head_of(data + b"x" * room + b"\r\n\r\n").headers.get("A") == "x" * room
    assert read(b"\r\n" + data + b"x" * room + b"\r\n\r\nbody")[1] == b"body"
    with pytest.raises(NotHttp, match=r"^its head has more than 262144 bytes$"):
        read(data + b"x" * (room + 1) + b"\r\n\r\n")
    assert read(data + b"x" * (room + 4)) == (None, b"")
    with pytest.raises(NotHttp, match="262144"):
        read(data, b"x" * (room + 5))


def test_many_lines_that_go_on_take_linear_time() -> None:
    head = head_of(b"HTTP/1.1 200 OK\r\nA: 1\r\n" + b" x\r\n" * 60_000 + b"\r\n")
    assert len(head.headers.get("A") or "") == 1 + 2 * 60_000


PIECE = st.sampled_from(
    [
        b"HTTP/1.1",
        b"http",
        b"/",
        b"1.1",
        b" ",
        b"\t",
        b"200",
        b" OK",
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b":",
        b"A: 1",
    ]
)
HEADS = st.lists(st.one_of(PIECE, st.binary(max_size=3)), max_size=20).map(b"".join)


@given(HEADS, st.lists(st.integers(0, 200), max_size=10))
@example(b"HTTP/1.1 200 OK\r\n\r\n", list(range(30)))
@example(b"\r\n\r\n\r", [1, 2, 3, 4])
def test_any_division_gives_the_same(data: bytes, cuts: list[int]) -> None:
    """Heads, what comes after them, and errors; and no other error is ever raised."""
    assert outcome(*cut_up(data, cuts)) == outcome(data)
    assert outcome(*cut_up(data, cuts), largest=20) == outcome(data, largest=20)
    start = b"HTTP/1.1 200 OK\r\n"
    assert outcome(*cut_up(start + data, cuts)) == outcome(start + data)


NAMES = st.text("!#$%&'*+-.^_`|~09azAZ", min_size=1, max_size=10)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=20).map(
    lambda v: v.strip(" \t")
)


@given(
    st.integers(100, 999),
    VALUES.filter(lambda reason: not reason[:1].isspace()),
    st.lists(st.tuples(NAMES, VALUES), max_size=8),
    st.binary(max_size=20),
)
def test_canonical_heads_are_unchanged(
    status: int, reason: str, headers: list[tuple[str, str]], rest: bytes
) -> None:
    reason = reason.strip()
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers)]
    data = "".join(line + "\r\n" for line in (*lines, "")).encode("latin-1")
    expected = ResponseHead(status, reason, (1, 1), HeaderList(tuple(headers)))
    assert read(data + rest) == (expected, rest)


def test_a_body_that_came_with_its_head_is_copied_once() -> None:
    body = b"x" * 1_000_000
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + body
    reader = HeadReader()
    tracemalloc.start()
    try:
        assert reader.feed(data) is not None
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert reader.rest == body
    assert most < 1_100_000


def test_a_head_in_single_bytes_is_not_copied_for_each() -> None:
    reader = HeadReader()
    reader.feed(b"HTTP/1.1 200 OK\r\nX: ")
    reader.feed(b"y" * 99_999)
    reader.feed(b"y")  # and with it makes room for more
    tracemalloc.start()
    try:
        for _ in range(100):
            reader.feed(b"z")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 50_000
    answer = reader.feed(b"\r\n\r\nrest")
    assert answer is not None
    assert answer.headers.get("x") == "y" * 100_000 + "z" * 100
    assert reader.rest == b"rest"
