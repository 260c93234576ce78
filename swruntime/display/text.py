"""Text alone: what is told of a background fetch where standard output is not a terminal."""

from __future__ import annotations

from swruntime.algorithms.visible_text import visible
from swruntime.ports.display import FetchView


class TextDisplay:
    """Implements `swruntime.ports.display.Display`."""

    @property
    def live(self) -> bool:
        """Whether there are bars, which make lines of progress needless."""
        return False

    def say(self, text: str) -> None:
        """Text. Its line feeds are meant as such; every other control character is shown."""
        print(visible(text, keep="\n"), flush=True)

    def show(self, view: FetchView) -> None:
        """There is nothing to draw it with."""

    def remove(self, fetch: int) -> None:
        """Nothing was drawn."""

    def close(self) -> None:
        """Nothing was drawn."""
