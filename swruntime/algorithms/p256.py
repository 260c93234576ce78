"""Just so much of the curve P-256 as the Push API asks for: is this a point, and which point belongs to a key.

Not for secrets: nothing here takes constant time. The keys of a push subscription protect nothing, because
there is no push service between the emulator and whoever sends.

Spec: https://csrc.nist.gov/pubs/sp/800/186/final, 3.2.1.3; points as SEC 1, 2.3.3 encodes them
"""

from __future__ import annotations

PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_BASE = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)

_Point = tuple[int, int] | None
"""None is the point at infinity."""


def is_point(data: bytes) -> bool:
    """Whether `data` is a point of the curve in its uncompressed form: 65 bytes, the first of them 4."""
    if len(data) != 65 or data[0] != 4:
        return False
    x, y = int.from_bytes(data[1:33], "big"), int.from_bytes(data[33:], "big")
    return x < PRIME and y < PRIME and (y * y - (x * x * x - 3 * x + _B)) % PRIME == 0


def public_key(private: int) -> bytes:
    """The public key of a private one, in its uncompressed form. Raises ValueError unless 0 < private < ORDER."""
    if not 0 < private < ORDER:
        raise ValueError(f"private is {private}; expected a number from 1 to the order of the curve, less 1")
    point = _multiplied(_BASE, private)
    assert point is not None
    return b"\x04" + b"".join(each.to_bytes(32, "big") for each in point)


def _multiplied(point: _Point, times: int) -> _Point:
    result: _Point = None
    while times:
        if times & 1:
            result = _sum(result, point)
        point = _sum(point, point)
        times >>= 1
    return result


def _sum(one: _Point, other: _Point) -> _Point:
    if one is None or other is None:
        return other if one is None else one
    (x1, y1), (x2, y2) = one, other
    if x1 == x2:
        if (y1 + y2) % PRIME == 0:
            return None
        slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, PRIME)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, PRIME)
    x = (slope * slope - x1 - x2) % PRIME
    return x, (slope * (x1 - x) - y1) % PRIME
