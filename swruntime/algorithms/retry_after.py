"""Retry-After: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after"""

from __future__ import annotations

from swruntime.algorithms.http_date import parse_http_date

LONGEST = 86_400.0
"""A server that asks for more than a day is asked again after a day."""


def parse_retry_after(
    value: str | None, *, now: float, date: str | None = None, longest: float = LONGEST
) -> float | None:
    """How many seconds to wait, from 0 to `longest`; None for a header that is absent or says nothing.

    The header may be a date. `date` is the answer's own: the server means so much later, whatever the clock here shows.
    Without one that is a date it is `now`, the time of day, in seconds since 1970-01-01 UTC.
    """
    if value is None:
        return None
    value = value.strip("\t ")
    if value.isascii() and value.isdecimal():
        return min(float(value), longest)
    at = parse_http_date(value)
    if at is None:
        return None
    since = parse_http_date(date)
    return min(max(at - (now if since is None else since), 0.0), longest)
