"""A profile with a cache of N entries, each with a body of 100 bytes: SITE N.

One entry is put by the checkout that runs this; the others are its copies, row by row and file by file: put one by one
they would take minutes. `status --check` finds nothing wrong with it (tests/benchmarks).
"""

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import trio

import swruntime

FIRST = "/entries/0?"


async def put(site: Path) -> None:
    async with swruntime.open_user_agent(site=site, profile=site / ".swruntime") as agent:
        window = await agent.open_window("/")
        cache = await window.caches.open("entries")
        await cache.put(f"{FIRST}version=1", window.Response("x" * 100))
        await agent.settled()


def copied(connection: sqlite3.Connection, table: str, number: int) -> int:
    """Copies of the last row of `table`, under new numbers, of entries with other URLs; the row's own number."""
    columns = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
    last = connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY id DESC").fetchone()
    row: dict[str, Any] = dict(zip(columns, last, strict=True))
    first: int = row["id"]
    for n in range(1, number):
        copy: dict[str, Any] = {
            name: value.replace(FIRST, f"/entries/{n}?") if isinstance(value, str) else value
            for name, value in row.items()
        } | {"id": first + n}
        if "body" in copy:
            copy["body"] += n
        marks = ", ".join("?" * len(columns))
        connection.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", [copy[name] for name in columns]
        )
    return first


def private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def main(site: Path, number: int) -> None:
    (site / "worker.py").write_text("")
    trio.run(put, site)
    profile = site / ".swruntime"
    with closing(sqlite3.connect(profile / "profile.sqlite3")) as connection, connection:
        first = copied(connection, "bodies", number)
        copied(connection, "cache_entries", number)
    for n in range(first + 1, first + number):
        with open(profile / "bodies" / str(n), "xb", opener=private) as body:
            body.write(b"x" * 100)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
