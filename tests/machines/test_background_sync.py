"""The machine of a sync registration: its table row by row, and what holds whatever comes."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, strategies as st

from swruntime.concepts.enums import EventOutcome
from swruntime.errors import ImpossibleInput
from swruntime.machines.background_sync import (
    TABLE,
    Clear,
    Dispatch,
    Ended,
    Fire,
    FireWhenOnline,
    Input,
    Register,
    Remove,
    Retries,
    RetryAt,
    RetryTime,
    State,
    Store,
    SyncRegistration,
    feed,
    restore,
)
from swruntime.machines.table import Effect

OUTCOMES: tuple[EventOutcome, ...] = ("fulfilled", "rejected", "timed-out", "interrupted")
FAILURES = OUTCOMES[1:]
NOW = 1000.0
INPUTS: tuple[Input, ...] = (
    Register(),
    Fire(),
    RetryTime(),
    Clear(),
    *(Ended(outcome, NOW) for outcome in OUTCOMES),
)


def at(state: State, failures: int = 0) -> SyncRegistration:
    return SyncRegistration(state=state, failures=failures, retry_at=NOW if state is State.WAITING else None)


ANEW = (Store(), FireWhenOnline())

ROWS: list[tuple[SyncRegistration, Input, SyncRegistration, tuple[Effect, ...]]] = [
    (at(State.PENDING, 1), Register(), at(State.PENDING), ANEW),
    (at(State.PENDING), Fire(), at(State.FIRING), (Dispatch(1, False),)),
    (at(State.PENDING, 1), Fire(), at(State.FIRING, 1), (Dispatch(2, False),)),
    (at(State.PENDING, 2), Fire(), at(State.FIRING, 2), (Dispatch(3, True),)),
    (at(State.FIRING, 1), Register(), at(State.REREGISTERED, 1), ()),
    (at(State.FIRING), Ended("fulfilled", NOW), at(State.GONE), (Remove(),)),
    (at(State.REREGISTERED, 2), Register(), at(State.REREGISTERED, 2), ()),
    (at(State.WAITING, 2), Register(), at(State.PENDING), ANEW),
    (at(State.WAITING, 2), RetryTime(), at(State.PENDING, 2), (FireWhenOnline(),)),
    (at(State.GONE), Ended("rejected", NOW), at(State.GONE), ()),
    *((at(State.REREGISTERED, 2), Ended(how, NOW), at(State.PENDING), ANEW) for how in OUTCOMES),
    *((at(State.FIRING, 2), Ended(how, NOW), at(State.GONE, 2), (Remove(),)) for how in FAILURES),
    *(
        (at(state), Clear(), attrs.evolve(at(state), state=State.GONE), (Remove(),))
        for state in (State.PENDING, State.FIRING, State.REREGISTERED, State.WAITING)
    ),
]


@pytest.mark.parametrize(("before", "input", "after", "effects"), ROWS, ids=repr)
def test_row(
    before: SyncRegistration, input: Input, after: SyncRegistration, effects: tuple[Effect, ...]
) -> None:
    assert feed(before, input) == (after, effects)


@pytest.mark.parametrize("outcome", FAILURES)
def test_what_failed_waits_five_minutes_and_then_three_times_as_long(outcome: EventOutcome) -> None:
    first, effects = feed(at(State.FIRING), Ended(outcome, NOW))
    assert first == SyncRegistration(state=State.WAITING, failures=1, retry_at=NOW + 300)
    assert effects == (Store(), RetryAt(NOW + 300))
    second, effects = feed(at(State.FIRING, 1), Ended(outcome, NOW))
    assert second == SyncRegistration(state=State.WAITING, failures=2, retry_at=NOW + 900)
    assert effects == (Store(), RetryAt(NOW + 900))


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize(
    "kind", list(dict.fromkeys(type(input) for input in INPUTS)), ids=lambda kind: kind.__name__
)
def test_no_pair_but_those_of_the_rows_is_possible(state: State, kind: type) -> None:
    known = {(before.state, type(input)) for before, input, _, _ in ROWS}
    assert ((state, kind) in TABLE) == ((state, kind) in known)
    if (state, kind) not in known:
        (input, *_) = [each for each in INPUTS if type(each) is kind]
        with pytest.raises(ImpossibleInput, match=state.value):
            feed(at(state), input)


def test_one_attempt_is_the_last_at_once() -> None:
    once = SyncRegistration(retries=Retries(attempts=1))
    firing, effects = feed(once, Fire())
    assert effects == (Dispatch(1, True),)
    assert feed(firing, Ended("rejected", NOW))[0].state is State.GONE


@given(st.integers(0, 5), st.none() | st.floats(0, 1e9), st.floats(0, 1e9))
def test_what_an_earlier_process_left_waits_or_is_pending(
    failures: int, retry_at: float | None, now: float
) -> None:
    restored = restore(failures, retry_at, Retries(7, 1.0, 2.0), now)
    assert restored.retries == Retries(7, 1.0, 2.0)
    assert restored.state is (State.PENDING if retry_at is None else State.WAITING)
    assert restored.failures == failures
    if retry_at is None:
        assert restored.retry_at is None
        assert restored.seconds_left(now) == 0.0
    else:
        # Whatever the clock has shown: within its own delay from now.
        delay = Retries(7, 1.0, 2.0).delay_after(failures)
        assert restored.retry_at == min(retry_at, now + delay)
        assert restored.seconds_left(now) == min(max(restored.retry_at - now, 0.0), delay)
        # A clock that is set back by years while it waits.
        assert restored.seconds_left(now - 1e10) == delay


def test_a_clock_that_is_right_changes_nothing() -> None:
    assert restore(1, NOW + 100, Retries(), NOW) == SyncRegistration(
        state=State.WAITING, failures=1, retry_at=NOW + 100
    )
    assert restore(1, NOW + 100, Retries(), NOW).seconds_left(NOW + 40) == 60.0


inputs = (
    st.just(Register())
    | st.just(Fire())
    | st.just(RetryTime())
    | st.builds(Ended, st.sampled_from(OUTCOMES), st.floats(0, 1e6))
    | st.just(Clear())
)


@given(st.lists(inputs, max_size=30), st.builds(Retries, st.integers(1, 4), st.just(1.0), st.just(2.0)))
def test_whatever_comes(given_inputs: list[Input], retries: Retries) -> None:
    """No more attempts than allowed since it was registered last; the last one knows; what failed goes on or is gone."""
    registration = SyncRegistration(retries=retries)
    attempts = 0
    for input in given_inputs:
        before = registration
        try:
            registration, effects = feed(before, input)
        except ImpossibleInput:
            assert (before.state, type(input)) not in TABLE
            continue
        assert (registration.retry_at is not None) == (registration.state is State.WAITING) or (
            registration.state is State.GONE
        )
        assert (Remove() in effects) == (registration.state is State.GONE is not before.state)
        assert (FireWhenOnline() in effects) == (
            registration.state is State.PENDING and not isinstance(input, Fire)
        )
        if isinstance(input, Register) or before.state is State.REREGISTERED:
            attempts = 0 if registration.state is State.PENDING else attempts
        for effect in effects:
            if isinstance(effect, Dispatch):
                attempts += 1
                assert effect.attempt == attempts <= retries.attempts
                assert effect.last_chance == (attempts == retries.attempts)
            if isinstance(effect, RetryAt):
                assert isinstance(input, Ended)
                assert effect.time == registration.retry_at == input.now + 2.0 ** (attempts - 1)
        if registration.state is State.GONE and isinstance(input, Ended) and before.state is State.FIRING:
            assert input.outcome == "fulfilled" or attempts == retries.attempts


@given(st.lists(st.sampled_from(["register", *OUTCOMES]), max_size=12))
def test_a_registration_is_never_forgotten(given_actions: list[str]) -> None:
    """Each `register` is followed by an event that begins after it, if events go on being fulfilled."""
    registration = SyncRegistration()
    owed = True

    def go(input: Input) -> None:
        nonlocal registration
        registration, _ = feed(registration, input)

    for action in (*given_actions, "fulfilled", "fulfilled"):
        if action == "register":
            if registration.state is State.GONE:
                registration = SyncRegistration()
            else:
                go(Register())
            owed = True
            continue
        if registration.state is State.WAITING:
            go(RetryTime())
        if registration.state is State.PENDING:
            go(Fire())
            owed = False
        if registration.state in (State.FIRING, State.REREGISTERED):
            outcome: EventOutcome = next(o for o in OUTCOMES if o == action)
            go(Ended(outcome, NOW))
    assert not owed
    assert registration.state is State.GONE
