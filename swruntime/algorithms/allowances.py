"""Comments that silence a diagnostic at one place: `# swruntime: allow=CODE[,CODE]`.

Such a comment is for the line that it stands on. One that has a line for itself is for the line below.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator, Mapping

_COMMENT = re.compile(r"#\s*swruntime:\s*allow=(?P<codes>.*)")
_MARK = "swruntime:"


def allowances(source: str) -> Mapping[int, frozenset[str]]:
    """The codes that are allowed, by line, from 1. `source` is Python that compiles."""
    allowed: dict[int, frozenset[str]] = {}
    for line, own, codes in _comments(source):
        for each in (line, line + 1) if own else (line,):
            allowed[each] = allowed.get(each, frozenset()) | codes
    return allowed


def unknown_codes(source: str, known: Mapping[str, object]) -> list[tuple[int, str]]:
    """What such comments allow that is not among `known`: the line and the code, in order."""
    return [
        (line, code) for line, _, codes in _comments(source) for code in sorted(codes) if code not in known
    ]


def _comments(source: str) -> Iterator[tuple[int, bool, frozenset[str]]]:
    """Each comment's line, whether it has that line for itself, and its codes."""
    if _MARK not in source:
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        match = _COMMENT.match(token.string)
        if match is not None:
            # What comes after the codes, and a space, is for people.
            codes = re.split(r"\s*,\s*", match["codes"].strip())
            own = not token.line[: token.start[1]].strip()
            yield token.start[0], own, frozenset(code.split()[0] if code else code for code in codes)
