"""Service worker registrations in the database."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from swruntime.concepts.enums import UpdateViaCache
from swruntime.ports.store import StoredRegistration, StoredWorker
from swruntime.storage.database import Database
from swruntime.storage.values import from_json, to_json


@attrs.frozen
class _Workers:
    update_via_cache: UpdateViaCache
    waiting: StoredWorker | None
    active: StoredWorker | None
    unregistered: bool = False
    after: int = 0


class RegistrationRows:
    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> Sequence[StoredRegistration]:
        """In the order of their creation."""
        rows = self._database.execute("SELECT storage_key, scope, workers FROM registrations ORDER BY number")
        return [_registration(storage_key, scope, text) for storage_key, scope, text in rows]

    def save(self, registration: StoredRegistration) -> None:
        workers = _Workers(
            registration.update_via_cache,
            registration.waiting,
            registration.active,
            registration.unregistered,
            registration.after,
        )
        self._database.execute(
            """
            INSERT INTO registrations (storage_key, scope, workers) VALUES (?, ?, ?)
            ON CONFLICT (storage_key, scope) DO UPDATE SET workers = excluded.workers
            """,
            (registration.storage_key, registration.scope, to_json(workers)),
        )

    def delete(self, storage_key: str, scope: str) -> None:
        self._database.execute(
            "DELETE FROM registrations WHERE storage_key = ? AND scope = ?", (storage_key, scope)
        )


def _registration(storage_key: str, scope: str, text: str) -> StoredRegistration:
    workers = from_json(text, _Workers)
    return StoredRegistration(
        storage_key,
        scope,
        workers.update_via_cache,
        workers.waiting,
        workers.active,
        workers.unregistered,
        workers.after,
    )
