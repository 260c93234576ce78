"""What an answer is to a record that has bytes already: the rest, the whole, neither, or of another file.

The guards are those of the record's table; their names are what specs/ calls them. What a response's head says is told
by `algorithms/partial`.
"""

from __future__ import annotations

from swruntime.algorithms.partial import changed_part, contradiction, is_same_file, unusable_part
from swruntime.machines.record_values import Head, Record


def asks_for_the_rest(r: Record) -> bool:
    return r.transfer is not None and r.transfer.range_start > 0


def unusable(r: Record, i: Head) -> str | None:
    return unusable_part(r.exchange.range_start, now=i.head, content_range=i.content_range)


def contradicted(r: Record, i: Head) -> str | None:
    """Of an answer that begins at zero, although bytes are stored that could be gone on with."""
    start = r.exchange.range_start
    if not r.anew and (start == 0 or i.head.status == 206):
        return None
    return contradiction(r.head, i.head, i.content_range, range_start=start)


def promised_length(r: Record, i: Head) -> int | None:
    """The length that the body must have, where an earlier answer told it, with a strong validator, and this one with
    the same does not. The caller knows that the body begins at zero."""
    known = r.head.complete_length if r.head and is_same_file(r.head, i.head) else None
    begins_again = asks_for_the_rest(r) or r.anew
    return None if i.head.coded or i.head.complete_length is not None or not begins_again else known


def is_changed_206(r: Record, i: Head) -> bool:
    return asks_for_the_rest(r) and changed_part(r.head, i.head, i.content_range) is not None


def is_first_unusable(r: Record, i: Head) -> bool:
    """Neither the rest nor the whole, or not for sure, though nothing says that the file changed: GET alone comes here,
    for the others' answers begin the only body they ever have."""
    return not r.restarted and (is_unusable_206(r, i) or is_contradiction(r, i))


def is_unusable_206(r: Record, i: Head) -> bool:
    return i.head.status == 206 and unusable(r, i) is not None


def is_contradiction(r: Record, i: Head) -> bool:
    return contradicted(r, i) is not None


def is_the_same_anew(r: Record, i: Head) -> bool:
    """The same file from its beginning: what is stored of it is as good until there is more of the new."""
    return r.anew and is_same_file(r.head, i.head)
