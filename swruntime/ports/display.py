"""What shows background fetches to a user.

Spec: https://wicg.github.io/background-fetch/#background-fetch-display-algorithm
"""

from __future__ import annotations

from typing import Protocol

import attrs

from swruntime.concepts.background import ImageResource, Progress


@attrs.frozen
class FetchView:
    """What the display of one background fetch may use. `waiting` says what its records wait for, in words.

    It is empty while bandwidth is in use, and while it is paused. `expected`: the bytes of all responses, None where a
    server has not said so (yet). `settled` of its `records` have come to their end.
    """

    fetch: int
    id: str
    origin: str
    title: str
    icons: tuple[ImageResource, ...]
    progress: Progress
    paused: bool
    bandwidth_in_use: bool
    waiting: tuple[str, ...] = ()
    expected: int | None = None
    records: int = 1
    settled: int = 0


class Display(Protocol):
    @property
    def live(self) -> bool:
        """Whether what is shown can be seen now; if not, nobody need make a view."""
        ...

    def show(self, view: FetchView) -> None:
        """Show a background fetch, or what has changed of it."""
        ...

    def remove(self, fetch: int) -> None:
        """Forget background fetch number `fetch`."""
        ...
