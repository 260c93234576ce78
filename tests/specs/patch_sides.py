"""What each side finds wrong with the swruntime that comes first on sys.path.

    python -m tests.specs.patch_sides SIDE

prints what it found, or nothing. Run by `patched`, beside a copy of the package that is broken on purpose.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from itertools import chain

import trio
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from swruntime.errors import TraceViolation
from swruntime.monitor.explore import compare_tables, explore_event, explore_worker
from swruntime.monitor.explore_fetch import explore_fetch
from swruntime.testing import check_trace, laboratory, run
from swruntime.trace import Line
from tests.specs.patch_lives import LIVES, PATIENCE, Life

RANDOM_EXAMPLES = 40
RANDOM_STEPS = 12


def exhaustive() -> Iterator[str]:
    """Side one, what takes no time of it."""
    yield from compare_tables()
    for figures in (explore_worker(), explore_event(), explore_fetch("GET"), explore_fetch("GET", "POST")):
        yield from figures.problems


def random() -> Iterator[str]:
    """Side two, some lives, none of them shrunk."""
    machine = importlib.import_module("tests.specs.random_runtime").AnyLife
    some = settings(
        max_examples=RANDOM_EXAMPLES,
        stateful_step_count=RANDOM_STEPS,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
    )
    try:
        run_state_machine_as_test(machine, settings=some)
    except Exception as error:  # noqa: BLE001 - whatever it is, a whole runtime does not raise it
        yield f"{type(error).__name__}: {error}"


def trace() -> Iterator[str]:
    """Side three: the monitor reads the traces of some lives."""
    return chain.from_iterable(map(_violations, LIVES))


def _violations(life: Life) -> Iterator[str]:
    lines: list[Line] = []
    ended = False

    async def live() -> None:
        nonlocal lines, ended
        async with laboratory(profile=True) as lab:
            lines = lab.trace
            with trio.move_on_after(PATIENCE):
                await life(lab)
                ended = True

    try:
        run(live)
    except Exception as error:  # noqa: BLE001 - what is broken may raise anything; asked is what its trace shows
        ended = False
        print(f"{life.__name__} raised {error!r}", file=sys.stderr)
    try:
        check_trace(lines, complete=ended)
    except TraceViolation as violation:
        yield f"{life.__name__}: {violation}"


SIDES: dict[str, Callable[[], Iterator[str]]] = {"exhaustive": exhaustive, "random": random, "trace": trace}


if __name__ == "__main__":
    print(next(SIDES[sys.argv[1]](), ""))
