"""How large a disk is and what is free on it, without asking the system for each piece of a body."""

from __future__ import annotations

import errno
import os
import shutil
import time
from pathlib import Path

INTERVAL = 0.25
"""Seconds for which an answer holds."""

PLENTY = 256 * 1024 * 1024
"""Bytes. Where no more than that will be free, no answer holds: others write as well, and the end is near."""


class DiskSpace:
    """Of the disk that has `path`, as the system said last; what is written since is counted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._total = self._free = 0
        self._until = -1.0

    def total(self) -> int:
        """The bytes that the disk has, free ones and others. Raises OSError."""
        if time.monotonic() >= self._until:
            self._look()
        return self._total

    def take(self, size: int, reserve: int) -> None:
        """`size` bytes are about to be written. Raises OSError (ENOSPC) where they leave less than `reserve` free."""
        self._free -= size
        if self._free < PLENTY or time.monotonic() >= self._until:
            self._look()
            self._free -= size
        if self._free < reserve:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _look(self) -> None:
        usage = shutil.disk_usage(self._path)
        self._total, self._free = usage.total, usage.free
        # The time after the answer: a disk that takes long to answer is not asked all the time.
        self._until = time.monotonic() + INTERVAL
