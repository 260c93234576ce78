"""How long each body should be: what the rows say of it, held against its file.

A record that ended with "success" and a cache entry remember the length that was counted then, a request the length of
its upload. A record that is half-way remembers one only between two processes (see recovery.py); else its length is
the file's, and nothing is said of it here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

import attrs

from swruntime.storage.bodies import FOLDER

_COUNTED = """
    SELECT body, counted FROM records WHERE body IS NOT NULL
    UNION ALL SELECT body, counted FROM cache_entries WHERE body IS NOT NULL
    UNION ALL SELECT request_body, json_extract(request, '$.body.length') FROM records
        WHERE request_body IS NOT NULL
    UNION ALL SELECT request_body, json_extract(request, '$.body.length') FROM cache_entries
        WHERE request_body IS NOT NULL
"""

ALL = f"""
    SELECT id, synced, max(counted) FROM bodies
    LEFT JOIN ({_COUNTED}) ON body = id GROUP BY id ORDER BY id
"""
ONE = """
    SELECT storage_key, synced, (
        SELECT max(counted) FROM (
            SELECT max(counted) AS counted FROM records WHERE body = :body
            UNION ALL SELECT max(counted) FROM cache_entries WHERE body = :body
            UNION ALL SELECT max(json_extract(request, '$.body.length')) FROM records WHERE request_body = :body
            UNION ALL SELECT max(json_extract(request, '$.body.length')) FROM cache_entries WHERE request_body = :body
        )
    ) FROM bodies WHERE id = :body
"""

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
    synced: int
    counted: int | None


def expected(rows: Iterable[tuple[int, int, int | None]]) -> list[Expected]:
    """Of the rows that `ALL` answers."""
    return [Expected(*row) for row in rows]


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
        row = connection.execute(ONE, {"body": body}).fetchone()
    return row is not None and (row[1], row[2]) == (synced, counted)
