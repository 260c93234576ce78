"""The random side in its fastest setting: the machines alone, in the fake world of tests/machines, without an agent.

A scenario is plain data, so that Hypothesis makes hundreds a second, and that of a failure reads as what happened. The
oracle is what `World` holds against SPEC-NOTES after each action, that everybody can be brought to an end by kindness,
and that what only harmless things happened to is a success.
"""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import strategies as st

from swruntime.machines.record import TEMPORARY
from tests.machines.machines_world import (
    ANSWERS,
    BREAKS,
    OUTCOMES,
    VALIDATORS,
    Answer,
    Spec,
    Validator,
    World,
)


@attrs.frozen
class Happening:
    """A call of the method `what` of World; `record`: of the record of that number; `how`: its other arguments."""

    what: str
    record: int | None = None
    how: tuple[Any, ...] = ()

    def to(self, world: World) -> None:
        of = () if self.record is None else (self.record % len(world.specs),)
        getattr(world, self.what)(*of, *self.how)


HARMLESS = {"pause", "resume", "die", "go_offline", "go_online", "grant", "send", "fire"}
KIND: list[Answer] = ["honest", "part", "full", "refused-at-length"]
"""Of files whose length is told. Who tells it, and then does not, may be sending another file."""


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
            world.begin()
            world.check_at_rest()
        if not world.released:
            world.drive_kindly()
        if self.is_harmless:
            results = [record.result for record in world.machine.records]
            assert results == ["success"] * len(results), f"nothing was wrong, and it is {results}"

    @property
    def is_harmless(self) -> bool:
        """Nothing is wrong with any file, the servers tell the truth, and nobody aborts."""
        answers = {h.how[0] for h in self.happenings if h.what == "answer"}
        return (
            all(spec.method == "GET" and spec.validator in ("etag", "date") for spec in self.specs)
            and not 0 < self.download_total < sum(spec.size for spec in self.specs)
            and all(_is_harmless(happening) for happening in self.happenings)
            and (answers <= {*KIND} or answers <= {"star"})
        )


def _is_harmless(happening: Happening) -> bool:
    if happening.what == "fail":
        return happening.how[0] in TEMPORARY
    return happening.what == "answer" or happening.what in HARMLESS


records = st.integers(0, 1)
answers = st.sampled_from(ANSWERS)
sizes = st.integers(0, 12)
sent = st.sampled_from([0, 1, 5, 12])


def _to_all(what: str, *how: st.SearchStrategy[Any]) -> st.SearchStrategy[Happening]:
    return st.builds(Happening, st.just(what), st.none(), st.tuples(*how))


def _to_one(what: str, *how: st.SearchStrategy[Any]) -> st.SearchStrategy[Happening]:
    return st.builds(Happening, st.just(what), records, st.tuples(*how))


harmless = (
    _to_one("send", sent),
    _to_all("pause"),
    _to_all("resume"),
    _to_all("die"),
    _to_all("go_offline"),
    _to_all("go_online"),
    _to_all("fire", st.sampled_from(OUTCOMES)),
    _to_one("fail", st.sampled_from(sorted(TEMPORARY))),
    _to_one("grant"),
)
others = (
    _to_all("abort"),
    _to_all("wait", st.sampled_from([1, 10, 110])),
    _to_one("answer", answers),
    _to_one("end"),
    _to_one("fail", st.sampled_from(BREAKS)),
    _to_one("try_once", answers, sent, st.sampled_from([None, "reset"])),
    _to_one("send_too_much"),
    _to_one("send_parts_of_nothing"),
    _to_one("change_file"),
)


def _scenarios(
    happenings: st.SearchStrategy[Happening], methods: list[str], validators: list[Validator]
) -> st.SearchStrategy[Scenario]:
    specs = st.builds(
        Spec,
        method=st.sampled_from(methods),
        size=sizes,
        validator=st.sampled_from(validators),
        told=st.booleans(),
    )
    return st.builds(
        Scenario,
        specs=st.lists(specs, min_size=1, max_size=2),
        download_total=st.sampled_from([0, 15]),
        happenings=st.lists(happenings, max_size=10),
    )


def _harmless(kind: list[Answer]) -> st.SearchStrategy[Scenario]:
    happenings = st.one_of(_to_one("answer", st.sampled_from(kind)), *harmless)
    return _scenarios(happenings, ["GET"], ["etag", "date"])


scenarios = st.one_of(
    _scenarios(st.one_of(*harmless, *others), ["GET", "POST"], list(VALIDATORS)),
    _harmless(KIND),
    _harmless(["star"]),
)
