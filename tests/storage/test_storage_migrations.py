"""The process dies, or the disk fails, while an older profile becomes one of today: before and after each statement.

What is there then is the older profile, or a younger one, whole; whoever opens it next finishes the migration.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from swruntime.storage import memory_store, open_profile, schema, verify
from swruntime.storage.schema import MIGRATIONS, Migration
from tests.forks import Forks

PROFILES = Path(__file__).parents[1] / "profiles"
OLDEST = f"{(PROFILES / 'v1' / 'profile.sqlite3').as_uri()}?immutable=1"  # nothing is made beside it
Rows = dict[str, list[tuple[object, ...]]]


def rebuild_a_table(connection: sqlite3.Connection) -> None:
    """As a later version may: a table that is referred to is made anew, with a column more."""
    for statement in (
        "CREATE TABLE newer (id INTEGER PRIMARY KEY AUTOINCREMENT, storage_key TEXT NOT NULL, "
        "synced INTEGER NOT NULL DEFAULT 0, digest TEXT)",
        "INSERT INTO newer (id, storage_key, synced) SELECT id, storage_key, synced FROM bodies",
        "DROP TABLE bodies",
        "ALTER TABLE newer RENAME TO bodies",
    ):
        connection.execute(statement)


def add_a_table(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE sentinels (text TEXT)")
    connection.executemany("INSERT INTO sentinels VALUES (?)", [("one",), ("two",)])


FUTURE: tuple[Migration, ...] = (*MIGRATIONS, rebuild_a_table, add_a_table)


class Dying(sqlite3.Connection):
    """Calls `die` before or after the statement of a number."""

    at = 0
    die: Callable[[], None]
    statements = 0

    def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
        Dying.statements += 1
        mine = Dying.statements
        if mine * 2 - 1 == self.at:
            Dying.die()
        cursor = super().execute(sql, *parameters)  # type: ignore[arg-type]
        if mine * 2 == self.at:
            Dying.die()
        return cursor


def migrate_and_die(
    database: Path, migrations: Sequence[Migration], at: int, die: Callable[[], None]
) -> None:
    """Migrate as `open_profile` does, but for the death at half-step number `at` (2 to a statement)."""
    Dying.at, Dying.die, Dying.statements = at, staticmethod(die), 0
    with closing(sqlite3.connect(database, isolation_level=None, factory=Dying)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        schema.migrate(connection, migrations)


def rows_of(database: Path) -> tuple[int, Rows]:
    """The version, and what is in the tables that v1 has, in its columns."""
    with closing(sqlite3.connect(database)) as connection:
        version = schema.version_of(connection)
        with closing(sqlite3.connect(OLDEST, uri=True)) as oldest:
            tables = [
                name for (name,) in oldest.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            ]
            columns = {
                table: [row[1] for row in oldest.execute(f"PRAGMA table_info({table})")] for table in tables
            }
        rows = {
            table: connection.execute(f"SELECT {', '.join(columns[table])} FROM {table}").fetchall()
            for table in tables
            if not table.startswith("sqlite_")
        }
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    return version, rows


def copy_of(version: int, folder: Path) -> Path:
    shutil.copytree(PROFILES / f"v{version}", folder)
    return folder / "profile.sqlite3"


def check_whole(
    database: Path, before: Rows, migrations: Sequence[Migration], monkeypatch: pytest.MonkeyPatch
) -> None:
    version, rows = rows_of(database)
    assert 1 <= version <= len(migrations)
    if migrations is FUTURE:  # migrations of today may change what they like
        assert rows == before
    monkeypatch.setattr(schema, "MIGRATIONS", tuple(migrations))
    assert verify(database.parent) == [], "a reader sees it as of today"
    open_profile(database.parent, boot_id="the next one").close()
    assert verify(database.parent) == []
    version, rows = rows_of(database)
    assert version == len(migrations)
    assert rows.keys() == before.keys()


class Raised(Exception):
    pass


THIS = "tests.storage.test_storage_migrations"  # as a process finds it
FORKS = Forks(THIS)


def migrate_and_be_killed(arguments: list[str]) -> int:
    database, which, at = arguments
    migrations = FUTURE if which == "FUTURE" else MIGRATIONS
    migrate_and_die(Path(database), migrations, int(at), lambda: os.kill(os.getpid(), signal.SIGKILL))
    return 0


def raise_it() -> None:
    raise Raised


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
@pytest.mark.parametrize("migrations", [MIGRATIONS, FUTURE], ids=["today's", "a later version's"])
def test_a_failure_at_any_statement_leaves_it_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int, migrations: Sequence[Migration]
) -> None:
    at, failed = 0, True
    while failed:
        at += 1
        database = copy_of(version, tmp_path / str(at))
        _, before = rows_of(database)
        try:
            migrate_and_die(database, migrations, at, raise_it)
            failed = False
        except Raised:
            pass
        with monkeypatch.context() as patch:
            check_whole(database, before, migrations, patch)
    assert at > 2 * 9 if migrations is FUTURE else at >= 5


@pytest.mark.slow
@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
@pytest.mark.parametrize("migrations", [MIGRATIONS, FUTURE], ids=["today's", "a later version's"])
def test_a_kill_at_any_statement_leaves_it_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int, migrations: Sequence[Migration]
) -> None:
    at, status = 0, -9
    while status == -9:
        at += 1
        database = copy_of(version, tmp_path / str(at))
        _, before = rows_of(database)
        which = "FUTURE" if migrations is FUTURE else "MIGRATIONS"
        process = FORKS.start(f"{THIS}:migrate_and_be_killed", [str(database), which, str(at)], 1, 2)
        status = FORKS.wait(process)
        assert status in (0, -9)
        with monkeypatch.context() as patch:
            check_whole(database, before, migrations, patch)
    assert at > 2 * 9 if migrations is FUTURE else at >= 5


def test_a_new_profile_is_whole_or_not_there(tmp_path: Path) -> None:
    """All migrations from none, into the file that becomes the database at last."""
    at, failed = 0, True
    while failed:
        at += 1
        database = tmp_path / f"{at}.sqlite3"
        try:
            migrate_and_die(database, FUTURE, at, raise_it)
            failed = False
        except Raised:
            pass
        with closing(sqlite3.connect(database)) as connection:
            version = schema.version_of(connection)
            tables = connection.execute(
                "SELECT count(*) FROM sqlite_schema WHERE name = 'profile'"
            ).fetchone()
        assert tables == (1 if version else 0,)
    assert version == len(FUTURE)


def test_a_store_in_memory_has_what_the_migrations_make() -> None:
    migrated = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(migrated)
    store = memory_store()
    with closing(migrated), closing(store):
        in_memory = store._database._connection
        assert schema.version_of(in_memory) == len(schema.MIGRATIONS)
        besides = "usage_"  # the sums, which are temporary in a file's database
        assert [each for each in in_memory.iterdump() if besides not in each] == list(migrated.iterdump())
        (enforced,) = in_memory.execute("PRAGMA foreign_keys").fetchone()
        assert enforced == 1
