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
   counts after a power failure: the file is cut there. It is the checkpoint.
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
   The same is done (but for uploads, which fail when they are sent) for a file that is shorter than what was
   counted although no power failed: another hand, or the disk itself, was at it. Bytes that are wrong in a file
   of the right length nobody notices.
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
from pathlib import Path

import attrs

from swruntime.machines.record_rules import SAFE
from swruntime.machines.snapshots import RecordSnapshot
from swruntime.storage.bodies import BodyBytes
from swruntime.storage.database import Database, Mark, Participant
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


def recover(database: Database, bodies: BodyBytes, boot_id: str | None) -> list[str]:
    """Bring rows and files together again after whatever ended the last writer. There are no readers yet.

    Answers with what was lost, one sentence each. Done again from the start when it is interrupted: the boot
    is noted last.
    """
    nobody: Participant = NothingBeside()
    last_boot: str | None = database.one("SELECT boot FROM profile")
    same_boot = boot_id is not None and boot_id == last_boot
    with database.transaction(nobody, durable=True):
        if not same_boot:
            _cut_to_checkpoints(database, bodies)
        sizes = bodies.sizes()
        _lower_checkpoints(database, sizes)
        if not same_boot:
            _drop_cut_uploads(database)
        why = "its file was damaged" if same_boot else "the power failed before it was on the disk"
        lost = []
        for body, size, counted in _short_bodies(database, sizes):
            lost.append(f"bodies/{body} has {size} bytes of {counted}: {why}")
            _reopen_records(database, body, size, why)
            database.execute("DELETE FROM cache_entries WHERE body = ? AND counted > ?", (body, size))
        database.execute("UPDATE profile SET boot = ?", (boot_id,))
    rows = {row[0] for row in database.execute("SELECT id FROM bodies")}
    for body in sizes.keys() - rows:
        bodies.delete(body)
    return lost


def _cut_to_checkpoints(database: Database, bodies: BodyBytes) -> None:
    sizes = bodies.sizes()
    for body, synced in database.execute("SELECT id, synced FROM bodies").fetchall():
        if sizes.get(body, 0) > synced:
            bodies.truncate(body, synced)


def _lower_checkpoints(database: Database, sizes: dict[int, int]) -> None:
    """Of a file that the disk has lost a part of; what comes again is then synced again."""
    rows = database.execute("SELECT id, synced FROM bodies").fetchall()
    shorter = [(sizes.get(body, 0), body) for body, synced in rows if sizes.get(body, 0) < synced]
    database.execute_many("UPDATE bodies SET synced = ? WHERE id = ?", shorter)


def _short_bodies(database: Database, sizes: dict[int, int]) -> list[tuple[int, int, int]]:
    """(body, its size, the bytes that somebody counted on) where these are more."""
    rows = database.execute(
        """
        SELECT body, max(counted) FROM (
            SELECT body, counted FROM records WHERE counted > 0
            UNION ALL SELECT body, counted FROM cache_entries WHERE counted > 0
        ) GROUP BY body ORDER BY body
        """
    )
    return [
        (body, sizes.get(body, 0), counted)
        for body, counted in rows.fetchall()
        if sizes.get(body, 0) < counted
    ]


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
        database.execute(
            "UPDATE records SET snapshot = ?, counted = NULL WHERE fetch = ? AND position = ?",
            (to_json(snapshot), fetch, position),
        )


def _drop_cut_uploads(database: Database) -> None:
    database.execute(
        """
        DELETE FROM fetches WHERE state IN ('pending', 'paused') AND number IN (
            SELECT fetch FROM records JOIN bodies ON bodies.id = request_body
            WHERE json_extract(request, '$.body.length') > synced
        )
        """
    )
