"""Sync registrations and periodic sync registrations in the database.

Both kinds have a number of their own: whoever cleared a registration, and deletes what was of it, does not
delete what another registration of the same scope has put in its place meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from swruntime.ports.store import StoredPeriodicSync, StoredSync
from swruntime.storage.database import Database
from swruntime.storage.values import to_json


class SyncRows:
    """Every method that writes is called inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Sync registrations

    def all(self) -> Sequence[StoredSync]:
        rows = self._database.execute(
            "SELECT number, storage_key, scope, tag, failures, retry_at FROM syncs ORDER BY number"
        )
        return [
            StoredSync(number, key, scope, json.loads(tag), *rest) for number, key, scope, tag, *rest in rows
        ]

    def add(self, sync: StoredSync) -> int:
        number = self._database.new_number("syncs")
        self._database.execute(
            "DELETE FROM syncs WHERE storage_key = ? AND scope = ? AND tag = ?",
            (sync.storage_key, sync.scope, to_json(sync.tag)),
        )
        self._database.execute(
            """
            INSERT INTO syncs (number, storage_key, scope, tag, failures, retry_at)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            (number, sync.storage_key, sync.scope, to_json(sync.tag), sync.failures, sync.retry_at),
        )
        return number

    def save(self, number: int, failures: int, retry_at: float | None) -> None:
        self._database.execute(
            "UPDATE syncs SET failures = ?, retry_at = ? WHERE number = ?", (failures, retry_at, number)
        )

    def delete(self, number: int) -> None:
        self._database.execute("DELETE FROM syncs WHERE number = ?", (number,))

    # Periodic ones

    def all_periodic(self) -> Sequence[StoredPeriodicSync]:
        rows = self._database.execute(
            "SELECT number, storage_key, scope, tag, min_interval, anchor FROM periodic_syncs ORDER BY number"
        )
        return [
            StoredPeriodicSync(number, key, scope, json.loads(tag), *rest)
            for number, key, scope, tag, *rest in rows
        ]

    def add_periodic(self, sync: StoredPeriodicSync) -> int:
        number = self._database.new_number("periodic_syncs")
        self._database.execute(
            "DELETE FROM periodic_syncs WHERE storage_key = ? AND scope = ? AND tag = ?",
            (sync.storage_key, sync.scope, to_json(sync.tag)),
        )
        self._database.execute(
            """
            INSERT INTO periodic_syncs (number, storage_key, scope, tag, min_interval, anchor)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            (number, sync.storage_key, sync.scope, to_json(sync.tag), sync.min_interval, sync.anchor),
        )
        return number

    def save_periodic(self, number: int, min_interval: float, anchor: float) -> None:
        self._database.execute(
            "UPDATE periodic_syncs SET min_interval = ?, anchor = ? WHERE number = ?",
            (min_interval, anchor, number),
        )

    def delete_periodic(self, number: int) -> None:
        self._database.execute("DELETE FROM periodic_syncs WHERE number = ?", (number,))

    def last_fire(self, storage_key: str) -> float | None:
        at: float | None = self._database.one(
            "SELECT fired_at FROM periodic_fires WHERE storage_key = ?", (storage_key,)
        )
        return at

    def save_last_fire(self, storage_key: str, fired_at: float) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO periodic_fires (storage_key, fired_at) VALUES (?, ?)",
            (storage_key, fired_at),
        )

    # Both

    def delete_of_registration(self, storage_key: str, scope: str) -> None:
        for table in ("syncs", "periodic_syncs"):
            self._database.execute(
                f"DELETE FROM {table} WHERE storage_key = ? AND scope = ?",
                (storage_key, scope),
            )
