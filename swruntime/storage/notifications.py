"""Notifications in the database."""

from __future__ import annotations

from collections.abc import Sequence

from swruntime.concepts.notifications import NotificationConcept
from swruntime.ports.store import StoredNotification
from swruntime.storage.database import Database
from swruntime.storage.values import from_json, to_json


class NotificationRows:
    """Every method that writes is called inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> Sequence[StoredNotification]:
        rows = self._database.execute(
            "SELECT number, storage_key, scope, content FROM notifications ORDER BY number"
        )
        return [
            StoredNotification(number, storage_key, scope, from_json(content, NotificationConcept))
            for number, storage_key, scope, content in rows
        ]

    def add(self, stored: StoredNotification) -> int:
        number = self._database.new_number("notifications")
        self._database.execute(
            "INSERT INTO notifications (number, storage_key, scope, content) VALUES (?, ?, ?, ?)",
            (number, stored.storage_key, stored.scope, to_json(stored.notification)),
        )
        return number

    def delete(self, number: int) -> None:
        self._database.execute("DELETE FROM notifications WHERE number = ?", (number,))

    def delete_of_registration(self, storage_key: str, scope: str) -> None:
        self._database.execute(
            "DELETE FROM notifications WHERE storage_key = ? AND scope = ?", (storage_key, scope)
        )
