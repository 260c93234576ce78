"""What is known of every body while the process lives, and when a body goes.

The length of a body is the length of its file; the ledger reads that once, when the profile opens, and
counts along from there, so that nobody has to ask the disk how much a storage key uses.

A profile may have very many bodies, and most of them are complete, and just lie there. So of those whose files are as
long as their rows say nothing is kept in memory before somebody does anything with them.
"""

from __future__ import annotations

import errno
import json
import threading
from collections import Counter, deque
from collections.abc import Iterable
from contextlib import suppress

import attrs

from swruntime.errors import BodyDamaged, StorageFailed, StorageFull
from swruntime.storage.bodies import BodyBytes, Sizes
from swruntime.storage.database import Database, Mark
from swruntime.storage.expected import (
    ALL,
    NOTE_STOP,
    ONE,
    SOME,
    STOPPED,
    Expected,
    Look,
    LookAgain,
    damage,
    look_at_all,
    still,
)
from swruntime.storage.schema import REFERENCES


@attrs.define
class _Body:
    storage_key: str
    length: int = 0
    synced: int = 0
    committed: bool = False


class BodyLedger:
    """The part of `Store` that is about bodies, for the one process that writes."""

    def __init__(self, database: Database, bytes_: BodyBytes, look: Look) -> None:
        """`look` is what all bodies are now."""
        self._database = database
        self._bytes = bytes_
        self._bodies = {
            each.body: _Body(each.storage_key, size, each.synced, committed=True)
            for each, size in look.incomplete
        }
        """Those that are not complete, or that anything was done with."""
        self._usage = look.usage
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
            if body in self._bodies and not self._pins[body]
        ]
        if self._doomed:
            self._doomed = self._not_referred_to(self._doomed)
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
        """Inside a transaction: these are about to lose a reference, and go with its commit if it was the last."""
        dropped = [body for body in bodies if body is not None]
        self._know(dropped)
        self._dropped += dropped

    def _know(self, bodies: Iterable[int]) -> None:
        """Have what is known of these in memory, where they are there at all."""
        unknown = [body for body in bodies if body not in self._bodies]
        if unknown:
            for body, storage_key, synced, counted in self._database.execute(SOME, (json.dumps(unknown),)):
                length = self._bytes.size(body) if counted is None else counted
                self._bodies[body] = _Body(storage_key, length, synced, committed=True)

    def _not_referred_to(self, bodies: list[int]) -> list[int]:
        return [body for (body,) in self._database.execute(_NOT_REFERRED_TO, (json.dumps(bodies),))]

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

    def damaged(self) -> dict[int, str]:
        """As `damage`, of all bodies, by id."""
        sizes, found = self._bytes.sizes(), {}
        for each, size in look_at_all(self._database.each(ALL), sizes).incomplete:
            length = self._bodies[each.body].length if each.body in self._bodies else each.counted
            wrong = damage(each.body, size, length)
            if wrong is not None:
                found[each.body] = wrong
        return found

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
        if self._not_referred_to([body]):
            self._let_go.add(body)
            with self._database.transaction(self):
                """Nothing: the commit does it."""

    async def sync(self, bodies: Iterable[int], *, flush: bool = True) -> None:
        self._database.require_writable()
        if self._database.in_transaction:
            raise RuntimeError("sync inside a transaction: a transaction is left before anyone waits")
        bodies = tuple(bodies)
        self._know(bodies)
        wanted = {body: self._bodies[body] for body in bodies if body in self._bodies}
        lengths = {body: entry.length for body, entry in wanted.items() if entry.length > entry.synced}
        if not lengths:
            import trio

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
        """All that nothing refers to goes, pinned or not: at the beginning and the end of a process.

        Something refers to whatever is complete, and nobody did anything with.
        """
        self._pins.clear()
        with self._database.transaction(self):
            self.drop(self._not_referred_to(list(self._bodies)))

    def note_stops(self) -> None:
        """At the end of a process: how far unfinished records have come (see recovery.py)."""
        with self._database.transaction(self):
            stopped = [(self.length(body), body) for (body,) in self._database.execute(STOPPED)]
            self._database.execute_many(NOTE_STOP, stopped)

    def close(self) -> None:
        self._bytes.close()

    def _entry(self, body: int) -> _Body:
        if body not in self._bodies:
            self._know((body,))
        try:
            return self._bodies[body]
        except KeyError:
            raise _gone(body) from None


_NOT_REFERRED_TO = f"SELECT value FROM json_each(?) WHERE NOT ({REFERENCES.format(body='value')})"


class ReadingLedger(BodyLedger):
    """Bodies as a reader beside a writer sees them: of a single one it remembers nothing, and asks the disk each time.

    What is asked of all of them it answers from the look at all files that came with the opening: no reader is open
    for long.
    """

    def __init__(self, database: Database, bytes_: BodyBytes, sizes: Sizes, look_again: LookAgain) -> None:
        self._sizes = sizes
        self._look_again = look_again
        # What the writer does next would be missing.
        super().__init__(database, bytes_, Look())

    def _row(self, body: int) -> Expected:
        row = self._database.execute(ONE, (body,)).fetchone()
        if row is None:
            raise _gone(body)
        return Expected(*row)

    def _entry(self, body: int) -> _Body:
        row = self._row(body)
        length = self._bytes.size(body) if row.counted is None else row.counted
        return _Body(row.storage_key, length, row.synced, committed=True)

    def read(self, body: int, offset: int, size: int) -> bytes:
        row = self._row(body)
        try:
            return super().read(body, offset, size)
        except BodyDamaged:
            if still(self._look_again, body, row.synced, row.counted):
                raise
            raise _gone(body) from None

    def damage(self, body: int) -> str | None:
        """What a writer has done meanwhile is not damage."""
        return self._damage(self._row(body))

    def _damage(self, row: Expected) -> str | None:
        found = damage(row.body, self._bytes.size(row.body), row.counted)
        if found is None or not still(self._look_again, row.body, row.synced, row.counted):
            return None
        return found

    def damaged(self) -> dict[int, str]:
        """The look at all files that came with the opening tells which of them to look at again."""
        found = {}
        for each, _ in look_at_all(self._database.each(ALL), self._sizes).incomplete:
            wrong = None if each.counted is None else self._damage(each)
            if wrong is not None:
                found[each.body] = wrong
        return found

    def usage(self, storage_key: str) -> int:
        """Of the files as they were when the profile was opened; of newer ones as they are now."""
        bodies = self._database.numbers(
            "SELECT id FROM bodies WHERE storage_key = ? ORDER BY id", (storage_key,)
        )
        if bodies == self._sizes.bodies:  # as mostly
            return self._sizes.total
        known = ((body, self._sizes.of(body)) for body in bodies)
        return sum(self._bytes.size(body) if size is None else size for body, size in known)


def _gone(body: int) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, "there is no such body (any more)", str(body))
