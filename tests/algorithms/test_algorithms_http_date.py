"""Dates as header fields have them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import example, given, strategies as st

from swruntime.algorithms.http_date import format_http_date, parse_http_date


@pytest.mark.parametrize(
    "value",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "\tSun, 06 Nov 1994 08:49:37 GMT ",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "X, 06 Nov 1994 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 -0000",
        "Sun, 06 Nov 1994 09:49:37 +0100",
    ],
)
def test_dates(value: str) -> None:
    assert parse_http_date(value) == 784111777.0


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "XXX-11")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_east")
@pytest.mark.parametrize("value", ["Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 -0000"])
def test_a_date_without_a_zone_is_in_gmt_wherever_the_machine_stands(value: str) -> None:
    assert parse_http_date(value) == 784111777.0
    assert format_http_date(784111777.9) == "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "soon",
        "0",
        "-1",
        "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 99999 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT\x00",
        "Sun, 06 Nov 1994 08:49:37 GMT\x0b",
        "Sun, 06 Nov 1994 08:49:37 G\u041cT",
    ],
)
def test_what_is_not_one_date(value: str | None) -> None:
    assert parse_http_date(value) is None


@given(st.integers(0, 253402300799))
def test_dates_round_trip(seconds: int) -> None:
    assert parse_http_date(format_http_date(seconds)) == seconds


@given(
    st.text()
    | st.text("Sun,06 Nov1994:GMT+-")
    | st.from_regex(r"[A-Z][a-z]{2},? [ 0-9A-Za-z:+-]+", fullmatch=True)
)
@example("A 0 0 0 0:0")
def test_any_text_as_a_date(text: str) -> None:
    seconds = parse_http_date(text)
    assert seconds is None or isinstance(seconds, float)
