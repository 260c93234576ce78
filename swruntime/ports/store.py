"""The profile: what outlives the process.

Everything but `sync` is synchronous and quick; whoever waits for the disk is `sync` (in a thread).

Bodies follow promise 3: a body is a row before it is a file; records, requests and cache entries refer to
it; it goes, after the commit, when no row refers to it and nobody holds a pin. A body is only ever appended
to. Times and sizes are in seconds and bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import attrs

from swruntime.concepts.background import ImageResource
from swruntime.concepts.cookies import Cookie
from swruntime.concepts.enums import UpdateViaCache, WorkerState
from swruntime.concepts.http import Request, Response
from swruntime.concepts.notifications import NotificationConcept
from swruntime.concepts.push import PushSubscriptionConcept
from swruntime.machines.snapshots import FetchSnapshot, RecordSnapshot
from swruntime.ports.indexed_db import IndexedDatabases

DEFAULT_QUOTA = 0.6
"""Of the disk, where no quota was given."""


@attrs.frozen
class StoredWorker:
    """A service worker that outlives the process.

    `scripts` are those of its scripts that came over the network, by URL: each byte is a character. Of these, `muted`
    are of another origin and not to be read, `redirected` have another URL now, and `headers` are the main one's.
    """

    script_url: str
    state: WorkerState
    type: str = "classic"
    scripts: tuple[tuple[str, str], ...] = ()
    muted: tuple[str, ...] = ()
    redirected: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


@attrs.frozen
class StoredRegistration:
    """A service worker registration; its key is (storage_key, scope).

    `unregistered`: it was, and waits to be cleared. `after`: background fetches up to this number are of an earlier
    one, which was.
    """

    storage_key: str
    scope: str
    update_via_cache: UpdateViaCache = "imports"
    waiting: StoredWorker | None = None
    active: StoredWorker | None = None
    unregistered: bool = False
    after: int = 0


@attrs.frozen
class StoredRecord:
    """A background fetch record. `response` is the internal one; `body` the id of the body it fills."""

    request: Request
    snapshot: RecordSnapshot
    response: Response | None = None
    body: int | None = None


@attrs.frozen
class StoredFetch:
    """A background fetch that is not released. `number` is unique in the profile and never used again."""

    number: int
    storage_key: str
    scope: str
    id: str
    title: str
    icons: tuple[ImageResource, ...]
    download_total: int
    upload_total: int
    snapshot: FetchSnapshot
    records: tuple[StoredRecord, ...]


@attrs.frozen
class StoredNotification:
    """A persistent notification that is shown. `number` is unique in the profile and never used again."""

    number: int
    storage_key: str
    scope: str
    notification: NotificationConcept


class CacheEntry(Protocol):
    """A request and its response in a cache. `body` is the id of a body, None where the response has none.

    `length` is how many bytes the body had when it was put there, 0 without one. `url` is the request's, `status` the
    response's: whoever wants no more has them for less.
    """

    @property
    def id(self) -> int: ...

    @property
    def length(self) -> int: ...

    @property
    def url(self) -> str: ...

    @property
    def status(self) -> int: ...

    @property
    def body(self) -> int | None: ...

    @property
    def request(self) -> Request: ...

    @property
    def response(self) -> Response: ...

    @property
    def load_request(self) -> Callable[[], Request]:
        """Answers with the request, when it is called: it keeps nothing else of the entry."""
        ...


@attrs.frozen
class StoredSync:
    """A sync registration. `number` is unique in the profile and never used again; `retry_at` in seconds since 1970."""

    number: int
    storage_key: str
    scope: str
    tag: str
    failures: int = 0
    retry_at: float | None = None


@attrs.frozen
class StoredPeriodicSync:
    """A periodic sync registration. `min_interval` in seconds, `anchor` in seconds since 1970."""

    number: int
    storage_key: str
    scope: str
    tag: str
    min_interval: float
    anchor: float


class Store(Protocol):
    """The same in memory and on disk; one contract suite holds both to it."""

    @property
    def origin(self) -> str | None:
        """The origin that this profile keeps, None until `set_origin`."""
        ...

    def set_origin(self, origin: str) -> None: ...

    @property
    def losses(self) -> Sequence[str]:
        """What was found to be missing when it opened, one sentence for each body."""
        ...

    @property
    def gone(self) -> Sequence[str]:
        """Of these losses what will not be made good by itself, one sentence for each cache entry and record."""
        ...

    @property
    def exposed(self) -> str | None:
        """Where what it keeps could not be kept from other users of the machine, the first place, as a sentence."""
        ...

    def transaction(self, *, durable: bool = False) -> AbstractContextManager[None]:
        """All or nothing. Inside another transaction it joins that one.

        A durable one is on the disk, power failure or not, when the block has been left. Raises StorageFull
        when there is no room; nothing of the block is kept then.
        """
        ...

    def snapshot(self) -> AbstractContextManager[None]:
        """In a store that is open for reading, all rows that are read in the block are of one moment."""
        ...

    def close(self) -> None:
        """Close every file and release the lock. Collects what nobody refers to any more."""
        ...

    # Registrations

    def registrations(self) -> Sequence[StoredRegistration]: ...

    def save_registration(self, registration: StoredRegistration) -> None:
        """Insert, or replace the one with the same key."""
        ...

    def delete_registration(self, storage_key: str, scope: str) -> None:
        """Also its background fetches, its notifications, its push subscription, its syncs and its periodic syncs."""
        ...

    # Cookies

    def cookies(self) -> Sequence[Cookie]:
        """Of all origins, in the order in which their names came; also those that have expired."""
        ...

    def save_cookies(self, saved: Iterable[Cookie], gone: Iterable[Cookie]) -> None:
        """Forget the cookies `gone`; insert `saved`, or replace those with the same key."""
        ...

    # Background fetches

    def add_fetch(self, fetch: StoredFetch) -> int:
        """Insert with its records; `fetch.number` is ignored. Returns the new number."""
        ...

    def fetches(self) -> Sequence[StoredFetch]:
        """All that are not released, by number."""
        ...

    def save_fetch(self, number: int, snapshot: FetchSnapshot) -> None: ...

    def save_fetch_ui(self, number: int, title: str, icons: tuple[ImageResource, ...]) -> None: ...

    def save_record(
        self, number: int, index: int, snapshot: RecordSnapshot, response: Response | None, body: int | None
    ) -> None: ...

    def save_record_state(self, number: int, index: int, snapshot: RecordSnapshot, body: int | None) -> None:
        """As `save_record`, where response and body are stored already and stay as they are."""
        ...

    def release_fetch(self, number: int) -> None:
        """Delete it with its records; their bodies go unless something else refers to them."""
        ...

    # Notifications and push

    def notifications(self) -> Sequence[StoredNotification]:
        """All that are shown, by number."""
        ...

    def add_notification(self, notification: StoredNotification, replaced: int | None = None) -> int:
        """Insert; `notification.number` is ignored. Returns the new number. The one numbered `replaced` goes."""
        ...

    def delete_notification(self, number: int) -> None: ...

    def push_subscription(self, storage_key: str, scope: str) -> PushSubscriptionConcept | None: ...

    def add_push_subscription(
        self, storage_key: str, scope: str, subscription: PushSubscriptionConcept
    ) -> PushSubscriptionConcept:
        """Insert in place of the registration's one. Returns it with its new number; the one given is ignored."""
        ...

    def delete_push_subscription(self, storage_key: str, scope: str) -> None: ...

    # Syncs

    def add_sync(self, sync: StoredSync) -> int:
        """Insert, in place of one with the same key and tag; `sync.number` is ignored. Returns the new number."""
        ...

    def syncs(self) -> Sequence[StoredSync]:
        """In the order of their numbers."""
        ...

    def save_sync(self, number: int, failures: int, retry_at: float | None) -> None:
        """Nothing happens where it is gone: another one may have taken its place."""
        ...

    def delete_sync(self, number: int) -> None:
        """Nothing happens where it is gone."""
        ...

    def add_periodic_sync(self, sync: StoredPeriodicSync) -> int:
        """As `add_sync`."""
        ...

    def periodic_syncs(self) -> Sequence[StoredPeriodicSync]: ...

    def save_periodic_sync(self, number: int, min_interval: float, anchor: float) -> None: ...

    def delete_periodic_sync(self, number: int) -> None: ...

    def last_periodic_fire(self, storage_key: str) -> float | None:
        """When a periodic sync of this origin was handled last, in seconds since 1970; None if none ever was."""
        ...

    def save_last_periodic_fire(self, storage_key: str, fired_at: float) -> None: ...

    # Bodies

    def create_body(self, storage_key: str) -> int:
        """A new, empty body: its row, then its file. Its id is never used again."""
        ...

    def append(self, body: int, data: bytes) -> None:
        """Raises StorageFull; then nothing of `data` counts."""
        ...

    def length(self, body: int) -> int: ...

    def read(self, body: int, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`; empty at the end.

        Raises FileNotFoundError for a body that is gone, BodyDamaged where its file has fewer bytes than it should.
        """
        ...

    def damage(self, body: int) -> str | None:
        """What is wrong with its file, as a sentence: shorter than it should be, longer, gone. None where nothing is.

        Raises FileNotFoundError for a body that is gone.
        """
        ...

    def damaged(self) -> Mapping[int, str]:
        """As `damage`, of all bodies with which anything is wrong, by id."""
        ...

    def finish_body(self, body: int) -> None:
        """Nothing more will be appended; close what is open for writing."""
        ...

    def pin(self, body: int) -> None:
        """Keep a body although no row refers to it, until as many `unpin`. Pins die with the process."""
        ...

    def unpin(self, body: int) -> None: ...

    async def sync(self, bodies: Iterable[int], *, flush: bool = True) -> None:
        """Bring bodies to the disk and note how far: the checkpoint to which a power failure goes back.

        Without `flush` the note goes into the next commit, and is as durable as that: for whoever makes a durable one
        at once, and whoever refers to the bodies in it. What is on the disk already then costs nothing.
        """
        ...

    # Caches

    def cache_names(self, storage_key: str) -> Sequence[str]:
        """In the order of their creation."""
        ...

    def find_cache(self, storage_key: str, name: str) -> int | None:
        """The cache's id, None where there is none of that name."""
        ...

    def open_cache(self, storage_key: str, name: str) -> int:
        """The cache's id; created if there is none of that name."""
        ...

    def delete_cache(self, storage_key: str, name: str) -> bool: ...

    def cache_entries(
        self, cache: int, url: str | None = None, *, ignore_search: bool = False
    ) -> Sequence[CacheEntry]:
        """In the order of insertion; with `url` only those with the same URL but for the fragment.

        `ignore_search`: also but for the query. Which they are is settled at the call; each is read when it is asked
        for, and left out where it is gone by then.
        """
        ...

    def cache_size(self, cache: int) -> tuple[int, int]:
        """How many entries it has, and the bytes of their bodies."""
        ...

    def cache_bodies(self, cache: int, among: Iterable[int]) -> Sequence[int]:
        """Which of these bodies its entries refer to, in the order of the entries."""
        ...

    def put_entry(self, cache: int, request: Request, response: Response, body: int | None) -> int:
        """Append an entry that refers to `body`; returns the entry's id."""
        ...

    def delete_entries(self, entries: Iterable[int]) -> None: ...

    # IndexedDB

    @property
    def indexed(self) -> IndexedDatabases: ...

    # Space

    def usage(self, storage_key: str) -> int:
        """The bytes that a storage key takes, of what is not committed yet as well.

        These are its bodies, each counted once, its rows with all texts in them (URLs, headers, names, tags, data,
        scripts), and its IndexedDB databases with their indexes.
        """
        ...

    def disk_size(self) -> int:
        """The size of the disk that the profile is on, in bytes: the default quota is a part of it."""
        ...
