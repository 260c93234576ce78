"""What is in the rows: never wider or higher than the screen; names are the last to go."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from rich.cells import cell_len

from swruntime.algorithms.visible_text import visible
from swruntime.concepts.background import Progress
from swruntime.display.rows import Shown, rows
from swruntime.display.terminal import Rate
from swruntime.ports.display import FetchView

MIB = 2**20


def shown(
    number: int = 1,
    title: str = "Episode 5",
    *,
    downloaded: int = 28 * MIB,
    expected: int | None = 57 * MIB,
    total: int = 0,
    uploaded: int = 0,
    result: str = "",
    running: bool = True,
    paused: bool = False,
    waiting: tuple[str, ...] = (),
    records: int = 1,
    settled: int = 0,
    rate: float | None = MIB,
) -> Shown:
    progress = Progress(downloaded=downloaded, uploaded=uploaded, download_total=total, result=result)  # type: ignore[arg-type]
    view = FetchView(
        number, f"id-{number}", "https://podcast.test", title, (), progress, paused,
        running and not result and not paused and not waiting, waiting, expected, records, settled,
    )  # fmt: skip
    return Shown(view, rate)


def lines(*all: Shown, width: int = 120, height: int = 20) -> list[str]:
    return [row.plain for row in rows(all, width, height)]


def test_all_that_is_known_of_one() -> None:
    (line,) = lines(shown(records=20, settled=3))
    assert line.split() == [
        "podcast.test", "Episode", "5", "━━━━━╌╌╌╌╌╌╌", "28/57", "MiB", "3/20", "1", "MiB/s", "0:29", "running",
    ]  # fmt: skip


def test_a_size_that_no_server_has_told_is_not_shown_as_one() -> None:
    (line,) = lines(shown(expected=None))
    assert "28 MiB  1 MiB/s  running" in line
    assert "of" not in line.split()
    assert "?" not in line


def test_where_the_servers_do_not_tell_it_the_page_may_have() -> None:
    (line,) = lines(shown(expected=None, total=56 * MIB))
    assert "28/56 MiB" in line


@pytest.mark.parametrize(
    ("each", "told"),
    [
        (shown(paused=True), "paused"),
        (shown(waiting=("http://a/: offline", "http://b/: dns")), "waits: dns, offline"),
        (shown(running=False), "waits"),
        (shown(result="success"), "success"),
        (shown(uploaded=MIB), "28/57 MiB, 1 MiB sent"),
        (shown(downloaded=0, expected=0), "0/0 B"),
    ],
)
def test_states(each: Shown, told: str) -> None:
    (line,) = lines(each)
    assert told in line


def test_only_what_runs_has_a_rate_and_time_left() -> None:
    (line,) = lines(shown(paused=True))
    assert "MiB/s" not in line
    assert "0:29" not in line


@pytest.mark.parametrize(
    ("rate", "left"),
    [(MIB, "0:29"), (MIB / 10, "4:50"), (MIB / 1000, "8:03:20"), (1.0, "351 d"), (1e12, "0:00")],
)
def test_time_left(rate: float, left: str) -> None:
    (line,) = lines(shown(rate=rate))
    assert left in line.split("  ")[-2]


def test_where_it_is_narrow_the_name_stays() -> None:
    for width in (120, 80, 60, 40, 30, 20):
        (line,) = lines(shown(records=20, waiting=("u: offline",)), width=width)
        assert "Episode 5" in line, width
        assert len(line) <= width
    (line,) = lines(shown(), width=40)
    assert line == "Episode 5  28/57 MiB  1 MiB/s  running"


def test_the_busiest_come_first_and_the_rest_is_summed_up() -> None:
    fetches = [
        shown(1, "Done", result="success"),
        shown(2, "Paused", paused=True),
        shown(3, "Waits", waiting=("u: offline",)),
        *(shown(number, f"Episode {number}") for number in range(4, 24)),
    ]
    found = lines(*fetches, height=6)
    assert len(found) == 6
    assert [line.split()[1:3] for line in found[:5]] == [["Episode", str(number)] for number in range(4, 9)]
    assert found[5] == "18 more: 15 running, 1 waits, 1 paused, 1 success; 504 MiB"
    assert lines(*fetches, height=1) == [
        "23 background fetches: 20 running, 1 waits, 1 paused, 1 success; 644 MiB"
    ]


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("count", [1, 20, 500])
def test_it_keeps_to_the_screen(width: int, count: int) -> None:
    found = lines(*(shown(number, f"Episode {number}") for number in range(count)), width=width, height=22)
    assert len(found) == min(count, 22)
    assert all(len(line) <= width for line in found)
    assert all(f"Episode {number}" in line for number, line in enumerate(found[:20]))


VIEWS = st.builds(
    shown,
    st.integers(1, 1000),
    st.text(max_size=40),
    downloaded=st.integers(0, 2**60),
    expected=st.none() | st.integers(0, 2**60),
    total=st.integers(0, 2**53),
    uploaded=st.integers(0, 2**60),
    result=st.sampled_from(["", "", "success", "failure"]),
    running=st.booleans(),
    paused=st.booleans(),
    waiting=st.sampled_from([(), ("u: offline",), ("u: retry-after", "v: connect")]),
    records=st.integers(1, 1000),
    settled=st.integers(0, 1000),
    rate=st.none() | st.floats(0, 1e15),
)


@given(st.lists(VIEWS, max_size=30), st.integers(1, 250), st.integers(1, 40))
def test_no_row_is_wider_and_no_screen_higher(all: list[Shown], width: int, height: int) -> None:
    found = rows(all, width, height)
    assert len(found) == min(len(all), height)
    for row in found:
        assert cell_len(row.plain) <= width
        assert visible(row.plain) == row.plain


def test_a_rate_is_that_of_the_last_seconds() -> None:
    rate, found = Rate(), []
    for now, done in ((0.0, 0), (1.0, 1000), (2.0, 1500), (8.0, 1500), (9.0, 3500), (10.0, 0)):
        rate.note(now, done)
        found.append(rate.per_second)
    # What came longer ago does not count, nor what came before it began anew.
    assert found == [None, 1000, 750, None, 2000, None]
