"""Texts that a script says, as long as they may be: some are kept, and all are shown."""

from __future__ import annotations

LONGEST_ERROR = 10_000
"""Characters of the text of an error or a diagnostic."""
LONGEST_LINE = 1024 * 1024
"""Characters of a line of the console."""


def shortened(text: str, most: int = LONGEST_ERROR) -> str:
    """`text`, cut where it is longer than that."""
    return text if len(text) <= most else f"{text[:most]}... ({len(text) - most:,} characters more)"
