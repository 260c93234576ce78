"""The random side in its fastest setting: the machines alone, in the fake world of tests/machines, without an agent.

A scenario is plain data, so that Hypothesis makes hundreds a second; the oracle is what `World` holds against
SPEC-NOTES after each action, and that everybody can be brought to an end by kindness.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
from hypothesis import strategies as st

from tests.machines.machines_world import ANSWERS, BREAKS, OUTCOMES, VALIDATORS, Spec, World

Action = Callable[[World, int, int], object]
"""What happens, to the record of a number, and how much of it."""


def _die(world: World, index: int, much: int) -> None:
    world.die()
    world.begin()


ACTIONS: dict[str, Action] = {
    "pause": lambda world, index, much: world.pause(),
    "resume": lambda world, index, much: world.resume(),
    "abort": lambda world, index, much: world.abort(),
    "die": _die,
    "go offline": lambda world, index, much: world.go_offline(),
    "go online": lambda world, index, much: world.go_online(),
    "wait": lambda world, index, much: world.wait(7 * much),
    "grant": lambda world, index, much: world.grant(index),
    "change file": lambda world, index, much: world.change_file(index),
    "answer": lambda world, index, much: world.answer(index, ANSWERS[much % len(ANSWERS)]),
    "send": lambda world, index, much: world.send(index, much),
    "send too much": lambda world, index, much: world.send_too_much(index),
    "end": lambda world, index, much: world.end(index),
    "fail": lambda world, index, much: world.fail(index, BREAKS[much % len(BREAKS)]),
    "try once": lambda world, index, much: world.try_once(
        index, ANSWERS[much % len(ANSWERS)], much, None if much % 2 else "reset"
    ),
    "fire": lambda world, index, much: world.fire(OUTCOMES[much % len(OUTCOMES)]),
}


@attrs.frozen
class Happening:
    what: str
    record: int
    much: int

    def to(self, world: World) -> None:
        ACTIONS[self.what](world, self.record % len(world.specs), self.much)


@attrs.frozen
class Scenario:
    specs: list[Spec]
    download_total: int
    happenings: list[Happening]

    def play(self) -> None:
        """Raises AssertionError where something is not what SPEC-NOTES says."""
        world = World(self.specs, download_total=self.download_total, eager=True)
        world.begin()
        for happening in self.happenings:
            happening.to(world)
            world.check_at_rest()
        if not world.released:
            world.drive_kindly()


specs = st.builds(
    Spec,
    method=st.sampled_from(["GET", "POST"]),
    size=st.integers(0, 12),
    validator=st.sampled_from(VALIDATORS),
)
happenings = st.builds(
    Happening, st.sampled_from(list(ACTIONS)), st.integers(0, 1), st.integers(0, len(ANSWERS))
)
scenarios = st.builds(
    Scenario,
    specs=st.lists(specs, min_size=1, max_size=2),
    download_total=st.sampled_from([0, 15]),
    happenings=st.lists(happenings, max_size=10),
)
