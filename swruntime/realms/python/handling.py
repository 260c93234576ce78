"""What a script begins while it handles an event, so that what the event does not wait for can be told.

Who handles what follows the context of tasks: a task that a handler starts, in whatever nursery, is the handler's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from swruntime.agent.promise import Promise
    from swruntime.realms.python.context import RealmContext

_WORK = (
    "BackgroundFetchManager.fetch",
    "BackgroundFetchRegistration.match",
    "Cache.",
    "CacheStorage.",
    "Request.",
    "Response.",
    "fetch",
)
"""How the names of promises begin whose outcome matters to who began them.

Others do all there is to do by themselves, and the standards' own examples drop them: skip_waiting, open_window,
update_ui, show_notification.
"""


def is_work(promise: Promise[Any]) -> bool:
    """Whether the outcome of `promise` matters to who began it."""
    return promise.name.startswith(_WORK)


@attrs.define(eq=False)
class Handling:
    """One event that is handled in the realm of `context`."""

    context: RealmContext
    event_type: str
    extended: bool = False
    """The script called wait_until or respond_with."""
    _begun: dict[object, tuple[str, str, bool]] = attrs.field(factory=dict)
    _runs: list[tuple[Promise[Any], str | None]] = attrs.field(factory=list)
    _outlast: list[str | None] = attrs.field(factory=list)

    def note(self, promise: Promise[Any], where: str, *, plain: bool) -> None:
        """A script began `promise`; it is forgotten as soon as anybody awaits it."""
        if is_work(promise):
            key = object()
            self._begun[key] = (promise.name, where, plain)
            promise.when_handled(lambda: self._begun.pop(key, None))

    def run_started(self, run: Promise[Any], where: str | None) -> None:
        """The run of an async handler, whose `def` is at `where`."""
        self._runs.append((run, where))

    def dispatched(self) -> None:
        """The last listener has run to its first suspension."""
        self._outlast = [where for run, where in self._runs if not run.settled]

    def tell(self) -> None:
        """The event has ended well: tell what it did not wait for, and what JavaScript would not have waited for."""
        for name, begun_at, plain in self._begun.values():
            if plain:
                text = f"the {self.event_type} event has ended, and nothing made it wait for {name}"
                self.context.diagnose("missing-wait-until", text, begun_at)
            else:
                text = f"nobody awaited {name} before the {self.event_type} event ended"
                self.context.diagnose("dropped-awaitable", text, begun_at)
        if not self.extended:
            for where in self._outlast:
                text = f"the {self.event_type} event was over only when its async handler was, without wait_until"
                self.context.diagnose("relies-on-async-handler", text, where)


_CURRENT: ContextVar[tuple[Handling, bool] | None] = ContextVar("swruntime_handling", default=None)
"""What is handled, and whether by a plain function: in a coroutine there is an `await` for what it begins."""


@contextmanager
def handling(event: Handling | None, *, plain: bool = True) -> Iterator[None]:
    """What is begun in here is begun while `event` is handled."""
    token = _CURRENT.set(None if event is None else (event, plain))
    try:
        yield
    finally:
        _CURRENT.reset(token)


@contextmanager
def in_coroutine() -> Iterator[None]:
    """A coroutine of a script is started in here: what it begins is not begun by a plain function."""
    current = _CURRENT.get()
    with handling(None if current is None else current[0], plain=False):
        yield


def begun(context: RealmContext, promise: Promise[Any], where: str | None) -> None:
    """A promise of `context` was made where the script is at `where`."""
    current = _CURRENT.get()
    if current is not None and where is not None and current[0].context is context:
        current[0].note(promise, where, plain=current[1])


def leave() -> None:
    """This task is the agent's from now on: what it begins is not a script's."""
    _CURRENT.set(None)
