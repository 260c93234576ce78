"""swruntime.machines.extendable_event against a model that counts by listing."""

from __future__ import annotations

import re

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from swruntime.concepts.enums import EventOutcome
from swruntime.errors import ImpossibleInput
from swruntime.machines.extendable_event import (
    TABLE,
    DispatchFinished,
    End,
    ExtendableEvent,
    Input,
    ListenerRaised,
    PromiseAdded,
    PromiseSettled,
    RealmDied,
    Refuse,
    State,
    Tell,
    TimedOut,
    TurnPassed,
    WaitTurn,
    feed,
)
from swruntime.machines.table import Effect


def run(*inputs: Input, event: ExtendableEvent | None = None) -> tuple[ExtendableEvent, list[Effect]]:
    event = event or ExtendableEvent()
    told: list[Effect] = []
    for each in inputs:
        event, effects = feed(event, each)
        told += effects
    return event, told


def test_without_promises_it_ends_with_its_dispatch() -> None:
    event, effects = run(DispatchFinished())
    assert (event.state, effects) == (State.ENDED, [End("fulfilled")])


def test_the_count_falls_a_turn_after_a_promise_settled() -> None:
    event, effects = run(PromiseAdded(), DispatchFinished(), PromiseSettled())
    assert (event.active, effects) == (True, [WaitTurn()])
    event, effects = run(TurnPassed(), event=event)
    assert (event.active, effects) == (False, [End("fulfilled")])


def test_what_is_added_in_the_reaction_to_the_last_promise_still_counts() -> None:
    event, _ = run(PromiseAdded(), DispatchFinished(), PromiseSettled(), PromiseAdded(), TurnPassed())
    assert event.active
    event, effects = run(PromiseSettled(), TurnPassed(), event=event)
    assert effects == [WaitTurn(), End("fulfilled")]


def test_the_first_failure_is_the_outcome_and_the_others_are_told() -> None:
    event, effects = run(
        PromiseAdded(),
        PromiseAdded(),
        PromiseAdded(),
        PromiseSettled("first", "a:1"),
        ListenerRaised("second", "a:2"),
        DispatchFinished(),
        PromiseSettled("third", "a:3"),
        PromiseSettled(),
        TurnPassed(),
        TurnPassed(),
        TurnPassed(),
    )
    assert [e for e in effects if isinstance(e, Tell)] == [Tell("second", "a:2"), Tell("third", "a:3")]
    assert effects[-1] == End("rejected", "first", "a:1")
    assert event.state is State.ENDED


@pytest.mark.parametrize(
    "event", [ExtendableEvent(state=State.UNTRUSTED), ExtendableEvent(state=State.ENDED)]
)
def test_untrusted_and_ended_events_refuse(event: ExtendableEvent) -> None:
    after, effects = feed(event, PromiseAdded())
    assert after == event
    assert isinstance(effects[0], Refuse)
    assert re.match("an event that a script made|the event is over", effects[0].message)


@pytest.mark.parametrize("input", [PromiseSettled(), TurnPassed()])
def test_more_settling_than_pending_is_impossible(input: Input) -> None:
    with pytest.raises(ImpossibleInput):
        feed(ExtendableEvent(), input)


def test_every_active_state_can_be_ended_from_outside() -> None:
    for state in (State.DISPATCHING, State.EXTENDED):
        assert {TimedOut, RealmDied} <= {input for s, input in TABLE if s is state}


@pytest.mark.parametrize(("input", "outcome"), [(TimedOut(), "timed-out"), (RealmDied(), "interrupted")])
def test_an_end_from_outside_tells_the_first_failure_and_where_it_was(
    input: Input, outcome: EventOutcome
) -> None:
    _, effects = run(PromiseAdded(), ListenerRaised("first", "a:1"), input)
    assert effects == [End(outcome, "first", "a:1")]


class ModelledEvent(RuleBasedStateMachine):
    """The model keeps each promise: "pending", "settling", then gone. The event ends when none is left."""

    def __init__(self) -> None:
        super().__init__()
        self.event = ExtendableEvent()
        self.promises: list[str] = []
        self.dispatching = True
        self.failures: list[str] = []
        self.over: str | None = None
        self.told: list[Effect] = []

    def give(self, input: Input) -> None:
        self.event, effects = feed(self.event, input)
        self.told += effects

    def end_if_nothing_is_left(self) -> None:
        if self.over is None and not self.dispatching and not self.promises:
            self.over = "rejected" if self.failures else "fulfilled"

    @rule()
    def add(self) -> None:
        self.give(PromiseAdded())
        if self.over is None:
            self.promises.append("pending")
        else:
            assert isinstance(self.told.pop(), Refuse)

    @precondition(lambda self: "pending" in self.promises)
    @rule(error=st.sampled_from([None, None, "boom", "bang"]))
    def settle(self, error: str | None) -> None:
        before = len(self.told)
        self.give(PromiseSettled(error))
        self.promises[self.promises.index("pending")] = "settling"
        if self.over is None:
            if error is not None:
                self.failures.append(error)
            assert self.told[-1] == WaitTurn()
        else:
            assert len(self.told) == before

    @precondition(lambda self: "settling" in self.promises)
    @rule()
    def pass_turn(self) -> None:
        self.give(TurnPassed())
        self.promises.remove("settling")
        self.end_if_nothing_is_left()

    @precondition(lambda self: self.dispatching)
    @rule()
    def raise_in_a_listener(self) -> None:
        self.give(ListenerRaised("raised"))
        if self.over is None:
            self.failures.append("raised")

    @precondition(lambda self: self.dispatching)
    @rule()
    def finish_dispatch(self) -> None:
        self.give(DispatchFinished())
        self.dispatching = False
        self.end_if_nothing_is_left()

    @rule(input=st.sampled_from([TimedOut(), RealmDied()]))
    def end_from_outside(self, input: Input) -> None:
        self.give(input)
        if self.over is None:
            self.over = "timed-out" if isinstance(input, TimedOut) else "interrupted"

    @invariant()
    def agrees(self) -> None:
        assert self.event.active == (self.over is None)
        ends = [effect for effect in self.told if isinstance(effect, End)]
        assert [end.outcome for end in ends] == ([] if self.over is None else [self.over])
        first = self.failures[0] if self.failures else None
        assert all(end.error == first for end in ends)
        tells = [effect.error for effect in self.told if isinstance(effect, Tell)]
        assert tells == self.failures[1:]
        if self.over is None:
            assert self.event.pending == len(self.promises)
            assert self.event.settling == self.promises.count("settling")


TestModelledEvent = ModelledEvent.TestCase
