"""What the command line asks about a whole profile: is it sound, and forget it."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

from swruntime.errors import NotAProfile
from swruntime.storage.files import FOLDER as BODIES, FileBodies
from swruntime.storage.indexed_db import problems_of
from swruntime.storage.lock import ProfileLock
from swruntime.storage.private_files import PrivateFolder
from swruntime.storage.profile import (
    GITIGNORE,
    LOCK,
    OWN_FOLDERS,
    SQLITE_FILES,
    current_connection,
    has_profile,
    profile_errors_told,
    require_profile,
    require_profile_or_nothing,
)
from swruntime.storage.recovery import current_boot_id


def verify(directory: Path) -> list[str]:
    """The problems of the profile in `directory`, one sentence each; none if it is sound. Changes nothing.

    Beside a writer as well. Raises NotAProfile where there is none, ProfileTooNew.
    """
    require_profile(directory)
    with profile_errors_told(directory), ExitStack() as stack:
        folder = stack.enter_context(closing(PrivateFolder.open(directory, mends=False)))
        files = stack.enter_context(closing(FileBodies(folder)))
        files.check()
        return _problems(directory, folder, files)


def _problems(directory: Path, folder: PrivateFolder, files: FileBodies) -> list[str]:
    there = files.sizes()  # before the rows: what a writer adds from now on has a row by then
    problems: list[str] = []
    try:
        with current_connection(directory) as connection:
            problems += _database_problems(connection)
            problems += _body_problems(connection, files)
            rows = {row[0] for row in connection.execute("SELECT id FROM bodies")}
            known = {row[0] for row in connection.execute("SELECT number FROM indexed_databases")}
    except sqlite3.DatabaseError as error:
        return [*problems, f"the database cannot be read: {error}"]
    orphans = sorted(body for body in there.keys() - rows if files.is_there(body))
    problems += [f"{BODIES}/{body} has no row; it goes when the profile is opened next" for body in orphans]
    problems += [f"{BODIES}/{name} is not a body" for name in files.strangers()]
    return problems + problems_of(folder, known)


def _database_problems(connection: sqlite3.Connection) -> list[str]:
    told = [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
    dangling = connection.execute("PRAGMA foreign_key_check").fetchall()
    return [f"the database is damaged: {text}" for text in told] + [
        f"row {row} of {table} refers to a row of {parent} that is not there"
        for table, row, parent, _ in dangling
    ]


def _body_problems(connection: sqlite3.Connection, files: FileBodies) -> list[str]:
    """Every byte that was counted is there in the boot of the last writer, what was synced in another one."""
    last_boot = connection.execute("SELECT boot FROM profile").fetchone()[0]
    same_boot = last_boot is not None and last_boot == current_boot_id()
    rows = connection.execute(
        """
        SELECT id, synced, max(
            synced,
            coalesce((SELECT max(counted) FROM records WHERE body = bodies.id), 0),
            coalesce((SELECT max(counted) FROM cache_entries WHERE body = bodies.id), 0)
        ) FROM bodies
        """
    )
    problems = []
    for body, synced, counted in rows.fetchall():
        expected = counted if same_boot else synced
        size = files.size(body)
        if size >= expected or not _has_row(connection, body):  # a writer may have dropped it since
            continue
        problems.append(
            f"{BODIES}/{body} has {size} bytes of {expected}" if size else f"{BODIES}/{body} is missing"
        )
    return problems


def _has_row(connection: sqlite3.Connection, body: int) -> bool:
    return connection.execute("SELECT 1 FROM bodies WHERE id = ?", (body,)).fetchone() is not None


def forget(directory: Path) -> None:
    """Delete the profile in `directory`, and the folder if nothing else is in it.

    What an interrupted creation or deletion left is deleted as well: the lock is made first and goes last.

    Raises NotAProfile, ProfileInUse; nothing is deleted then.
    """
    if not require_profile_or_nothing(directory) and not (directory / LOCK).exists():
        raise NotAProfile(f"there is no profile in {directory}")
    with profile_errors_told(directory), closing(PrivateFolder.open(directory, mends=True)) as folder:
        lock = ProfileLock.acquire(folder, LOCK)
        try:
            has_profile(folder)  # somebody may have forgotten it meanwhile
            # The database first: what an interrupted deletion leaves is an empty profile, not a damaged one.
            for name in (*SQLITE_FILES, GITIGNORE):
                folder.unlink(name)
            for name in OWN_FOLDERS:
                if folder.check_folder(name):
                    folder.delete_folder(name)
        except BaseException:
            lock.release()
            raise
        lock.delete()
        if not folder.names():
            directory.rmdir()
