"""IndexedDB of one JavaScript realm: what its process asks for, checked and done.

Operations and their arguments (`?` may be null; bytes are bytes):

| operation | arguments | answer |
|---|---|---|
| `idb.open` | `request`, `name`, `version?` | `connection`, `version`, `oldVersion`, `stores`, `transaction?` |
| `idb.delete` | `request`, `name` | `oldVersion` |
| `idb.databases` | | a list of `name`, `version` |
| `idb.close`, `idb.versionchanged` | `connection` | |
| `idb.begin` | `connection`, `transaction`, `stores`, `mode`, `durability` | when it has started |
| `idb.requests` | `transaction`, `requests` | `results`, each a `value`, or an `error` with `name` and `message` |
| `idb.commit`, `idb.abort` | `transaction` | |

`transaction` of an answer to `idb.open` is that of the upgrade; for `requests` see indexed_requests.py.

What the process is told: `{"kind": "versionchange", "connection", "oldVersion", "newVersion"}`, answered with
`idb.versionchanged` when its listeners have run; `{"kind": "blocked", "request", "oldVersion", "newVersion"}`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import attrs
import trio

from swruntime.agent.held import Charge, Held
from swruntime.agent.indexed_dbs import Connection, IndexedDBs, Mode, SharedDatabase, Transaction
from swruntime.agent.services import Quota
from swruntime.errors import (
    AbortError,
    InvalidStateError,
    QuotaExceededError,
    StorageFull,
    UnknownError,
    VersionError,
)
from swruntime.ports.indexed_db import IndexRow, StoreRow
from swruntime.realms.javascript.indexed_requests import (
    Numbers,
    Wire,
    a_list,
    a_number,
    a_text,
    perform,
    size_of,
)
from swruntime.realms.javascript.messages import WireError
from swruntime.realms.javascript.shapes import shown

T = TypeVar("T")
Tell = Callable[[dict[str, Any]], None]
Answer = Callable[[], Awaitable[Any]]
MOST_VERSION = 2**53 - 1
MOST_ANSWERED = 4 * 1024 * 1024
"""Bytes of records after which no other request of the same batch is performed."""
CONNECTION = 1024 * 1024
"""Bytes that are counted for an open connection: SQLite keeps pages of the database in memory."""
OPERATIONS = (
    "idb.open",
    "idb.delete",
    "idb.databases",
    "idb.close",
    "idb.versionchanged",
    "idb.begin",
    "idb.requests",
    "idb.commit",
    "idb.abort",
)


@attrs.define(eq=False)
class _Opened:
    connection: Connection
    numbers: Numbers
    charge: Charge


class IndexedDB:
    """`tell` sends a message to the process; `until_read` waits while that has too many answers to read.

    `close` when the realm is discarded.
    """

    def __init__(
        self,
        shared: IndexedDBs,
        quota: Quota,
        storage_key: str,
        tell: Tell,
        held: Held | None = None,
        until_read: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._until_read = until_read
        self._held = Held() if held is None else held
        self._shared = shared
        self._quota = quota
        self._key = storage_key
        self._tell = tell
        self._last = 0
        self._gone = False
        self._connections: dict[int, _Opened] = {}
        self._transactions: dict[int, tuple[Transaction, Numbers]] = {}
        self._requests_begun: set[int] = set()
        """The numbers of requests to open or delete a database that are not done."""

    def call(self, operation: object, arguments: object) -> Awaitable[Any]:
        """Perform an operation. To be called in the order in which the process asks; awaited where one likes.

        Raises WireError, at once or when awaited, for what no process of ours asks; DOMExceptions; StorageFailed.
        """
        with _full_told():
            return _awaited(self._call(operation, arguments))

    def _call(self, operation: object, arguments: object) -> Answer:
        """Does what has to be done in order; the answer is what is awaited."""
        if not isinstance(arguments, dict):
            raise WireError("the arguments are not an object")
        match operation:
            case "idb.open":
                name, version = a_text(arguments, "name"), arguments.get("version")
                if version is not None and not 1 <= a_number(arguments, "version") <= MOST_VERSION:
                    raise WireError(f"version is {shown(version)}")
                return partial(self._open, name, version, self._begun_request(arguments))
            case "idb.delete":
                return partial(self._delete, a_text(arguments, "name"), self._begun_request(arguments))
            case "idb.databases":
                there = self._shared.all(self._key)
                return partial(_now, [{"name": name, "version": version} for name, version in there])
            case "idb.close":
                self._close(a_number(arguments, "connection"))
                return partial(_now, None)
            case "idb.versionchanged":
                opened = self._connections.get(a_number(arguments, "connection"))
                if opened is not None:
                    opened.connection.told.set()
                return partial(_now, None)
            case "idb.begin":
                return self._begin(arguments)
            case "idb.requests":
                transaction, numbers = self._transaction(arguments)
                return partial(self._requests, transaction, numbers, a_list(arguments, "requests"))
            case "idb.commit" | "idb.abort":
                transaction, _ = self._transaction(arguments)
                del self._transactions[a_number(arguments, "transaction")]
                return partial(self._end, transaction, commit=operation == "idb.commit")
        raise WireError(f"there is no operation {shown(operation)}")

    def close(self) -> None:
        """The realm is gone: its connections close, and what they have not committed is taken back."""
        self._gone = True
        for opened in tuple(self._connections.values()):
            opened.connection.close()
        self._connections.clear()
        self._transactions.clear()

    # Databases

    def _begun_request(self, arguments: Wire) -> int:
        number = a_number(arguments, "request")
        if number <= 0 or number in self._requests_begun or -number in self._transactions:
            raise WireError(f"request is {number}, which is in use")
        self._requests_begun.add(number)
        return number

    async def _open(self, name: str, version: int | None, request: int) -> Wire:
        """*Open a database connection*: https://w3c.github.io/IndexedDB/#open-a-database-connection"""
        shared = self._shared.database(self._key, name)
        with shared.wanted(), self._ending(request):
            async with _Held(shared.queue) as held:
                before = self._quota.usage(self._key)
                old = shared.opened().version
                if not old and self._quota.passed(self._key, before):
                    shared.discard()
                    raise QuotaExceededError(f"the quota of {self._key} has no room for one more database")
                new = version or old or 1
                if new < old:
                    raise VersionError(
                        f"the version asked for, {new}, is less than the one that is there, {old}"
                    )
                if new > old:
                    await shared.others_closed(old, new, lambda: self._blocked(request, old, new))
                    return self._upgrade(shared, request, old, new, held)
                number, opened = self._connect(shared)
                return {**self._described(number, opened, old, new), "transaction": None}

    @contextmanager
    def _ending(self, request: int) -> Iterator[None]:
        try:
            yield
        finally:
            self._requests_begun.discard(request)

    def _upgrade(self, shared: SharedDatabase, request: int, old: int, new: int, held: _Held) -> Wire:
        number, opened = self._connect(shared)
        transaction = opened.connection.begin("versionchange", frozenset(), durable=False)
        try:
            transaction.require_begun()
            answer = self._described(number, opened, old, new)
            shared.opened().set_version(new)
        except StorageFull:
            self._close(number)
            raise
        self._transactions[-request] = transaction, opened.numbers
        held.until(transaction.ended)
        return {**answer, "transaction": -request}

    def _connect(self, shared: SharedDatabase) -> tuple[int, _Opened]:
        if self._gone:
            raise AbortError("the realm was discarded")
        self._last += 1
        number = self._last

        def tell(old: int, new: int | None) -> None:
            self._tell({"kind": "versionchange", "connection": number, "oldVersion": old, "newVersion": new})

        connection = Connection(shared, tell)
        shared.connections.append(connection)
        charge = self._held.charge("databases that are open", 0, each=CONNECTION)
        self._connections[number] = opened = _Opened(connection, Numbers(), charge)
        return number, opened

    def _described(self, number: int, opened: _Opened, old: int, new: int) -> Wire:
        schema = opened.connection.database.opened().schema()
        opened.numbers.note(schema)
        return {
            "connection": number,
            "version": new,
            "oldVersion": old,
            "stores": [_store_state(row) for row in schema],
        }

    def _blocked(self, request: int, old: int, new: int | None) -> None:
        self._tell({"kind": "blocked", "request": request, "oldVersion": old, "newVersion": new})

    async def _delete(self, name: str, request: int) -> Wire:
        """*Delete a database*: https://w3c.github.io/IndexedDB/#delete-a-database"""
        shared = self._shared.database(self._key, name)
        with shared.wanted(), self._ending(request):
            async with _Held(shared.queue):
                try:
                    old = shared.opened().version
                except UnknownError:  # damaged, and to be deleted
                    old = 0
                if old:
                    await shared.others_closed(old, None, lambda: self._blocked(request, old, None))
                shared.discard()
                return {"oldVersion": old}

    def _close(self, number: int) -> None:
        opened = self._connections.pop(number, None)
        if opened is None:
            raise WireError(f"there is no connection {number}")
        opened.connection.close()

    # Transactions

    def _begin(self, arguments: Wire) -> Answer:
        opened = self._connections.get(a_number(arguments, "connection"))
        number = a_number(arguments, "transaction")
        mode, durability = arguments.get("mode"), arguments.get("durability")
        if opened is None or number in self._transactions or number <= 0:
            raise WireError("there is no such connection, or there is such a transaction")
        if mode not in ("readonly", "readwrite") or durability not in ("default", "relaxed", "strict"):
            raise WireError(f"mode is {shown(mode)}, durability is {shown(durability)}")
        stores = frozenset(opened.numbers.store(each) for each in a_list(arguments, "stores"))
        kind: Mode = "readonly" if mode == "readonly" else "readwrite"
        transaction = opened.connection.begin(kind, stores, durable=durability == "strict")
        self._transactions[number] = transaction, opened.numbers
        return transaction.begun

    def _transaction(self, arguments: Wire) -> tuple[Transaction, Numbers]:
        found = self._transactions.get(a_number(arguments, "transaction"))
        if found is None:
            raise AbortError("there is no such transaction (any more)")
        return found

    async def _requests(self, transaction: Transaction, numbers: Numbers, requests: list[Any]) -> Wire:
        await trio.lowlevel.checkpoint()
        if self._until_read is not None:
            await self._until_read()  # answers that wait for the process are in memory
        if transaction.ended.is_set() or not transaction.started.is_set():
            raise InvalidStateError("the transaction has not started, or has ended")
        file = transaction.connection.database.opened()
        before = self._quota.usage(self._key)
        results: list[Wire] = []
        size = 0
        for each in requests:
            results.append(perform(file, transaction, numbers, each, self._require_room))
            size += size_of(results[-1])
            if size > MOST_ANSWERED:
                break  # the process asks for the rest once it has read these
        if self._quota.passed(self._key, before):
            # Names, and entries of a new index, are known when they are there: nothing of the transaction is kept.
            file.roll_back()
            raise StorageFull(f"the quota of {self._key} has no room for what the transaction stores")
        return {"results": results}

    def _require_room(self, size: int) -> None:
        available = self._quota.available(self._key)
        if size > available:
            raise QuotaExceededError(f"the quota of {self._key} has room for {available} bytes more")

    async def _end(self, transaction: Transaction, *, commit: bool) -> None:
        await trio.lowlevel.checkpoint()
        if commit and (transaction.ended.is_set() or not transaction.started.is_set()):
            raise AbortError("the transaction has not started, or has ended")
        try:
            transaction.connection.database.end(transaction, commit=commit)
        except StorageFull:
            self._after_abort(transaction)
            raise
        if not commit:
            self._after_abort(transaction)

    def _after_abort(self, transaction: Transaction) -> None:
        """*Abort an upgrade transaction*: a database that it would have created is not there, as before.

        Spec: https://w3c.github.io/IndexedDB/#abort-an-upgrade-transaction
        """
        if transaction.mode != "versionchange":
            return
        shared = transaction.connection.database
        created = shared.opened().version == 0
        transaction.connection.close()
        if created:
            shared.discard()


class _Held:
    """A connection queue, held for a block, and beyond it until an event happens."""

    def __init__(self, queue: trio.Semaphore) -> None:
        self._queue = queue
        self._until: trio.Event | None = None

    def until(self, ended: trio.Event) -> None:
        self._until = ended

    async def __aenter__(self) -> _Held:
        await self._queue.acquire()
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._until is None or self._until.is_set():
            self._queue.release()
        else:
            trio.lowlevel.spawn_system_task(_release_when, self._queue, self._until)


async def _release_when(queue: trio.Semaphore, ended: trio.Event) -> None:
    await ended.wait()
    queue.release()


async def _now(value: T) -> T:
    await trio.lowlevel.checkpoint()
    return value


async def _awaited(answer: Answer) -> Any:
    with _full_told():
        return await answer()


@contextmanager
def _full_told() -> Iterator[None]:
    """A full disk, as scripts are told of it."""
    try:
        yield
    except StorageFull as full:
        raise QuotaExceededError(str(full)) from full


def _store_state(row: StoreRow) -> Wire:
    return {
        "id": row.id,
        "name": row.name,
        "keyPath": list(row.key_path) if isinstance(row.key_path, tuple) else row.key_path,
        "autoIncrement": row.auto_increment,
        "indexes": [_index_state(index) for index in row.indexes],
    }


def _index_state(row: IndexRow) -> Wire:
    return {
        "id": row.id,
        "name": row.name,
        "keyPath": list(row.key_path) if isinstance(row.key_path, tuple) else row.key_path,
        "unique": row.unique,
        "multiEntry": row.multi_entry,
    }
