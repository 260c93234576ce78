"""Cookies in the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from swruntime.concepts.cookies import Cookie
from swruntime.storage.database import Database
from swruntime.storage.values import from_json, to_json


class CookieRows:
    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> Sequence[Cookie]:
        rows = self._database.execute("SELECT cookie FROM cookies ORDER BY number")
        return [from_json(text, Cookie) for (text,) in rows]

    def save(self, cookie: Cookie) -> None:
        self._database.execute(
            """
            INSERT INTO cookies (domain, host_only, path, name, cookie) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (domain, host_only, path, name) DO UPDATE SET cookie = excluded.cookie
            """,
            (*cookie.key, to_json(cookie)),
        )

    def delete(self, cookies: Iterable[Cookie]) -> None:
        for cookie in cookies:
            self._database.execute(
                "DELETE FROM cookies WHERE domain = ? AND host_only = ? AND path = ? AND name = ?", cookie.key
            )
