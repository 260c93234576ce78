"""A disk without room, and bodies without number."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swruntime.concepts.http import Request, Response
from swruntime.errors import StorageFailed, StorageFull
from swruntime.storage import files, memory_store, open_profile, room
from swruntime.storage.files import MOST_OPEN, FileBodies
from swruntime.storage.private_files import PrivateFolder
from swruntime.storage.store import SqlStore

KEY = "https://a.example"
Write = Callable[[int, bytes], int]


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    store = memory_store() if request.param == "memory" else open_profile(tmp_path / "profile")
    yield store
    store.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SqlStore]:
    store = open_profile(tmp_path / "profile")
    yield store
    store.close()


def fill(store: SqlStore) -> None:
    """Let the database grow no further: SQLite then answers as on a full disk."""
    pages = store._database.one("PRAGMA page_count")
    assert store._database.one(f"PRAGMA max_page_count = {pages}") == pages


def empty(store: SqlStore) -> None:
    store._database.one("PRAGMA max_page_count = 1000000")


def write_after(monkeypatch: pytest.MonkeyPatch, room_left: int, code: int) -> None:
    """Let `os.write` take so many bytes, then raise."""
    write, left = os.write, room_left

    def limited(file: int, data: bytes) -> int:
        nonlocal left
        if not left:
            raise OSError(code, os.strerror(code))
        done = write(file, data[:left])
        left -= done
        return done

    monkeypatch.setattr(os, "write", limited)


# Bodies


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("room_left", [0, 1, 4])
def test_nothing_counts_of_what_does_not_fit(
    disk: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room_left: int, code: int
) -> None:
    body = disk.create_body(KEY)
    disk.append(body, b"before")
    with monkeypatch.context() as patch:
        write_after(patch, room_left, code)
        with pytest.raises(StorageFull):
            disk.append(body, b"12345")
    assert (disk.length(body), disk._bodies.usage(KEY), disk.read(body, 0, 99)) == (6, 6, b"before")
    assert (tmp_path / "profile" / "bodies" / str(body)).read_bytes() == b"before"
    disk.append(body, b"after")
    assert disk.read(body, 0, 99) == b"beforeafter"


def test_a_short_write_is_gone_on_with(disk: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda file, data: write(file, data[:3]))
        body = disk.create_body(KEY)
        disk.append(body, b"0123456789")
    assert (disk.length(body), disk.read(body, 0, 99)) == (10, b"0123456789")


def test_a_failure_is_the_last_thing_that_a_store_does(
    disk: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even what could not be cut away of a piece that did not fit is tried again: it is for the next opening."""

    def fail(file: int, length: int) -> None:
        raise OSError(errno.EIO, "the disk is dying")

    body = disk.create_body(KEY)
    cache = disk.open_cache(KEY, "c")
    disk.append(body, b"before")
    with monkeypatch.context() as patch:
        write_after(patch, 2, errno.ENOSPC)
        patch.setattr(os, "ftruncate", fail)
        with pytest.raises(StorageFailed, match="dying"):
            disk.append(body, b"12345")
    for action in (
        lambda: disk.append(body, b"after"),
        lambda: disk.read(body, 0, 99),
        lambda: disk.put_entry(cache, Request("u"), Response(), body),
        lambda: disk.cache_names(KEY),
    ):
        with pytest.raises(StorageFailed, match="dying"):
            action()
    disk.close()
    again = open_profile(tmp_path / "profile")
    assert list(again.cache_names(KEY)) == ["c"]
    again.close()


@pytest.mark.parametrize("code", [errno.EIO, errno.EROFS, errno.EMFILE])
def test_another_error_is_not_taken_for_a_full_disk(
    disk: SqlStore, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    body = disk.create_body(KEY)
    with monkeypatch.context() as patch:
        write_after(patch, 2, code)
        with pytest.raises(StorageFailed, match=os.strerror(code)):
            disk.append(body, b"12345")
    assert disk.length(body) == 0


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
async def test_a_sync_that_fails_notes_nothing_and_is_not_tried_again(
    disk: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """The second one could succeed, and the bytes be gone: the next opening goes back to the checkpoint."""

    def fail(file: int) -> None:
        raise OSError(code, os.strerror(code))

    bodies = [disk.create_body(KEY) for _ in range(20)]
    cache = disk.open_cache(KEY, "c")
    for body in bodies:
        disk.append(body, b"12345")
        disk.put_entry(cache, Request("u"), Response(), body)
    await disk.sync(bodies[:1])
    for body in bodies:
        disk.append(body, b"6789")
    with monkeypatch.context() as patch:
        patch.setattr(files, "_fdatasync", fail)
        with pytest.raises(StorageFailed):
            await disk.sync(bodies)
    with pytest.raises(StorageFailed):
        await disk.sync(bodies)
    disk.close()
    again = open_profile(tmp_path / "profile")
    assert [again.length(entry.body or 0) for entry in again.cache_entries(cache)] == [5]
    assert len(again.gone) == len(bodies) - 1
    again.close()


# Rows


def open_big_cache(store: SqlStore) -> None:
    with store.transaction(durable=True):
        store.open_cache(KEY, "small")
        store.open_cache(KEY, "big" * 100_000)


def test_a_transaction_that_does_not_fit_leaves_nothing(store: SqlStore) -> None:
    store.open_cache(KEY, "before")
    fill(store)
    with pytest.raises(StorageFull):
        open_big_cache(store)
    assert list(store.cache_names(KEY)) == ["before"]
    empty(store)
    store.open_cache(KEY, "after")
    assert list(store.cache_names(KEY)) == ["before", "after"]


def test_a_full_disk_cannot_be_caught_away_inside(store: SqlStore) -> None:
    """SQLite has taken the whole transaction back by then; what follows must not be committed by itself."""
    bodies = []

    def catch_it_away(then: Callable[[], object]) -> None:
        with store.transaction():
            bodies.append(store.create_body(KEY))
            with pytest.raises(StorageFull):
                open_big_cache(store)
            then()

    fill(store)
    with pytest.raises(StorageFull, match="earlier in this transaction"):
        catch_it_away(lambda: store.open_cache(KEY, "small"))
    with pytest.raises(StorageFull, match="earlier in this transaction"):
        catch_it_away(lambda: None)
    with pytest.raises(StorageFull, match="earlier in this transaction"), store.transaction():
        catch_it_away(lambda: None)
    empty(store)
    assert list(store.cache_names(KEY)) == []
    for body in bodies:
        with pytest.raises(FileNotFoundError):
            store.length(body)


def test_a_body_whose_row_does_not_fit_is_none(store: SqlStore) -> None:
    made = [store.create_body(KEY)]
    fill(store)
    with pytest.raises(StorageFull):
        made += [store.create_body("k" * 1000) for _ in range(1000)]
    empty(store)
    last = store.create_body(KEY)
    with pytest.raises(FileNotFoundError):
        store.length(last - 1)


def test_letting_go_on_a_full_disk_is_made_good_later(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = store.create_body(KEY)
    store.append(body, b"12345")
    store.pin(body)

    def full(*_: object) -> None:
        raise StorageFull("full")

    with monkeypatch.context() as patch:
        patch.setattr(store._database, "execute_many", full)
        store.unpin(body)
        assert store._bodies.usage(KEY) == 5
    store.open_cache(KEY, "another transaction")
    assert store._bodies.usage(KEY) == 0


def test_a_profile_that_cannot_be_made_for_want_of_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        write_after(patch, 0, errno.ENOSPC)
        with pytest.raises(StorageFull):
            open_profile(tmp_path / "profile")
    open_profile(tmp_path / "profile").close()


def test_sqlites_other_errors_are_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exhausted disk quota is SQLITE_IOERR to SQLite, as a dying disk is."""
    assert not room._has_no_room(tmp_path)

    def no_room(**_: object) -> None:
        raise OSError(errno.EDQUOT, "quota")

    monkeypatch.setattr("tempfile.TemporaryFile", no_room)
    assert room._has_no_room(tmp_path)


# Descriptors


def test_few_descriptors_are_left(disk: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are kept open for appending are given back."""
    open_ = os.open
    bodies = [disk.create_body(KEY) for _ in range(10)]

    def limited(path: Path, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if len(os.listdir("/proc/self/fd")) > most:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return open_(path, flags, mode, dir_fd=dir_fd)

    most = len(os.listdir("/proc/self/fd")) + 3
    monkeypatch.setattr(os, "open", limited)
    for piece in (b"one", b"two"):
        for body in bodies:
            disk.append(body, piece)
    assert {disk.read(body, 0, 99) for body in bodies} == {b"onetwo"}


def test_so_many_bodies_grow_with_few_files_open(tmp_path: Path) -> None:
    bodies = FileBodies(PrivateFolder.open(tmp_path, mends=True))
    count = 3 * MOST_OPEN
    for length in range(3):
        for body in range(1, count + 1):
            bodies.append(body, length, b"%d" % length)
            assert len(bodies._open) <= MOST_OPEN
    assert {bodies.read(body, 0, 9) for body in range(1, count + 1)} == {b"012"}
    assert len(bodies._open) == MOST_OPEN
    assert set(bodies._open) == set(range(count - MOST_OPEN + 1, count + 1))
    bodies.finish(count)
    assert count not in bodies._open
    bodies.close()
    assert not bodies._open


def test_the_file_that_was_not_used_for_longest_is_closed(tmp_path: Path) -> None:
    bodies = FileBodies(PrivateFolder.open(tmp_path, mends=True))
    for body in range(1, MOST_OPEN + 1):
        bodies.append(body, 0, b"x")
    bodies.append(1, 1, b"x")
    bodies.append(MOST_OPEN + 1, 0, b"x")
    assert set(range(1, MOST_OPEN + 2)) - set(bodies._open) == {2}
    bodies.close()
