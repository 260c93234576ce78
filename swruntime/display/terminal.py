"""Background fetches in a terminal, and text above them.

The rows are on standard output where that is a terminal; elsewhere there is only text. They follow the
specification's rules for a display: origin and title, and whether bandwidth is in use.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from swruntime.algorithms.visible_text import visible
from swruntime.display.guarded import guard_standard_streams, unguarded
from swruntime.display.rows import Shown, rows
from swruntime.display.text import TextDisplay
from swruntime.ports.display import FetchView

REFRESHES = 5.0
"""A second."""

WINDOW = 5.0
"""Seconds over which a rate is taken."""


class TerminalDisplay(TextDisplay):
    """Implements `swruntime.ports.display.Display`. `clock` is in seconds, and never goes back."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        # The console's own control sequences move the cursor; whatever else it writes is made visible here.
        self._console = console or Console(
            file=unguarded(sys.stdout), highlight=False, soft_wrap=True, markup=False, emoji=False
        )
        self._clock = clock
        self._shown: dict[int, Shown] = {}
        self._rates: dict[int, Rate] = {}
        self._live: Live | None = None

    @property
    def live(self) -> bool:
        """Whether there are rows, which make lines of progress needless. A dumb terminal has none."""
        return self._console.is_interactive

    def say(self, text: str) -> None:
        """Text, above the rows. Its line feeds are meant as such; every other control character is shown."""
        self._console.print(
            visible(text, keep="\n"), markup=False, emoji=False, highlight=False, soft_wrap=True
        )

    def show(self, view: FetchView) -> None:
        if not self.live:
            return
        rate = self._rates.setdefault(view.fetch, Rate())
        rate.note(self._clock(), view.progress.downloaded)
        self._shown[view.fetch] = Shown(view, rate.per_second)
        if self._live is None:
            screen = _Screen(lambda: list(self._shown.values()))
            self._live = _Live(screen, console=self._console, refresh_per_second=REFRESHES)
            self._live.start()
            guard_standard_streams()  # what others print goes through the console now

    def remove(self, fetch: int) -> None:
        self._shown.pop(fetch, None)
        self._rates.pop(fetch, None)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
            self._shown.clear()
            self._rates.clear()


class Rate:
    """At which bytes come: over the last seconds, so that it neither jumps nor remembers a pause."""

    def __init__(self) -> None:
        self._noted: deque[tuple[float, int]] = deque()

    def note(self, now: float, done: int) -> None:
        """`done` bytes are there at `now`, in seconds."""
        if self._noted and done < self._noted[-1][1]:
            self._noted.clear()  # it began anew
        self._noted.append((now, done))
        while now - self._noted[0][0] > WINDOW:
            self._noted.popleft()

    @property
    def per_second(self) -> float | None:
        (began, first), (now, last) = self._noted[0], self._noted[-1]
        return (last - first) / (now - began) if now > began else None


class _Screen:
    """What is drawn at each refresh, which another thread may ask for; and what was drawn last."""

    def __init__(self, shown: Callable[[], Sequence[Shown]]) -> None:
        self._shown = shown
        self.widths: list[int] = []
        """Of the rows that were drawn last, in columns."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # In the last column a cursor would stand in the next row, on some terminals; and there is text above the rows.
        drawn = rows(self._shown(), max(1, console.width - 1), max(1, console.height - 2))
        self.widths = [cell_len(row.plain) for row in drawn]
        yield Text("\n", no_wrap=True, end="").join(drawn)


class _Live(Live):
    """A live display that erases all of itself after the terminal has become narrower, too.

    The terminal has wrapped its rows by then: rich goes up by as many rows as it drew.
    """

    def __init__(self, screen: _Screen, *, console: Console, refresh_per_second: float) -> None:
        self._screen_rows = screen
        super().__init__(screen, console=console, refresh_per_second=refresh_per_second)

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        found = super().process_renderables(renderables)
        further = sum(max(0, width - 1) // self.console.width for width in self._screen_rows.widths)
        if not further:
            return found
        up = ((ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2))
        erase = Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2), *(up * further))
        return [erase, *found]
