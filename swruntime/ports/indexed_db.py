"""IndexedDB in the profile: databases of a storage key, each with object stores, records and indexes.

Keys are bytes that sort as the standard says that keys do; whoever makes them is above, as is whoever says which
transaction may begin when (the agent). Everything is synchronous and quick.

Spec: https://w3c.github.io/IndexedDB/
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import attrs

Direction = Literal["next", "nextunique", "prev", "prevunique"]
KeyPath = str | tuple[str, ...] | None
KeyParts = tuple[bytes | None, ...]
"""A key in pieces; None stands for the key that the object store's generator will make."""

MOST_GENERATED = 2**53
"""The last key that a key generator makes: https://w3c.github.io/IndexedDB/#key-generator-construct"""

INDEXED_ROW = 40
"""Bytes that count for a record or an entry beside its keys and value."""


def put_size(key: int, value: int, entries: Sequence[int]) -> int:
    """What a record takes with its entries: of a key, a value and keys in indexes of these lengths."""
    return 2 * key + value + INDEXED_ROW + sum(2 * (entry + key) + INDEXED_ROW for entry in entries)


@attrs.frozen
class IndexRow:
    """An index. Its `id` is unique in its database and never used again, as an object store's."""

    id: int
    name: str
    key_path: str | tuple[str, ...]
    unique: bool = False
    multi_entry: bool = False


@attrs.frozen
class StoreRow:
    """An object store with its indexes, in the order of their creation."""

    id: int
    name: str
    key_path: KeyPath = None
    auto_increment: bool = False
    indexes: tuple[IndexRow, ...] = ()


@attrs.frozen
class Source:
    """Where records are looked for: an object store, or one of the indexes."""

    kind: Literal["store", "index"]
    id: int


@attrs.frozen
class KeyRange:
    """https://w3c.github.io/IndexedDB/#range-construct"""

    lower: bytes | None = None
    upper: bytes | None = None
    lower_open: bool = False
    upper_open: bool = False


@attrs.frozen
class Position:
    """Where a scan goes on: after this record, or at it with `inclusive`.

    `primary_key` is None where only the key counts: in object stores, for directions that are unique, and for
    whoever goes on at a key.
    """

    key: bytes
    primary_key: bytes | None = None
    inclusive: bool = False


@attrs.frozen
class Found:
    """A record of a source: in an object store both keys are the same. `value` is None where only keys are wanted."""

    key: bytes
    primary_key: bytes
    value: bytes | None


class IndexedDatabase(Protocol):
    """One database, open. What writes is called between `begin` and `commit` or `roll_back`.

    Every method raises StorageFull (then nothing of the transaction is kept), StorageFailed, UnknownError where the
    database is damaged, and KeyError where there is no such object store or index.
    """

    @property
    def version(self) -> int:
        """0 until its first upgrade was committed, or while that upgrade has not set it: it does not exist."""
        ...

    @property
    def size(self) -> int:
        """The bytes that count of the quota: all keys and values, what is not committed included."""
        ...

    @property
    def in_transaction(self) -> bool: ...

    def schema(self) -> Sequence[StoreRow]: ...

    def begin(self, *, durable: bool) -> None:
        """Begin to write. `durable`: what is committed is on the disk, power failure or not."""
        ...

    def commit(self) -> None: ...

    def roll_back(self) -> None:
        """Nothing happens where nothing was begun."""
        ...

    # An upgrade

    def set_version(self, version: int) -> None: ...

    def create_store(self, name: str, key_path: KeyPath, auto_increment: bool) -> int:
        """Raises ConstraintError where the name is taken, as every method that names."""
        ...

    def rename_store(self, store: int, name: str) -> None: ...

    def delete_store(self, store: int) -> None: ...

    def create_index(self, store: int, index: IndexRow) -> int:
        """`index.id` is ignored. The index is empty: see `add_entries`."""
        ...

    def rename_index(self, index: int, name: str) -> None: ...

    def delete_index(self, index: int) -> None: ...

    def add_entries(self, index: int, entries: Sequence[tuple[bytes, bytes]]) -> None:
        """(key, primary key) of records that are there. Raises ConstraintError where the index is unique."""
        ...

    # Records

    def put(
        self,
        store: int,
        key: bytes | None,
        value: bytes,
        entries: Sequence[tuple[int, KeyParts]],
        *,
        overwrite: bool,
    ) -> bytes:
        """*Store a record into an object store*; `entries` are its keys in indexes. Answers with its key.

        Without a key the generator makes one. Raises ConstraintError; then nothing is changed.
        Spec: https://w3c.github.io/IndexedDB/#object-store-storage-operation
        """
        ...

    def delete(self, store: int, key_range: KeyRange) -> None: ...

    def clear(self, store: int) -> None: ...

    def count(self, source: Source, key_range: KeyRange) -> int: ...

    def scan(
        self,
        source: Source,
        key_range: KeyRange,
        direction: Direction = "next",
        *,
        position: Position | None = None,
        skip: int = 0,
        limit: int | None = None,
        most_bytes: int | None = None,
        values: bool = True,
    ) -> list[Found]:
        """Records in order. At least one where there is one, whatever `most_bytes`."""
        ...

    def close(self) -> None:
        """Takes back what was begun and not committed. May be called again."""
        ...


class IndexedDatabases(Protocol):
    """The databases of all storage keys. Names are told apart as they are: they may hold lone surrogates."""

    def all(self, storage_key: str) -> Sequence[tuple[str, int]]:
        """The name and version of each that exists, in the order of their creation."""
        ...

    def open(self, storage_key: str, name: str) -> IndexedDatabase:
        """Made with version 0 where there is none. It is open once, whoever asks."""
        ...

    def delete(self, storage_key: str, name: str) -> None:
        """Closes it first. Nothing happens where there is none."""
        ...

    def usage(self, storage_key: str) -> int:
        """The bytes of its databases: names, key paths, keys, values and entries of indexes, and what each database
        and each row take by themselves; of what is not committed yet as well.
        """
        ...
