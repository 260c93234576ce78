"""Text that a script, a server, a file or a URL chose, as it is shown to people: its control characters visible.

Raw, they could set a terminal's title and colours, turn the direction of what follows round, hide characters, and
forge lines. Whatever the runtime writes for people goes through here, and nothing else decides how it looks.
"""

from __future__ import annotations

import re
from unicodedata import category

_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
"""The general categories that are shown as escapes: controls (C0, DEL, C1), format characters (the bidirectional
controls, zero-width spaces, the byte order mark, tags), surrogates, the line and the paragraph separator."""

_PIECES = re.compile("[ -~]+|[^ -~]")
"""Printable ASCII, of which most text is made, and every other character by itself."""

_JOINERS = "\u200c\u200d"
"""ZWNJ and ZWJ, which words of some languages and many emoji are written with: never after an ASCII character."""


def visible(text: str, *, keep: str = "") -> str:
    """`text` with every control and format character as Python writes it: "\\x1b", "\\u202e", "\\n".

    So it has one line, and means the same on every terminal. `keep` has the characters that stay as they are.
    """
    if text.isprintable():
        return text
    shown, known = [""], {char: char for char in keep}
    for piece in _PIECES.findall(text):
        if piece.isprintable() or (piece in _JOINERS and not shown[-1].isascii()):
            shown.append(piece)
            continue
        if piece not in known:
            known[piece] = ascii(piece)[1:-1] if category(piece) in _HIDDEN else piece
        shown.append(known[piece])
    return "".join(shown)


def visible_lines(text: str, indent: str) -> str:
    """As `visible`, of text whose line feeds are meant as such (a console message).

    Every line but the first begins with `indent`, so that none can be taken for one of the runtime's. Tabs become
    spaces.
    """
    return f"\n{indent}".join(visible(line.expandtabs()) for line in text.split("\n"))
