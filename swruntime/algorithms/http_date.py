"""The dates of HTTP's header fields: https://www.rfc-editor.org/rfc/rfc9110#name-date-time-formats"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

_ONE_DATE = re.compile(r"[A-Za-z]+,?[ \t]*[0-9A-Za-z :+-]+")
"""At most the one comma after the weekday: a field that came twice is two dates, and so none."""


def parse_http_date(value: str | None) -> float | None:
    """Seconds since 1970-01-01 UTC; None for a field that is absent or is not one date.

    The three formats of RFC 9110 are read; one without a zone is in GMT, as all of HTTP's are.
    """
    if value is None or not _ONE_DATE.fullmatch(value.strip("\t ")):
        return None
    try:
        date = parsedate_to_datetime(value)
        return (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def format_http_date(seconds: float) -> str:
    """`seconds` since 1970-01-01 UTC as HTTP writes a date, the fraction cut off."""
    return format_datetime(datetime.fromtimestamp(int(seconds), UTC), usegmt=True)
