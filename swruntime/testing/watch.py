"""Which traces a test has made so far, for whoever reports its failure. Imports nothing that is heavy."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, Protocol


class Watched(Protocol):
    """A laboratory, as far as a report needs it."""

    is_open: bool

    @property
    def trace(self) -> Sequence[dict[str, Any]]: ...

    @property
    def waited_for(self) -> Sequence[str]: ...


class Watch:
    """What one test has opened so far.

    `laboratories` are those that are open, and the last one that was: of a thousand examples in one test the last is
    the one that failed. `diagnosed` is what was told about scripts in all of them, each once.
    """

    def __init__(self) -> None:
        self.laboratories: list[Watched] = []
        self.diagnosed: dict[object, None] = {}


_WATCHED: ContextVar[Watch | None] = ContextVar("swruntime_watched", default=None)


def watch_from_now() -> Watch:
    """What is opened from now on in this context."""
    watch = Watch()
    _WATCHED.set(watch)
    return watch


def opened(laboratory: Watched) -> None:
    """Tell that `laboratory` was opened."""
    watch = _WATCHED.get()
    if watch is not None:
        watch.laboratories = [*(each for each in watch.laboratories if each.is_open), laboratory]


def tell(diagnosed: object) -> None:
    """Tell what is wrong with a script (a `swruntime.testing.diagnostics.Diagnosed`)."""
    watch = _WATCHED.get()
    if watch is not None:
        watch.diagnosed[diagnosed] = None
