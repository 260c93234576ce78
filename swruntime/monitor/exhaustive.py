"""Side one, all of it: what the tests and the command that tells where the runtime stands call."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from swruntime.errors import UsageError
from swruntime.monitor.explore import (
    Figures,
    compare_tables,
    explore_event,
    explore_periodic_sync,
    explore_record,
    explore_sync,
    explore_worker,
    not_taken,
)
from swruntime.monitor.explore_fetch import explore_fetch
from swruntime.monitor.states import machines

MOST_RECORDS = 3

_OF_FETCHES: dict[int, list[Callable[[], Figures]]] = {
    1: [
        lambda: explore_fetch("GET"),
        lambda: explore_fetch("GET", download_total=1),
        lambda: explore_fetch("GET", has_integrity=True),
    ],
    2: [lambda: explore_fetch("GET", "POST"), lambda: explore_fetch("GET", "GET", download_total=3)],
    3: [lambda: explore_fetch("GET", "GET", "GET")],
}


def exhaustive(records: int = MOST_RECORDS) -> Iterator[Figures]:
    """The figures of every exploration, one after the other, with up to `records` records in a background fetch.

    The first are those of the tables themselves. Raises UsageError for a number of records that is not explored.
    """
    if records not in _OF_FETCHES:
        raise UsageError(f"records is {records}; expected 1 to {MOST_RECORDS}")
    yield Figures("tables", problems=compare_tables())
    yield explore_worker()
    yield explore_event()
    yield explore_sync()
    yield explore_periodic_sync()
    yield explore_record()
    whole = Figures("background-fetch")
    for number, explorations in _OF_FETCHES.items():
        for explore in explorations if number <= records else ():
            figures = explore()
            whole.taken |= figures.taken
            yield figures
    not_taken(whole, machines()["background-fetch"])
    yield whole
