"""Source maps: where in its sources a place in a generated script comes from.

Spec: https://tc39.es/ecma426/
"""

from __future__ import annotations

import json
import re
from array import array
from bisect import bisect_right
from itertools import pairwise
from typing import Any, TypeGuard

import attrs

__all__ = ["MOST", "Original", "SourceMap", "SourceMapError", "mapping_url", "parse"]

MOST = 8 * 1024 * 1024
"""Characters of mappings that are read: some seconds' work. The sources' text in a map does not count."""

_COMMENT = re.compile(r"//[#@]\s*sourceMappingURL=(\S+)$")
_DIGITS = {
    digit: value
    for value, digit in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
}
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

    def _add(self, line: int, row: array[int]) -> None:
        """Generators need not write the mappings of a line in their order."""
        if any(one > other for one, other in pairwise(row[::4])):
            fours = sorted((row[at : at + 4] for at in range(0, len(row), 4)), key=lambda four: four[0])
            row = array("q", [number for four in fours for number in four])
        self._lines.setdefault(line, array("q")).extend(row)


_NONE = array("q")


def mapping_url(source: str) -> str | None:
    """The URL that a script's last comment gives for its map, None where there is none.

    Spec: https://tc39.es/ecma426/#sec-JavaScriptExtractSourceMapURL, without parsing: no code stands behind it.
    """
    for line in reversed(source.splitlines()):
        text = line.strip()
        if found := _COMMENT.search(text):
            return found[1]
        if text and not text.startswith("//"):
            return None
    return None


def parse(text: str) -> SourceMap:
    """Read a map, or one of sections: https://tc39.es/ecma426/#sec-ParseSourceMap. Raises SourceMapError."""
    if text.startswith(")]}'"):  # which keeps a page from including it as a script
        text = text.partition("\n")[2]
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceMapError(f"it is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise SourceMapError("it is no object")
    result = SourceMap()
    if "sections" in found:
        for section in _list(found, "sections"):
            _read(result, *_section(section))
    else:
        _read(result, found, 0, 0)
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


def _read(result: SourceMap, found: dict[str, Any], first_line: int, first_column: int) -> None:
    """Add what a map says, moved to where it begins: https://tc39.es/ecma426/#sec-DecodeMappings"""
    if found.get("version") != 3:
        raise SourceMapError(f"its version is {found.get('version')!r}; 3 is known")
    sources = _sources(found)
    text = found.get("mappings")
    if not isinstance(text, str):
        raise SourceMapError("its mappings are no text")
    if len(text) > MOST:
        raise SourceMapError(f"its mappings are {len(text):,} characters; at most {MOST:,} are read")
    base = len(result.sources)
    result.sources += sources
    source = line = column = 0
    for index, segments in enumerate(text.split(";")):
        row = array("q")
        start = first_column if index == 0 else 0
        for segment in segments.split(",") if segments else ():
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
        raise SourceMapError("its sourceRoot is no text")
    prefix = f"{root.rstrip('/')}/" if root else ""
    sources: list[str | None] = []
    for each in _list(found, "sources"):
        if not (each is None or isinstance(each, str)):
            raise SourceMapError("a source is no text")
        sources.append(None if each is None else prefix + each)
    return sources


def _list(found: dict[str, Any], name: str) -> list[Any]:
    value = found.get(name)
    if not isinstance(value, list):
        raise SourceMapError(f"its {name} are no list")
    return value


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _numbers(segment: str) -> list[int]:
    """The numbers of a mapping: one, four or five of them. https://tc39.es/ecma426/#sec-base64-vlq

    Each is digits of five bits, the lowest first, and a sixth bit where another one follows; the lowest bit of all is
    the sign.
    """
    numbers = []
    value = shift = 0
    for character in segment:
        digit = _DIGITS.get(character)
        if digit is None:
            raise _MappingError(segment, "has a character that is no digit")
        value += (digit & 31) << shift
        if value >= 2**32:
            raise _MappingError(segment, "has a number of more than 32 bits")
        shift += 5
        if shift >= 40:
            raise _MappingError(segment, "has a number of more than seven digits")
        if digit & 32 == 0:
            numbers.append(-(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    if shift:
        raise _MappingError(segment, "ends in the middle of a number")
    if len(numbers) not in (1, 4, 5):
        raise _MappingError(segment, f"has {len(numbers)} numbers; 1, 4 or 5 are known")
    return numbers
