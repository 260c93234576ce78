"""Whether a whole profile is sound: what `status --check` asks."""

from __future__ import annotations

import sqlite3
from array import array
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from swruntime.storage.bodies import FOLDER as BODIES, Sizes, contains
from swruntime.storage.expected import ALL, LookAgain, damage, incomplete_bodies, still
from swruntime.storage.files import FileBodies
from swruntime.storage.indexed_db import BESIDE, problems_of
from swruntime.storage.lock import lock_holder
from swruntime.storage.private_files import PrivateFolder
from swruntime.storage.profile import LOCK, require_profile
from swruntime.storage.reading import (
    checked_connection,
    current_connection,
    profile_errors_told,
    while_it_changes,
)
from swruntime.storage.recovery import current_boot_id


def verify(directory: Path) -> list[str]:
    """The problems of the profile in `directory`, one sentence each; none if it is sound. Changes nothing.

    Beside a writer as well, whose work in progress is not a problem: what looks like one counts where the rows say the
    same afterwards, or where nobody writes. Raises NotAProfile where there is none, ProfileTooNew.
    """
    require_profile(directory)
    with profile_errors_told(directory), ExitStack() as stack:
        folder = stack.enter_context(closing(PrivateFolder.open(directory, mends=False)))
        files = stack.enter_context(closing(FileBodies(folder)))
        return while_it_changes(lambda: _problems(directory, folder, files))


def _problems(directory: Path, folder: PrivateFolder, files: FileBodies) -> list[str]:
    there = files.sizes()  # before the rows: what a writer adds from now on has a row by then
    try:
        with (
            checked_connection(directory, _database_problems) as (connection, problems),
            connection.one_moment(),
        ):
            rows = array("q", (body for (body,) in connection.execute("SELECT id FROM bodies ORDER BY id")))
            last_boot = connection.execute("SELECT boot FROM profile").fetchone()[0]
            indexed = {row[0] for row in connection.execute("SELECT number FROM indexed_databases")}
            problems = problems + _body_problems(
                connection, last_boot, files, there, partial(current_connection, directory)
            )
    except sqlite3.DatabaseError as error:
        return [f"the database cannot be read: {error}"]
    damaged, strays = problems_of(folder, indexed)
    strays = [f"{BODIES}/{body}" for body in there.bodies if not contains(rows, body)] + strays
    return [
        *problems,
        *(f"{name} has no row; it goes when the profile is opened next" for name in _left(folder, strays)),
        *(f"{BODIES}/{name} is not a body" for name in files.strangers()),
        *damaged,
    ]


def _database_problems(connection: sqlite3.Connection) -> list[str]:
    told = [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
    dangling = connection.execute("PRAGMA foreign_key_check").fetchall()
    return [f"the database is damaged: {text}" for text in told] + [
        f"row {row} of {table} refers to a row of {parent} that is not there"
        for table, row, parent, _ in dangling
    ]


def _body_problems(
    connection: sqlite3.Connection,
    last_boot: str | None,
    files: FileBodies,
    there: Sizes,
    look_again: LookAgain,
) -> list[str]:
    """Every byte that was counted is there in the boot of the last writer, what was synced in another one.

    A file that was not as long as its row says is looked at again: it may have grown, and its row been written, since.
    """
    same_boot = last_boot is not None and last_boot == current_boot_id()
    problems = []
    for each, _ in incomplete_bodies(connection.execute(ALL), there):
        size, counted = files.size(each.body), each.counted
        if not same_boot and size <= (counted or 0):
            counted = None  # what of it is missing is as the power left it
        found = damage(each.body, size, counted, least=each.synced)
        if found is not None and still(look_again, each.body, each.synced, each.counted):
            problems.append(found)
    return problems


def _left(folder: PrivateFolder, strays: list[str]) -> list[str]:
    """Of files that had no row those that nobody is about to delete.

    A writer deletes a row and then its file, and collects at its beginning what an earlier one has left: while one is
    at work there is nothing to tell, and what is there after it was seen to be gone is there to stay.
    """
    if not strays or lock_holder(folder, LOCK) is not None:
        return []
    return [
        name for name in strays if any((folder.path / f"{name}{ending}").exists() for ending in ("", *BESIDE))
    ]
