"""Files that are written whole or not at all: under a name of nobody's, which becomes theirs at the end.

So neither a failure nor a death in the middle leaves a part under the name that the user gave, and what had that name
stays until then. See private_output.py for what is refused, and why.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from swruntime.ports.private_output import (
    FILE_MODE,
    FOLDER_FLAGS,
    FOLDER_MODE,
    NOFOLLOW,
    folder_in,
    open_output,
    refused,
)

_NEW = (
    os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOFOLLOW | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EACCES)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which is `path` when the block has been left. Its mode is that of the one it replaces, or 0600.

    What the system has at a name (a FIFO, a terminal, /dev/stdout) is written to as it is. Raises OSError.
    """
    there = _status(path)
    if there is not None and not (stat.S_ISREG(there.st_mode) and there.st_nlink == 1):
        with open(open_output(path, tighten=False), "wb") as file:
            yield file
        return
    with _new_file(path.parent) as (name, file):
        if there is not None and hasattr(os, "fchmod"):
            os.fchmod(file.fileno(), there.st_mode & 0o777)
        yield file
        file.close()  # here, where an error still counts
        os.replace(path.parent / name, path)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


@contextmanager
def _new_file(folder: Path | int) -> Iterator[tuple[str, BinaryIO]]:
    """A file of a new name, which is gone when the block has been left, unless it has another name by then."""
    name = f".{secrets.token_hex(8)}.swruntime-part"
    at = folder if isinstance(folder, int) else None
    path = name if isinstance(folder, int) else folder / name
    descriptor = os.open(path, _NEW, FILE_MODE, dir_fd=at)
    try:
        with open(descriptor, "wb") as file:
            yield name, file
    finally:
        with suppress(FileNotFoundError):
            os.unlink(path, dir_fd=at)


class Blocked(OSError):
    """What is there leaves no place for part `depth` of a path: a file for a folder, a folder for a file, or a file
    that was written just now under a name that this file system takes for the same."""

    def __init__(self, depth: int, text: str) -> None:
        super().__init__(errno.EEXIST, text)
        self.depth = depth


class OutputFolder:
    """A folder to write files below, held open. It is made, 0700, where there is none. Raises OSError."""

    def __init__(self, path: Path) -> None:
        path.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        self._at = os.open(path, FOLDER_FLAGS)
        self._written: set[tuple[int, int]] = set()

    def close(self) -> None:
        os.close(self._at)

    @contextmanager
    def new_file(self) -> Iterator[tuple[str, BinaryIO]]:
        """A file without a name that counts, for `place`; where it gets none it is gone at the end."""
        with _new_file(self._at) as new:
            yield new

    def place(self, new: str, parts: tuple[str, ...], *, replace: bool) -> None:
        """Make the new file `parts` below the folder; folders that are not there are made, 0700.

        No part of the way is a link. Raises FileExistsError where there is a file and it is not to be replaced,
        Blocked, OSError.
        """
        *above, name = parts
        at = os.dup(self._at)
        try:
            for depth, part in enumerate(above):
                try:
                    below = folder_in(at, part)
                except NotADirectoryError as error:
                    raise Blocked(depth, str(error.strerror)) from None
                os.close(at)
                at = below
            self._check_place(at, name, len(above), replace)
            self._name(new, at, name, replace)
        finally:
            os.close(at)

    def _check_place(self, at: int, name: str, depth: int, replace: bool) -> None:
        try:
            there = os.stat(name, dir_fd=at, follow_symlinks=False)
        except FileNotFoundError:
            return
        if stat.S_ISDIR(there.st_mode) or (there.st_dev, there.st_ino) in self._written:
            raise Blocked(depth, f"{name!r} is taken")
        if stat.S_ISLNK(there.st_mode):
            raise refused("it is a link, and nothing is written through one")
        if not replace:
            raise FileExistsError(errno.EEXIST, "it is there already; --force overwrites it")
        if not stat.S_ISREG(there.st_mode):
            raise refused("it is not a file")
        if there.st_nlink > 1:
            raise refused(f"it is a file with {there.st_nlink} names, and what has the others would change")

    def _name(self, new: str, at: int, name: str, replace: bool) -> None:
        if replace:
            os.replace(new, name, src_dir_fd=self._at, dst_dir_fd=at)
        else:
            try:
                os.link(new, name, src_dir_fd=self._at, dst_dir_fd=at, follow_symlinks=False)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                os.rename(new, name, src_dir_fd=self._at, dst_dir_fd=at)  # a file system without hard links
        status = os.stat(name, dir_fd=at, follow_symlinks=False)
        self._written.add((status.st_dev, status.st_ino))
