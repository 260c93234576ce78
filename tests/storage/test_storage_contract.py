"""What every Store does, in memory and on disk."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import attrs
import pytest

from swruntime.concepts.background import ImageResource, StoredHead
from swruntime.concepts.cookies import Cookie
from swruntime.concepts.environment import Environment
from swruntime.concepts.http import HeaderList, Request, Response, StoredBody
from swruntime.errors import OriginMismatch
from swruntime.machines.snapshots import FetchSnapshot, RecordSnapshot
from swruntime.ports.store import (
    Store,
    StoredFetch,
    StoredPeriodicSync,
    StoredRecord,
    StoredRegistration,
    StoredSync,
    StoredWorker,
)
from swruntime.storage import memory_store, open_profile
from swruntime.storage.store import SqlStore

KEY = "https://a.example"
SCOPE = "https://a.example/app/"
DONE = RecordSnapshot(result="success", status=200)


class Changed(Exception):
    """Raised inside a transaction, to take it back."""


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store: Store = memory_store() if request.param == "memory" else open_profile(tmp_path / "profile")
    yield store
    store.close()


def a_fetch(*records: StoredRecord, id: str = "ep-5", scope: str = SCOPE) -> StoredFetch:
    return StoredFetch(0, KEY, scope, id, "Episode 5", (), 1000, 0, FetchSnapshot(), records)


def a_record(body: int | None = None, url: str = "https://a.example/ep-5.mp3") -> StoredRecord:
    return StoredRecord(Request(url), RecordSnapshot(), body=body)


def a_body(store: Store, data: bytes = b"", storage_key: str = KEY) -> int:
    body = store.create_body(storage_key)
    if data:
        store.append(body, data)
    return body


def is_there(store: Store, body: int) -> bool:
    try:
        store.length(body)
    except FileNotFoundError:
        return False
    return True


# The origin


def test_origin_is_kept_and_no_other_is_taken(store: Store) -> None:
    before = store.origin
    assert before is None
    store.set_origin("http://localhost:8400")
    store.set_origin("http://localhost:8400")
    assert store.origin == "http://localhost:8400"
    with pytest.raises(OriginMismatch, match=r"localhost:8400.*https://other\.example"):
        store.set_origin("https://other.example")
    assert store.origin == "http://localhost:8400"


# Registrations


def test_registrations_come_back_in_the_order_of_their_creation(store: Store) -> None:
    first = StoredRegistration(KEY, SCOPE, "all", waiting=StoredWorker(f"{SCOPE}w.py", "installed"))
    second = StoredRegistration(KEY, "https://a.example/")
    store.save_registration(first)
    store.save_registration(second)
    scripts = (("https://b.example/a.js", "\x00\xff"), (f"{SCOPE}lib.js", "let a;"))
    worker = StoredWorker(f"{SCOPE}sw.js", "activated", "module", scripts)
    replaced = attrs.evolve(first, waiting=None, active=worker)
    store.save_registration(replaced)
    assert list(store.registrations()) == [replaced, second]


def test_a_registration_goes_with_its_background_fetches_alone(store: Store) -> None:
    store.save_registration(StoredRegistration(KEY, SCOPE))
    store.save_registration(StoredRegistration("https://b.example", SCOPE))
    body = a_body(store, b"x")
    store.add_fetch(a_fetch(a_record(body)))
    other = store.add_fetch(a_fetch(scope="https://a.example/"))
    store.delete_registration(KEY, SCOPE)
    assert [found.storage_key for found in store.registrations()] == ["https://b.example"]
    assert [found.number for found in store.fetches()] == [other]
    assert not is_there(store, body)


# Cookies


def test_cookies_come_back_and_replace_each_other(store: Store) -> None:
    whole = Cookie("a", "\xe9", "a.example", "/x", False, 12.5, True, True, "strict", 3.0)
    plain = Cookie("a", "", "a.example", "/x")
    store.save_cookies([whole, plain], [])
    assert list(store.cookies()) == [whole, plain], "host-only and not are two"
    newer = attrs.evolve(whole, value="b", expires=None)
    store.save_cookies([newer], [attrs.evolve(plain, value="of no interest")])
    assert list(store.cookies()) == [newer]


def test_cookies_are_all_saved_or_none(store: Store) -> None:
    with suppress(Changed), store.transaction():
        store.save_cookies([Cookie("a", "b", "a.example")], [])
        raise Changed
    assert list(store.cookies()) == []


# Syncs

SURROGATE = "tag \ud800 \x00"
"""A DOMString that is no Unicode text."""


def test_a_sync_comes_back_until_it_is_deleted(store: Store) -> None:
    first = StoredSync(0, KEY, SCOPE, SURROGATE)
    second = StoredSync(0, KEY, "https://a.example/", "", 2, 12.25)
    numbers = [store.add_sync(first), store.add_sync(second)]
    stored = [
        attrs.evolve(sync, number=number) for sync, number in zip((first, second), numbers, strict=True)
    ]
    assert list(store.syncs()) == stored
    store.save_sync(numbers[0], 1, 1_767_225_600.5)
    store.save_sync(numbers[1], 0, None)
    assert list(store.syncs()) == [
        attrs.evolve(stored[0], failures=1, retry_at=1_767_225_600.5),
        attrs.evolve(stored[1], failures=0, retry_at=None),
    ]
    store.delete_sync(numbers[0])
    assert [sync.number for sync in store.syncs()] == numbers[1:]
    assert store.add_sync(first) not in numbers


def test_a_sync_takes_the_place_of_one_with_its_tag_and_nobody_changes_it_by_the_old_number(
    store: Store,
) -> None:
    old = store.add_sync(StoredSync(0, KEY, SCOPE, "outbox", 2, 5.0))
    new = store.add_sync(StoredSync(0, KEY, SCOPE, "outbox"))
    store.save_sync(old, 1, None)
    store.delete_sync(old)
    assert list(store.syncs()) == [StoredSync(new, KEY, SCOPE, "outbox")]


def test_a_periodic_sync_comes_back_until_it_is_deleted(store: Store) -> None:
    sync = StoredPeriodicSync(0, KEY, SCOPE, SURROGATE, 60.5, 100.25)
    old = store.add_periodic_sync(sync)
    number = store.add_periodic_sync(sync)
    store.save_periodic_sync(old, 1, 1)
    store.delete_periodic_sync(old)
    assert list(store.periodic_syncs()) == [attrs.evolve(sync, number=number)]
    store.save_periodic_sync(number, 0, 200)
    assert list(store.periodic_syncs()) == [StoredPeriodicSync(number, KEY, SCOPE, SURROGATE, 0, 200)]
    store.delete_periodic_sync(number)
    assert list(store.periodic_syncs()) == []


def test_syncs_go_with_their_registration_and_the_last_fire_stays_with_its_origin(store: Store) -> None:
    other = "https://a.example/other/"
    for scope in (SCOPE, other):
        store.save_registration(StoredRegistration(KEY, scope))
        store.add_sync(StoredSync(0, KEY, scope, "outbox"))
        store.add_periodic_sync(StoredPeriodicSync(0, KEY, scope, "news", 0, 0))
    assert store.last_periodic_fire(KEY) is None
    store.save_last_periodic_fire(KEY, 1.5)
    store.save_last_periodic_fire(KEY, 2.5)
    store.delete_registration(KEY, SCOPE)
    assert [sync.scope for sync in store.syncs()] == [other]
    assert [sync.scope for sync in store.periodic_syncs()] == [other]
    assert store.last_periodic_fire(KEY) == 2.5
    assert store.last_periodic_fire("https://b.example") is None


def test_what_a_transaction_did_to_syncs_is_taken_back_with_it(store: Store) -> None:
    kept = store.add_sync(StoredSync(0, KEY, SCOPE, "kept"))
    with suppress(Changed), store.transaction():
        store.add_sync(StoredSync(0, KEY, SCOPE, "other"))
        store.delete_sync(kept)
        raise Changed
    assert [sync.tag for sync in store.syncs()] == ["kept"]


# Background fetches


def test_everything_of_a_background_fetch_comes_back(store: Store) -> None:
    upload = a_body(store, b"upload")
    body = a_body(store, b"stored")
    client = Environment("https://a.example/page", KEY, ("default-src 'self'",), "origin")
    records = (
        StoredRecord(
            Request(
                "https://a.example/ep-5.mp3?x#y",
                "PUT",
                HeaderList.of([("X-Latin", "\xe9\x80"), ("x-latin", "")]),
                StoredBody(upload, 6),
                mode="same-origin",
                client=client,
            ),
            RecordSnapshot(
                "bad-status", "status", "the server said no", 404, StoredHead(206, '"e"', "L", True, 99), True
            ),
            Response(
                404, "Not Found", HeaderList.of([("ETag", '"e"')]), ("https://a.example/1", "u"), "cors"
            ),
            body,
        ),
        StoredRecord(Request("https://a.example/post", "POST", body=b"\x00\xff"), RecordSnapshot()),
    )
    fetch = StoredFetch(
        0,
        KEY,
        SCOPE,
        "an id\ud800\x00",
        "a title\udfff",
        (ImageResource("https://a.example/icon.png", "300x300", "image/png", "\U0001f399"),),
        2**64 - 1,
        6,
        FetchSnapshot("paused", "the user", "bad-status", "status", "m", 5, 6, "owed", 3),
        records,
    )
    number = store.add_fetch(fetch)
    assert list(store.fetches()) == [attrs.evolve(fetch, number=number)]


def test_what_is_saved_replaces_what_was(store: Store) -> None:
    number = store.add_fetch(a_fetch(a_record(), a_record()))
    body = a_body(store, b"abc")
    icons = (ImageResource("https://a.example/icon.png"),)
    store.save_fetch(number, FetchSnapshot("success", downloaded=3, event="owed"))
    store.save_fetch_ui(number, "Ready", icons)
    store.save_record(number, 1, DONE, Response(200), body)
    (found,) = store.fetches()
    assert (found.title, found.icons, found.id) == ("Ready", icons, "ep-5")
    assert found.snapshot == FetchSnapshot("success", downloaded=3, event="owed")
    assert found.records[0] == a_record()
    assert found.records[1] == StoredRecord(a_record().request, DONE, Response(200), body)


def test_the_state_of_a_record_is_saved_beside_its_response(store: Store) -> None:
    number = store.add_fetch(a_fetch(a_record(), a_record()))
    body = a_body(store, b"abc")
    store.save_record(number, 1, RecordSnapshot(), Response(200), body)
    store.save_record_state(number, 1, DONE, body)
    store.save_record_state(number, 0, DONE, None)
    (found,) = store.fetches()
    assert found.records[0] == StoredRecord(a_record().request, DONE, None, None)
    assert found.records[1] == StoredRecord(a_record().request, DONE, Response(200), body)


def test_the_state_of_a_record_is_not_saved_beside_another_body(store: Store) -> None:
    """Its length would be counted for a body that is not the record's."""
    number = store.add_fetch(a_fetch(a_record()))
    body, other = a_body(store, b"abc"), a_body(store, b"defg")
    store.save_record(number, 0, RecordSnapshot(), Response(200), body)
    for wrong in (other, None):
        with pytest.raises(KeyError):
            store.save_record_state(number, 0, DONE, wrong)
    (found,) = store.fetches()
    assert found.records[0].snapshot == RecordSnapshot()


def test_what_is_refused_in_a_transaction_leaves_the_rest_of_it(store: Store) -> None:
    number = store.add_fetch(a_fetch(a_record()))
    kept = a_body(store, b"abc")
    gone = store.open_cache(KEY, "gone")
    store.delete_cache(KEY, "gone")
    with store.transaction():
        store.save_record(number, 0, DONE, Response(200), kept)
        for refused in (
            lambda: store.put_entry(gone, Request("u"), Response(), kept),
            lambda: store.save_record(number, 0, DONE, None, 99),
            lambda: store.save_record_state(number, 1, DONE, None),
            lambda: store.save_fetch(number + 1, FetchSnapshot()),
        ):
            with pytest.raises((KeyError, FileNotFoundError)):
                refused()
        after = store.create_body(KEY)
        store.pin(after)
    (found,) = store.fetches()
    assert found.records[0] == StoredRecord(a_record().request, DONE, Response(200), kept)
    assert store.length(after) == 0


def test_a_number_is_never_used_again(store: Store) -> None:
    first = store.add_fetch(a_fetch())
    store.release_fetch(first)
    lost = []
    with suppress(Changed), store.transaction():
        lost.append(store.add_fetch(a_fetch()))
        raise Changed
    assert len({first, *lost, store.add_fetch(a_fetch())}) == 3


def test_what_is_gone_cannot_be_saved(store: Store) -> None:
    number = store.add_fetch(a_fetch(a_record()))
    with pytest.raises(KeyError):
        store.save_record(number, 1, DONE, None, None)
    with pytest.raises(KeyError):
        store.save_record_state(number, 1, DONE, None)
    store.release_fetch(number)
    store.release_fetch(number)
    with pytest.raises(KeyError):
        store.save_fetch(number, FetchSnapshot())
    with pytest.raises(KeyError):
        store.save_fetch_ui(number, "", ())
    with pytest.raises(KeyError):
        store.save_record(number, 0, DONE, None, None)
    assert list(store.fetches()) == []


def test_a_reference_to_no_body_is_refused_whole(store: Store) -> None:
    number = store.add_fetch(a_fetch(a_record()))
    cache = store.open_cache(KEY, "episodes")
    with pytest.raises(FileNotFoundError):
        store.save_record(number, 0, DONE, None, 99)
    with pytest.raises(FileNotFoundError):
        store.add_fetch(a_fetch(a_record(), a_record(99)))
    with pytest.raises(FileNotFoundError):
        store.add_fetch(a_fetch(StoredRecord(Request("u", body=StoredBody(99, 1)), RecordSnapshot())))
    with pytest.raises(FileNotFoundError):
        store.put_entry(cache, Request("u"), Response(), 99)
    assert [found.number for found in store.fetches()] == [number]
    assert list(store.cache_entries(cache)) == []


# Bodies


def test_a_body_grows_and_is_read_anywhere(store: Store) -> None:
    body = store.create_body(KEY)
    assert (store.length(body), store.read(body, 0, 10)) == (0, b"")
    store.append(body, b"abc")
    store.append(body, b"")
    store.append(body, b"def")
    store.finish_body(body)
    store.append(body, b"g")
    assert store.length(body) == 7
    assert store.read(body, 0, 100) == b"abcdefg"
    assert store.read(body, 2, 3) == b"cde"
    assert store.read(body, 7, 1) == store.read(body, 99, 1) == b""


def test_a_body_is_a_row_before_it_has_bytes(store: Store) -> None:
    with store.transaction():
        body = store.create_body(KEY)
        with pytest.raises(RuntimeError, match="not committed"):
            store.append(body, b"early")
        assert (store.length(body), store.read(body, 0, 1)) == (0, b"")
    store.append(body, b"now")
    assert store.read(body, 0, 9) == b"now"


def test_a_body_that_was_rolled_back_never_was(store: Store) -> None:
    made = []
    with suppress(Changed), store.transaction():
        made.append(store.create_body(KEY))
        store.pin(made[0])
        raise Changed
    assert not is_there(store, made[0])
    store.unpin(made[0])
    assert store.create_body(KEY) not in made


def test_every_method_says_that_a_body_is_gone(store: Store) -> None:
    for operation in (
        lambda: store.append(99, b""),
        lambda: store.length(99),
        lambda: store.read(99, 0, 1),
        lambda: store.finish_body(99),
        lambda: store.pin(99),
    ):
        with pytest.raises(FileNotFoundError):
            operation()


def test_a_body_goes_with_its_last_reference(store: Store) -> None:
    body = a_body(store, b"shared")
    number = store.add_fetch(a_fetch(a_record(body), a_record(body)))
    cache = store.open_cache(KEY, "episodes")
    entry = store.put_entry(cache, Request("https://a.example/"), Response(), body)
    store.release_fetch(number)
    assert store.read(body, 0, 9) == b"shared"
    store.delete_entries([entry])
    assert not is_there(store, body)


def test_an_upload_goes_with_its_request(store: Store) -> None:
    upload = a_body(store, b"up")
    request = Request("https://a.example/", "POST", body=StoredBody(upload, 2))
    number = store.add_fetch(a_fetch(StoredRecord(request, RecordSnapshot())))
    cache = store.open_cache(KEY, "uploads")
    store.put_entry(cache, request, Response(), None)
    store.release_fetch(number)
    assert is_there(store, upload)
    store.delete_cache(KEY, "uploads")
    assert not is_there(store, upload)


def test_a_reference_may_move_within_a_transaction(store: Store) -> None:
    body = a_body(store, b"kept")
    number = store.add_fetch(a_fetch(a_record(body)))
    with store.transaction():
        store.release_fetch(number)
        store.put_entry(store.open_cache(KEY, "c"), Request("u"), Response(), body)
    assert store.read(body, 0, 9) == b"kept"


def test_a_rollback_gives_the_last_reference_back(store: Store) -> None:
    body = a_body(store, b"kept")
    number = store.add_fetch(a_fetch(a_record(body)))
    with suppress(Changed), store.transaction():
        store.release_fetch(number)
        raise Changed
    store.set_origin(KEY)  # another commit
    assert store.read(body, 0, 9) == b"kept"
    assert [found.number for found in store.fetches()] == [number]


def test_a_rollback_drops_nothing_later(store: Store) -> None:
    body = a_body(store, b"not referred to yet")
    number = store.add_fetch(a_fetch(a_record()))
    with suppress(Changed), store.transaction():
        store.save_record(number, 0, DONE, None, body)
        store.save_record(number, 0, DONE, None, None)
        raise Changed
    store.set_origin(KEY)  # another commit
    assert is_there(store, body)


def test_an_inner_rollback_drops_nothing_later(store: Store) -> None:
    body = a_body(store, b"not referred to yet")
    with store.transaction(), suppress(Changed), store.transaction():
        store.release_fetch(store.add_fetch(a_fetch(a_record(body))))
        raise Changed
    assert is_there(store, body)


def test_a_record_that_starts_over_lets_its_body_go(store: Store) -> None:
    old = a_body(store, b"old")
    number = store.add_fetch(a_fetch(a_record(old)))
    store.save_record(number, 0, RecordSnapshot(), None, old)
    assert is_there(store, old)
    store.pin(old)
    new = a_body(store, b"new")
    store.save_record(number, 0, RecordSnapshot(), None, new)
    assert store.read(old, 0, 9) == b"old"
    store.unpin(old)
    assert not is_there(store, old)
    assert is_there(store, new)


def test_pins_are_counted(store: Store) -> None:
    body = a_body(store)
    store.pin(body)
    store.pin(body)
    store.unpin(body)
    assert is_there(store, body)
    store.unpin(body)
    assert not is_there(store, body)
    with pytest.raises(ValueError, match="not pinned"):
        store.unpin(body)


def test_the_garbage_collector_lets_go_in_another_thread(store: Store) -> None:
    body, other = a_body(store), a_body(store)
    store.pin(body)
    store.pin(other)
    store.pin(other)
    with ThreadPoolExecutor() as threads:
        for each in (body, other):
            threads.submit(store.unpin, each).result()
    a_body(store)  # the next commit
    assert not is_there(store, body)
    assert is_there(store, other)


@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "COMMIT"])
def test_the_garbage_collector_lets_go_in_the_middle_of_a_transaction(
    store: Store, statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = a_body(store)
    store.pin(body)
    database = store._database  # type: ignore[attr-defined] # no other way to be there between two lines
    execute = database.execute

    def collecting(sql: str, parameters: tuple[object, ...] = ()) -> object:
        answer = execute(sql, parameters)
        if sql == statement:
            monkeypatch.undo()
            store.unpin(body)
        return answer

    monkeypatch.setattr(database, "execute", collecting)
    store.create_body(KEY)
    store.create_body(KEY)
    assert not is_there(store, body)


def test_an_unpinned_body_stays_while_something_refers_to_it(store: Store) -> None:
    body = a_body(store)
    store.pin(body)
    number = store.add_fetch(a_fetch(a_record(body)))
    store.unpin(body)
    assert is_there(store, body)
    store.release_fetch(number)
    assert not is_there(store, body)


async def test_sync_takes_any_bodies(store: Store) -> None:
    empty, full, gone = a_body(store), a_body(store, b"x" * 1000), a_body(store, b"x")
    store.pin(gone)
    store.unpin(gone)
    await store.sync([empty, full, gone, 99])
    store.append(full, b"y")
    await store.sync([full])
    await store.sync([])
    assert store.length(full) == 1001


async def test_a_body_may_go_with_the_commit_that_notes_its_sync(store: Store) -> None:
    body = a_body(store, b"x")
    store.pin(body)
    with suppress(Changed), store.transaction():
        store.unpin(body)
        raise Changed
    assert is_there(store, body)
    await store.sync([body])
    assert not is_there(store, body)


async def test_nobody_waits_inside_a_transaction(store: Store) -> None:
    with store.transaction(), pytest.raises(RuntimeError, match="inside a transaction"):
        await store.sync([])


# Transactions


@pytest.mark.parametrize("durable", [False, True])
def test_a_transaction_is_all_or_nothing(store: Store, durable: bool) -> None:
    with store.transaction(durable=durable):
        kept = store.add_fetch(a_fetch())
    with suppress(Changed), store.transaction(durable=durable):
        store.save_fetch(kept, FetchSnapshot("aborted"))
        store.add_fetch(a_fetch())
        store.open_cache(KEY, "c")
        store.save_registration(StoredRegistration(KEY, SCOPE))
        raise Changed
    assert [(found.number, found.snapshot) for found in store.fetches()] == [(kept, FetchSnapshot())]
    assert list(store.cache_names(KEY)) == []
    assert list(store.registrations()) == []


@pytest.mark.parametrize("durable", [False, True])
def test_an_inner_transaction_is_part_of_the_outer(store: Store, durable: bool) -> None:
    with suppress(Changed), store.transaction():
        with store.transaction(durable=durable):
            store.open_cache(KEY, "c")
        raise Changed
    assert list(store.cache_names(KEY)) == []
    with store.transaction(), store.transaction(durable=durable):
        store.open_cache(KEY, "c")
    assert list(store.cache_names(KEY)) == ["c"]


def test_an_inner_transaction_that_fails_takes_back_its_own(store: Store) -> None:
    made = {}
    with store.transaction():
        made["outer"] = store.create_body(KEY)
        store.open_cache(KEY, "outer")
        with suppress(Changed), store.transaction():
            made["inner"] = store.create_body(KEY)
            store.open_cache(KEY, "inner")
            raise Changed
        assert not is_there(store, made["inner"])
    assert list(store.cache_names(KEY)) == ["outer"]
    store.append(made["outer"], b"x")
    assert not is_there(store, made["inner"])


def test_an_inner_rollback_keeps_what_the_outer_dropped(store: Store) -> None:
    body = a_body(store)
    number = store.add_fetch(a_fetch(a_record(body)))
    with store.transaction():
        store.release_fetch(number)
        with suppress(Changed), store.transaction():
            raise Changed
    assert not is_there(store, body)


# Caches


def test_caches_have_names_in_the_order_of_their_creation(store: Store) -> None:
    z = store.open_cache(KEY, "z")
    a = store.open_cache(KEY, "a\ud800")
    assert store.open_cache(KEY, "z") == z
    assert store.open_cache("https://b.example", "z") not in (z, a)
    assert list(store.cache_names(KEY)) == ["z", "a\ud800"]
    assert store.delete_cache(KEY, "z")
    assert not store.delete_cache(KEY, "z")
    assert list(store.cache_names(KEY)) == ["a\ud800"]
    assert list(store.cache_names("https://b.example")) == ["z"]
    assert store.open_cache(KEY, "z") not in (z, a)


def test_entries_are_found_by_their_url_without_fragment_and_query(store: Store) -> None:
    cache = store.open_cache(KEY, "c")
    urls = [
        "https://a.example/x?1",
        "https://a.example/y",
        "https://a.example/x#?f",
        "https://a.example/x?2#f",
        "https://a.example/x/z?1",
        "https://a.example/x@",
        "https://a.example/x?",
        "https://a.example/xy",
    ]
    entries = [store.put_entry(cache, Request(url), Response(201, url_list=(url,)), None) for url in urls]
    found = store.cache_entries(cache)
    assert [entry.id for entry in found] == entries
    assert [entry.request for entry in found] == [Request(url) for url in urls]
    assert [entry.response.url for entry in found] == urls

    def found_by(url: str, *, ignore_search: bool = False) -> list[int]:
        """Their places in `urls`."""
        answer = store.cache_entries(cache, url, ignore_search=ignore_search)
        return [entries.index(entry.id) for entry in answer]

    assert found_by("https://a.example/x?3", ignore_search=True) == [0, 2, 3, 6]
    assert found_by("https://a.example/x", ignore_search=True) == [0, 2, 3, 6]
    assert found_by("https://a.example/x?2") == [3]
    assert found_by("https://a.example/x#g") == [2]
    assert found_by("https://a.example/x?") == [6]
    assert found_by("https://a.example/x?3") == []
    assert found_by("https://a.example/X", ignore_search=True) == []


def test_the_same_request_may_have_several_entries(store: Store) -> None:
    """Identity is not the URL: which entries a put replaces, Vary considered, is for whoever puts."""
    cache = store.open_cache(KEY, "c")
    first = store.put_entry(cache, Request("u"), Response(), None)
    second = store.put_entry(cache, Request("u"), Response(), None)
    store.delete_entries([first, 99])
    assert [entry.id for entry in store.cache_entries(cache, "u")] == [second]


def test_a_deleted_cache_takes_nothing_and_gives_nothing(store: Store) -> None:
    cache = store.open_cache(KEY, "c")
    body = a_body(store)
    entry = store.put_entry(cache, Request("u"), Response(), body)
    store.delete_cache(KEY, "c")
    again = store.open_cache(KEY, "c")
    with pytest.raises(KeyError):
        store.put_entry(cache, Request("u"), Response(), None)
    store.delete_entries([entry])
    assert list(store.cache_entries(cache)) == list(store.cache_entries(again)) == []
    assert not is_there(store, body)


# Space


def test_usage_counts_every_body_once_by_storage_key(store: SqlStore) -> None:
    body, other = a_body(store, b"12345"), a_body(store, b"1", "https://b.example")
    number = store.add_fetch(a_fetch(a_record(body), a_record(body)))
    store.put_entry(store.open_cache(KEY, "c"), Request("u"), Response(), body)
    assert (
        store._bodies.usage(KEY),
        store._bodies.usage("https://b.example"),
        store._bodies.usage("https://c.example"),
    ) == (5, 1, 0)
    store.append(body, b"67")
    assert store._bodies.usage(KEY) == 7
    store.pin(body)
    store.delete_cache(KEY, "c")
    store.release_fetch(number)
    assert store._bodies.usage(KEY) == 7
    store.unpin(body)
    assert (store._bodies.usage(KEY), store.length(other)) == (0, 1)


def test_the_disk_has_a_size(store: Store) -> None:
    assert store.disk_size() > 0


def test_closing_twice_is_closing_once(store: Store) -> None:
    store.close()
    store.close()
