"""How long each body should be: what the rows say of it, held against its file.

A record that ended with "success" and a cache entry remember the length that was counted then, a request the length of
its upload. A record that is half-way remembers one only between two processes (see recovery.py); else its length is
the file's, and nothing is said of it here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager

import attrs

from swruntime.storage.bodies import FOLDER, Sizes

_EXPECTED = """
    SELECT id, storage_key, synced, (
        SELECT max(counted) FROM (
            SELECT max(counted) AS counted FROM records WHERE body = bodies.id
            UNION ALL SELECT max(counted) FROM cache_entries WHERE body = bodies.id
            UNION ALL SELECT max(json_extract(request, '$.body.length')) FROM records
                WHERE request_body = bodies.id
            UNION ALL SELECT max(json_extract(request, '$.body.length')) FROM cache_entries
                WHERE request_body = bodies.id
        )
    ) FROM bodies
"""
"""Looks each body up: a join would have SQLite keep all of them in memory."""
ALL = f"{_EXPECTED} ORDER BY id"
ONE = f"{_EXPECTED} WHERE id = ?"
SOME = f"{_EXPECTED} WHERE id IN (SELECT value FROM json_each(?))"

_UNFINISHED = "json_extract(snapshot, '$.result') = ''"
STOPPED = f"SELECT DISTINCT body FROM records WHERE body IS NOT NULL AND {_UNFINISHED}"
NOTE_STOP = f"UPDATE records SET counted = ? WHERE body = ? AND {_UNFINISHED}"
FORGET_STOPS = f"UPDATE records SET counted = NULL WHERE counted IS NOT NULL AND {_UNFINISHED}"
"""How long the bodies of unfinished records are, between two processes."""

LookAgain = Callable[[], AbstractContextManager[sqlite3.Connection]]
"""Opens the database anew, to see what a writer has done meanwhile."""


@attrs.frozen
class Expected:
    """`synced` bytes are known to be on the disk; `counted` is the body's whole length, None while it still grows."""

    body: int
    storage_key: str
    synced: int
    counted: int | None


def incomplete_bodies(
    rows: Iterable[tuple[int, str, int, int | None]], sizes: Sizes
) -> Iterator[tuple[Expected, int]]:
    """Of the rows that `ALL` answers those whose files are not exactly what was counted, with how long they are.

    Those that still grow are among them, and those that nothing refers to.
    """
    for row in rows:
        body, _, synced, counted = row
        size = sizes.of(body)
        if size != counted or size < synced:
            yield Expected(*row), size


def damage(body: int, size: int, counted: int | None, *, least: int = 0) -> str | None:
    """What is wrong with a file of `size` bytes, as a sentence; None where nothing is.

    `least`: so many bytes must be there although the body may still grow.
    """
    least = max(least, counted or 0)
    if size < least:
        return f"{FOLDER}/{body} has {size} bytes of {least}" if size else f"{FOLDER}/{body} is missing"
    if counted is not None and size > counted:
        return f"{FOLDER}/{body} has {size} bytes, and {counted} were stored"
    return None


def still(look_again: LookAgain, body: int, synced: int, counted: int | None) -> bool:
    """Whether the rows say now what they said before the file was looked at.

    Then its bytes should have been there at that moment: ids are never used again, the bytes of a body come before the
    row that counts them, and that row goes before they do.
    """
    with look_again() as connection:
        row = connection.execute(ONE, (body,)).fetchone()
    return row is not None and row[2:] == (synced, counted)
