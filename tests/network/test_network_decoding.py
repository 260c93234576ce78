"""Content codings: whatever the chunking, the whole comes out; whatever the cut, it never seems whole."""

from __future__ import annotations

import gzip
import importlib
import zlib
from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from swruntime.errors import NetworkFailure
from swruntime.network.decoding import Decoder, decoder_for
from swruntime.ports.network import LARGEST_PIECE


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "x-gzip": lambda data: gzip.compress(data, mtime=0),
    "deflate": zlib.compress,
    "deflate, gzip": lambda data: gzip.compress(zlib.compress(data), mtime=0),
    "Gzip , identity,DEFLATE": lambda data: raw_deflate(gzip.compress(data, mtime=0)),
}
CODED = st.one_of(
    st.tuples(st.sampled_from(sorted(ENCODERS)), st.binary(max_size=2000)).map(
        lambda pair: (pair[0], pair[1], ENCODERS[pair[0]](pair[1]))
    ),
    st.binary(max_size=2000).map(lambda data: ("deflate", data, raw_deflate(data))),
)


def decoder(name: str) -> Decoder:
    made = decoder_for([name])
    assert made is not None
    return made


def unfold(using: Decoder, chunks: Iterable[bytes]) -> bytes:
    out = b"".join(piece for chunk in chunks for piece in using.decode(chunk))
    using.finish()
    return out


def cut_up(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


@given(CODED, st.lists(st.integers(0, 4000), max_size=20))
def test_any_chunking_gives_the_whole(coded: tuple[str, bytes, bytes], cuts: list[int]) -> None:
    name, data, wire = coded
    assert unfold(decoder(name), cut_up(wire, cuts)) == data


@given(CODED, st.data(), st.lists(st.integers(0, 4000), max_size=5))
def test_no_cut_seems_whole(coded: tuple[str, bytes, bytes], data: st.DataObject, cuts: list[int]) -> None:
    name, _, wire = coded
    cut = data.draw(st.integers(0, len(wire) - 1))
    with pytest.raises(NetworkFailure) as caught:
        unfold(decoder(name), cut_up(wire[:cut], cuts))
    assert caught.value.cause == "truncated"


GARBAGE = st.binary(min_size=1, max_size=500).filter(lambda data: data[0] != 0x1F)


@given(st.sampled_from(["gzip", "deflate", "deflate, gzip"]), st.binary(max_size=500), GARBAGE, st.data())
def test_what_comes_after_the_end_is_left_out_and_counted(
    name: str, data: bytes, garbage: bytes, draw: st.DataObject
) -> None:
    using = decoder(name)
    wire = ENCODERS[name](data) + garbage
    cuts = draw.draw(st.lists(st.integers(0, len(wire)), max_size=8))
    assert unfold(using, cut_up(wire, cuts)) == data
    assert using.excess == len(garbage)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5), st.lists(st.integers(0, 4000), max_size=20))
def test_all_members_of_a_gzip_file_are_the_body(members: list[bytes], cuts: list[int]) -> None:
    """RFC 1952 2.2; browsers stop after the first one."""
    using = decoder("gzip")
    wire = b"".join(gzip.compress(member, mtime=0) for member in members)
    assert unfold(using, cut_up(wire, cuts)) == b"".join(members)
    assert using.excess == 0


@given(st.binary(max_size=300), st.binary(max_size=300), st.data())
def test_a_later_member_that_is_cut_is_truncated(one: bytes, two: bytes, draw: st.DataObject) -> None:
    first, second = gzip.compress(one, mtime=0), gzip.compress(two, mtime=0)
    wire = first + second[: draw.draw(st.integers(1, len(second) - 1))]
    with pytest.raises(NetworkFailure) as caught:
        unfold(decoder("gzip"), cut_up(wire, draw.draw(st.lists(st.integers(0, len(wire)), max_size=4))))
    assert caught.value.cause == "truncated"


def test_what_begins_as_a_member_and_is_not_one_is_corrupt() -> None:
    with pytest.raises(NetworkFailure) as caught:
        unfold(decoder("gzip"), [gzip.compress(b"one"), b"\x1f\x8bgarbage"])
    assert caught.value.cause == "coding"


@pytest.mark.parametrize("name", ["gzip", "deflate", "br"])
def test_padding_with_zeros_is_left_out(name: str) -> None:
    using = decoder(name)
    wire = pytest.importorskip("brotli").compress(b"one") if name == "br" else ENCODERS[name](b"one")
    assert unfold(using, [wire, bytes(100), bytes(12)]) == b"one"
    assert using.excess == 112


@given(st.binary(min_size=20, max_size=500), st.integers(0, 7))
def test_a_wrong_checksum_is_corrupt(data: bytes, place: int) -> None:
    wire = bytearray(gzip.compress(data, mtime=0))
    wire[-8 + place] ^= 1
    with pytest.raises(NetworkFailure) as caught:
        unfold(decoder("gzip"), [bytes(wire)])
    assert caught.value.cause == "coding"


@pytest.mark.parametrize("name", ["gzip", "deflate"])
def test_what_is_not_coded_is_corrupt(name: str) -> None:
    with pytest.raises(NetworkFailure, match="corrupt") as caught:
        unfold(decoder(name), [b"plain text, and enough of it"])
    assert caught.value.cause == "coding"


@pytest.mark.parametrize("name", ["gzip", "deflate, gzip"])
def test_a_bomb_unfolds_in_bounded_pieces(name: str) -> None:
    using = decoder(name)
    size = 50_000_000
    pieces = using.decode(ENCODERS[name](bytes(size)))
    total = 0
    for piece in pieces:
        assert 0 < len(piece) <= LARGEST_PIECE
        total += len(piece)
    using.finish()
    assert total == size


@pytest.mark.parametrize("codings", [[], ["identity"], [""], ["unheard-of"], ["gzip, unheard-of"]])
def test_what_is_not_known_is_left_as_it_is(codings: list[str]) -> None:
    assert decoder_for(codings) is None


def test_too_many_codings_are_refused() -> None:
    with pytest.raises(NetworkFailure, match="9 content codings"):
        decoder_for(["gzip"] * 9)


def test_br_where_a_library_is_there() -> None:
    brotli = pytest.importorskip("brotli")
    if not hasattr(brotli.Decompressor, "can_accept_more_data"):
        assert decoder_for(["br"]) is None
        return
    data = bytes(5_000_000) + b"end"
    wire = brotli.compress(data)
    assert unfold(decoder("br"), [wire[:7], wire[7:], b"garbage"]) == data
    for cut in range(len(wire)):
        with pytest.raises(NetworkFailure, match="ended before"):
            unfold(decoder("br"), [wire[:cut]])
    with pytest.raises(NetworkFailure, match="corrupt"):
        unfold(decoder("br"), [b"\xff" * 100])


def test_br_where_no_library_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    assert decoder_for(["br"]) is None
