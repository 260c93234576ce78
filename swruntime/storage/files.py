"""The bytes of bodies in files: DIR/bodies/<id>, made at the first append, and only ever appended to."""

from __future__ import annotations

import errno
import os
import shutil
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import trio

from swruntime.ports.outside import outside_trio
from swruntime.storage.room import Disk, disk_errors_told

MOST_OPEN = 64
"""So many files are kept open for appending; the one that was not used for longest is closed for another."""

SYNCS_AT_A_TIME = 8

RESERVE = 512 * 1024
"""Bytes of the disk that bodies leave to the database: what ended for want of room must still be written down,
and so must the release that makes room again."""

_FLAGS = os.O_RDWR | getattr(
    os, "O_BINARY", 0
)  # Windows would translate line ends, and syncs no reader's handle
_fdatasync = getattr(os, "fdatasync", os.fsync)  # macOS and Windows have none


class FileBodies:
    def __init__(self, directory: Path, disk: Disk | None = None) -> None:
        self._directory = directory
        self._disk = disk or Disk(directory)
        self._open: OrderedDict[int, int] = OrderedDict()

    def path(self, body: int) -> Path:
        return self._directory / str(body)

    def sizes(self) -> dict[int, int]:
        return {body: self.size(body) for body in map(int, filter(_is_body, self._names()))}

    def strangers(self) -> list[str]:
        """Names in the folder of bodies that are no body's."""
        return sorted(name for name in self._names() if not _is_body(name))

    def _names(self) -> list[str]:
        with self._disk.used():
            try:
                return os.listdir(self._directory)
            except FileNotFoundError:
                return []

    def size(self, body: int) -> int:
        with self._disk.used():
            try:
                return self.path(body).stat().st_size
            except FileNotFoundError:
                return 0

    def append(self, body: int, length: int, data: bytes) -> None:
        with self._disk.used():
            self._require_room(len(data))
            file = self._file(body, length)
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(file, rest) :]
            except BaseException:
                # Should this fail too, the disk has failed: what came of the piece counts at the next opening.
                self._close(body)
                self._cut(body, length)
                raise

    def _require_room(self, size: int) -> None:
        if shutil.disk_usage(self._directory).free < size + RESERVE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _file(self, body: int, length: int) -> int:
        """The file open for appending, as long as what counts of it."""
        if body in self._open:
            self._open.move_to_end(body)
            return self._open[body]
        while len(self._open) >= MOST_OPEN:
            os.close(self._open.popitem(last=False)[1])
        file = self._open_file(self.path(body))
        try:
            if os.fstat(file).st_size != length:
                os.ftruncate(file, length)
        except BaseException:
            os.close(file)
            raise
        self._open[body] = file
        return file

    def _open_file(self, path: Path) -> int:
        flags = _FLAGS | os.O_APPEND | os.O_CREAT
        try:
            return os.open(path, flags, 0o666)
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE) or not self._open:
                raise
        self._close_all()  # the system has few descriptors left, and some of them are ours
        return os.open(path, flags, 0o666)

    def read(self, body: int, offset: int, size: int) -> bytes:
        with self._disk.used():
            try:
                with open(self.path(body), "rb", buffering=0) as file:
                    file.seek(offset)
                    return file.read(size)
            except FileNotFoundError:  # nothing was ever appended
                return b""

    def finish(self, body: int) -> None:
        if body in self._open:
            with self._disk.used():
                self._close(body)

    def _close(self, body: int) -> None:
        file = self._open.pop(body, None)
        if file is not None:
            os.close(file)

    def truncate(self, body: int, length: int) -> None:
        with self._disk.used():
            self._cut(body, length)

    def _cut(self, body: int, length: int) -> None:
        if self.size(body) > length:
            os.truncate(self.path(body), length)

    def delete(self, body: int) -> None:
        """Its row is gone already, so a full disk is a failure here."""
        with self._disk.used(committed=True):
            self._close(body)
            self.path(body).unlink(missing_ok=True)

    async def sync(self, bodies: Sequence[int], *, names: bool) -> None:
        """Errors of the threads come out one, not in a group: the others have the same reason.

        No room is a failure here as well: after a sync that failed nobody knows what of the bytes there is.
        """
        failed: list[OSError] = []
        limit = trio.CapacityLimiter(SYNCS_AT_A_TIME)

        async def sync_one(path: Path) -> None:
            try:
                await trio.to_thread.run_sync(_sync_file, path, limiter=limit)
            except OSError as error:
                failed.append(error)

        with self._disk.used(committed=True), outside_trio():
            async with trio.open_nursery() as nursery:
                for body in bodies:
                    nursery.start_soon(sync_one, self.path(body))
            if names and not failed:
                await trio.to_thread.run_sync(sync_directory, self._directory)
            if failed:
                raise failed[0]

    def close(self) -> None:
        with disk_errors_told():
            self._close_all()

    def _close_all(self) -> None:
        while self._open:
            os.close(self._open.popitem()[1])


def _is_body(name: str) -> bool:
    return name.isascii() and name.isdigit() and not name.startswith("0")


def _sync_file(path: Path) -> None:
    # A descriptor of its own: the one for appending may be closed while the thread waits.
    try:
        file = os.open(path, _FLAGS)
    except FileNotFoundError:  # the body went meanwhile
        return
    try:
        _fdatasync(file)
    finally:
        os.close(file)


def sync_directory(directory: Path) -> None:
    """Bring the names in a folder to the disk, where the system has that."""
    if not hasattr(os, "O_DIRECTORY"):  # Windows syncs names with the file
        return
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
