"""Fairness: the six connections of an origin, shared by any number of background fetches."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

from hypothesis import given, strategies as st

from swruntime.agent.connections import CONNECTIONS_PER_ORIGIN, Connections, Lease


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=8),
    st.integers(0, CONNECTIONS_PER_ORIGIN - 1),
)
def test_nobody_starves_and_the_stalled_hold_up_nobody(counts: list[int], stalled: int) -> None:
    """Owner n has counts[n] records; some connections are never given back."""
    connections, granted, leases = Connections(), list[int](), list[Lease]()

    def take(owner: int, lease: Lease) -> None:
        granted.append(owner)
        leases.append(lease)

    for owner, count in enumerate(counts):
        for _ in range(count):
            connections.enqueue("http://a", owner, partial(take, owner))
            assert len(leases) <= CONNECTIONS_PER_ORIGIN
    held = [leases.pop(0) for _ in range(min(stalled, len(leases)))]
    while leases:
        assert len(leases) + len(held) <= CONNECTIONS_PER_ORIGIN
        leases.pop(0).release()
    assert sorted(granted) == sorted(owner for owner, count in enumerate(counts) for _ in range(count))
    # While an owner waits, nobody has two turns more than it: turns go round.
    for owner, count in enumerate(counts):
        after = granted[CONNECTIONS_PER_ORIGIN:]
        turns = [-1, *(place for place, each in enumerate(after) if each == owner)]
        for one, next_one in pairwise(turns):
            between = after[one + 1 : next_one]
            assert all(between.count(other) <= 1 for other in range(len(counts))), (owner, count)
