"""The machine of a periodic sync registration: its table row by row, and its pace whatever comes."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from swruntime.concepts.enums import EventOutcome
from swruntime.errors import ImpossibleInput
from swruntime.machines.periodic_sync import (
    TABLE,
    Dispatch,
    Ended,
    Fire,
    Fired,
    Input,
    PeriodicSyncRegistration,
    Register,
    Remove,
    State,
    Store,
    Unregister,
    feed,
)
from swruntime.machines.table import Effect

OUTCOMES: tuple[EventOutcome, ...] = ("fulfilled", "rejected", "timed-out", "interrupted")
NOW = 1000.0
INPUTS: tuple[Input, ...] = (Register(5.0), Fire(), Ended("rejected", NOW), Unregister())


def at(state: State, min_interval: float = 60.0, anchor: float = 0.0) -> PeriodicSyncRegistration:
    return PeriodicSyncRegistration(state=state, min_interval=min_interval, anchor=anchor)


PENDING, FIRING, GONE = at(State.PENDING), at(State.FIRING), at(State.GONE)

ROWS: list[tuple[PeriodicSyncRegistration, Input, PeriodicSyncRegistration, tuple[Effect, ...]]] = [
    (PENDING, Register(60.0), PENDING, ()),
    (PENDING, Register(5.0), at(State.PENDING, 5.0), (Store(),)),
    (PENDING, Fire(), FIRING, (Dispatch(),)),
    (PENDING, Unregister(), GONE, (Remove(),)),
    (FIRING, Register(60.0), FIRING, ()),
    (FIRING, Register(5.0), at(State.FIRING, 5.0), (Store(),)),
    (FIRING, Ended("fulfilled", NOW), at(State.PENDING, anchor=NOW), (Fired(NOW), Store())),
    *((FIRING, Ended(how, NOW), at(State.PENDING, anchor=NOW), (Store(),)) for how in OUTCOMES[1:]),
    (FIRING, Unregister(), GONE, (Remove(),)),
    (GONE, Ended("fulfilled", NOW), GONE, ()),
]


@pytest.mark.parametrize(("before", "input", "after", "effects"), ROWS, ids=repr)
def test_row(
    before: PeriodicSyncRegistration,
    input: Input,
    after: PeriodicSyncRegistration,
    effects: tuple[Effect, ...],
) -> None:
    assert feed(before, input) == (after, effects)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("input", INPUTS, ids=lambda input: type(input).__name__)
def test_no_pair_but_those_of_the_rows_is_possible(state: State, input: Input) -> None:
    known = {(before.state, type(each)) for before, each, _, _ in ROWS}
    assert ((state, type(input)) in TABLE) == ((state, type(input)) in known)
    if (state, type(input)) not in known:
        with pytest.raises(ImpossibleInput, match=state.value):
            feed(at(state), input)


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e6))
def test_it_is_due_no_earlier_than_either_interval_allows(
    interval: float, anchor: float, least: float
) -> None:
    due = at(State.PENDING, interval, anchor).due(least)
    assert due in (anchor + interval, anchor + least)
    assert due >= anchor + interval
    assert due >= anchor + least


@given(
    st.lists(
        st.builds(Register, st.sampled_from([5.0, 60.0]))
        | st.just(Fire())
        | st.builds(Ended, st.sampled_from(OUTCOMES), st.just(NOW))
        | st.just(Unregister()),
        max_size=30,
    )
)
def test_whatever_comes_the_next_event_is_reckoned_from_the_last_ones_end(inputs: list[Input]) -> None:
    registration = at(State.PENDING)
    for input in inputs:
        before = registration
        try:
            registration, effects = feed(before, input)
        except ImpossibleInput:
            assert (before.state, type(input)) not in TABLE
            continue
        assert (registration.anchor != before.anchor) <= isinstance(input, Ended)
        changed = (registration.anchor, registration.min_interval) != (before.anchor, before.min_interval)
        assert changed <= (Store() in effects)
        assert (Remove() in effects) == (registration.state is State.GONE is not before.state)
        if isinstance(input, Ended) and before.state is State.FIRING:
            assert registration.anchor == input.now
            assert (Fired(input.now) in effects) == (input.outcome == "fulfilled")


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.floats(0, 1e6), st.floats(0, 1e6))
def test_by_a_clock_that_was_set_it_is_due_within_its_interval(
    anchor: float, now: float, min_interval: float, least: float
) -> None:
    given = at(State.PENDING, min_interval, anchor)
    anchored = given.anchored(now)
    assert anchored.due(least) <= now + max(min_interval, least)
    assert anchored.anchored(now) == anchored
    assert anchored == (given if anchor <= now else at(State.PENDING, min_interval, now))
