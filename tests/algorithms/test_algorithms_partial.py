"""Resuming a body: Content-Range, If-Range, and what a response must be to go on."""

from __future__ import annotations

import pytest
from hypothesis import example, given, strategies as st

from swruntime.algorithms.content_range import (
    ContentRange,
    content_range,
    parse_content_range,
    unsatisfied_length,
)
from swruntime.algorithms.partial import (
    changed_part,
    contradiction,
    if_range,
    is_same_file,
    may_resume,
    stored_head,
    unusable_part,
)
from swruntime.concepts.background import StoredHead
from swruntime.concepts.http import HeaderList, Response

H = HeaderList.of
NO_HEADERS = HeaderList()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bytes 0-0/1", ContentRange(0, 0, 1)),
        ("bytes 5-9/10", ContentRange(5, 9, 10)),
        ("bytes 5-9/*", ContentRange(5, 9, None)),
        ("BYTES  5 - 9 / 10 ", ContentRange(5, 9, 10)),
        ("bytes 05-09/010", ContentRange(5, 9, 10)),
        ("bytes 5-9/10, bytes 5-9/10", ContentRange(5, 9, 10)),
        (f"bytes 0-{2**63 - 2}/{2**63 - 1}", ContentRange(0, 2**63 - 2, 2**63 - 1)),
    ],
)
def test_content_ranges(value: str, expected: ContentRange) -> None:
    assert parse_content_range(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "bytes=5-9/10",
        "bytes 9-5/10",
        "bytes 5-10/10",
        "bytes 5-9",
        "bytes -9/10",
        "bytes 5-/10",
        "bytes */10",
        "items 5-9/10",
        "bytes 5-9/10 x",
        "bytes 5-9/10, bytes 5-9/11",
        "bytes ٥-٩/*",
        "bytes 0-0/" + "9" * 5000,
        "bytes 0-" + "9" * 5000 + "/*",
        "bytes " + "9" * 5000 + "-" + "9" * 5000 + "/*",
    ],
)
def test_what_is_no_content_range(value: str) -> None:
    assert parse_content_range(value) is None


def test_the_header_of_a_response() -> None:
    assert content_range(H([("content-range", "bytes 1-2/3")])) == ContentRange(1, 2, 3)
    assert content_range(H([("Content-Range", "bytes 1-2/3"), ("Content-Range", "bytes 1-2/4")])) is None
    assert content_range(NO_HEADERS) is None
    assert ContentRange(5, 9, 10).length == 5


@pytest.mark.parametrize(
    ("value", "whole"),
    [
        ("bytes 0-9/10", True),
        ("bytes 0-9/*", True),
        ("bytes 0-8/10", False),
        ("bytes 1-9/10", False),
        ("bytes 1-9/9", False),
        ("bytes 1-9/*", False),
    ],
)
def test_what_says_that_it_is_all_there_is(value: str, whole: bool) -> None:
    range_ = parse_content_range(value)
    assert (range_ is not None and range_.is_whole) == (whole and range_ is not None)


@given(st.integers(0, 2**62), st.integers(0, 2**61), st.none() | st.integers(1, 2**61))
def test_content_ranges_round_trip(first: int, more: int, beyond: int | None) -> None:
    last = first + more
    range_ = ContentRange(first, last, None if beyond is None else last + beyond)
    assert parse_content_range(str(range_)) == (range_ if last + (beyond or 0) < 2**63 else None)


@given(st.text() | st.text("bytes 0129-/*,="))
@example("bytes 0-0/0")
def test_any_text_as_a_content_range(text: str) -> None:
    range_ = parse_content_range(text)
    if range_ is not None:
        assert 0 <= range_.first <= range_.last
        assert range_.complete is None or range_.last < range_.complete
    length = unsatisfied_length(text)
    assert length is None or length >= 0


@pytest.mark.parametrize(
    ("value", "length"),
    [
        ("bytes */10", 10),
        ("Bytes * / 0", 0),
        ("bytes */0, bytes */0", 0),
        ("bytes */0", 0),
        ("bytes */*", None),
        ("bytes */10, bytes */11", None),
        ("bytes 0-9/10", None),
        ("Xbytes */10", None),
        ("bytes */10\x0b", None),
        ("bytes */" + "9" * 5000, None),
        ("", None),
        (None, None),
    ],
)
def test_unsatisfied_length(value: str | None, length: int | None) -> None:
    assert unsatisfied_length(value) == length


HEAD = StoredHead(status=200, etag='"a"', last_modified="Mon", complete_length=10)


def part(
    etag: str | None = '"a"', last_modified: str | None = "Mon", *, status: int = 206, coded: bool = False
) -> StoredHead:
    return StoredHead(status=status, etag=etag, last_modified=last_modified, coded=coded)


def test_a_response_that_goes_on() -> None:
    for says in ("bytes 5-9/10", "bytes 5-7/10", "bytes 5-9/*", "bytes 5-7/*"):
        assert unusable_part(5, now=part(), content_range=says) is None
        assert changed_part(HEAD, part(), says) is None
    assert changed_part(None, part(etag='"b"'), "bytes 5-9/99") is None
    assert changed_part(StoredHead(status=206), part(), "bytes 5-9/*") is None
    assert changed_part(StoredHead(status=206), part(), "bytes 5-9/10") is None
    assert changed_part(StoredHead(status=200, etag='"a"'), part(last_modified="Tue"), None) is None


@pytest.mark.parametrize(
    ("now", "content_range", "words"),
    [
        (part(status=200), "bytes 5-9/10", "the status is 200, not 206"),
        (part(coded=True), "bytes 5-9/10", "the 206 has a content coding"),
        (part(), None, "the 206 has no Content-Range"),
        (part(), "bytes 5", "the Content-Range 'bytes 5' is malformed"),
        (part(), "bytes 4-9/10", "the range begins at byte 4, and byte 5 was asked for"),
        (part(), "bytes 6-9/10", "the range begins at byte 6, and byte 5 was asked for"),
    ],
)
def test_what_cannot_be_used_is_said(now: StoredHead, content_range: str | None, words: str) -> None:
    assert unusable_part(5, now=now, content_range=content_range) == words
    assert changed_part(HEAD, now, content_range) is None


@pytest.mark.parametrize(
    ("now", "content_range", "words"),
    [
        (part('"b"'), "bytes 5-9/10", "the ETag was '\"a\"' and is now '\"b\"'"),
        (part('W/"a"'), "bytes 5-9/10", "the ETag was '\"a\"' and is now 'W/\"a\"'"),
        (part(None), "bytes 5-9/10", "the ETag was '\"a\"' and is now gone"),
        (part('"b"'), None, "the ETag was '\"a\"' and is now '\"b\"'"),
        (part(last_modified="Tue"), "bytes 5-9/10", "the Last-Modified was 'Mon' and is now 'Tue'"),
        (part(), "bytes 5-9/11", "the complete length was 10 bytes and is now 11 bytes"),
        (part(), "bytes 5-8/9", "the complete length was 10 bytes and is now 9 bytes"),
        (part(), "bytes 5-10/*", "the complete length was 10 bytes, and the range goes up to byte 10"),
    ],
)
def test_what_says_that_the_file_changed(now: StoredHead, content_range: str | None, words: str) -> None:
    assert changed_part(HEAD, now, content_range) == words


def test_a_206_may_leave_the_last_modified_out_where_the_etag_tells_enough() -> None:
    assert changed_part(HEAD, part(last_modified=None), "bytes 5-9/10") is None
    dated = StoredHead(200, last_modified="Mon")
    assert changed_part(dated, part(None, None), None) == "the Last-Modified was 'Mon' and is now gone"


def test_a_coded_part_is_another_representation() -> None:
    assert changed_part(HEAD, part('"a-gzip"', "Tue", coded=True), "bytes 5-9/99") is None


DATED = StoredHead(200, last_modified="Mon", last_modified_is_strong=True, complete_length=10)


@pytest.mark.parametrize(
    ("before", "now", "same"),
    [
        (HEAD, part('"a"', "Tue"), True),
        (HEAD, part('"b"'), False),
        (HEAD, part(None), False),
        (StoredHead(200, 'W/"a"'), part('W/"a"'), False),
        (StoredHead(200, 'W/"a"', "Mon", last_modified_is_strong=True), part('W/"a"'), False),
        (DATED, part(None, "Mon"), True),
        (DATED, part(None, "Tue"), False),
        (DATED, part('"a"', "Mon"), False),
        (StoredHead(200, last_modified="Mon"), part(None, "Mon"), False),
        (StoredHead(200), part(None, None), False),
        (None, part(), False),
    ],
)
def test_the_same_strong_validator_is_the_same_file(
    before: StoredHead | None, now: StoredHead, same: bool
) -> None:
    assert is_same_file(before, now) == same


def whole(length: int | None, etag: str = '"a"', *, status: int = 200, coded: bool = False) -> StoredHead:
    return StoredHead(status, etag, complete_length=length, coded=coded)


@pytest.mark.parametrize(
    ("now", "content_range", "to_range", "to_plain"),
    [
        (whole(10), None, None, None),
        (whole(None), None, None, None),
        (whole(9), None, "length", "length"),
        (whole(9, '"b"'), None, None, None),
        (whole(9, coded=True), None, None, None),
        (whole(10), "bytes 0-9/10", "range", None),
        (whole(5), "bytes 5-9/10", "range", "range"),
        (whole(5, '"b"'), "bytes 5-9/10", "range", "range"),
        (whole(10), "bytes 0-8/10", "range", "range"),
        (whole(10), "nonsense", "range", None),
        (whole(10, status=206), "bytes 0-9/10", None, None),
        (whole(10, status=206), "bytes 0-4/*", None, None),
        (whole(11, status=206), "bytes 0-9/11", "complete", "complete"),
        (whole(None, status=206), "bytes 0-10/*", "complete", "complete"),
        (whole(11, '"b"', status=206), "bytes 0-9/11", None, None),
        (whole(None, status=206), None, None, None),
    ],
)
def test_what_begins_at_zero_and_is_not_the_whole(
    now: StoredHead, content_range: str | None, to_range: str | None, to_plain: str | None
) -> None:
    words = {
        None: None,
        "length": f"the validator is the same, and the length was 10 bytes and is now {now.complete_length}",
        "range": f"the status is {now.status}, and there is a Content-Range: {content_range!r}",
    }
    for start, expected in ((4, to_range), (0, to_plain)):
        said = contradiction(HEAD, now, content_range, range_start=start)
        if expected == "complete":
            assert said is not None
            assert said.startswith("the validator is the same, and the complete length was 10 bytes")
        else:
            assert said == words[expected]


def test_what_is_as_long_as_the_rest_is_the_rest() -> None:
    words = "the status is 200, and the body is as long as the rest alone, 6 bytes"
    for etag in ('"a"', '"b"'):
        assert contradiction(HEAD, whole(6, etag), None, range_start=4) == words
        assert contradiction(HEAD, whole(6, etag, coded=True), None, range_start=4) is None
    assert contradiction(HEAD, whole(6, '"b"'), None, range_start=0) is None
    assert contradiction(HEAD, whole(6, '"b"'), None, range_start=3) is None
    assert contradiction(HEAD, whole(10), None, range_start=0) is None


def test_without_a_length_there_is_nothing_to_contradict() -> None:
    untold = StoredHead(200, '"a"')
    assert contradiction(untold, whole(9), None, range_start=4) is None
    assert contradiction(untold, whole(9, status=206), "bytes 0-8/9", range_start=0) is None
    assert contradiction(None, whole(9), None, range_start=0) is None
    assert contradiction(None, whole(9), "bytes 1-9/10", range_start=0) is not None


@pytest.mark.parametrize(
    ("head", "validator"),
    [
        (StoredHead(200, etag='"a"', last_modified="Mon"), '"a"'),
        (StoredHead(200, etag='""'), '""'),
        (StoredHead(200, etag='"a"', last_modified="Mon", last_modified_is_strong=True), '"a"'),
        (StoredHead(206, last_modified="Mon", last_modified_is_strong=True), "Mon"),
    ],
)
def test_if_range_is_the_strong_validator(head: StoredHead, validator: str) -> None:
    assert may_resume("GET", NO_HEADERS, head)
    assert if_range(head) == validator


@pytest.mark.parametrize(
    "head",
    [
        StoredHead(200),
        StoredHead(200, etag='W/"a"'),
        StoredHead(200, last_modified="Mon"),
        StoredHead(200, etag='W/"a"', last_modified="Mon", last_modified_is_strong=True),
        StoredHead(200, etag="a", last_modified="Mon", last_modified_is_strong=True),
        StoredHead(200, etag='"a", "b"', last_modified="Mon", last_modified_is_strong=True),
    ],
)
def test_nothing_to_validate_with(head: StoredHead) -> None:
    assert not may_resume("GET", NO_HEADERS, head)
    with pytest.raises(ValueError, match="can tell whether the file is still the same"):
        if_range(head)


MIDNIGHT = "Thu, 01 Jan 2026 00:00:00 GMT"


@pytest.mark.parametrize(
    ("modified", "date", "strong"),
    [
        (MIDNIGHT, MIDNIGHT, False),
        (MIDNIGHT, "Thu, 01 Jan 2026 00:00:01 GMT", True),
        (MIDNIGHT, "Fri, 02 Jan 2026 00:00:00 GMT", True),
        (MIDNIGHT, "Wed, 31 Dec 2025 23:59:59 GMT", False),
        (MIDNIGHT, "Friday, 02-Jan-26 00:00:00 GMT", True),
        (MIDNIGHT, "soon", False),
        (MIDNIGHT, "Thu, 01 Jan 2026 00:00:00 GMT, Fri, 02 Jan 2026 00:00:00 GMT", False),
        ("yesterday", "Fri, 02 Jan 2026 00:00:00 GMT", False),
    ],
)
def test_a_last_modified_is_strong_where_it_is_older_than_the_response(
    modified: str, date: str, strong: bool
) -> None:
    assert head(Last_Modified=modified, Date=date).last_modified_is_strong == strong
    for etag in ('"a"', 'W/"a"', ""):
        assert not head(Last_Modified=modified, Date=date, ETag=etag).last_modified_is_strong
    assert not head(Last_Modified=modified).last_modified_is_strong
    assert not head(Date=date).last_modified_is_strong


def test_what_starts_over() -> None:
    assert not may_resume("POST", NO_HEADERS, HEAD)
    assert not may_resume("GET", H([("range", "bytes=0-")]), HEAD)
    assert not may_resume("GET", NO_HEADERS, None)
    assert not may_resume("GET", NO_HEADERS, StoredHead(200, etag='"a"', coded=True))


def head(status: int = 200, method: str = "GET", **headers: str) -> StoredHead:
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return stored_head(Response(status=status, headers=H(pairs)), method=method)


def test_the_stored_head() -> None:
    assert head(ETag='"a"', Last_Modified="Mon", Content_Length="10") == HEAD
    assert head() == StoredHead(200)


def test_the_complete_length_of_a_206_is_content_ranges() -> None:
    assert head(206, Content_Range="bytes 5-9/10", Content_Length="5").complete_length == 10
    assert head(206, Content_Range="bytes 5-9/*", Content_Length="5").complete_length is None
    assert head(206, Content_Length="5").complete_length is None


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "identity, br", "x"])
def test_a_coded_body_has_no_known_length(coding: str) -> None:
    assert head(Content_Encoding=coding, Content_Length="5") == StoredHead(200, coded=True)


@pytest.mark.parametrize("coding", ["identity", "Identity", "", ", identity"])
def test_identity_is_no_coding(coding: str) -> None:
    assert head(Content_Encoding=coding, Content_Length="5") == StoredHead(200, complete_length=5)


def test_where_content_length_says_nothing_of_the_body() -> None:
    assert head(method="HEAD", Content_Length="5").complete_length is None
    for status in (101, 103, 204, 205, 304):
        assert head(status, Content_Length="5").complete_length is None
    assert head(Transfer_Encoding="chunked", Content_Length="5").complete_length is None
    assert head(Content_Length="x").complete_length is None
