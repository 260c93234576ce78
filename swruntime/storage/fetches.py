"""Background fetches and their records in the database.

The headers that a script gave a request may be a login (Authorization), and are kept only while the request may have to
be sent again, or shown to the script: with the release of its background fetch no byte of them is left in a file of the
profile. SQLite overwrites what is deleted with zeros (`PRAGMA secure_delete`). But when it moves rows from one page to
another, what they were in the first one may stay there, in a gap that no later deletion knows of. Overflow pages are
never moved; so the text of such a request begins with so many spaces that all the rest of it is in overflow pages. The
log, which has every page as it once was, is cut to nothing after the commit.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from swruntime.concepts.background import ImageResource
from swruntime.concepts.http import Request, Response
from swruntime.machines.snapshots import FetchSnapshot, RecordSnapshot
from swruntime.ports.store import StoredFetch, StoredRecord
from swruntime.storage.database import Database
from swruntime.storage.ledger import BodyLedger
from swruntime.storage.values import from_json, shared_from_json, to_json

PADDING = " " * 4096
"""More than SQLite keeps of a row in the table's own pages, of which each has 4096 bytes:
https://www.sqlite.org/fileformat2.html#b_tree_pages (a table leaf: at most U - 35)."""

COMPLETE = ("success", "bad-status")
"""Results of a record whose body is all that the server has sent."""


@attrs.frozen
class _Options:
    id: str
    title: str
    icons: tuple[ImageResource, ...]
    download_total: int
    upload_total: int


class FetchRows:
    """Every method that writes is called inside a transaction."""

    def __init__(self, database: Database, bodies: BodyLedger) -> None:
        self._database = database
        self._bodies = bodies

    def all(self) -> Sequence[StoredFetch]:
        """Two queries, however many fetches and records there are."""
        records = self._database.execute(
            "SELECT fetch, request, snapshot, response, body FROM records ORDER BY fetch, position"
        )
        by_fetch: dict[int, list[StoredRecord]] = {}
        for fetch, request, snapshot, response, body in records:
            by_fetch.setdefault(fetch, []).append(_record(request, snapshot, response, body))
        fetches = self._database.execute(
            "SELECT number, storage_key, scope, options, snapshot FROM fetches ORDER BY number"
        )
        return [
            _fetch(number, storage_key, scope, options, snapshot, tuple(by_fetch.get(number, ())))
            for number, storage_key, scope, options, snapshot in fetches
        ]

    def add(self, fetch: StoredFetch) -> int:
        number = self._database.new_number("fetches")
        options = _Options(fetch.id, fetch.title, fetch.icons, fetch.download_total, fetch.upload_total)
        self._database.execute(
            "INSERT INTO fetches (number, storage_key, scope, options, snapshot) VALUES (?, ?, ?, ?, ?)",
            (number, fetch.storage_key, fetch.scope, to_json(options), to_json(fetch.snapshot)),
        )
        self._database.execute_many(
            """
            INSERT INTO records (fetch, position, request, snapshot, response, body, counted)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            [
                (
                    number,
                    position,
                    _request_text(record.request),
                    *self._columns(record.snapshot, record.response, record.body),
                )
                for position, record in enumerate(fetch.records)
            ],
        )
        return number

    def save(self, number: int, snapshot: FetchSnapshot) -> None:
        cursor = self._database.execute(
            "UPDATE fetches SET snapshot = ? WHERE number = ?", (to_json(snapshot), number)
        )
        if not cursor.rowcount:
            raise _no_fetch(number)

    def save_ui(self, number: int, title: str, icons: tuple[ImageResource, ...]) -> None:
        text = self._database.one("SELECT options FROM fetches WHERE number = ?", (number,))
        if text is None:
            raise _no_fetch(number)
        options = attrs.evolve(from_json(text, _Options), title=title, icons=icons)
        self._database.execute("UPDATE fetches SET options = ? WHERE number = ?", (to_json(options), number))

    def save_record(
        self,
        number: int,
        position: int,
        snapshot: RecordSnapshot,
        response: Response | None,
        body: int | None,
    ) -> None:
        """Everything but the request, which never changes."""
        row = self._database.execute(
            "SELECT body FROM records WHERE fetch = ? AND position = ?", (number, position)
        ).fetchone()
        if row is None:
            raise _no_record(number, position)
        if row[0] != body:
            self._bodies.drop(row)
        self._database.execute(
            """
            UPDATE records SET snapshot = ?, response = ?, body = ?, counted = ?
            WHERE fetch = ? AND position = ?
            """,
            (*self._columns(snapshot, response, body), number, position),
        )

    def save_record_state(
        self, number: int, position: int, snapshot: RecordSnapshot, body: int | None
    ) -> None:
        """The response is not written again. `body` is the one that is stored."""
        cursor = self._database.execute(
            "UPDATE records SET snapshot = ?, counted = ? WHERE fetch = ? AND position = ? AND body IS ?",
            (to_json(snapshot), self._counted(snapshot, body), number, position, body),
        )
        if not cursor.rowcount:
            raise _no_record(number, position)

    def _columns(
        self, snapshot: RecordSnapshot, response: Response | None, body: int | None
    ) -> tuple[str, str | None, int | None, int | None]:
        text = None if response is None else to_json(response)
        return to_json(snapshot), text, body, self._counted(snapshot, body)

    def _counted(self, snapshot: RecordSnapshot, body: int | None) -> int | None:
        length = None if body is None else self._bodies.length(body)
        return length if snapshot.result in COMPLETE else None

    def delete(self, number: int) -> None:
        rows = self._database.execute("SELECT body, request_body FROM records WHERE fetch = ?", (number,))
        self._bodies.drop(body for row in rows for body in row)
        padded = "SELECT 1 FROM records WHERE fetch = ? AND substr(request, 1, 1) = ' ' LIMIT 1"
        if self._database.one(padded, (number,)):
            self._database.empty_log_after_commit()
        # Not by the cascade, which would come when nobody can tell whose records they were (see usage.py).
        self._database.execute("DELETE FROM records WHERE fetch = ?", (number,))
        self._database.execute("DELETE FROM fetches WHERE number = ?", (number,))

    def delete_of_registration(self, storage_key: str, scope: str) -> None:
        rows = self._database.execute(
            "SELECT number FROM fetches WHERE storage_key = ? AND scope = ?", (storage_key, scope)
        )
        for (number,) in rows.fetchall():
            self.delete(number)


def _request_text(request: Request) -> str:
    text = to_json(request)
    return f"{PADDING}{text}" if request.headers.items else text


def _fetch(
    number: int, storage_key: str, scope: str, options: str, snapshot: str, records: tuple[StoredRecord, ...]
) -> StoredFetch:
    told = from_json(options, _Options)
    return StoredFetch(
        number,
        storage_key,
        scope,
        told.id,
        told.title,
        told.icons,
        told.download_total,
        told.upload_total,
        shared_from_json(snapshot, FetchSnapshot),
        records,
    )


def _record(request: str, snapshot: str, response: str | None, body: int | None) -> StoredRecord:
    return StoredRecord(
        from_json(request, Request),
        shared_from_json(snapshot, RecordSnapshot),
        None if response is None else from_json(response, Response),
        body,
    )


def _no_fetch(number: int) -> KeyError:
    return KeyError(f"there is no background fetch {number} (any more)")


def _no_record(number: int, position: int) -> KeyError:
    return KeyError(f"background fetch {number} has no record {position} (any more)")
