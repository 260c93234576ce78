"""The Range header and its conditions, as a server reads them: RFC 9110, sections 13 and 14."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from swruntime.algorithms.http_date import parse_http_date

_ONE_RANGE = re.compile(r"bytes[ \t]*=[ \t,]*([0-9]*)-([0-9]*)[ \t,]*", re.IGNORECASE | re.ASCII)
_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')

Selected = tuple[int, int] | Literal["unsatisfiable"] | None
"""First byte and the one after the last; or nothing of what was asked is there; or nothing was asked."""


def select_range(value: str | None, length: int) -> Selected:
    """What the Range header `value` selects of `length` bytes.

    A header that is malformed, of another unit, or asks for several ranges is ignored (None), as a server
    may. Spec: https://www.rfc-editor.org/rfc/rfc9110#name-range
    """
    match = _ONE_RANGE.fullmatch(value.strip(" \t")) if value is not None else None
    if match is None:
        return None
    first, last = match.groups()
    if not first:
        if not last:
            return None
        suffix = _number(last, length)
        return (length - suffix, length) if suffix and length else "unsatisfiable"
    if last and _is_less(last, first):
        return None
    start = _number(first, length)
    if start >= length:
        return "unsatisfiable"
    return start, min(_number(last, length) + 1, length) if last else length


def if_range_holds(value: str | None, etag: str | None, last_modified: str | None) -> bool:
    """Whether the Range header counts: https://www.rfc-editor.org/rfc/rfc9110#name-if-range"""
    if value is None:
        return True
    value = value.strip(" \t")
    if value.startswith(('"', "W/")):
        return value == etag and not value.startswith("W/")
    return value == last_modified


def is_not_modified(headers: Mapping[str, str], etag: str | None, last_modified: str | None) -> bool:
    """Whether a GET or HEAD with `headers` (names in lower case) gets 304.

    Spec: https://www.rfc-editor.org/rfc/rfc9110#name-precedence-of-preconditions
    """
    none_match = headers.get("if-none-match")
    if none_match is not None:
        if none_match.strip(" \t") == "*":
            return True
        return etag is not None and _opaque(etag) in {_opaque(tag) for tag in _TAG.findall(none_match)}
    since = headers.get("if-modified-since")
    if since is None or last_modified is None:
        return False
    asked, modified = parse_http_date(since), parse_http_date(last_modified)
    return asked is not None and modified is not None and modified <= asked


def _opaque(tag: str) -> str:
    return tag.removeprefix("W/")


def _is_less(one: str, other: str) -> bool:
    one, other = one.lstrip("0"), other.lstrip("0")
    return (len(one), one) < (len(other), other)


def _number(digits: str, most: int) -> int:
    """The number, or `most` where it is larger; so many digits are no work."""
    digits = digits.lstrip("0") or "0"
    return most if len(digits) > len(str(most)) else min(int(digits), most)
