"""Side one: the machines against specs/, every state and every input."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from swruntime.errors import UsageError
from swruntime.machines import background_fetch, background_sync, periodic_sync, record
from swruntime.machines.table import Row, nothing
from swruntime.monitor import explore
from swruntime.monitor.exhaustive import exhaustive
from swruntime.monitor.explore import (
    compare_tables,
    explore_event,
    explore_periodic_sync,
    explore_sync,
    explore_worker,
)
from swruntime.monitor.explore_fetch import explore_fetch
from swruntime.monitor.states import machines

F, R = background_fetch.State, record.State


def test_every_row_is_a_transition_and_every_transition_a_row() -> None:
    assert compare_tables() == []


def test_a_service_worker_and_an_extendable_event() -> None:
    worker, event = explore_worker(), explore_event()
    assert (worker.problems, event.problems) == ([], [])
    assert (worker.states, event.states) == (6, 59)


def test_a_sync_and_a_periodic_sync_registration() -> None:
    sync, periodic = explore_sync(), explore_periodic_sync()
    assert (sync.problems, periodic.problems) == ([], [])
    assert sync.taken == set(machines()["background-sync"].transitions)
    assert (sync.states, periodic.states) == (16, 6)


def test_a_sync_that_counts_no_attempt_or_forgets_that_it_was_registered_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    S = background_sync.State
    rows = list(background_sync.TABLE[S.FIRING, background_sync.Ended])
    never = attrs.evolve(rows[1], when=lambda r, i: False)
    with monkeypatch.context() as patch:
        wrong_rows(patch, background_sync.TABLE, (S.FIRING, background_sync.Ended), (rows[0], never, rows[2]))
        assert any("the code went to waiting" in text for text in explore_sync().problems)
    forgets: Row[Any] = Row(S.GONE, background_sync.remove)
    wrong_rows(monkeypatch, background_sync.TABLE, (S.REREGISTERED, background_sync.Ended), (forgets,))
    assert any("the code went to gone; reregistered" in text for text in explore_sync().problems)


def test_a_periodic_sync_whose_last_fire_is_not_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    P = periodic_sync.State
    row: Row[Any] = Row(P.PENDING, periodic_sync.rest)
    wrong_rows(monkeypatch, periodic_sync.TABLE, (P.FIRING, periodic_sync.Ended), (row,))
    assert any("not ['fired', 'store']" in text for text in explore_periodic_sync().problems)


@pytest.mark.parametrize("download_total", [0, 1])
def test_a_background_fetch_of_one_record(download_total: int) -> None:
    figures = explore_fetch("GET", download_total=download_total)
    assert figures.problems == []
    assert figures.states > 300


@pytest.mark.slow
def test_everything_up_to_three_records(capsys: pytest.CaptureFixture[str]) -> None:
    states = {}
    for figures in exhaustive():
        with capsys.disabled():
            print(f"\n{figures.name}: {figures.states} states, {figures.steps} steps", end="")
        assert figures.problems == [], figures.name
        states[figures.name] = figures.states
    assert states["record"] > 4000


def test_a_number_of_records_that_is_not_explored() -> None:
    with pytest.raises(UsageError, match="records is 4; expected 1 to 3"):
        next(exhaustive(4))


def test_a_row_too_few_and_a_row_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = {k: v for k, v in background_fetch.TABLE.items() if k != (F.PAUSED, background_fetch.Abort)}
    monkeypatch.setitem(explore_tables(), "background-fetch", (missing, F))
    assert compare_tables() == [
        "background-fetch, paused on abort: specs/ says aborted, the code nothing",
    ]
    extra = {**background_fetch.TABLE, (F.PAUSED, background_fetch.Dispatch): (Row(F.PAUSED, nothing),)}
    monkeypatch.setitem(explore_tables(), "background-fetch", (extra, F))
    assert compare_tables() == ["background-fetch, paused on dispatch: specs/ says nothing, the code paused"]


def explore_tables() -> dict[str, Any]:
    return explore.TABLES


def wrong_rows(
    monkeypatch: pytest.MonkeyPatch, table: Any, pair: tuple[object, type], rows: tuple[Row[Any], ...]
) -> None:
    monkeypatch.setitem(table, pair, rows)


def test_a_wrong_effect_is_told_with_its_step_and_anchor(monkeypatch: pytest.MonkeyPatch) -> None:
    def abort(f: background_fetch.Fetch, i: background_fetch.Abort) -> Any:
        new, effects = background_fetch.abort(f, i)
        return new, effects[:-1]

    row = Row(F.ABORTED, abort)
    wrong_rows(monkeypatch, background_fetch.TABLE, (F.PENDING, background_fetch.Abort), (row,))
    problems = "\n".join(explore_fetch("GET").problems)
    assert "settles 0 times" in problems
    assert "abort(), 3.4 to 3.6" in problems
    assert "https://wicg.github.io/background-fetch/#dom-backgroundfetchregistration-abort" in problems


def test_a_guard_that_forgets_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = list(background_fetch.TABLE[F.PENDING, background_fetch.RecordSettled])
    rows[1] = attrs.evolve(rows[1], when=lambda f, i: False)
    wrong_rows(monkeypatch, background_fetch.TABLE, (F.PENDING, background_fetch.RecordSettled), tuple(rows))
    assert "success, with records that are ['fetch-error']" in "\n".join(explore_fetch("GET").problems)


def test_a_record_that_cannot_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    row: Row[Any] = Row(R.WAITING, nothing)
    wrong_rows(monkeypatch, record.TABLE, (R.WAITING, record.Wake), (row,))
    problems = explore_fetch("GET").problems
    assert any("nothing leads from pending with ['waiting'] to an end" in text for text in problems)
