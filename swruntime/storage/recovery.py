"""What a death leaves behind, and how a profile goes on from it. Where a sync is needed, and where not.

When the process dies, everything it wrote stays in the system's hands: the log of the database and the
files of the bodies alike. No sync is needed for that. A body goes on at the length of its file; a
transaction is either in the log or it is not; what is left over is a file whose row went in a commit that
came just before the file's own deletion.

When the power fails, the disk has what was synced, and of the rest any part: rows without their bytes,
bytes without their rows, a file longer or shorter than it ever was, zeros in place of bytes. The next
opening knows it by the boot id, which is another one than the last writer's (or is not known, and then the
worst is assumed). So:

1. `Store.sync` syncs the file and, when it is the first time, the folder that has its name; then it notes
   the length that the file had at the call as `synced`, and brings that note to the disk. Nothing beyond it
   counts after a power failure: the file is cut there. It is the checkpoint. Who makes a durable transaction
   at once, or refers to the body in a commit that is not durable itself, leaves the note to that commit
   (`flush=False`): what refers to the bytes then survives with the note or not at all.
2. A durable transaction syncs the log, and with it all that was committed before. No other commit syncs
   anything. The log is in order, so what is lost is always the end of the history, and never its middle.
3. Rows may therefore be on the disk while their bytes are not. A record that was saved as "success", and a
   cache entry, remember the length that was counted then. Where the body comes back shorter:
     - a record of a background fetch that is not settled is unsettled again. It keeps its head, and so asks
       for the rest; where its request may not be sent twice, it fails when it is taken up;
     - a record of a settled one cannot resume, and becomes a "fetch-error", cause "truncated". Whoever syncs
       the bodies before the durable commit of the result, as promised, never sees this;
     - a cache entry goes: a cache that lacks it is honest, one that answers with half a body is not;
     - a background fetch whose stored upload is short goes as well, as though its own commit had been lost.
       Whoever syncs uploads before the durable commit that adds the fetch never sees this.
   The same is done for a file that is shorter than what was counted although no power failed: another hand, or the
   disk itself, was at it. (A record whose upload is short becomes a "fetch-error" then.) Where such a file is longer,
   what comes after the bytes that were counted is cut off. Bytes that are wrong in a file of the right length nobody
   notices. A store that closes in order also notes in `counted` how long the bodies of unfinished records are, so
   that the next opening knows; that note is deleted there, before anything is appended.
4. Deleting runs the other way: the row that refers to a file must be gone from the disk before the file is.
   So a commit that drops a body of which anything was ever synced is itself brought to the disk before the
   file is deleted.
5. Creating needs no sync. The row is committed first; if the power takes the row and leaves the file, the
   file has no row and is collected; if it takes the file, nothing of it was synced, and the body is empty.

6. What is told to somebody outside is durable before it is told: that a background fetch is there (with its uploads,
   synced), that a request which may not be sent twice is about to be sent, the result. All else (a response's head, a
   registration, a cache, that an event has ended) may be lost with the end of the history, and is then done again.
   IndexedDB's databases are files of SQLite's own, with a log each: a transaction with the durability "strict" syncs
   it, others may be lost with the end of that database's history. Their rows are durable before their files are made.
7. A sync that failed is not asked for again: the next opening goes back to the checkpoints, as though the power had
   failed (see room.py).

Files without a row, and rows that nothing refers to, are collected at each opening, after this.

This is the one place that says where a sync is needed; tests/crash/test_crash_power.py holds it against a disk that
forgets what was not synced.
"""

from __future__ import annotations

import errno
import json
from pathlib import Path

import attrs

from swruntime.algorithms.methods import SAFE
from swruntime.machines.snapshots import RecordSnapshot
from swruntime.storage.bodies import BodyBytes, Sizes, contains
from swruntime.storage.database import Database, Mark, Participant
from swruntime.storage.expected import ALL, FORGET_STOPS, Expected, damage, incomplete_bodies
from swruntime.storage.values import from_json, to_json

DETECT = "detect"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def current_boot_id() -> str | None:
    """What tells this boot of the machine from every other, None where the system does not say."""
    try:
        return _BOOT_ID.read_text("ascii").strip() or None
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM):
            return None
        raise


class NothingBeside:
    """Takes part in a transaction that is about rows alone."""

    def mark(self) -> Mark:
        return 0, 0

    def undo(self, mark: Mark) -> None: ...

    def roll_back(self) -> None: ...

    def before_commit(self) -> None: ...

    def after_commit(self) -> None: ...

    def sweep(self, durable: bool) -> None: ...


@attrs.define
class Losses:
    """`told`: what was found, one sentence for each body. `gone`: what will not be made good by itself.

    `incomplete`: the bodies that are not complete, for whatever reason.
    """

    told: list[str] = attrs.field(factory=list)
    gone: list[str] = attrs.field(factory=list)
    incomplete: frozenset[int] = frozenset()


def recover(database: Database, bodies: BodyBytes, sizes: Sizes, boot_id: str | None) -> Losses:
    """Bring rows and files together again after whatever ended the last writer. There are no readers yet.

    `sizes` is what `bodies` has now; what is cut is noted there. Done again from the start when it is interrupted: the
    boot is noted last.
    """
    nobody: Participant = NothingBeside()
    last_boot: str | None = database.one("SELECT boot FROM profile")
    same_boot = boot_id is not None and boot_id == last_boot
    losses = Losses()
    with database.transaction(nobody, durable=True):
        if not same_boot:
            database.execute(FORGET_STOPS)
        found = _with_excess_cut(database, bodies, sizes, losses)
        if not same_boot:
            _cut_to_checkpoints(database, bodies, sizes)
            found = list(incomplete_bodies(database.each(ALL), sizes))
        _lower_checkpoints(database, found)
        if not same_boot:
            _drop_cut_uploads(database)
            found = list(incomplete_bodies(database.each(ALL), sizes))
        why = "its file was damaged" if same_boot else "the power failed before it was on the disk"
        for each, size in found:
            body = each.body
            if each.counted is None or size >= each.counted:
                continue
            told = f"bodies/{body} has {size} bytes of {each.counted}: {why}"
            losses.told.append(told)
            losses.gone += _that_go(database, body, size, told)
            _fail_uploads(database, body, size, why)
            _reopen_records(database, body, size, why)
            database.execute("DELETE FROM cache_entries WHERE body = ? AND counted > ?", (body, size))
        database.execute(FORGET_STOPS)
        database.execute("UPDATE profile SET boot = ?", (boot_id,))
    losses.incomplete = frozenset(each.body for each, _ in found)
    rows = database.numbers("SELECT id FROM bodies ORDER BY id")
    for body in sizes.bodies:
        if not contains(rows, body):
            bodies.delete(body)
    return losses


def _with_excess_cut(
    database: Database, bodies: BodyBytes, sizes: Sizes, losses: Losses
) -> list[tuple[Expected, int]]:
    """Of bodies whose length is known. No process of ours writes beyond it. Answers with all that are incomplete."""
    left = []
    for each, size in incomplete_bodies(database.each(ALL), sizes):
        if each.counted is not None and size > each.counted:
            found = damage(each.body, size, each.counted)
            losses.told.append(f"{found}: what comes after them was cut off")
            bodies.truncate(each.body, each.counted)
            sizes.cut(each.body, size := each.counted)
        left.append((each, size))
    return left


def _that_go(database: Database, body: int, size: int, why: str) -> list[str]:
    """What the loss of this body's bytes takes along."""
    cached = database.execute(
        """
        SELECT url_key, name FROM cache_entries JOIN caches ON caches.id = cache
        WHERE body = ? AND counted > ? ORDER BY cache_entries.id
        """,
        (body, size),
    )
    settled = database.execute(
        """
        SELECT json_extract(request, '$.url'), json_extract(options, '$.id') FROM records JOIN fetches ON number = fetch
        WHERE (body = :body AND counted > :size AND state NOT IN ('pending', 'paused'))
            OR (
                request_body = :body AND json_extract(request, '$.body.length') > :size
                AND state IN ('pending', 'paused')
            )
        ORDER BY fetch, position
        """,
        {"body": body, "size": size},
    )
    return [f"{url} is gone from the cache {json.loads(name)!r}: {why}" for url, name in cached] + [
        f"{url} is lost to background fetch {id!r}: {why}" for url, id in settled
    ]


def _cut_to_checkpoints(database: Database, bodies: BodyBytes, sizes: Sizes) -> None:
    for body, synced in database.each("SELECT id, synced FROM bodies"):
        if sizes.of(body) > synced:
            bodies.truncate(body, synced)
            sizes.cut(body, synced)


def _lower_checkpoints(database: Database, found: list[tuple[Expected, int]]) -> None:
    """Of a file that the disk has lost a part of; what comes again is then synced again."""
    shorter = [(size, each.body) for each, size in found if size < each.synced]
    database.execute_many("UPDATE bodies SET synced = ? WHERE id = ?", shorter)


def _fail_uploads(database: Database, body: int, size: int, why: str) -> None:
    """A part of an upload is never sent; what was sent already has its result."""
    rows = database.execute(
        """
        SELECT fetch, position, snapshot FROM records
        WHERE request_body = ? AND json_extract(request, '$.body.length') > ?
        """,
        (body, size),
    )
    for fetch, position, text in rows.fetchall():
        snapshot = from_json(text, RecordSnapshot)
        if not snapshot.result:
            told = f"the stored body of its request is not whole: {why}"
            snapshot = attrs.evolve(snapshot, result="fetch-error", cause="truncated", message=told)
            _save(database, fetch, position, snapshot)


def _save(database: Database, fetch: int, position: int, snapshot: RecordSnapshot) -> None:
    database.execute(
        "UPDATE records SET snapshot = ?, counted = NULL WHERE fetch = ? AND position = ?",
        (to_json(snapshot), fetch, position),
    )


def _reopen_records(database: Database, body: int, size: int, why: str) -> None:
    rows = database.execute(
        """
        SELECT fetch, position, records.snapshot, state IN ('pending', 'paused'), json_extract(request, '$.method')
        FROM records JOIN fetches ON number = fetch WHERE body = ? AND counted > ?
        """,
        (body, size),
    )
    for fetch, position, text, unsettled, method in rows.fetchall():
        snapshot = from_json(text, RecordSnapshot)
        if unsettled:
            snapshot = RecordSnapshot(
                head=snapshot.head, restarted=snapshot.restarted, sent=method not in SAFE
            )
        else:
            snapshot = attrs.evolve(snapshot, result="fetch-error", cause="truncated", message=why)
        _save(database, fetch, position, snapshot)


def _drop_cut_uploads(database: Database) -> None:
    database.execute(
        """
        DELETE FROM fetches WHERE state IN ('pending', 'paused') AND number IN (
            SELECT fetch FROM records JOIN bodies ON bodies.id = request_body
            WHERE json_extract(request, '$.body.length') > synced
        )
        """
    )
