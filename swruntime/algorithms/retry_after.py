"""Retry-After: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

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
    at = _seconds(value)
    if at is None:
        return None
    since = None if date is None else _seconds(date)
    return min(max(at - (now if since is None else since), 0.0), longest)


def _seconds(value: str) -> float | None:
    """Of a date since 1970, None for what is not a date."""
    try:
        date = parsedate_to_datetime(value)
        # A date whose zone is "-0000" comes without one; HTTP's dates are all in GMT.
        return (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
