"""The questions to an IndexedDB database, in SQL: records in a range, in each of the four directions."""

from __future__ import annotations

from swruntime.ports.indexed_db import Direction, KeyRange, Position, Source


def in_range(key_range: KeyRange) -> tuple[str, list[bytes]]:
    """The condition, and what stands for its question marks."""
    where, parameters = "", []
    if key_range.lower is not None:
        where += f" AND key {'>' if key_range.lower_open else '>='} ?"
        parameters.append(key_range.lower)
    if key_range.upper is not None:
        where += f" AND key {'<' if key_range.upper_open else '<='} ?"
        parameters.append(key_range.upper)
    return where, parameters


def counting(source: Source, key_range: KeyRange) -> tuple[str, list[object]]:
    table, column = ("records", "store") if source.kind == "store" else ("entries", "of_index")
    where, parameters = in_range(key_range)
    return f"SELECT count(*) FROM {table} WHERE {column} = ?{where}", [source.id, *parameters]


def scanning(
    source: Source, key_range: KeyRange, direction: Direction, position: Position | None, values: bool
) -> tuple[str, list[object]]:
    """Rows of (key, primary key, value or null), without a limit.

    Where a key is in an index more than once, "nextunique" and "prevunique" alike take the record with the least
    primary key: https://w3c.github.io/IndexedDB/#iterate-a-cursor
    """
    order = "DESC" if direction.startswith("prev") else "ASC"
    where, parameters = in_range(key_range)
    if position is not None:
        beyond = ("<" if order == "DESC" else ">") + ("=" if position.inclusive else "")
        if position.primary_key is None:
            where += f" AND key {beyond} ?"
            parameters.append(position.key)
        else:
            where += f" AND (key, primary_key) {beyond} (?, ?)"
            parameters += [position.key, position.primary_key]
    if source.kind == "store":
        value = "value" if values else "NULL"
        rows = f"SELECT key, key AS primary_key, {value} FROM records WHERE store = ?"
        return f"{rows}{where.replace('(key, primary_key)', '(key, key)')} ORDER BY key {order}", [
            source.id,
            *parameters,
        ]
    if direction.endswith("unique"):  # SQLite takes `record` from the row that has the least primary key
        rows = (
            "SELECT key, min(primary_key) AS primary_key, record "
            f"FROM entries WHERE of_index = ?{where} GROUP BY key"
        )
        ordered = f"ORDER BY key {order}"
    else:
        rows = f"SELECT key, primary_key, record FROM entries WHERE of_index = ?{where}"
        ordered = f"ORDER BY key {order}, primary_key {order}"
    value = "(SELECT value FROM records WHERE id = record)" if values else "NULL"
    return f"SELECT key, primary_key, {value} FROM ({rows}) {ordered}", [source.id, *parameters]
