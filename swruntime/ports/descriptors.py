"""Few descriptors: what cannot be opened now, and can be as soon as something else was closed.

Nothing is wrong with the file then, so nothing may be concluded about it: whoever can wait waits, and whoever cannot
opens it with what is held in reserve.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from threading import Lock
from typing import TypeVar

import attrs

T = TypeVar("T")

SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
"""What `open`, `accept`, `fork` and the like answer where this process or the system has no more for now."""

SHORTEST = 0.05
LONGEST = 1.0
"""Seconds until it is tried again: few at first, then twice as many each time."""

IN_RESERVE = 16
"""As many as a path of some ten folders needs."""


def is_shortage(error: OSError) -> bool:
    """Whether waiting may help."""
    return error.errno in SHORTAGES


@attrs.frozen
class Shortage:
    """How long a shortage is waited out: `patience` in seconds. `tell` gets a sentence, once for each wait."""

    patience: float = 600.0
    tell: Callable[[str], None] = lambda text: None

    async def wait_out(self, what: str, action: Callable[[], T], short: type[Exception] = OSError) -> T:
        """Answer with what `action` answers, called again and again for as long as it raises `short` for a shortage.

        Raises what it raised last where the patience is over; any other exception at once.
        """
        import trio  # who only asks whether it is a shortage need not load it

        deadline = trio.current_time() + self.patience
        pause = SHORTEST
        while True:
            try:
                return action()
            except short as error:
                if not _of_shortage(error) or trio.current_time() >= deadline:
                    raise
                if pause == SHORTEST:
                    self.tell(f"{what} waits until another is closed: {_reason(error)}")
            await trio.sleep(min(pause, max(0.0, deadline - trio.current_time())))
            pause = min(2 * pause, LONGEST)


def _of_shortage(error: Exception) -> bool:
    return is_shortage(error) if isinstance(error, OSError) else True


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


class Reserve:
    """Descriptors that are held for when there are no others."""

    def __init__(self, count: int = IN_RESERVE) -> None:
        self._count = count
        self._held: list[int] = []
        self._lock = Lock()
        self._fill()

    def __len__(self) -> int:
        return len(self._held)

    @contextmanager
    def lent(self) -> Iterator[None]:
        """While the block runs they are free for others. It must not wait: who runs meanwhile might keep them."""
        with self._lock:
            self.close()
            try:
                yield
            finally:
                self._fill()

    def close(self) -> None:
        while self._held:
            os.close(self._held.pop())

    def _fill(self) -> None:
        with suppress(OSError):  # so many as there are
            while len(self._held) < self._count:
                self._held.append(os.open(os.devnull, os.O_RDONLY))


@cache
def reserve() -> Reserve:
    """The one of this process, whose descriptors they are; made when it is first asked for."""
    return Reserve()
