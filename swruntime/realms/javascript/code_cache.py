"""The engine's cache of compiled code: a folder of the user's, which no script's process can write to.

It is filled once, for one engine and one version of the realm's JavaScript, by a process that runs no script, and put
in place by one rename. Code that a script's process could leave there would be run by every later one. So where the
folder, or one above it, is anyone else's to write to, there is no cache: a start then takes twice as long.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

_FORMAT = b"1"
"""Of the folder: another one where what is in it changes."""
_KEY = re.compile(r"[0-9a-f]{40}")
_BEGUN = "begun-"
KEPT = 8
"""Of that many engines and versions of the realm's JavaScript the caches are kept."""
ABANDONED = 3600.0
"""Seconds after which a folder that was begun is no longer waited for."""


def key(program: str, scripts: Path) -> str:
    """Of a cache: another one with each engine, set of system libraries, and version of the realm's JavaScript."""
    digest = sha256(_FORMAT)
    for path in (Path(program), Path("/etc/ld.so.cache")):
        with suppress(FileNotFoundError):
            found = path.stat()
            digest.update(f"{path.resolve()}\0{found.st_size}\0{found.st_mtime_ns}\0".encode())
    for script in sorted(scripts.rglob("*.js")):
        digest.update(f"{script}\0{script.stat().st_size}\0".encode())
        digest.update(script.read_bytes())
    return digest.hexdigest()[:40]


def folder() -> Path | None:
    """Where caches are kept, made if need be; None where nobody but this user can be kept from writing there."""
    base = _base()
    if base is None:
        return None
    try:
        base = base.parent.resolve(strict=True) / base.name
        if not _safe(base.parent):
            return None
        base.mkdir(mode=0o700, exist_ok=True)
        base = base.resolve(strict=True)
        if not _safe(base):
            return None
        own = base / "swruntime"
        for each in (own, own / "engine"):
            with suppress(FileExistsError):
                each.mkdir(mode=0o700)
            if not is_private(each):
                return None
    except (OSError, RuntimeError):  # RuntimeError: a loop of links
        return None
    return own / "engine"


def is_private(path: Path) -> bool:
    """Whether it is a folder, itself and not a link to one, that nobody but this user can look into."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == os.geteuid()
        and not stat.S_IMODE(found.st_mode) & 0o077
    )


def put_in_place(place: Path, fill: Callable[[Path], None]) -> bool:
    """Have `fill` fill a folder, and make it `place`. Whether there is one then, by this process or another.

    There is none where the disk is full, or may only be read. What else `fill` raises is raised.
    """
    try:
        begun = Path(tempfile.mkdtemp(prefix=_BEGUN, dir=place.parent))
    except OSError:
        return False
    try:
        fill(begun)
        _make_durable(begun)
        begun.rename(place)
        _remove_others(place)
    except OSError:
        # Another process may have been faster: what it has put there is as good.
        return is_private(place)
    finally:
        if begun.exists():
            remove(begun)
    return True


def remove(folder: Path) -> None:
    """Remove a cache, as far as that goes."""
    with suppress(OSError):  # another process removes the same; what is left is tried again with the next one
        for parent, folders, _ in os.walk(folder):
            for each in (parent, *(os.path.join(parent, name) for name in folders)):
                if not os.path.islink(each):
                    os.chmod(each, 0o700)
        shutil.rmtree(folder)


def _make_durable(folder: Path) -> None:
    """Where the power fails, it is there whole, or not at all. And nothing changes it by mistake."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if not path.is_symlink():
            _sync(path)
            path.chmod(0o500 if path.is_dir() else 0o400)
    _sync(folder)
    folder.chmod(0o500)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_others(place: Path) -> None:
    """Of other engines and versions only the latest stay, and nothing that was begun and left."""
    caches, begun = [], []
    for each in place.parent.iterdir():
        with suppress(FileNotFoundError):  # another process removes the same
            if _KEY.fullmatch(each.name) and each != place:
                caches.append((each.lstat().st_mtime, each))
            elif each.name.startswith(_BEGUN) and abs(time.time() - each.lstat().st_mtime) > ABANDONED:
                begun.append(each)
    for each in (*(path for _, path in sorted(caches, reverse=True)[KEPT - 1 :]), *begun):
        remove(each)


def _base() -> Path | None:
    """The user's folder for caches, which need not be there. Of the home nothing is made."""
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if given.is_absolute():
        return given
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if not home.is_absolute() or not home.is_dir():
        return None
    return home / "Library" / "Caches" if sys.platform == "darwin" else home / ".cache"


def _safe(path: Path) -> bool:
    """Whether nobody but this user and root can put something else in the place of a folder; its path has no links."""
    return all(_is_safe(each.lstat()) for each in (path, *path.parents))


def _is_safe(found: os.stat_result) -> bool:
    writable = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid in (0, os.geteuid())
        and (not writable or bool(found.st_mode & stat.S_ISVTX))
    )
