"""What was meant by a word that is not one of those known: "did you mean"."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """`; did you mean 'X'?` where one of `known` is near, else "". To end a message with."""
    from difflib import get_close_matches

    names = list(known)
    near = [name for name in names if given and name.startswith(given)]
    near = near or get_close_matches(given, names)
    return f"; did you mean {near[0]!r}?" if near else ""


def or_known(given: str, known: Iterable[str]) -> str:
    """The same, or all of `known` where none is near."""
    names = list(known)
    if not names:
        return "; there are none"
    return did_you_mean(given, names) or f"; there are: {', '.join(map(repr, names))}"
