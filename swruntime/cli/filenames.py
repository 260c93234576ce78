"""File names for URLs: below one folder, each its own, whatever a server calls its resources.

A name that no system could take, or that would do more than be a file, is written with the percent escapes that its URL
could have: names that end in "." or a space and the names of devices, which Windows does not keep
(https://learn.microsoft.com/windows/win32/fileio/naming-a-file), and those that begin with ".", which programs read
without being asked. What is longer than a file system takes is shortened, and ends in a part of its digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from itertools import count
from urllib.parse import unquote

import attrs

from swruntime.algorithms import urls

INDEX = "index.html"
"""The file for a path that ends in a slash."""

LONGEST = 255
"""Bytes of a name in UTF-8: what most file systems take. SHORT is for those that refuse a name that is not longer."""
SHORT = 100

_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in "123456789¹²³")}
)
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-~%=&+,@!()")


@attrs.frozen
class FileName:
    """The parts of a relative path. `changed`: it is not what people would read in the URL."""

    parts: tuple[str, ...]
    changed: bool

    def __str__(self) -> str:
        return "/".join(self.parts)


def file_names(locations: Iterable[str], *, dot_files: bool = False) -> list[FileName]:
    """For each URL a path, from the URL's own path and query; its origin is no part of it.

    No part is "..", empty, or has a slash in it, and with `dot_files` alone one may begin with ".". No two paths are
    the same, and none is a folder of another: a name that is taken gets "~2", "~3", ...
    """
    files: set[tuple[str, ...]] = set()
    folders: set[tuple[str, ...]] = {()}
    names = []
    for location in locations:
        wanted = _parts(location)
        *above, last = [_tame(part, dot_files) for part in wanted]
        path: tuple[str, ...] = ()
        for part in above:
            path = _free((*path, part), files)
            folders.add(path)
        path = _free((*path, last), files | folders)
        files.add(path)
        names.append(FileName(path, list(path) != wanted))
    return names


def _parts(location: str) -> list[str]:
    url = urls.parse(location)
    segments = url.pathname.split("/")[1:]
    parts = [_decoded(segment) for segment in segments if segment]
    if not segments[-1]:
        parts.append(INDEX)
    parts[-1] += url.search.replace("/", "%2F").replace("\\", "%5C")
    return parts


def _decoded(segment: str) -> str:
    """A segment of a path as people read it, or as it is where that would be no harmless file name."""
    try:
        name = unquote(segment, errors="strict")
    except UnicodeDecodeError:
        return segment
    harmless = name.isprintable() and not {"/", "\\"} & set(name) and name not in (".", "..")
    return name if harmless else segment


def _tame(name: str, dot_files: bool) -> str:
    """`name`, where it is only a file's and nothing else's."""
    if name.startswith(".") and not dot_files:
        name = f"%2E{name[1:]}"
    if name.endswith((".", " ")):
        name = name[:-1] + _escaped(name[-1])
    if name.partition(".")[0].rstrip(" ").casefold() in _DEVICES:
        name = _escaped(name[0]) + name[1:]
    return _shortened(name, LONGEST)


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


def _shortened(name: str, longest: int) -> str:
    """At most so many bytes in UTF-8: its beginning, a part of its digest, and its extension."""
    whole = name.encode("utf-8", "surrogatepass")
    if len(whole) <= longest:
        return name
    stem, dot, extension = name.rpartition(".")
    ending = f"{dot}{extension}" if stem and len(extension) <= 8 and extension.isascii() else ""
    mark = f"~{sha256(whole).hexdigest()[:12]}{ending}"
    beginning = whole[: longest - len(mark)].decode("utf-8", "ignore")
    return f"{beginning}{mark}"


def marked(parts: tuple[str, ...], marks: Mapping[int, int]) -> tuple[str, ...]:
    """The same path with "~2", "~3", ... at some parts: 1, 2, ... in `marks`."""
    return tuple(_marked(part, marks.get(depth, 0)) for depth, part in enumerate(parts))


def _marked(name: str, number: int) -> str:
    mark = f"~{number + 1}" if number else ""
    return _shortened(name, LONGEST - len(mark)) + mark


def portable(parts: tuple[str, ...]) -> tuple[str, ...]:
    """For a file system that refuses the names: ASCII alone, without what any system keeps for itself, and short."""
    return tuple(
        _shortened("".join(each if each in _PLAIN else _escaped(each) for each in part), SHORT)
        for part in parts
    )


def _free(path: tuple[str, ...], taken: set[tuple[str, ...]]) -> tuple[str, ...]:
    return next(free for number in count() if (free := (*path[:-1], _marked(path[-1], number))) not in taken)
