"""Texts that a script says, as long as they may be. They go into the trace whole, up to what memory allows."""

from __future__ import annotations

LONGEST_LINE = 1024 * 1024
"""Characters of a line of the console, of an error, of a diagnostic; `MOST` in js/console.js."""


def shortened(text: str, most: int = LONGEST_LINE) -> str:
    """`text`, cut where it is longer than that, which it says then."""
    return text if len(text) <= most else f"{text[:most]}{more(len(text) - most)}"


def more(count: int) -> str:
    """What a text ends with of which so many characters are left out."""
    return f"... ({count:,} characters more)"
