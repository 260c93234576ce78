"""Sizes, and Retry-After."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import example, given, strategies as st

from swruntime.algorithms.retry_after import LONGEST, parse_retry_after
from swruntime.algorithms.sizes import LARGEST, human, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("65536", 65536),
        ("0", 0),
        ("10G", 10 * 1024**3),
        ("10g", 10 * 1024**3),
        ("20 MiB", 20 * 1024**2),
        ("20 Mi", 20 * 1024**2),
        ("1.5GB", 1_500_000_000),
        ("1.5 kb", 1500),
        ("1K", 1024),
        (" 7 B ", 7),
        ("1.9", 1),
        ("0.1MB", 100_000),
        ("1.1K", 1126),
        ("1T", 1024**4),
        ("2PB", 2 * 1000**5),
        (str(LARGEST), LARGEST),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "G", "-1", "1e3", "1,5G", "10 X", "10iB", ".5G", "1.G", "1 0", "٥", "1" * 30]
)
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size; expected bytes, such as") as raised:
        parse_size(text)
    assert repr(text) in str(raised.value)


def test_a_size_that_is_too_large() -> None:
    with pytest.raises(
        ValueError, match=r"^'8192P' is too large a size; the largest is 9223372036854775807 bytes"
    ):
        parse_size("8192P")


@given(st.text() | st.text("0123456789.KMGTPkmgib "))
def test_parsing_a_size_raises_nothing_but_value_error(text: str) -> None:
    try:
        size = parse_size(text)
    except ValueError:
        return
    assert 0 <= size <= LARGEST


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (65536, "64 KiB"),
        (1536, "1.5 KiB"),
        (102_500, "100 KiB"),
        (1024**2 - 513, "1023 KiB"),
        (1024**2 - 512, "1 MiB"),
        (1024**2, "1 MiB"),
        (1024**3 - 1, "1 GiB"),
        (1024**3, "1 GiB"),
        (3 * 1024**4 // 2, "1.5 TiB"),
        (1024**5, "1 PiB"),
        (60 * 1024**2, "60 MiB"),
        (1024**6, "1024 PiB"),
        (5 * 1024**6, "5120 PiB"),
    ],
)
def test_human(size: int, text: str) -> None:
    assert human(size) == text


@given(st.integers(0, 2**62))
@example(1024**2 - 512)
def test_what_is_written_is_read_again(size: int) -> None:
    assert abs(parse_size(human(size)) - size) <= size * 0.05


NOW = 1_700_000_000.0


def date(offset: float) -> str:
    return format_datetime(datetime.fromtimestamp(NOW + offset, UTC), usegmt=True)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0120 ", 120.0),
        ("0", 0.0),
        ("99999999", LONGEST),
        ("9" * 5000, LONGEST),
        (date(30), 30.0),
        (date(-30), 0.0),
        (date(10**9), LONGEST),
        ("Tue, 14 Nov 2023 22:13:50 -0000", 30.0),
        ("Tue, 14 Nov 2023 23:13:50 +0100", 30.0),
        ("Tuesday, 14-Nov-23 22:13:50 GMT", 30.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("\u00a05", None),
        ("X5", None),
        ("1.5", None),
        ("²", None),
        ("Tue, 99 Nov 2023 22:13:50 GMT", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, now=NOW) == seconds


def test_a_date_without_a_zone_is_not_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "XXX-5")
        time.tzset()
        assert parse_retry_after("Tue, 14 Nov 2023 22:13:50 -0000", now=NOW) == 30
    time.tzset()


def test_the_longest_wait_can_be_chosen() -> None:
    assert parse_retry_after("120", now=NOW, longest=60) == 60


days = st.sampled_from(["Mon, ", "Tue, ", "", ","])
dates = st.builds(
    "{}{} {} {} {}:{}:{} {}".format,
    days,
    st.integers(-1, 99),
    st.sampled_from(["Jan", "Nov", "Foo"]),
    st.integers(0, 99999),
    st.integers(-1, 99),
    st.integers(0, 99),
    st.integers(0, 99),
    st.sampled_from(["GMT", "-0000", "+9999", "-2400", "+999999999999", "EST", ""]),
)


@given(st.text() | dates)
@example("0 0 0")
@example("Mon, 01 Jan 9999 23:59:59 -2359")
def test_any_retry_after_is_a_wait_or_nothing(value: str) -> None:
    seconds = parse_retry_after(value, now=NOW)
    assert seconds is None or 0 <= seconds <= LONGEST


@given(st.integers(0, int(LONGEST)))
def test_dates_round_trip(offset: int) -> None:
    assert parse_retry_after(date(offset), now=NOW) == offset
