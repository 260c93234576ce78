"""Files that the user names for us to write: traces, recordings, bodies taken out of a cache.

What is in them comes from a profile or from the network, logins included, so a new one is the user's alone (0600).
They may lie in a folder that somebody else filled, such as a site that was cloned: none is written through a link,
and nothing is cut before it is known to be a file with one name. What the system itself has at a name (/dev/stdout, a
terminal, a FIFO) is written to as it is.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700

_FLAGS = os.O_WRONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
FOLDER_FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)


def open_output(path: Path, *, tighten: bool = True, only_files: bool = False) -> int:
    """A descriptor to write `path` anew.

    `tighten`: a file that is there already becomes 0600 as well. `only_files`: whatever is not a file is refused.

    Raises OSError, whose `strerror` says what is wrong.
    """
    follow = path.absolute().parent.resolve().parts[1:2] in (("dev",), ("proc",))
    return _checked(_opened(path, None, follow=follow), tighten=tighten, only_files=only_files)


def folder_in(at: int, name: str) -> int:
    """A descriptor of the folder `name`, which is made (0700) where there is none; never through a link."""
    with suppress(FileExistsError):
        os.mkdir(name, FOLDER_MODE, dir_fd=at)
    try:
        return os.open(name, FOLDER_FLAGS | NOFOLLOW, dir_fd=at)
    except NotADirectoryError:
        if stat.S_ISLNK(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode):
            raise refused(f"{name!r} in it is a link, and nothing is written through one") from None
        raise NotADirectoryError(errno.ENOTDIR, f"{name!r} in it is not a folder") from None


def _opened(path: str | Path, at: int | None, *, follow: bool) -> int:
    try:
        return os.open(path, _FLAGS | os.O_CREAT | (0 if follow else NOFOLLOW), FILE_MODE, dir_fd=at)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise refused("it is a FIFO that nobody reads") from None
        if error.errno != errno.ELOOP:
            raise
    try:
        descriptor = os.open(path, _FLAGS, dir_fd=at)
    except OSError:
        raise refused("it is a link, and nothing is written through one") from None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise refused("it is a link to a file, and nothing is written through one; name the file itself")
    return descriptor


def _checked(descriptor: int, *, tighten: bool, only_files: bool) -> int:
    try:
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode):
            _take_file(descriptor, status, tighten)
        elif only_files:
            raise refused("it is not a file")
        if hasattr(os, "set_blocking"):
            os.set_blocking(descriptor, True)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _take_file(descriptor: int, status: os.stat_result, tighten: bool) -> None:
    if status.st_nlink > 1:
        raise refused(
            f"it is a file with {status.st_nlink} names, and what has the others would be overwritten"
        )
    if tighten and stat.S_IMODE(status.st_mode) != FILE_MODE and hasattr(os, "fchmod"):
        try:
            os.fchmod(descriptor, FILE_MODE)
        except PermissionError:
            raise refused("it belongs to another user, who could read what is written") from None
    os.ftruncate(descriptor, 0)


def refused(text: str) -> OSError:
    return OSError(errno.EPERM, text)
