"""Comments that silence a diagnostic at one place: `# swruntime: allow=CODE[,CODE]`, in JavaScript `// swruntime: ...`.

Such a comment is for the line that it stands on. One that has a line for itself is for the line below.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator, Mapping

_COMMENT = re.compile(r"(?:#|//)\s*swruntime:\s*allow=(?P<codes>.*)")
_MARK = "swruntime:"
_JAVASCRIPT = re.compile(
    r"""(?P<comment>//[^\n\r]*)
    | /\*.*?\*/ | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' | `(?:\\.|[^`\\])*`""",
    re.DOTALL | re.VERBOSE,
)
"""Comments, and what only looks like one. Without a parser, a quote in a regular expression hides what follows it."""


def allowances(source: str, *, javascript: bool = False) -> Mapping[int, frozenset[str]]:
    """The codes that are allowed, by line, from 1. `source` is Python that compiles, or JavaScript."""
    allowed: dict[int, frozenset[str]] = {}
    for line, own, codes in _comments(source, javascript):
        for each in (line, line + 1) if own else (line,):
            allowed[each] = allowed.get(each, frozenset()) | codes
    return allowed


def unknown_codes(
    source: str, known: Mapping[str, object], *, javascript: bool = False
) -> list[tuple[int, str]]:
    """What such comments allow that is not among `known`: the line and the code, in order."""
    return [
        (line, code)
        for line, _, codes in _comments(source, javascript)
        for code in sorted(codes)
        if code not in known
    ]


def _comments(source: str, javascript: bool) -> Iterator[tuple[int, bool, frozenset[str]]]:
    """Each comment's line, whether it has that line for itself, and its codes."""
    if _MARK not in source:
        return
    for line, text, before in _javascript(source) if javascript else _python(source):
        match = _COMMENT.match(text)
        if match is not None:
            # What comes after the codes, and a space, is for people.
            codes = re.split(r"\s*,\s*", match["codes"].strip())
            yield line, not before.strip(), frozenset(code.split()[0] if code else code for code in codes)


def _python(source: str) -> Iterator[tuple[int, str, str]]:
    """Each comment: its line, its text, and what is before it on that line."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string, token.line[: token.start[1]]


def _javascript(source: str) -> Iterator[tuple[int, str, str]]:
    for found in _JAVASCRIPT.finditer(source):
        if (comment := found["comment"]) is not None and _MARK in comment:
            before = source[: found.start()]
            yield before.count("\n") + 1, comment, before.rpartition("\n")[2]
