"""Text alone, and where it is chosen in place of bars."""

from __future__ import annotations

import io
import sys

import pytest

from swruntime.concepts.background import Progress
from swruntime.display import open_display
from swruntime.display.terminal import TerminalDisplay
from swruntime.display.text import TextDisplay
from swruntime.ports.display import FetchView


class Output(io.StringIO):
    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal
        self.flushed = ""

    def isatty(self) -> bool:
        return self._terminal

    def flush(self) -> None:
        self.flushed = self.getvalue()


@pytest.fixture(autouse=True)
def _no_wishes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("terminal", "variable", "kind", "live"),
    [
        (False, None, TextDisplay, False),
        (True, None, TerminalDisplay, True),
        (False, ("FORCE_COLOR", "1"), TerminalDisplay, True),
        (False, ("TTY_COMPATIBLE", "1"), TerminalDisplay, True),
        (True, ("TTY_COMPATIBLE", "0"), TerminalDisplay, False),
    ],
)
def test_bars_are_for_terminals(
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,
    variable: tuple[str, str] | None,
    kind: type[TextDisplay],
    live: bool,
) -> None:
    monkeypatch.setattr(sys, "stdout", Output(terminal=terminal))
    if variable is not None:
        monkeypatch.setenv(*variable)
    display = open_display()
    assert (type(display), display.live) == (kind, live)


@pytest.mark.parametrize(
    "text", ["a\nb", "\x1b[2Jgone\t\x07", "caf\u00e9 \u202e", "[bold]no markup[/] :smile: 12"]
)
def test_it_says_what_a_terminal_display_says_there(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Each line at once: whoever reads along must not wait for the end."""
    said = []
    for display in (TextDisplay, TerminalDisplay):
        output = Output(terminal=False)
        monkeypatch.setattr(sys, "stdout", output)
        display().say(text)
        said.append(output.flushed)
    assert said[0] == said[1] != ""


def test_it_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    output = Output(terminal=False)
    monkeypatch.setattr(sys, "stdout", output)
    display = TextDisplay()
    display.show(
        FetchView(
            fetch=1,
            id="a",
            title="",
            origin="http://localhost:8400",
            icons=(),
            progress=Progress(downloaded=1),
            paused=False,
            bandwidth_in_use=True,
            waiting=(),
        )
    )
    display.remove(1)
    display.close()
    assert output.getvalue() == ""
