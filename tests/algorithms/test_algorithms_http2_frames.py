"""GOAWAY is taken out of what a server sends, in any division into packets, and all else passes."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import example, given, strategies as st

from swruntime.algorithms.http2_frames import LARGEST_FRAME, REFUSED_STREAM, FrameFilter

DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 7, 8


def frame(kind: int, stream: int, payload: bytes = b"", flags: int = 0) -> bytes:
    header = struct.pack(">I", len(payload))[1:] + bytes([kind, flags])
    return header + struct.pack(">I", stream) + payload


def goaway(last: int, code: int = 0, debug: bytes = b"") -> bytes:
    return frame(GOAWAY, 0, struct.pack(">II", last, code) + debug)


def reset(stream: int, code: int) -> bytes:
    return frame(RST_STREAM, stream, struct.pack(">I", code))


def cut_up(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


def passed(frames: FrameFilter, *pieces: bytes) -> bytes:
    return b"".join(frames.feed(piece) for piece in pieces)


def test_before_anything_came() -> None:
    frames = FrameFilter()
    assert frames.last_stream is None
    assert (frames.touched, frames.begun, frames.refused) == (0, 0, 0)
    assert frames.feed(b"") == b""
    assert frames.serves(1)


def test_goaway_is_taken_out() -> None:
    frames = FrameFilter()
    before, after = frame(HEADERS, 1, b"head", 4), frame(DATA, 1, b"body", 1)
    assert frames.feed(before + goaway(1, 2, b"bye") + after) == before + after
    assert frames.last_stream == 1
    assert frames.serves(1)
    assert not frames.serves(3)


def test_a_goaway_counts_once_all_of_it_has_come() -> None:
    frames = FrameFilter()
    notice = goaway(0, 0, b"xy")
    for index in range(len(notice) - 1):
        assert frames.feed(notice[index : index + 1]) == b""
        assert frames.serves(1)
    assert frames.feed(notice[-1:]) == b""
    assert not frames.serves(1)


@pytest.mark.parametrize(
    ("lasts", "expected"),
    [([2**31 - 1, 1], 1), ([1, 2**31 - 1], 1), ([5, 3, 3], 3), ([2**32 - 1], 2**31 - 1)],
)
def test_several_goaways(lasts: list[int], expected: int) -> None:
    """The first may say 2^31-1, "no more soon", and a later one which streams are served; none may say more."""
    frames = FrameFilter()
    assert passed(frames, *(goaway(last) for last in lasts)) == b""
    assert frames.last_stream == expected
    assert frames.serves(expected)
    assert not frames.serves(expected + 1)


@pytest.mark.parametrize(
    "other",
    [
        frame(GOAWAY, 1, bytes(8)),
        frame(GOAWAY, 0, bytes(7)),
        frame(GOAWAY, 0),
        frame(GOAWAY, 0, bytes(LARGEST_FRAME + 1)),
    ],
)
def test_what_is_not_a_goaway_passes(other: bytes) -> None:
    """And is an error for whoever reads it."""
    frames = FrameFilter()
    assert frames.feed(other) == other
    assert frames.last_stream is None


@pytest.mark.parametrize("debug", [b"", b"x", bytes(LARGEST_FRAME - 8)])
def test_debug_data_is_left_out(debug: bytes) -> None:
    frames = FrameFilter()
    settings = frame(SETTINGS, 0)
    assert frames.feed(goaway(3, 11, debug) + settings) == settings
    assert frames.last_stream == 3
    assert frames.touched == 0


def test_a_refused_stream() -> None:
    frames = FrameFilter()
    for data in (reset(1, 0), reset(1, 2), frame(RST_STREAM, 1, b"\0\7"), frame(HEADERS, 1, b"\0\0\0\7")):
        assert frames.feed(data) == data
        assert (frames.serves(1), frames.refused) == (True, 0)
    assert frames.feed(reset(5, REFUSED_STREAM)) == reset(5, REFUSED_STREAM)
    assert (frames.refused, frames.serves(5), frames.serves(7)) == (5, False, True)
    frames.feed(reset(3, REFUSED_STREAM))
    assert frames.refused == 5


def test_the_highest_stream_that_was_touched() -> None:
    frames = FrameFilter()
    for data, touched, begun in (
        (frame(SETTINGS, 0), 0, 0),
        (frame(WINDOW_UPDATE, 1), 1, 0),
        (frame(HEADERS, 3), 3, 3),
        (frame(DATA, 1), 3, 3),
        (frame(HEADERS, 2**31 + 5), 5, 5),
        (frame(DATA, 7), 7, 7),
        (reset(9, 1), 9, 7),
        (frame(WINDOW_UPDATE, 2**24 + 11), 2**24 + 11, 7),
    ):
        frames.feed(data)
        assert (frames.touched, frames.begun) == (touched, begun)


def test_a_header_alone_tells_the_stream() -> None:
    frames = FrameFilter()
    begun = frame(DATA, 9, b"body")
    assert frames.feed(begun[:8]) == b""
    assert frames.touched == 0
    assert frames.feed(begun[8:9]) == begun[:9]
    assert frames.touched == 9
    assert frames.feed(begun[9:]) == b"body"


FRAMES = st.one_of(
    st.builds(frame, st.integers(0, 9), st.integers(0, 5), st.binary(max_size=12), st.integers(0, 255)),
    st.builds(goaway, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.binary(max_size=5)),
    st.builds(reset, st.integers(0, 9), st.integers(0, 9)),
)


@given(st.lists(FRAMES, max_size=8), st.binary(max_size=20), st.lists(st.integers(0, 300), max_size=20))
@example([goaway(1), frame(DATA, 1, b"x")], b"", list(range(40)))
def test_any_division_gives_the_same(parts: list[bytes], tail: bytes, cuts: list[int]) -> None:
    data = b"".join(parts) + tail
    one, many = FrameFilter(), FrameFilter()
    assert passed(many, *cut_up(data, cuts)) == passed(one, data)
    for name in ("last_stream", "touched", "begun", "refused"):
        assert getattr(one, name) == getattr(many, name)


@given(st.lists(st.one_of(FRAMES, st.none()), max_size=8), st.lists(st.integers(0, 300), max_size=20))
def test_only_goaways_are_taken_out(parts: list[bytes | None], cuts: list[int]) -> None:
    """Each None becomes a GOAWAY; the others are frames of all kinds but that one."""
    others = [None if part is None or part[3] == GOAWAY else part for part in parts]
    data = b"".join(goaway(7) if part is None else part for part in others)
    expected = b"".join(part for part in others if part is not None)
    frames = FrameFilter()
    assert passed(frames, *cut_up(data, cuts)) == expected
    assert (frames.last_stream == 7) is (None in others)
