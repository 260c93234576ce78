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
from swruntime.network.decoding import PIECE, Decoder, decoder_for


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


@given(st.sampled_from(["gzip", "deflate"]), st.binary(max_size=500), st.binary(min_size=1, max_size=500))
def test_what_comes_after_the_end_is_ignored(name: str, data: bytes, garbage: bytes) -> None:
    assert unfold(decoder(name), [ENCODERS[name](data) + garbage, garbage]) == data


def test_a_second_gzip_member_is_ignored() -> None:
    assert unfold(decoder("gzip"), [gzip.compress(b"one") + gzip.compress(b"two")]) == b"one"


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
        assert 0 < len(piece) <= PIECE
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
