"""The headers of a background fetch's requests: no byte of them is left once it was released."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from swruntime.concepts.http import HeaderList, Request, Response
from swruntime.machines.snapshots import FetchSnapshot, RecordSnapshot
from swruntime.ports.store import StoredFetch, StoredRecord
from swruntime.storage import open_profile
from swruntime.storage.store import SqlStore

KEY = "https://a.example"


def add(store: SqlStore, secret: str, records: int = 1, filler: int = 0) -> int:
    def request(index: int) -> Request:
        pairs = [("X-Filler", "x" * filler), ("Authorization", f"Bearer {secret}.{index}!")]
        return Request(f"{KEY}/{index}", headers=HeaderList.of(pairs))

    made = tuple(StoredRecord(request(index), RecordSnapshot()) for index in range(records))
    fetch = StoredFetch(0, KEY, f"{KEY}/", "id", "", (), 0, 0, FetchSnapshot(), made)
    with store.transaction(durable=True):
        return store.add_fetch(fetch)


def found(directory: Path, secret: str) -> list[str]:
    return [
        str(path.relative_to(directory))
        for path in sorted(directory.rglob("*"))
        if path.is_file() and secret.encode() in path.read_bytes()
    ]


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return tmp_path / "profile"


def test_after_the_release_nothing_is_left_of_them(profile: Path) -> None:
    store = open_profile(profile)
    number = add(store, "S3CR3T")
    assert found(profile, "S3CR3T") == ["profile.sqlite3-wal"]
    (fetch,) = store.fetches()
    assert fetch.records[0].request.headers.get("Authorization") == "Bearer S3CR3T.0!"
    store.release_fetch(number)
    assert found(profile, "S3CR3T") == [], "while the store is open"
    store.close()
    assert found(profile, "S3CR3T") == []


def test_a_registration_that_is_cleared_takes_them_along(profile: Path) -> None:
    store = open_profile(profile)
    add(store, "S3CR3T")
    store.delete_registration(KEY, f"{KEY}/")
    assert found(profile, "S3CR3T") == []
    store.close()


def test_a_fetch_without_headers_costs_no_emptying(profile: Path) -> None:
    store = open_profile(profile)
    record = StoredRecord(Request(f"{KEY}/x"), RecordSnapshot())
    number = store.add_fetch(StoredFetch(0, KEY, f"{KEY}/", "id", "", (), 0, 0, FetchSnapshot(), (record,)))
    before = (profile / "profile.sqlite3-wal").stat().st_size
    store.release_fetch(number)
    assert (profile / "profile.sqlite3-wal").stat().st_size > before
    store.close()


def test_a_death_before_the_log_was_emptied(profile: Path, tmp_path: Path) -> None:
    store = open_profile(profile)
    number = add(store, "S3CR3T")
    with store.transaction():
        store.release_fetch(number)
        store._database._empty_log_late = False  # the process dies right behind the commit
    killed = shutil.copytree(profile, tmp_path / "killed")
    store.close()
    assert found(killed, "S3CR3T"), "of the log that was"
    again = open_profile(killed)
    assert found(killed, "S3CR3T") == []
    again.close()


def test_a_reader_that_needs_the_log_is_not_waited_for(profile: Path) -> None:
    store = open_profile(profile)
    number = add(store, "S3CR3T")
    reader = open_profile(profile, read_only=True)
    assert len(reader.fetches()) == 1
    reader._database._connection.execute("BEGIN")
    reader.fetches()
    store.release_fetch(number)  # would take five seconds, were it waited for
    reader.close()
    other = add(store, "0TH3R")
    store.release_fetch(other)
    assert found(profile, "S3CR3T") == found(profile, "0TH3R") == []
    store.close()


@pytest.mark.parametrize("seed", range(6))
def test_whatever_was_stored_beside_them(profile: Path, seed: int) -> None:
    """Rows of all sizes come, change, go and move from page to page."""
    rng = random.Random(seed)
    store = open_profile(profile)
    kept: dict[int, tuple[str, int]] = {}
    gone: list[str] = []
    for step in range(150):
        match rng.choice(("add", "add", "save", "save", "release")) if kept else "add":
            case "add":
                secret, records = f"S3CR3T-{step}.", rng.choice((1, 1, 3, 20))
                kept[add(store, secret, records, rng.choice((0, 50, 600, 4000, 9000)))] = secret, records
            case "save":
                number = rng.choice(list(kept))
                response = Response(headers=HeaderList.of([("X", "y" * rng.randrange(3000))]))
                index = rng.randrange(kept[number][1])
                store.save_record(number, index, RecordSnapshot(), response, None)
            case "release":
                number = rng.choice(list(kept))
                gone.append(kept.pop(number)[0])
                store.release_fetch(number)
    # Those of others may still be in the log, which is emptied when one that had any is released.
    last = add(store, "last")
    store.release_fetch(last)
    assert gone
    assert [secret for secret in gone if found(profile, secret)] == []
    store.close()
    assert [secret for secret in gone if found(profile, secret)] == []
