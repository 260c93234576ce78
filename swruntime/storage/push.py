"""Push subscriptions in the database: one of each registration at the most."""

from __future__ import annotations

import attrs

from swruntime.concepts.push import PushSubscriptionConcept
from swruntime.storage.database import Database
from swruntime.storage.values import from_json, to_json


class PushRows:
    """Every method that writes is called inside a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, storage_key: str, scope: str) -> PushSubscriptionConcept | None:
        text = self._database.one(
            "SELECT subscription FROM push_subscriptions WHERE storage_key = ? AND scope = ?",
            (storage_key, scope),
        )
        return None if text is None else from_json(text, PushSubscriptionConcept)

    def add(
        self, storage_key: str, scope: str, subscription: PushSubscriptionConcept
    ) -> PushSubscriptionConcept:
        numbered = attrs.evolve(subscription, number=self._database.new_number("push_subscriptions"))
        self._database.execute(
            "INSERT INTO push_subscriptions (number, storage_key, scope, subscription) VALUES (?, ?, ?, ?)",
            (numbered.number, storage_key, scope, to_json(numbered)),
        )
        return numbered

    def delete(self, storage_key: str, scope: str) -> None:
        self._database.execute(
            "DELETE FROM push_subscriptions WHERE storage_key = ? AND scope = ?", (storage_key, scope)
        )
