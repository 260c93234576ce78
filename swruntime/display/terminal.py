"""Background fetches as progress bars, and text above them.

The bars are on standard output where that is a terminal; elsewhere there is only text. They follow the
specification's rules for a display: origin and title, and whether bandwidth is in use.
"""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from swruntime.ports.display import FetchView


class TerminalDisplay:
    """Implements `swruntime.ports.display.Display`."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
        self._tasks: dict[int, TaskID] = {}
        self._progress: Progress | None = None

    @property
    def live(self) -> bool:
        """Whether there are bars, which make lines of progress needless."""
        return self._console.is_terminal

    def say(self, text: str) -> None:
        """A line of text, above the bars."""
        self._console.print(text)

    def show(self, view: FetchView) -> None:
        if not self.live:
            return
        if self._progress is None:
            self._progress = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                DownloadColumn(binary_units=True),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=self._console,
            )
            self._progress.start()
        if view.fetch not in self._tasks:
            self._tasks[view.fetch] = self._progress.add_task("", total=None)
        self._progress.update(
            self._tasks[view.fetch],
            description=_description(view),
            completed=view.progress.downloaded,
            total=view.progress.download_total or None,
        )

    def remove(self, fetch: int) -> None:
        task = self._tasks.pop(fetch, None)
        if task is not None and self._progress is not None:
            self._progress.remove_task(task)

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
            self._tasks.clear()


def _description(view: FetchView) -> str:
    state = view.progress.result or (
        "paused" if view.paused else "running" if view.bandwidth_in_use else _reason(view)
    )
    return f"{view.origin}  {view.title or view.id}  [{state}]"


def _reason(view: FetchView) -> str:
    reasons = sorted({line.rpartition(": ")[2] for line in view.waiting})
    return f"waits: {', '.join(reasons)}" if reasons else "waits"
