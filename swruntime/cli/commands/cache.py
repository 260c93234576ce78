"""`cache SITE [NAME [URL]]`: what the caches hold, and how to take it out."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from swruntime.agent.response_data import PIECE
from swruntime.algorithms import matching, urls
from swruntime.algorithms.sizes import human
from swruntime.cli.filenames import file_names
from swruntime.cli.output import counted, print_object, say
from swruntime.cli.session import check_origin, check_site, profile_of
from swruntime.cli.streams import check_standard_output
from swruntime.concepts.http import Request
from swruntime.concepts.matching import CacheQueryOptions
from swruntime.errors import UsageError
from swruntime.ports.private_output import open_output, open_output_below
from swruntime.ports.store import CacheEntry, Store
from swruntime.storage import open_profile


def cache(options: Namespace) -> int:
    check_site(options.site)
    _check(options)
    profile = profile_of(options)
    if not profile.exists():
        raise UsageError(f"there is no profile in {str(profile)!r}: nothing was run here yet")
    store = open_profile(profile, read_only=not options.delete)
    try:
        _perform(store, check_origin(store, options), options)
    finally:
        store.close()
    return 0


def _check(options: Namespace) -> None:
    asked = [
        option
        for option, value in (
            ("--output", options.output),
            ("--output-dir", options.output_dir),
            ("--delete", options.delete or None),
        )
        if value is not None
    ]
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(asked)} do not go together; take out first, then delete")
    if options.output is not None and options.url is None:
        raise UsageError("--output takes one stored body: name the cache and the URL")
    if options.output == "-" and options.json:
        raise UsageError("--output - and --json both want standard output; name a file")
    if options.output == "-":
        check_standard_output()
    if options.output_dir is not None and (options.cache is None or options.url is not None):
        raise UsageError("--output-dir takes all of a cache: name the cache, and no URL")
    if options.delete and options.cache is None:
        raise UsageError("--delete needs the name of a cache, or a cache and a URL")


def _perform(store: Store, origin: str, options: Namespace) -> None:
    if options.cache is None:
        _list_caches(store, origin, options)
        return
    if options.cache not in store.cache_names(origin):
        known = ", ".join(map(repr, store.cache_names(origin))) or "none"
        raise UsageError(f"there is no cache {options.cache!r}; there are: {known}")
    entries = list(store.cache_entries(store.open_cache(origin, options.cache)))
    if options.url is not None:
        entries = _matching(entries, options.url, origin, options.cache)
    if options.delete:
        _delete(store, origin, entries, options)
    elif options.output is not None:
        _output(store, entries[0], options)
    elif options.output_dir is not None:
        _output_all(store, entries, options)
    else:
        _list_entries(store, entries, options)


def _matching(entries: list[CacheEntry], url: str, origin: str, name: str) -> list[CacheEntry]:
    try:
        query = Request(urls.resolve(url, origin + "/"))
    except TypeError as error:
        raise UsageError(str(error)) from None
    options = CacheQueryOptions(ignore_vary=True)
    found = [e for e in entries if matching.matches_cache_entry(query, e.request, e.response, options)]
    if not found:
        raise UsageError(f"cache {name!r} has no entry for {query.url}")
    return found


def _list_caches(store: Store, origin: str, options: Namespace) -> None:
    names = store.cache_names(origin)
    counts = {name: len(store.cache_entries(store.open_cache(origin, name))) for name in names}
    if options.json:
        print_object({"caches": [{"name": name, "entries": count} for name, count in counts.items()]})
        return
    for name, count in counts.items():
        say(f"{name}  {counted(count, 'entry', 'entries')}")
    if not counts:
        print("no cache", file=sys.stderr)


def _length(store: Store, entry: CacheEntry) -> int:
    return 0 if entry.body is None else store.length(entry.body)


def _list_entries(store: Store, entries: list[CacheEntry], options: Namespace) -> None:
    if options.json:
        found = [
            {
                "url": entry.request.url,
                "status": entry.response.status,
                "type": entry.response.type,
                "bytes": _length(store, entry),
                "headers": [list(header) for header in entry.response.headers],
            }
            for entry in entries
        ]
        print_object({"cache": options.cache, "entries": found})
        return
    for entry in entries:
        say(f"{entry.response.status}  {human(_length(store, entry)):>10}  {entry.request.url}")


def _output(store: Store, entry: CacheEntry, options: Namespace) -> None:
    if options.output == "-":
        sys.stdout.flush()
        for piece in _pieces(store, entry):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    path = Path(options.output)
    _write(store, entry, partial(open_output, path, tighten=False), f"--output {str(path)!r}")
    if options.json:
        print_object({"cache": options.cache, "file": options.output, **_described(store, entry)})


def _output_all(store: Store, entries: list[CacheEntry], options: Namespace) -> None:
    """Each under its URL's path, confined to the folder."""
    folder: Path = options.output_dir.resolve()
    written = []
    for entry, parts in zip(entries, file_names(entry.request.url for entry in entries), strict=True):
        name = "/".join(parts)
        _write(
            store, entry, partial(open_output_below, folder, parts), f"--output-dir {str(folder)!r}: {name!r}"
        )
        written.append({"file": name, **_described(store, entry)})
        if not options.json:
            say(name)
    if options.json:
        print_object({"cache": options.cache, "folder": str(folder), "files": written})


def _described(store: Store, entry: CacheEntry) -> dict[str, Any]:
    return {"url": entry.request.url, "bytes": _length(store, entry)}


def _write(store: Store, entry: CacheEntry, opened: Callable[[], int], what: str) -> None:
    try:
        descriptor = opened()
    except OSError as error:
        raise UsageError(f"{what} cannot be written: {error.strerror}") from None
    with open(descriptor, "wb") as file:
        for piece in _pieces(store, entry):
            file.write(piece)


def _pieces(store: Store, entry: CacheEntry) -> Iterator[bytes]:
    """Raises UsageError where the process that writes the profile has deleted the entry meanwhile."""
    offset = 0
    try:
        while entry.body is not None and (data := store.read(entry.body, offset, PIECE)):
            yield data
            offset += len(data)
    except FileNotFoundError:
        raise UsageError(f"{entry.request.url} is gone from the cache, while it was read") from None


def _delete(store: Store, origin: str, entries: list[CacheEntry], options: Namespace) -> None:
    if options.url is None:
        store.delete_cache(origin, options.cache)
    else:
        with store.transaction():
            store.delete_entries(entry.id for entry in entries)
    if options.json:
        print_object({"cache": options.cache, "deleted": [entry.request.url for entry in entries]})
