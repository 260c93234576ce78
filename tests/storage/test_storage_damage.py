"""Bodies whose files are shorter than what was stored, longer, or gone: nobody takes them for whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from swruntime.concepts.http import Request, Response, StoredBody
from swruntime.errors import BodyDamaged
from swruntime.machines.snapshots import FetchSnapshot, RecordSnapshot
from swruntime.ports.store import StoredFetch, StoredRecord
from swruntime.storage import open_profile, verify
from swruntime.storage.store import SqlStore

KEY = "https://a.example"
URL = f"{KEY}/file"
CONTENT = b"0123456789"

Damage = Callable[[Path], object]

SHORTER: list[tuple[Damage, str]] = [
    (lambda path: path.write_bytes(CONTENT[:4]), "has 4 bytes of 10"),
    (lambda path: path.write_bytes(b""), "is missing"),
    (lambda path: path.unlink(), "is missing"),
]
LONGER: list[tuple[Damage, str]] = [
    (lambda path: path.write_bytes(CONTENT + b"!"), "has 11 bytes, and 10 were stored"),
    (lambda path: path.write_bytes(CONTENT * 1000), "has 10000 bytes, and 10 were stored"),
]


def stored(store: SqlStore, content: bytes = CONTENT) -> int:
    body = store.create_body(KEY)
    store.append(body, content)
    store.finish_body(body)
    trio.run(store.sync, [body])
    return body


def cached(profile: Path) -> Path:
    """A profile with one cache entry; the path of its body's file."""
    store = open_profile(profile)
    body = stored(store)
    store.put_entry(store.open_cache(KEY, "c"), Request(URL), Response(), body)
    store.close()
    return profile / "bodies" / str(body)


def fetch_with(*records: StoredRecord, state: FetchSnapshot | None = None) -> StoredFetch:
    return StoredFetch(0, KEY, f"{KEY}/", "a", "", (), 0, 0, state or FetchSnapshot(), records)


def only_body(store: SqlStore) -> int:
    ((entry,),) = [store.cache_entries(store.open_cache(KEY, name)) for name in store.cache_names(KEY)]
    assert entry.body is not None
    return entry.body


@pytest.mark.parametrize(("damage", "told"), SHORTER + LONGER)
def test_a_reader_is_told_and_shown_the_length_that_was_stored(
    tmp_path: Path, damage: Damage, told: str
) -> None:
    path = cached(tmp_path / "profile")
    store = open_profile(tmp_path / "profile", read_only=True)
    assert store.damage(only_body(store)) is None
    damage(path)
    assert store.damage(only_body(store)) == f"bodies/{path.name} {told}"
    assert store.length(only_body(store)) == 10
    assert verify(tmp_path / "profile") == [f"bodies/{path.name} {told}"]
    store.close()


@pytest.mark.parametrize(("damage", "told"), SHORTER)
@pytest.mark.parametrize("read_only", [True, False])
def test_a_body_that_lost_bytes_while_it_is_open_does_not_end_early(
    tmp_path: Path, damage: Damage, told: str, read_only: bool
) -> None:
    path = cached(tmp_path / "profile")
    store = open_profile(tmp_path / "profile", read_only=read_only)
    body = only_body(store)
    assert store.read(body, 0, 99) == CONTENT
    damage(path)
    with pytest.raises(BodyDamaged, match=told):
        store.read(body, 0, 99)
    assert store.damage(body) == f"bodies/{body} {told}"
    store.close()


@pytest.mark.parametrize("read_only", [True, False])
def test_what_another_hand_appends_is_never_read(tmp_path: Path, read_only: bool) -> None:
    path = cached(tmp_path / "profile")
    store = open_profile(tmp_path / "profile", read_only=read_only)
    path.write_bytes(CONTENT + b"garbage")
    assert store.read(only_body(store), 0, 99) == CONTENT
    assert store.read(only_body(store), 10, 99) == b""
    store.close()


@pytest.mark.parametrize(("damage", "told"), SHORTER)
def test_a_cache_entry_that_lost_bytes_goes_and_is_named(tmp_path: Path, damage: Damage, told: str) -> None:
    path = cached(tmp_path / "profile")
    damage(path)
    store = open_profile(tmp_path / "profile")
    (gone,) = store.gone
    assert gone.startswith(f"{URL} is gone from the cache 'c': bodies/{path.name} has ")
    assert not store.cache_entries(store.open_cache(KEY, "c"))
    store.close()
    assert verify(tmp_path / "profile") == []


@pytest.mark.parametrize(("damage", "told"), LONGER)
@pytest.mark.parametrize("boot", ["one", "two"])
def test_what_comes_after_a_complete_body_is_cut_off_and_told(
    tmp_path: Path, damage: Damage, told: str, boot: str
) -> None:
    profile = tmp_path / "profile"
    store = open_profile(profile, boot_id="one")
    body = stored(store)
    done = RecordSnapshot("success", status=200)
    store.add_fetch(fetch_with(StoredRecord(Request(URL), done, Response(), body)))
    store.close()
    damage(profile / "bodies" / str(body))
    store = open_profile(profile, boot_id=boot)
    assert store.losses == [f"bodies/{body} {told}: what comes after them was cut off"]
    assert store.gone == []
    assert (store.length(body), store.read(body, 0, 99)) == (10, CONTENT)
    assert (profile / "bodies" / str(body)).read_bytes() == CONTENT
    store.close()


def half_way(profile: Path) -> Path:
    store = open_profile(profile)
    body = stored(store)
    store.add_fetch(fetch_with(StoredRecord(Request(URL), RecordSnapshot(), Response(), body)))
    store.close()
    return profile / "bodies" / str(body)


def test_what_was_appended_to_half_a_body_is_dropped_before_it_goes_on(tmp_path: Path) -> None:
    path = half_way(tmp_path / "profile")
    path.write_bytes(CONTENT + b"garbage")
    assert verify(tmp_path / "profile") == [f"bodies/{path.name} has 17 bytes, and 10 were stored"]
    store = open_profile(tmp_path / "profile")
    assert store.length(int(path.name)) == 10
    store.append(int(path.name), b"more")
    assert store.read(int(path.name), 0, 99) == CONTENT + b"more"
    store.close()
    assert verify(tmp_path / "profile") == []


def test_half_a_body_that_grew_before_the_process_died_is_not_cut(tmp_path: Path) -> None:
    """The note of the process before says nothing any more: what was written counts."""
    path = half_way(tmp_path / "profile")
    store = open_profile(tmp_path / "profile")
    store.append(int(path.name), b"more")
    store._database.close()  # without the notes of a close
    store._release()
    store = open_profile(tmp_path / "profile")
    assert (store.losses, store.length(int(path.name))) == ([], 14)
    store.close()


def test_half_a_body_that_is_short_goes_on_from_there(tmp_path: Path) -> None:
    path = half_way(tmp_path / "profile")
    path.write_bytes(CONTENT[:4])
    store = open_profile(tmp_path / "profile")
    assert store.length(int(path.name)) == 4
    assert len(store.losses) == 1
    assert store.gone == [], "it is asked for again"
    (fetch,) = store.fetches()
    assert fetch.records[0].snapshot == RecordSnapshot()
    store.close()


def test_after_a_power_failure_half_a_body_is_no_loss(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    store = open_profile(profile, boot_id="one")
    body = stored(store)
    store.append(body, b"not synced")
    store.add_fetch(fetch_with(StoredRecord(Request(URL), RecordSnapshot(), Response(), body)))
    store.close()
    store = open_profile(profile, boot_id="two")
    assert (store.losses, store.gone, store.length(body)) == ([], [], 10)
    store.close()


@pytest.mark.parametrize(("damage", "told"), SHORTER)
def test_a_part_of_an_upload_is_never_sent(tmp_path: Path, damage: Damage, told: str) -> None:
    profile = tmp_path / "profile"
    store = open_profile(profile)
    body = stored(store)
    request = Request(URL, "POST", body=StoredBody(body, 10))
    store.add_fetch(
        fetch_with(StoredRecord(request, RecordSnapshot()), StoredRecord(Request(URL), RecordSnapshot()))
    )
    store.close()
    damage(profile / "bodies" / str(body))
    assert verify(profile) == [f"bodies/{body} {told}"]
    store = open_profile(profile)
    assert len(store.gone) == 1
    assert store.gone[0].startswith(f"{URL} is lost to background fetch 'a'")
    (fetch,) = store.fetches()
    assert [record.snapshot.result for record in fetch.records] == ["fetch-error", ""]
    assert fetch.records[0].snapshot.cause == "truncated"
    store.close()


def test_a_longer_upload_is_cut(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    store = open_profile(profile)
    body = stored(store)
    store.add_fetch(
        fetch_with(StoredRecord(Request(URL, "POST", body=StoredBody(body, 10)), RecordSnapshot()))
    )
    store.close()
    (profile / "bodies" / str(body)).write_bytes(CONTENT + b"x")
    assert verify(profile) == [f"bodies/{body} has 11 bytes, and 10 were stored"]
    store = open_profile(profile)
    assert store.read(body, 0, 99) == CONTENT
    store.close()


def test_the_body_of_a_bad_status_is_counted_too(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    store = open_profile(profile)
    body = stored(store)
    settled = FetchSnapshot("failure", event="owed")
    store.add_fetch(
        fetch_with(
            StoredRecord(Request(URL), RecordSnapshot("bad-status", status=404), Response(404), body),
            state=settled,
        )
    )
    store.close()
    (profile / "bodies" / str(body)).write_bytes(b"01")
    assert verify(profile) == [f"bodies/{body} has 2 bytes of 10"]
    store = open_profile(profile)
    (fetch,) = store.fetches()
    assert (fetch.records[0].snapshot.result, fetch.records[0].snapshot.cause) == ("fetch-error", "truncated")
    assert len(store.gone) == 1
    store.close()


def test_what_another_hand_appends_to_a_growing_body_is_not_in_it(tmp_path: Path) -> None:
    store = open_profile(tmp_path / "profile")
    body = store.create_body(KEY)
    store.append(body, b"01234")
    with open(tmp_path / "profile" / "bodies" / str(body), "ab") as file:
        file.write(b"garbage")
    store.append(body, b"56789")
    assert store.read(body, 0, 99) == CONTENT
    store.put_entry(store.open_cache(KEY, "c"), Request(URL), Response(), body)
    assert verify(tmp_path / "profile") == []
    store.close()


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize(("damage", "told"), SHORTER)
def test_nothing_is_appended_where_bytes_are_missing(
    tmp_path: Path, damage: Damage, told: str, finished: bool
) -> None:
    """Zeros would be there in their place."""
    store = open_profile(tmp_path / "profile")
    body = store.create_body(KEY)
    store.append(body, CONTENT)
    if finished:
        store.finish_body(body)
    path = tmp_path / "profile" / "bodies" / str(body)
    damage(path)
    before = path.read_bytes() if path.exists() else b""
    with pytest.raises(BodyDamaged, match=told):
        store.append(body, b"more")
    assert (path.read_bytes() if path.exists() else b"") == before
    store.close()


def test_an_empty_body_is_counted_as_well(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    store = open_profile(profile)
    body = store.create_body(KEY)
    store.put_entry(store.open_cache(KEY, "c"), Request(URL), Response(), body)
    store.close()
    assert verify(profile) == []
    (profile / "bodies").mkdir(exist_ok=True)
    (profile / "bodies" / str(body)).write_bytes(b"x")
    assert verify(profile) == [f"bodies/{body} has 1 bytes, and 0 were stored"]
    store = open_profile(profile)
    assert store.read(body, 0, 9) == b""
    store.close()
    assert verify(profile) == []
