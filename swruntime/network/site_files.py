"""Which of SITE's files its server serves: the one place that decides it, for requests and for scripts.

What is served is a regular file below SITE. Never served, however the path is spelled, and whatever links lead there:

- what has a name, or a folder, that begins with a dot
- SITE's `_headers`
- what a symbolic link reaches outside of SITE; links within SITE are followed
- a profile, whichever folder of SITE it is in
- devices, sockets and FIFOs: they are not opened

Where no descriptor is left to look with, nothing is concluded from that: it is FewDescriptors, and never a file that is
not there, or a folder that is not a profile.

Each name of a path is opened by itself, in the folder that was opened before, without following a link: whoever swaps
a folder for a link meanwhile gets nothing.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar
from urllib.parse import unquote_to_bytes

import attrs

from swruntime.errors import FewDescriptors, NotServed, SiteError
from swruntime.ports.descriptors import Shortage, is_shortage, reserve

HEADERS = "_headers"
"""The file with the headers of SITE's files: see `swruntime.algorithms.site_headers`."""

PROFILE_DATABASE = "profile.sqlite3"
PROFILE_ID = b"swRT"
"""What a profile is known by; see `swruntime.storage.profile` and `swruntime.storage.schema`."""

PROFILE_NAMES = frozenset(
    (
        *(
            PROFILE_DATABASE,
            f"{PROFILE_DATABASE}-wal",
            f"{PROFILE_DATABASE}-shm",
            f"{PROFILE_DATABASE}-journal",
        ),
        *("profile.new", "profile.new-journal", "bodies", "indexeddb", "lock"),
    )
)
"""What a profile consists of: where SITE itself is one, the rest of SITE is served."""

LARGEST_SCRIPT = 64 * 1024 * 1024
"""Bytes of a script, or of a source map; no larger one is read."""

_MOST_LINKS = 40
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Should it be a FIFO by now, nobody waits for its writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_PRIVATE = "names that begin with a dot, and SITE's _headers, stay private"
_LINK_OUT = "it is reached over a link that leads out of SITE"
_LINK_PRIVATE = "it is reached over a link to what stays private"
_PROFILE = "the files of a profile stay private"
_SPECIAL = "it is not a regular file"
_LOOP = "it is reached over too many links"


P = ParamSpec("P")
T = TypeVar("T")


def _require_descriptors(error: OSError) -> None:
    """Raises FewDescriptors where that is why something could not be opened, or looked at."""
    if is_shortage(error):
        raise FewDescriptors(f"it cannot be opened now: {error.strerror}") from error


def _at_once(
    method: Callable[Concatenate[SiteFiles, P], T],
) -> Callable[Concatenate[SiteFiles, P], T]:
    """A method that leaves nothing open, for who cannot wait: in a shortage it uses what is held in reserve."""

    @wraps(method)
    def with_reserve(self: SiteFiles, /, *arguments: P.args, **named: P.kwargs) -> T:
        try:
            return method(self, *arguments, **named)
        except FewDescriptors:
            with reserve().lent():
                return method(self, *arguments, **named)

    return with_reserve


@attrs.frozen
class SiteFile:
    """A file that is open for reading; whoever got it closes `descriptor`. `name` is its own, links followed."""

    descriptor: int
    name: str
    found: os.stat_result


class SiteFiles:
    """The files of `folder` that are served. `private` are folders that are not, beside those that never are.

    Every method takes the path of a URL ("/lib/a%20b.js") and raises NotServed, saying why; for what stays private it
    says the same whether it is there or not. FewDescriptors is raised where nothing can be said; `shortage` says how
    long who can wait does so. Raises SiteError if `folder` is not a folder.
    """

    def __init__(self, folder: Path, private: Iterable[Path] = ()) -> None:
        if not folder.is_dir():
            raise SiteError(f"{folder} is not a folder")
        self.folder = folder.resolve()
        self.shortage = Shortage()
        self._private = tuple(private)
        reserve()  # before there are none

    def find(self, pathname: str) -> SiteFile | None:
        """The file at `pathname`, opened; None for a folder."""
        segments = _segments(pathname)
        with _Walk(self.folder, self._private_ids()) as walk:
            found = walk.to(segments)
            if found is not None:
                try:
                    walk.require_not_headers(found)
                except NotServed:
                    os.close(found.descriptor)
                    raise
        if found is not None and pathname.endswith("/"):
            os.close(found.descriptor)
            raise NotServed(404)
        return found

    @contextmanager
    def opened(self, pathname: str) -> Iterator[SiteFile]:
        """The file at `pathname`, open while the block runs."""
        file = self.find(pathname)
        if file is None:
            raise NotServed(404, "it is a folder")
        try:
            yield file
        finally:
            os.close(file.descriptor)

    @_at_once
    def read(self, pathname: str, most: int | None = LARGEST_SCRIPT) -> bytes:
        """The bytes of a file. Raises NotServed for one of more than `most` bytes, too."""
        with self.opened(pathname) as file:
            return _read(file, most)

    @_at_once
    def version(self, pathname: str) -> tuple[int, ...] | None:
        """What differs from the version of a file that was written since; None where no file is served."""
        try:
            with self.opened(pathname) as file:
                return file.found.st_mtime_ns, file.found.st_size, file.found.st_ino
        except FewDescriptors:
            raise
        except NotServed:
            return None

    @_at_once
    def headers(self) -> bytes | None:
        """What SITE's server itself reads: its `_headers`, None where there is none. Raises NotServed."""
        with _Walk(self.folder, self._private_ids()) as walk:
            if not walk.has(HEADERS):
                return None
            file = walk.to([HEADERS])
        if file is None:
            raise NotServed(404, "it is a folder")
        try:
            return _read(file, LARGEST_SCRIPT)
        finally:
            os.close(file.descriptor)

    @_at_once
    def is_file(self, pathname: str) -> bool:
        try:
            with self.opened(pathname):
                return True
        except FewDescriptors:
            raise
        except NotServed:
            return False

    @_at_once
    def is_folder(self, pathname: str) -> bool:
        try:
            file = self.find(pathname)
        except FewDescriptors:
            raise
        except NotServed:
            return False
        if file is not None:
            os.close(file.descriptor)
        return file is None

    @_at_once
    def why_not(self, pathname: str) -> str | None:
        """Why no file is served for `pathname`, in words; None where one is, and where there is nothing at all."""
        try:
            with self.opened(pathname):
                return None
        except FewDescriptors:
            raise
        except NotServed as refused:
            return None if refused.absent else refused.why

    def _private_ids(self) -> frozenset[tuple[int, int]]:
        ids = set()
        for folder in self._private:
            try:
                found = folder.stat()
            except OSError as error:  # it is not there yet, or not any more
                _require_descriptors(error)
                continue
            ids.add((found.st_dev, found.st_ino))
        return frozenset(ids)


def _read(file: SiteFile, most: int | None) -> bytes:
    chunks: list[bytes] = []
    size = 0
    try:
        while chunk := os.read(file.descriptor, 1024 * 1024):
            size += len(chunk)
            if most is not None and size > most:
                raise NotServed(404, f"it is larger than {most // 1024**2} MiB")
            chunks.append(chunk)
    except OSError as error:
        _require_descriptors(error)
        raise NotServed(404, f"it cannot be read: {error.strerror}") from error
    return b"".join(chunks)


def _segments(pathname: str) -> list[str]:
    """The names in the path of a URL. Raises NotServed for what names nothing that could be served."""
    try:
        segments = [unquote_to_bytes(part).decode() for part in pathname.removeprefix("/").split("/")]
    except UnicodeDecodeError:
        raise NotServed(404) from None
    if segments[-1] == "":
        segments.pop()
    if any(segment.startswith(".") for segment in segments) or segments == [HEADERS]:
        raise NotServed(404, _PRIVATE)
    if any(not segment or os.sep in segment or "\0" in segment for segment in segments):
        raise NotServed(404)
    return segments


class _Walk:
    """From SITE to a file of it, name by name; a context manager, which closes the folders on the way."""

    def __init__(self, root: Path, private: frozenset[tuple[int, int]]) -> None:
        self._root = root
        self._private = private
        self._folders: list[int] = []
        self._links = 0

    def __enter__(self) -> _Walk:
        try:
            self._enter(os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        except OSError as error:
            _require_descriptors(error)
            raise NotServed(404) from None
        return self

    def __exit__(self, *error: object) -> None:
        while self._folders:
            os.close(self._folders.pop())

    def to(self, segments: Iterable[str]) -> SiteFile | None:
        """The file at the end of `segments`, None for a folder. Raises NotServed."""
        left = deque(segments)
        while left:
            name = left.popleft()
            if name in (os.curdir, os.pardir):  # of a link: in a URL they are gone, or refused
                self._climb(name)
                continue
            self._check_name(name)
            found = self._stat(name)
            if stat.S_ISLNK(found.st_mode):
                left.extendleft(reversed(self._target(name)))
            elif stat.S_ISDIR(found.st_mode):
                self._descend(name)
            elif left:
                raise NotServed(404)
            elif stat.S_ISREG(found.st_mode):
                return self._file(name)
            else:
                raise NotServed(404, _SPECIAL)
        return None

    def _check_name(self, name: str) -> None:
        """A name of the URL was looked at already: what is refused here is a link's."""
        if name.startswith("."):
            raise NotServed(404, _LINK_PRIVATE)
        if len(self._folders) == 1 and name in PROFILE_NAMES and self._is_profile(self._folders[0]):
            raise NotServed(404, _PROFILE)

    def _stat(self, name: str) -> os.stat_result:
        try:
            return os.stat(name, dir_fd=self._folders[-1], follow_symlinks=False)
        except PermissionError:
            raise NotServed(403, "its folder cannot be read") from None
        except OSError as error:
            _require_descriptors(error)
            raise NotServed(404) from None
        except ValueError:
            raise NotServed(404) from None

    def _target(self, name: str) -> list[str]:
        """The names that a link stands for, from the folder that is now the last one. Raises NotServed."""
        self._links += 1
        if self._links > _MOST_LINKS:
            raise NotServed(404, _LOOP)
        try:
            target = os.readlink(name, dir_fd=self._folders[-1])
        except OSError as error:
            _require_descriptors(error)
            raise NotServed(404) from None
        if not os.path.isabs(target):
            return [part for part in target.split(os.sep) if part]
        names = self._below_root(Path(target))
        while len(self._folders) > 1:
            os.close(self._folders.pop())
        return names

    def _climb(self, name: str) -> None:
        if name == os.pardir:
            if len(self._folders) == 1:
                raise NotServed(404, _LINK_OUT)
            os.close(self._folders.pop())

    def _below_root(self, target: Path) -> list[str]:
        try:
            # Of the way to SITE, not of what is below it: that is looked at name by name.
            if target.is_relative_to(self._root):
                return list(target.relative_to(self._root).parts)
            return list(target.resolve().relative_to(self._root).parts)
        except OSError as error:
            _require_descriptors(error)
            raise NotServed(404, _LINK_OUT) from None
        except (ValueError, RuntimeError):
            raise NotServed(404, _LINK_OUT) from None

    def _descend(self, name: str) -> None:
        try:
            self._enter(os.open(name, _FOLDER, dir_fd=self._folders[-1]))
        except PermissionError:
            raise NotServed(403, "its folder cannot be read") from None
        except OSError as error:
            _require_descriptors(error)
            raise NotServed(404) from None

    def _enter(self, folder: int) -> None:
        self._folders.append(folder)
        if len(self._folders) > 1 and (self._is_private(folder) or self._is_profile(folder)):
            raise NotServed(404, _PROFILE)

    def _is_private(self, folder: int) -> bool:
        found = os.fstat(folder)
        return (found.st_dev, found.st_ino) in self._private

    def _is_profile(self, folder: int) -> bool:
        """Whether there is a profile in a folder: its database says so in its first bytes.

        https://www.sqlite.org/fileformat.html#the_database_header
        """
        try:
            database = os.open(PROFILE_DATABASE, _FILE, dir_fd=folder)
        except OSError as error:
            _require_descriptors(error)
            return False
        try:
            return os.read(database, 72)[68:] == PROFILE_ID
        except OSError as error:
            _require_descriptors(error)
            return False
        finally:
            os.close(database)

    def _file(self, name: str) -> SiteFile:
        """Open what was a file a moment ago, and look at it again."""
        try:
            descriptor = os.open(name, _FILE, dir_fd=self._folders[-1])
        except PermissionError:
            raise NotServed(403, "it cannot be read") from None
        except OSError as error:
            _require_descriptors(error)
            raise NotServed(404) from None
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            raise NotServed(404, _SPECIAL)
        return SiteFile(descriptor, name, found)

    def has(self, name: str) -> bool:
        """Whether there is anything of that name in SITE itself."""
        try:
            self._stat(name)
        except NotServed as refused:
            return refused.status != 404
        return True

    def require_not_headers(self, file: SiteFile) -> None:
        """Raises NotServed for a file that is SITE's `_headers` by another name."""
        try:
            # Where that is a link, what it leads to is not served either.
            headers = os.stat(HEADERS, dir_fd=self._folders[0])
        except OSError as error:
            _require_descriptors(error)
            return
        if os.path.samestat(file.found, headers):
            raise NotServed(404, _LINK_PRIVATE)
