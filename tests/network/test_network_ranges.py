"""The Range header as a server reads it."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from swruntime.network.ranges import select_range


@pytest.mark.parametrize(
    ("value", "selected"),
    [
        ("bytes=0-", (0, 10)),
        ("bytes=0-0", (0, 1)),
        ("bytes=9-", (9, 10)),
        ("bytes=5-99999999999999999999999999", (5, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
        ("Bytes=1-2", (1, 3)),
        ("bytes=001-002", (1, 3)),
        ("bytes=10-", "unsatisfiable"),
        ("bytes=99999999999999999999999999-", "unsatisfiable"),
        ("bytes=-0", "unsatisfiable"),
        ("bytes=2-1", None),
        ("bytes=0-1,3-4", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes=a-b", None),
        ("bytes=+1-2", None),
        ("bytes=\u0661-", None),
        ("lines=0-1", None),
        ("", None),
        (None, None),
    ],
)
def test_what_is_selected_of_ten_bytes(value: str | None, selected: object) -> None:
    assert select_range(value, 10) == selected


@given(st.text() | st.from_regex(r"bytes=[0-9]{0,4}-[0-9]{0,4}", fullmatch=True), st.integers(0, 5000))
def test_what_is_selected_is_there(value: str, length: int) -> None:
    selected = select_range(value, length)
    if isinstance(selected, tuple):
        assert 0 <= selected[0] < selected[1] <= length


def test_nothing_of_nothing_can_be_selected() -> None:
    assert select_range("bytes=0-", 0) == "unsatisfiable"
    assert select_range("bytes=-1", 0) == "unsatisfiable"
