"""Keys of IndexedDB as bytes: they sort as the standard's comparison, written here once more, says."""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.realms.javascript.indexeddb_runner import deno

Key = tuple[str, Any]
"""A key as it is sent: ("number" or "date", its double in hexadecimal), ("string", code units), ("binary", bytes), ("array", keys)."""

ORDER = ["number", "date", "string", "binary", "array"]
MOST_TIME = 8.64e15


def hexadecimal(value: float) -> str:
    return struct.pack(">d", value).hex()


numbers = st.floats(allow_nan=False).map(lambda value: ("number", hexadecimal(value)))
dates = st.integers(-int(MOST_TIME), int(MOST_TIME)).map(lambda value: ("date", hexadecimal(float(value))))
units = st.integers(0, 3) | st.integers(0x7C, 0x82) | st.integers(0x407C, 0x4082) | st.integers(0, 0xFFFF)
strings = st.lists(units, max_size=4).map(lambda value: ("string", value))
binaries = st.lists(st.integers(0, 3) | st.integers(0, 255), max_size=4).map(lambda value: ("binary", value))
keys = st.recursive(
    numbers | dates | strings | binaries,
    lambda inner: st.lists(inner, max_size=3).map(lambda value: ("array", value)),
    max_leaves=6,
)


def compare(one: Key, other: Key) -> int:
    """*Compare two keys*: https://w3c.github.io/IndexedDB/#compare-two-keys"""
    if one[0] != other[0]:
        return -1 if ORDER.index(one[0]) < ORDER.index(other[0]) else 1
    if one[0] in ("number", "date"):
        a, b = (struct.unpack(">d", bytes.fromhex(key[1]))[0] for key in (one, other))
        return int(a > b) - int(a < b)
    for mine, theirs in zip(one[1], other[1], strict=False):
        order = compare(mine, theirs) if one[0] == "array" else (mine > theirs) - (mine < theirs)
        if order:
            return order
    return (len(one[1]) > len(other[1])) - (len(one[1]) < len(other[1]))


def plain(key: Any) -> Any:
    """As it comes back: there is one zero only, and a list for each pair."""
    kind, value = key
    if kind == "array":
        return [kind, [plain(each) for each in value]]
    return [kind, hexadecimal(0.0) if value == hexadecimal(-0.0) else value]


@pytest.fixture(scope="module")
def process() -> Iterator[subprocess.Popen[bytes]]:
    harness = Path(__file__).parent / "keys_harness.js"
    with subprocess.Popen(
        [deno(), "run", "--no-prompt", "--quiet", str(harness)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        yield process
        process.kill()


@given(st.lists(keys, min_size=2, max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_bytes_sort_as_keys_do(process: subprocess.Popen[bytes], sample: list[Key]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(sample).encode() + b"\n")
    process.stdin.flush()
    answers = json.loads(process.stdout.readline())
    encoded = [bytes.fromhex(text) for text, _ in answers]
    assert [again for _, again in answers] == [plain(key) for key in sample]
    for one, its in zip(sample, encoded, strict=True):
        for other, others in zip(sample, encoded, strict=True):
            assert (its > others) - (its < others) == compare(one, other)
