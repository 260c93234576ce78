"""swruntime.agent.held: what the runtime holds in memory for a realm, and what happens when that is too much."""

from __future__ import annotations

import gc
import threading

import pytest
from hypothesis import given, strategies as st

from swruntime.agent.held import MOST_BYTES, MOST_ITEMS, REALMS, Charge, Held, for_an_origin


def bounded(most_bytes: int = 1_000, most_items: int = 10) -> tuple[Held, list[str]]:
    """A realm's, and why it was ended."""
    held = Held(most_bytes, most_items)
    told: list[str] = []
    held.on_excess = told.append
    return held, told


def test_what_is_held_is_counted_until_it_is_released() -> None:
    held, told = bounded()
    one, other = held.charge("messages", 100, each=0), held.charge("timers", 0, each=30)
    assert (held.items, held.bytes, held.bytes_of("messages")) == (2, 130, 100)
    one.release()
    one.release()
    assert (held.items, held.bytes, held.bytes_of("messages")) == (1, 30, 0)
    other.resize(70)
    assert held.bytes == 70
    other.release()
    other.resize(1_000_000)
    assert (held.items, held.bytes, told) == (0, 0, [])
    assert held.bytes_of("nothing of the kind") == 0


def test_whoever_drops_a_charge_has_released_it() -> None:
    held, _ = bounded()
    charge: Charge | None = held.charge("messages", 100)
    del charge
    assert held.items == 0
    kept = [held.charge("messages", 100)]
    kept.append(kept)  # type: ignore[arg-type]
    del kept
    gc.collect()
    assert held.items == 0


def test_too_many_bytes_are_told_once_with_what_they_are() -> None:
    held, told = bounded()
    charges = [held.charge("messages", 400, each=0), held.charge("timers", 100, each=0)]
    charges.append(held.charge("messages", 500, each=0))
    assert told == []
    charges.append(held.charge("timers", 1, each=0))
    charges.append(held.charge("timers", 1, each=0))
    assert told == [
        "the runtime holds 1,001 bytes for it, and 1,000 are the limit: above all messages (2, 900 bytes)"
    ]


def test_too_many_things_are_told() -> None:
    held, told = bounded()
    charges = [held.charge("messages", 1, each=0) for _ in range(10)]
    assert told == []
    charges.append(held.charge("timers", 0, each=90))
    assert told == [
        "the runtime holds 11 things for it, and 10 are the limit: above all messages (10, 10 bytes)"
    ]


def test_what_grows_passes_the_bound() -> None:
    held, told = bounded()
    charge = held.charge("a frame", 10)
    charge.resize(1_000)
    assert told == []
    another = held.charge("a frame", 1, each=0)
    assert len(told) == 1
    assert another.size == 1


def test_one_thing_that_is_larger_than_the_bound_may_be_held_beside_all_else() -> None:
    held, told = bounded()
    charges = [held.charge("messages", 5_000, each=0), held.charge("messages", 1_000, each=0)]
    assert told == []
    charges[0].release()
    charges.append(held.charge("messages", 1_001, each=0))
    assert told == []
    charges.append(held.charge("messages", 1_001, each=0))
    assert told == [
        "the runtime holds 3,002 bytes for it, and 1,000 are the limit: above all messages (3, 3,002 bytes)"
    ]


def test_without_anyone_to_tell_nothing_is_too_much() -> None:
    held = Held(1, 1)
    charges = [held.charge("messages", 100) for _ in range(10)]
    assert held.items == len(charges)


def test_the_realms_of_an_origin_have_a_bound_of_their_own() -> None:
    origin = Held(2_000, 100)
    realms = [bounded() for _ in range(3)]
    for held, _ in realms:
        held.within = origin
    charges = [held.charge("messages", 900, each=0) for held, _ in realms[:2]]
    assert origin.bytes == 1_800
    charges.append(realms[2][0].charge("messages", 201, each=0))
    assert [told for _, told in realms] == [
        [],
        [],
        [
            "the runtime holds 2,001 bytes for its origin, and 2,000 are the limit: above all messages (3, 2,001 bytes)"
        ],
    ]
    # What a realm that is gone has sent is held still.
    del realms
    assert origin.bytes == 2_001
    charges.clear()
    assert origin.bytes == 0


def test_of_a_copy_as_many_bytes_are_held_again() -> None:
    held, _ = bounded()
    charge = held.charge("messages", 100)
    copy = charge.another(70)
    assert copy is not None
    assert (copy.kind, held.items, held.bytes) == ("messages", 2, 100 + 200 + 70)
    charge.release()
    assert charge.another(70) is None


def test_the_figures() -> None:
    origin, realm = for_an_origin(), Held()
    assert (realm.most_bytes, realm.most_items) == (MOST_BYTES, MOST_ITEMS)
    assert (origin.most_bytes, origin.most_items) == (REALMS * MOST_BYTES, REALMS * MOST_ITEMS)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3_000), st.booleans(), st.integers(0, 3_000)))
)
def test_the_counts_agree_with_what_there_is(steps: list[tuple[str, int, bool, int]]) -> None:
    held, _ = bounded()
    there: list[Charge] = []
    for kind, size, release, other in steps:
        there.append(held.charge(kind, size))
        there[size % len(there)].resize(other)
        if release:
            there.pop(other % len(there)).release()
        assert held.items == len(there)
        assert held.bytes == sum(charge.size for charge in there)
        for each in "abc":
            assert held.bytes_of(each) == sum(charge.size for charge in there if charge.kind == each)
    there.clear()
    assert (held.items, held.bytes, held._small, held._giants) == (0, 0, 0, 0)


def test_the_garbage_collector_may_let_go_in_any_thread() -> None:
    held, _ = bounded(10**9, 10**9)
    all_of_them: list[Charge] = [held.charge("messages", 1) for _ in range(20_000)]
    halves = all_of_them[::2], all_of_them[1::2]
    del all_of_them
    threads = [threading.Thread(target=half.clear) for half in halves]
    for thread in threads:
        thread.start()
    for _ in range(2_000):
        held.charge("messages", 1)
    for thread in threads:
        thread.join()
    assert (held.items, held.bytes) == (0, 0)


@pytest.mark.parametrize("size", [0, 1, 10**12])
def test_any_size_may_be_counted(size: int) -> None:
    held, told = bounded()
    charge = held.charge("messages", size)
    assert held.bytes == charge.size
    assert told == []
