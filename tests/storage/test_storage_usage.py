"""What an origin uses, to the byte: held against the files themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from swruntime.agent.controls import StorageControl
from swruntime.concepts.http import Request, Response, StoredBody
from swruntime.machines.snapshots import FetchSnapshot, RecordSnapshot
from swruntime.ports.store import StoredFetch, StoredRecord
from swruntime.storage import memory_store, open_profile
from swruntime.storage.store import SqlStore

KEY, OTHER = "https://a.example", "https://b.example"


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    store = memory_store() if request.param == "memory" else open_profile(tmp_path / "profile")
    yield store
    store.close()


def body_of(store: SqlStore, size: int, key: str = KEY) -> int:
    body = store.create_body(key)
    store.pin(body)
    store.append(body, bytes(size))
    return body


def upload(store: SqlStore, sent: int, got: int) -> int:
    """A background fetch with a stored request body, and the body of its answer."""
    request = Request(f"{KEY}/form", "POST", body=StoredBody(sent, store.length(sent)))
    record = StoredRecord(request, RecordSnapshot(), Response(200), got)
    total = store.length(sent)
    return store.add_fetch(StoredFetch(0, KEY, f"{KEY}/", "f", "", (), 0, total, FetchSnapshot(), (record,)))


def test_estimate_is_true_to_the_byte(store: SqlStore, tmp_path: Path) -> None:
    def used(expected: int, other: int = 7) -> None:
        assert storage.estimate().usage == expected
        assert storage.estimate(OTHER).usage == other
        folder = tmp_path / "profile" / "bodies"
        if folder.exists():
            assert sum(path.stat().st_size for path in folder.iterdir()) == expected + other
            reader = open_profile(tmp_path / "profile", read_only=True)
            assert (reader.usage(KEY), reader.usage(OTHER)) == (expected, other)
            reader.close()

    storage = StorageControl(store, 1_000_000, KEY)
    foreign = body_of(store, 7, OTHER)
    sent, got, shell = body_of(store, 11), body_of(store, 1000), body_of(store, 100_003)
    used(101_014)
    number = upload(store, sent, got)
    one, two = store.open_cache(KEY, "one"), store.open_cache(KEY, "two")
    form = Request(f"{KEY}/form", "POST", body=StoredBody(sent, 11))
    # Two caches share the answer, and the request's own body; the shell is in one of them, twice.
    entries = [store.put_entry(cache, form, Response(200), got) for cache in (one, two)]
    store.put_entry(one, Request(f"{KEY}/a"), Response(200), shell)
    store.put_entry(one, Request(f"{KEY}/b"), Response(200), shell)
    for body in (sent, got, shell):
        store.unpin(body)
    used(101_014)
    store.append(got, b"x" * 5)
    used(101_019)
    store.release_fetch(number)
    used(101_019)
    store.delete_entries(entries[:1])
    used(101_019)
    with pytest.raises(ZeroDivisionError), store.transaction():  # noqa: PT012 - what raises is the end of a block
        store.delete_cache(KEY, "two")
        raise ZeroDivisionError
    used(101_019)
    store.delete_cache(KEY, "two")
    used(100_003)
    store.delete_cache(KEY, "one")
    used(0)
    store.unpin(foreign)
    used(0, 0)
