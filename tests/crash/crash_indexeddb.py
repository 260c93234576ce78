"""A story of IndexedDB's, told on a profile, for whoever kills it or lets its disk fail; and what may be there then.

Each step is a transaction (or the deletion of a database): it happens wholly or not at all. Of all the states that the
profile has between them, `STATES` is the list.

    python -m tests.crash.crash_indexeddb FOLDER

tells it in FOLDER/1, killed before the first change of the disk, in FOLDER/2, before the second, until one is told to
its end. Of each FOLDER/N.told has a line for every step that was told to be done.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import trio

from swruntime.agent.controls import StorageControl
from swruntime.agent.indexed_dbs import IndexedDBs
from swruntime.ports.indexed_db import KeyRange, Source
from swruntime.realms.javascript.indexed_db import IndexedDB
from swruntime.storage import open_profile
from swruntime.storage.store import SqlStore

KEY = "https://a.example"
ALL = [None, None, False, False]
VALUE = bytes(range(256)) * 40
State = dict[str, tuple[int, dict[str, list[bytes]]]]
"""The version of each database, and the keys in each of its object stores and indexes."""

Tell = Callable[[], object]


class Story:
    """`step` performs each step; it may do so again where the disk was full."""

    def __init__(self, store: SqlStore) -> None:
        quota = StorageControl(store, 10**9, KEY)
        self.realm = IndexedDB(IndexedDBs(store), quota, KEY, lambda message: None)
        self._last = 0

    async def call(self, operation: str, **arguments: Any) -> Any:
        return await self.realm.call(operation, arguments)

    def steps(self) -> list[Callable[[], Awaitable[None]]]:
        first = ["createStore", 1, "things", None, False], ["createIndex", 1, 11, "by", "by", False, False]
        more = ["createStore", 2, "more", None, True], ["createIndex", 1, 12, "late", "late", True, False]
        return [
            lambda: self.upgrade("db", 1, *first, put(b"a", 11)),
            lambda: self.write("db", put(b"l1"), put(b"r1")),
            lambda: self.write("db", put(b"l2"), put(b"r2"), durability="strict"),
            lambda: self.write("db", ["delete", 1, [b"\x10l1", b"\x10l2", False, True]], put(b"b")),
            lambda: self.upgrade("db", 2, *more, ["addEntries", 12, [[b"\x10x", b"\x10a"]]]),
            lambda: self.upgrade("other", 5, *first, put(b"o", 11)),
            lambda: self.write("db", ["clear", 1], ["put", 2, None, VALUE, [], False], stores=(1, 2)),
            lambda: self.delete("other"),
        ]

    async def upgrade(self, name: str, version: int, *requests: list[Any]) -> None:
        opened = await self._open(name, version)
        await self._perform(opened["transaction"], requests)
        await self.call("idb.close", connection=opened["connection"])

    async def write(
        self,
        name: str,
        *requests: list[Any],
        durability: str = "default",
        stores: tuple[int, ...] = (1,),
    ) -> None:
        opened = await self._open(name, None)
        connection = opened["connection"]
        self._last += 1
        number = self._last
        try:
            await self.call(
                "idb.begin",
                connection=connection,
                transaction=number,
                stores=list(stores),
                mode="readwrite",
                durability=durability,
            )
            await self._perform(number, requests)
        finally:
            await self.call("idb.close", connection=connection)

    async def delete(self, name: str) -> None:
        self._last += 1
        await self.call("idb.delete", request=self._last, name=name)

    async def _open(self, name: str, version: int | None) -> Any:
        self._last += 1
        return await self.call("idb.open", request=self._last, name=name, version=version)

    async def _perform(self, transaction: int, requests: tuple[list[Any], ...]) -> None:
        """As js/idb_transaction.js does: what fails is aborted."""
        try:
            answer = await self.call("idb.requests", transaction=transaction, requests=list(requests))
        except Exception:
            await self.call("idb.abort", transaction=transaction)
            raise
        assert all("error" not in result for result in answer["results"]), answer
        await self.call("idb.commit", transaction=transaction)


def put(name: bytes, index: int = 1) -> list[Any]:
    """`index` is the number that its entry's index has: the one that it was created with, its own afterwards."""
    key = b"\x10" + name
    return ["put", 1, key, VALUE, [[index, [b"\x10by" + name]]], True]


def state_of(store: SqlStore) -> State:
    found: State = {}
    for name, version in store.indexed.all(KEY):
        database = store.indexed.open(KEY, name)
        sources: dict[str, list[bytes]] = {}
        for row in database.schema():
            records = database.scan(Source("store", row.id), KeyRange())
            assert all(record.value == VALUE for record in records)
            sources[row.name] = [record.key for record in records]
            for index in row.indexes:
                entries = database.scan(Source("index", index.id), KeyRange())
                assert {entry.primary_key for entry in entries} <= set(sources[row.name])
                sources[f"{row.name}.{index.name}"] = [entry.key for entry in entries]
        found[name] = version, sources
        database.close()
    return found


def states(profile: Path) -> list[State]:
    """What is there before the first step, and after each."""

    async def tell() -> list[State]:
        with closing(open_profile(profile)) as store:
            seen = [state_of(store)]
            for step in Story(store).steps():
                await step()
                seen.append(state_of(store))
        return seen

    return trio.run(tell)


async def tell(profile: Path, done: Tell) -> None:
    with closing(open_profile(profile)) as store:
        for step in Story(store).steps():
            await step()
            done()


def main(folder: Path) -> None:
    from tests.crash.crash_launcher import DISK, arm_disk

    for number in itertools.count(1):
        child = os.fork()
        if child == 0:
            told = os.open(folder / f"{number}.told", os.O_WRONLY | os.O_CREAT)
            write = os.write
            DISK.calls = number
            arm_disk()
            trio.run(tell, folder / str(number), partial(write, told, b"done\n"))
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]))
