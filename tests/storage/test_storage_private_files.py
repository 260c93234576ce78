"""A profile is the user's alone, and nothing that only has one of its names is opened, read, cut or written."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import struct
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from swruntime.errors import NotAProfile, StorageFailed
from swruntime.storage import forget, open_profile, profile_origin, verify, writer_of
from swruntime.storage.private_files import NotOurs, PrivateFolder
from swruntime.storage.store import SqlStore

KEY = "https://podcast.example"

FILES = (
    "lock", ".gitignore", "profile.sqlite3", "profile.sqlite3-wal", "profile.sqlite3-shm", "profile.sqlite3-journal",
    "profile.new", "profile.new-journal", "bodies/1", "indexeddb/1.sqlite3", "indexeddb/1.sqlite3-wal",
    "indexeddb/1.sqlite3-shm", "indexeddb/1.sqlite3-journal",
)  # fmt: skip
FOLDERS = ("bodies", "indexeddb")

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def umask() -> Iterator[Callable[[int], int]]:
    before = os.umask(0)
    os.umask(before)
    yield os.umask
    os.umask(before)


@contextmanager
def opened(profile: Path) -> Iterator[SqlStore]:
    store = open_profile(profile)
    yield store
    store.close()


def fill(store: SqlStore) -> None:
    store.set_origin(KEY)
    body = store.create_body(KEY)
    store.append(body, b"12345")
    store.pin(body)
    file = store.indexed.open(KEY, "d")
    file.begin(durable=False)
    file.set_version(1)
    file.commit()


def modes(directory: Path) -> dict[str, int]:
    found = {".": directory, **{str(path.relative_to(directory)): path for path in directory.rglob("*")}}
    return {name: stat.S_IMODE(path.stat().st_mode) for name, path in found.items()}


def assert_private(directory: Path) -> None:
    for name, mode in modes(directory).items():
        assert mode == (0o700 if (directory / name).is_dir() else 0o600), (name, oct(mode))


def snapshot(directory: Path) -> dict[str, bytes | str]:
    """What is there, without following a link or waiting for a FIFO."""
    found: dict[str, bytes | str] = {}
    for path in sorted(directory.rglob("*")):
        mode = path.lstat().st_mode
        found[str(path)] = path.read_bytes() if stat.S_ISREG(mode) else oct(mode)
    return found


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o277, 0o777])
def test_whatever_the_umask_it_is_the_users_alone(
    tmp_path: Path, umask: Callable[[int], int], mask: int
) -> None:
    profile = tmp_path / "profile"
    umask(mask)
    store = open_profile(profile)
    fill(store)
    umask(0o022)
    assert {"profile.sqlite3-wal", "profile.sqlite3-shm", "bodies/1", "indexeddb/1.sqlite3-wal"} <= modes(
        profile
    ).keys()
    assert_private(profile)
    assert store.exposed is None
    store.close()
    assert_private(profile)


def test_an_older_profile_becomes_private_when_it_is_opened(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    store = open_profile(profile)
    fill(store)
    killed = shutil.copytree(profile, tmp_path / "killed")
    store.close()
    for path in (killed, *killed.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    before = modes(killed)
    open_profile(killed, read_only=True).close()
    assert modes(killed) == before, "whoever only reads changes nothing"
    store = open_profile(killed)
    assert_private(killed)
    store.close()


def link(path: Path, precious: Path) -> None:
    path.symlink_to(precious)


def dangling_link(path: Path, precious: Path) -> None:
    path.symlink_to(precious.with_name("not there"))


def hard_link(path: Path, precious: Path) -> None:
    os.link(precious, path)


def fifo(path: Path, precious: Path) -> None:
    os.mkfifo(path)


def folder(path: Path, precious: Path) -> None:
    path.mkdir()


def file(path: Path, precious: Path) -> None:
    path.write_bytes(b"")


def link_to_a_folder(path: Path, precious: Path) -> None:
    path.symlink_to(precious.parent / "others")


@pytest.mark.parametrize("plant", [link, dangling_link, hard_link, fifo, folder])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("name", FILES)
def test_what_has_the_name_of_a_file_is_refused_and_left_as_it_is(
    tmp_path: Path, name: str, whole: bool, plant: Callable[[Path, Path], None]
) -> None:
    check_refused(tmp_path, name, whole, plant)


@pytest.mark.parametrize("plant", [link_to_a_folder, dangling_link, fifo, file])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("name", FOLDERS)
def test_what_has_the_name_of_a_folder_is_refused_and_left_as_it_is(
    tmp_path: Path, name: str, whole: bool, plant: Callable[[Path, Path], None]
) -> None:
    check_refused(tmp_path, name, whole, plant)


def check_refused(tmp_path: Path, name: str, whole: bool, plant: Callable[[Path, Path], None]) -> None:
    """`whole`: in a profile that is there; else in a folder where one is to be made."""
    profile, precious = tmp_path / "profile", tmp_path / "precious"
    precious.write_bytes(b"precious")
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "1").write_bytes(b"another's")
    if whole:
        with opened(profile) as store:
            fill(store)
    profile.mkdir(exist_ok=True)
    path = profile / name
    path.parent.mkdir(exist_ok=True)
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    plant(path, precious)
    before = snapshot(tmp_path)
    for action in (
        open_profile,
        lambda directory: open_profile(directory, read_only=True),
        verify,
        forget,
        profile_origin,
        writer_of,
    ):
        try:
            answer = action(profile)
        except NotAProfile:
            pass
        else:  # it has nothing to do with this name
            assert action in (profile_origin, writer_of) or (action is forget and name.count("/")), action
            assert answer in (KEY, None)
            if action is forget:
                assert precious.read_bytes() == b"precious"
                assert (tmp_path / "others" / "1").read_bytes() == b"another's"
                return
        assert snapshot(tmp_path) == before, action


def test_a_named_profile_may_be_reached_over_links(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "profile").symlink_to(tmp_path / "link" / "profile")
    (tmp_path / "real" / "profile").mkdir()
    with opened(tmp_path / "profile") as store:
        fill(store)
    assert_private(tmp_path / "real" / "profile")
    assert profile_origin(tmp_path / "profile") == KEY
    assert verify(tmp_path / "profile") == []


def test_a_link_that_comes_while_it_is_open_is_not_followed(tmp_path: Path) -> None:
    """Of a body that is read or appended to later; the store is at its end then, and says why."""
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    store = open_profile(tmp_path / "profile")
    body = store.create_body(KEY)
    (tmp_path / "profile" / "bodies" / "1").symlink_to(precious)
    with pytest.raises(StorageFailed, match="is a link"):
        store.append(body, b"12345")
    store.close()
    assert precious.read_bytes() == b"precious"


def test_the_folder_that_was_opened_is_the_one_that_is_used(tmp_path: Path) -> None:
    """Whatever stands at its path later."""
    profile, moved = tmp_path / "profile", tmp_path / "moved"
    store = open_profile(profile)
    body = store.create_body(KEY)
    profile.rename(moved)
    (tmp_path / "others" / "bodies").mkdir(parents=True)
    profile.symlink_to(tmp_path / "others")
    store.append(body, b"12345")
    assert store.read(body, 0, 9) == b"12345"
    assert (moved / "bodies" / "1").read_bytes() == b"12345"
    assert list((tmp_path / "others" / "bodies").iterdir()) == []


@root_only
def test_root_is_told_that_a_folder_is_another_users(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    profile.mkdir()
    os.chown(profile, 65534, 65534)
    with opened(profile) as store:
        assert store.exposed is not None
        assert "belongs to another user (uid 65534)" in store.exposed
        assert str(profile) in store.exposed


@root_only
@pytest.mark.parametrize(
    "name", [".", "bodies", "lock", "profile.sqlite3", "bodies/1", "indexeddb/1.sqlite3"]
)
def test_what_another_user_owns_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """To everybody but root: as uid 65534 sees what root has made."""
    profile = tmp_path / "profile"
    store = open_profile(profile)
    fill(store)
    profile = shutil.copytree(profile, tmp_path / "killed")
    store.close()
    for path in (profile, *profile.rglob("*")):
        os.chown(path, 65534, 65534)
    os.chown(profile / name, 1, 1)
    before = snapshot(profile)
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    monkeypatch.setattr(PrivateFolder, "_keeps_owners", lambda self: True)
    with pytest.raises(NotAProfile, match=r"belongs to another user \(uid 1\)"):
        open_profile(profile)
    after = snapshot(profile)
    for each in before.keys() - {str(profile / name) for name in ("lock", "profile.sqlite3-shm")}:
        assert after[each] == before[each], each
    monkeypatch.setattr(PrivateFolder, "_keeps_owners", lambda self: False)
    with opened(profile) as store:
        assert store.exposed is not None, "a file system without owners: told once"


def test_a_file_system_without_modes_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: int, mode: int) -> None:
        raise PermissionError(1, "no modes here")

    profile = tmp_path / "profile"
    profile.mkdir(mode=0o755)
    monkeypatch.setattr(os, "fchmod", refuse)
    with opened(profile) as store:
        assert store.exposed == f"{profile} has the mode 0755, and cannot be kept from other users"


def test_devices_are_refused(tmp_path: Path) -> None:
    opened = PrivateFolder.open(Path("/dev"), mends=False)
    for name in ("null", "zero"):
        with pytest.raises(NotOurs, match="is a device"):
            opened.open_file(name, os.O_RDONLY)
    opened.close()


def journal_with_a_super_journal(precious: Path, pages: int) -> bytes:
    """What a death would leave of a transaction over several databases, `precious` being their super-journal."""
    magic, name = bytes.fromhex("d9d505f920a163d7"), os.fsencode(precious)
    header = struct.pack(">8sIIIII", magic, 0, 1, pages, 512, 4096).ljust(512, b"\0")
    checksum = sum(struct.unpack(f"{len(name)}b", name)) & 0xFFFFFFFF
    lock_page = 0x40000000 // 4096 + 1
    return header + struct.pack(">I", lock_page) + name + struct.pack(">II8s", len(name), checksum, magic)


@pytest.mark.parametrize("database", ["profile.sqlite3", "indexeddb/1.sqlite3"])
def test_a_journal_deletes_no_other_file(tmp_path: Path, database: str) -> None:
    """SQLite would delete the file that such a journal names."""
    profile, precious, copy = tmp_path / "profile", tmp_path / "precious", tmp_path / "copy.sqlite3"
    precious.write_bytes(b"precious")
    with opened(profile) as store:
        fill(store)
    shutil.copyfile(profile / database, copy)
    journal = journal_with_a_super_journal(precious, copy.stat().st_size // 4096)
    (tmp_path / "copy.sqlite3-journal").write_bytes(journal)
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("SELECT * FROM sqlite_schema").fetchall()
    assert not precious.exists(), "so SQLite does, and the journal is what this test takes it for"
    precious.write_bytes(b"precious")
    (profile / f"{database}-journal").write_bytes(journal)
    if database == "profile.sqlite3":
        with pytest.raises(NotAProfile, match="names another file"):
            open_profile(profile)
    else:
        store = open_profile(profile)
        with pytest.raises(StorageFailed, match="names another file"):
            store.indexed.open(KEY, "d")
        store.close()
    assert precious.read_bytes() == b"precious"


def changed_tables(profile: Path, *statements: str) -> None:
    """A profile as a cloned site may bring it along."""
    with closing(sqlite3.connect(profile / "profile.sqlite3")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


TEXTS_FOR_NUMBERS = (
    "CREATE TABLE changed (id PRIMARY KEY, storage_key TEXT NOT NULL, synced INTEGER NOT NULL DEFAULT 0)",
    f"INSERT INTO changed VALUES ('../../precious', '{KEY}', 0)",
    "PRAGMA legacy_alter_table = ON",
    "DROP TABLE bodies",
    "ALTER TABLE changed RENAME TO bodies",
)
DATABASES = (
    "DROP TABLE indexed_databases",
    "CREATE TABLE indexed_databases (number, storage_key TEXT NOT NULL, name TEXT NOT NULL)",
    f"""INSERT INTO indexed_databases VALUES ('../../precious', '{KEY}', '"d"')""",
)
VIEW = ("CREATE VIEW cookies_view AS SELECT 1",)
TRIGGER = ("CREATE TRIGGER more AFTER INSERT ON caches BEGIN DELETE FROM cookies; END",)
MISSING = ("DROP INDEX entries_by_url",)


@pytest.mark.parametrize("statements", [TEXTS_FOR_NUMBERS, DATABASES, VIEW, TRIGGER, MISSING])
@pytest.mark.parametrize("read_only", [False, True])
def test_tables_that_are_not_ours_are_refused(
    tmp_path: Path, statements: tuple[str, ...], read_only: bool
) -> None:
    """Texts in place of numbers were the names of files: a body without a use was deleted, wherever it was."""
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    with opened(tmp_path / "profile") as store:
        fill(store)
    changed_tables(tmp_path / "profile", *statements)
    with pytest.raises(NotAProfile, match=r"in its profile\.sqlite3 is not as swruntime makes it"):
        open_profile(tmp_path / "profile", read_only=read_only)
    assert precious.read_bytes() == b"precious"
    forget(tmp_path / "profile")
    assert precious.read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["", ".", "..", "../precious", "a/b", "/precious", "a\0b"])
def test_what_is_not_one_name_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "profile").mkdir()
    with closing(PrivateFolder.open(tmp_path / "profile", mends=True)) as folder:
        for action in (
            lambda: folder.open_file(name, os.O_RDWR | os.O_CREAT),
            lambda: folder.subfolder(name, create=True),
            lambda: folder.size(name),
            lambda: folder.unlink(name),
            lambda: folder.rename(name, "a"),
            lambda: folder.rename("a", name),
            lambda: folder.delete_folder(name),
        ):
            with pytest.raises(NotOurs, match="is not the name of a file"):
                action()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["precious", "profile"]
