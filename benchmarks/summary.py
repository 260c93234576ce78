"""All rows in one table: each ratio now, and beside it that of the versions before."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.contest import Pair, Row
from benchmarks.figures import Comparison


def summary(rows: Sequence[Row], sides: Sequence[str]) -> list[tuple[str, ...]]:
    """A head, and a line for each pair of the first of `sides` with who is not another of them.

    A version before has the same pair under its own name; where a row has no such pair, it is compared with those.
    """
    lines: list[tuple[str, ...]] = [("row", "what", *sides)]
    for row in rows:
        found = {(pair.ours, pair.theirs): (pair, comparison) for pair, comparison in row.compared()}
        mine = [(pair, comparison) for pair, comparison in found.values() if _is_of(pair.ours, sides[0])]
        peers = [each for each in mine if not any(_is_of(each[0].theirs, side) for side in sides[1:])]
        for pair, comparison in peers or mine:
            earlier = [
                found.get((_of(pair.ours, sides[0], side), _of(pair.theirs, sides[0], side)))
                for side in sides[1:]
            ]
            shown = [_shown(*each) if each else "" for each in earlier]
            lines.append((row.name, _what(pair, sides[0]), _shown(pair, comparison), *shown))
    return lines


def _is_of(name: str, side: str) -> bool:
    return name == side or name.startswith((f"{side} ", f"{side}, "))


def _of(name: str, side: str, other: str) -> str:
    return other + name.removeprefix(side) if _is_of(name, side) else name


def _what(pair: Pair, side: str) -> str:
    ours, theirs = (
        name.removeprefix(side).lstrip(", ") if _is_of(name, side) else name
        for name in (pair.ours, pair.theirs)
    )
    between = "more than" if pair.more else "by"
    return f"{ours} {between} {theirs}".strip()


def _shown(pair: Pair, comparison: Comparison) -> str:
    unit = " s" if pair.more else ""
    processor = "" if comparison.cpu is None else f" ({comparison.cpu.median:.2f}{unit})"
    return f"{comparison.wall.median:.2f}{unit}{processor}"
