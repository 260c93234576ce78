"""SyncEvent and PeriodicSyncEvent.

Spec: https://wicg.github.io/background-sync/spec/#sync-event,
https://wicg.github.io/periodic-background-sync/#periodicsync-event-interface
"""

from __future__ import annotations

from swruntime.algorithms import webidl
from swruntime.realms.python.extendable import ExtendableEvent


class SyncEvent(ExtendableEvent):
    """`sync`. A handler that fails is called again, unless `last_chance` says that this was the last time."""

    def __init__(
        self,
        type: str,
        *,
        tag: str,
        last_chance: bool = False,
        bubbles: bool = False,
        cancelable: bool = False,
        composed: bool = False,
    ) -> None:
        super().__init__(type, bubbles=bubbles, cancelable=cancelable, composed=composed)
        self._tag = webidl.dom_string("tag", tag)
        self._last_chance = bool(last_chance)

    @property
    def tag(self) -> str:
        return self._tag

    @property
    def last_chance(self) -> bool:
        return self._last_chance


class PeriodicSyncEvent(ExtendableEvent):
    """`periodicsync`."""

    def __init__(
        self,
        type: str,
        *,
        tag: str,
        bubbles: bool = False,
        cancelable: bool = False,
        composed: bool = False,
    ) -> None:
        super().__init__(type, bubbles=bubbles, cancelable=cancelable, composed=composed)
        self._tag = webidl.dom_string("tag", tag)

    @property
    def tag(self) -> str:
        return self._tag
