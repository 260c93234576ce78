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
from swruntime.algorithms.partial import if_range, may_resume, stored_head, validate_partial_response
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


def validate(
    start: int = 5,
    status: int = 206,
    previous: StoredHead | None = HEAD,
    etag: str | None = '"a"',
    last_modified: str | None = "Mon",
    content_range: str | None = "bytes 5-9/10",
) -> str | None:
    return validate_partial_response(
        start,
        status=status,
        previous=previous,
        etag=etag,
        last_modified=last_modified,
        content_range=content_range,
    )


def test_a_response_that_goes_on_is_valid() -> None:
    assert validate() is None
    assert validate(content_range="bytes 5-7/10") is None
    assert validate(previous=None, etag=None) is None
    assert validate(previous=StoredHead(status=206), content_range="bytes 5-9/*") is None
    assert validate(previous=StoredHead(status=200, etag='"a"'), last_modified="Tue") is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": 200}, "the status is 200, not 206"),
        ({"content_range": None}, "the 206 has no Content-Range"),
        ({"content_range": "bytes 5"}, "the Content-Range 'bytes 5' is malformed"),
        ({"start": 4}, "the range begins at byte 5, and byte 4 was asked for"),
        ({"etag": '"b"'}, "the ETag was '\"a\"' and is now '\"b\"'"),
        ({"etag": None}, "the ETag was '\"a\"' and is now gone"),
        ({"last_modified": "Tue"}, "the Last-Modified was 'Mon' and is now 'Tue'"),
        ({"content_range": "bytes 5-9/11"}, "the complete length was 10 bytes and is now 11 bytes"),
        ({"content_range": "bytes 5-9/*"}, "the complete length was 10 bytes and is now not told"),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, object], words: str) -> None:
    assert validate(**changes) == words  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("head", "validator"),
    [
        (StoredHead(200, etag='"a"', last_modified="Mon"), '"a"'),
        (StoredHead(200, etag='""'), '""'),
        (StoredHead(200, etag='W/"a"', last_modified="Mon"), "Mon"),
        (StoredHead(200, etag="a", last_modified="Mon"), "Mon"),
        (StoredHead(200, etag='"a", "b"', last_modified="Mon"), "Mon"),
        (StoredHead(206, last_modified="Mon"), "Mon"),
    ],
)
def test_if_range_is_the_strongest_validator(head: StoredHead, validator: str) -> None:
    assert may_resume("GET", NO_HEADERS, head)
    assert if_range(head) == validator


@pytest.mark.parametrize(
    "head", [StoredHead(200), StoredHead(200, etag='W/"a"'), StoredHead(200, last_modified="")]
)
def test_nothing_to_validate_with(head: StoredHead) -> None:
    assert not may_resume("GET", NO_HEADERS, head)
    with pytest.raises(ValueError, match="can tell whether the file is still the same"):
        if_range(head)


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
