"""Source maps: where in its sources a place in a generated script comes from.

Spec: https://tc39.es/ecma426/
"""

from __future__ import annotations

import json
import re
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, TypeGuard

import attrs

__all__ = ["MOST", "Original", "SourceMap", "SourceMapError", "mapping_url", "parse"]

MOST_TEXT = 32 * 1024 * 1024
"""Characters of a map that are read, its sources' text among them."""
MOST_NESTED = 2_000_000
"""Brackets that open in a map: each may be an object or a list, which takes many times its text. Those in the sources'
text are counted, too."""
MOST = 8 * 1024 * 1024
"""Characters of mappings that are read."""
MOST_MAPPINGS = 1_000_000
"""Mappings of a map that are read, in all its sections: a second's work, and 32 MB."""
MOST_LINES = 1_000
"""Lines at the end of a script among which its comment is looked for."""

_COMMENTS = ("//#", "//@")
_NAME = "sourceMappingURL="
_LINE_ENDS = "\n\r\u2028\u2029"
"""https://tc39.es/ecma262/#sec-line-terminators"""
_DIGITS = {
    digit: value
    for value, digit in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
}
_NUMBER = re.compile(r"[g-z0-9+/]*[A-Za-f]|[g-z0-9+/]+|.", re.DOTALL)
"""Digits that another one follows, and the last one; digits without a last one; what is not a digit."""
_NOWHERE = -1


class SourceMapError(ValueError):
    """What should be a source map is none. Its text says why."""


class _MappingError(SourceMapError):
    def __init__(self, segment: str, why: str) -> None:
        super().__init__(f"the mapping {segment[:40]!r} {why}")


@attrs.frozen
class Original:
    """A place in a source: its URL as the map has it, relative or not; line and column count from 0."""

    source: str
    line: int
    column: int


class SourceMap:
    """The mappings of a generated script, by its lines."""

    def __init__(self) -> None:
        self.sources: list[str | None] = []
        self._lines: dict[int, array[int]] = {}
        """Of each mapping where it begins, its source or `_NOWHERE`, and line and column there; four in a row."""

    def original(self, line: int, column: int) -> Original | None:
        """What a place comes from, both counted from 0; None for what the generator has made itself.

        The last mapping of the line which does not begin behind it says that.
        """
        row = self._lines.get(line, _NONE)
        at = bisect_right(range(len(row) // 4), column, key=lambda index: row[4 * index])
        if at == 0:
            return None
        _, source, original_line, original_column = row[4 * at - 4 : 4 * at]
        name = None if source == _NOWHERE else self.sources[source]
        return None if name is None else Original(name, original_line, original_column)

    @property
    def mappings(self) -> int:
        """How many it has."""
        return sum(map(len, self._lines.values())) // 4

    def _add(self, line: int, row: array[int]) -> None:
        """Generators need not write the mappings of a line in their order."""
        begins = row[::4].tolist()
        if begins != sorted(begins):
            fours = sorted((row[at : at + 4] for at in range(0, len(row), 4)), key=lambda four: four[0])
            row = array("q", [number for four in fours for number in four])
        self._lines.setdefault(line, array("q")).extend(row)


_NONE = array("q")


def mapping_url(source: str) -> str | None:
    """The URL that a script's last comment gives for its map, None where there is none.

    Spec: https://tc39.es/ecma426/#sec-JavaScriptExtractSourceMapURL, without parsing: no code stands behind it.
    """
    for line in _last_lines(source):
        text = line.strip()
        if found := _url_in(text):
            return found
        if text and not text.startswith("//"):
            return None
    return None


def _url_in(line: str) -> str | None:
    """What `//[#@]\\s*sourceMappingURL=(\\S+)$` finds first; that would take the square of a line's length."""
    *before, last = line.rsplit(maxsplit=1) or [""]
    if last.startswith(_NAME) and before and before[0].endswith(_COMMENTS):
        return last[len(_NAME) :] or None
    begins = [at for each in _COMMENTS if (at := last.find(each + _NAME)) >= 0]
    return last[min(begins) + len(_COMMENTS[0] + _NAME) :] or None if begins else None


def _last_lines(source: str) -> Iterator[str]:
    """A script's lines from its end, without cutting all of it into lines."""
    ends = {mark: source.rfind(mark) for mark in _LINE_ENDS}
    end = len(source)
    for _ in range(MOST_LINES):
        mark = max(ends, key=lambda each: ends[each])
        at = ends[mark]
        yield source[at + 1 : end]
        if at < 0:
            return
        ends[mark] = source.rfind(mark, 0, at)
        end = at


def parse(text: str, most: int | None = None) -> SourceMap:
    """Read a map, or one of sections: https://tc39.es/ecma426/#sec-ParseSourceMap. Raises SourceMapError.

    One that is too large is refused before it is decoded; `most` is MOST_MAPPINGS where it is not given.
    """
    if len(text) > MOST_TEXT:
        raise SourceMapError(f"it has {len(text):,} characters; at most {MOST_TEXT:,} are read")
    nested = text.count("[") + text.count("{")
    if nested > MOST_NESTED:
        raise SourceMapError(f"it has {nested:,} brackets that open; at most {MOST_NESTED:,} are read")
    if text.startswith(")]}'"):  # which keeps a page from including it as a script
        text = text.partition("\n")[2]
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceMapError(f"it is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise SourceMapError("it is not an object")
    result = SourceMap()
    parts = [(found, 0, 0)] if "sections" not in found else map(_section, _list(found, "sections"))
    left = MOST_MAPPINGS if most is None else most
    for part, line, column in parts:
        left -= _mappings_of(part, left)
        _read(result, part, line, column)
    return result


def _section(section: Any) -> tuple[dict[str, Any], int, int]:
    """A map in a map, and the line and column where it begins: https://tc39.es/ecma426/#sec-index-source-map"""
    if not isinstance(section, dict) or not isinstance(section.get("map"), dict):
        raise SourceMapError("a section has no map")
    offset = section.get("offset")
    line, column = (offset.get("line"), offset.get("column")) if isinstance(offset, dict) else (None, None)
    if not _is_count(line) or not _is_count(column):
        raise SourceMapError("a section's offset has no line and column")
    return section["map"], line, column


def _mappings_of(found: dict[str, Any], left: int) -> int:
    """About how many mappings a map has, which is known before they are read. `left`: so many are read."""
    text = found.get("mappings")
    if not isinstance(text, str):
        return 0
    if len(text) > MOST:
        raise SourceMapError(f"its mappings are {len(text):,} characters; at most {MOST:,} are read")
    count = text.count(",") + text.count(";") + 1
    if count > left:
        raise SourceMapError(f"it has {count:,} mappings; at most {left:,} are read")
    return count


def _read(result: SourceMap, found: dict[str, Any], first_line: int, first_column: int) -> None:
    """Add what a map says, moved to where it begins: https://tc39.es/ecma426/#sec-DecodeMappings"""
    if found.get("version") != 3:
        raise SourceMapError(f"its version is {found.get('version')!r:.40}; 3 is known")
    sources = _sources(found)
    text = found.get("mappings")
    if not isinstance(text, str):
        raise SourceMapError("its mappings are not text")
    base = len(result.sources)
    result.sources += sources
    source = line = column = 0
    for index, segments in enumerate(text.split(";")):
        if not segments:
            continue
        row = array("q")
        start = first_column if index == 0 else 0
        for segment in segments.split(","):
            fields = _numbers(segment)
            start += fields[0]
            if start < 0:
                raise _MappingError(segment, "begins before its line")
            if len(fields) == 1:
                row.extend((start, _NOWHERE, _NOWHERE, _NOWHERE))
                continue
            source, line, column = source + fields[1], line + fields[2], column + fields[3]
            if not 0 <= source < len(sources) or line < 0 or column < 0:
                raise _MappingError(segment, "leads nowhere")
            row.extend((start, base + source, line, column))
        result._add(first_line + index, row)


def _sources(found: dict[str, Any]) -> list[str | None]:
    """The URLs of the sources, below the root, if there is one: https://tc39.es/ecma426/#sec-DecodeSourceMapSources"""
    root = found.get("sourceRoot")
    if not (root is None or isinstance(root, str)):
        raise SourceMapError("its sourceRoot is not text")
    prefix = f"{root.rstrip('/')}/" if root else ""
    sources: list[str | None] = []
    for each in _list(found, "sources"):
        if not (each is None or isinstance(each, str)):
            raise SourceMapError("a source is not text")
        sources.append(None if each is None else prefix + each)
    return sources


def _list(found: dict[str, Any], name: str) -> list[Any]:
    value = found.get(name)
    if not isinstance(value, list):
        raise SourceMapError(f"its {name} are not a list")
    return value


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


@lru_cache(2**15)
def _numbers(segment: str) -> tuple[int, ...]:
    """The numbers of a mapping: one, four or five of them. https://tc39.es/ecma426/#sec-base64-vlq

    Most mappings of a map are the same few.
    """
    try:
        numbers = tuple(map(_number, _NUMBER.findall(segment)))
    except ValueError as error:
        raise _MappingError(segment, f"has {error}") from None
    if len(numbers) not in (1, 4, 5):
        raise _MappingError(segment, f"has {len(numbers)} numbers; 1, 4 or 5 are known")
    return numbers


@lru_cache(2**12)
def _number(digits: str) -> int:
    """Each digit is of five bits, the lowest first, and a sixth bit where another one follows; the lowest bit of all is
    the sign. Raises ValueError for what is not a number.
    """
    if digits[-1] not in _DIGITS:
        raise ValueError("a character that is not a digit")
    if len(digits) > 7:
        raise ValueError("a number of more than seven digits")
    if _DIGITS[digits[-1]] & 32:
        raise ValueError("a number that ends in the middle")
    value = 0
    for digit in reversed(digits):
        value = value << 5 | (_DIGITS[digit] & 31)
    if value >= 2**32:
        raise ValueError("a number of more than 32 bits")
    return -(value >> 1) if value & 1 else value >> 1
