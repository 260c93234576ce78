"""Bodies of any size that cost no memory."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, strategies as st

from swruntime.testing import Pattern


@given(st.integers(0, 200_000), st.integers(0, 9), st.integers(-5, 250_000), st.integers(-5, 250_000))
def test_a_part_is_that_part_of_the_whole(size: int, seed: int, start: int, end: int) -> None:
    pattern = Pattern(size, seed)
    whole = bytes(pattern)
    assert len(whole) == len(pattern) == size
    assert pattern.read(start, end) == whole[max(start, 0) : max(end, 0)]


def test_seeds_and_blocks_differ() -> None:
    assert bytes(Pattern(1000, 1)) == bytes(Pattern(1000, 1)) != bytes(Pattern(1000, 2))
    blocks = {Pattern(10 << 20).read(start, start + 65536) for start in range(0, 10 << 20, 65536)}
    assert len(blocks) == 160


def test_the_end_of_a_great_deal_costs_nothing() -> None:
    pattern = Pattern(1 << 40)
    tracemalloc.start()
    assert len(pattern.read((1 << 40) - 10, 1 << 41)) == 10
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_negative_size() -> None:
    with pytest.raises(ValueError, match="size"):
        Pattern(-1)
