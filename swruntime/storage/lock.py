"""One process writes a profile at a time: DIR/lock is locked while it does, and has its process id inside."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from swruntime.errors import ProfileInUse, StorageFull
from swruntime.storage.private_files import PrivateFolder
from swruntime.storage.room import disk_errors_told

PROBES = 1000
PAUSE = 0.005
"""So many times, and seconds apart, a writer looks again while others merely ask who writes; they take no time."""


class ProfileLock:
    """The system lets go of the lock when the process dies, however it dies. Made by `acquire`."""

    def __init__(self, folder: PrivateFolder, name: str, descriptor: int) -> None:
        self._folder = folder
        self._name = name
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, folder: PrivateFolder, name: str) -> ProfileLock:
        """Raises ProfileInUse with the holder's process id, StorageFull, StorageFailed."""
        import fcntl  # not everywhere, and only a writer needs it

        for attempt in range(PROBES + 1):
            with disk_errors_told(folder.path):
                descriptor = folder.open_file(name, os.O_RDWR | os.O_CREAT)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not folder.is_still(name, descriptor):  # whoever held it deleted the profile
                    os.close(descriptor)
                    continue
                _sign(descriptor, folder.path)
            except BlockingIOError:
                if attempt < PROBES and _is_only_probed(descriptor):
                    os.close(descriptor)
                    time.sleep(PAUSE)
                    continue
                holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
                os.close(descriptor)
                who = f"process {holder}" if holder.isdigit() else "another process"
                raise ProfileInUse(
                    f"{folder.path} is in use by {who}: wait for it to end, or stop it"
                ) from None
            except BaseException:
                os.close(descriptor)
                raise
            return cls(folder, name, descriptor)
        raise ProfileInUse(f"{folder.path}: its lock was deleted {PROBES} times while it was opened")

    def release(self) -> None:
        with suppress(OSError):  # who reads it sees that nobody holds it
            os.pwrite(self._descriptor, b" " * os.fstat(self._descriptor).st_size, 0)
        os.close(self._descriptor)

    def delete(self) -> None:
        """Delete the file while it is locked, then let go."""
        self._folder.unlink(self._name)
        self.release()


def _sign(descriptor: int, folder: Path) -> None:
    """Write who holds it. On a full disk that is written over what was there, or it stays unsaid."""
    text = f"{os.getpid()}\n".encode("ascii")
    try:
        with disk_errors_told(folder):
            os.pwrite(descriptor, text, 0)
            os.ftruncate(descriptor, len(text))
    except StorageFull:
        """The lock itself is the system's: it holds all the same."""


def _is_only_probed(descriptor: int) -> bool:
    """Whether nobody writes: `lock_holder`, and who asks this, share the lock for a moment, and a writer does not."""
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock_holder(folder: PrivateFolder, name: str) -> int | None:
    """The process id of who holds the lock of this name now, None where nobody does. Changes nothing.

    0 where somebody does that has not said who it is (on a full disk it cannot).
    """
    import fcntl

    try:
        descriptor = folder.open_file(name, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        for _ in range(PROBES):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
                if text.isdigit():
                    return int(text)
                time.sleep(PAUSE)  # it has only just come
            else:
                return None
    finally:
        os.close(descriptor)
    return 0
