"""The connection to SQLite, and its transactions."""

from __future__ import annotations

import os
import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Protocol

import attrs

from swruntime.errors import StorageFull, UsageError
from swruntime.ports.outside import outside_trio
from swruntime.storage.room import Disk, disk_errors_told

Parameters = Sequence[object] | dict[str, object]


BUSY_TIMEOUT = 5000
"""Milliseconds that a statement waits for another process: Python's own default."""

Mark = tuple[int, int]
"""How far a participant had come in a transaction."""


@attrs.frozen
class Answer:
    """What a statement answered, all of it: reading on from a cursor could fail where nobody expects the disk."""

    rows: list[Any]
    rowcount: int
    """Rows that were changed, -1 where that makes no sense."""

    def fetchone(self) -> Any:
        return self.rows[0] if self.rows else None

    def fetchall(self) -> list[Any]:
        return self.rows

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)


class Participant(Protocol):
    """What is kept beside the database and has to follow its transactions: the bodies."""

    def mark(self) -> Mark:
        """Where the transaction stands, for `undo`."""
        ...

    def undo(self, mark: Mark) -> None:
        """Forget what was done since `mark`."""
        ...

    def roll_back(self) -> None:
        """Forget what was done in the whole transaction."""
        ...

    def before_commit(self) -> None: ...

    def after_commit(self) -> None: ...

    def sweep(self, durable: bool) -> None:
        """Do what may only be done after the commit; `durable`: it is on the disk."""
        ...


class Database:
    """A connection in autocommit mode, so that transactions begin and end where this class says.

    `path` is the database's file, None for one in memory. A file is in WAL mode with synchronous=NORMAL: a
    commit survives the process at once, and the power only from the next sync of the log on. A durable
    transaction commits with synchronous=FULL, which syncs the log, and with it all earlier commits.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        path: Path | None,
        read_only: bool = False,
        disk: Disk | None = None,
    ) -> None:
        self._connection = connection
        self._path = path
        self.disk = disk or Disk(path and path.parent)
        self.read_only = read_only
        self._depth = 0
        self._flush_late = False
        self._empty_log_late = False
        self._ran_full = False
        self._last_numbers: dict[str, int] = {}

    @property
    def in_memory(self) -> bool:
        return self._path is None and not self.read_only

    @property
    def in_transaction(self) -> bool:
        return self._depth > 0

    def execute(self, sql: str, parameters: Parameters = ()) -> Answer:
        """Raises StorageFull, StorageFailed."""
        try:
            with self.disk.used():
                cursor = self._connection.execute(sql, parameters)
                return Answer(cursor.fetchall(), cursor.rowcount)
        except StorageFull:
            self._ran_full = True
            raise

    def each(self, sql: str, parameters: Parameters = ()) -> Iterator[Any]:
        """The rows one after the other: they may be many. Nothing is written before the last one was read.

        Raises StorageFailed.
        """
        with self.disk.used():
            yield from self._connection.execute(sql, parameters)

    def numbers(self, sql: str, parameters: Parameters = ()) -> array[int]:
        """The only column of all rows, in eight bytes each. Raises StorageFailed."""
        with self.disk.used():
            return array("q", (number for (number,) in self._connection.execute(sql, parameters)))

    def execute_many(self, sql: str, rows: Sequence[Parameters]) -> None:
        """Raises StorageFull, StorageFailed."""
        if rows:
            try:
                with self.disk.used():
                    self._connection.executemany(sql, rows)
            except StorageFull:
                self._ran_full = True
                raise

    def execute_script(self, sql: str) -> None:
        """Statements that change nothing on the disk, outside transactions. Raises StorageFull, StorageFailed."""
        with self.disk.used():
            self._connection.executescript(sql)

    def one(self, sql: str, parameters: Parameters = ()) -> Any:
        """The first column of the first row, None where there is no row."""
        row = self.execute(sql, parameters).fetchone()
        return None if row is None else row[0]

    def new_number(self, table: str) -> int:
        """A number for a new row of `table` that no row ever had, not even one that was rolled back."""
        if table not in self._last_numbers:
            stored = self.one("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,))
            self._last_numbers[table] = stored or 0
        self._last_numbers[table] += 1
        return self._last_numbers[table]

    def transaction(self, participant: Participant, *, durable: bool = False) -> AbstractContextManager[None]:
        """See `Store.transaction`. An inner one that raises takes back what it did, and no more."""
        self.require_writable()
        return (self._inner if self._depth else self._outermost)(participant, durable)

    def one_statement(self, participant: Participant) -> AbstractContextManager[None]:
        """A transaction in which one statement changes something, and nothing raises after it.

        SQLite takes back a statement that fails, so that inside another transaction there is nothing to mark and to
        take back.
        """
        self.require_writable()
        if self._depth == 0:
            return self._outermost(participant, durable=False)
        self._require_still_open()
        return nullcontext()

    @contextmanager
    def _outermost(self, participant: Participant, durable: bool) -> Iterator[None]:
        if durable:  # SQLite refuses the change inside a transaction
            self.execute("PRAGMA synchronous = FULL")
        try:
            # The depth first: the garbage collector may let go of a body between the statement and the next line.
            self._depth, self._flush_late, self._empty_log_late, self._ran_full = 1, False, False, False
            try:
                self.execute("BEGIN IMMEDIATE")
                yield
                self._require_still_open()
                participant.before_commit()
                self.execute("COMMIT")
            except BaseException:
                participant.roll_back()
                self._take_back("ROLLBACK")
                raise
            finally:
                self._depth = 0
        finally:
            if durable and not self.disk.failed:
                self.execute("PRAGMA synchronous = NORMAL")
        participant.after_commit()
        if self._flush_late:
            self.flush()
        if self._empty_log_late:
            self.empty_log()
        participant.sweep(durable or self._flush_late)

    @contextmanager
    def _inner(self, participant: Participant, durable: bool) -> Iterator[None]:
        self._require_still_open()
        mark, savepoint = participant.mark(), f"level_{self._depth}"
        self.execute(f"SAVEPOINT {savepoint}")
        self._depth += 1
        try:
            yield
            self._require_still_open()
            self.execute(f"RELEASE {savepoint}")
        except BaseException:
            participant.undo(mark)
            self._take_back(f"ROLLBACK TO {savepoint}", f"RELEASE {savepoint}")
            raise
        finally:
            self._depth -= 1
        self._flush_late |= durable

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """To a reader all that is read in the block is of one moment; a writer's own is the only one there is."""
        if not self.read_only:
            yield
            return
        self.execute("BEGIN")
        try:
            yield
        finally:
            if not self.disk.failed:
                self.execute("COMMIT")

    def _take_back(self, *statements: str) -> None:
        """What a disk that has failed keeps of a transaction, the next opening decides."""
        if self._connection.in_transaction and not self.disk.failed:
            for statement in statements:
                self.execute(statement)

    def require_writable(self) -> None:
        if self.read_only:
            raise UsageError("the profile is open for reading only: nothing in it can be changed")

    def _require_still_open(self) -> None:
        """When the disk is full, SQLite takes back the whole transaction, or where triggers run only the statement:
        nothing of it is kept in either case, whoever caught the error."""
        if self._ran_full or not self._connection.in_transaction:
            raise StorageFull("the disk ran full earlier in this transaction, and nothing of it was kept")

    def flush(self) -> None:
        """Bring every commit so far to the disk. Touches no connection, so a thread may do it.

        Raises StorageFailed, also where there is no room: the commits are made.

        SQLite syncs the log before it copies from it into the database, and the database before it writes
        over the log: what is not in the log is on the disk already.
        """
        if self._path is None:
            return
        with self.disk.used(committed=True):
            log = os.open(f"{self._path}-wal", os.O_RDWR)
            try:
                os.fsync(log)
            finally:
                os.close(log)

    def empty_log_after_commit(self) -> None:
        """In a transaction that deletes what nobody may find again: the log still has it, from when it was written."""
        self._empty_log_late = True

    def empty_log(self) -> None:
        """Bring the log into the database and cut it to nothing. Raises StorageFailed.

        Where there is no room for that, or a reader in another process still needs the log, it stays as it is: the next
        time, or the end of the last who has it open, sees to it.
        """
        if self._path is None:
            return
        self.execute("PRAGMA busy_timeout = 0")  # no reader is waited for
        with suppress(StorageFull):
            self.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")

    def doubt_boot(self) -> None:
        """After a failed sync: let the next opening go back to the checkpoints, as after a power failure.

        A disk that does not even take that is asked no more.
        """
        with suppress(sqlite3.Error):
            self._connection.execute("UPDATE profile SET boot = NULL")

    async def flush_outside(self) -> None:
        """`flush` in a thread."""
        import trio

        if self._path is None:
            await trio.lowlevel.checkpoint()
            return
        with outside_trio():
            await trio.to_thread.run_sync(self.flush)

    def close(self) -> None:
        with disk_errors_told():
            self._connection.close()
