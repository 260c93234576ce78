"""Partial responses: which may be asked for, and which are what was asked for.

Spec: https://wicg.github.io/background-fetch/#validate-partial-response-algorithm, with the conditions that
the text leaves open: a range is asked for only where a validator can tell whether it is still the same file.
"""

from __future__ import annotations

import re

from swruntime.algorithms.content_range import content_range as extract_content_range, parse_content_range
from swruntime.algorithms.headers import content_length, split_value
from swruntime.concepts.background import StoredHead
from swruntime.concepts.http import HeaderList, Response

NULL_BODY_STATUSES = frozenset((101, 103, 204, 205, 304))
"""https://fetch.spec.whatwg.org/#null-body-status"""

_STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')


def validate_partial_response(
    expected_start: int,
    *,
    status: int = 206,
    previous: StoredHead | None,
    etag: str | None,
    last_modified: str | None,
    content_range: str | None,
) -> str | None:
    """None if a response goes on at byte `expected_start`; otherwise words that say what is wrong.

    `previous` is of the response that began the stored bytes, None where there is none. Only for requests
    whose Range is ours: a request with a Range of its own takes whatever 206 it gets.
    Spec: https://wicg.github.io/background-fetch/#validate-partial-response-algorithm
    """
    # 1. Only a 206 is partial.
    if status != 206:
        return f"the status is {status}, not 206"
    # 2. Extract content-range values.
    if content_range is None:
        return "the 206 has no Content-Range"
    range_ = parse_content_range(content_range)
    if range_ is None:
        return f"the Content-Range {content_range!r} is malformed"
    # 3. It must begin where we stopped.
    if range_.first != expected_start:
        return f"the range begins at byte {range_.first}, and byte {expected_start} was asked for"
    # 4. It must be of the same file.
    return None if previous is None else _differs(previous, etag, last_modified, range_.complete)


def _differs(
    previous: StoredHead, etag: str | None, last_modified: str | None, complete: int | None
) -> str | None:
    # 4.1. The validators.
    for name, before, now in (
        ("ETag", previous.etag, etag),
        ("Last-Modified", previous.last_modified, last_modified),
    ):
        if before is not None and before != now:
            return f"the {name} was {before!r} and is now {'gone' if now is None else repr(now)}"
    # 4.2. The complete length; also against the Content-Length of a first response that was not partial.
    if previous.complete_length is not None and complete != previous.complete_length:
        told = "not told" if complete is None else f"{complete} bytes"
        return f"the complete length was {previous.complete_length} bytes and is now {told}"
    return None


def may_resume(method: str, request_headers: HeaderList, head: StoredHead | None) -> bool:
    """Whether the rest of a stored body may be asked for with a Range; otherwise it starts over."""
    return (
        method == "GET"
        and "Range" not in request_headers
        and head is not None
        and not head.coded
        and _validator(head) is not None
    )


def if_range(head: StoredHead) -> str:
    """The If-Range that goes with a Range: the ETag if it is strong, else Last-Modified, never a weak ETag.

    Raises ValueError where `may_resume` says no for want of a validator.
    Spec: https://www.rfc-editor.org/rfc/rfc9110#field.if-range
    """
    validator = _validator(head)
    if validator is None:
        raise ValueError(f"nothing in {head} can tell whether the file is still the same")
    return validator


def stored_head(response: Response, *, method: str) -> StoredHead:
    """What must be remembered of the internal `response` to a request with `method`, to ask for its rest."""
    headers = response.headers
    coded = any(
        coding.lower() not in ("", "identity")
        for value in headers.all("Content-Encoding")
        for coding in split_value(value)
    )
    return StoredHead(
        status=response.status,
        etag=headers.get("ETag"),
        last_modified=headers.get("Last-Modified"),
        coded=coded,
        complete_length=_complete_length(response, method, coded),
    )


def _complete_length(response: Response, method: str, coded: bool) -> int | None:
    if response.status == 206:
        range_ = extract_content_range(response.headers)
        return None if range_ is None else range_.complete
    # A coded body is counted after decoding, and HTTP has Transfer-Encoding override Content-Length.
    if (
        coded
        or method == "HEAD"
        or response.status in NULL_BODY_STATUSES
        or "Transfer-Encoding" in response.headers
    ):
        return None
    return content_length(response.headers)


def _validator(head: StoredHead) -> str | None:
    if head.etag is not None and _STRONG_ETAG.fullmatch(head.etag):
        return head.etag
    return head.last_modified or None
