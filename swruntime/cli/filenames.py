"""File names for URLs: below one folder, each its own, whatever a server calls its resources."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

from swruntime.algorithms import urls

INDEX = "index.html"
"""The file for a path that ends in a slash."""


def file_names(locations: Iterable[str]) -> list[tuple[str, ...]]:
    """For each URL the parts of a relative path, from the URL's path and query; its origin is no part of it.

    No part is "..", empty, or has a slash in it. No two paths are the same, and none is a folder of another:
    a name that is taken gets "~2", "~3", ...
    """
    files: set[tuple[str, ...]] = set()
    folders: set[tuple[str, ...]] = {()}
    names = []
    for location in locations:
        *above, last = _parts(location)
        path: tuple[str, ...] = ()
        for part in above:
            path = _free((*path, part), files)
            folders.add(path)
        path = _free((*path, last), files | folders)
        files.add(path)
        names.append(path)
    return names


def _parts(location: str) -> list[str]:
    url = urls.parse(location)
    segments = url.pathname.split("/")[1:]
    parts = [_decoded(segment) for segment in segments if segment]
    if not segments[-1]:
        parts.append(INDEX)
    parts[-1] += url.search.replace("/", "%2F")
    return parts


def _decoded(segment: str) -> str:
    """A segment of a path as people read it, or as it is where that would be no harmless file name."""
    try:
        name = unquote(segment, errors="strict")
    except UnicodeDecodeError:
        return segment
    harmless = name.isprintable() and not {"/", "\\"} & set(name) and name not in (".", "..")
    return name if harmless else segment


def _free(path: tuple[str, ...], taken: set[tuple[str, ...]]) -> tuple[str, ...]:
    free, number = path, 1
    while free in taken:
        number += 1
        free = (*path[:-1], f"{path[-1]}~{number}")
    return free
