"""The database of a profile as it is read beside a writer: one moment of it, and nothing that is only on its way.

A writer may come, write and go at any time. What fails then, or looks like damage, is looked at again as long as the
database's files have changed meanwhile; what fails while nothing changes is as it is.

Beside a writer's log SQLite keeps a reader's moment. Where there is no log, nobody writes, and nothing may be made for
SQLite to keep it with. Then a small database is read into memory. A large one is read where it is, and watched: each
statement's answer counts only if the file is still what it was at the beginning, and else is ProfileChanged. Whoever
reads begins again then (`while_it_changes`), beside the log of the writer that has come.
"""

from __future__ import annotations

import os
import sqlite3
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from swruntime.errors import NotAProfile, ProfileChanged, ProfileTooNew, StorageFailed
from swruntime.storage import schema
from swruntime.storage.database import Answer, Database, Parameters
from swruntime.storage.private_files import NotOurs, PrivateFolder
from swruntime.storage.room import Disk, disk_errors_told

DATABASE = "profile.sqlite3"
LOG = f"{DATABASE}-wal"
LOG_HEADER = 32
"""Bytes of the log before its first frame: https://www.sqlite.org/fileformat.html#the_write_ahead_log"""
BESIDE = (f"{DATABASE}-wal", f"{DATABASE}-shm", f"{DATABASE}-journal")

LOOKS = 100
PAUSE = 0.01
"""So many times, and seconds apart, a database is looked at that somebody changes each time."""

NOT_DAMAGE = frozenset({
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM,
})  # fmt: skip
"""SQLite's errors that say nothing of what is in the file."""

IN_MEMORY = 8 * 1024**2
"""A database of at most so many bytes is read into memory where nobody writes."""

T = TypeVar("T")
FileState = tuple[int, int, int]
"""What tells a file from another one, and from what it was: its inode, its bytes, when it was changed."""
Check = Callable[[sqlite3.Connection], list[str]]
"""Answers what is wrong with a database."""


class Connection(sqlite3.Connection):
    """A connection that may be to a file which nothing keeps from being changed: `watched`, with what it was."""

    watched: tuple[Path, FileState] | None = None

    def require_unchanged(self) -> None:
        """Raises ProfileChanged where an answer may be of another moment than the first one."""
        if self.watched is not None and file_state(self.watched[0]) != self.watched[1]:
            raise ProfileChanged(f"{self.watched[0].parent} was changed while it was read: ask again")

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """Around what is read. Raises ProfileChanged in place of what looks like damage, too."""
        try:
            yield
        except (StorageFailed, sqlite3.DatabaseError):
            self.require_unchanged()
            raise
        self.require_unchanged()


def connect(database: str, *, uri: bool = False) -> Connection:
    """In autocommit mode."""
    return sqlite3.connect(database, isolation_level=None, uri=uri, factory=Connection)


def while_it_changes(read: Callable[[], T]) -> T:
    """What `read` answers, again and again as long as it raises ProfileChanged. It tells nobody anything before."""
    for _ in range(LOOKS - 1):
        try:
            return read()
        except ProfileChanged:
            time.sleep(PAUSE)
    return read()


class ReadingDatabase(Database):
    """Of a reader, all of whose answers between `snapshot`'s beginning and end are of one moment.

    What is told above of StorageFailed holds for ProfileChanged, too.
    """

    def __init__(self, connection: Connection, disk: Disk) -> None:
        super().__init__(connection, path=None, read_only=True, disk=disk)
        self._read = connection

    def execute(self, sql: str, parameters: Parameters = ()) -> Answer:
        with self._read.one_moment():
            return super().execute(sql, parameters)

    def each(self, sql: str, parameters: Parameters = ()) -> Iterator[Any]:
        with self._read.one_moment():
            yield from super().each(sql, parameters)

    def numbers(self, sql: str, parameters: Parameters = ()) -> array[int]:
        with self._read.one_moment():
            return super().numbers(sql, parameters)


@contextmanager
def current_connection(directory: Path) -> Iterator[Connection]:
    """A connection that changes no file of the profile, to tables of today, inside a transaction: one moment.

    Raises ProfileChanged at the end, where it was not; NotAProfile, ProfileTooNew, sqlite3.Error.
    """
    with checked_connection(directory, lambda connection: []) as (connection, _), connection.one_moment():
        yield connection


@contextmanager
def sound_connection(directory: Path) -> Iterator[Connection]:
    """As `checked_connection`. Raises NotAProfile also where a page is damaged: it is found now, and not when half of
    the work is done. 10,000 background fetches take 0.1 s."""
    with checked_connection(directory, quick_check) as (connection, found):
        if found:
            raise damaged(directory, found[0])
        yield connection


@contextmanager
def checked_connection(directory: Path, check: Check) -> Iterator[tuple[Connection, list[str]]]:
    """As `current_connection`, with what `check` finds. Whoever uses it asks whether it is unchanged."""
    with ExitStack() as opened:
        for look in range(LOOKS):
            before = _state(directory)
            with ExitStack() as stack:
                try:
                    connection = _connection(stack, directory)
                    found = check(connection)
                except (sqlite3.DatabaseError, NotAProfile):
                    if look + 1 == LOOKS or _state(directory) == before:
                        raise
                else:
                    if not found or look + 1 == LOOKS or _state(directory) == before:
                        opened.push(stack.pop_all())
                        break
            time.sleep(PAUSE)
        yield connection, found


def quick_check(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute("PRAGMA quick_check(1)") if row[0] != "ok"]


def _state(directory: Path) -> list[FileState | None]:
    """What tells whether anybody has written, begun or ended meanwhile."""
    return [file_state(directory / name) for name in (DATABASE, *BESIDE)]


def file_state(path: Path) -> FileState | None:
    try:
        return _file_state(path.lstat())
    except FileNotFoundError:
        return None


def _file_state(status: os.stat_result) -> FileState:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _connection(stack: ExitStack, directory: Path) -> Connection:
    connection = stack.enter_context(closing(_connect_to_read(directory)))
    connection.execute("BEGIN")
    require_our_tables(directory, connection)
    if schema.version_of(connection) < len(schema.MIGRATIONS):
        copy = stack.enter_context(closing(connect(":memory:")))
        connection.backup(copy)
        connection.require_unchanged()
        schema.migrate(copy)
        copy.execute("BEGIN")
        connection = copy
    connection.execute("PRAGMA query_only = ON")
    connection.execute("SELECT origin FROM profile").fetchone()  # tables of ours, at all
    return connection


def _connect_to_read(directory: Path) -> Connection:
    """Where there is a log, somebody writes, or died writing: then SQLite reads beside it.

    Where there is none, SQLite would make one even to read; so the database is read without one. So it is beside a log
    without a commit in it where SQLite has no room for its index.
    """
    with closing(PrivateFolder.open(directory, mends=False)) as folder:
        while not folder.check_file(LOG):
            if (connection := _without_log(folder, None)) is not None:
                return connection
        for name in (DATABASE, *BESIDE):
            folder.check_file(name)
        connection = connect(f"{(folder.path / DATABASE).as_uri()}?mode=ro", uri=True)
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.OperationalError:
            connection.close()
            log = file_state(folder.path / LOG)
            if log is None or log[1] > LOG_HEADER:
                raise
            copy = _without_log(folder, log)
            if copy is None:
                raise
            return copy
        return connection


def _without_log(folder: PrivateFolder, log: FileState | None) -> Connection | None:
    """The database's file alone; None where it has changed meanwhile, or the log is not as it was any more."""
    path = folder.path / DATABASE
    with open(folder.open_file(DATABASE, os.O_RDONLY), "rb") as file:
        before = _file_state(os.fstat(file.fileno()))
        content = file.read() if before[1] <= IN_MEMORY else None
    if content is None:
        connection = connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
        connection.watched = path, before
    else:
        connection = connect(":memory:")
        # Bytes 18 and 19 say whether there is a log, which there cannot be in memory.
        connection.deserialize(content[:18] + b"\x01\x01" + content[20:])
    if file_state(path) != before or file_state(folder.path / LOG) != log:
        connection.close()
        return None
    return connection


def require_our_tables(directory: Path, connection: sqlite3.Connection) -> None:
    """Raises ProfileTooNew, NotAProfile."""
    version, known = schema.version_of(connection), len(schema.MIGRATIONS)
    if version > known:
        raise ProfileTooNew(
            f"{directory} was written by a later version of swruntime: "
            f"its schema is {version}, this version knows {known}"
        )
    stranger = schema.stranger(connection)
    if stranger is not None:
        raise NotAProfile(
            f"{directory} is not a profile: {stranger} in its {DATABASE} is not as swruntime makes it"
        )


def damaged(directory: Path, found: object) -> NotAProfile:
    """The error for a database that `found` is wrong with."""
    return NotAProfile(
        f"{directory} is not a profile any more: its {DATABASE} is damaged ({found}); 'clear' deletes what is left"
    )


@contextmanager
def profile_errors_told(directory: Path) -> Iterator[None]:
    """NotAProfile for what SQLite says of the file; what it says of the disk is StorageFailed or StorageFull."""
    try:
        with disk_errors_told(directory):
            yield
    except StorageFailed as failed:
        error = failed.__cause__
        if isinstance(error, NotOurs):
            raise NotAProfile(f"{error}: it is not opened, and nothing was changed") from error
        if not isinstance(error, sqlite3.DatabaseError) or error.sqlite_errorcode & 0xFF in NOT_DAMAGE:
            raise
        raise damaged(directory, error) from error
    except sqlite3.DatabaseError as error:  # tables that are not ours
        raise damaged(directory, error) from error
