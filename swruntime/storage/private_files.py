"""The files of a profile: the user's alone, and opened so that nothing else is read or written in their place.

A profile may come with a site that was cloned, and then anything may stand at its names: a link to a file of the
user's, a second name of one (a hard link), a FIFO that never answers. So a folder is opened once, and each name in it
through that folder's descriptor: no link is followed, nothing is waited for, and what was opened is looked at before
it is read, cut or written. SQLite opens by path; its names are looked at before and after it did.

Folders are 0700 and files 0600, whatever the umask; a writer mends an older profile when it opens it. Where the
system does not hold that, the store says so once.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import attrs

FOLDER_MODE = 0o700
FILE_MODE = 0o600

_OTHERS = 0o077
_OURS = stat.S_IFREG | FILE_MODE
_FLAGS = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)  # Windows would translate line ends
)
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
_NO_MODES = (errno.EPERM, errno.ENOTSUP, errno.EROFS, errno.ENOSYS)


class NotOurs(OSError):
    """What has a name of the profile's is not a file or a folder that swruntime made there."""

    def __init__(self, text: str) -> None:
        super().__init__(errno.EPERM, text)

    def __str__(self) -> str:
        return str(self.strerror)


@attrs.define
class Privacy:
    """Who may own what is opened, and what could not be kept from others.

    `mends`: modes are put right, and what another user owns is refused; a reader changes nothing, and reads what the
    system lets it read.
    """

    mends: bool
    exposed: str | None = None
    """The first thing that others may read or change although it should be private, as a sentence."""

    def note(self, text: str) -> None:
        self.exposed = self.exposed or text


class PrivateFolder:
    """A folder of a profile, held open. `path` is for messages and for SQLite: it has no links in it."""

    def __init__(self, path: Path, descriptor: int, privacy: Privacy) -> None:
        self.path = path
        self.privacy = privacy
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: Path, *, mends: bool) -> PrivateFolder:
        """The profile's own folder, which may be reached over links. Raises NotOurs, OSError."""
        path = path.resolve()
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _FLAGS)
        return cls(path, descriptor, Privacy(mends))._held()

    def _held(self) -> PrivateFolder:
        try:
            if self.privacy.mends:
                self._require_owner(os.fstat(self._descriptor))
                self._hold_mode(self._descriptor, self.path, FOLDER_MODE)
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """May be called again."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def names(self) -> list[str]:
        return os.listdir(self._descriptor)

    def each_name(self) -> Iterator[str]:
        """As `names`, where they may be very many."""
        with os.scandir(self._descriptor) as entries:
            for entry in entries:
                yield entry.name

    def subfolder(self, name: str, *, create: bool = False) -> PrivateFolder:
        """Raises FileNotFoundError, NotOurs, OSError."""
        if create and self._status(name) is None:
            os.mkdir(self._own(name), FOLDER_MODE, dir_fd=self._descriptor)
            os.chmod(name, FOLDER_MODE, dir_fd=self._descriptor)  # a umask may leave too little to open it
        self.check_folder(name)
        flags = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _FLAGS
        descriptor = os.open(name, flags, dir_fd=self._descriptor)
        return PrivateFolder(self.path / name, descriptor, self.privacy)._held()

    def open_file(self, name: str, flags: int) -> int:
        """A descriptor of a file of ours, made where `flags` say so. Raises FileNotFoundError, NotOurs, OSError.

        O_TRUNC is not for `flags`: nothing is cut before it is known to be ours.
        """
        try:
            descriptor = os.open(self._own(name), flags | _FLAGS, FILE_MODE, dir_fd=self._descriptor)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):  # a link, a FIFO, a folder
                self.check_file(name)
            raise
        try:
            self._require_ours(os.fstat(descriptor), name)
            if self.privacy.mends:
                self._hold_mode(descriptor, self.path / name, FILE_MODE)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def check_file(self, name: str) -> bool:
        """Whether there is such a file, opened or not. Raises NotOurs where it is something else."""
        status = self._status(name)
        if status is None:
            return False
        self._require_ours(status, name)
        return True

    def mend_file(self, name: str) -> None:
        """As `check_file`; a writer's file gets its mode. To be done before SQLite has it open."""
        status = self._status(name)
        if (
            self.check_file(name)
            and status
            and self.privacy.mends
            and stat.S_IMODE(status.st_mode) != FILE_MODE
        ):
            os.close(self.open_file(name, os.O_RDONLY))

    def sizes_of(self, names: Iterable[str]) -> Iterator[tuple[str, int]]:
        """As `mend_file` of each name that the folder has just listed: there may be very many."""
        owner = os.geteuid() if hasattr(os, "geteuid") else 0
        for name in names:
            try:
                status = os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)
            except FileNotFoundError:
                continue
            if (status.st_mode, status.st_nlink, status.st_uid) != (_OURS, 1, owner):
                self.mend_file(name)
            yield name, status.st_size

    def check_folder(self, name: str) -> bool:
        """Whether there is such a folder. Raises NotOurs where it is something else."""
        status = self._status(name)
        if status is None:
            return False
        if not stat.S_ISDIR(status.st_mode):
            raise NotOurs(f"{self.path / name} is {_kind(status)}, and a profile has a folder there")
        return True

    def prepare_for_sqlite(self, name: str, beside: Iterable[str]) -> None:
        """Make the database's file if it is not there, and look at the files beside it; before SQLite opens them.

        SQLite gives a file beside a database the database's own mode.
        """
        for each in (name, *beside):
            create = os.O_CREAT if each == name else 0
            if create or self.check_file(each):
                descriptor = self.open_file(each, os.O_RDWR | create)
                try:
                    if each.endswith("-journal"):
                        self._require_no_super_journal(descriptor, each)
                finally:
                    os.close(descriptor)

    def _require_no_super_journal(self, descriptor: int, name: str) -> None:
        """A journal that a death left may end in the name of another file, which SQLite deletes when it has played the
        journal back: that is for transactions over several databases, of which we have none.

        https://www.sqlite.org/fileformat.html#the_rollback_journal
        """
        size = os.fstat(descriptor).st_size
        if os.pread(descriptor, len(_JOURNAL_MAGIC), max(0, size - len(_JOURNAL_MAGIC))) == _JOURNAL_MAGIC:
            raise NotOurs(f"{self.path / name} names another file, which SQLite would delete")

    def check_after_sqlite(self, name: str, beside: Iterable[str]) -> None:
        """What SQLite has open now. No descriptor is opened: closing it would take SQLite's locks away."""
        for each in (name, *beside):
            self.check_file(each)

    def size(self, name: str) -> int:
        """0 where there is no such file."""
        status = self._status(name)
        return 0 if status is None else status.st_size

    def unlink(self, name: str) -> None:
        """Delete a name, if it is there. Of a link it is the link that goes."""
        with suppress(FileNotFoundError):
            os.unlink(self._own(name), dir_fd=self._descriptor)

    def rename(self, old: str, new: str) -> None:
        here = self._descriptor
        os.rename(self._own(old), self._own(new), src_dir_fd=here, dst_dir_fd=here)

    def delete_folder(self, name: str) -> None:
        """With all that is in it; of links the links go."""
        shutil.rmtree(self._own(name), dir_fd=self._descriptor)

    def sync(self) -> None:
        """Bring the names in it to the disk, where the system has that."""
        if hasattr(os, "O_DIRECTORY"):  # Windows syncs names with the file
            os.fsync(self._descriptor)

    def is_still(self, name: str, descriptor: int) -> bool:
        """Whether `name` is still the file that `descriptor` has open."""
        status = self._status(name)
        return status is not None and os.path.samestat(status, os.fstat(descriptor))

    def _status(self, name: str) -> os.stat_result | None:
        try:
            return os.stat(self._own(name), dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def _own(self, name: str) -> str:
        """`name`, which is one name and not a path: a descriptor alone does not keep ".." in its folder."""
        if name in ("", os.curdir, os.pardir) or os.path.basename(name) != name or "\0" in name:
            raise NotOurs(f"{name!r} is not the name of a file in {self.path}")
        return name

    def _require_ours(self, status: os.stat_result, name: str) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise NotOurs(f"{self.path / name} is {_kind(status)}, and a profile has a file there")
        if status.st_nlink > 1:
            raise NotOurs(
                f"{self.path / name} is a file that has {status.st_nlink} names, and only the profile may have it"
            )
        if self.privacy.mends:
            self._require_owner(status, name)

    def _require_owner(self, status: os.stat_result, name: str = "") -> None:
        """Another user's file is refused: that user may put anything there at any time, and reads what comes.

        Root is told, and may go on; so is everybody where the file system does not keep owners apart.
        """
        owner = status.st_uid
        if not hasattr(os, "geteuid") or owner == os.geteuid():
            return
        path = self.path / name
        if os.geteuid() and self._keeps_owners():
            raise NotOurs(
                f"{path} belongs to another user (uid {owner}), who could read and change what is kept there"
            )
        self.privacy.note(
            f"{path} belongs to another user (uid {owner}), who can read and change what is kept there"
        )

    def _keeps_owners(self) -> bool:
        with tempfile.TemporaryFile(dir=self.path) as probe:
            return os.fstat(probe.fileno()).st_uid == os.geteuid()

    def _hold_mode(self, descriptor: int, path: Path, mode: int) -> None:
        status = os.fstat(descriptor)
        if stat.S_IMODE(status.st_mode) == mode:
            return
        try:
            os.fchmod(descriptor, mode)
        except OSError as error:
            if error.errno not in _NO_MODES:
                raise
        kept = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if kept & _OTHERS:
            self.privacy.note(f"{path} has the mode {kept:04o}, and cannot be kept from other users")


def _kind(status: os.stat_result) -> str:
    """What it is, in words."""
    mode = status.st_mode
    for test, kind in (
        (stat.S_ISLNK, "a link"),
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISREG, "a file"),
    ):
        if test(mode):
            return kind
    return "a device"
