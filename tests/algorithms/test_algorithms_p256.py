"""The curve P-256, held against a library that others trust."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, strategies as st

from swruntime.algorithms import p256

KEYS = st.integers(1, p256.ORDER - 1)
SOME_KEY = p256.public_key(5)


def trusted(private: int) -> bytes:
    key = ec.derive_private_key(private, ec.SECP256R1())
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


@given(KEYS)
def test_public_keys_are_what_others_make_of_the_same_private_ones(private: int) -> None:
    key = p256.public_key(private)
    assert key == trusted(private)
    assert p256.is_point(key)


@pytest.mark.parametrize("private", [1, 2, 3, p256.ORDER - 2, p256.ORDER - 1])
def test_the_ends_of_the_range(private: int) -> None:
    assert p256.public_key(private) == trusted(private)


@pytest.mark.parametrize("private", [0, -1, p256.ORDER, p256.ORDER + 5])
def test_a_private_key_out_of_range(private: int) -> None:
    with pytest.raises(ValueError, match=rf"private is {private}; expected a number from 1"):
        p256.public_key(private)


@given(KEYS, st.integers(1, 64), st.integers(1, 255))
def test_a_key_with_a_wrong_byte_is_no_point(private: int, position: int, change: int) -> None:
    key = bytearray(p256.public_key(private))
    key[position] ^= change
    # The negative of a point, and only that, has the same x.
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes(key))
        there = True
    except ValueError:
        there = False
    assert p256.is_point(bytes(key)) == there


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x04",
        SOME_KEY[:-1],
        SOME_KEY + b"\x00",
        b"\x02" + SOME_KEY[1:],
        b"\x04" + bytes(64),
        # The same point with its coordinates beyond the prime.
        b"\x04" + (p256.PRIME + 5).to_bytes(32, "big") + SOME_KEY[33:],
        b"\x04" + SOME_KEY[1:33] + p256.PRIME.to_bytes(32, "big"),
    ],
    ids=["empty", "short", "64", "66", "compressed", "zero", "x too big", "y too big"],
)
def test_what_is_no_point(data: bytes) -> None:
    assert not p256.is_point(data)


def test_zero_is_not_written_as_the_prime() -> None:
    y = pow(p256._B, (p256.PRIME + 1) // 4, p256.PRIME).to_bytes(32, "big")
    assert p256.is_point(b"\x04" + bytes(32) + y)
    assert not p256.is_point(b"\x04" + p256.PRIME.to_bytes(32, "big") + y)


def test_the_order_times_the_base_is_the_point_at_infinity() -> None:
    assert p256._multiplied(p256._BASE, p256.ORDER) is None
    assert p256._multiplied(p256._BASE, p256.ORDER + 1) == p256._BASE
