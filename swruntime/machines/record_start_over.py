"""How a record starts over although it has bytes: the rest was asked for, and what came cannot be used.

What is stored stays, until the new bytes, which are kept apart, are as many. If their exchange ends before, it is gone
on with what is stored.
"""

from __future__ import annotations

import attrs

from swruntime.algorithms.content_range import unsatisfied_length
from swruntime.machines.record_answers import asks_for_the_rest, contradicted, promised_length, unusable
from swruntime.machines.record_rules import is_whole, part_end, settle, transfer_of
from swruntime.machines.record_values import (
    Apart,
    End,
    Enqueue,
    Head,
    KeepApart,
    NoRoom,
    Overtaken,
    Record,
    TakeOver,
    Terminate,
)
from swruntime.machines.table import Outcome


def has_overtaken(r: Record, i: Overtaken) -> bool:
    return r.has_overtaken


def is_kept_apart(r: Record, i: NoRoom) -> bool:
    return r.keeps_apart


def is_another_length(r: Record, i: End) -> bool:
    """It ended where its own framing says, and not where an earlier answer with the same strong validator said; or
    before the bytes that came with that one: these are not the same bytes."""
    promised = r.exchange.promised
    return (promised is not None and r.filled != promised) or (r.keeps_apart and is_whole(r, i))


def start_over_once(r: Record, i: Head) -> Outcome[Record]:
    """What is stored stays, and its head, which the next answer is compared with. A 416 may say that the length in it
    is wrong, and then none is known."""
    head, anew = r.head, r.anew or asks_for_the_rest(r)
    told = unsatisfied_length(i.content_range) if i.head.status == 416 else None
    if head is not None and told not in (None, head.complete_length):
        head = attrs.evolve(head, complete_length=None)
    new = attrs.evolve(r, head=head, restarted=True, anew=anew, transfer=None, queued_at=i.now)
    return new, (Terminate(), Enqueue())


def make_room(r: Record, i: NoRoom) -> Outcome[Record]:
    """There is no room for both: what is stored is given up, when the whole comes again."""
    return attrs.evolve(r, head=None, transfer=None), (Terminate(), Enqueue())


def begin_apart(r: Record, i: Head) -> Outcome[Record]:
    """Of a part whose length is `*` the length is the one that is known, of a whole body it is a promise."""
    is_part, promised = i.head.status == 206, promised_length(r, i)
    head = attrs.evolve(i.head, complete_length=promised) if is_part and promised is not None else i.head
    transfer = transfer_of(
        r,
        part_end=part_end(i) if is_part else None,
        promised=None if is_part else promised,
        apart=Apart(head),
    )
    return attrs.evolve(r, anew=False, transfer=transfer), (KeepApart(),)


def take_over(r: Record, i: Overtaken) -> Outcome[Record]:
    new = attrs.evolve(r, head=r.filled_head, stored=r.filled, transfer=attrs.evolve(r.exchange, apart=None))
    return new, (TakeOver(),)


def fail_unusable(r: Record, i: Head) -> Outcome[Record]:
    return settle(r, "fetch-error", "protocol", f"{unusable(r, i)}, again")


def fail_contradiction(r: Record, i: Head) -> Outcome[Record]:
    return settle(r, "fetch-error", "changed", contradicted(r, i))


def fail_another_length(r: Record, i: End) -> Outcome[Record]:
    promised = r.exchange.promised
    told = f"{promised} bytes" if promised is not None else f"at least {r.stored} bytes"
    message = f"the validator is the same, and the length was {told} and is now {r.filled}"
    return settle(r, "fetch-error", "changed", message, terminate=False)
