"""Partial responses: which may be asked for, and which are what was asked for.

Spec: https://wicg.github.io/background-fetch/#validate-partial-response-algorithm, with the conditions that
the text leaves open: a range is asked for only where a strong validator can tell whether it is still the same file.
"""

from __future__ import annotations

import re

from swruntime.algorithms.content_range import content_range as extract_content_range, parse_content_range
from swruntime.algorithms.headers import content_length, split_value
from swruntime.algorithms.http_date import parse_http_date
from swruntime.concepts.background import StoredHead
from swruntime.concepts.http import HeaderList, Response

NULL_BODY_STATUSES = frozenset((101, 103, 204, 205, 304))
"""https://fetch.spec.whatwg.org/#null-body-status"""

_STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')


def unusable_part(expected_start: int, *, now: StoredHead, content_range: str | None) -> str | None:
    """Why the 206 `now` is not what a Range from `expected_start` asks for, None if it is.

    Nothing of it says that the file changed: a client may discard such an answer, and have the whole. Only for requests
    whose Range is ours; one with a Range of its own takes whatever 206 it gets. With `changed_part` it is
    https://wicg.github.io/background-fetch/#validate-partial-response-algorithm (1 to 3), and see
    https://www.rfc-editor.org/rfc/rfc9110#section-15.3.7
    """
    # 1. Only a 206 is partial, and only the bytes of the file itself can be appended.
    if now.status != 206:
        return f"the status is {now.status}, not 206"
    if now.coded:
        return "the 206 has a content coding"
    # 2. Extract content-range values. (The 206 of several ranges, multipart/byteranges, has none.)
    if content_range is None:
        return "the 206 has no Content-Range"
    range_ = parse_content_range(content_range)
    if range_ is None:
        return f"the Content-Range {content_range!r} is malformed"
    # 3. It must begin where we stopped.
    if range_.first != expected_start:
        return f"the range begins at byte {range_.first}, and byte {expected_start} was asked for"
    return None


def changed_part(previous: StoredHead | None, now: StoredHead, content_range: str | None) -> str | None:
    """Why the 206 `now` is of another file than `previous`, None if nothing says so.

    `previous` is of the response that began the stored bytes. Of a part with a content coding nothing is compared: it
    is another representation of the file, which has an ETag and a length of its own.
    Spec: https://wicg.github.io/background-fetch/#validate-partial-response-algorithm (4)
    """
    if previous is None or now.status != 206 or now.coded:
        return None
    # 4.1. The validators. A 206 to an If-Range may leave out what is not needed to tell (RFC 9110, 15.3.7).
    if previous.etag is not None and previous.etag != now.etag:
        return f"the ETag was {previous.etag!r} and is now {_shown(now.etag)}"
    left_out = now.last_modified is None and previous.etag is not None
    if previous.last_modified is not None and previous.last_modified != now.last_modified and not left_out:
        return f"the Last-Modified was {previous.last_modified!r} and is now {_shown(now.last_modified)}"
    # 4.2. The complete length; also against the Content-Length of a first response that was not partial.
    return _other_length(previous.complete_length, content_range)


def _shown(value: str | None) -> str:
    return "gone" if value is None else repr(value)


def _other_length(known: int | None, content_range: str | None) -> str | None:
    """How the length that a Content-Range tells contradicts the one that is `known`. `*` tells none."""
    range_ = None if content_range is None else parse_content_range(content_range)
    if known is None or range_ is None:
        return None
    if range_.complete is not None and range_.complete != known:
        return f"the complete length was {known} bytes and is now {range_.complete} bytes"
    if range_.last >= known:
        return f"the complete length was {known} bytes, and the range goes up to byte {range_.last}"
    return None


def is_same_file(previous: StoredHead | None, now: StoredHead) -> bool:
    """Whether `now` has the strong validator of `previous`: then it promises the same bytes (RFC 9110, 8.8.1)."""
    if previous is None or _validator(previous) is None:
        return False
    if previous.etag is not None:
        return now.etag == previous.etag
    return now.etag is None and now.last_modified == previous.last_modified


def contradiction(
    previous: StoredHead | None, now: StoredHead, content_range: str | None, *, range_start: int
) -> str | None:
    """Why `now`, which begins at zero, cannot be the whole of what `previous` began; None if it can.

    `range_start` is where the Range began that it is an answer to, 0 if there was none. Such an answer should be the
    whole of another file, or of one whose server does not know ranges, and not be as long as the rest alone. A
    Content-Range has no meaning in a 200, and shows that something is wrong:
    https://www.rfc-editor.org/rfc/rfc9110#section-14.4
    """
    if now.status != 206 and content_range is not None:
        range_ = parse_content_range(content_range)
        if range_start or (range_ is not None and not range_.is_whole):
            return f"the status is {now.status}, and there is a Content-Range: {content_range!r}"
    known, told = None if previous is None else previous.complete_length, now.complete_length
    if now.coded or known is None:
        return None
    if range_start and told == known - range_start:
        return f"the status is {now.status}, and the body is as long as the rest alone, {told} bytes"
    if not is_same_file(previous, now):
        return None
    if now.status == 206:
        other = _other_length(known, content_range)
    else:
        other = None if told in (None, known) else f"the length was {known} bytes and is now {told}"
    return None if other is None else f"the validator is the same, and {other}"


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
    """The If-Range that goes with a Range: a strong ETag, or where there is no ETag at all a strong Last-Modified.

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
        last_modified_is_strong=_is_strong(headers),
    )


DATE_MARGIN = 1.0
"""Seconds that a Last-Modified must be older than its response's Date: the clock of both ticks in seconds, so that a
file may have been written twice in the one that is told."""


def _is_strong(headers: HeaderList) -> bool:
    """Whether the Last-Modified is a strong validator, as far as the response itself can tell.

    Spec: https://www.rfc-editor.org/rfc/rfc9110#section-8.8.2.2; beside an ETag, of whichever kind, it is not to be
    used: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5
    """
    modified, date = parse_http_date(headers.get("Last-Modified")), parse_http_date(headers.get("Date"))
    if "ETag" in headers or modified is None or date is None:
        return False
    return date - modified >= DATE_MARGIN


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
    if head.etag is not None:
        return head.etag if _STRONG_ETAG.fullmatch(head.etag) else None
    return head.last_modified if head.last_modified_is_strong else None
