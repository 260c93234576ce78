"""What is known of every body while the process lives, and when a body goes.

The length of a body is the length of its file; the ledger reads that once, when the profile opens, and
counts along from there, so that nobody has to ask the disk how much a storage key uses.
"""

from __future__ import annotations

import errno
import threading
from collections import Counter, deque
from collections.abc import Iterable
from contextlib import suppress

import attrs
import trio

from swruntime.errors import BodyDamaged, StorageFailed, StorageFull
from swruntime.storage.bodies import BodyBytes
from swruntime.storage.database import Database, Mark
from swruntime.storage.expected import NOTE_STOP, ONE, STOPPED, LookAgain, damage, still
from swruntime.storage.schema import REFERENCES


@attrs.define
class _Body:
    storage_key: str
    length: int = 0
    synced: int = 0
    committed: bool = False


class BodyLedger:
    """The part of `Store` that is about bodies, for the one process that writes."""

    def __init__(self, database: Database, bytes_: BodyBytes) -> None:
        self._database = database
        self._bytes = bytes_
        self._bodies: dict[int, _Body] = {}
        self._usage: Counter[str] = Counter()
        self._pins: Counter[int] = Counter()
        self._created: list[int] = []
        self._dropped: list[int] = []  # by this transaction
        self._let_go: set[int] = set()  # by whoever had them pinned, which no rollback takes back
        self._looked_at: set[int] = set()
        self._to_note: dict[int, int] = {}
        """How far bodies were synced since the last commit: the next one notes it."""
        self._thread = threading.get_ident()
        self._elsewhere: deque[int] = deque()
        """Let go in another thread, where the garbage collector was."""
        self._doomed: list[int] = []
        self._load()

    def _load(self) -> None:
        sizes = self._bytes.sizes()
        for body, storage_key, synced in self._database.execute("SELECT id, storage_key, synced FROM bodies"):
            self._bodies[body] = _Body(storage_key, sizes.get(body, 0), synced, committed=True)
            self._usage[storage_key] += sizes.get(body, 0)

    # With the transactions of the database

    def mark(self) -> Mark:
        return len(self._created), len(self._dropped)

    def undo(self, mark: Mark) -> None:
        created, dropped = mark
        for body in self._created[created:]:
            del self._bodies[body]
        del self._created[created:], self._dropped[dropped:]

    def roll_back(self) -> None:
        self.undo((0, 0))
        self._doomed.clear()

    def before_commit(self) -> None:
        """Delete the rows of what lost its last reference, in the transaction that took it away."""
        while self._elsewhere:
            body = self._elsewhere.popleft()
            if self._lower(body):
                self._let_go.add(body)
        # Whoever lets go after this, the garbage collector among them, is for the next commit.
        self._looked_at = set(self._let_go)
        self._doomed = [
            body
            for body in sorted({*self._dropped, *self._looked_at})
            if body in self._bodies and not self._pins[body] and not self._is_referred_to(body)
        ]
        self._database.execute_many("DELETE FROM bodies WHERE id = ?", [(body,) for body in self._doomed])
        notes = [(length, body) for body, length in self._to_note.items()]
        self._database.execute_many("UPDATE bodies SET synced = ? WHERE id = ?", notes)

    def after_commit(self) -> None:
        for body in self._created:
            self._bodies[body].committed = True
        self._created.clear()
        self._dropped.clear()
        self._to_note.clear()
        self._let_go -= self._looked_at

    def sweep(self, durable: bool) -> None:
        """Delete the files of the rows that went.

        A file must not be gone from the disk while a row that refers to it is still there: a power failure
        would bring the row back and not the file. Where nothing of it was ever synced, such a row has no
        claim on it.
        """
        doomed, self._doomed = self._doomed, []
        gone = [self._bodies.pop(body) for body in doomed]
        for entry in gone:
            self._usage[entry.storage_key] -= entry.length
        if not durable and any(entry.synced for entry in gone):
            self._database.flush()
        for body in doomed:
            self._bytes.delete(body)

    def drop(self, bodies: Iterable[int | None]) -> None:
        """Inside a transaction: these lost a reference, and go with its commit if it was the last."""
        self._dropped.extend(body for body in bodies if body is not None)

    def _is_referred_to(self, body: int) -> bool:
        return bool(self._database.one(f"SELECT {REFERENCES.format(body=':body')}", {"body": body}))

    # Bodies

    def create(self, storage_key: str) -> int:
        with self._database.one_statement(self):
            body = self._database.new_number("bodies")
            self._database.execute("INSERT INTO bodies (id, storage_key) VALUES (?, ?)", (body, storage_key))
            self._bodies[body] = _Body(storage_key)
            self._created.append(body)
        return body

    def append(self, body: int, data: bytes) -> None:
        self._database.require_writable()
        entry = self._entry(body)
        if not entry.committed:
            raise RuntimeError(f"body {body} is not committed: a body is a row before it is a file")
        self._bytes.append(body, entry.length, data)
        entry.length += len(data)
        self._usage[entry.storage_key] += len(data)

    def length(self, body: int) -> int:
        return self._entry(body).length

    def read(self, body: int, offset: int, size: int) -> bytes:
        length = self._entry(body).length
        wanted = min(size, length - offset)
        if wanted <= 0:
            return b""
        data = self._bytes.read(body, offset, wanted)
        if len(data) < wanted:
            raise BodyDamaged(damage(body, offset + len(data), length))
        return data

    def damage(self, body: int) -> str | None:
        return damage(body, self._bytes.size(body), self._entry(body).length)

    def finish(self, body: int) -> None:
        self._entry(body)
        self._bytes.finish(body)

    def pin(self, body: int) -> None:
        self._database.require_writable()
        self._entry(body)
        self._pins[body] += 1

    def unpin(self, body: int) -> None:
        if threading.get_ident() != self._thread:
            # The garbage collector runs in any thread, and the database in one. The next commit sees to it.
            self._elsewhere.append(body)
            return
        self._database.require_writable()
        if not self._pins[body]:
            raise ValueError(f"body {body} is not pinned")
        if not self._lower(body):
            return
        if self._database.in_transaction:
            self._let_go.add(body)  # its commit, or the next one, sees what refers to it then
        else:
            # Whoever let go can do nothing about the disk: on a full one the body goes with the next commit that has
            # room, on one that failed with the next opening.
            with suppress(StorageFull, StorageFailed):
                self._let_go_now(body)

    def _lower(self, body: int) -> bool:
        """One pin less; whether nothing pins it any more and it is there."""
        self._pins[body] -= 1
        if self._pins[body]:
            return False
        del self._pins[body]
        return body in self._bodies

    def _let_go_now(self, body: int) -> None:
        if not self._is_referred_to(body):
            self._let_go.add(body)
            with self._database.transaction(self):
                """Nothing: the commit does it."""

    async def sync(self, bodies: Iterable[int], *, flush: bool = True) -> None:
        self._database.require_writable()
        if self._database.in_transaction:
            raise RuntimeError("sync inside a transaction: a transaction is left before anyone waits")
        wanted = {body: self._bodies[body] for body in bodies if body in self._bodies}
        lengths = {body: entry.length for body, entry in wanted.items() if entry.length > entry.synced}
        if not lengths:
            await trio.lowlevel.checkpoint()
        else:
            try:
                await self._bytes.sync(list(lengths), names=any(not wanted[body].synced for body in lengths))
            except StorageFailed:
                self._database.doubt_boot()
                raise
            self._note_synced(lengths)
        if flush:
            if self._to_note:
                with self._database.transaction(self):
                    """Nothing: the commit notes it."""
            await self._database.flush_outside()

    def _note_synced(self, lengths: dict[int, int]) -> None:
        """Another sync of the same body may have ended before this one, and have come further."""
        for body, length in lengths.items():
            entry = self._bodies.get(body)
            if entry is not None and length > entry.synced:
                entry.synced = self._to_note[body] = length

    def usage(self, storage_key: str) -> int:
        return self._usage[storage_key]

    def collect(self) -> None:
        """All that nothing refers to goes, pinned or not: at the beginning and the end of a process."""
        self._pins.clear()
        with self._database.transaction(self):
            self.drop(
                row[0]
                for row in self._database.execute(
                    f"SELECT id FROM bodies AS b WHERE NOT ({REFERENCES.format(body='b.id')})"
                )
            )

    def note_stops(self) -> None:
        """At the end of a process: how far unfinished records have come (see recovery.py)."""
        with self._database.transaction(self):
            stopped = [(self.length(body), body) for (body,) in self._database.execute(STOPPED)]
            self._database.execute_many(NOTE_STOP, stopped)

    def close(self) -> None:
        self._bytes.close()

    def _entry(self, body: int) -> _Body:
        try:
            return self._bodies[body]
        except KeyError:
            raise _gone(body) from None


class ReadingLedger(BodyLedger):
    """Bodies as a reader beside a writer sees them: it remembers nothing, and asks the disk each time."""

    def __init__(self, database: Database, bytes_: BodyBytes, look_again: LookAgain) -> None:
        self._look_again = look_again
        super().__init__(database, bytes_)

    def _load(self) -> None:
        """Nothing: what the writer does next would be missing."""

    def _row(self, body: int) -> tuple[str, int, int | None]:
        row: tuple[str, int, int | None] | None = self._database.execute(ONE, {"body": body}).fetchone()
        if row is None:
            raise _gone(body)
        return row

    def _entry(self, body: int) -> _Body:
        storage_key, synced, counted = self._row(body)
        length = self._bytes.size(body) if counted is None else counted
        return _Body(storage_key, length, synced, committed=True)

    def read(self, body: int, offset: int, size: int) -> bytes:
        _, synced, counted = self._row(body)
        try:
            return super().read(body, offset, size)
        except BodyDamaged:
            if still(self._look_again, body, synced, counted):
                raise
            raise _gone(body) from None

    def damage(self, body: int) -> str | None:
        """What a writer has done meanwhile is not damage."""
        _, synced, counted = self._row(body)
        found = damage(body, self._bytes.size(body), counted)
        if found is None or not still(self._look_again, body, synced, counted):
            return None
        return found

    def usage(self, storage_key: str) -> int:
        rows = self._database.execute("SELECT id FROM bodies WHERE storage_key = ?", (storage_key,))
        return sum(self._bytes.size(body) for (body,) in rows)


def _gone(body: int) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, "there is no such body (any more)", str(body))
