"""The machine of a service worker: every path, and none but those that the standard has."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from swruntime.errors import ImpossibleInput
from swruntime.machines.service_worker import (
    TABLE,
    Activate,
    Activated,
    Discard,
    Input,
    Install,
    Installed,
    ServiceWorker,
    State,
    StateChanged,
    change,
    feed,
)

INPUTS: tuple[Input, ...] = (Install(), Installed(), Activate(), Activated(), Discard())

EXPECTED: dict[tuple[State, type], State] = {
    (State.PARSED, Install): State.INSTALLING,
    (State.INSTALLING, Installed): State.INSTALLED,
    (State.INSTALLED, Activate): State.ACTIVATING,
    (State.ACTIVATING, Activated): State.ACTIVATED,
}
for living in (State.PARSED, State.INSTALLING, State.INSTALLED, State.ACTIVATING, State.ACTIVATED):
    EXPECTED[living, Discard] = State.REDUNDANT


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("input", INPUTS, ids=lambda i: type(i).__name__)
def test_every_pair_goes_where_the_standard_says_or_is_impossible(state: State, input: Input) -> None:
    worker = ServiceWorker(state)
    wanted = EXPECTED.get((state, type(input)))
    if wanted is None:
        with pytest.raises(ImpossibleInput, match=state.value):
            feed(worker, input)
    else:
        assert feed(worker, input) == (ServiceWorker(wanted), (StateChanged(wanted),))


def test_the_table_has_no_pair_beside_those() -> None:
    assert set(TABLE) == set(EXPECTED)


@pytest.mark.parametrize("state", State)
def test_a_row_is_made_of_where_it_leads(state: State) -> None:
    """The table was made when the module was imported: a mutant of its maker shows only in what it makes now."""
    row = change(state)
    assert (row.to, row.guard) == (state, "")
    assert row.do(ServiceWorker(), Install()) == (ServiceWorker(), (StateChanged(state),))


@given(st.lists(st.sampled_from(INPUTS), max_size=12))
def test_no_way_back_and_each_change_is_told_once(inputs: list[Input]) -> None:
    order = list(State)
    worker = ServiceWorker()
    for input in inputs:
        before = worker
        try:
            worker, effects = feed(worker, input)
        except ImpossibleInput:
            assert worker == before
            continue
        assert order.index(worker.state) > order.index(before.state)
        assert effects == (StateChanged(worker.state),)
