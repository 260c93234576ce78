"""What `specs/*/states.toml` says, as values: machines, their states, inputs, guards, effects and transitions.

Everything is checked as it is read; what is wrong raises SpecError, which names the file and the entry. How the
files are written is told in specs/README.md.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import attrs

from swruntime.errors import SpecError
from swruntime.monitor.expressions import Expression, Facts

SAME = "same"
"""A transition's `to`: the state it comes from."""

_MACHINE_KEYS = {
    "title",
    "anchor",
    "initial",
    "settled",
    "states",
    "inputs",
    "effects",
    "facts",
    "guards",
    "transition",
}
_TRANSITION_KEYS = {"from", "input", "when", "to", "effects", "quiet", "anchor", "step"}
_REQUIRED = {"from", "input", "to", "effects", "anchor", "step"}


@attrs.frozen
class ExpectedEffect:
    """`text` is the effect's name and, after it, the values that matter; `holds` is its condition, if it has one."""

    text: str
    holds: Expression | None = None

    @property
    def name(self) -> str:
        return self.text.partition(" ")[0]


@attrs.frozen
class Transition:
    """From `source`, on `input`, where the guard named `when` holds (if there is one), to `target`."""

    source: str
    input: str
    when: str
    target: str
    effects: tuple[ExpectedEffect, ...]
    quiet: str
    anchor: str
    step: str
    holds: Expression | None = None

    def expected(self, facts: Facts) -> list[str]:
        """The effects that are due, in order."""
        return [e.text for e in self.effects if e.holds is None or e.holds(facts)]

    def __str__(self) -> str:
        guard = f" [{self.when}]" if self.when else ""
        return f"{self.source} --{self.input}{guard}--> {self.target}"


@attrs.frozen
class StateMachine:
    """A machine of a standard. `transitions` are in the order in which their guards are asked."""

    name: str
    title: str
    anchor: str
    file: str
    initial: str
    settled: tuple[str, ...]
    states: Mapping[str, str]
    inputs: Mapping[str, str]
    effects: Mapping[str, str]
    facts: Mapping[str, str]
    guards: Mapping[str, str]
    transitions: tuple[Transition, ...]
    _table: dict[tuple[str, str], list[Transition]] = attrs.field(init=False, eq=False, repr=False)

    @_table.default
    def _by_pair(self) -> dict[tuple[str, str], list[Transition]]:
        table: dict[tuple[str, str], list[Transition]] = {}
        for transition in self.transitions:
            table.setdefault((transition.source, transition.input), []).append(transition)
        return table

    def of(self, state: str, input: str) -> list[Transition]:
        """The transitions from `state` on `input`, in order."""
        return self._table.get((state, input), [])

    def next(self, state: str, input: str, facts: Facts) -> Transition | None:
        """The transition that is taken; None where the input is impossible."""
        for transition in self.of(state, input):
            if transition.holds is None or transition.holds(facts):
                return transition
        return None

    def leads(self, source: str, target: str) -> bool:
        """Whether one transition leads from `source` to `target`."""
        return any(t.source == source and t.target == target for t in self.transitions)

    def into(self, target: str) -> list[Transition]:
        return [t for t in self.transitions if t.target == target]


def folder() -> Path:
    """Where specs/ is: in the package as it is installed, beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "specs"
    return installed if installed.is_dir() else package.parent / "specs"


@cache
def machines() -> Mapping[str, StateMachine]:
    """Every machine of specs/, by its name. Raises SpecError."""
    found: dict[str, StateMachine] = {}
    for path in sorted(folder().glob("*/states.toml")):
        for machine in read(path):
            if machine.name in found:
                raise SpecError(f"{path}: machine {machine.name!r} is in {found[machine.name].file} already")
            found[machine.name] = machine
    if not found:
        raise SpecError(f"{folder()}: there is no states.toml in it; swruntime is not installed whole")
    return found


def read(path: Path) -> list[StateMachine]:
    """The machines of one file. Raises SpecError."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}") from error
    return parse(text, str(path))


def parse(text: str, file: str) -> list[StateMachine]:
    """As `read`, from text; `file` is for the messages. Raises SpecError."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"{file}: {error}") from error
    top = _Entry(file, "the file", data)
    top.only({"standard", "machine"}, {"standard", "machine"})
    standard = top.string("standard")
    return [
        _machine(_Entry(file, f"machine {name!r}", entry), name, standard)
        for name, entry in top.table("machine").items()
    ]


@attrs.frozen
class _Entry:
    """A table of a file, and how errors name it."""

    file: str
    what: str
    data: Any

    def wrong(self, text: str) -> SpecError:
        return SpecError(f"{self.file}: {self.what}: {text}")

    def only(self, allowed: set[str], required: set[str]) -> None:
        if not isinstance(self.data, dict):
            raise self.wrong(f"is {self.data!r}; expected a table")
        for key in self.data.keys() - allowed:
            raise self.wrong(f"{key!r} is not a key of it; expected {', '.join(sorted(allowed))}")
        for key in sorted(required - self.data.keys()):
            raise self.wrong(f"{key!r} is missing")

    def string(self, key: str, default: str = "") -> str:
        value = self.data.get(key, default)
        if not isinstance(value, str):
            raise self.wrong(f"{key} is {value!r}; expected a string")
        return value

    def strings(self, key: str) -> tuple[str, ...]:
        value = self.data[key]
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
            raise self.wrong(f"{key} is {value!r}; expected a string, or a list of strings")
        return tuple(values)

    def table(self, key: str) -> dict[str, Any]:
        value = self.data[key]
        if not isinstance(value, dict):
            raise self.wrong(f"{key} is {value!r}; expected a table")
        return value

    def texts(self, key: str) -> dict[str, str]:
        value = self.table(key)
        for name, text in value.items():
            if not isinstance(text, str):
                raise self.wrong(f"{key}.{name} is {text!r}; expected a string")
        return value

    def known(self, what: str, names: Iterable[str], known: Iterable[str]) -> None:
        for name in names:
            if name not in known:
                raise self.wrong(f"{what} {name!r} is not declared; there are: {', '.join(known)}")

    def expression(self, text: str, facts: Mapping[str, str]) -> Expression:
        try:
            return Expression(text, facts.keys())
        except ValueError as error:
            raise self.wrong(str(error)) from error


def _machine(entry: _Entry, name: str, standard: str) -> StateMachine:
    entry.only(_MACHINE_KEYS, _MACHINE_KEYS)
    states, inputs, effects = entry.texts("states"), entry.texts("inputs"), entry.texts("effects")
    facts, guards = entry.texts("facts"), entry.texts("guards")
    initial, settled = entry.string("initial"), entry.strings("settled")
    entry.known("state", (initial, *settled), states)
    compiled = {
        guard: _Entry(entry.file, f"{entry.what}: guard {guard!r}", None).expression(text, facts)
        for guard, text in guards.items()
    }
    transitions: list[Transition] = []
    for number, data in enumerate(entry.data["transition"], 1):
        each = _Entry(entry.file, f"{entry.what}: transition {number}", data)
        transitions += _transitions(each, standard, states, inputs, effects, facts, compiled)
    _all_used(entry, transitions)
    return StateMachine(
        name,
        entry.string("title"),
        standard + entry.string("anchor"),
        entry.file,
        initial,
        settled,
        states,
        inputs,
        effects,
        facts,
        guards,
        tuple(transitions),
    )


def _transitions(
    entry: _Entry,
    standard: str,
    states: Mapping[str, str],
    inputs: Mapping[str, str],
    effects: Mapping[str, str],
    facts: Mapping[str, str],
    guards: Mapping[str, Expression],
) -> Iterable[Transition]:
    entry.only(_TRANSITION_KEYS, _REQUIRED)
    sources, names, target = entry.strings("from"), entry.strings("input"), entry.string("to")
    when, expected = entry.string("when"), tuple(_effect(entry, e, facts) for e in entry.strings("effects"))
    entry.known("state", sources, states)
    entry.known("state", [target] if target != SAME else [], states)
    entry.known("input", names, inputs)
    entry.known("guard", [when] if when else [], guards)
    entry.known("effect", [e.name for e in expected], effects)
    if not entry.string("anchor").startswith("#"):
        raise entry.wrong(f"anchor is {entry.string('anchor')!r}; expected #NAME")
    if not entry.string("step"):
        raise entry.wrong("step is empty; expected the algorithm and the number of its step, in words")
    certain = any(e.holds is None for e in expected)
    if not certain and not entry.string("quiet") and any(target in (s, SAME) for s in sources):
        raise entry.wrong("may change nothing; say in 'quiet' why that is no silence")
    for source in sources:
        for name in names:
            yield Transition(
                source,
                name,
                when,
                source if target == SAME else target,
                expected,
                entry.string("quiet"),
                standard + entry.string("anchor"),
                entry.string("step"),
                guards[when] if when else None,
            )


def _effect(entry: _Entry, text: str, facts: Mapping[str, str]) -> ExpectedEffect:
    name, separator, condition = text.partition(" if ")
    return ExpectedEffect(name, entry.expression(condition, facts) if separator else None)


def _all_used(entry: _Entry, transitions: list[Transition]) -> None:
    """Nothing is declared that no transition mentions, and nothing comes after a transition without a guard."""
    used = {
        "inputs": {t.input for t in transitions},
        "effects": {e.name for t in transitions for e in t.effects},
        "guards": {t.when for t in transitions},
        "states": {t.source for t in transitions} | {t.target for t in transitions},
    }
    for key, names in used.items():
        for name in entry.texts(key).keys() - names:
            raise entry.wrong(f"{key}.{name} is declared, and no transition has it")
    last: dict[tuple[str, str], Transition] = {}
    for transition in transitions:
        pair = transition.source, transition.input
        before = last.get(pair)
        if before is not None and not before.when:
            raise entry.wrong(f"{transition} is never asked: {before} comes before it and has no guard")
        last[pair] = transition
