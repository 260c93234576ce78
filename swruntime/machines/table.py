"""What a transition table is, and how a row of it is chosen.

A table maps (state, class of the input) to rows. The first row whose guard holds is taken: its `do` makes
the new state's fields and the effects, and the state becomes `to`. A pair that is not listed, or of which
no guard holds, is an ImpossibleInput: no input is ignored silently.

The state is a frozen attrs value with a field `state`; `do` never sets that field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

import attrs

from swruntime.errors import ImpossibleInput


class Stateful(Protocol):
    @property
    def state(self) -> Enum: ...


S = TypeVar("S", bound=Stateful)


@attrs.frozen
class Effect:
    """What a machine asks of the agent. Effects are performed in order, after the new state was stored."""


Outcome = tuple[S, tuple[Effect, ...]]


@attrs.frozen
class Row(Generic[S]):
    """`when` is the guard: its name is what `specs/` calls it. `do` answers with fields and effects."""

    to: Enum
    do: Callable[[S, Any], Outcome[S]]
    when: Callable[[S, Any], bool] | None = None

    @property
    def guard(self) -> str:
        return self.when.__name__ if self.when else ""


Table = Mapping[tuple[Enum, type], tuple[Row[S], ...]]


def step(table: Table[S], machine: S, input: object) -> Outcome[S]:
    """Feed `input`. Raises ImpossibleInput when the table has no row for it."""
    for row in table.get((machine.state, type(input)), ()):
        if row.when is None or row.when(machine, input):
            new, effects = row.do(machine, input)
            if new.state is not row.to:
                new = attrs.evolve(new, state=row.to)  # type: ignore[misc]
            return new, effects
    raise ImpossibleInput(type(machine).__name__, machine.state.value, type(input).__name__)


def nothing(machine: S, input: object) -> Outcome[S]:
    """The row that changes only the state."""
    return machine, ()
