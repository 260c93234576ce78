"""Background fetches as the rows of a screen: what is left out where it is narrow, and summed up where it is low.

No row is wider than the screen. Names are the last to go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import attrs
from rich.cells import cell_len, set_cell_size
from rich.text import Text

from swruntime.algorithms.sizes import human
from swruntime.algorithms.visible_text import visible
from swruntime.ports.display import FetchView

BAR = 12
"""Columns of a bar."""

GAP = 2
"""Columns between two cells."""

LEAST_NAME = 16
"""Columns that a name keeps, if it is as long, while other cells are left out."""


@attrs.frozen
class Shown:
    """A background fetch, and `rate`, the bytes per second at which it came lately; None where that is not known."""

    view: FetchView
    rate: float | None = None

    @property
    def total(self) -> int | None:
        """Bytes in all: what the servers said, else what the page said."""
        view = self.view
        return view.expected if view.expected is not None else view.progress.download_total or None

    @property
    def done(self) -> int:
        return self.view.progress.downloaded


def rows(shown: Sequence[Shown], width: int, height: int) -> list[Text]:
    """At most `height` rows, which may be 1, of at most `width` columns: the busiest ones, and a line for the rest."""
    ordered = sorted(shown, key=lambda each: (_rank(each.view), each.view.fetch))
    if len(ordered) <= height:
        return _table(ordered, width)
    first, rest = ordered[: height - 1], ordered[height - 1 :]
    return [*_table(first, width), Text(_cut(_summary(rest, bool(first)), width))]


def state(view: FetchView) -> str:
    """What it does, in a few words."""
    if view.progress.result:
        return view.progress.result
    if view.paused:
        return "paused"
    if view.bandwidth_in_use:
        return "running"
    reasons = sorted({line.rpartition(": ")[2] for line in view.waiting})
    return f"waits: {', '.join(reasons)}" if reasons else "waits"


def _rank(view: FetchView) -> int:
    if view.progress.result:
        return 3
    return 0 if view.bandwidth_in_use else 2 if view.paused else 1


def _table(shown: Sequence[Shown], width: int) -> list[Text]:
    names = [visible(each.view.title or each.view.id) for each in shown]
    longest = max(map(cell_len, names), default=0)
    room = width - min(longest, LEAST_NAME)
    columns: dict[str, list[str]] = {}
    for title, cell in _CELLS.items():  # the most telling ones first
        cells = [cell(each) for each in shown]
        needed = GAP + max(map(cell_len, cells), default=0)
        if needed > GAP and needed <= room:
            columns[title] = cells
            room -= needed
    widths = {title: max(map(cell_len, cells)) for title, cells in columns.items()}
    name_width = max(0, min(longest, width - sum(GAP + each for each in widths.values())))
    found = []
    for number, name in enumerate(names):
        row = Text(no_wrap=True, end="")
        for title in _ORDER:
            if title != "name" and title not in columns:
                continue
            row.append(" " * GAP if row else "")
            if title == "name":
                row.append(_pad(_cut(name, name_width), name_width))
            else:
                _append(row, title, _pad(columns[title][number], widths[title], right=title in _NUMBERS))
        row.rstrip()
        found.append(row)
    return found


def _append(row: Text, title: str, cell: str) -> None:
    if title != "bar":
        row.append(cell, style={"state": "bold", "rate": "cyan"}.get(title, ""))
        return
    done = cell.rstrip(" ").rstrip("╌")
    row.append(done, style="green")
    row.append(cell[len(done) :], style="dim")


def _host(each: Shown) -> str:
    origin = each.view.origin
    return visible(origin.partition("://")[2] or origin)


def _size(each: Shown) -> str:
    up = f", {human(each.view.progress.uploaded)} sent" if each.view.progress.uploaded else ""
    return f"{human(each.done) if each.total is None else _of(human(each.done), human(each.total))}{up}"


def _of(done: str, total: str) -> str:
    """The unit once, where it is the same."""
    (number, unit), whole = done.split(), total.split()
    return f"{number}/{total}" if unit == whole[1] else f"{done} of {total}"


def _bar(each: Shown) -> str:
    if not each.total:
        return ""
    full = min(BAR, BAR * each.done // each.total)
    return "━" * full + "╌" * (BAR - full)


def _rate(each: Shown) -> str:
    return f"{human(round(each.rate))}/s" if each.rate and each.view.bandwidth_in_use else ""


def _left(each: Shown) -> str:
    """The time that the rest takes, at this rate."""
    if not each.rate or each.rate < 1 or each.total is None or not each.view.bandwidth_in_use:
        return ""
    seconds = max(0, round((each.total - each.done) / each.rate))
    if seconds >= 100 * 3600:
        return f"{seconds // 86400} d"
    if seconds >= 3600:
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{seconds // 60}:{seconds % 60:02}"


def _records(each: Shown) -> str:
    view = each.view
    return f"{view.settled}/{view.records}" if view.records > 1 else ""


_CELLS: dict[str, Callable[[Shown], str]] = {
    "state": lambda each: state(each.view),
    "size": _size,
    "records": _records,
    "rate": _rate,
    "left": _left,
    "bar": _bar,
    "host": _host,
}
_ORDER = ("host", "name", "bar", "size", "records", "rate", "left", "state")
_NUMBERS = ("size", "records", "rate", "left")


def _summary(rest: Sequence[Shown], further: bool) -> str:
    count = Counter(state(each.view).partition(":")[0] for each in rest)
    many = f"{len(rest):,}{' more' if further else ' background fetches'}"
    return f"{many}: {', '.join(f'{number:,} {what}' for what, number in count.most_common())}; " + human(
        sum(each.done for each in rest)
    )


def _cut(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1) + "…" if width > 0 else ""


def _pad(text: str, width: int, *, right: bool = False) -> str:
    room = " " * (width - cell_len(text))
    return room + text if right else text + room
