"""No room on the disk, however it is told."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from swruntime.errors import StorageFull

FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""EFBIG: a limit on the size of files, `ulimit -f`, leaves no room either (Python ignores its signal)."""


@contextmanager
def full_disk_told(directory: Path | None = None) -> Iterator[None]:
    """Turn ENOSPC, EDQUOT, EFBIG and SQLITE_FULL into StorageFull.

    SQLite has one code for every other failure to write, an exhausted disk quota among them. Then `directory`
    is asked: StorageFull if it has no room for a few more bytes either, else SQLite's error stays.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        code = error.sqlite_errorcode & 0xFF
        if code == sqlite3.SQLITE_FULL or (
            code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and directory and _has_no_room(directory)
        ):
            raise StorageFull(f"no room for the profile {directory or 'in memory'}") from error
        raise
    except OSError as error:
        if error.errno in FULL:
            raise StorageFull(f"no room on the disk: {error}") from error
        raise


def _has_no_room(directory: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=directory) as probe:
            probe.write(bytes(64 * 1024))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return error.errno in FULL
    return False
