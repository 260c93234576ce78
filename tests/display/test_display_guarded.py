"""No control character but a line feed gets onto a guarded stream."""

from __future__ import annotations

import io
import logging
import sys
import traceback
from typing import TextIO, cast

import pytest
from rich.console import Console

from swruntime.concepts.background import Progress
from swruntime.display.guarded import GuardedStream, guard_standard_streams, unguarded
from swruntime.display.terminal import TerminalDisplay
from swruntime.ports.display import FetchView

BAD = "\x1b]0;title\x07\x1b[31m\u202e\x9b31m\r\nforged\ttab"
SHOWN = "\\x1b]0;title\\x07\\x1b[31m\\u202e\\x9b31m\\r\nforged\\ttab"


def test_what_is_written_is_visible() -> None:
    out = io.StringIO()
    guarded = GuardedStream(out)
    assert guarded.write(BAD) == len(BAD)
    assert out.getvalue() == SHOWN
    guarded.writelines(["a\r", "\nb"])
    assert out.getvalue() == f"{SHOWN}a\\r\nb"
    assert not guarded.isatty()  # type: ignore[operator] # all else is the stream's
    assert unguarded(cast(TextIO, guarded)) is out
    assert unguarded(out) is out


def test_what_libraries_print(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    guard_standard_streams()
    first = sys.stdout, sys.stderr
    guard_standard_streams()
    assert (sys.stdout, sys.stderr) == first
    print(BAD)
    logging.StreamHandler(sys.stderr).emit(logging.makeLogRecord({"msg": BAD}))
    try:
        raise ValueError(BAD)
    except ValueError:
        traceback.print_exc()
    assert out.getvalue() == SHOWN + "\n"
    text = err.getvalue()
    assert SHOWN in text
    assert set(text) & {"\x1b", "\x07", "\x9b", "\u202e", "\r", "\t"} == set()


def test_a_process_without_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    guard_standard_streams()
    assert (sys.stdout, sys.stderr) == (None, None)


def test_a_title_and_a_line_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what others print while there are bars: rich sends that through the console, whose markup means nothing."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    console = Console(file=out, force_terminal=True, width=200, color_system=None)
    display = TerminalDisplay(console)
    title = BAD + "[red]x[/red]"
    display.show(FetchView(1, "id", "https://a.test", title, (), Progress(), False, True, ()))
    display.say(BAD)
    print(BAD)
    print(BAD, file=sys.stderr)
    display.close()
    text = out.getvalue()
    assert not any(
        char in text for char in ("\x1b]", "\x07", "\x1b[31m", "\x9b", "\u202e", "\r\nforged", "\t")
    )
    assert "\\x1b]0;title\\x07\\x1b[31m\\u202e\\x9b31m\\r\\nforged\\ttab[red]x[/red]" in text
    assert text.count(SHOWN.split("\n", maxsplit=1)[0] + "\n") == 3
