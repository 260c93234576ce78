"""The database of a profile: its tables, and how an older one becomes one of today.

`PRAGMA application_id` tells a profile from any other database, `PRAGMA user_version` is the number of
migrations that it has been through. A migration is never changed once it was released: the next one is
appended to `MIGRATIONS`, and runs in a transaction of its own together with the new number.

What is looked for has a column; the rest of a value is JSON. A column that repeats a part of the JSON is
generated from it, so that the same truth is never kept twice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import cache

APPLICATION_ID = 0x73775254  # "swRT"

TABLES = (
    # The profile itself, one row. `origin` is what the profile keeps. `boot` names the boot of the machine
    # in which the last writer ran (null: not known): another one at the next opening means that the power
    # may have failed in between.
    """
    CREATE TABLE profile (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        origin   TEXT,
        boot     TEXT
    )
    """,
    "INSERT INTO profile (only_row) VALUES (1)",
    # A body: its bytes are the file DIR/bodies/ID. `synced` is how many bytes of it are known to be on the
    # disk, the checkpoint to which a power failure goes back. Its length is not here: it is the file's.
    """
    CREATE TABLE bodies (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        storage_key TEXT NOT NULL,
        synced      INTEGER NOT NULL DEFAULT 0
    )
    """,
    # A service worker registration. `workers` is {"update_via_cache", "waiting", "active"}.
    """
    CREATE TABLE registrations (
        number      INTEGER PRIMARY KEY,
        storage_key TEXT NOT NULL,
        scope       TEXT NOT NULL,
        workers     TEXT NOT NULL,
        UNIQUE (storage_key, scope)
    )
    """,
    # A background fetch that is not released. `options` is {"id", "title", "icons", "download_total",
    # "upload_total"}; the id is in there because nobody looks for it, and because a DOMString may hold what
    # is not Unicode text. `snapshot` is the machine's.
    """
    CREATE TABLE fetches (
        number      INTEGER PRIMARY KEY AUTOINCREMENT,
        storage_key TEXT NOT NULL,
        scope       TEXT NOT NULL,
        options     TEXT NOT NULL,
        snapshot    TEXT NOT NULL,
        state       TEXT GENERATED ALWAYS AS (json_extract(snapshot, '$.state')) VIRTUAL
    )
    """,
    "CREATE INDEX fetches_by_registration ON fetches (storage_key, scope)",
    # A record of a background fetch. `body` is what its response fills, `request_body` what its request
    # sends. `counted` is the length that the body had when the record was saved as "success" (else null):
    # a body that a power failure left shorter does not hold what was counted.
    """
    CREATE TABLE records ( fetch        INTEGER NOT NULL REFERENCES fetches ON DELETE CASCADE, position
    INTEGER NOT NULL, request      TEXT NOT NULL, request_body INTEGER GENERATED ALWAYS AS
    (json_extract(request, '$.body.id')) VIRTUAL REFERENCES bodies, snapshot     TEXT NOT NULL, response
    TEXT, body         INTEGER REFERENCES bodies, counted      INTEGER, PRIMARY KEY (fetch, position) ) """,
    "CREATE INDEX records_by_body ON records (body) WHERE body IS NOT NULL",
    "CREATE INDEX records_by_request_body ON records (request_body) WHERE request_body IS NOT NULL",
    # A cache. `name` is a JSON string, because a DOMString may hold what is not Unicode text.
    """
    CREATE TABLE caches (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        storage_key TEXT NOT NULL,
        name        TEXT NOT NULL,
        UNIQUE (storage_key, name)
    )
    """,
    # An entry of a cache. `url_key` is the request's URL without its fragment; which of the entries
    # under it match a request (method, Vary, query) is for the algorithms. `counted` is as in a record.
    """
    CREATE TABLE cache_entries ( id           INTEGER PRIMARY KEY AUTOINCREMENT, cache        INTEGER NOT
    NULL REFERENCES caches ON DELETE CASCADE, url_key      TEXT NOT NULL, request      TEXT NOT NULL,
    request_body INTEGER GENERATED ALWAYS AS (json_extract(request, '$.body.id')) VIRTUAL REFERENCES bodies,
    response     TEXT NOT NULL, body         INTEGER REFERENCES bodies, counted      INTEGER ) """,
    "CREATE INDEX entries_by_url ON cache_entries (cache, url_key)",
    "CREATE INDEX entries_by_body ON cache_entries (body) WHERE body IS NOT NULL",
    "CREATE INDEX entries_by_request_body ON cache_entries (request_body) WHERE request_body IS NOT NULL",
)

SYNC_TABLES = (
    # A sync registration. `tag` is a JSON string, because a DOMString may hold what is not Unicode text.
    # `failures` counts its attempts that failed; until `retry_at` (seconds since 1970) it waits for the next.
    """
    CREATE TABLE syncs (
        number      INTEGER PRIMARY KEY AUTOINCREMENT,
        storage_key TEXT NOT NULL,
        scope       TEXT NOT NULL,
        tag         TEXT NOT NULL,
        failures    INTEGER NOT NULL,
        retry_at    REAL,
        UNIQUE (storage_key, scope, tag)
    )
    """,
    # A periodic sync registration. `min_interval` is in seconds; `anchor` (seconds since 1970) is when its
    # last event ended, or when it was registered.
    """
    CREATE TABLE periodic_syncs (
        number       INTEGER PRIMARY KEY AUTOINCREMENT,
        storage_key  TEXT NOT NULL,
        scope        TEXT NOT NULL,
        tag          TEXT NOT NULL,
        min_interval REAL NOT NULL,
        anchor       REAL NOT NULL,
        UNIQUE (storage_key, scope, tag)
    )
    """,
    # When a periodic sync of an origin was handled last. It outlives the registrations: unregistering does
    # not let the next one come sooner.
    """
    CREATE TABLE periodic_fires (
        storage_key TEXT PRIMARY KEY,
        fired_at    REAL NOT NULL
    )
    """,
)

REFERENCES = """
    EXISTS (SELECT 1 FROM records WHERE body = {body})
    OR EXISTS (SELECT 1 FROM records WHERE request_body = {body})
    OR EXISTS (SELECT 1 FROM cache_entries WHERE body = {body})
    OR EXISTS (SELECT 1 FROM cache_entries WHERE request_body = {body})
"""
"""Whether anything refers to a body; `{body}` is how the query calls its id."""

Migration = Callable[[sqlite3.Connection], None]


def first_tables(connection: sqlite3.Connection) -> None:
    for statement in TABLES:
        connection.execute(statement)


NOTIFICATIONS_AND_PUSH = (
    # A notification that is shown. `content` is all that it says.
    """
    CREATE TABLE notifications (
        number      INTEGER PRIMARY KEY AUTOINCREMENT,
        storage_key TEXT NOT NULL,
        scope       TEXT NOT NULL,
        content     TEXT NOT NULL
    )
    """,
    "CREATE INDEX notifications_by_registration ON notifications (storage_key, scope)",
    # The push subscription of a registration, with its keys. Its number is in `subscription`.
    """
    CREATE TABLE push_subscriptions (
        number       INTEGER PRIMARY KEY AUTOINCREMENT,
        storage_key  TEXT NOT NULL,
        scope        TEXT NOT NULL,
        subscription TEXT NOT NULL,
        UNIQUE (storage_key, scope)
    )
    """,
)


def notifications_and_push(connection: sqlite3.Connection) -> None:
    for statement in NOTIFICATIONS_AND_PUSH:
        connection.execute(statement)


def cookies_table(connection: sqlite3.Connection) -> None:
    """The cookies of all origins. What identifies one has columns; `cookie` is all of it."""
    connection.execute(
        """
        CREATE TABLE cookies (
            number    INTEGER PRIMARY KEY,
            domain    TEXT NOT NULL,
            host_only INTEGER NOT NULL,
            path      TEXT NOT NULL,
            name      TEXT NOT NULL,
            cookie    TEXT NOT NULL,
            UNIQUE (domain, host_only, path, name)
        )
        """
    )


def tables_of_syncs(connection: sqlite3.Connection) -> None:
    for statement in SYNC_TABLES:
        connection.execute(statement)


def indexed_databases_table(connection: sqlite3.Connection) -> None:
    """IndexedDB's databases, a file each (indexed_db.py). `name` is a JSON string, as a cache's."""
    connection.execute(
        """
        CREATE TABLE indexed_databases (
            number      INTEGER PRIMARY KEY AUTOINCREMENT,
            storage_key TEXT NOT NULL,
            name        TEXT NOT NULL,
            UNIQUE (storage_key, name)
        )
        """
    )


MIGRATIONS: tuple[Migration, ...] = (
    first_tables,
    notifications_and_push,
    cookies_table,
    tables_of_syncs,
    indexed_databases_table,
)


def version_of(connection: sqlite3.Connection) -> int:
    """How many migrations this database has been through."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def stranger(connection: sqlite3.Connection) -> str | None:
    """What is in this database, or missing, although its migrations say otherwise; None where it is as they made it.

    A profile that came along with a cloned site may have anything: a table whose numbers are texts, which would be
    taken for the names of files, a view in place of a table, a trigger. Raises sqlite3.Error.
    """
    there, made = _definitions(connection), _made_by(version_of(connection))
    return next((name for (_, name), _ in sorted(there ^ made)), None)


_Definitions = frozenset[tuple[tuple[str, str], str]]


def _definitions(connection: sqlite3.Connection) -> _Definitions:
    """Of every table, index, view and trigger; SQLite's own have none, but for the table of used numbers."""
    rows = connection.execute(
        "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_stat_'"
    )
    return frozenset(((kind, name), " ".join(sql.split())) for kind, name, sql in rows)


@cache
def _made_by(version: int) -> _Definitions:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, MIGRATIONS[:version])
        return _definitions(connection)


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration] | None = None) -> None:
    """Run the migrations that this database has not been through, each whole or not at all.

    Foreign keys must be off meanwhile (a migration may rebuild a table) and are checked before each commit.
    Raises sqlite3.Error, and whatever a migration raises; the database is then as after the one before.
    """
    migrations = MIGRATIONS if migrations is None else migrations
    for number, migration in enumerate(migrations[version_of(connection) :], version_of(connection) + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            migration(connection)
            _require_references(connection, number)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _require_references(connection: sqlite3.Connection, number: int) -> None:
    dangling = connection.execute("PRAGMA foreign_key_check").fetchall()
    if dangling:
        raise sqlite3.IntegrityError(f"migration {number} leaves dangling references: {dangling}")
