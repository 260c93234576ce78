"""What a profile goes on from after the process or the power died."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
import trio.testing

import swruntime
from swruntime.concepts.background import StoredHead
from swruntime.concepts.http import Request, Response, StoredBody
from swruntime.errors import NotAProfile
from swruntime.machines.snapshots import FetchSnapshot, FetchStateName, RecordSnapshot
from swruntime.ports.store import Store, StoredFetch, StoredRecord
from swruntime.storage import files, open_profile, verify
from swruntime.storage.database import Database
from swruntime.storage.files import FileBodies
from swruntime.storage.store import SqlStore

KEY = "https://a.example"
SCOPE = "https://a.example/"
HEAD = StoredHead(200, '"etag"', complete_length=10)
DONE = RecordSnapshot("success", status=200, head=HEAD, restarted=True)


def a_fetch(*records: StoredRecord, snapshot: FetchSnapshot | None = None) -> StoredFetch:
    return StoredFetch(0, KEY, SCOPE, "ep-5", "", (), 0, 0, snapshot or FetchSnapshot(), records)


def a_record(body: int | None, snapshot: RecordSnapshot = DONE) -> StoredRecord:
    return StoredRecord(Request("https://a.example/ep-5.mp3"), snapshot, Response(200), body)


def body_of(store: Store, data: bytes, *, synced: int | None = None) -> int:
    """A body of `data`, of which `synced` bytes are at a checkpoint."""
    body = store.create_body(KEY)
    store.pin(body)
    if synced is not None:
        store.append(body, data[:synced])
        trio.run(store.sync, [body])
    store.append(body, data[synced or 0 :])
    return body


def only_record(store: Store) -> StoredRecord:
    ((record,),) = [fetch.records for fetch in store.fetches()]
    return record


def die_of_power(directory: Path, store: Store) -> SqlStore:
    """Rows are all on the disk, bytes no further than they were synced: the worst that can be."""
    store.close()
    return open_profile(directory, boot_id="the next boot")


# The process died


CHILD = """
import os, signal, sys
from pathlib import Path
from swruntime.concepts.http import Request
from swruntime.machines.snapshots import FetchSnapshot, RecordSnapshot
from swruntime.ports.store import StoredFetch, StoredRecord
from swruntime.storage import open_profile
from swruntime.storage.files import FileBodies

def die(*_): os.kill(os.getpid(), signal.SIGKILL)
def fetch_of(body):
    record = StoredRecord(Request("https://a.example/x"), RecordSnapshot(), body=body)
    return StoredFetch(0, "k", "https://a.example/", "id", "", (), 0, 0, FetchSnapshot(), (record,))

store = open_profile(Path(sys.argv[1]))
"""


def killed(directory: Path, story: str) -> SqlStore:
    """The profile after a process that ran `story` was killed by it, as one of the same boot finds it."""
    root = Path(swruntime.__file__).parents[1]
    ended = subprocess.run([sys.executable, "-c", CHILD + story, str(directory.absolute())], cwd=root)
    assert ended.returncode == -9, "the story did not come to its end"
    return open_profile(directory)


def test_a_byte_that_was_written_outlives_the_process(tmp_path: Path) -> None:
    store = killed(
        tmp_path / "profile",
        "body = store.create_body('k'); store.add_fetch(fetch_of(body))\n"
        "store.append(body, b'12345'); store.append(body, b'678'); die()",
    )
    body = only_record(store).body
    assert body is not None
    assert store.read(body, 0, 99) == b"12345678"
    assert store._bodies.usage("k") == 8
    store.append(body, b"9")
    assert store.read(body, 0, 99) == b"123456789"
    store.close()
    assert verify(tmp_path / "profile") == []


def test_killed_between_the_row_and_the_file(tmp_path: Path) -> None:
    store = killed(
        tmp_path / "profile",
        "body = store.create_body('k'); store.add_fetch(fetch_of(body))\n"
        "FileBodies._file = die; store.append(body, b'12345')",
    )
    body = only_record(store).body
    assert body is not None
    assert store.length(body) == 0
    store.append(body, b"1")
    assert store.read(body, 0, 99) == b"1"
    store.close()


def test_killed_before_anything_refers_to_the_body(tmp_path: Path) -> None:
    directory = tmp_path / "profile"
    store = killed(directory, "store.append(store.create_body('k'), b'12345'); die()")
    assert store._bodies.usage("k") == 0
    assert list((directory / "bodies").iterdir()) == []
    store.close()


def test_killed_between_the_last_reference_and_the_file(tmp_path: Path) -> None:
    directory = tmp_path / "profile"
    store = killed(
        directory,
        "body = store.create_body('k'); store.append(body, b'12345')\n"
        "number = store.add_fetch(fetch_of(body)); FileBodies.delete = die; store.release_fetch(number)",
    )
    assert list(store.fetches()) == []
    assert list((directory / "bodies").iterdir()) == []
    store.close()


def test_killed_inside_a_transaction(tmp_path: Path) -> None:
    directory = tmp_path / "profile"
    store = killed(
        directory,
        "number = store.add_fetch(fetch_of(None))\n"
        "with store.transaction():\n"
        "    store.save_record(number, 0, RecordSnapshot('success'), None, store.create_body('k'))\n"
        "    store.save_fetch(number, FetchSnapshot('success', event='owed'))\n"
        "    die()",
    )
    assert only_record(store).snapshot == RecordSnapshot()
    assert store.fetches()[0].snapshot == FetchSnapshot()
    store.close()


def test_a_success_outlives_the_process_without_a_sync(tmp_path: Path) -> None:
    store = open_profile(tmp_path / "profile", boot_id="one")
    store.add_fetch(a_fetch(a_record(body_of(store, b"0123456789"))))
    store.close()
    store = open_profile(tmp_path / "profile", boot_id="one")
    assert only_record(store).snapshot == DONE
    assert store._bodies.usage(KEY) == 10
    store.close()


# The power failed


@pytest.mark.parametrize("boot_id", ["the next boot", None])
def test_a_body_goes_back_to_its_checkpoint(tmp_path: Path, boot_id: str | None) -> None:
    directory = tmp_path / "profile"
    store = open_profile(directory, boot_id=None)
    body = body_of(store, b"0123456789", synced=4)
    store.add_fetch(a_fetch(a_record(body, RecordSnapshot(head=HEAD))))
    store.close()
    store = open_profile(directory, boot_id=boot_id)
    assert store.read(body, 0, 99) == b"0123"
    assert (store.length(body), store._bodies.usage(KEY)) == (4, 4)
    assert (directory / "bodies" / str(body)).read_bytes() == b"0123"
    store.append(body, b"x")
    assert store.read(body, 0, 99) == b"0123x"
    store.close()


def test_once_recovered_the_new_boot_is_the_last_writers(tmp_path: Path) -> None:
    store = open_profile(tmp_path / "profile", boot_id="one")
    body = body_of(store, b"0123456789", synced=4)
    store.add_fetch(a_fetch(a_record(body, RecordSnapshot(head=HEAD))))
    store = die_of_power(tmp_path / "profile", store)
    store.append(body, b"more")
    store.close()
    store = open_profile(tmp_path / "profile", boot_id="the next boot")
    assert store.read(body, 0, 99) == b"0123more"
    store.close()


def test_a_success_whose_bytes_are_lost_is_unsettled_again(tmp_path: Path) -> None:
    store = open_profile(tmp_path / "profile", boot_id="one")
    lost, kept = body_of(store, b"0123456789", synced=4), body_of(store, b"0123456789", synced=10)
    paused = FetchSnapshot("paused", "the user")
    store.add_fetch(a_fetch(a_record(lost), a_record(kept), a_record(None), snapshot=paused))
    store = die_of_power(tmp_path / "profile", store)
    (fetch,) = store.fetches()
    assert fetch.snapshot == paused
    assert [record.snapshot for record in fetch.records] == [
        RecordSnapshot(head=HEAD, restarted=True), DONE, DONE,
    ]  # fmt: skip
    assert [record.body for record in fetch.records] == [lost, kept, None]
    assert fetch.records[0].response == Response(200)
    store.close()
    open_profile(tmp_path / "profile").close()
    assert verify(tmp_path / "profile") == []


@pytest.mark.parametrize(("method", "sent"), [("GET", False), ("HEAD", False), ("POST", True), ("PUT", True)])
def test_what_may_not_be_sent_twice_is_not_sent_for_the_lost_bytes_of_its_answer(
    tmp_path: Path, method: str, sent: bool
) -> None:
    store = open_profile(tmp_path / "profile", boot_id="one")
    record = attrs.evolve(
        a_record(body_of(store, b"0123456789")), request=Request("https://a.example/", method)
    )
    store.add_fetch(a_fetch(record))
    store = die_of_power(tmp_path / "profile", store)
    assert only_record(store).snapshot == RecordSnapshot(head=HEAD, restarted=True, sent=sent)
    store.close()


def test_the_length_that_counts_is_the_one_at_success(tmp_path: Path) -> None:
    store = open_profile(tmp_path / "profile", boot_id="one")
    body = body_of(store, b"0123", synced=4)
    number = store.add_fetch(a_fetch(a_record(body, RecordSnapshot(head=HEAD))))
    store.append(body, b"456789")
    store.save_record(number, 0, DONE, Response(200), body)
    store = die_of_power(tmp_path / "profile", store)
    assert only_record(store).snapshot.result == ""
    store.close()


def test_a_record_that_is_no_success_stays_as_it_is(tmp_path: Path) -> None:
    store = open_profile(tmp_path / "profile", boot_id="one")
    failed = RecordSnapshot("fetch-error", "changed", "another file", 206, HEAD)
    store.add_fetch(a_fetch(a_record(body_of(store, b"0123456789"), failed)))
    store = die_of_power(tmp_path / "profile", store)
    assert only_record(store).snapshot == failed
    store.close()


@pytest.mark.parametrize("state", ["failure", "aborted", "success"])
def test_a_settled_fetch_does_not_resume_and_does_not_pretend(tmp_path: Path, state: FetchStateName) -> None:
    store = open_profile(tmp_path / "profile", boot_id="one")
    settled = attrs.evolve(FetchSnapshot(event="owed"), state=state)
    cut, whole = body_of(store, b"0123456789", synced=4), body_of(store, b"0123456789", synced=10)
    store.add_fetch(a_fetch(a_record(cut), a_record(whole), snapshot=settled))
    store = die_of_power(tmp_path / "profile", store)
    (fetch,) = store.fetches()
    assert fetch.snapshot == settled
    assert (fetch.records[0].snapshot.result, fetch.records[0].snapshot.cause) == ("fetch-error", "truncated")
    assert fetch.records[1].snapshot == DONE
    store.close()


def test_a_cache_never_answers_with_half_a_body(tmp_path: Path) -> None:
    store = open_profile(tmp_path / "profile", boot_id="one")
    cache = store.open_cache(KEY, "c")
    cut, whole = body_of(store, b"0123456789", synced=9), body_of(store, b"0123456789", synced=10)
    entries = [store.put_entry(cache, Request("u"), Response(), body) for body in (cut, whole, None)]
    store = die_of_power(tmp_path / "profile", store)
    assert [entry.id for entry in store.cache_entries(cache)] == entries[1:]
    with pytest.raises(FileNotFoundError):
        store.length(cut)
    assert store._bodies.usage(KEY) == 10
    store.close()


def test_half_an_upload_is_never_sent(tmp_path: Path) -> None:
    store = open_profile(tmp_path / "profile", boot_id="one")
    cut, whole = body_of(store, b"0123456789", synced=9), body_of(store, b"0123456789", synced=10)
    for upload in (cut, whole):
        request = Request("https://a.example/up", "POST", body=StoredBody(upload, 10))
        store.add_fetch(a_fetch(StoredRecord(request, RecordSnapshot())))
    store = die_of_power(tmp_path / "profile", store)
    assert [fetch.records[0].request.body for fetch in store.fetches()] == [StoredBody(whole, 10)]
    assert store._bodies.usage(KEY) == 10
    store.close()


def test_a_file_that_the_disk_lost_is_an_empty_body(tmp_path: Path) -> None:
    directory = tmp_path / "profile"
    store = open_profile(directory, boot_id="one")
    body = body_of(store, b"0123456789", synced=10)
    store.add_fetch(a_fetch(a_record(body)))
    store.close()
    (directory / "bodies" / str(body)).unlink()
    store = open_profile(directory, boot_id="two")
    assert store.length(body) == 0
    assert only_record(store).snapshot == RecordSnapshot(head=HEAD, restarted=True)
    store.append(body, b"again")
    trio.run(store.sync, [body])
    store.append(body, b"lost")
    store.close()
    store = open_profile(directory, boot_id="three")
    assert store.read(body, 0, 99) == b"again"
    store.close()


def test_files_without_a_row_are_collected_and_strangers_are_not(tmp_path: Path) -> None:
    directory = tmp_path / "profile"
    open_profile(directory).close()
    for name in ("7", "007", "notes.txt"):
        (directory / "bodies" / name).write_bytes(b"x")
    open_profile(directory).close()
    assert sorted(path.name for path in (directory / "bodies").iterdir()) == ["007", "notes.txt"]


# The order of things that a power failure would tell apart


@pytest.fixture
def disk_log(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done to the disk, in order."""
    log: list[str] = []

    def told(name: str, what: Callable[..., object]) -> Callable[..., object]:
        def tell(*args: object) -> object:
            log.append(name)
            return what(*args)

        return tell

    monkeypatch.setattr(Database, "flush", told("flush", Database.flush))
    monkeypatch.setattr(FileBodies, "delete", told("delete", FileBodies.delete))
    return log


def test_a_file_goes_after_its_rows_end_is_on_the_disk(tmp_path: Path, disk_log: list[str]) -> None:
    store = open_profile(tmp_path / "profile")
    body = body_of(store, b"0123456789", synced=1)
    number = store.add_fetch(a_fetch(a_record(body)))
    store.unpin(body)
    disk_log.clear()
    store.release_fetch(number)
    assert disk_log == ["flush", "delete"]
    store.close()


def test_a_file_of_which_nothing_was_synced_goes_at_once(tmp_path: Path, disk_log: list[str]) -> None:
    store = open_profile(tmp_path / "profile")
    body = body_of(store, b"0123456789")
    store.unpin(body)
    assert disk_log == ["delete"]
    store.close()


def test_a_durable_transaction_in_another_is_durable_when_that_one_ends(
    tmp_path: Path, disk_log: list[str]
) -> None:
    store = open_profile(tmp_path / "profile")
    with store.transaction():
        with store.transaction(durable=True):
            store.set_origin(KEY)
        assert disk_log == []
    assert disk_log == ["flush"]
    with store.transaction():
        store.open_cache(KEY, "c")
    assert disk_log == ["flush"]
    store.close()


def test_sqlite_syncs_the_log_of_a_durable_commit_alone(tmp_path: Path) -> None:
    store = open_profile(tmp_path / "profile")
    connection = store._database._connection
    levels = []
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    for durable in (False, True, False):
        with store.transaction(durable=durable):
            levels.append(connection.execute("PRAGMA synchronous").fetchone()[0])
            store.open_cache(KEY, str(len(levels)))
    assert levels == [1, 2, 1]
    connection.set_trace_callback(None)
    begun = [s.split()[0] for s in statements if s.startswith(("BEGIN", "COMMIT", "PRAGMA synchronous ="))]
    assert begun == ["BEGIN", "COMMIT", "PRAGMA", "BEGIN", "COMMIT", "PRAGMA", "BEGIN", "COMMIT"]
    store.close()


async def test_sync_counts_what_was_there_when_it_was_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "profile"
    store = open_profile(directory, boot_id="one")
    body = store.create_body(KEY)
    store.append(body, b"0123")
    store.add_fetch(a_fetch(a_record(body, RecordSnapshot())))
    sync_files = FileBodies.sync

    async def meanwhile(self: FileBodies, bodies: list[int], *, names: bool) -> None:
        store.append(body, b"456789")
        await sync_files(self, bodies, names=names)

    monkeypatch.setattr(FileBodies, "sync", meanwhile)
    await store.sync([body])
    store.close()
    store = open_profile(directory, boot_id="two")
    assert store.read(body, 0, 99) == b"0123"
    store.close()


def after_a_power_failure(directory: Path, copy: Path) -> SqlStore:
    """What is in the log is on the disk in these tests; the profile itself stays open."""
    shutil.copytree(directory, copy, ignore=shutil.ignore_patterns("lock"))
    return open_profile(copy, boot_id="two")


@pytest.mark.parametrize("then", ["nothing", "a commit", "a sync", "the end"])
async def test_a_sync_without_a_flush_is_noted_by_the_next_commit(tmp_path: Path, then: str) -> None:
    directory = tmp_path / "profile"
    store = open_profile(directory, boot_id="one")
    body, other = store.create_body(KEY), store.create_body(KEY)
    store.append(body, b"0123")
    store.add_fetch(a_fetch(a_record(body, RecordSnapshot()), a_record(other, RecordSnapshot())))
    await store.sync([body], flush=False)
    if then == "a commit":
        with suppress(RuntimeError), store.transaction():
            raise RuntimeError("which the note outlives")
        store.open_cache(KEY, "any")
    elif then == "a sync":
        await store.sync([body])
    elif then == "the end":
        store.close()
    again = after_a_power_failure(directory, tmp_path / "copy")
    assert again.read(body, 0, 99) == (b"" if then == "nothing" else b"0123")
    again.close()
    store.close()


async def test_a_sync_without_a_flush_makes_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_profile(tmp_path / "profile")
    body = store.create_body(KEY)
    store.append(body, b"0123")
    asked: list[str] = []
    execute = Database.execute

    def noted(self: Database, statement: str, *rest: Any) -> Any:
        asked.append(statement)
        return execute(self, statement, *rest)

    monkeypatch.setattr(Database, "execute", noted)
    await store.sync([body], flush=False)
    assert asked == []
    await store.sync([body])
    assert "COMMIT" in asked
    store.close()


async def test_many_bodies_are_synced_by_few_calls_of_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0
    run_sync = trio.to_thread.run_sync

    async def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        return await run_sync(*args, **kwargs)

    store = open_profile(tmp_path / "profile")
    with store.transaction():
        bodies = [store.create_body(KEY) for _ in range(200)]
    for body in bodies:
        store.append(body, b"x")
    synced: list[int] = []
    monkeypatch.setattr(files, "_fdatasync", synced.append)
    monkeypatch.setattr(trio.to_thread, "run_sync", counted)
    await store.sync(bodies, flush=False)
    assert len(synced) == 200
    assert calls == 14  # rows of sixteen, and the folder
    store.close()


async def test_the_folder_is_synced_for_a_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    sync_files = FileBodies.sync

    async def ask(self: FileBodies, bodies: list[int], *, names: bool) -> None:
        asked.append(names)
        await sync_files(self, bodies, names=names)

    monkeypatch.setattr(FileBodies, "sync", ask)
    store = open_profile(tmp_path / "profile")
    old, new = store.create_body(KEY), store.create_body(KEY)
    store.append(old, b"1")
    await store.sync([old])
    store.append(old, b"2")
    await store.sync([old])
    store.append(new, b"1")
    await store.sync([old, new])
    assert asked == [True, False, True]
    store.close()


async def test_a_virtual_clock_holds_while_the_disk_is_waited_for(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a minute would pass in a moment of a thread's."""
    seen: list[float] = []
    fsync, fdatasync = os.fsync, files._fdatasync

    def look(then: Callable[[int], None]) -> Callable[[int], None]:
        def sync(file: int) -> None:
            seen.append(autojump_clock.autojump_threshold)
            then(file)

        return sync

    store = open_profile(tmp_path / "profile")
    body = store.create_body(KEY)
    store.append(body, b"x")
    monkeypatch.setattr(files, "_fdatasync", look(fdatasync))
    monkeypatch.setattr(os, "fsync", look(fsync))
    await store.sync([body])
    assert seen == [math.inf] * 3  # the file, the folder, the log
    assert autojump_clock.autojump_threshold == 0
    store.close()


async def test_at_most_eight_files_are_synced_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, most, lock = 0, 0, threading.Lock()
    all_busy = threading.Barrier(files.SYNCS_AT_A_TIME)

    def count(file: int) -> None:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        all_busy.wait()
        with lock:
            busy -= 1

    store = open_profile(tmp_path / "profile")
    bodies = [store.create_body(KEY) for _ in range(5 * files.SYNCS_AT_A_TIME)]
    for body in bodies:
        store.append(body, b"x")
    monkeypatch.setattr(files, "_fdatasync", count)
    await store.sync(bodies)
    assert most == files.SYNCS_AT_A_TIME
    store.close()


# A file of a body was damaged, and no power failed


@pytest.mark.parametrize("left", [None, b"", b"1234"])
def test_a_body_that_lost_a_part_is_not_taken_for_whole(tmp_path: Path, left: bytes | None) -> None:
    profile = tmp_path / "profile"
    store = open_profile(profile)
    body = body_of(store, b"0123456789", synced=10)
    other = body_of(store, b"0123456789", synced=10)
    done = RecordSnapshot("success", status=200)
    owed = FetchSnapshot(state="success", event="owed")
    store.add_fetch(a_fetch(a_record(body), a_record(other)))
    store.add_fetch(a_fetch(a_record(body, done), a_record(other, done), snapshot=owed))
    cache = store.open_cache(KEY, "c")
    for each in (body, other):
        store.put_entry(cache, Request(f"u{each}"), Response(), each)
    assert store.losses == []
    store.close()
    path = profile / "bodies" / str(body)
    path.unlink()
    if left is not None:
        path.write_bytes(left)
    assert len(verify(profile)) == 1

    store = open_profile(profile)
    (loss,) = store.losses
    assert loss == f"bodies/{body} has {len(left or b'')} bytes of 10: its file was damaged"
    active, settled = store.fetches()
    assert [record.snapshot.result for record in active.records] == ["", "success"]
    assert active.records[0].snapshot.head == HEAD, "and so it asks for the rest"
    assert [record.snapshot.result for record in settled.records] == ["fetch-error", "success"]
    assert settled.records[0].snapshot.cause == "truncated"
    assert [entry.body for entry in store.cache_entries(cache)] == [other]
    assert verify(profile) == []

    # What comes again is synced again.
    store.append(body, b"x" * (10 - len(left or b"")))
    trio.run(store.sync, [body])
    store.close()
    path.write_bytes(b"")
    assert verify(profile) == [f"bodies/{body} is missing"]


def test_a_database_that_is_damaged_is_not_opened(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    store = open_profile(profile)
    with store.transaction():
        for _ in range(100):
            store.add_fetch(a_fetch(a_record(None)))
    store.close()
    database = profile / "profile.sqlite3"
    content = database.read_bytes()
    database.write_bytes(content[:-4096] + b"\xa5" * 4096)
    before = {path: path.read_bytes() for path in profile.rglob("*") if path.is_file()}
    assert verify(profile) != []
    for read_only in (True, False):
        with pytest.raises(NotAProfile, match="is damaged"):
            open_profile(profile, read_only=read_only)
    assert {path: path.read_bytes() for path in profile.rglob("*") if path.is_file()} == before
