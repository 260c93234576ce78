"""Bodies are brought to the disk now and then while they grow, so that a power failure takes back little.

The death of the process needs none of this: what was written is in the system's hands (promise 1).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs
import trio

from swruntime.errors import StorageFull
from swruntime.ports.store import Store
from swruntime.trace import Diagnostic, Trace

CHECKPOINT_BYTES = 64 * 1024 * 1024
CHECKPOINT_SECONDS = 5.0
"""A body is synced after so many bytes, and while it grows at least so often."""


@attrs.define
class _Growth:
    since: float
    bytes: int = 0
    syncing: bool = False


class Checkpoints:
    """Of one agent. `start` starts a task that nobody waits for."""

    def __init__(
        self, store: Store, trace: Trace, start: Callable[[Callable[[int], Awaitable[None]], int], None]
    ) -> None:
        self._store = store
        self._trace = trace
        self._start = start
        self._growing: dict[int, _Growth] = {}

    def grown(self, body: int, size: int) -> None:
        """`size` bytes were appended to `body`."""
        now = trio.current_time()
        growth = self._growing.get(body)
        if growth is None:
            growth = self._growing[body] = _Growth(now)
        growth.bytes += size
        due = growth.bytes >= CHECKPOINT_BYTES or now - growth.since >= CHECKPOINT_SECONDS
        if due and not growth.syncing:
            growth.syncing, growth.bytes = True, 0
            self._store.pin(body)
            self._start(self._sync, body)

    def ended(self, body: int) -> None:
        """Nothing more comes; whoever settles syncs it."""
        self._growing.pop(body, None)

    async def _sync(self, body: int) -> None:
        try:
            await self._store.sync([body])
        except StorageFull as error:
            # The body goes on growing; only a power failure would take back more than it should.
            self._trace.emit(Diagnostic(code="checkpoint-failed", message=f"body {body}: {error}"))
        finally:
            self._store.unpin(body)
        growth = self._growing.get(body)
        if growth is not None:
            growth.syncing, growth.since = False, trio.current_time()
