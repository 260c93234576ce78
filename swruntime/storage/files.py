"""The bytes of bodies in files: DIR/bodies/<id>, made at the first append, and only ever appended to."""

from __future__ import annotations

import errno
import os
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial

from swruntime.errors import BodyDamaged
from swruntime.ports.outside import outside_trio
from swruntime.storage.bodies import FOLDER, Sizes
from swruntime.storage.disk_space import DiskSpace
from swruntime.storage.expected import damage
from swruntime.storage.private_files import PrivateFolder
from swruntime.storage.room import Disk, disk_errors_told

MOST_OPEN = 64
"""So many files are kept open for appending; the one that was not used for longest is closed for another."""

SYNCS_AT_A_TIME = 8
SYNCS_IN_A_ROW = 16
"""At most so many files does a thread sync one after the other: to hand each over costs more than many a sync, and
whoever is cancelled waits for all of them."""

RESERVE = 512 * 1024
"""Bytes of the disk that bodies leave to the database: what ended for want of room must still be written down,
and so must the release that makes room again."""

_FLAGS = os.O_RDWR  # Windows syncs no reader's handle
_fdatasync = getattr(os, "fdatasync", os.fsync)  # macOS and Windows have none


class FileBodies:
    """`profile` is the profile's folder; a writer makes the one of the bodies in it."""

    def __init__(self, profile: PrivateFolder, disk: Disk | None = None) -> None:
        self._profile = profile
        self._disk = disk or Disk(profile.path)
        self._kept: PrivateFolder | None = None
        self._open: OrderedDict[int, int] = OrderedDict()

    @property
    def _folder(self) -> PrivateFolder:
        """Opened once. Raises FileNotFoundError to a reader where there is none."""
        if self._kept is None:
            self._kept = self._profile.subfolder(FOLDER, create=self._profile.privacy.mends)
        return self._kept

    @cached_property
    def _space(self) -> DiskSpace:
        return DiskSpace(self._folder.path)

    def sizes(self) -> Sizes:
        """Looks at every body's file, and mends its mode. Raises NotOurs where one is something else.

        Called before anything is done with one of them.
        """
        with self._disk.used():
            bodies = array("q", sorted(map(int, filter(_is_body, self._names()))))
            if not bodies:
                return Sizes(())
            return Sizes((int(name), size) for name, size in self._folder.sizes_of(map(str, bodies)))

    def strangers(self) -> list[str]:
        """Names in the folder of bodies that are no body's."""
        with self._disk.used():
            return sorted(name for name in self._names() if not _is_body(name))

    def _names(self) -> Iterator[str]:
        try:
            yield from self._folder.each_name()
        except FileNotFoundError:  # a reader's
            return

    def size(self, body: int) -> int:
        with self._disk.used():
            try:
                return self._folder.size(str(body))
            except FileNotFoundError:
                return 0

    def is_there(self, body: int) -> bool:
        try:
            return self._folder.check_file(str(body))
        except FileNotFoundError:
            return False

    def append(self, body: int, length: int, data: bytes) -> None:
        with self._disk.used():
            self._space.take(len(data), RESERVE)
            file = self._file(body)
            _require_length(body, file, length)
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(file, rest) :]
            except BaseException:
                # Should this fail too, the disk has failed: what came of the piece counts at the next opening.
                self._close(body)
                self._cut(body, length)
                raise

    def _file(self, body: int) -> int:
        """The file open for appending."""
        if body in self._open:
            self._open.move_to_end(body)
            return self._open[body]
        while len(self._open) >= MOST_OPEN:
            os.close(self._open.popitem(last=False)[1])
        self._open[body] = self._open_file(body, _FLAGS | os.O_APPEND | os.O_CREAT)
        return self._open[body]

    def _open_file(self, body: int, flags: int) -> int:
        try:
            return self._folder.open_file(str(body), flags)
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE) or not self._open:
                raise
        self._close_all()  # the system has few descriptors left, and some of them are ours
        return self._folder.open_file(str(body), flags)

    def read(self, body: int, offset: int, size: int) -> bytes:
        with self._disk.used():
            try:
                with open(self._open_file(body, os.O_RDONLY), "rb", buffering=0) as file:
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
            file = self._open_file(body, _FLAGS)
            try:
                os.ftruncate(file, length)
            finally:
                os.close(file)

    def delete(self, body: int) -> None:
        """Its row is gone already, so a full disk is a failure here."""
        with self._disk.used(committed=True):
            self._close(body)
            self._folder.unlink(str(body))

    async def sync(self, bodies: Sequence[int], *, names: bool) -> None:
        """Errors of the threads come out one, not in a group: the others have the same reason.

        No room is a failure here as well: after a sync that failed nobody knows what of the bytes there is.
        """
        import trio

        failed: list[OSError] = []
        limit = trio.CapacityLimiter(SYNCS_AT_A_TIME)
        in_a_row = max(1, min(SYNCS_IN_A_ROW, len(bodies) // SYNCS_AT_A_TIME))

        async def in_thread(sync: Callable[[], None], limiter: trio.CapacityLimiter | None = None) -> None:
            try:
                await trio.to_thread.run_sync(sync, limiter=limiter)
            except OSError as error:
                failed.append(error)

        with self._disk.used(committed=True), outside_trio():
            async with trio.open_nursery() as nursery:
                if names:
                    nursery.start_soon(in_thread, self._folder.sync)
                for first in range(0, len(bodies), in_a_row):
                    row = bodies[first : first + in_a_row]
                    nursery.start_soon(in_thread, partial(_sync_files, self._folder, row), limit)
            if failed:
                raise failed[0]

    def close(self) -> None:
        with disk_errors_told():
            self._close_all()
            if self._kept is not None:
                self._kept.close()

    def _close_all(self) -> None:
        while self._open:
            os.close(self._open.popitem()[1])


def _require_length(body: int, file: int, length: int) -> None:
    """What is appended must come after what counts: nothing else may be there, and nothing may be missing."""
    status = os.fstat(file)
    size = status.st_size if status.st_nlink else 0
    if size < length:
        raise BodyDamaged(f"{damage(body, size, length)}: somebody has changed it while it grew")
    if size > length:
        os.ftruncate(file, length)


def _is_body(name: str) -> bool:
    return name.isascii() and name.isdigit() and not name.startswith("0")


def _sync_files(folder: PrivateFolder, bodies: Sequence[int]) -> None:
    for body in bodies:
        _sync_file(folder, str(body))


def _sync_file(folder: PrivateFolder, name: str) -> None:
    # A descriptor of its own: the one for appending may be closed while the thread waits.
    try:
        file = folder.open_file(name, _FLAGS)
    except FileNotFoundError:  # the body went meanwhile
        return
    try:
        _fdatasync(file)
    finally:
        os.close(file)
