"""The inputs that an exhaustive exploration feeds, and how it makes the states it meets finitely many.

Numbers are abstracted so:

- Time. Every input that has a `now` comes at 0, within the patience, or LATE, beyond it; afterwards all times of a
  record are 0 again. No guard asks more of a time than whether the patience has ended.
- Bytes. A file is LENGTH bytes long and comes a byte at a time, so there are: nothing, a part, all, and too much;
  where nobody told the length, no more come after that.
- Counters of attempts and failures only choose how long to wait, and are 0.
- Messages and causes, which only people read, are dropped.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from swruntime.concepts.background import StoredHead
from swruntime.concepts.http import HeaderList
from swruntime.machines.record import (
    Abort,
    Bytes,
    End,
    Failure,
    Head,
    Input,
    NoRoom,
    Overtaken,
    Pause,
    Record,
    Resume,
    Start,
    Unavailable,
    Verified,
    WaitFor,
    Wake,
)

LATE = 10_000.0
"""Seconds: more than the patience."""

LENGTH = 2
"""Bytes of the file."""

REFUSAL = StoredHead(503)

FULL = StoredHead(200, etag='"a"', complete_length=LENGTH)
UNTOLD = StoredHead(200, etag='"a"')
WITHOUT_VALIDATOR = StoredHead(200, complete_length=LENGTH)
PART = StoredHead(206, etag='"a"', complete_length=LENGTH)
CHANGED = StoredHead(206, etag='"b"', complete_length=LENGTH)
OPEN_PART = StoredHead(206, etag='"a"')
CODED_PART = StoredHead(206, etag='"a-gzip"', coded=True)
OTHER = StoredHead(200, etag='"b"', complete_length=LENGTH)
OTHER_LENGTH = StoredHead(200, etag='"a"', complete_length=LENGTH - 1)


def first(*, method: str = "GET", own_range: bool = False, has_integrity: bool = False) -> Record:
    """A record as `fetch()` makes it."""
    headers = HeaderList((("Range", "bytes=0-1"),)) if own_range else HeaderList()
    return Record(method=method, headers=headers, has_integrity=has_integrity)


def all_of_a_record(record: Record) -> Iterator[Input]:
    """Every input there is, with values for every guard, whatever the record's state is."""
    for now in (0.0, LATE):
        for head, content_range, retry_after in _heads(record):
            yield Head(now, head, content_range, retry_after)
        for cause in ("offline", "reset", "truncated", "tls", "cors"):
            yield Failure(now, cause, "")
        yield Wake(now)
        yield End(now)
    yield Start(0.0)
    yield Unavailable("")
    if record.filled <= LENGTH:
        for size, room in ((1, None), (1, 0), (1, 5), (LENGTH + 1, None)):
            yield Bytes(0.0, size, room)
    yield Overtaken()
    yield NoRoom("")
    if record.stored > 0:
        yield NoRoom("", unstored=1)
    yield Verified()
    yield Verified("no")
    yield Pause()
    yield Resume()
    yield Abort("")


def _heads(record: Record) -> Iterator[tuple[StoredHead, str | None, float | None]]:
    start = record.transfer.range_start if record.transfer else 0
    for head in (FULL, UNTOLD, WITHOUT_VALIDATOR, OTHER, OTHER_LENGTH, StoredHead(204)):
        yield head, None, None
    yield FULL, f"bytes {start}-{LENGTH - 1}/{LENGTH}", None
    for head, content_range in (
        (PART, f"bytes {start}-{LENGTH - 1}/{LENGTH}"),
        (PART, f"bytes {start}-{start}/{LENGTH}"),
        (OPEN_PART, f"bytes {start}-{start}/*"),
        (OPEN_PART, f"bytes {start}-{LENGTH}/*"),
        (CODED_PART, f"bytes {start}-{LENGTH - 1}/{LENGTH}"),
        (CHANGED, f"bytes {start}-{LENGTH - 1}/{LENGTH}"),
        (PART, f"bytes {start + 1}-{start + 1}/{LENGTH + 1}"),
        (PART, "bytes"),
        (PART, None),
    ):
        yield head, content_range, None
    for content_range in (f"bytes */{record.stored}", f"bytes */{record.stored + 1}", None):
        yield StoredHead(416), content_range, None
    yield StoredHead(416, etag='"b"'), f"bytes */{record.stored}", None
    for status in (404, 429, 503):
        yield StoredHead(status), None, None
        yield StoredHead(status), None, 1.0


def of_one_among_others(record: Record) -> Iterator[tuple[Input, bool]]:
    """One input for every way a record can go; and whether a kind network gives it."""
    start = record.transfer.range_start if record.transfer else 0
    yield Start(0.0), True
    yield Unavailable(""), False
    if start:
        yield Head(0.0, PART, f"bytes {start}-{LENGTH - 1}/{LENGTH}"), True
    yield Head(0.0, FULL), start == 0
    yield Head(0.0, StoredHead(404)), False
    yield Failure(0.0, "reset", ""), False
    yield Failure(0.0, "tls", ""), False
    if record.filled < LENGTH:
        yield Bytes(0.0, 1), True
        yield NoRoom(""), False
    yield End(0.0), True
    yield Verified(), True
    yield Verified("no"), False
    yield Wake(0.0), True
    yield Wake(LATE), False


def abstract(record: Record) -> Record:
    """The record with all that no guard asks for taken out. Which ETag is stored is nothing to ask for either, while
    there is one alone: the other one, which stands for a file that changed, becomes the usual one."""
    if record.settled:
        return Record(method=record.method, state=record.state, result=record.result)
    if record.head is not None and record.head.etag == OTHER.etag:
        record = attrs.evolve(record, head=attrs.evolve(record.head, etag=FULL.etag))
    wait = record.wait
    if wait is not None:
        wait = WaitFor(wait.reason, None if wait.until is None else 0.0, None)
        wait = attrs.evolve(wait, reason="reset" if wait.until is not None else "offline")
    return attrs.evolve(
        record,
        attempt=0,
        failures=0,
        best=0,
        progress_at=None if record.progress_at is None else 0.0,
        queued_at=None,
        wait=wait,
        refusal=None if record.refusal is None else REFUSAL,
        cause=None,
        message=None,
        status=None,
    )


def abstract_among_others(record: Record) -> Record:
    """As `abstract`, and coarser: of a result only the result and its bytes matter, and time only as it passes."""
    if record.settled:
        return Record(method=record.method, state=record.state, result=record.result, stored=record.stored)
    coarse = attrs.evolve(abstract(record), progress_at=0.0)
    return attrs.evolve(coarse, restarted=False, stored=coarse.stored if coarse.head else 0)
