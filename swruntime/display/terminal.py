"""Background fetches as progress bars, and text above them.

The bars are on standard output where that is a terminal; elsewhere there is only text. They follow the
specification's rules for a display: origin and title, and whether bandwidth is in use.
"""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)
from rich.table import Column

from swruntime.algorithms.visible_text import visible
from swruntime.display.guarded import guard_standard_streams, unguarded
from swruntime.display.text import TextDisplay
from swruntime.ports.display import FetchView


class TerminalDisplay(TextDisplay):
    """Implements `swruntime.ports.display.Display`."""

    def __init__(self, console: Console | None = None) -> None:
        # The console's own control sequences move the cursor; whatever else it writes is made visible here.
        self._console = console or Console(
            file=unguarded(sys.stdout), highlight=False, soft_wrap=True, markup=False, emoji=False
        )
        self._tasks: dict[int, TaskID] = {}
        self._progress: Progress | None = None

    @property
    def live(self) -> bool:
        """Whether there are bars, which make lines of progress needless."""
        return self._console.is_terminal

    def say(self, text: str) -> None:
        """Text, above the bars. Its line feeds are meant as such; every other control character is shown."""
        self._console.print(
            visible(text, keep="\n"), markup=False, emoji=False, highlight=False, soft_wrap=True
        )

    def show(self, view: FetchView) -> None:
        if not self.live:
            return
        if self._progress is None:
            self._progress = Progress(
                # What does not fit in a line of the terminal is cut off here, and nowhere else.
                TextColumn("{task.description}", markup=False, table_column=_column(ratio=1)),
                TextColumn("{task.fields[state]}", markup=False, table_column=_column()),
                BarColumn(bar_width=12, table_column=_column()),
                DownloadColumn(binary_units=True, table_column=_column()),
                TransferSpeedColumn(table_column=_column()),
                console=self._console,
                expand=True,
            )
            self._progress.start()
            guard_standard_streams()  # what others print goes through the console now
        description = visible(f"{_host(view.origin)}  {view.title or view.id}")
        done, total, state = view.progress.downloaded, view.progress.download_total or None, _state(view)
        task = self._tasks.get(view.fetch)
        if task is None:
            self._tasks[view.fetch] = self._progress.add_task(
                description, total=total, completed=done, state=state
            )
        else:
            self._progress.update(task, description=description, total=total, completed=done, state=state)

    def remove(self, fetch: int) -> None:
        task = self._tasks.pop(fetch, None)
        if task is not None and self._progress is not None:
            self._progress.remove_task(task)

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
            self._tasks.clear()


def _column(ratio: int | None = None) -> Column:
    return Column(no_wrap=True, ratio=ratio, overflow="ellipsis")


def _host(origin: str) -> str:
    return origin.partition("://")[2] or origin


def _state(view: FetchView) -> str:
    if view.progress.result:
        return view.progress.result
    if view.paused:
        return "paused"
    if view.bandwidth_in_use:
        return "running"
    reasons = sorted({line.rpartition(": ")[2] for line in view.waiting})
    return f"waits: {', '.join(reasons)}" if reasons else "waits"
