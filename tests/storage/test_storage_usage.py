"""What an origin uses: held against the files themselves, kind by kind; in memory it is the same number."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swruntime.agent.controls import StorageControl
from swruntime.concepts.http import HeaderList, Request, Response, StoredBody
from swruntime.concepts.messages import Message
from swruntime.concepts.notifications import NotificationConcept
from swruntime.concepts.push import PushSubscriptionConcept
from swruntime.machines.snapshots import FetchSnapshot, RecordSnapshot
from swruntime.ports.indexed_db import IndexRow
from swruntime.ports.store import (
    StoredFetch,
    StoredNotification,
    StoredPeriodicSync,
    StoredRecord,
    StoredRegistration,
    StoredSync,
    StoredWorker,
)
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


def test_bodies_are_counted_to_the_byte(store: SqlStore, tmp_path: Path) -> None:
    def used(expected: int, other: int = 7) -> None:
        assert store._bodies.usage(KEY) == expected
        assert store._bodies.usage(OTHER) == other
        assert storage.estimate().usage == expected + store._rows.added_up(KEY)
        assert storage.estimate(OTHER).usage == other + store._rows.added_up(OTHER)
        folder = tmp_path / "profile" / "bodies"
        if folder.exists():
            assert sum(path.stat().st_size for path in folder.iterdir()) == expected + other
            reader = open_profile(tmp_path / "profile", read_only=True)
            assert [reader.usage(key) for key in (KEY, OTHER)] == [store.usage(key) for key in (KEY, OTHER)]
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


# What is on the disk, kind by kind

SLACK = 160 * 1024
"""Bytes of a profile that nobody's storage is: the tables of the database, and pages that are begun."""

Fill = Callable[[SqlStore, int, str], None]


def caches(store: SqlStore, number: int, text: str) -> None:
    store.open_cache(KEY, f"{number}{text}")


def urls(store: SqlStore, number: int, text: str) -> None:
    store.put_entry(store.open_cache(KEY, "c"), Request(f"{KEY}/{number}?{text}"), Response(), None)


def response_headers(store: SqlStore, number: int, text: str) -> None:
    response = Response(headers=HeaderList.of([("x", text)]))
    store.put_entry(store.open_cache(KEY, "c"), Request(f"{KEY}/{number}"), response, None)


def request_headers(store: SqlStore, number: int, text: str) -> None:
    request = Request(f"{KEY}/{number}", headers=HeaderList.of([("x", text)]))
    store.put_entry(store.open_cache(KEY, "c"), request, Response(), None)


def bodies(store: SqlStore, number: int, text: str) -> None:
    body = store.create_body(KEY)
    store.append(body, text.encode())
    store.put_entry(store.open_cache(KEY, "c"), Request(f"{KEY}/{number}"), Response(), body)


def notifications(store: SqlStore, number: int, text: str) -> None:
    shown = NotificationConcept(title="n", data=Message(text), timestamp=number)
    store.add_notification(StoredNotification(0, KEY, f"{KEY}/", shown))


def syncs(store: SqlStore, number: int, text: str) -> None:
    store.add_sync(StoredSync(0, KEY, f"{KEY}/", f"{number}{text}"))


def periodic_syncs(store: SqlStore, number: int, text: str) -> None:
    store.add_periodic_sync(StoredPeriodicSync(0, KEY, f"{KEY}/", f"{number}{text}", 0.0, 0.0))


def scopes(store: SqlStore, number: int, text: str) -> None:
    store.save_registration(StoredRegistration(KEY, f"{KEY}/{number}/{text}"))


def scripts(store: SqlStore, number: int, text: str) -> None:
    worker = StoredWorker(f"{KEY}/w.js", "activated", scripts=((f"{KEY}/w.js", text),))
    store.save_registration(StoredRegistration(KEY, f"{KEY}/{number}/", active=worker))


def push_subscriptions(store: SqlStore, number: int, text: str) -> None:
    subscription = PushSubscriptionConcept(
        token=text,
        user_visible_only=True,
        application_server_key=None,
        private_key=b"k" * 32,
        p256dh=b"p" * 65,
        auth=b"a" * 16,
    )
    store.add_push_subscription(KEY, f"{KEY}/{number}/", subscription)


def background_fetches(store: SqlStore, number: int, text: str) -> None:
    records = tuple(StoredRecord(Request(f"{KEY}/{each}?{text}"), RecordSnapshot()) for each in range(2))
    store.add_fetch(StoredFetch(0, KEY, f"{KEY}/", text, "", (), 0, 0, FetchSnapshot(), records))


def background_fetches_with_headers(store: SqlStore, number: int, text: str) -> None:
    request = Request(f"{KEY}/x", headers=HeaderList.of([("x", text)]))
    record = StoredRecord(request, RecordSnapshot(), Response(headers=HeaderList.of([("x", text)])))
    store.add_fetch(StoredFetch(0, KEY, f"{KEY}/", "id", "", (), 0, 0, FetchSnapshot(), (record,)))


def indexed(store: SqlStore, number: int, key: bytes, value: bytes, name: str, indexes: int) -> None:
    database = store.indexed.open(KEY, "db")
    database.begin(durable=False)
    if not database.version:
        database.set_version(1)
        made = database.create_store("s", None, False)
        for each in range(indexes):
            database.create_index(made, IndexRow(0, f"i{each}", "p"))
    (first, *_) = database.schema()
    if name:
        database.create_store(f"{number}{name}", None, False)
    else:
        entries = [(index.id, (b"%d" % number, key)) for index in first.indexes]
        database.put(first.id, b"%06d" % number + key, value, entries, overwrite=True)
    database.commit()


def indexed_values(store: SqlStore, number: int, text: str) -> None:
    indexed(store, number, b"", text.encode(), "", 0)


def indexed_keys(store: SqlStore, number: int, text: str) -> None:
    indexed(store, number, text.encode(), b"", "", 0)


def indexed_indexes(store: SqlStore, number: int, text: str) -> None:
    indexed(store, number, text.encode(), b"", "", 3)


def indexed_names(store: SqlStore, number: int, text: str) -> None:
    indexed(store, number, b"", b"", text, 0)


KINDS: tuple[Fill, ...] = (
    caches, urls, response_headers, request_headers, bodies, notifications, syncs, periodic_syncs, scopes, scripts,
    push_subscriptions, background_fetches, background_fetches_with_headers, indexed_values, indexed_keys,
    indexed_indexes, indexed_names,
)  # fmt: skip


def on_disk(profile: Path) -> int:
    return sum(path.stat().st_size for path in profile.rglob("*") if path.is_file())


@pytest.mark.parametrize("size", [10, 300, 3000, 30_000])
@pytest.mark.parametrize("fill", KINDS)
def test_the_usage_and_the_disk_agree(tmp_path: Path, fill: Fill, size: int) -> None:
    """Within a half of it and SLACK: a page that SQLite has split, or begun, is not full."""
    rng = random.Random(size)
    count = min(500, 600_000 // size)
    store, memory = open_profile(tmp_path / "profile"), memory_store()
    with store.transaction(), memory.transaction():
        for number in range(count) if fill is not bodies else ():
            text = "x" * rng.randrange(size // 2, size * 3 // 2)
            fill(store, number, text)
            fill(memory, number, text)
    for number in range(min(count, 100)) if fill is bodies else ():
        fill(store, number, "x" * size)
        fill(memory, number, "x" * size)
    usage = store.usage(KEY)
    assert usage == memory.usage(KEY)
    assert usage >= min(count, 20) * size * 3 // 4
    store.close()
    disk = on_disk(tmp_path / "profile")
    assert usage <= disk <= usage * 3 // 2 + SLACK, (usage, disk, disk / usage)
    reader = open_profile(tmp_path / "profile", read_only=True)
    assert reader.usage(KEY) == usage
    reader.close()
    again = open_profile(tmp_path / "profile")
    assert again.usage(KEY) == usage
    again.close()
    memory.close()
