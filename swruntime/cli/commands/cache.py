"""`cache SITE [NAME [URL]]`: what the caches hold, and how to take it out."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from swruntime.algorithms import matching, urls
from swruntime.algorithms.sizes import human
from swruntime.algorithms.suggestions import or_known
from swruntime.cli import DONE, FAILED
from swruntime.cli.export import (
    Exported,
    damage,
    described,
    to_file,
    to_folder,
    to_standard_output,
)
from swruntime.cli.output import complain, counted, print_long_object, print_object, say, say_all
from swruntime.cli.site import check_origin, check_site, profile_of
from swruntime.cli.streams import check_standard_output
from swruntime.concepts.http import Request
from swruntime.concepts.matching import CacheQueryOptions
from swruntime.errors import StorageFull, UsageError
from swruntime.ports.store import CacheEntry, Store
from swruntime.storage import drop_bodies, open_profile


def cache(options: Namespace) -> int:
    check_site(options.site)
    _check(options)
    profile = profile_of(options)
    if not profile.exists():
        raise UsageError(f"there is no profile in {str(profile)!r}: nothing was run here yet")
    store = open_profile(profile, read_only=True)
    try:
        with store.snapshot():
            origin = check_origin(store, options)
            if not options.delete:
                return _perform(store, origin, options)
            entries = {entry.id: entry.url for entry in _chosen(store, origin, options)}
    finally:
        store.close()
    _delete(profile, origin, entries, options)
    return DONE


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
    if options.force and options.output_dir is None:
        raise UsageError(
            "--force is for --output-dir: it overwrites files, and writes names that begin with a dot"
        )
    if options.delete and options.cache is None:
        raise UsageError("--delete needs the name of a cache, or a cache and a URL")


def _perform(store: Store, origin: str, options: Namespace) -> int:
    if options.cache is None:
        _list_caches(store, origin, options)
        return DONE
    entries = _chosen(store, origin, options)
    if options.output is not None:
        _output(store, entries[0], options)
    elif options.output_dir is not None:
        return _output_all(store, entries, options)
    else:
        _list_entries(store, entries, options)
    return DONE


def _chosen(store: Store, origin: str, options: Namespace) -> Sequence[CacheEntry]:
    """The entries that the command line names. Raises UsageError where there are none."""
    if options.cache not in store.cache_names(origin):
        known = or_known(options.cache, store.cache_names(origin))
        raise UsageError(f"there is no cache {options.cache!r}{known}")
    if options.url is None:
        return store.cache_entries(store.open_cache(origin, options.cache))
    return _matching(store, options.url, origin, options.cache)


def _matching(store: Store, url: str, origin: str, name: str) -> list[CacheEntry]:
    try:
        query = Request(urls.resolve(url, origin + "/"))
    except TypeError as error:
        raise UsageError(str(error)) from None
    options = CacheQueryOptions(ignore_vary=True)
    entries = store.cache_entries(store.open_cache(origin, name), query.url)
    found = [e for e in entries if matching.matches_cache_entry(query, e.request, e.response, options)]
    if not found:
        raise UsageError(f"cache {name!r} has no entry for {query.url}")
    return found


def _list_caches(store: Store, origin: str, options: Namespace) -> None:
    names = store.cache_names(origin)
    counts = {name: store.cache_size(store.open_cache(origin, name))[0] for name in names}
    if options.json:
        print_object({"caches": [{"name": name, "entries": count} for name, count in counts.items()]})
        return
    for name, count in counts.items():
        say(f"{name}  {counted(count, 'entry', 'entries')}")
    if not counts:
        print("no cache", file=sys.stderr)


def _list_entries(store: Store, entries: Sequence[CacheEntry], options: Namespace) -> None:
    damaged = store.damaged()
    if options.json:
        found = (
            {
                **described(entry, damaged.get(entry.body or 0)),
                "status": entry.response.status,
                "type": entry.response.type,
                "headers": [list(header) for header in entry.response.headers],
            }
            for entry in entries
        )
        print_long_object({"cache": options.cache}, "entries", found)
        return
    say_all(_line(entry, damaged.get(entry.body or 0)) for entry in entries)


def _line(entry: CacheEntry, wrong: str | None) -> str:
    told = "" if wrong is None else f"  damaged: {wrong}"
    return f"{entry.status}  {human(entry.length):>10}  {entry.url}{told}"


def _output(store: Store, entry: CacheEntry, options: Namespace) -> None:
    if options.output == "-":
        to_standard_output(store, entry)
        return
    to_file(store, entry, Path(options.output))
    if options.json:
        print_object(
            {"cache": options.cache, "file": options.output, **described(entry, damage(store, entry))}
        )


def _output_all(store: Store, entries: Sequence[CacheEntry], options: Namespace) -> int:
    """Each under its URL's path, confined to the folder. What fails is told at the end, the others are written."""
    folder: Path = options.output_dir.resolve()
    files, failed = [], []
    for each in to_folder(store, entries, folder, force=options.force):
        if not isinstance(each, Exported):
            failed.append(each)
            continue
        files.append(each)
        if not options.json:
            say(str(each.file))
    if options.json:
        print_object(
            {
                "cache": options.cache,
                "folder": str(folder),
                "files": [
                    {
                        "file": str(each.file),
                        "url": each.url,
                        "bytes": each.bytes,
                        "renamed": each.file.changed,
                    }
                    for each in files
                ],
                "failed": [{"url": url, "message": why} for url, why in failed],
            }
        )
    else:
        for each in files:
            if each.file.changed:
                complain(f"{each.url} is in {str(each.file)!r}: a file cannot have its own name here")
    for url, why in failed:
        complain(f"--output-dir {str(folder)!r}: {url}: {why}")
    return FAILED if failed else DONE


def _delete(profile: Path, origin: str, entries: dict[int, str], options: Namespace) -> None:
    """`entries` are their URLs. On a full disk the files of bodies go first: they make the room to write down that they
    are gone."""
    try:
        _delete_rows(profile, origin, entries, options)
    except StorageFull as full:
        if not drop_bodies(profile, entries):
            raise StorageFull(f"{full}; 'clear' deletes the whole profile, and needs none") from full
        _delete_rows(profile, origin, entries, options)
    if options.json:
        print_object({"cache": options.cache, "deleted": list(entries.values())})


def _delete_rows(profile: Path, origin: str, entries: dict[int, str], options: Namespace) -> None:
    store = open_profile(profile)
    try:
        if options.url is None:
            store.delete_cache(origin, options.cache)
        else:
            with store.transaction():
                store.delete_entries(entries)
    finally:
        store.close()
    deleted = set(entries.values())
    for lost in store.gone:
        if lost.partition(" ")[0] not in deleted:
            complain(lost)
