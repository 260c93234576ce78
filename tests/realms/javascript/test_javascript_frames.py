"""swruntime.realms.javascript.frames and handles: the layout on the pipes, and how long a number is good."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from swruntime.realms.javascript import frames
from swruntime.realms.javascript.frames import HEAD, Decoder, FrameError, encode
from swruntime.realms.javascript.handles import Handles
from swruntime.realms.javascript.messages import WireError

NAMES = st.text(max_size=6)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.binary(max_size=40),
    lambda each: st.lists(each, max_size=4) | st.dictionaries(NAMES, each, max_size=4),
    max_leaves=12,
).filter(lambda value: not _looks_like_bytes(value))
FRAMES = st.builds(lambda kind, rest: {**rest, "t": kind}, NAMES, st.dictionaries(NAMES, VALUES, max_size=4))


def _looks_like_bytes(value: object) -> bool:
    """Whether plain data that means bytes is in it: nobody sends that."""
    if isinstance(value, dict):
        return "$bytes" in value or any(map(_looks_like_bytes, value.values()))
    return isinstance(value, list) and any(map(_looks_like_bytes, value))


def raw(header: bytes, payload: bytes = b"") -> bytes:
    return HEAD.pack(len(header), len(payload)) + header + payload


def decoded(data: bytes, most: int = frames.MOST) -> list[dict[str, Any]]:
    return Decoder(most).feed(data)


@settings(max_examples=25)
@given(st.lists(FRAMES, max_size=4), st.lists(st.integers(1, 60), max_size=60))
def test_frames_come_back_whatever_pieces_they_come_in(sent: list[dict[str, Any]], sizes: list[int]) -> None:
    whole = b"".join(map(encode, sent))
    decoder = Decoder()
    received: list[dict[str, Any]] = []
    for size in sizes:
        received += decoder.feed(whole[:size])
        whole = whole[size:]
    received += decoder.feed(whole)
    assert received == sent


@given(st.binary(max_size=200))
@example(HEAD.pack(0, 0))
@example(raw(b"[]"))
@example(raw(b"{" * 10))
@example(raw(b"[" * 100_000))
@example(raw(b'{"t":1}'))
@example(raw(b'{"t":"a"}', b"x"))
@example(raw(b'{"t":"a","b":{"$bytes":-1}}'))
@example(raw(b'{"t":"a","b":{"$bytes":true}}', b"x"))
@example(raw(b'{"t":"a","b":{"$bytes":1e0}}', b"x"))
@example(raw(b'{"t":"a","b":{"$bytes":2}}', b"x"))
@example(raw(b"\xff\xfe"))
@example(raw(b'{"t":"a","n":' + b"9" * 5_000 + b"}"))
@example(raw(b'{"t":"a","n":NaN}'))
def test_bytes_that_are_no_frame_raise_nothing_but_frame_error(data: bytes) -> None:
    try:
        frames_of_it = decoded(data)
    except FrameError:
        return
    assert all(isinstance(frame["t"], str) for frame in frames_of_it)


@settings(max_examples=40)
@given(FRAMES, st.data())
def test_a_frame_with_a_byte_changed_is_a_frame_or_a_frame_error(
    frame: dict[str, Any], data: st.DataObject
) -> None:
    changed = bytearray(encode(frame))
    at = data.draw(st.integers(0, len(changed) - 1))
    changed[at] = data.draw(st.integers(0, 255))
    try:
        decoded(bytes(changed))
    except FrameError:
        return


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(raw(b"[]"), "says what it is", id="no object"),
        pytest.param(raw(b'{"a":1}'), "says what it is", id="no t"),
        pytest.param(raw(b"{"), "not JSON", id="no JSON"),
        pytest.param(raw(b"[" * 100_000), "not JSON", id="deep"),
        pytest.param(raw(b'{"t":"a","n":NaN}'), "not JSON", id="NaN"),
        pytest.param(raw(b'{"t":"a","n":-Infinity}'), "not JSON", id="Infinity"),
        pytest.param(raw(b'{"t":"a","n":1e999}'), "not JSON", id="infinity, written as a number"),
        pytest.param(raw(b'{"t":"a"}', b"xy"), "2 bytes of the payload", id="bytes that nothing names"),
        pytest.param(raw(b'{"t":"a","b":{"$bytes":3}}', b"xy"), "2 bytes are left", id="more than there are"),
        pytest.param(raw(b'{"t":"a","b":{"$bytes":-1}}'), "-1", id="less than none"),
        pytest.param(raw(b'{"t":"a","b":{"$bytes":true}}', b"x"), "True", id="true"),
        pytest.param(HEAD.pack(60, 41), "at most 100", id="too large, told before it has come"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, message: str) -> None:
    with pytest.raises(FrameError, match=message):
        decoded(data, most=100 if "100" in message else frames.MOST)


def test_a_frame_of_the_most_bytes_is_taken() -> None:
    data = encode({"t": "a", "b": bytes(64)})
    assert decoded(data, most=len(data) - HEAD.size)
    with pytest.raises(FrameError):
        decoded(data, most=len(data) - HEAD.size - 1)


def test_bytes_stand_in_the_payload_in_the_order_of_the_header() -> None:
    data = encode({"t": "a", "x": [b"one", {"y": b"two"}], "z": b""})
    header, payload = HEAD.unpack_from(data)
    assert json.loads(data[HEAD.size : HEAD.size + header]) == {
        "t": "a",
        "x": [{"$bytes": 3}, {"y": {"$bytes": 3}}],
        "z": {"$bytes": 0},
    }
    assert data[HEAD.size + header :] == b"onetwo"
    assert payload == 6


def test_what_a_frame_takes_in_memory_is_told() -> None:
    small, large = decoded(encode({"t": "a"}) + encode({"t": "a", "b": [b"x" * 10_000, [1] * 1_000]}))
    assert isinstance(small, frames.Received)
    assert isinstance(large, frames.Received)
    assert 8 <= small.size < 200
    # A list has some fifty bytes, and two on the pipe.
    assert 10_000 + 1_000 * frames.VALUE < large.size < 12_100 + 1_010 * frames.VALUE


def test_what_is_not_whole_is_known() -> None:
    decoder = Decoder()
    data = encode({"t": "a", "b": b"x" * 1_000})
    assert decoder.waiting == 0
    assert decoder.feed(data[:500]) == []
    assert decoder.waiting == 500
    assert len(decoder.feed(data[500:] + data[:7])) == 1
    assert decoder.waiting == 7
    assert len(decoder.feed(data[7:])) == 1
    assert decoder.waiting == 0


@pytest.mark.parametrize("values", ["[]", "{}", '"a":1', "1", "null", '""'])
def test_a_header_of_too_many_values_is_refused(values: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MOST_VALUES", 1_000)

    def header(count: int) -> bytes:
        many = ",".join([values] * count)
        return f'{{"t":"a","b":{f"{{{many}}}" if values == chr(34) + "a" + chr(34) + ":1" else f"[{many}]"}}}'.encode()

    assert decoded(raw(header(300)))[0]["t"] == "a"
    with pytest.raises(FrameError, match="values; at most 1,000 are taken"):
        decoded(raw(header(1_001)))


@pytest.mark.parametrize(
    "text", ["," * 5_000, '",[' * 2_000, "\\" * 3_000 + ",", '\\",' * 1_500, "\n[,{:é" * 1_000]
)
def test_values_in_texts_are_none(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MOST_VALUES", 100)
    assert decoded(encode({"t": "a", "b": text})) == [{"t": "a", "b": text}]
    with pytest.raises(FrameError, match="at most 100 are taken"):
        decoded(encode({"t": "a", "b": [text, [1] * 101]}))


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), {1, 2}, object()], ids=["NaN", "infinity", "a set", "an object"]
)
def test_what_no_frame_can_hold_is_not_sent(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode({"t": "a", "v": value})


# Handles


def test_an_object_has_one_number_until_every_mention_is_forgotten() -> None:
    handles = Handles()
    object_, other = [1], [1]
    number = handles.number_of(object_)
    assert handles.number_of(object_) == number
    assert handles.number_of(other) != number
    assert handles.get(number) is object_
    assert handles.known(object_) == number
    assert handles.release(number, 1) is None
    assert handles.get(number) is object_  # it was sent twice
    assert handles.release(number, 1) is object_
    assert handles.get(number) is None
    assert handles.known(object_) is None
    assert handles.number_of(object_) not in (number, handles.known(other))


def test_a_mention_that_crosses_a_release_keeps_the_object() -> None:
    handles = Handles()
    object_ = [1]
    number = handles.number_of(object_)
    handles.number_of(object_)  # on its way while the process lets go of the first
    assert handles.release(number, 1) is None
    assert handles.get(number) is object_


@pytest.mark.parametrize("mentions", [0, 1])
def test_a_number_of_the_process_is_good_until_it_lets_go(mentions: int) -> None:
    handles = Handles()
    handles.put(-1, object_ := [1], mentions=mentions)
    assert handles.known(object_) == -1
    assert handles.release(-1, mentions) is object_
    assert len(handles) == 0


def test_a_number_of_the_process_that_was_sent_back_is_good_until_that_is_forgotten() -> None:
    handles = Handles()
    handles.put(-1, object_ := [1])
    assert handles.number_of(object_) == -1
    assert handles.release(-1, 0) is None
    assert handles.release(-1, 1) is object_


@pytest.mark.parametrize("number", [7, -7])
def test_letting_go_of_no_mention_of_what_is_not_known_is_nothing(number: int) -> None:
    """Two faces of one object may be collected together."""
    assert Handles().release(number, 0) is None


@pytest.mark.parametrize("mentions", [-1, 2, 1_000, 2**53])
def test_nobody_lets_go_of_more_mentions_than_there_were(mentions: int) -> None:
    handles = Handles()
    number = handles.number_of(object_ := [1])
    for each in (number, 7, -7):
        with pytest.raises(WireError, match="are let go"):
            handles.release(each, mentions)
    assert handles.release(number, 1) is object_


def test_a_number_in_use_is_not_given_again() -> None:
    handles = Handles()
    handles.put(-1, [1])
    handles.require_free(-2)
    wrong: list[object] = [-1, 0, 1, True, -1.0, "x", None, -(2**53), [[[]]]]
    for number in wrong:
        with pytest.raises(WireError):
            handles.require_free(number)


def test_a_state_is_told_once() -> None:
    handles = Handles()
    number = handles.number_of([1])
    assert handles.changed(number, {"a": 1})
    assert not handles.changed(number, {"a": 1})
    assert handles.changed(number, {"a": 2})
