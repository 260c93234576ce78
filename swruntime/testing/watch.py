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


_WATCHED: ContextVar[list[Watched] | None] = ContextVar("swruntime_watched", default=None)


def watch_from_now() -> list[Watched]:
    """What is opened from now on in this context, as a list that changes."""
    watched: list[Watched] = []
    _WATCHED.set(watched)
    return watched


def opened(laboratory: Watched) -> None:
    """Tell that `laboratory` was opened.

    Those that are over are forgotten: of a thousand examples in one test the last is the one that failed.
    """
    watched = _WATCHED.get()
    if watched is not None:
        watched[:] = [*(each for each in watched if each.is_open), laboratory]
