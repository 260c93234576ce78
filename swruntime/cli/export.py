"""Stored bodies as files: each whole or not at all."""

from __future__ import annotations

import errno
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs

from swruntime.cli.filenames import FileName, file_names, marked, portable
from swruntime.errors import BodyDamaged, SwruntimeError, UsageError
from swruntime.ports.store import CacheEntry, Store
from swruntime.ports.whole_output import Blocked, OutputFolder, whole_file
from swruntime.storage.room import FULL

PIECE = 64 * 1024
"""Bytes that are taken out at a time."""

REFUSED_NAMES = (errno.EINVAL, errno.EILSEQ, errno.ENAMETOOLONG)
"""What a file system answers to a name that it cannot keep."""


class NotWritten(SwruntimeError):
    """A file could not be written: the message names it and says why. Nothing of it is there."""


@attrs.frozen
class Exported:
    url: str
    file: FileName
    bytes: int


def described(entry: CacheEntry, damage: str | None) -> dict[str, Any]:
    """An entry's URL and size, for --json; what is wrong with its body, where anything is."""
    found: dict[str, Any] = {"url": entry.request.url, "bytes": entry.length}
    if damage is not None:
        found["damage"] = damage
    return found


def damage(store: Store, entry: CacheEntry) -> str | None:
    """What is wrong with its stored body; None where nothing is."""
    return None if entry.body is None else store.damage(entry.body)


def to_standard_output(store: Store, entry: CacheEntry) -> None:
    """Raises BodyDamaged before anything is written, where that is known before."""
    pieces = _whole(store, entry)
    sys.stdout.flush()
    for piece in pieces:
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def to_file(store: Store, entry: CacheEntry, path: Path) -> None:
    """Raises BodyDamaged, UsageError where `path` cannot be written, NotWritten where there was no room for all."""
    what = f"--output {str(path)!r}"
    pieces = _whole(store, entry)
    try:
        with whole_file(path) as file:
            file.writelines(pieces)
    except OSError as error:
        raise _not_written(what, error) from None


def to_folder(
    store: Store, entries: Sequence[CacheEntry], path: Path, *, force: bool
) -> Iterator[Exported | tuple[str, str]]:
    """Each entry under its URL's path, confined to `path`; (URL, reason) of what cannot be written.

    What is there stays unless `force`, which also lets names begin with ".". Raises UsageError for the folder itself.
    """
    what = f"--output-dir {str(path)!r}"
    try:
        folder = OutputFolder(path)
    except OSError as error:
        raise UsageError(f"{what} cannot be written: {error.strerror}") from None
    with closing(folder):
        names = file_names((entry.request.url for entry in entries), dot_files=force)
        for entry, name in zip(entries, names, strict=True):
            url = entry.request.url
            try:
                yield Exported(url, _place(store, entry, folder, name, force), entry.length)
            except OSError as error:
                yield url, f"{str(name)!r} cannot be written: {error.strerror}"
            except SwruntimeError as error:
                yield url, str(error)


def _place(store: Store, entry: CacheEntry, folder: OutputFolder, name: FileName, force: bool) -> FileName:
    pieces = _whole(store, entry)
    with folder.new_file() as (new, file):
        file.writelines(pieces)
        file.close()  # here, where an error still counts
        return _named(folder, new, name, force)


def _named(folder: OutputFolder, new: str, name: FileName, force: bool) -> FileName:
    """Give the new file its name, or one like it that the folder and its file system take."""
    base, marks = name.parts, Counter[int]()
    while True:
        parts = marked(base, marks)
        try:
            folder.place(new, parts, replace=force)
            return FileName(parts, name.changed or parts != name.parts)
        except Blocked as blocked:
            marks[blocked.depth] += 1
        except (OSError, UnicodeEncodeError) as error:
            refused = isinstance(error, UnicodeEncodeError) or error.errno in REFUSED_NAMES
            if not refused or base != name.parts:
                raise
            base, marks = portable(name.parts), Counter[int]()


def _whole(store: Store, entry: CacheEntry) -> Iterator[bytes]:
    """The pieces of a body. Raises BodyDamaged at once where it is not whole."""
    try:
        wrong = damage(store, entry)
    except FileNotFoundError:
        raise _gone(entry) from None
    if wrong is not None:
        raise BodyDamaged(f"{entry.request.url} is not whole, and is not written: {wrong}")
    return _pieces(store, entry)


def _pieces(store: Store, entry: CacheEntry) -> Iterator[bytes]:
    offset = 0
    try:
        while entry.body is not None and (data := store.read(entry.body, offset, PIECE)):
            yield data
            offset += len(data)
    except FileNotFoundError:
        raise _gone(entry) from None
    except BodyDamaged as damaged:
        raise BodyDamaged(f"{entry.request.url} is not whole, and is not written: {damaged}") from None


def _gone(entry: CacheEntry) -> UsageError:
    """The process that writes the profile has deleted it meanwhile."""
    return UsageError(f"{entry.request.url} is gone from the cache, while it was read")


def _not_written(what: str, error: OSError) -> SwruntimeError:
    text = f"{what} cannot be written: {error.strerror}"
    return NotWritten(f"{text}; nothing of it was kept") if error.errno in FULL else UsageError(text)
