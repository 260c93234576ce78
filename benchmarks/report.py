"""What was measured, as a table in Markdown, which people read in a terminal as well, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from benchmarks.contest import Pair, Row
from benchmarks.figures import Comparison, Spread, spread
from benchmarks.summary import summary

IDLE = 0.5
"""A load average above it is somebody else's work."""

FACTORS = {"s": (1.0, 2), "ms": (1000.0, 2)}


def markdown(
    rows: Sequence[Row], sides: Sequence[str], facts: Mapping[str, str], loads: Sequence[str]
) -> str:
    lines = [
        *(f"- {name}: {value}" for name, value in facts.items()),
        *(f"- {line}" for line in busy(loads)),
        "",
    ]
    lines += [
        "A time is the median of all rounds, between its least and most. A ratio is made of each round's pair, and is "
        "the median of those, between the least and the most: 1.3 says that the first one takes 1.3 times as long as "
        "the other.",
        "",
    ]
    lines += [*summary_lines(rows, sides), ""]
    for row in rows:
        lines += row_lines(row)
    return "\n".join(lines).rstrip() + "\n"


def row_lines(row: Row) -> list[str]:
    lines = [f"## `{row.name}`: {row.title}", ""]
    if row.samples:
        rounds = max(map(len, row.samples.values()))
        fewer = [f"{name}: {len(samples)}" for name, samples in row.samples.items() if len(samples) < rounds]
        lines += [f"{'; '.join([f'{rounds} rounds', *fewer])}.", "", *_times(row), ""]
    compared = row.compared()
    if compared:
        lines += [*_table(("ratio", "wall", "processor"), [_ratio(*each) for each in compared]), ""]
    for what, said in (("missing", row.missing), ("REFUSED, its times do not count", row.refused)):
        lines += [f"- {name}: {what}: {reason}" for name, reason in said.items()]
    lines += [f"- {note}" for note in row.notes]
    return [*lines, ""]


def summary_lines(rows: Sequence[Row], sides: Sequence[str]) -> list[str]:
    head, *lines = summary(rows, sides)
    if not lines:
        return []
    return ["In short, by the clock (by the processor):", "", *_table(head, lines)]


def busy(loads: Sequence[str]) -> list[str]:
    """The load averages; and what they mean where somebody else used the machine when it began."""
    told = [f"load average before: {loads[0]}; after: {loads[-1]}"]
    if float(loads[0].split()[0]) > IDLE:
        told.append(
            "THE MACHINE WAS BUSY when this began: other work is in these figures, and they are worth little"
        )
    return told


def as_json(rows: Sequence[Row], facts: Mapping[str, str], loads: Sequence[str]) -> dict[str, Any]:
    return {
        "facts": dict(facts),
        "loads": list(loads),
        "rows": [
            attrs.asdict(row)
            | {
                "compared": [
                    attrs.asdict(pair) | attrs.asdict(comparison) for pair, comparison in row.compared()
                ]
            }
            for row in rows
        ],
    }


def _times(row: Row) -> list[str]:
    found = []
    for name, samples in row.samples.items():
        cpu = [sample.cpu for sample in samples if sample.cpu is not None]
        rss = [sample.rss for sample in samples if sample.rss is not None]
        found.append(
            (
                name,
                time(spread([sample.wall for sample in samples]), row.unit),
                time(spread(cpu), row.unit) if cpu else "",
                f"{max(rss) / 1e6:.0f} MB" if rss else "",
            )
        )
    return _table(("", "wall", "processor", "memory"), found)


def time(value: Spread, unit: str) -> str:
    factor, digits = FACTORS[unit]
    median, least, most = (f"{each * factor:.{digits}f}" for each in (value.median, value.least, value.most))
    return f"{median} {unit} [{least}..{most}]"


def _ratio(pair: Pair, comparison: Comparison) -> tuple[str, str, str]:
    if pair.more:
        more = f"{pair.ours} more than {pair.theirs}"
        return (more, _seconds(comparison.wall), _seconds(comparison.cpu))
    return (f"{pair.ours} / {pair.theirs}", quotient(comparison.wall), quotient(comparison.cpu))


def _seconds(value: Spread | None) -> str:
    return "" if value is None else time(value, "s")


def quotient(value: Spread | None) -> str:
    return "" if value is None else f"{value.median:.2f} [{value.least:.2f}..{value.most:.2f}]"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """In columns of one width each, so that it can be read as it is."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(row: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"

    return [line(head), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)]
