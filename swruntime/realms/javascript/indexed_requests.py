"""The requests of an IndexedDB transaction as a process sends them, each a list: what it is, and its arguments.

    ["put", store, key?, value, [[index, [part?, ...]], ...], overwrite]    its key; a part that is null is the key made
    ["delete", store, range]    ["clear", store]
    ["count", "store" or "index", id, range]                                a number
    ["scan", "store" or "index", id, range, direction, [key, primary key?, inclusive]?, skip, limit?, values, bytes?]
                                                                            [[key, primary key, value?], ...]
    ["createStore", id, name, key path?, auto increment]    ["renameStore", id, name]    ["deleteStore", id]
    ["createIndex", store, id, name, key path, unique, multi entry]    ["renameIndex", id, name]    ["deleteIndex", id]
    ["addEntries", index, [[key, primary key], ...]]

A range is [lower?, upper?, lower open, upper open]. The process numbers what it creates; a connection's `Numbers` know
which object store or index is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import attrs

from swruntime.agent.indexed_dbs import Transaction
from swruntime.errors import ConstraintError, QuotaExceededError, UnknownError
from swruntime.ports.indexed_db import (
    Direction,
    IndexedDatabase,
    IndexRow,
    KeyPath,
    KeyRange,
    Position,
    Source,
    StoreRow,
    put_size,
)
from swruntime.realms.javascript.messages import WireError
from swruntime.realms.javascript.shapes import shown

Wire = dict[str, Any]
MOST_READ = 128 * 1024 * 1024
"""Bytes of the records that one request reads, where it reads several: browsers have such a limit, too."""
GENERATED = 9
"""Bytes of a key that a key generator makes."""
DIRECTIONS: tuple[Direction, ...] = ("next", "nextunique", "prev", "prevunique")


def a_number(arguments: Wire, name: str) -> int:
    return number_in(arguments.get(name), name)


def number_in(value: object, name: str = "a number") -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > 2**53:
        raise WireError(f"{name} is {shown(value)}")
    return value


def a_text(arguments: Wire, name: str) -> str:
    return text_in(arguments.get(name), name)


def text_in(value: object, name: str = "a name") -> str:
    if not isinstance(value, str):
        raise WireError(f"{name} is {shown(value)}")
    return value


def a_list(arguments: Wire, name: str) -> list[Any]:
    return list_in(arguments.get(name), name)


def list_in(value: object, name: str = "a list") -> list[Any]:
    if not isinstance(value, list):
        raise WireError(f"{name} is {type(value).__name__}")
    return value


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise WireError(f"{type(value).__name__} where bytes are expected")
    return value


def _maybe_bytes(value: object) -> bytes | None:
    return None if value is None else _bytes(value)


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise WireError(f"{shown(value)} where true or false is expected")
    return value


def _size(value: object) -> int | None:
    if value is None:
        return None
    number = number_in(value)
    if number < 0:
        raise WireError(f"{number} where a count is expected")
    return number


def _key_path(value: object) -> KeyPath:
    if value is None or isinstance(value, str):
        return value
    return tuple(text_in(each, "a key path") for each in list_in(value, "a key path"))


def _range(value: object) -> KeyRange:
    match value:
        case [lower, upper, lower_open, upper_open]:
            return KeyRange(_maybe_bytes(lower), _maybe_bytes(upper), _truth(lower_open), _truth(upper_open))
    raise WireError("a range is malformed")


def _position(value: object) -> Position | None:
    match value:
        case None:
            return None
        case [key, primary_key, inclusive]:
            return Position(_bytes(key), _maybe_bytes(primary_key), _truth(inclusive))
    raise WireError("a position is malformed")


def _direction(value: object) -> Direction:
    for known in DIRECTIONS:
        if value == known:
            return known
    raise WireError(f"direction is {shown(value)}")


@attrs.define
class Numbers:
    """The process's numbers of object stores and indexes, of one connection."""

    stores: dict[int, int] = attrs.field(factory=dict)
    indexes: dict[int, int] = attrs.field(factory=dict)
    _owners: dict[int, int] = attrs.field(factory=dict)
    """The object store of each index."""

    def note(self, schema: Sequence[StoreRow]) -> None:
        for row in schema:
            self.stores[row.id] = row.id
            for index in row.indexes:
                self.indexes[index.id] = index.id
                self._owners[index.id] = row.id

    def store_created(self, number: int, store: int) -> None:
        self.stores[number] = store

    def index_created(self, number: int, index: int, store: int) -> None:
        self.indexes[number] = index
        self._owners[index] = store

    def free(self, number: object) -> int:
        """Raises WireError for a number that is in use."""
        known = number_in(number)
        if known in self.stores or known in self.indexes:
            raise WireError(f"the number {known} is in use")
        return known

    def owner(self, index: int) -> int:
        return self._owners[index]

    def store(self, number: object) -> int:
        return self._known(self.stores, number)

    def index(self, number: object) -> int:
        return self._known(self.indexes, number)

    def source(self, kind: object, number: object) -> Source:
        known: Literal["store", "index"] = "store" if kind == "store" else "index"
        if kind != known:
            raise WireError(f"a source is {shown(kind)}")
        return Source(known, self.store(number) if kind == "store" else self.index(number))

    def _known(self, numbers: dict[int, int], number: object) -> int:
        found = numbers.get(number_in(number))
        if found is None:
            raise WireError(f"there is no {shown(number)}")
        return found


Room = Callable[[int], None]


def perform(
    file: IndexedDatabase, transaction: Transaction, numbers: Numbers, wire: object, room: Room
) -> Wire:
    """`{"value"}`, or `{"error"}` where the request fails and the transaction can go on.

    `room(bytes)` raises QuotaExceededError where there is none. Raises WireError, StorageFull, StorageFailed.
    """
    request = list_in(wire, "a request")
    if not request:
        raise WireError("a request is empty")
    try:
        return {"value": _Request(file, transaction, numbers, room).perform(request)}
    except (ConstraintError, QuotaExceededError, UnknownError) as error:
        return {"error": {"name": error.name, "message": str(error)}}
    except KeyError as error:
        raise WireError(str(error)) from error


def size_of(result: Wire) -> int:
    """Bytes of the records that an answer of `perform` has."""
    rows = result.get("value")
    if not isinstance(rows, list):
        return 0
    return sum(len(part) for row in rows for part in row if part is not None)


@attrs.frozen
class _Request:
    file: IndexedDatabase
    transaction: Transaction
    numbers: Numbers
    room: Room

    def perform(self, request: list[Any]) -> Any:
        match request:
            case ["count", kind, number, key_range]:
                return self.file.count(self._source(kind, number), _range(key_range))
            case ["scan", kind, number, *rest]:
                return self._scan(self._source(kind, number), rest)
        if self.transaction.mode == "readonly":
            raise WireError(f"{shown(request[0])} in a transaction that is read-only")
        match request:
            case ["put", store, key, value, entries, overwrite]:
                return self._put(store, key, value, entries, _truth(overwrite))
            case ["delete", store, key_range]:
                return self.file.delete(self._store(store), _range(key_range))
            case ["clear", store]:
                return self.file.clear(self._store(store))
        if self.transaction.mode != "versionchange":
            raise WireError(f"{shown(request[0])} outside an upgrade, or with wrong arguments")
        return self._upgrade(request)

    def _store(self, number: object) -> int:
        store = self.numbers.store(number)
        self._require_in_scope(store, number)
        return store

    def _require_in_scope(self, store: int, number: object) -> None:
        if self.transaction.mode != "versionchange" and store not in self.transaction.stores:
            raise WireError(f"the object store of {shown(number)} is not in the transaction's scope")

    def _source(self, kind: object, number: object) -> Source:
        source = self.numbers.source(kind, number)
        owner = source.id if source.kind == "store" else self.numbers.owner(source.id)
        self._require_in_scope(owner, number)
        return source

    def _scan(self, source: Source, rest: list[Any]) -> list[list[bytes | None]]:
        match rest:
            case [key_range, direction, position, skip, limit, values, most]:
                most_bytes = _size(most)
                found = self.file.scan(
                    source,
                    _range(key_range),
                    _direction(direction),
                    position=_position(position),
                    skip=_size(skip) or 0,
                    limit=_size(limit),
                    most_bytes=MOST_READ + 1 if most_bytes is None else min(most_bytes, MOST_READ + 1),
                    values=_truth(values),
                )
                rows = [[each.key, each.primary_key, each.value] for each in found]
                if len(rows) > 1 and size_of({"value": rows}) > MOST_READ:
                    raise UnknownError(f"more than {MOST_READ:,} bytes at once are not read; use a cursor")
                return rows
        raise WireError("a scan has other arguments")

    def _put(self, store: object, key: object, value: object, entries: object, overwrite: bool) -> bytes:
        data, primary_key = _bytes(value), _maybe_bytes(key)
        into = self._store(store)
        read = []
        for entry in list_in(entries):
            match entry:
                case [number, [*parts]]:
                    index = self.numbers.index(number)
                    if self.numbers.owner(index) != into:
                        raise WireError(f"{shown(number)} is not an index of the object store {shown(store)}")
                    read.append((index, tuple(_maybe_bytes(part) for part in parts)))
                case _:
                    raise WireError("an entry of an index is malformed")
        key_length = GENERATED if primary_key is None else len(primary_key)
        lengths = [sum(key_length if part is None else len(part) for part in parts) for _, parts in read]
        self.room(put_size(key_length, len(data), lengths))
        return self.file.put(into, primary_key, data, read, overwrite=overwrite)

    def _upgrade(self, request: list[Any]) -> None:
        numbers, file = self.numbers, self.file
        match request:
            case ["createStore", number, name, path, auto]:
                known = numbers.free(number)
                created = file.create_store(text_in(name), _key_path(path), _truth(auto))
                numbers.store_created(known, created)
            case ["renameStore", number, name]:
                file.rename_store(numbers.store(number), text_in(name))
            case ["deleteStore", number]:
                file.delete_store(numbers.store(number))
            case ["createIndex", store, number, name, path, unique, multi]:
                key_path = _key_path(path)
                if key_path is None:
                    raise WireError("an index has no key path")
                row = IndexRow(0, text_in(name), key_path, _truth(unique), _truth(multi))
                known, into = numbers.free(number), numbers.store(store)
                numbers.index_created(known, file.create_index(into, row), into)
            case ["renameIndex", number, name]:
                file.rename_index(numbers.index(number), text_in(name))
            case ["deleteIndex", number]:
                file.delete_index(numbers.index(number))
            case ["addEntries", number, [*entries]]:
                index = numbers.index(number)
                file.add_entries(index, [_pair(entry) for entry in entries])
            case _:
                raise WireError(f"{shown(request[0])} is not a request, or has other arguments")


def _pair(entry: object) -> tuple[bytes, bytes]:
    match entry:
        case [key, primary_key]:
            return _bytes(key), _bytes(primary_key)
    raise WireError("an entry of an index is malformed")
