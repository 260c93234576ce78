"""Contestants take turns; who is missing is told; who was refused has no times."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import attrs

from benchmarks import report
from benchmarks.contest import Contestant, Pair, Refused, against_each, hold
from benchmarks.figures import Sample
from benchmarks.summary import summary


def steady(name: str, seconds: float, told: list[str] | None = None) -> Contestant:
    def run() -> Sample:
        if told is not None:
            told.append(name)
        return Sample(seconds, seconds)

    return Contestant(name, run)


def fails_at(name: str, round_: int) -> Contestant:
    rounds = count()

    def run() -> Sample:
        if next(rounds) == round_:
            raise Refused("big.bin has other bytes than the server sent")
        return Sample(0.001)

    return Contestant(name, run)


def never() -> Sample:
    raise AssertionError("it is not there, and cannot be run")


def test_they_take_turns_there_and_back_and_each_begins_where_nothing_is_left_to_write() -> None:
    told: list[str] = []
    contestants = [steady(name, 1.0, told) for name in "abc"]
    hold("row", "Title", contestants, 3, between=lambda: told.append("-"))
    assert "".join(told) == "-a-b-c-c-b-a-a-b-c"


def test_each_has_as_many_runs_as_there_are_rounds() -> None:
    row = hold("row", "Title", [steady("a", 1.0), steady("b", 2.0)], 5)
    assert {name: len(samples) for name, samples in row.samples.items()} == {"a": 5, "b": 5}


def test_one_that_takes_minutes_runs_in_the_first_rounds_alone_and_is_compared_over_those() -> None:
    contestants = [steady("swruntime", 1.0), attrs.evolve(steady("Chromium", 2.0), rounds=1)]
    row = hold("row", "Title", contestants, 3, pairs=against_each(["swruntime"], contestants))
    assert {name: len(samples) for name, samples in row.samples.items()} == {"swruntime": 3, "Chromium": 1}
    ((_, comparison),) = row.compared()
    assert comparison.wall.median == 0.5
    assert "3 rounds; Chromium: 1." in report.row_lines(row)


def test_who_is_missing_is_told_and_compared_with_nobody() -> None:
    contestants = [steady("swruntime", 1.0), Contestant("curl", never, "curl is not installed")]
    row = hold("row", "Title", contestants, 2, pairs=against_each(["swruntime"], contestants))
    assert row.missing == {"curl": "curl is not installed"}
    assert row.compared() == []
    assert "- curl: missing: curl is not installed" in report.row_lines(row)


def test_all_that_a_refused_contestant_ran_is_dropped_also_what_was_right_before() -> None:
    contestants = [steady("swruntime", 1.0), fails_at("curl", 2), steady("httpx", 2.0)]
    row = hold("row", "Title", contestants, 4, pairs=against_each(["swruntime"], contestants))
    assert set(row.samples) == {"swruntime", "httpx"}
    assert [pair for pair, _ in row.compared()] == [Pair("swruntime", "httpx")]
    (said,) = [line for line in report.row_lines(row) if "curl" in line]
    assert "REFUSED" in said
    assert "other bytes" in said


def test_where_everybody_is_refused_nothing_is_left_and_that_can_be_told() -> None:
    row = hold("row", "Title", [fails_at("swruntime", 0)], 2)
    assert row.samples == {}
    assert any("REFUSED" in line for line in report.row_lines(row))
    report.as_json([row], {}, ["0", "0"])


def test_each_of_ours_is_compared_with_each_peer_and_the_newest_with_the_ones_before() -> None:
    contestants = [steady(name, 1.0) for name in ("swruntime", "before", "curl", "httpx")]
    assert against_each(["swruntime", "before"], contestants) == [
        Pair("swruntime", "curl"),
        Pair("before", "curl"),
        Pair("swruntime", "httpx"),
        Pair("before", "httpx"),
        Pair("swruntime", "before"),
    ]


def test_the_table_has_medians_spreads_ratios_and_seconds_more() -> None:
    def turns(name: str, *seconds: float) -> Contestant:
        left = iter(seconds)
        run: Callable[[], Sample] = lambda: Sample(next(left), 0.5, 60_000_000)  # noqa: E731
        return Contestant(name, run)

    contestants = [turns("ours", 1.0, 3.0, 2.0), turns("theirs", 2.0, 2.0, 2.0)]
    pairs = [Pair("ours", "theirs"), Pair("ours", "theirs", more=True)]
    row = hold("row", "Title", contestants, 3, pairs=pairs, notes=["A note."])
    text = report.markdown([row], ["ours"], {"machine": "a fast one"}, ["0.10 0.20 0.30", "1.00 1.00 1.00"])
    for line in (
        "- machine: a fast one",
        "- load average before: 0.10 0.20 0.30; after: 1.00 1.00 1.00",
        "## `row`: Title",
        "| ours   | 2.00 s [1.00..3.00] | 0.50 s [0.50..0.50] | 60 MB  |",
        "| theirs | 2.00 s [2.00..2.00] | 0.50 s [0.50..0.50] | 60 MB  |",
        "- A note.",
    ):
        assert line in text.splitlines()
    assert "| ours / theirs         | 1.00 [0.50..1.50]    | 1.00 [1.00..1.00]   |" in text
    assert "| ours more than theirs | 0.00 s [-1.00..1.00] | 0.00 s [0.00..0.00] |" in text
    as_json = report.as_json([row], {}, ["0", "0"])["rows"][0]
    assert as_json["samples"]["ours"][1] == {"wall": 3.0, "cpu": 0.5, "rss": 60_000_000}
    assert as_json["compared"][0]["wall"] == {"median": 1.0, "least": 0.5, "most": 1.5}


def test_the_summary_has_each_peer_once_and_the_version_before_beside_it() -> None:
    contestants = [
        *(steady("new", 1.0), steady("old (1a2b)", 4.0), steady("curl", 2.0)),
        Contestant("aria2c", never, "aria2c is not installed"),
    ]
    row = hold("big", "T", contestants, 1, pairs=against_each(["new", "old (1a2b)"], contestants))
    assert summary([row], ["new", "old (1a2b)"]) == [
        ("row", "what", "new", "old (1a2b)"),
        ("big", "by curl", "0.50 (0.50)", "2.00 (2.00)"),
    ]


def test_the_summary_of_what_has_no_peer() -> None:
    names = ("new, 10", "old, 10", "new, 100", "old, 100", "new keys", "old keys")
    contestants = [steady(name, float(n)) for n, name in enumerate(names, 1)]
    rows = [
        hold(
            "at-once", "T", contestants, 1, pairs=[Pair("new, 100", "new, 10"), Pair("old, 100", "old, 10")]
        ),
        hold("open", "T", contestants, 1, pairs=[Pair("new, 100", "new, 10", more=True)]),
        hold("cache", "T", contestants, 1, pairs=[Pair("new keys", "old keys")]),
    ]
    assert summary(rows, ["new", "old"])[1:] == [
        ("at-once", "100 by 10", "3.00 (3.00)", "2.00 (2.00)"),
        ("open", "100 more than 10", "2.00 s (2.00 s)", ""),
        ("cache", "keys by old keys", "0.83 (0.83)", ""),
    ]


def test_a_machine_that_was_busy_is_told() -> None:
    assert len(report.busy(["0.10 5.00 5.00", "3.00 1.00 1.00"])) == 1
    assert any("BUSY" in line for line in report.busy(["0.90 0.00 0.00", "0.00 0.00 0.00"]))
