"""The machine of a background fetch in a world that does everything to it (machines_world.py).

Invariants are checked there, after every action. Here the actions are chosen: by Hypothesis as a state machine,
and as lists that are cut by a death of the process.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any, ClassVar

import attrs
import pytest
from hypothesis import example, given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from swruntime.concepts.enums import EventOutcome, PermissionState
from swruntime.errors import Cause
from swruntime.machines import background_fetch as fetches, record as records
from swruntime.machines.background_fetch import Machine
from swruntime.machines.record import Record
from swruntime.machines.table import Effect, Outcome, Table
from tests.machines.machines_world import (
    ANSWERS,
    BREAKS,
    OUTCOMES,
    VALIDATORS,
    Answer,
    Spec,
    World,
    restored,
)

specs = st.builds(
    Spec,
    method=st.sampled_from(["GET", "GET", "GET", "POST"]),
    size=st.sampled_from([0, 1, 3, 10, 20]),
    validator=st.sampled_from(VALIDATORS),
    told=st.booleans(),
    coded=st.sampled_from([False, False, False, True]),
    own_range=st.sampled_from([False, False, False, True]),
    integrity=st.sampled_from([False, False, True]),
)
worlds = st.builds(
    World,
    st.lists(specs, min_size=1, max_size=4),
    download_total=st.sampled_from([0, 0, 25]),
    quota=st.sampled_from([1000, 15]),
    eager=st.booleans(),
    permission=st.sampled_from(["granted", "prompt"]),
)
indexes = st.integers(0, 3)
answers = st.sampled_from(ANSWERS) | st.just("honest")
sizes = st.sampled_from([1, 3, 8, 100])
seconds = st.sampled_from([0.1, 1.0, 30.0, 130.0])
jitters = st.sampled_from([0.0, 0.5])


class AnyWorld(RuleBasedStateMachine):
    """What users, networks, servers and processes do, in any order; and at the end everybody is kind."""

    world: World

    @initialize(world=worlds, begin=st.booleans())
    def open(self, world: World, begin: bool) -> None:
        self.world = world
        if begin:
            world.begin()

    def pick(self, index: int) -> int:
        return index % len(self.world.specs)

    def going(self) -> bool:
        return self.world.active

    def over(self) -> bool:
        return not self.world.active and not self.world.released

    @precondition(going)
    @rule()
    def begin(self) -> None:
        self.world.begin()

    @rule()
    def pause(self) -> None:
        self.world.pause()

    @rule()
    def resume(self) -> None:
        self.world.resume()

    @rule(sure=st.integers(0, 3))
    def abort(self, sure: int) -> None:
        if not sure:
            self.world.abort()

    @rule(sure=st.integers(0, 9))
    def clear(self, sure: int) -> None:
        if not sure:
            self.world.clear()

    @precondition(over)
    @rule(sure=st.integers(0, 3))
    def drop(self, sure: int) -> None:
        if not sure:
            self.world.drop()

    @precondition(over)
    @rule()
    def retry(self) -> None:
        self.world.retry()

    @precondition(over)
    @rule()
    def commit(self) -> None:
        self.world.commit()

    @precondition(over)
    @rule(outcomes=st.lists(st.sampled_from(OUTCOMES), max_size=6))
    def fire(self, outcomes: list[EventOutcome]) -> None:
        for outcome in outcomes:
            self.world.fire(outcome)

    @precondition(over)
    @rule()
    def dispatch(self) -> None:
        self.world.dispatch()

    @precondition(over)
    @rule(outcome=st.sampled_from(OUTCOMES))
    def end_event(self, outcome: EventOutcome) -> None:
        self.world.end_event(outcome)

    @rule()
    def die(self) -> None:
        self.world.die()

    @rule()
    def go_offline(self) -> None:
        self.world.go_offline()

    @rule()
    def go_online(self) -> None:
        self.world.go_online()

    @rule(seconds=seconds)
    def wait(self, seconds: float) -> None:
        self.world.wait(seconds)

    @precondition(going)
    @rule(index=indexes)
    def grant(self, index: int) -> None:
        self.world.grant(self.pick(index))

    @precondition(going)
    @rule(index=indexes)
    def change_file(self, index: int) -> None:
        self.world.change_file(self.pick(index))

    @precondition(going)
    @rule(index=indexes, answer=answers, jitter=jitters)
    def answer(self, index: int, answer: Answer, jitter: float) -> None:
        self.world.answer(self.pick(index), answer, jitter)

    @precondition(going)
    @rule(index=indexes, answer=answers, size=sizes, cause=st.sampled_from([None, "reset"]))
    def try_once(self, index: int, answer: Answer, size: int, cause: Cause | None) -> None:
        self.world.try_once(self.pick(index), answer, size, cause)

    @precondition(going)
    @rule(index=indexes, size=sizes)
    def send(self, index: int, size: int) -> None:
        self.world.send(self.pick(index), size)

    @precondition(going)
    @rule(index=indexes)
    def send_too_much(self, index: int) -> None:
        self.world.send_too_much(self.pick(index))

    @precondition(going)
    @rule(index=indexes)
    def end_elsewhere(self, index: int) -> None:
        self.world.end_elsewhere(self.pick(index))

    @precondition(going)
    @rule(index=indexes)
    def end(self, index: int) -> None:
        self.world.end(self.pick(index))

    @precondition(going)
    @rule(index=indexes)
    def verify(self, index: int) -> None:
        self.world.verify(self.pick(index))

    @precondition(going)
    @rule(index=indexes, cause=st.sampled_from(BREAKS), jitter=jitters)
    def fail(self, index: int, cause: Cause, jitter: float) -> None:
        self.world.fail(self.pick(index), cause, jitter)

    @precondition(going)
    @rule(index=indexes)
    def refuse_ranges(self, index: int) -> None:
        self.world.refuse_ranges(self.pick(index))

    @precondition(going)
    @rule(index=indexes)
    def stay_broken(self, index: int) -> None:
        self.world.stay_broken(self.pick(index))

    @precondition(going)
    @rule(index=indexes)
    def no_room_for_response(self, index: int) -> None:
        self.world.no_room_for_response(self.pick(index))

    @invariant()
    def at_rest(self) -> None:
        self.world.check_at_rest()

    def teardown(self) -> None:
        if hasattr(self, "world") and not self.world.released:
            self.world.drive_kindly()


TestAnyWorld = AnyWorld.TestCase
TestAnyWorld.settings = settings(
    max_examples=settings().max_examples * 3 // 5, stateful_step_count=40, deadline=None
)


# A world at random: quicker than a state machine, and it can be copied


Action = Callable[[World], object]


class Chance:
    """Chooses actions. Each one has answers and habits of its own: so rare things come often in some of them."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.answers: list[Answer] = [*rng.sample(ANSWERS, 3), *["honest"] * rng.randint(1, 3)]  # type: ignore[list-item]
        self.habits = {name: weight * rng.choice([0.2, 1, 4]) for name, weight in self.WEIGHTS.items()}

    WEIGHTS: ClassVar = {
        "begin": 3,
        "pause": 2,
        "resume": 4,
        "abort": 0.1,
        "clear": 0.1,
        "drop": 0.1,
        "retry": 0.2,
        "commit": 1,
        "dispatch": 1,
        "end_event": 1,
        "die": 1,
        "go_offline": 2,
        "go_online": 2,
        "wait": 6,
        "grant": 12,
        "change_file": 1,
        "answer": 12,
        "try_once": 20,
        "send": 8,
        "send_too_much": 2,
        "end_elsewhere": 2,
        "end": 5,
        "verify": 4,
        "fail": 5,
        "stay_broken": 0.2,
        "refuse_ranges": 0.2,
        "send_parts_as_200": 0.2,
        "no_room_for_response": 0.2,
    }

    def action(self) -> Action:
        rng = self.rng
        (name,) = rng.choices([*self.habits], [*self.habits.values()])
        pick, size, jitter = rng.randrange(4), rng.choice([1, 3, 8, 100]), rng.choice([0.0, 0.5])
        answer, cause, ending = rng.choice(self.answers), rng.choice(BREAKS), rng.choice([None, "reset"])
        of_record: dict[str, tuple[object, ...]] = {
            "grant": (),
            "change_file": (),
            "answer": (answer, jitter),
            "try_once": (answer, size, ending),
            "send": (size,),
            "send_too_much": (),
            "end_elsewhere": (),
            "end": (),
            "verify": (),
            "fail": (cause, jitter),
            "stay_broken": (),
            "refuse_ranges": (),
            "send_parts_as_200": (),
            "no_room_for_response": (),
        }
        others: dict[str, tuple[object, ...]] = {
            "end_event": (rng.choice(OUTCOMES),),
            "wait": (rng.choice([0.1, 1.0, 30.0, 130.0]),),
        }

        def act(world: World) -> None:
            index = (pick % len(world.specs),)
            args = (*index, *of_record[name]) if name in of_record else others.get(name, ())
            getattr(world, name)(*args)

        return act


def late_action(rng: random.Random) -> Action:
    """What may still be done to one that is settled, or was when the process died."""
    outcome = rng.choice([*OUTCOMES, *["interrupted"] * 12])
    actions: dict[str, tuple[float, Action]] = {
        "event": (12, lambda w: w.fire(outcome)),  # type: ignore[arg-type]
        "die": (2, World.die),
        "begin": (3, World.begin),
        "pause": (3, World.pause),
        "resume": (2, World.resume),
        "abort": (1, World.abort),
        "clear": (0.5, World.clear),
        "drop": (0.5, World.drop),
        "retry": (1, World.retry),
    }
    (name,) = rng.choices([*actions], [weight for weight, _ in actions.values()])
    return actions[name][1]


def any_world(rng: random.Random) -> World:
    permission: PermissionState = rng.choice(["granted", "granted", "prompt"])
    return World(
        [
            Spec(
                rng.choice(["GET", "GET", "GET", "POST"]),
                rng.choice([0, 1, 3, 10, 20]),
                rng.choice([*VALIDATORS, "etag", "etag"]),
                told=rng.random() < 0.6,
                coded=rng.random() < 0.15,
                own_range=rng.random() < 0.15,
                integrity=rng.random() < 0.25,
            )
            for _ in range(rng.randint(1, 4))
        ],
        download_total=rng.choice([0, 0, 0, 25]),
        quota=rng.choice([1000, 1000, 15]),
        eager=rng.random() < 0.5,
        permission=permission,
    )


# The snapshot


def lose_what_is_under_way(world: World) -> None:
    """The same machine, when everything that a process takes with it is gone."""

    def lost(index: int, record: Record) -> Record:
        if record.settled:
            return interrupted(record)
        saved = world.saved.records[index].head
        if record.head is not None and saved is not None and saved.complete_length is None:
            # A length that only a later part told is stored with the next thing that is, not at once.
            assert attrs.evolve(record.head, complete_length=None) == saved
        else:
            assert record.head == saved
        return interrupted(attrs.evolve(record, head=saved, state=records.State.PENDING))

    machine = world.machine
    machine.records = [lost(i, r) for i, r in enumerate(machine.records)]
    event = machine.fetch.event
    if event == "owed" and machine.fetch.attempts == fetches.EVENT_ATTEMPTS:
        event = "held"
    machine.fetch = attrs.evolve(machine.fetch, begun=False, event=event)
    world.final = {i: r for i, r in enumerate(machine.records) if r.settled}
    world.begun = world.firing = False
    world.tickets, world.timers, world.exchanges, world.asked = set(), {}, {}, {}
    world.verifying = set()


def interrupted(record: Record) -> Record:
    """Without what only matters while something is under way: patience, attempts, the reason of a wait."""
    settled = record.settled
    return attrs.evolve(
        record,
        transfer=None,
        wait=None,
        whole=False,
        refusal=None,
        progress_at=None,
        queued_at=None,
        attempt=0,
        failures=0,
        best=record.stored,
        cause=record.cause if settled else None,
        message=record.message if settled else None,
    )


def state_of(machine: Machine) -> object:
    return (
        machine.fetch,
        machine.records,
        machine.downloaded,
        machine.room,
        machine.uploaded,
        machine.snapshot(),
    )


@settings(max_examples=settings().max_examples * 3, deadline=None)
@given(seed=st.integers(0, 2**32), before=st.integers(0, 60), after=st.integers(0, 40))
@example(seed=43, before=25, after=0)  # a record that settled while it was to be asked for anew
def test_a_restored_machine_goes_on_as_one_that_only_lost_its_transfers(
    seed: int, before: int, after: int
) -> None:
    rng = random.Random(seed)
    world = any_world(rng)
    if before % 4:
        world.begin()
    chance = Chance(rng)
    for _ in range(before):
        chance.action()(world)
    if world.released:
        return
    if not world.active and not world.committed:
        settles_again(world)
        return
    reborn = copy.deepcopy(world)
    reborn.machine = restored(world.saved, world.specs, world.download_total)
    lose_what_is_under_way(world)
    reborn.final = dict(world.final)
    reborn.begun = reborn.firing = False
    reborn.tickets, reborn.timers, reborn.exchanges, reborn.asked = set(), {}, {}, {}
    reborn.verifying = set()
    assert state_of(reborn.machine) == state_of(world.machine)
    logged = len(world.log)
    for _ in range(after):
        action = chance.action()
        action(world)
        action(reborn)
        assert reborn.log[logged:] == world.log[logged:]
    world.drive_kindly()
    reborn.drive_kindly()
    assert reborn.log == world.log
    assert state_of(reborn.machine) == state_of(world.machine)


def settles_again(world: World) -> None:
    """The result was not committed: an abort is forgotten as a whole, any other result is found again."""
    told, downloaded = world.settle, world.machine.downloaded
    assert told is not None
    world.die()
    assert world.active
    assert world.machine.downloaded == downloaded
    if told.failure_reason == "aborted":
        assert "aborted" not in [r.result for r in world.machine.records]
    else:
        world.begin()
        assert world.settle == told


# The tables


class Seen:
    """Steps through a table like `step`, holds every row to its word, and notes which were taken."""

    def __init__(self) -> None:
        self.rows: set[tuple[object, type, str]] = set()
        self.effects: set[type] = set()

    def step(self, table: Table[Record], machine: Record, input: object) -> Outcome[Record]:
        for row in table[machine.state, type(input)]:
            if row.when is None or row.when(machine, input):
                new, effects = row.do(machine, input)
                assert new.state is machine.state
                self.rows.add((machine.state, type(input), row.guard))
                self.effects |= {type(e) for e in effects}
                after: Record = attrs.evolve(new, state=row.to)  # type: ignore[arg-type]
                return after, effects
        raise AssertionError((machine.state, input))


def effects_of(*modules: object) -> set[type]:
    return {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Effect) and value is not Effect
    }


def a_life(seed: int) -> None:
    """Of a background fetch, from the call to the release of its records."""
    rng = random.Random(seed)
    world = any_world(rng)
    chance = Chance(rng)
    if rng.random() < 0.9:
        world.begin()
        world.resume()
    for _ in range(rng.randint(0, 60)):
        chance.action()(world)
        world.check_at_rest()
    if not world.released:
        world.settle_kindly()
    for _ in range(rng.randint(0, 12)):
        late_action(rng)(world)
        world.check_at_rest()
    if not world.released:
        world.drive_kindly()


def test_lives_reach_every_row_and_every_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen()
    monkeypatch.setattr(records, "step", seen.step)
    monkeypatch.setattr(fetches, "step", seen.step)
    tables: list[Table[Any]] = [records.TABLE, fetches.TABLE]
    rows = {(*pair, row.guard) for table in tables for pair, rows in table.items() for row in rows}
    effects = effects_of(records, fetches)
    for seed in range(6000):
        a_life(seed)
        if seed > 1000 and seen.rows == rows and seen.effects == effects:
            break
    assert rows - seen.rows == set()
    assert effects - seen.effects == set()


@pytest.mark.parametrize("table", [records.TABLE, fetches.TABLE], ids=["record", "background_fetch"])
def test_rows_are_named_and_the_last_may_be_unguarded(table: Table[Record]) -> None:
    for rows in table.values():
        guards = [row.guard for row in rows]
        assert len(set(guards)) == len(guards)
        assert "<lambda>" not in guards
        assert "" not in guards[:-1]
        assert all(row.do.__name__ != "<lambda>" for row in rows)
