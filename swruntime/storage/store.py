"""`Store` in SQL: the one implementation of it, over a database and body bytes on disk or in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress

from swruntime.concepts.background import ImageResource
from swruntime.concepts.cookies import Cookie
from swruntime.concepts.http import Request, Response, StoredBody
from swruntime.concepts.push import PushSubscriptionConcept
from swruntime.errors import OriginMismatch, StorageFull
from swruntime.machines.snapshots import FetchSnapshot, RecordSnapshot
from swruntime.ports.store import (
    CacheEntry,
    StoredFetch,
    StoredNotification,
    StoredPeriodicSync,
    StoredRegistration,
    StoredSync,
)
from swruntime.storage.caches import CacheRows
from swruntime.storage.cookies import CookieRows
from swruntime.storage.database import Database
from swruntime.storage.fetches import FetchRows
from swruntime.storage.indexed_db import IndexedCatalog
from swruntime.storage.ledger import BodyLedger
from swruntime.storage.notifications import NotificationRows
from swruntime.storage.push import PushRows
from swruntime.storage.registrations import RegistrationRows
from swruntime.storage.syncs import SyncRows
from swruntime.storage.usage import RowUsage


class SqlStore:
    """See `swruntime.ports.store.Store` for every method.

    `disk_size` gives the bytes of the disk, `release` is called last when the store closes. What the
    protocol leaves open: a body that is gone raises FileNotFoundError, a fetch, a record or a cache that is
    gone KeyError, and a store that is open for reading only UsageError when something would change.
    """

    def __init__(
        self,
        database: Database,
        bodies: BodyLedger,
        indexed: IndexedCatalog,
        *,
        disk_size: Callable[[], int],
        release: Callable[[], None] = lambda: None,
        losses: Sequence[str] = (),
        gone: Sequence[str] = (),
        exposed: str | None = None,
    ) -> None:
        self._database = database
        self._bodies = bodies
        self.indexed = indexed
        self._registrations = RegistrationRows(database)
        self._fetches = FetchRows(database, bodies)
        self._caches = CacheRows(database, bodies)
        self._notifications = NotificationRows(database)
        self._push = PushRows(database)
        self._cookies = CookieRows(database)
        self._syncs = SyncRows(database)
        self._rows = RowUsage(database)
        self._disk_size = disk_size
        self._release = release
        self.losses = losses
        self.gone = gone
        self.exposed = exposed
        self._closed = False

    @property
    def origin(self) -> str | None:
        origin: str | None = self._database.one("SELECT origin FROM profile")
        return origin

    def set_origin(self, origin: str) -> None:
        """Raises OriginMismatch where the profile keeps another one."""
        kept = self.origin
        if kept is not None and kept != origin:
            raise OriginMismatch(f"the profile belongs to {kept}, not to {origin}")
        with self.transaction():
            self._database.execute("UPDATE profile SET origin = ?", (origin,))

    def transaction(self, *, durable: bool = False) -> AbstractContextManager[None]:
        """An inner one that raises takes back what it did itself.

        Nobody awaits inside: others would join it.
        """
        return self._database.transaction(self._bodies, durable=durable)

    def _one_statement(self) -> AbstractContextManager[None]:
        return self._database.one_statement(self._bodies)

    def snapshot(self) -> AbstractContextManager[None]:
        return self._database.snapshot()

    def close(self) -> None:
        """May be called again.

        Room that cannot be freed on a full disk, or one that failed, is freed when the profile opens next.
        """
        if self._closed:
            return
        self._closed = True
        try:
            if not (self._database.read_only or self._database.disk.failed):
                with suppress(StorageFull):
                    self._bodies.collect()
                    self._bodies.note_stops()
        finally:
            with ExitStack() as closing:  # each, whatever becomes of the others
                closing.callback(self._release)
                closing.callback(self._database.close)
                closing.callback(self._bodies.close)
                closing.callback(self.indexed.close)

    # Registrations

    def registrations(self) -> Sequence[StoredRegistration]:
        return self._registrations.all()

    def save_registration(self, registration: StoredRegistration) -> None:
        with self.transaction():
            self._registrations.save(registration)

    def delete_registration(self, storage_key: str, scope: str) -> None:
        with self.transaction():
            self._registrations.delete(storage_key, scope)
            self._fetches.delete_of_registration(storage_key, scope)
            self._notifications.delete_of_registration(storage_key, scope)
            self._push.delete(storage_key, scope)
            self._syncs.delete_of_registration(storage_key, scope)

    # Cookies

    def cookies(self) -> Sequence[Cookie]:
        return self._cookies.all()

    def save_cookies(self, saved: Iterable[Cookie], gone: Iterable[Cookie]) -> None:
        with self.transaction():
            self._cookies.delete(gone)
            for cookie in saved:
                self._cookies.save(cookie)

    # Background fetches

    def add_fetch(self, fetch: StoredFetch) -> int:
        with self.transaction():
            for record in fetch.records:
                self._require_request_body(record.request)
            return self._fetches.add(fetch)

    def fetches(self) -> Sequence[StoredFetch]:
        return self._fetches.all()

    def save_fetch(self, number: int, snapshot: FetchSnapshot) -> None:
        with self._one_statement():
            self._fetches.save(number, snapshot)

    def save_fetch_ui(self, number: int, title: str, icons: tuple[ImageResource, ...]) -> None:
        with self._one_statement():
            self._fetches.save_ui(number, title, icons)

    def save_record(
        self, number: int, index: int, snapshot: RecordSnapshot, response: Response | None, body: int | None
    ) -> None:
        with self._one_statement():
            self._fetches.save_record(number, index, snapshot, response, body)

    def save_record_state(self, number: int, index: int, snapshot: RecordSnapshot, body: int | None) -> None:
        with self._one_statement():
            self._fetches.save_record_state(number, index, snapshot, body)

    def release_fetch(self, number: int) -> None:
        with self.transaction():
            self._fetches.delete(number)

    # Notifications and push

    def notifications(self) -> Sequence[StoredNotification]:
        return self._notifications.all()

    def add_notification(self, notification: StoredNotification, replaced: int | None = None) -> int:
        with self.transaction():
            if replaced is not None:
                self._notifications.delete(replaced)
            return self._notifications.add(notification)

    def delete_notification(self, number: int) -> None:
        with self.transaction():
            self._notifications.delete(number)

    def push_subscription(self, storage_key: str, scope: str) -> PushSubscriptionConcept | None:
        return self._push.find(storage_key, scope)

    def add_push_subscription(
        self, storage_key: str, scope: str, subscription: PushSubscriptionConcept
    ) -> PushSubscriptionConcept:
        with self.transaction():
            self._push.delete(storage_key, scope)
            return self._push.add(storage_key, scope, subscription)

    def delete_push_subscription(self, storage_key: str, scope: str) -> None:
        with self.transaction():
            self._push.delete(storage_key, scope)

    # Syncs

    def add_sync(self, sync: StoredSync) -> int:
        with self.transaction():
            return self._syncs.add(sync)

    def syncs(self) -> Sequence[StoredSync]:
        return self._syncs.all()

    def save_sync(self, number: int, failures: int, retry_at: float | None) -> None:
        with self.transaction():
            self._syncs.save(number, failures, retry_at)

    def delete_sync(self, number: int) -> None:
        with self.transaction():
            self._syncs.delete(number)

    def add_periodic_sync(self, sync: StoredPeriodicSync) -> int:
        with self.transaction():
            return self._syncs.add_periodic(sync)

    def periodic_syncs(self) -> Sequence[StoredPeriodicSync]:
        return self._syncs.all_periodic()

    def save_periodic_sync(self, number: int, min_interval: float, anchor: float) -> None:
        with self.transaction():
            self._syncs.save_periodic(number, min_interval, anchor)

    def delete_periodic_sync(self, number: int) -> None:
        with self.transaction():
            self._syncs.delete_periodic(number)

    def last_periodic_fire(self, storage_key: str) -> float | None:
        return self._syncs.last_fire(storage_key)

    def save_last_periodic_fire(self, storage_key: str, fired_at: float) -> None:
        with self.transaction():
            self._syncs.save_last_fire(storage_key, fired_at)

    # Bodies

    def create_body(self, storage_key: str) -> int:
        """Inside a transaction it takes no bytes before the commit; after a rollback its id is nobody's."""
        return self._bodies.create(storage_key)

    def append(self, body: int, data: bytes) -> None:
        """Not taken back by a rollback. Raises RuntimeError before the body's own row is committed."""
        self._bodies.append(body, data)

    def length(self, body: int) -> int:
        return self._bodies.length(body)

    def read(self, body: int, offset: int, size: int) -> bytes:
        return self._bodies.read(body, offset, size)

    def damage(self, body: int) -> str | None:
        return self._bodies.damage(body)

    def damaged(self) -> Mapping[int, str]:
        return self._bodies.damaged()

    def finish_body(self, body: int) -> None:
        self._bodies.finish(body)

    def pin(self, body: int) -> None:
        self._bodies.pin(body)

    def unpin(self, body: int) -> None:
        """Raises ValueError where there is no pin."""
        self._bodies.unpin(body)

    async def sync(self, bodies: Iterable[int], *, flush: bool = True) -> None:
        """All lengths are those of now; bodies that are gone are left out. Raises StorageFull, OSError."""
        await self._bodies.sync(bodies, flush=flush)

    # Caches

    def cache_names(self, storage_key: str) -> Sequence[str]:
        return self._caches.names(storage_key)

    def find_cache(self, storage_key: str, name: str) -> int | None:
        return self._caches.find(storage_key, name)

    def open_cache(self, storage_key: str, name: str) -> int:
        found = self.find_cache(storage_key, name)
        if found is not None:
            return found
        with self.transaction():
            return self._caches.create(storage_key, name)

    def delete_cache(self, storage_key: str, name: str) -> bool:
        found = self._caches.find(storage_key, name)
        if found is None:
            return False
        with self.transaction():
            self._caches.delete(found)
        return True

    def cache_entries(
        self, cache: int, url: str | None = None, *, ignore_search: bool = False
    ) -> Sequence[CacheEntry]:
        """None of a cache that was deleted."""
        return self._caches.entries(cache, url, ignore_search=ignore_search)

    def cache_size(self, cache: int) -> tuple[int, int]:
        return self._caches.size(cache)

    def cache_bodies(self, cache: int, among: Iterable[int]) -> Sequence[int]:
        return self._caches.bodies(cache, among)

    def put_entry(self, cache: int, request: Request, response: Response, body: int | None) -> int:
        with self._one_statement():
            self._require_request_body(request)
            return self._caches.put(cache, request, response, body)

    def delete_entries(self, entries: Iterable[int]) -> None:
        with self.transaction():
            self._caches.delete_entries(entries)

    # Space

    def usage(self, storage_key: str) -> int:
        bodies, indexed = self._bodies.usage(storage_key), self.indexed.usage(storage_key)
        return self._rows.of(storage_key) + bodies + indexed

    def disk_size(self) -> int:
        return self._disk_size()

    def _require_request_body(self, request: Request) -> None:
        if isinstance(request.body, StoredBody):
            self._bodies.length(request.body.id)
