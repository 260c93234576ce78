"""SyncManager and PeriodicSyncManager.

Spec: https://wicg.github.io/background-sync/spec/#sync-manager-interface,
https://wicg.github.io/periodic-background-sync/#periodicsyncmanager-interface
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from swruntime.agent.promise import NoPublicConstructor, Promise
from swruntime.agent.registrations import Registration
from swruntime.algorithms import webidl

if TYPE_CHECKING:
    from swruntime.realms.python.realm import PythonRealm


class SyncManager(metaclass=NoPublicConstructor):
    """`registration.sync`: have a `sync` event fired as soon as the network is there."""

    def __init__(self, realm: PythonRealm, registration: Registration) -> None:
        self._realm = realm
        self._registration = registration

    def register(self, tag: str) -> Promise[None]:
        """Fire `sync` with this tag when online: at once, or later, also in a later process.

        An event that fails is fired again: three times in all, five minutes and then fifteen minutes after a
        failure (`Limits.sync`); the last one has `last_chance`. A tag that is registered already is not registered
        twice, but begins with its first attempt anew, and is fired once more where its event is under way.

        Rejects with InvalidStateError (no active worker), NotAllowedError (the user has disabled it),
        InvalidAccessError (no window of its origin is open), QuotaExceededError (no room to store it), TypeError.
        """
        context = self._realm.context
        name = "SyncManager.register"
        try:
            text = webidl.dom_string("tag", tag)
        except TypeError as error:
            return context.rejected(error, name=name)

        async def operation() -> None:
            self._realm.agent.syncs.register(self._registration, text)

        return context.promise(operation, name=name)

    def get_tags(self) -> Promise[list[str]]:
        """The tags whose event is still to come, or under way."""

        async def operation() -> list[str]:
            return self._realm.agent.syncs.tags(self._registration)

        return self._realm.context.promise(operation, name="SyncManager.get_tags")


class PeriodicSyncManager(metaclass=NoPublicConstructor):
    """`registration.periodic_sync`: have a `periodicsync` event fired again and again."""

    def __init__(self, realm: PythonRealm, registration: Registration) -> None:
        self._realm = realm
        self._registration = registration

    def register(self, tag: str, *, min_interval: int = 0) -> Promise[None]:
        """Fire `periodicsync` with this tag every `min_interval` milliseconds at most, when online.

        It comes more seldom where the agent's own least interval for an origin is longer: twelve hours, in
        `Limits.periodic_sync`. The first one comes an interval after now.

        Rejects with InvalidStateError (no active worker), NotAllowedError (the permission
        "periodic-background-sync" is not granted), InvalidAccessError (no window of its origin is open),
        QuotaExceededError (no room to store it), TypeError.
        """
        context = self._realm.context
        name = "PeriodicSyncManager.register"
        try:
            text = webidl.dom_string("tag", tag)
            interval = webidl.enforce_unsigned_long_long("min_interval", min_interval) / 1000
        except TypeError as error:
            return context.rejected(error, name=name)

        async def operation() -> None:
            self._realm.agent.periodic_syncs.register(self._registration, text, interval)

        return context.promise(operation, name=name)

    def get_tags(self) -> Promise[list[str]]:
        async def operation() -> list[str]:
            return self._realm.agent.periodic_syncs.tags(self._registration)

        return self._realm.context.promise(operation, name="PeriodicSyncManager.get_tags")

    def unregister(self, tag: str) -> Promise[None]:
        """No further event for this tag. Rejects with TypeError for what is no tag, never for one that is unknown."""
        context = self._realm.context
        name = "PeriodicSyncManager.unregister"
        try:
            text = webidl.dom_string("tag", tag)
        except TypeError as error:
            return context.rejected(error, name=name)

        async def operation() -> None:
            self._realm.agent.periodic_syncs.unregister(self._registration, text)

        return context.promise(operation, name=name)
