"""Integrity metadata: what is parsed, what is ignored, and which hashes count. What Chromium 156 does is the oracle
where the text of the standard leaves room (it was asked with the same rows)."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from hypothesis import example, given, strategies as st

from swruntime.algorithms.integrity import ALGORITHMS, Metadata, Verifier, strongest

BODY = b"x" * 1000 + bytes(range(256))
WRONG = "A" * 43 + "="


def value(algorithm: str, body: bytes = BODY, *, url: bool = False) -> str:
    encode = base64.urlsafe_b64encode if url else base64.b64encode
    return encode(hashlib.new(algorithm, body).digest()).decode()


def item(algorithm: str) -> str:
    return f"{algorithm}-{value(algorithm)}"


SHA256, SHA384, SHA512 = map(item, ALGORITHMS)
BAD256, BAD384, BAD512 = (f"{algorithm}-{WRONG}" for algorithm in ALGORITHMS)


def matches(metadata: str, *pieces: bytes) -> bool:
    verifier = Verifier(metadata)
    for piece in pieces or (BODY,):
        verifier.update(piece)
    return verifier.mismatch() is None


@pytest.mark.parametrize(
    "metadata",
    [
        *(item(algorithm) for algorithm in ALGORITHMS),
        *(f"{algorithm}-{value(algorithm, url=True)}" for algorithm in ALGORITHMS),
        SHA256.rstrip("="),
        SHA512.rstrip("="),
        SHA256 + "==",
        SHA256.replace("sha", "SHA"),
        SHA256 + "?foo=bar?spam",
        SHA256 + "?",
        SHA256 + "?with-" + WRONG,
        f"{BAD256} {SHA256}",
        f"{SHA256} {BAD256}",
        f"{SHA384} {BAD256}",
        f"{BAD256} {SHA384}",
        f"{SHA512} {BAD384} {BAD256}",
        f"sha512-!!! {SHA256}",
        f"md5-{WRONG} {SHA256}",
        *(f"{BAD256}{space}{SHA256}" for space in " \t\n\f\r"),
        f"  {SHA256}  ",
    ],
)
def test_what_matches(metadata: str) -> None:
    assert strongest(metadata) is not None
    assert matches(metadata)
    assert not matches(metadata, BODY + b"!")


@pytest.mark.parametrize(
    "metadata",
    [
        BAD256,
        BAD384,
        BAD512,
        "sha256-AAAA",
        "sha256-A",
        BAD256 + "?" + SHA256,
        BAD256.replace("sha", "SHA"),
        f"{SHA256} {BAD384}",
        f"{BAD384} {SHA256}",
        f"{SHA256} {SHA384} {BAD512}",
        f"{BAD256} sha512-!!!",
        f"sha512-{value('sha256')}",
        f"sha256-{value('sha256').swapcase()}",
    ],
)
def test_what_does_not_match(metadata: str) -> None:
    assert not matches(metadata)


@pytest.mark.parametrize(
    "metadata",
    [
        "",
        " ",
        "\t\n",
        "hello world",
        "md5-AAAA",
        "sha1-AAAA",
        "sha256",
        "sha256-",
        "sha256-=",
        "sha256-!!!",
        "sha256?-" + WRONG,
        "?" + BAD256,
        BAD256 + "!",
        BAD256 + "=A",
        f"sha256--{WRONG}!",
        "-" + WRONG,
        "sha-256-" + WRONG,
        BAD256 + "\v" + BAD256,
        BAD256 + "\xa0" + BAD256,
        "ſha256-" + WRONG,
    ],
)
def test_what_cannot_be_parsed_demands_nothing(metadata: str) -> None:
    assert strongest(metadata) is None
    assert matches(metadata)


def test_the_strongest_are_kept_without_padding_and_in_base64() -> None:
    assert strongest("sha256-a-_= sha384-AA== sha384-B_-B?x sha384-AA") == Metadata(
        "sha384", frozenset({"AA", "B/+B"})
    )


def test_only_padding_is_cut_off() -> None:
    assert strongest("sha256-AAXX= sha256-XX=X==") == Metadata("sha256", frozenset({"AAXX"}))
    body = next(b for b in map(str.encode, map(str, range(10_000))) if value("sha384", b).endswith("X"))
    assert matches(f"sha384-{value('sha384', body)}", body)


def test_a_mismatch_tells_the_hash_of_what_came() -> None:
    verifier = Verifier(BAD384)
    verifier.update(b"abc")
    expected = value("sha384", b"abc")
    assert verifier.mismatch() == (
        f"its integrity is sha384-{expected}, which the request's integrity does not have"
    )


def test_nothing_may_have_come() -> None:
    assert Verifier(f"sha256-{value('sha256', b'')}").mismatch() is None
    assert Verifier(BAD256).mismatch() is not None


@given(st.lists(st.binary(max_size=20), min_size=1), st.sampled_from(ALGORITHMS))
def test_in_whichever_pieces_it_comes(pieces: list[bytes], algorithm: str) -> None:
    body = b"".join(pieces)
    assert matches(f"{algorithm}-{value(algorithm, body)}", *pieces)
    assert not matches(f"{algorithm}-{value(algorithm, body + b'!')}", *pieces)


TOKENS = st.sampled_from(
    [SHA256, SHA384, SHA512, BAD256, BAD384, BAD512, "", "md5-AAAA", "sha256-!", "x", SHA384 + "?o"]
)


@given(st.lists(TOKENS, max_size=8))
def test_only_the_strongest_count(items: list[str]) -> None:
    found = strongest(" ".join(items))
    of_each = {a: [i for i in items if i.startswith(a) and "!" not in i] for a in ALGORITHMS}
    there = [a for a in ALGORITHMS if of_each[a]]
    assert (found and found.algorithm) == (there[-1] if there else None)
    right = not there or any(WRONG not in i for i in of_each[there[-1]])
    assert matches(" ".join(items)) == right


@given(st.text(st.sampled_from("sha256-384512+/_=?!A \t\n\v\0é"), max_size=60) | st.text())
@example("sha256-" + "A" * 100_000)
def test_any_text_is_parsed(metadata: str) -> None:
    found = strongest(metadata)
    if found is not None:
        assert found.algorithm in ALGORITHMS
        assert found.values
        assert all(re.fullmatch("[A-Za-z0-9+/]*", v) for v in found.values)
