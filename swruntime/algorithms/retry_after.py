"""Retry-After: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

LONGEST = 86_400.0
"""A server that asks for more than a day is asked again after a day."""


def parse_retry_after(value: str | None, *, now: float, longest: float = LONGEST) -> float | None:
    """How many seconds to wait, from 0 to `longest`; None for a header that is absent or says nothing.

    `now` is the time of day, in seconds since 1970-01-01 UTC: the header may be a date.
    """
    if value is None:
        return None
    value = value.strip("\t ")
    if value.isascii() and value.isdecimal():
        return min(float(value), longest)
    try:
        date = parsedate_to_datetime(value)
        # A date whose zone is "-0000" comes without one; HTTP's dates are all in GMT.
        at = (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return min(max(at - now, 0.0), longest)
