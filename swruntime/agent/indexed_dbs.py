"""IndexedDB's databases as all realms of one agent share them: connections, upgrades, which transaction may begin when.

One of these is for the whole agent; a realm has a side of it (`realms/javascript/indexed_db.py`), which a realm's end
closes: its connections, and its transactions that are not committed.

Read-write transactions of one database run one after the other, also where their scopes do not overlap: a database is
one SQLite database. Read-only ones run beside them where the scopes do not overlap.

Spec: https://w3c.github.io/IndexedDB/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import attrs
import trio

from swruntime.errors import StorageFull
from swruntime.ports.indexed_db import IndexedDatabase
from swruntime.ports.store import Store

Mode = Literal["readonly", "readwrite", "versionchange"]


@attrs.define(eq=False)
class Transaction:
    """One that was begun, or waits until it may be. `stores` are the ids of its scope.

    `failure`: there was no room to begin it. It has started then, and ended.
    """

    connection: Connection
    mode: Mode
    stores: frozenset[int]
    durable: bool = False
    started: trio.Event = attrs.field(factory=trio.Event)
    ended: trio.Event = attrs.field(factory=trio.Event)
    failure: StorageFull | None = None

    async def begun(self) -> None:
        """Raises StorageFull."""
        await self.started.wait()
        self.require_begun()

    def require_begun(self) -> None:
        if self.failure is not None:
            raise self.failure

    def conflicts_with(self, other: Transaction) -> bool:
        if self.mode != "readonly" and other.mode != "readonly":
            return True
        if self.mode == other.mode:
            return False
        return bool(self.stores & other.stores)


@attrs.define(eq=False)
class Connection:
    """An open connection of a realm. `tell_version_change(old, new)` fires its `versionchange` event."""

    database: SharedDatabase
    tell_version_change: Callable[[int, int | None], None]
    told: trio.Event = attrs.field(factory=trio.Event)
    """That a version is to change, and its listeners have run."""
    closed: trio.Event = attrs.field(factory=trio.Event)

    def begin(self, mode: Mode, stores: frozenset[int], *, durable: bool) -> Transaction:
        """Wait until it has `begun`; those that conflict begin in the order of these calls."""
        transaction = Transaction(self, mode, stores, durable)
        self.database.transactions.append(transaction)
        self.database.start_what_may()
        return transaction

    def close(self) -> None:
        """What it has not committed is taken back."""
        if self.closed.is_set():
            return
        for transaction in self.database.transactions_of(self):
            self.database.end(transaction, commit=False)
        self.database.connections.remove(self)
        self.closed.set()
        self.told.set()
        self.database.idle()


@attrs.define(eq=False)
class SharedDatabase:
    """A database that somebody has open, or is about to open or delete."""

    store: Store
    storage_key: str
    name: str
    forget: Callable[[SharedDatabase], None]
    file: IndexedDatabase | None = None
    connections: list[Connection] = attrs.field(factory=list)
    transactions: list[Transaction] = attrs.field(factory=list)
    waiting: int = 0
    queue: trio.Semaphore = attrs.field(factory=lambda: trio.Semaphore(1))
    """The connection queue: `open` and `deleteDatabase` are done one after the other."""

    @contextmanager
    def wanted(self) -> Iterator[None]:
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1
            self.idle()

    def opened(self) -> IndexedDatabase:
        if self.file is None:
            self.file = self.store.indexed.open(self.storage_key, self.name)
        return self.file

    def idle(self) -> None:
        """Nobody has it open, and nobody waits for it: its file is closed."""
        if self.connections or self.waiting:
            return
        file, self.file = self.file, None
        self.forget(self)
        if file is not None:
            file.close()

    def discard(self) -> None:
        """Delete it. Nobody has it open."""
        self.file = None
        self.store.indexed.delete(self.storage_key, self.name)

    # Transactions

    def transactions_of(self, connection: Connection) -> list[Transaction]:
        return [each for each in self.transactions if each.connection is connection]

    def start_what_may(self) -> None:
        earlier: list[Transaction] = []
        for transaction in tuple(self.transactions):
            if not transaction.started.is_set() and not any(map(transaction.conflicts_with, earlier)):
                self._start(transaction)
            if not transaction.ended.is_set():
                earlier.append(transaction)

    def _start(self, transaction: Transaction) -> None:
        """Where there is no room for it, only whoever waits for it is told."""
        try:
            if transaction.mode != "readonly":
                self.opened().begin(durable=transaction.durable)
        except StorageFull as full:
            transaction.failure = full
            self.transactions.remove(transaction)
            transaction.ended.set()
        transaction.started.set()

    def end(self, transaction: Transaction, *, commit: bool) -> None:
        """Raises StorageFull, StorageFailed where a commit failed; it is taken back then, and over."""
        if transaction.ended.is_set():
            return
        try:
            if transaction.started.is_set() and transaction.mode != "readonly":
                if commit:
                    self.opened().commit()
                else:
                    self.opened().roll_back()
        finally:
            self.transactions.remove(transaction)
            transaction.ended.set()
            self.start_what_may()

    async def others_closed(self, old: int, new: int | None, blocked: Callable[[], None]) -> None:
        """Tell every connection that the version is to change; `blocked` is called where one stays open."""
        connections = tuple(self.connections)
        for connection in connections:
            connection.told = trio.Event()
            connection.tell_version_change(old, new)
        for connection in connections:
            if not connection.closed.is_set():
                await connection.told.wait()
        if any(not connection.closed.is_set() for connection in connections):
            blocked()
        for connection in connections:
            await connection.closed.wait()


class IndexedDBs:
    """The databases that realms of one agent have open."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shared: dict[tuple[str, str], SharedDatabase] = {}

    def database(self, storage_key: str, name: str) -> SharedDatabase:
        key = (storage_key, name)
        if key not in self._shared:
            self._shared[key] = SharedDatabase(self._store, storage_key, name, self._forget)
        return self._shared[key]

    def _forget(self, shared: SharedDatabase) -> None:
        if self._shared.get((shared.storage_key, shared.name)) is shared:
            del self._shared[shared.storage_key, shared.name]

    def all(self, storage_key: str) -> list[tuple[str, int]]:
        return list(self._store.indexed.all(storage_key))
