"""swruntime.realms.javascript.shapes: what a value must look like, and how one that does not is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from swruntime.realms.javascript import shapes
from swruntime.realms.javascript.messages import WireError
from swruntime.realms.javascript.shapes import (
    AnyOf,
    Keyed,
    ListOf,
    Maybe,
    Members,
    OneOf,
    Tuple,
    check,
    shown,
)
from tests.torture.frames_values import deep

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
)
POINT = Members({"x": shapes.WHOLE}, {"y": shapes.WHOLE})

FITS: list[tuple[shapes.AnyShape, Any, Any]] = [
    (shapes.TEXT, "", b""),
    (shapes.BYTES, b"", ""),
    (shapes.BOOLEAN, False, 0),
    (shapes.WHOLE, -(2**53 - 1), -(2**53)),
    (shapes.WHOLE, 0, False),
    (shapes.COUNT, 0, -1),
    (shapes.POSITIVE, 2**53 - 1, 2**53),
    (shapes.POSITIVE, 1, 1.0),
    (shapes.POSITIVE, 1, True),
    (shapes.OBJECT_NUMBER, -1, 0),
    (shapes.OWN_NUMBER, -1, 1),
    (shapes.DICTIONARY, {}, []),
    (Maybe(shapes.TEXT), None, 0),
    (OneOf(("a", 0)), "a", "b"),
    (OneOf(("a", 0)), 0, False),
    (ListOf(shapes.TEXT), ["a"], ["a", 1]),
    (ListOf(shapes.TEXT), [], "a"),
    (Tuple((shapes.TEXT, shapes.WHOLE)), ["a", 1], ["a"]),
    (Keyed(shapes.TEXT), {"a": "b"}, {"a": 1}),
    (AnyOf((shapes.TEXT, shapes.WHOLE)), 1, None),
    (POINT, {"x": 1}, {}),
    (POINT, {"x": 1, "y": 2}, {"x": 1, "y": "2"}),
    (POINT, {"x": 1}, {"x": 1, "z": 2}),
    (POINT, {"x": 1}, [["x", 1]]),
]


@pytest.mark.parametrize(("shape", "right", "wrong"), FITS)
def test_what_fits_and_what_does_not(shape: shapes.AnyShape, right: Any, wrong: Any) -> None:
    check(shape, right, "it")
    with pytest.raises(WireError, match="it"):
        check(shape, wrong, "it")


@given(ANYTHING)
def test_whatever_comes_is_told_in_a_line(value: Any) -> None:
    assert len(shown(value)) <= 120
    assert chr(10) not in shown(value)
    for shape, _, _ in FITS:
        try:
            check(shape, value, "it")
        except WireError as error:
            assert "expected" in str(error) or "missing" in str(error) or "unknown" in str(error)  # noqa: PT017


@pytest.mark.parametrize("value", [deep(100_000), deep(100_000, dict), "x" * 10**6, 10**4000, [10**4000] * 9])
def test_also_what_is_deep_or_long(value: Any) -> None:
    assert len(shown(value)) <= 120
    with pytest.raises(WireError):
        check(POINT, value, "it")
