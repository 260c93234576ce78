"""Deleting a profile, also one that is damaged."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Collection
from contextlib import ExitStack, closing
from pathlib import Path

from swruntime.errors import NotAProfile, ProfileTooNew
from swruntime.storage import schema
from swruntime.storage.bodies import FOLDER as BODIES
from swruntime.storage.lock import ProfileLock
from swruntime.storage.private_files import PrivateFolder
from swruntime.storage.profile import (
    GITIGNORE,
    LOCK,
    OWN_FOLDERS,
    SQLITE_FILES,
    header_of,
    kind_of,
)
from swruntime.storage.reading import DATABASE, connect, current_connection, profile_errors_told

VERSION_AT = 60
"""Of the user version in a database's header: https://www.sqlite.org/fileformat.html#the_database_header"""


def forget(directory: Path, *, force: bool = False) -> None:
    """Delete the profile in `directory`, and the folder if nothing else is in it.

    What an interrupted creation or deletion left is deleted as well (the lock is made first and goes last), and so is a
    profile whose database is damaged, or is not one at all any more. With `force` also one that a later version of
    swruntime wrote, and another program's database in the place of ours. On a full disk this makes room, and needs
    none.

    Raises NotAProfile, ProfileInUse, ProfileTooNew; nothing is deleted then.
    """
    with profile_errors_told(directory):
        if not directory.is_dir():
            raise NotAProfile(f"there is no profile in {directory}")
        with closing(PrivateFolder.open(directory, mends=False)) as folder:
            _require_ours(directory, folder, force)
        with closing(PrivateFolder.open(directory, mends=True)) as folder:
            _forget(directory, folder, force)
            empty = not folder.names()
        if empty:
            directory.rmdir()


LEAST = 96 * 1024
"""Bytes that the files of bodies must free for their rows to be deleted: the log and its index take room, too."""


def drop_bodies(directory: Path, entries: Collection[int]) -> bool:
    """Delete the files of bodies that these cache entries alone refer to, before their rows.

    Answers False, and deletes nothing, where they are too few bytes to make the room that the rows' deletion needs.

    For a full disk, where there is no room to say that the rows are gone: the next opening finds them without their
    bodies, and deletes them, as what is to be deleted anyway (see recovery.py, 4, for the usual way).

    Raises NotAProfile, ProfileInUse, StorageFailed.
    """
    with profile_errors_told(directory), ExitStack() as stack:
        folder = stack.enter_context(closing(PrivateFolder.open(directory, mends=True)))
        stack.callback(ProfileLock.acquire(folder, LOCK).release)
        with current_connection(directory) as connection:
            bodies = _of_these_alone(connection, set(entries))
        if not bodies or not folder.check_folder(BODIES):
            return False
        with closing(folder.subfolder(BODIES)) as files:
            freed = sum(files.size(str(body)) for body in bodies)
            if freed + shutil.disk_usage(directory).free < LEAST:
                return False
            for body in bodies:
                files.unlink(str(body))
            files.sync()
        return True


def _of_these_alone(connection: sqlite3.Connection, entries: set[int]) -> list[int]:
    used: dict[int, set[int | None]] = {}
    for entry, body in connection.execute(
        """
        SELECT id, body FROM cache_entries WHERE body IS NOT NULL
        UNION ALL SELECT NULL, request_body FROM cache_entries WHERE request_body IS NOT NULL
        UNION ALL SELECT NULL, body FROM records WHERE body IS NOT NULL
        UNION ALL SELECT NULL, request_body FROM records WHERE request_body IS NOT NULL
        """
    ):
        used.setdefault(body, set()).add(entry)
    return sorted(body for body, users in used.items() if users <= entries)


def _forget(directory: Path, folder: PrivateFolder, force: bool) -> None:
    lock = ProfileLock.acquire(folder, LOCK)
    try:
        _require_ours(directory, folder, force)  # somebody may have forgotten it meanwhile
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


def _require_ours(directory: Path, folder: PrivateFolder, force: bool) -> None:
    kind = kind_of(folder)
    if kind == "nothing" and not folder.check_file(LOCK):
        raise NotAProfile(f"there is no profile in {directory}")
    if kind == "nothing" or force:
        return
    if kind == "profile":
        _require_no_later_version(directory, folder)
    elif _is_anothers(folder):
        raise NotAProfile(
            f"{directory} is not a profile any more: its {DATABASE} is a sound database of another program"
        )


def _require_no_later_version(directory: Path, folder: PrivateFolder) -> None:
    """The number may be in the log alone; where that cannot be read, the one in the file counts."""
    try:
        try:
            with current_connection(directory):
                """It is of this version, or of an earlier one."""
        except (NotAProfile, sqlite3.DatabaseError) as damage:
            version = int.from_bytes(header_of(folder)[VERSION_AT : VERSION_AT + 4], "big")
            if version > len(schema.MIGRATIONS):
                raise ProfileTooNew(
                    f"{directory} was written by a later version of swruntime: its schema is {version}, "
                    f"this version knows {len(schema.MIGRATIONS)}"
                ) from damage
    except ProfileTooNew as later:
        raise ProfileTooNew(f"{later}; 'clear --force' deletes it all the same") from None


def _is_anothers(folder: PrivateFolder) -> bool:
    """Whether a database that is not ours is somebody's: it can be read, and has tables, and not those of a profile."""
    try:
        with closing(
            connect(f"{(folder.path / DATABASE).as_uri()}?mode=ro&immutable=1", uri=True)
        ) as connection:
            names = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
            sound = connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
    except sqlite3.DatabaseError:
        return False
    return sound and bool(names) and "profile" not in names
