"""Opening a profile: the folder, the lock, readers, and what is refused."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import swruntime
from swruntime.concepts.http import Request, Response
from swruntime.errors import NotAProfile, ProfileInUse, ProfileTooNew, UsageError
from swruntime.storage import open_profile, schema

KEY = "https://a.example"

HOLD = """
import sys
from pathlib import Path
from swruntime.storage import open_profile
store = open_profile(Path(sys.argv[1]))
body = store.create_body("https://a.example")
store.pin(body)
cache = store.open_cache("https://a.example", "held")
print(body, flush=True)
for line in sys.stdin:
    store.append(body, line.strip().encode())
    print(store.length(body), flush=True)
store.close()
"""


@contextmanager
def another_process_writing(directory: Path) -> Iterator[subprocess.Popen[str]]:
    root = Path(swruntime.__file__).parents[1]
    command = [sys.executable, "-c", HOLD, str(directory.absolute())]
    with subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def contents(directory: Path) -> dict[str, tuple[int, bytes]]:
    """Every file with its bytes and the time of its last change."""
    return {
        str(path.relative_to(directory)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in directory.rglob("*")
        if path.is_file()
    }


def a_profile(directory: Path, *, data: bytes = b"stored") -> int:
    store = open_profile(directory)
    body = store.create_body(KEY)
    store.append(body, data)
    store.put_entry(store.open_cache(KEY, "c"), Request("https://a.example/x"), Response(), body)
    store.close()
    return body


# The folder


def test_a_profile_has_its_files_and_keeps_out_of_repositories(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "profile"
    body = a_profile(directory)
    assert sorted(path.name for path in directory.iterdir()) == [
        ".gitignore", "bodies", "lock", "profile.sqlite3",
    ]  # fmt: skip
    assert (directory / ".gitignore").read_text() == "*\n"
    assert (directory / "bodies" / str(body)).read_bytes() == b"stored"


def test_a_profile_is_recognised_by_its_database(tmp_path: Path) -> None:
    a_profile(tmp_path / "profile")
    connection = sqlite3.connect(tmp_path / "profile" / "profile.sqlite3")
    assert connection.execute("PRAGMA application_id").fetchone() == (schema.APPLICATION_ID,)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(schema.MIGRATIONS),)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_what_was_stored_is_there_the_next_time(tmp_path: Path) -> None:
    body = a_profile(tmp_path / "profile")
    store = open_profile(tmp_path / "profile")
    assert list(store.cache_names(KEY)) == ["c"]
    assert store.read(body, 0, 99) == b"stored"
    assert store._bodies.usage(KEY) == 6
    assert store.create_body(KEY) > body
    store.close()


def test_an_id_of_an_earlier_process_is_not_used_again(tmp_path: Path) -> None:
    store = open_profile(tmp_path / "profile")
    body = store.create_body(KEY)
    store.append(body, b"nothing refers to it")
    store.close()
    assert list((tmp_path / "profile" / "bodies").iterdir()) == []
    store = open_profile(tmp_path / "profile")
    with pytest.raises(FileNotFoundError):
        store.length(body)
    assert store.create_body(KEY) > body
    store.close()


def test_an_interrupted_creation_is_begun_again(tmp_path: Path) -> None:
    """Also what an interrupted `forget` leaves: a log without its database, which SQLite would believe."""
    directory = tmp_path / "profile"
    directory.mkdir()
    for name in ("profile.new", "profile.new-journal", "profile.sqlite3-wal", "profile.sqlite3-shm"):
        (directory / name).write_bytes(b"half")
    a_profile(directory)
    assert not (directory / "profile.new").exists()


# One writer


def test_a_second_writer_is_told_who_the_first_is(tmp_path: Path) -> None:
    directory = tmp_path / "profile"
    with another_process_writing(directory) as process:
        line_of(process)
        with pytest.raises(ProfileInUse, match=rf"\b{process.pid}\b"):
            open_profile(directory)


def test_a_writer_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "profile"
    with another_process_writing(directory) as process:
        line_of(process)
        process.kill()
        process.wait()
        open_profile(directory).close()


def test_the_lock_holds_within_a_process_too_and_ends_with_close(tmp_path: Path) -> None:
    store = open_profile(tmp_path / "profile")
    with pytest.raises(ProfileInUse, match=str(os.getpid())):
        open_profile(tmp_path / "profile")
    store.close()
    open_profile(tmp_path / "profile").close()


def test_whoever_merely_asks_who_writes_keeps_no_writer_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`status` shares the lock for a moment to see whether somebody has it, and a writer begins in that moment."""
    open_profile(tmp_path / "profile").close()
    asking = os.open(tmp_path / "profile" / "lock", os.O_RDONLY)
    fcntl.flock(asking, fcntl.LOCK_SH)
    pauses: list[float] = []

    def asked(seconds: float) -> None:
        if len(pauses) == 2:
            os.close(asking)
        pauses.append(seconds)

    monkeypatch.setattr("time.sleep", asked)
    open_profile(tmp_path / "profile").close()
    assert len(pauses) == 3


def test_a_lock_on_a_file_that_was_deleted_meanwhile_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever forgets a profile deletes the lock that somebody else has opened already."""
    calls: list[int] = []
    flock = fcntl.flock

    def forgotten_first(file: int, operation: int) -> None:
        if not calls:
            (tmp_path / "profile" / "lock").unlink()
        calls.append(operation)
        flock(file, operation)

    a_profile(tmp_path / "profile")
    monkeypatch.setattr(fcntl, "flock", forgotten_first)
    store = open_profile(tmp_path / "profile")
    assert len(calls) == 2
    with pytest.raises(ProfileInUse):
        open_profile(tmp_path / "profile")
    store.close()


def test_an_opening_that_fails_lets_the_lock_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        raise ZeroDivisionError

    a_profile(tmp_path / "profile")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "migrate", fail)
        with pytest.raises(ZeroDivisionError):
            open_profile(tmp_path / "profile")
    open_profile(tmp_path / "profile").close()


# Readers


def test_a_reader_reads_beside_a_writer_and_sees_it_go_on(tmp_path: Path) -> None:
    directory = tmp_path / "profile"
    a_profile(directory)
    with another_process_writing(directory) as process:
        body = int(line_of(process))
        assert process.stdin
        reader = open_profile(directory, read_only=True)
        assert list(reader.cache_names(KEY)) == ["c", "held"]
        assert (reader.length(body), reader._bodies.usage(KEY)) == (0, 6)
        process.stdin.write("hello\n")
        process.stdin.flush()
        assert line_of(process) == "5"
        assert (reader.read(body, 1, 3), reader._bodies.usage(KEY)) == (b"ell", 11)
        with pytest.raises(FileNotFoundError):
            reader.read(99, 0, 1)
        reader.close()


def test_a_reader_changes_nothing(tmp_path: Path) -> None:
    body = a_profile(tmp_path / "profile")
    before = contents(tmp_path)
    reader = open_profile(tmp_path / "profile", read_only=True)
    assert reader.read(body, 0, 99) == b"stored"
    assert (reader.length(body), reader._bodies.usage(KEY), reader.origin) == (6, 6, None)
    assert reader.disk_size() > 0
    for change in (
        lambda: reader.set_origin(KEY),
        lambda: reader.create_body(KEY),
        lambda: reader.append(body, b"x"),
        lambda: reader.pin(body),
        lambda: reader.open_cache(KEY, "new"),
        lambda: reader.delete_cache(KEY, "c"),
    ):
        with pytest.raises(UsageError, match="reading only"):
            change()
    reader.close()
    assert contents(tmp_path) == before


async def test_a_reader_does_not_sync(tmp_path: Path) -> None:
    body = a_profile(tmp_path / "profile")
    reader = open_profile(tmp_path / "profile", read_only=True)
    with pytest.raises(UsageError, match="reading only"):
        await reader.sync([body])
    reader.close()


def test_a_reader_reads_what_a_killed_writer_left(tmp_path: Path) -> None:
    directory = tmp_path / "profile"
    with another_process_writing(directory) as process:
        line_of(process)
        process.kill()
        process.wait()
    database = (directory / "profile.sqlite3").read_bytes()
    reader = open_profile(directory, read_only=True)
    assert list(reader.cache_names(KEY)) == ["held"]
    reader.close()
    assert (directory / "profile.sqlite3").read_bytes() == database
    assert (directory / "profile.sqlite3-wal").stat().st_size


@pytest.mark.parametrize("there_is", ["nothing", "an empty folder"])
def test_a_reader_makes_no_profile(tmp_path: Path, there_is: str) -> None:
    directory = tmp_path / "profile"
    if there_is == "an empty folder":
        directory.mkdir()
    with pytest.raises(NotAProfile, match="there is no profile"):
        open_profile(directory, read_only=True)
    assert contents(tmp_path) == {}


# What is refused, and left as it was


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    "content",
    [b"", b"SQLite format 3\0", b"just some text, " * 100, None],
    ids=["empty", "cut", "text", "another database"],
)
def test_another_file_in_the_databases_place(tmp_path: Path, content: bytes | None, read_only: bool) -> None:
    path = tmp_path / "profile.sqlite3"
    if content is None:
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE mine (x)")
        connection.close()
    else:
        path.write_bytes(content)
    before = contents(tmp_path)
    with pytest.raises(NotAProfile, match="something else"):
        open_profile(tmp_path, read_only=read_only)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("read_only", [False, True])
def test_a_damaged_database(tmp_path: Path, read_only: bool) -> None:
    a_profile(tmp_path / "profile")
    path = tmp_path / "profile" / "profile.sqlite3"
    path.write_bytes(path.read_bytes()[:100] + bytes(range(256)) * 40)
    before = contents(tmp_path)
    with pytest.raises(NotAProfile, match="damaged"):
        open_profile(tmp_path / "profile", read_only=read_only).fetches()
    assert contents(tmp_path) == before


@pytest.mark.parametrize("read_only", [False, True])
def test_a_database_with_our_mark_and_other_tables(tmp_path: Path, read_only: bool) -> None:
    connection = sqlite3.connect(tmp_path / "profile.sqlite3")
    connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS)}")
    connection.execute("CREATE TABLE mine (x)")
    connection.close()
    with pytest.raises(NotAProfile, match="is not as swruntime makes it"):
        open_profile(tmp_path, read_only=read_only)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_in_the_folders_place(tmp_path: Path, read_only: bool) -> None:
    (tmp_path / "profile").write_text("mine")
    with pytest.raises(NotAProfile, match="not a folder"):
        open_profile(tmp_path / "profile", read_only=read_only)
    assert (tmp_path / "profile").read_text() == "mine"


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    """Its .gitignore would be overwritten, and its files called bodies."""
    (tmp_path / ".gitignore").write_text("*.pyc\n")
    (tmp_path / "thesis.tex").write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(NotAProfile, match=r"thesis\.tex"):
        open_profile(tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("read_only", [False, True])
def test_a_later_versions_profile(tmp_path: Path, read_only: bool) -> None:
    a_profile(tmp_path / "profile")
    connection = sqlite3.connect(tmp_path / "profile" / "profile.sqlite3")
    connection.execute("PRAGMA user_version = 1000")
    connection.close()
    before = contents(tmp_path)
    with pytest.raises(ProfileTooNew, match="1000"):
        open_profile(tmp_path / "profile", read_only=read_only)
    assert contents(tmp_path) == before


def test_a_later_version_that_died_with_its_number_in_the_log(tmp_path: Path) -> None:
    a_profile(tmp_path / "profile")
    source = (
        "import os, sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1])\n"
        "connection.execute('PRAGMA user_version = 1000')\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", source, str(tmp_path / "profile" / "profile.sqlite3")], check=True)
    with pytest.raises(ProfileTooNew):
        open_profile(tmp_path / "profile")


# Migrations


def add_a_column(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE profile ADD COLUMN colour TEXT DEFAULT 'blue'")
    connection.execute("UPDATE profile SET colour = 'green'")


def test_an_older_profile_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = a_profile(tmp_path / "profile")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, add_a_column))
    before = contents(tmp_path)
    reader = open_profile(tmp_path / "profile", read_only=True)
    assert reader.read(body, 0, 99) == b"stored"
    reader.close()
    assert contents(tmp_path) == before
    store = open_profile(tmp_path / "profile")
    assert store.read(body, 0, 99) == b"stored"
    store.close()
    connection = sqlite3.connect(tmp_path / "profile" / "profile.sqlite3")
    assert connection.execute("SELECT colour FROM profile").fetchall() == [("green",)]
    assert schema.version_of(connection) == len(schema.MIGRATIONS)
    connection.close()


def test_a_migration_is_whole_or_not_at_all() -> None:
    def fail(connection: sqlite3.Connection) -> None:
        add_a_column(connection)
        raise ZeroDivisionError

    connection = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(ZeroDivisionError):
        schema.migrate(connection, (*schema.MIGRATIONS, fail))
    assert schema.version_of(connection) == len(schema.MIGRATIONS)
    schema.migrate(connection, (*schema.MIGRATIONS, add_a_column))
    assert connection.execute("SELECT colour FROM profile").fetchall() == [("green",)]
    connection.close()


def test_a_migration_leaves_no_dangling_reference() -> None:
    def dangle(connection: sqlite3.Connection) -> None:
        connection.execute(
            "INSERT INTO cache_entries (cache, url_key, request, response) VALUES (9, '', '{}', '{}')"
        )

    connection = sqlite3.connect(":memory:", isolation_level=None)
    with pytest.raises(sqlite3.IntegrityError, match="migration 2"):
        schema.migrate(connection, (schema.first_tables, dangle))
    assert connection.execute("SELECT count(*) FROM cache_entries").fetchone() == (0,)
    connection.close()
