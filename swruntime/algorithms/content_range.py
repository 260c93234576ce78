"""Content-Range, read as the header is, not as the Background Fetch text spells it.

The text's grammar has "bytes=" where the header has "bytes "; as written, every 206 would fail.
Spec: https://wicg.github.io/background-fetch/#extract-content-range-values-algorithm and
https://www.rfc-editor.org/rfc/rfc9110#field.content-range
"""

from __future__ import annotations

import re

import attrs

from swruntime.algorithms.headers import parse_digits
from swruntime.concepts.http import HeaderList

_RANGE = re.compile(r"bytes[ \t]+([0-9]+)[ \t]*-[ \t]*([0-9]+)[ \t]*/[ \t]*([0-9]+|\*)", re.IGNORECASE)
_UNSATISFIED = re.compile(r"bytes[ \t]+\*[ \t]*/[ \t]*([0-9]+)", re.IGNORECASE)


@attrs.frozen
class ContentRange:
    """Positions and length in bytes; `last` is inclusive, `complete` is None where the server sent `*`."""

    first: int
    last: int
    complete: int | None

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    @property
    def is_whole(self) -> bool:
        """Whether it is all there is, as far as it says."""
        return self.first == 0 and self.complete in (None, self.length)

    def __str__(self) -> str:
        return f"bytes {self.first}-{self.last}/{'*' if self.complete is None else self.complete}"


def parse_content_range(value: str) -> ContentRange | None:
    """The value of a 206's Content-Range; None for what is none, or contradicts itself.

    Where the header came more than once its values must agree; the text would take the first and so could
    put bytes where they do not belong.
    """
    match = _RANGE.fullmatch(_one_of(value))
    if match is None:
        return None
    first, last, complete = parse_digits(match[1]), parse_digits(match[2]), parse_digits(match[3])
    if first is None or last is None or first > last:
        return None
    if match[3] == "*":
        return ContentRange(first, last, None)
    return ContentRange(first, last, complete) if complete is not None and last < complete else None


def content_range(headers: HeaderList) -> ContentRange | None:
    """The Content-Range of a 206, None where it is absent or unusable."""
    value = headers.get("Content-Range")
    return None if value is None else parse_content_range(value)


def unsatisfied_length(value: str | None) -> int | None:
    """The complete length in bytes that a 416 tells (`bytes */len`), None where it does not."""
    match = _UNSATISFIED.fullmatch(_one_of(value or ""))
    return None if match is None else parse_digits(match[1])


def _one_of(value: str) -> str:
    """A value that a header list has combined, as the one value it is, if it is one."""
    values = {part.strip("\t ") for part in value.split(",")}
    return values.pop() if len(values) == 1 else ""
