"""What a process may send of IndexedDB: all else is refused, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, strategies as st

from swruntime.agent.controls import StorageControl
from swruntime.agent.indexed_dbs import IndexedDBs
from swruntime.errors import DOMException, QuotaExceededError
from swruntime.realms.javascript.indexed_db import OPERATIONS, IndexedDB
from swruntime.realms.javascript.messages import WireError
from swruntime.storage import memory_store
from swruntime.storage.store import SqlStore

KEY = "https://a.example"
ALL = [None, None, False, False]
A, B = b"\x10a", b"\x10b"


@pytest.fixture
def store() -> Iterator[SqlStore]:
    store = memory_store()
    yield store
    store.close()


def a_realm(store: SqlStore, shared: IndexedDBs | None = None) -> IndexedDB:
    shared = shared or IndexedDBs(store)
    return IndexedDB(shared, StorageControl(store, 1_000_000, KEY), KEY, lambda message: None)


async def upgraded(realm: IndexedDB) -> int:
    """A connection to a database with the object stores 1, its index 2, and 3, which is empty, its index 4."""
    opened = await realm.call("idb.open", {"request": 1, "name": "db", "version": 1})
    await realm.call(
        "idb.requests",
        {
            "transaction": opened["transaction"],
            "requests": [
                ["createStore", 1, "s", None, False],
                ["createIndex", 1, 2, "i", "i", False, False],
                ["createStore", 3, "t", None, False],
                ["createIndex", 3, 4, "i", "i", False, False],
                ["put", 1, A, b"value", [[2, [A]]], True],
            ],
        },
    )
    await realm.call("idb.commit", {"transaction": opened["transaction"]})
    connection = opened["connection"]
    assert isinstance(connection, int)
    return connection


REFUSED: list[list[Any]] = [
    [],
    ["put", 1, A, "text", [], True],
    ["put", 1, A, b"", [[99, [A]]], True],
    ["put", 1, A, b"", [[2, "x"]], True],
    ["put", 1, None, b"", [], True],
    ["put", 99, A, b"", [], True],
    ["put", 3, A, b"", [], True],  # not in its scope
    ["put", 1, A, b"", [], "yes"],
    ["put", 1, A],
    ["delete", 1, [None, None, False]],
    ["delete", 1, [1, None, False, False]],
    ["clear", True],
    ["put", 1, A, b"", [[4, [A]]], True],  # an index of another object store
    ["count", "index", 4, ALL],  # of an object store that is not in its scope
    ["scan", "index", 4, ALL, "next", None, 0, None, True, None],
    ["count", [[[[[[[[]]]]]]]], 1, ALL],
    ["count", "store", 3, ALL],
    ["count", "elsewhere", 1, ALL],
    ["scan", "store", 1, ALL, "sideways", None, 0, None, True, None],
    ["scan", "store", 1, ALL, "next", [A], 0, None, True, None],
    ["scan", "store", 1, ALL, "next", None, -1, None, True, None],
    ["scan", "store", 1, ALL, "next", None, 0, 1.5, True, None],
    ["createStore", 9, "x", None, False],
    ["drop"],
]


@pytest.mark.parametrize("request_", REFUSED, ids=str)
async def test_a_request_that_is_none(store: SqlStore, request_: list[Any]) -> None:
    realm = a_realm(store)
    connection = await upgraded(realm)
    before = store.usage(KEY)
    begin = {
        "connection": connection,
        "transaction": 1,
        "stores": [1],
        "mode": "readwrite",
        "durability": "default",
    }
    await realm.call("idb.begin", begin)
    with pytest.raises(WireError):
        await realm.call("idb.requests", {"transaction": 1, "requests": [request_]})
    realm.close()
    assert store.usage(KEY) == before


async def test_a_read_only_transaction_changes_nothing(store: SqlStore) -> None:
    realm = a_realm(store)
    begin = {"connection": await upgraded(realm), "transaction": 1, "stores": [1]}
    await realm.call("idb.begin", {**begin, "mode": "readonly", "durability": "default"})
    with pytest.raises(WireError):
        await realm.call("idb.requests", {"transaction": 1, "requests": [["clear", 1]]})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.binary(max_size=3)
    | st.sampled_from(["db", "readwrite", "default", "put", "scan", "store"]),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
names = st.sampled_from(
    [
        "name",
        "version",
        "request",
        "connection",
        "transaction",
        "stores",
        "mode",
        "durability",
        "requests",
    ]
)


@given(
    st.lists(
        st.tuples(st.sampled_from([*OPERATIONS, "idb.none"]), st.dictionaries(names, json_values)), max_size=6
    )
)
def test_anything_is_refused_in_order(calls: list[tuple[str, dict[str, Any]]]) -> None:
    """No call raises anything but WireError and DOMExceptions; none is left waiting in here."""
    store = memory_store()
    realm = a_realm(store)
    for operation, arguments in calls:
        try:
            coroutine = realm.call(operation, arguments)
        except (WireError, DOMException):
            continue
        coroutine.close()  # type: ignore[attr-defined]
    realm.close()
    store.close()


async def test_a_realm_that_is_gone_opens_nothing(store: SqlStore) -> None:
    shared = IndexedDBs(store)
    realm = a_realm(store, shared)
    realm.close()
    with pytest.raises(DOMException, match="discarded"):
        await realm.call("idb.open", {"request": 1, "name": "db", "version": 1})
    other = a_realm(store, shared)
    await upgraded(other)
    assert await other.call("idb.databases", {}) == [{"name": "db", "version": 1}]


LONG = "x" * 3000
ENTRIES = [[b"%03d" % each, A] for each in range(100)]

PASSES: list[list[Any]] = [
    ["createStore", 9, LONG, None, False],
    ["createStore", 9, "s2", LONG, False],
    ["renameStore", 1, LONG],
    ["createIndex", 1, 9, LONG, "i", False, False],
    ["createIndex", 1, 9, "j", LONG, False, False],
    ["renameIndex", 2, LONG],
    ["addEntries", 2, ENTRIES],
]


@pytest.mark.parametrize("request_", PASSES, ids=lambda request: request[0])
async def test_what_passes_the_quota_takes_the_transaction_back(store: SqlStore, request_: list[Any]) -> None:
    shared, quota = IndexedDBs(store), StorageControl(store, 1_000_000, KEY)
    realm = IndexedDB(shared, quota, KEY, lambda message: None)
    await upgraded(realm)
    realm.close()
    before = quota.usage(KEY)
    quota.quota = before + 2500
    opened = await realm_of(shared, quota).call("idb.open", {"request": 1, "name": "db", "version": 1})
    assert opened["oldVersion"] == 1
    shared = IndexedDBs(store)
    realm = realm_of(shared, quota)
    opened = await realm.call("idb.open", {"request": 1, "name": "db", "version": 2})
    requests = {"transaction": opened["transaction"], "requests": [known(opened, request_)]}
    with pytest.raises(QuotaExceededError, match="the quota of"):
        await realm.call("idb.requests", requests)
    await realm.call("idb.abort", {"transaction": opened["transaction"]})
    realm.close()
    assert quota.usage(KEY) == before
    assert store.indexed.all(KEY) == [("db", 1)]


async def test_one_more_database_needs_room(store: SqlStore) -> None:
    shared, quota = IndexedDBs(store), StorageControl(store, 1000, KEY)
    with pytest.raises(QuotaExceededError, match="one more database"):
        await realm_of(shared, quota).call("idb.open", {"request": 1, "name": "db", "version": 1})
    assert quota.usage(KEY) == 0
    assert store.indexed.all(KEY) == []


def realm_of(shared: IndexedDBs, quota: StorageControl) -> IndexedDB:
    return IndexedDB(shared, quota, KEY, lambda message: None)


def known(opened: dict[str, Any], request: list[Any]) -> list[Any]:
    """`request` with the numbers that this connection has for the object store 1 and its index 2."""
    (store, *_) = opened["stores"]
    numbers = {1: store["id"], 2: store["indexes"][0]["id"]}
    return [request[0], *(numbers.get(each, each) if type(each) is int else each for each in request[1:])]


async def test_a_number_that_is_in_use_is_given_to_nothing_else(store: SqlStore) -> None:
    realm = a_realm(store)
    opened = await realm.call("idb.open", {"request": 1, "name": "db", "version": 1})
    again = ["createStore", 1, "s", None, False]
    with pytest.raises(WireError, match="the number 1 is in use"):
        await realm.call("idb.requests", {"transaction": opened["transaction"], "requests": [again, again]})
    for number in (1, 0, -1, True, 1.5):
        with pytest.raises(WireError, match="request is"):
            await realm.call("idb.open", {"request": number, "name": "other"})
    realm.close()


async def test_the_number_of_a_request_is_good_until_that_is_done(store: SqlStore) -> None:
    realm = a_realm(store)
    waits = realm.call("idb.delete", {"request": 2, "name": "db"})
    with pytest.raises(WireError, match="which is in use"):
        await realm.call("idb.open", {"request": 2, "name": "db"})
    await waits
    assert await realm.call("idb.delete", {"request": 2, "name": "db"}) == {"oldVersion": 0}
