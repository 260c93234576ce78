"""The disk, as the storage sees it fail: no room, which passes, and every other failure, which does not.

A full disk is StorageFull: nothing of what was asked was kept, and it may be asked again. Every other failure
(EIO, EMFILE, a disk that became read-only, ...) is StorageFailed, and is final for this store: after the first
one it touches the disk no more. What is stored then is what the death of the process at that moment would have left,
and that is known to lose nothing; going on would mean to believe a disk about what it has just denied. Above all
a failed sync must never be asked for again: Linux may answer the second one with success and have thrown the bytes
away meanwhile (https://lwn.net/Articles/752063/).
"""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import attrs

from swruntime.errors import StorageFailed, StorageFull

FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""EFBIG: a limit on the size of files, `ulimit -f`, leaves no room either (Python ignores its signal)."""

_OUR_DEFECTS = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISUSE})


_OF_A_DISK = (sqlite3.DatabaseError, OSError, StorageFailed, StorageFull)


@contextmanager
def disk_errors_told(directory: Path | None = None) -> Iterator[None]:
    """Turn ENOSPC, EDQUOT, EFBIG and SQLITE_FULL into StorageFull, what else a disk may answer into StorageFailed.

    SQLite has one code for every other failure to write, an exhausted disk quota among them. Then `directory`
    is asked: StorageFull if it has no room for a few more bytes either.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE) & 0xFF
        if code in _OUR_DEFECTS:
            raise
        if code == sqlite3.SQLITE_FULL or (
            code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and directory and _has_no_room(directory)
        ):
            raise StorageFull(f"no room for the profile {directory or 'in memory'}") from error
        raise StorageFailed(
            f"the database of the profile {directory or 'in memory'} failed: {error}"
        ) from error
    except OSError as error:
        if error.errno in FULL:
            raise StorageFull(f"no room on the disk: {error}") from error
        where = f"the profile {directory}" if directory else "the profile"
        raise StorageFailed(f"{where} cannot be read or written: {error}") from error


class Disk:
    """What the database and the bodies of one store share: whether their disk has failed."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._failed: StorageFailed | None = None

    @property
    def failed(self) -> bool:
        return self._failed is not None

    def used(self, *, committed: bool = False) -> _Used:
        """Around everything that touches the disk. Raises StorageFull, StorageFailed; at once if it failed before.

        `committed`: this belongs to what is committed already, so no room is a failure too: nobody may take
        StorageFull for the word that nothing was kept.
        """
        return _Used(self, committed)


@attrs.frozen
class _Used:
    """Every statement is in one, so that it does nothing while nothing goes wrong."""

    _disk: Disk
    _committed: bool

    def __enter__(self) -> None:
        failed = self._disk._failed
        if failed is not None:
            raise StorageFailed(str(failed)) from failed

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, _OF_A_DISK):
            return
        try:
            with disk_errors_told(self._disk._directory):
                raise error
        except StorageFailed as failed:
            self._disk._failed = failed
            raise
        except StorageFull as full:
            if not self._committed:
                raise
            self._disk._failed = StorageFailed(str(full))
            raise self._disk._failed from full


def _has_no_room(directory: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=directory) as probe:
            probe.write(bytes(64 * 1024))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return error.errno in FULL
    return False
