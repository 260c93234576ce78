"""Caches and their entries in the database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from swruntime.concepts.http import Request, Response
from swruntime.ports.store import CacheEntry
from swruntime.storage.database import Database
from swruntime.storage.ledger import BodyLedger
from swruntime.storage.values import from_json, to_json, url_key


class CacheRows:
    """Every method that writes is called inside a transaction."""

    def __init__(self, database: Database, bodies: BodyLedger) -> None:
        self._database = database
        self._bodies = bodies

    def names(self, storage_key: str) -> Sequence[str]:
        rows = self._database.execute(
            "SELECT name FROM caches WHERE storage_key = ? ORDER BY id", (storage_key,)
        )
        return [json.loads(name) for (name,) in rows]

    def find(self, storage_key: str, name: str) -> int | None:
        cache: int | None = self._database.one(
            "SELECT id FROM caches WHERE storage_key = ? AND name = ?", (storage_key, json.dumps(name))
        )
        return cache

    def create(self, storage_key: str, name: str) -> int:
        cache = self._database.new_number("caches")
        self._database.execute(
            "INSERT INTO caches (id, storage_key, name) VALUES (?, ?, ?)",
            (cache, storage_key, json.dumps(name)),
        )
        return cache

    def delete(self, cache: int) -> None:
        rows = self._database.execute(
            "SELECT body, request_body FROM cache_entries WHERE cache = ?", (cache,)
        )
        for row in rows.fetchall():
            self._bodies.drop(row)
        # Not by the cascade, which would come when nobody can tell whose entries they were (see usage.py).
        self._database.execute("DELETE FROM cache_entries WHERE cache = ?", (cache,))
        self._database.execute("DELETE FROM caches WHERE id = ?", (cache,))

    def entries(self, cache: int, url: str | None, *, ignore_search: bool) -> Sequence[CacheEntry]:
        sql = "SELECT id, request, response, body FROM cache_entries WHERE cache = :cache"
        key = url_key(url or "")
        if url is not None and ignore_search:
            key = key.partition("?")[0]
            # Between "?" and "@", the character after it, is every URL that differs in its query.
            sql += " AND (url_key = :key OR (url_key >= :key || '?' AND url_key < :key || '@'))"
        elif url is not None:
            sql += " AND url_key = :key"
        rows = self._database.execute(f"{sql} ORDER BY id", {"cache": cache, "key": key})
        return [
            CacheEntry(entry, from_json(request, Request), from_json(response, Response), body)
            for entry, request, response, body in rows
        ]

    def put(self, cache: int, request: Request, response: Response, body: int | None) -> int:
        if self._database.one("SELECT 1 FROM caches WHERE id = ?", (cache,)) is None:
            raise KeyError(f"there is no cache {cache} (any more)")
        counted = None if body is None else self._bodies.length(body)
        entry = self._database.new_number("cache_entries")
        self._database.execute(
            """
            INSERT INTO cache_entries (id, cache, url_key, request, response, body, counted)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            (entry, cache, url_key(request.url), to_json(request), to_json(response), body, counted),
        )
        return entry

    def delete_entries(self, entries: Iterable[int]) -> None:
        for entry in entries:
            rows = self._database.execute(
                "SELECT body, request_body FROM cache_entries WHERE id = ?", (entry,)
            )
            for row in rows.fetchall():
                self._bodies.drop(row)
            self._database.execute("DELETE FROM cache_entries WHERE id = ?", (entry,))
