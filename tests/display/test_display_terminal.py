"""Background fetches in a terminal, and where there is none."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from swruntime.concepts.background import Progress
from swruntime.display.terminal import TerminalDisplay
from swruntime.ports.display import FetchView


def view(**changes: object) -> FetchView:
    values: dict[str, object] = {
        "fetch": 1,
        "id": "ep-5",
        "origin": "https://podcast.test",
        "title": "Episode 5",
        "icons": (),
        "progress": Progress(downloaded=512, download_total=1024),
        "paused": False,
        "bandwidth_in_use": True,
    }
    return FetchView(**{**values, **changes})  # type: ignore[arg-type]


def shown(*views: FetchView, terminal: bool = True, width: int = 80) -> str:
    """What is on the screen in the end."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=width, color_system=None, markup=False)
    display = TerminalDisplay(console)
    for each in views:
        display.show(each)
    display.close()
    return out.getvalue()


def test_a_bar_has_origin_title_state_and_bytes() -> None:
    text = shown(view())
    for part in ("podcast.test", "Episode 5", "running", "512 B of 1 KiB"):
        assert part in text


def test_without_a_title_the_id_is_shown() -> None:
    assert "ep-5" in shown(view(title=""))


def test_the_state_is_told() -> None:
    assert "paused" in shown(view(paused=True, bandwidth_in_use=False))
    assert "waits: dns, offline" in shown(
        view(bandwidth_in_use=False, waiting=("http://a/: offline", "http://b/: dns", "http://c/: offline"))
    )
    assert "success" in shown(view(progress=Progress(512, result="success")))


def test_what_looks_like_markup_is_text() -> None:
    assert "[b]x[/b] :smile: {y}" in shown(view(title="[b]x[/b] :smile: {y}"), width=120)


def test_a_long_title_is_cut_off_and_keeps_to_its_line() -> None:
    """The last frame: a line of the terminal's width, with everything else whole."""
    text = shown(view(title="An episode " * 30, bandwidth_in_use=False, waiting=("u: offline",)))
    frames = [line for line in text.replace("\r", "\n").split("\n") if "podcast.test" in line]
    assert frames
    for part in ("…", "waits: offline", "512 B of 1 KiB"):
        assert part in frames[-1], frames[-1]


def test_without_a_terminal_there_are_no_bars() -> None:
    assert shown(view(), terminal=False) == ""


def test_text_goes_out_as_it_is() -> None:
    out = io.StringIO()
    display = TerminalDisplay(
        Console(file=out, width=20, soft_wrap=True, markup=False, emoji=False, highlight=False)
    )
    display.say("[red] :smile: a line that is longer than the terminal is wide")
    assert out.getvalue() == "[red] :smile: a line that is longer than the terminal is wide\n"


def test_what_is_over_is_removed() -> None:
    out = io.StringIO()
    display = TerminalDisplay(Console(file=out, force_terminal=True, width=80, color_system=None))
    display.show(view(fetch=1, title="First"))
    display.show(view(fetch=2, title="Second"))
    display.remove(1)
    display.remove(3)  # nobody knew it
    out.truncate(0)
    display.close()
    assert "Second" in out.getvalue()
    assert "First" not in out.getvalue()


def test_after_it_became_narrower_all_of_it_is_erased() -> None:
    """Three rows of 89 columns are four each in a terminal of 29: up by 11, from the last one's end."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=90, height=20, color_system=None)
    display = TerminalDisplay(console)
    for number in range(3):
        display.show(view(fetch=number, title="x" * 200))
    live = display._live
    assert live is not None
    live.refresh()
    assert out.getvalue().count("x" * 30) >= 3

    def went_up() -> int:
        out.seek(0)
        out.truncate()
        live.refresh()
        return out.getvalue().count("\x1b[1A")

    assert went_up() == 2
    console.width = 29
    assert went_up() == 2 + 3 * 3
    assert went_up() == 2
    console.width = 90
    assert went_up() == 2
    display.close()


def test_a_dumb_terminal_has_lines_in_place_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert not TerminalDisplay(Console(file=io.StringIO(), force_terminal=True)).live


def test_no_color_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn() -> str:
        out = io.StringIO()
        display = TerminalDisplay(Console(file=out, force_terminal=True, width=80, color_system="standard"))
        display.show(view())
        display.close()
        return out.getvalue()

    assert "\x1b[32m" in drawn()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in drawn()
    assert "running" in drawn()
