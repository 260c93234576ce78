"""`setTimeout` and `setInterval`: they follow the agent's clock.

Spec: https://html.spec.whatwg.org/multipage/timers-and-user-prompts.html#timers
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import trio

from swruntime.agent.held import Charge
from swruntime.realms.python.context import RealmContext

TIMER = 6_000
"""Bytes that a timer takes here, where it is a task."""


_NESTED = 5
_LEAST_NESTED = 0.004
"""Seconds from one firing of an interval to the next, after the first ones: *run steps after a timeout*, step 4 of the
timer initialization steps. Without it time would never pass for an interval of none.
"""


class Timers:
    """The timers of one realm; they end with it."""

    def __init__(self, context: RealmContext, fire: Callable[[int], None]) -> None:
        self._context = context
        self._fire = fire
        self._scopes: dict[int, tuple[trio.CancelScope, Charge]] = {}
        self.operations: dict[str, Callable[..., Any]] = {"timer.set": self._set, "timer.clear": self._clear}
        self._changed: Callable[[], object] = lambda: None

    def __len__(self) -> int:
        return len(self._scopes)

    def on_change(self, callback: Callable[[], object]) -> None:
        """Call `callback` when a timer has ended."""
        self._changed = callback

    def _set(self, id: int, delay: float, repeat: bool) -> None:
        """`delay` is in milliseconds."""
        self._clear(id)
        scope = trio.CancelScope()
        self._scopes[id] = scope, self._context.held.charge("timers", 0, each=TIMER)
        if self._context.alive:
            self._context.nursery.start_soon(self._run, id, delay / 1000, repeat, scope)

    def _clear(self, id: int) -> None:
        found = self._scopes.pop(id, None)
        if found is not None:
            found[0].cancel()
            self._changed()

    def close(self) -> None:
        """The process is gone: none of them is due any more."""
        for id in tuple(self._scopes):
            self._clear(id)

    async def _run(self, id: int, seconds: float, repeat: bool, scope: trio.CancelScope) -> None:
        with scope:
            for nesting in count(1):
                # One of no time at all is over in the next turn; a clock that stands still would not end it otherwise.
                await trio.sleep(seconds if nesting <= _NESTED else max(seconds, _LEAST_NESTED))
                if not repeat:
                    break
                self._fire(id)
            del self._scopes[id]
            self._fire(id)
            self._changed()
