"""The time of day. Everything that waits uses Trio's clock instead."""

from __future__ import annotations

from typing import Protocol


class WallClock(Protocol):
    def now(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        ...
