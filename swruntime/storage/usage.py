"""How many bytes of the database each storage key takes: what scripts, servers and names have put into its rows.

Of a row its texts count, with their repetitions in indexes, and `ROW` for all that SQLite keeps beside them; of a body
the length of its file (ledger.py), of an IndexedDB database what its own file says (indexed_file.py). What changes
while a background fetch goes on (the machines' snapshots) counts as a fixed number, so that the same texts take the
same bytes in every run.

SQLite's files are somewhat larger than that: a page is not always full, what was deleted leaves room for what comes,
and the log has pages twice. What that adds up to is held by tests/storage/test_storage_usage.py.

A writer keeps the sums by triggers, in a temporary table in memory: added up once when the profile opens, they cost the
same however many rows there are, and follow transactions and savepoints as the rows do. A reader, beside a writer, adds
up each time.
"""

from __future__ import annotations

from functools import cache

import attrs

from swruntime.storage.database import Database

ROW = 64
"""Bytes that count for a row beside its texts: its number and header, an entry in each index, a pointer in a page."""

RECORD_SNAPSHOT = 96
FETCH_SNAPSHOT = 144
"""Bytes that count for the snapshots of the machines."""


@attrs.frozen
class _Counted:
    """A table whose rows count. `{row}` stands for one of them; `changes` are the columns that are ever updated."""

    table: str
    size: str
    key: str = "{row}.storage_key"
    changes: str = ""


_REGISTRATION = "2 * (length({row}.storage_key) + length({row}.scope))"
_TAG = f"{_REGISTRATION} + 2 * length({{row}}.tag)"

_TABLES = (
    _Counted("bodies", "length({row}.storage_key)"),
    _Counted("registrations", f"{_REGISTRATION} + length({{row}}.workers)", changes="workers"),
    _Counted("fetches", f"{_REGISTRATION} + length({{row}}.options) + {FETCH_SNAPSHOT}", changes="options"),
    _Counted(
        "records",
        f"length({{row}}.request) + coalesce(length({{row}}.response), 0) + {RECORD_SNAPSHOT}",
        key="(SELECT storage_key FROM fetches WHERE number = {row}.fetch)",
        changes="response",
    ),
    _Counted("caches", "2 * (length({row}.storage_key) + length({row}.name))"),
    _Counted(
        "cache_entries",
        "2 * length({row}.url_key) + length({row}.request) + length({row}.response)",
        key="(SELECT storage_key FROM caches WHERE id = {row}.cache)",
    ),
    _Counted("notifications", f"{_REGISTRATION} + length({{row}}.content)"),
    _Counted("push_subscriptions", f"{_REGISTRATION} + length({{row}}.subscription)"),
    _Counted("syncs", _TAG),
    _Counted("periodic_syncs", _TAG),
    _Counted("indexed_databases", "2 * (length({row}.storage_key) + length({row}.name))"),
)


class RowUsage:
    def __init__(self, database: Database) -> None:
        self._database = database
        if not (database.read_only or database.in_memory):  # which has them from its beginning
            database.execute_script(sums_script(temporary=True))

    def of(self, storage_key: str) -> int:
        """Bytes, of what is not committed yet as well."""
        if self._database.read_only:
            return self.added_up(storage_key)
        kept: int | None = self._database.one(
            "SELECT bytes FROM usage_kept WHERE storage_key = ?", (storage_key,)
        )
        return kept or 0

    def added_up(self, storage_key: str) -> int:
        """The same, from the rows themselves."""
        sums: dict[str, int] = dict(self._database.execute(_sums()))
        return sums.get(storage_key, 0)


def _sums() -> str:
    each = " UNION ALL ".join(
        f"SELECT {_in(counted.key, counted.table)} AS storage_key, {_size(counted, counted.table)} AS bytes "
        f"FROM {counted.table}"
        for counted in _TABLES
    )
    return f"SELECT storage_key, sum(bytes) FROM ({each}) GROUP BY storage_key"


@cache
def sums_script(*, temporary: bool) -> str:
    """What makes the table of the sums and its triggers: `temporary` ones beside a file's database, others in memory.

    No trigger fires for a row that a REPLACE pushes out, and none can tell whose a row was that a cascade takes after
    its parent: no statement of the store deletes a row of these tables in such a way.
    """
    temp, main = ("TEMP ", "main.") if temporary else ("", "")
    statements = [
        "PRAGMA temp_store = MEMORY",
        f"CREATE {temp}TABLE usage_kept (storage_key TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID",
        f"INSERT INTO usage_kept {_sums()}",
    ]
    for counted in _TABLES:
        added, gone = f"({_size(counted, 'new')})", f"-({_size(counted, 'old')})"
        changes = [
            ("added", "INSERT", _in(counted.key, "new"), added),
            ("gone", "DELETE", _in(counted.key, "old"), gone),
        ]
        if counted.changes:
            changes.append(("changed", f"UPDATE OF {counted.changes}", _in(counted.key, "new"), added + gone))
        statements += [
            f"CREATE {temp}TRIGGER usage_{counted.table}_{name} AFTER {event} ON {main}{counted.table} BEGIN "
            f"INSERT INTO usage_kept VALUES ({key}, {bytes_}) "
            "ON CONFLICT (storage_key) DO UPDATE SET bytes = bytes + excluded.bytes; END"
            for name, event, key, bytes_ in changes
        ]
    return ";\n".join((*statements, ""))


def _size(counted: _Counted, row: str) -> str:
    return f"{_in(counted.size, row)} + {ROW}"


def _in(expression: str, row: str) -> str:
    return expression.replace("{row}", row)
