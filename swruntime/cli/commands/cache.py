"""`cache SITE [NAME [URL]]`: what the caches hold, and how to take it out."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from swruntime.agent.response_data import PIECE
from swruntime.algorithms import matching, urls
from swruntime.algorithms.sizes import human
from swruntime.cli.output import print_object
from swruntime.cli.session import check_site, profile_of
from swruntime.concepts.http import Request
from swruntime.concepts.matching import CacheQueryOptions
from swruntime.errors import UsageError
from swruntime.ports.store import CacheEntry, Store
from swruntime.runtime import shown_origin
from swruntime.storage import open_profile


def cache(options: Namespace) -> int:
    check_site(options.site)
    _check(options)
    store = open_profile(profile_of(options), read_only=not options.delete)
    try:
        _perform(store, shown_origin(store.origin), options)
    finally:
        store.close()
    return 0


def _check(options: Namespace) -> None:
    if options.output is not None and options.url is None:
        raise UsageError("--output takes one stored body: name the cache and the URL")
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
        _output(store, entries[0], options.output)
    elif options.output_dir is not None:
        _output_all(store, entries, options.output_dir)
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
        print(f"{name}  {count} entries")


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
        print(f"{entry.response.status}  {human(_length(store, entry)):>10}  {entry.request.url}")


def _output(store: Store, entry: CacheEntry, output: str) -> None:
    if output == "-":
        _copy(store, entry, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    _write(store, entry, Path(output))


def _write(store: Store, entry: CacheEntry, path: Path) -> None:
    try:
        with path.open("wb") as file:
            _copy(store, entry, file)
    except OSError as error:
        raise UsageError(f"output {str(path)!r} cannot be written: {error.strerror}") from None


def _copy(store: Store, entry: CacheEntry, file: BinaryIO) -> None:
    offset = 0
    while entry.body is not None and (data := store.read(entry.body, offset, PIECE)):
        file.write(data)
        offset += len(data)


def _output_all(store: Store, entries: list[CacheEntry], folder: Path) -> None:
    """Each under its URL's path, confined to `folder`."""
    folder = folder.resolve()
    for entry in entries:
        path = _confined(folder, entry.request.url)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"output-dir {str(path.parent)!r} cannot be made: {error.strerror}") from None
        _write(store, entry, path)
        print(path.relative_to(folder))


def _confined(folder: Path, url: str) -> Path:
    parts = [unquote(part) for part in urls.parse(url).pathname.split("/") if part]
    if any(part in (".", "..") or "/" in part or "\\" in part or "\0" in part for part in parts):
        raise UsageError(f"{url} has a path that would leave the folder; take it out with --output")
    path = folder.joinpath(*parts) if parts else folder / "index.html"
    path = path / "index.html" if url.endswith("/") and parts else path
    if not path.resolve().is_relative_to(folder):
        raise UsageError(f"{url} has a path that would leave the folder; take it out with --output")
    return path


def _delete(store: Store, origin: str, entries: list[CacheEntry], options: Namespace) -> None:
    if options.url is None:
        store.delete_cache(origin, options.cache)
    else:
        with store.transaction():
            store.delete_entries(entry.id for entry in entries)
