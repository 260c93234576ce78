"""The calls of one script that are under way: which, how many and how large, and when the script is heard again."""

from __future__ import annotations

from functools import partial
from typing import Any

import trio

from swruntime.agent.held import Charge, Held
from swruntime.agent.promise import Promise
from swruntime.realms.javascript.messages import WireError

MOST_CALLS = 10_000
"""Calls that a script may have under way; until some are settled, it is not heard."""
MOST_CALL_BYTES = 64 * 1024 * 1024
"""What their arguments may have, in bytes, before the same happens."""

_PASSIVE = ("ServiceWorkerContainer.ready",)
"""Operations that only wait for something that may never come."""


class Calls:
    """Counts calls from their frame to the end of their promise."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._ids: set[int] = set()
        self._bytes = 0
        self._passive = 0
        self.room: trio.Event | None = None
        """Set when there is room for more; None where there is."""

    @property
    def outstanding(self) -> bool:
        """Whether one is under way that does not only wait for `ready`."""
        return len(self._ids) > self._passive

    @property
    def waits_for_ready(self) -> bool:
        return self._passive > 0

    def require_new(self, id: int) -> None:
        """Raises WireError for the id of a call that is under way."""
        if id in self._ids:
            raise WireError(f"a call {id} is under way")

    def begin(self, id: int, op: str, promise: Promise[Any]) -> None:
        """A call begins. What its frame counts as is held until `promise` is settled."""
        charge, passive = self._held.current, op in _PASSIVE
        self._ids.add(id)
        self._passive += passive
        self._bytes += 0 if charge is None else charge.size
        if self._full and self.room is None:
            self.room = trio.Event()
        size = 0 if charge is None else charge.size
        promise.add_done_callback(partial(self._over, id, passive, size, charge))

    def _over(self, id: int, passive: bool, size: int, charge: Charge | None, promise: Promise[Any]) -> None:
        self._ids.discard(id)
        self._passive -= passive
        self._bytes -= size
        if self.room is not None and not self._full:
            self.let_go()

    def let_go(self) -> None:
        """Whoever waits for room waits no longer."""
        if self.room is not None:
            self.room.set()
            self.room = None

    @property
    def _full(self) -> bool:
        return len(self._ids) >= MOST_CALLS or self._bytes > MOST_CALL_BYTES
