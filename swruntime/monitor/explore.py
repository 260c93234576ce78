"""Side one: every reachable state of the machines, every input, held against specs/ in both directions.

What comes out are Figures: how many states and steps there were, and what was wrong. A problem is a sentence that
names the transition, its step and its anchor; there are none when machines and specs/ say the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from enum import Enum
from typing import Any, get_args

import attrs

from swruntime.concepts.enums import EventOutcome
from swruntime.errors import ImpossibleInput
from swruntime.machines import (
    background_fetch,
    background_sync,
    extendable_event,
    periodic_sync,
    record,
    service_worker,
)
from swruntime.machines.table import Stateful, Table, step
from swruntime.monitor import facts, inputs
from swruntime.monitor.expressions import Facts
from swruntime.monitor.naming import kebab, label
from swruntime.monitor.states import StateMachine, Transition, machines

MOST_PROBLEMS = 20
"""So many problems are told of one exploration; a broken table makes thousands."""

TABLES: dict[str, tuple[Table[Any], type[Enum]]] = {
    "background-fetch": (background_fetch.TABLE, background_fetch.State),
    "record": (record.TABLE, record.State),
    "extendable-event": (extendable_event.TABLE, extendable_event.State),
    "service-worker": (service_worker.TABLE, service_worker.State),
    "background-sync": (background_sync.TABLE, background_sync.State),
    "periodic-background-sync": (periodic_sync.TABLE, periodic_sync.State),
}
"""The code of each machine of specs/."""

MOST_PROMISES = 3
"""So many promises extend an event at a time, in an exploration."""


@attrs.define
class Figures:
    """What an exploration saw. `taken` are the transitions of specs/ that some step took."""

    name: str
    states: int = 0
    steps: int = 0
    refused: int = 0
    """Inputs that are impossible in their state, and were refused."""
    taken: set[Transition] = attrs.field(factory=set)
    problems: list[str] = attrs.field(factory=list)

    def problem(self, text: str) -> None:
        if len(self.problems) < MOST_PROBLEMS and text not in self.problems:
            self.problems.append(text)


def compare_tables() -> list[str]:
    """Every row of the code against every transition of specs/, both ways: states, inputs, guards, targets, order."""
    problems: list[str] = []
    for name in machines().keys() ^ TABLES.keys():
        problems.append(f"machine {name!r} is in {'specs/' if name in machines() else 'the code'} alone")
    for name in sorted(machines().keys() & TABLES.keys()):
        machine, (table, states) = machines()[name], TABLES[name]
        code = {
            (state.value, kebab(input)): [(row.guard, row.to.value) for row in rows]
            for (state, input), rows in table.items()
        }
        spec = {
            pair: [(t.when, t.target) for t in machine.of(*pair)]
            for pair in {(t.source, t.input) for t in machine.transitions}
        }
        for pair in sorted(code.keys() | spec.keys()):
            if code.get(pair) != spec.get(pair):
                says, does = _rows(spec.get(pair)), _rows(code.get(pair))
                problems.append(f"{name}, {pair[0]} on {pair[1]}: specs/ says {says}, the code {does}")
        if {state.value for state in states} != set(machine.states):
            problems.append(f"{name}: the states of specs/ and of the code differ")
    return problems


def _rows(rows: list[tuple[str, str]] | None) -> str:
    if rows is None:
        return "nothing"
    return ", ".join(f"{to} if {guard}" if guard else to for guard, to in rows)


def hold(
    figures: Figures,
    machine: StateMachine,
    old: Stateful,
    input: object,
    known: Facts,
    outcome: tuple[Stateful, Iterable[object]] | None,
) -> None:
    """One step of the code against specs/; `outcome` None where the code says that the input is impossible."""
    source, name = old.state.value, kebab(type(input))
    expected = machine.next(source, name, known)
    if expected is None or outcome is None:
        if outcome is not None:
            figures.problem(
                f"{machine.name}: {source} on {input}: specs/ has no transition, the code has one"
            )
        elif expected is not None:
            figures.problem(f"{machine.name}: the code refuses {input}; {told(expected)}")
        figures.refused += 1
        return
    new, effects = outcome
    figures.taken.add(expected)
    labels = [label(effect) for effect in effects]
    if new.state.value != expected.target:
        figures.problem(f"{machine.name}: on {input} the code went to {new.state.value}; {told(expected)}")
    elif labels != expected.expected(known):
        figures.problem(
            f"{machine.name}: on {input} the effects were {labels}, not {expected.expected(known)}; {told(expected)}"
        )
    if new == old and not labels and not expected.quiet:
        figures.problem(f"{machine.name}: {source} ignores {input} silently; {told(expected)}")


def told(transition: Transition) -> str:
    """A transition, with its step and its anchor."""
    return f"{transition} ({transition.step}; {transition.anchor})"


def explore_record() -> Figures:
    """One record by itself: every method that matters, a Range of its own or none, every input."""
    roots = [
        inputs.first(method=method, own_range=own, has_integrity=integrity)
        for method in ("GET", "HEAD", "POST")
        for own in (False, True)
        for integrity in (False, True)
    ]
    return _explore(
        "record",
        roots,
        inputs.all_of_a_record,
        lambda r, i: facts.of_record(r, i, room=getattr(i, "room", None)),
        inputs.abstract,
        also=lambda r: [_restarted(r)],
    )


def _restarted(r: record.Record) -> record.Record:
    """The process died, and this is what another one finds."""
    return record.restore(
        r.snapshot(),
        method=r.method,
        headers=r.headers,
        give_up=r.give_up,
        stored=r.stored,
        has_integrity=r.has_integrity,
    )


def explore_event() -> Figures:
    """An extendable event with up to three promises at a time."""
    event = extendable_event

    def alphabet(e: event.ExtendableEvent) -> Iterable[event.Input]:
        if e.pending < MOST_PROMISES:
            yield event.PromiseAdded()
        yield from (event.PromiseSettled(), event.PromiseSettled("no"), event.TurnPassed())
        yield from (event.ListenerRaised("no"), event.DispatchFinished(), event.TimedOut(), event.RealmDied())

    roots = [event.ExtendableEvent(), event.ExtendableEvent(state=event.State.UNTRUSTED)]
    return _explore("extendable-event", roots, alphabet, facts.of_event, lambda e: e)


def explore_worker() -> Figures:
    """A service worker."""
    worker = service_worker
    alphabet = (worker.Install(), worker.Installed(), worker.Activate(), worker.Activated(), worker.Discard())
    roots = [worker.ServiceWorker()]
    return _explore("service-worker", roots, lambda w: alphabet, lambda w, i: {}, lambda w: w)


def explore_sync() -> Figures:
    """A sync registration; what was left of it when the process died, too."""
    sync = background_sync
    ended = (sync.Ended(outcome, 0.0) for outcome in get_args(EventOutcome))
    alphabet = (sync.Register(), sync.Fire(), *ended, sync.RetryTime(), sync.Clear())

    def restored(r: background_sync.SyncRegistration) -> Iterable[background_sync.SyncRegistration]:
        if r.state is not sync.State.GONE:
            yield sync.restore(r.failures, r.retry_at, r.retries, r.retry_at or 0.0)

    def abstract(r: background_sync.SyncRegistration) -> background_sync.SyncRegistration:
        failures = min(r.failures, r.retries.attempts)
        return attrs.evolve(r, failures=failures, retry_at=None if r.retry_at is None else 0.0)

    roots = [sync.SyncRegistration()]
    return _explore("background-sync", roots, lambda r: alphabet, facts.of_sync, abstract, also=restored)


def explore_periodic_sync() -> Figures:
    """A periodic sync registration."""
    sync = periodic_sync
    ended = (sync.Ended(outcome, 0.0) for outcome in get_args(EventOutcome))
    alphabet = (sync.Register(1.0), sync.Register(2.0), sync.Fire(), *ended, sync.Unregister())
    roots = [sync.PeriodicSyncRegistration(min_interval=1.0, anchor=0.0)]
    of = facts.of_periodic_sync
    return _explore("periodic-background-sync", roots, lambda r: alphabet, of, lambda r: r)


def _explore(
    name: str,
    roots: list[Any],
    alphabet: Callable[[Any], Iterable[object]],
    known: Callable[[Any, Any], Facts],
    abstract: Callable[[Any], Any],
    also: Callable[[Any], Iterable[Any]] = lambda state: (),
) -> Figures:
    """Breadth first. `also`: states that another way than an input leads to."""
    figures, machine, table = Figures(name), machines()[name], TABLES[name][0]
    seen: set[Hashable] = set(roots)
    queue = deque(roots)
    while queue:
        state = queue.popleft()
        nexts = list(also(state))
        for input in alphabet(state):
            try:
                outcome = step(table, state, input)
            except ImpossibleInput:
                outcome = None
            figures.steps += 1
            hold(figures, machine, state, input, known(state, input), outcome)
            if outcome is not None:
                nexts.append(outcome[0])
        for new in map(abstract, nexts):
            if new not in seen:
                seen.add(new)
                queue.append(new)
    figures.states = len(seen)
    not_taken(figures, machine)
    return figures


def not_taken(figures: Figures, machine: StateMachine) -> None:
    """A transition that no step takes is one that nobody needs, or that the exploration does not try."""
    for transition in machine.transitions:
        if transition not in figures.taken:
            figures.problem(f"{machine.name}: no step takes {told(transition)}")
