"""What the text of a classic script says of its globals: which there may be, and what is done with them where.

There is no parser here. The text is looked at without its comments and literals, and what is found is a proposal: the
engine knows whether a name is a global, and its reads are seen as they happen. A script of which this makes no sense
(brackets that do not match), one that is very long, and one that finds its variables by other means is left alone.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache

import attrs

LONGEST = 512 * 1024
"""Characters of a script that is looked at."""
MOST = 100
"""Globals that are looked at."""

_NAME = r"[A-Za-z_$][\w$]*"
_LITERAL = re.compile(
    r"""(?P<kept>(?:[=(,:;!&|?\[{}]|\breturn)\s*+)/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*+\]?+|[^/\\\[\n])*+(?:/|(?=\n)|\\?\Z)
    | //[^\n\r]*+ | /\*(?:.*?\*/|.*+)
    | "(?:\\.|[^"\\\n])*+(?:"|(?=\n)|\\?\Z) | '(?:\\.|[^'\\\n])*+(?:'|(?=\n)|\\?\Z)
    | `(?:\\.|[^`\\])*+(?:`|\\?\Z)""",
    re.DOTALL | re.VERBOSE,
)
"""Each ends with its line or the text where nothing else ends it, so that no part of the text is looked at twice."""
_BRACKET = re.compile(r"[()\[\]{};]")
_DECLARATION = re.compile(rf"(?<![\w$.])(?P<keyword>let|const|var)\s+(?P<name>{_NAME})(?![\w$])")
_PROPERTY = re.compile(rf"(?<![\w$.])(?:self|globalThis)\s*\.\s*(?P<name>{_NAME})\s*=(?![=>])")
_OTHER_MEANS = re.compile(r"(?<![\w$.])(?:eval|Function|with)\s*\(")
_OPERATOR = r"(?:\*\*|<<|>>>?|&&|\|\||\?\?|[-+*/%&|^])?=(?![=>])"
_FILL = r"(?:set|add|push|unshift|splice|append|put)"


@attrs.frozen
class Declared:
    """Where a global is declared: `offset` is that of the keyword; "", where it is only assigned to."""

    keyword: str
    offset: int


@attrs.frozen
class Globals:
    """The globals that a script may have, and its text without comments and literals, of the same length."""

    names: dict[str, Declared]
    text: str
    ends: list[int]
    """Where its top-level statements end."""
    lines: list[int]
    """Where its lines begin."""

    def statement(self, line: int, column: int) -> str:
        """The top-level statement at a place; both count from 1."""
        at = self._offset(line) + column - 1
        after = bisect_right(self.ends, at)
        begin = self.ends[after - 1] if after > 0 else 0
        return self.text[begin : self.ends[after] if after < len(self.ends) else None]

    def line(self, line: int) -> str:
        """A line, from 1."""
        return self.text[self._offset(line) :].partition("\n")[0]

    def filled_at(self, name: str) -> tuple[int, int]:
        """Line and column where something is put into a global: after its declaration if there is such."""
        found = fills(name).search(self.text)
        at = self.names[name].offset if found is None else found.start()
        line = bisect_right(self.lines, at)
        return line, at - self.lines[line - 1] + 1

    def _offset(self, line: int) -> int:
        return self.lines[min(max(line, 1), len(self.lines)) - 1]


@lru_cache(64)
def globals_of(source: str) -> Globals | None:
    """None for a script that is not looked at. The same for every start of its worker."""
    if len(source) > LONGEST:
        return None
    text = _LITERAL.sub(_blank, source)
    depths = _depths(text)
    if depths is None or _OTHER_MEANS.search(text) is not None:
        return None
    positions, levels, ends = depths
    found: dict[str, Declared] = {}
    twice: set[str] = set()
    for match in _DECLARATION.finditer(text):
        if levels[bisect_right(positions, match.start()) - 1] == 0:
            name = match["name"]
            if name in found:
                twice.add(name)
            found[name] = Declared(match["keyword"], match.start())
    for match in _PROPERTY.finditer(text):
        found.setdefault(match["name"], Declared("", match.start()))
    names = [name for name in found if name not in twice][:MOST]
    lines = [0, *(match.end() for match in re.finditer("\n", text))]
    return Globals({name: found[name] for name in names}, text, ends, lines)


def _blank(match: re.Match[str]) -> str:
    kept = match["kept"] or ""
    return kept + re.sub(r"[^\n]", " ", match[0][len(kept) :])


def _depths(text: str) -> tuple[list[int], list[int], list[int]] | None:
    """Where the depth of brackets changes, to what, and where top-level statements end. None where they do not fit."""
    positions, levels, ends = [-1], [0], []
    opened: list[str] = []
    for match in _BRACKET.finditer(text):
        bracket, at = match[0], match.start()
        if bracket in "([{":
            opened.append(bracket)
        elif bracket != ";" and (not opened or opened.pop() + bracket not in ("()", "[]", "{}")):
            return None
        if not opened and bracket in ";}":
            ends.append(at + 1)
        positions.append(at)
        levels.append(len(opened))
    return None if opened else (positions, levels, ends)


def fills(name: str) -> re.Pattern[str]:
    """Where a global is bound anew, or something is put into it. Its declaration is no such place."""
    own = rf"(?<![\w$.])(?:(?:self|globalThis)\s*\.\s*)?{re.escape(name)}(?![\w$])"
    return re.compile(
        rf"(?<!let )(?<!const )(?<!var ){own}\s*(?:{_OPERATOR}|\+\+|--|(?:\??\.[\w$]+|\[[^\]]*\])+\s*{_OPERATOR}"
        rf"|(?:\??\.[\w$]+|\[[^\]]*\])*\??\.{_FILL}\s*\()"
        rf"|(?:\+\+|--)\s*{own}|\bassign\s*\(\s*{own}"
    )


def counts(line: str, name: str) -> bool:
    """Whether `name++`, `name += ...` or the like is in a line."""
    own = rf"(?<![\w$.])(?:(?:self|globalThis)\s*\.\s*)?{re.escape(name)}(?![\w$])"
    pattern = rf"{own}\s*(?:\+\+|--|[-+*/]=)|(?:\+\+|--)\s*{own}|{own}\s*=\s*{own}\s*[-+*/]"
    return re.search(pattern, line) is not None


def with_var(source: str, declared: list[Declared]) -> str:
    """The script with `var` in place of `let` and `const` there, every other character in its place."""
    for each in declared:
        if each.keyword:
            end = each.offset + len(each.keyword)
            source = f"{source[: each.offset]}{'var':{len(each.keyword)}}{source[end:]}"
    return source
