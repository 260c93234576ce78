"""Caches and their entries in the database."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import overload

from swruntime.concepts.http import Request, Response
from swruntime.ports.store import CacheEntry
from swruntime.storage.database import Database
from swruntime.storage.ledger import BodyLedger
from swruntime.storage.values import from_json, to_json, url_key

_ALL = "SELECT id FROM cache_entries WHERE cache = :cache ORDER BY id"
_OF_A_URL = "SELECT id FROM cache_entries WHERE cache = :cache AND url_key = :key ORDER BY id"
_BUT_FOR_THE_QUERY = """
    SELECT id FROM cache_entries WHERE cache = :cache AND url_key = :key
    UNION ALL
    SELECT id FROM cache_entries WHERE cache = :cache AND url_key >= :key || '?' AND url_key < :key || '@'
    ORDER BY id
"""
"""Between "?" and "@", the character after it, is every URL that differs in its query. With OR, SQLite would look at
every entry of the cache."""

CHUNK = 500
"""So many entries are read at a time."""


class Entry:
    """An entry as it is stored: its request and its response are made when they are asked for."""

    __slots__ = ("_request", "_request_text", "_response", "_response_text", "body", "id", "length")

    def __init__(self, id: int, request: str, response: str, body: int | None, counted: int | None) -> None:
        self.id = id
        self.body = body
        self.length = counted or 0
        self._request_text = request
        self._response_text = response
        self._request: Request | None = None
        self._response: Response | None = None

    @property
    def load_request(self) -> Callable[[], Request]:
        return partial(from_json, self._request_text, Request)

    @property
    def request(self) -> Request:
        if self._request is None:
            self._request = from_json(self._request_text, Request)
        return self._request

    @property
    def response(self) -> Response:
        if self._response is None:
            self._response = from_json(self._response_text, Response)
        return self._response


class Entries(Sequence[CacheEntry]):
    """Entries of a cache, by their numbers. They are read as they are asked for; what is gone by then is left out."""

    def __init__(self, database: Database, numbers: array[int]) -> None:
        self._database = database
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> CacheEntry: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[CacheEntry]: ...

    def __getitem__(self, index: int | slice) -> CacheEntry | Sequence[CacheEntry]:
        if isinstance(index, slice):
            return Entries(self._database, self._numbers[index])
        found = self._read(self._numbers[index : index + 1 or None])
        if not found:
            raise IndexError(f"entry {self._numbers[index]} is gone")
        return found[0]

    def __iter__(self) -> Iterator[CacheEntry]:
        size = 1  # whoever looks for the first that matches mostly has it
        begin = 0
        while begin < len(self._numbers):
            yield from self._read(self._numbers[begin : begin + size])
            begin, size = begin + size, CHUNK

    def _read(self, numbers: array[int]) -> list[Entry]:
        rows = self._database.execute(_BY_NUMBER, (json.dumps(numbers.tolist()),))
        return [Entry(*row) for row in rows]


_BY_NUMBER = """
    SELECT id, request, response, body, counted FROM cache_entries
    WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id
"""


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
        self._bodies.drop(body for row in rows for body in row)
        # Not by the cascade, which would come when nobody can tell whose entries they were (see usage.py).
        self._database.execute("DELETE FROM cache_entries WHERE cache = ?", (cache,))
        self._database.execute("DELETE FROM caches WHERE id = ?", (cache,))

    def entries(self, cache: int, url: str | None, *, ignore_search: bool) -> Entries:
        key = url_key(url or "")
        if url is None:
            sql = _ALL
        elif ignore_search:
            sql, key = _BUT_FOR_THE_QUERY, key.partition("?")[0]
        else:
            sql = _OF_A_URL
        return Entries(self._database, self._database.numbers(sql, {"cache": cache, "key": key}))

    def size(self, cache: int) -> tuple[int, int]:
        entries, size = self._database.execute(
            "SELECT count(*), coalesce(sum(counted), 0) FROM cache_entries WHERE cache = ?", (cache,)
        ).fetchone()
        return entries, size

    def bodies(self, cache: int, among: Iterable[int]) -> Sequence[int]:
        rows = self._database.execute(
            """
            SELECT body FROM cache_entries WHERE cache = ? AND body IN (SELECT value FROM json_each(?))
            ORDER BY id
            """,
            (cache, json.dumps(list(among))),
        )
        return [body for (body,) in rows]

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
        numbers = json.dumps(list(entries))
        if numbers == "[]":
            return
        rows = self._database.execute(
            "SELECT body, request_body FROM cache_entries WHERE id IN (SELECT value FROM json_each(?))",
            (numbers,),
        )
        self._bodies.drop(body for row in rows for body in row)
        self._database.execute(
            "DELETE FROM cache_entries WHERE id IN (SELECT value FROM json_each(?))", (numbers,)
        )
