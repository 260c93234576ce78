"""Profiles with very many rows: what opening one, `status` and the caches cost with few and with many.

    python benchmarks/tables.py [--few 10] [--many 100000] [--repeat 5] [--only WHAT] [--json]

For each thing measured: seconds of the processor and memory with few and with many, each a process of its own, start
included; few and many take turns, and the median of each counts. Background fetches, registrations and notifications
are a tenth as many. What is asked of a cache (`cache.match`, ...) is measured in the
process, without its start. No time is asserted: what is done for each row is counted in
tests/storage/test_storage_tables.py.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import trio

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from swruntime import open_user_agent  # noqa: E402
from swruntime.concepts.http import HeaderList, Request, Response  # noqa: E402
from swruntime.concepts.notifications import NotificationConcept  # noqa: E402
from swruntime.machines.snapshots import FetchSnapshot, RecordSnapshot  # noqa: E402
from swruntime.ports.store import (  # noqa: E402
    Store,
    StoredFetch,
    StoredNotification,
    StoredRecord,
    StoredRegistration,
    StoredWorker,
)
from swruntime.storage import open_profile  # noqa: E402
from swruntime.storage.indexed_file import encode_number  # noqa: E402

ORIGIN = "http://localhost:8400"
HEADERS = HeaderList.of([
    ("Content-Type", "text/html; charset=utf-8"), ("Content-Length", "100"), ("ETag", '"abcdef"'),
    ("Date", "Sun, 01 Nov 2026 00:00:00 GMT"), ("Server", "nginx"),
])  # fmt: skip
AT_A_TIME = 1000


@attrs.frozen
class Row:
    what: str
    few: int
    many: int
    seconds_few: float
    seconds_many: float
    rss_few: int
    """Bytes."""
    rss_many: int


# What is in a profile


def cache_entries(store: Store, number: int) -> None:
    cache = store.open_cache(ORIGIN, "entries")
    for first in range(0, number, AT_A_TIME):
        some = range(first, min(number, first + AT_A_TIME))
        bodies = _bodies(store, len(some))
        with store.transaction():
            for n, body in zip(some, bodies, strict=True):
                url = f"{ORIGIN}/entries/{n}?v={n % 7}"
                store.put_entry(cache, Request(url), Response(200, "OK", HEADERS, (url,), "basic"), body)
                store.unpin(body)


def _bodies(store: Store, number: int) -> list[int]:
    with store.transaction():
        bodies = [store.create_body(ORIGIN) for _ in range(number)]
        for body in bodies:
            store.pin(body)
    for body in bodies:
        store.append(body, b"x" * 100)
        store.finish_body(body)
    return bodies


def background_fetches(store: Store, number: int) -> None:
    store.save_registration(StoredRegistration(ORIGIN, f"{ORIGIN}/", active=_WORKER))
    bodies = _bodies(store, number)
    with store.transaction():
        for n, body in enumerate(bodies):
            record = StoredRecord(
                Request(f"{ORIGIN}/{n}"), RecordSnapshot(), Response(200, "OK", HEADERS), body
            )
            paused = FetchSnapshot(state="paused", pause_cause="user")
            store.add_fetch(StoredFetch(0, ORIGIN, f"{ORIGIN}/", f"{n}", "", (), 0, 0, paused, (record,)))
            store.unpin(body)


_WORKER = StoredWorker(f"{ORIGIN}/worker.py", "activated")


def registrations(store: Store, number: int) -> None:
    with store.transaction():
        for n in range(number):
            store.save_registration(StoredRegistration(ORIGIN, f"{ORIGIN}/{n}/", active=_WORKER))


def notifications(store: Store, number: int) -> None:
    store.save_registration(StoredRegistration(ORIGIN, f"{ORIGIN}/", active=_WORKER))
    with store.transaction():
        for n in range(number):
            content = NotificationConcept(title=f"{n}")
            store.add_notification(StoredNotification(0, ORIGIN, f"{ORIGIN}/", content))


def indexed_records(store: Store, number: int) -> None:
    database = store.indexed.open(ORIGIN, "database")
    database.begin(durable=False)
    database.set_version(1)
    things = database.create_store("things", None, False)
    for n in range(number):
        database.put(things, encode_number(n), b"x" * 100, [], overwrite=True)
    database.commit()


def make(site: Path, fill: Callable[[Store, int], None], number: int) -> None:
    site.mkdir(parents=True)
    (site / "worker.py").write_text("def onfetch(event): pass\n")
    store = open_profile(site / ".swruntime")
    store.set_origin(ORIGIN)
    fill(store, number)
    store.close()


# What is measured


def process(*arguments: str) -> tuple[float, int]:
    """Seconds of the processor and bytes of memory of a process of this Python."""
    command = [sys.executable, *arguments]
    environment = {**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH") or str(ROOT)}
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    assert child.stderr is not None
    complaint = child.stderr.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}: {complaint.decode()}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


OPEN = "import sys, pathlib, swruntime.storage as s; s.open_profile(pathlib.Path(sys.argv[1]) / '.swruntime').close()"

COMMANDS: dict[str, Callable[[Path], tuple[str, ...]]] = {
    "opening": lambda site: ("-c", OPEN, str(site)),
    "status": lambda site: ("-m", "swruntime", "status", str(site)),
    "status --json": lambda site: ("-m", "swruntime", "status", str(site), "--json"),
}
OF_A_CACHE: dict[str, Callable[[Path], tuple[str, ...]]] = {
    "run": lambda site: ("-m", "swruntime", "run", str(site)),
    "resume": lambda site: ("-m", "swruntime", "resume", str(site)),
    "status --check": lambda site: ("-m", "swruntime", "status", str(site), "--check"),
    "cache": lambda site: ("-m", "swruntime", "cache", str(site)),
    "cache NAME": lambda site: ("-m", "swruntime", "cache", str(site), "entries"),
    "cache NAME URL": lambda site: ("-m", "swruntime", "cache", str(site), "entries", "/entries/1?v=1"),
}

Measured = dict[str, tuple[float, int]]


def calls(site: Path) -> Measured:
    """What a page asks of its cache, in a process of its own: seconds of a call."""
    found = subprocess.run(
        [sys.executable, __file__, "--calls", str(site)], stdout=subprocess.PIPE, check=True
    )
    measured: Measured = {name: (seconds, rss) for name, (seconds, rss) in json.loads(found.stdout).items()}
    return measured


async def _calls(site: Path) -> Measured:
    import resource

    found: Measured = {}
    async with open_user_agent(site=site, profile=site / ".swruntime") as agent:
        window = await agent.open_window("/")
        cache = await window.caches.open("entries")

        async def measure(name: str, call: Callable[[], Any], times: int) -> None:
            await call()
            begun = time.process_time()
            for _ in range(times):
                await call()
            seconds = (time.process_time() - begun) / times
            found[name] = seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

        await measure("cache.match", lambda: cache.match("/entries/1?v=1"), 100)
        await measure("cache.match, ignoreSearch", lambda: cache.match("/entries/1", ignore_search=True), 100)
        await measure(
            "cache.matchAll, ignoreSearch", lambda: cache.match_all("/entries/1", ignore_search=True), 100
        )
        await measure(
            "caches.match, ignoreSearch", lambda: window.caches.match("/entries/1", ignore_search=True), 100
        )
        await measure("cache.delete, ignoreSearch", lambda: cache.delete("/nothing", ignore_search=True), 100)
        await measure("cache.put", lambda: cache.put("/new", window.Response("x")), 20)
        await measure("storage.estimate", lambda: window.navigator.storage.estimate(), 100)
        await measure("cache.keys", cache.keys, 1)
        await measure("cache.matchAll", cache.match_all, 1)
    return found


SUBJECTS: dict[
    str, tuple[Callable[[Store, int], None], dict[str, Callable[[Path], tuple[str, ...]]], int]
] = {
    "cache entries": (cache_entries, {**COMMANDS, **OF_A_CACHE}, 1),
    "background fetches": (background_fetches, COMMANDS, 10),
    "IndexedDB records": (indexed_records, COMMANDS, 1),
    "registrations": (registrations, COMMANDS, 10),
    "notifications": (notifications, COMMANDS, 10),
}


def rows(folder: Path, few: int, many: int, repeat: int, only: str | None) -> list[Row]:
    found: list[Row] = []
    for subject, (fill, commands, part) in SUBJECTS.items():
        if only not in (None, subject):
            continue
        numbers = (few, many // part)
        sites = [folder / f"{subject} {number}" for number in numbers]
        for site, number in zip(sites, numbers, strict=True):
            make(site, fill, number)
        for name, command in commands.items():
            turns = [[process(*command(site)) for site in sites] for _ in range(repeat)]
            found.append(_row(f"{name}: {subject}", numbers, turns))
        if subject == "cache entries":
            asked = [[calls(site) for site in sites] for _ in range(repeat)]
            found += [
                _row(name, numbers, [[each[name] for each in turn] for turn in asked]) for name in asked[0][0]
            ]
    return found


def _row(what: str, numbers: tuple[int, int], turns: list[list[tuple[float, int]]]) -> Row:
    seconds_few, seconds_many = (statistics.median(turn[side][0] for turn in turns) for side in (0, 1))
    rss_few, rss_many = (max(turn[side][1] for turn in turns) for side in (0, 1))
    return Row(what, *numbers, seconds_few, seconds_many, rss_few, rss_many)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--few", type=int, default=10)
    parser.add_argument("--many", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=5, help="turns of which the median counts (default 5)")
    parser.add_argument("--only", choices=list(SUBJECTS), help="only this subject")
    parser.add_argument("--json", action="store_true", help="one object")
    parser.add_argument("--calls", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.calls is not None:
        print(json.dumps(trio.run(_calls, arguments.calls)))
        return
    with tempfile.TemporaryDirectory(prefix="swruntime-tables-") as folder:
        found = rows(Path(folder), arguments.few, arguments.many, arguments.repeat, arguments.only)
    if arguments.json:
        print(json.dumps({"rows": [attrs.asdict(row) for row in found]}))
        return
    print(f"{'':40} {'few':>20} {'many':>20}")
    for row in found:
        sides = ((row.seconds_few, row.rss_few), (row.seconds_many, row.rss_many))
        shown = [f"{seconds * 1000:10.2f} ms {rss // 1024**2:4} MB" for seconds, rss in sides]
        print(f"{row.what:40} {shown[0]:>20} {shown[1]:>20}")


if __name__ == "__main__":
    main()
