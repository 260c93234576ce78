"""What was posted to a realm, dispatched there one message at a time, in the order in which it came.

Spec: https://html.spec.whatwg.org/multipage/web-messaging.html#posted-message-task-source
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

import trio

from swruntime.agent.activity import Activity
from swruntime.realms.python.context import RealmContext


class MessageQueue:
    """While a message waits here, or is dispatched, the agent is not settled. It ends with its realm."""

    def __init__(self, context: RealmContext, activity: Activity) -> None:
        self._context = context
        self._activity = activity
        self._tasks: deque[Callable[[], Awaitable[None]]] = deque()
        self._drained: Callable[[], None] | None = None
        self.turn = trio.Lock()
        """Held while the listeners of one message are called, so that those of the next come after them."""
        context.on_discard(self._end)

    def put(self, dispatch: Callable[[], Awaitable[None]]) -> None:
        """Call `dispatch` when its turn has come; never, if the realm is discarded before."""
        if not self._context.alive:
            return
        self._tasks.append(dispatch)
        if self._drained is None:
            self._drained = self._activity.begin("message")
            self._context.nursery.start_soon(self._run, name="posted messages")

    async def _run(self) -> None:
        while self._tasks:
            async with self.turn:
                await self._tasks.popleft()()
        self._end()

    def _end(self) -> None:
        self._tasks.clear()
        drained, self._drained = self._drained, None
        if drained is not None:
            drained()
