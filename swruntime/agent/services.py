"""What every part of one user agent shares. Nothing is global: two agents in a process do not know each other."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol, TypeVarTuple

import attrs
import trio

from swruntime.agent.activity import Activity
from swruntime.agent.checkpoints import Checkpoints
from swruntime.agent.connections import Connections
from swruntime.agent.fetching import Fetcher
from swruntime.agent.held import Held, for_an_origin
from swruntime.agent.indexed_dbs import IndexedDBs
from swruntime.agent.messaging import Broadcasts
from swruntime.agent.scripts import ScriptFetcher
from swruntime.concepts.enums import PermissionState
from swruntime.errors import NotServed, ScriptError, StorageFull
from swruntime.machines.background_sync import Retries
from swruntime.ports.display import Display
from swruntime.ports.realm import Realm
from swruntime.ports.store import Store
from swruntime.ports.wallclock import WallClock
from swruntime.trace import Diagnostic, Trace

if TYPE_CHECKING:
    from swruntime.agent.registrations import Registration
    from swruntime.agent.workers import Worker

Ts = TypeVarTuple("Ts")

QUOTA_RESERVE = 64 * 1024
"""Bytes by which registrations and background fetches may pass the quota: an origin that has filled it with bodies can
still be opened, download what it has room for, and be told what it has not."""

RETRY_STORING = 5.0
"""Seconds until what could not be stored, for want of room, is tried again."""


class Connectivity(Protocol):
    """The user's switch, as the agent needs it; `network.conditions` provides it."""

    @property
    def online(self) -> bool: ...


class Quota(Protocol):
    def usage(self, storage_key: str) -> int:
        """Bytes that an origin stores now."""
        ...

    def available(self, storage_key: str) -> int:
        """Bytes that an origin may still store."""
        ...

    def fits(self, storage_key: str, size: int, *, reserve: int = 0) -> bool:
        """Whether `size` bytes more pass the quota by no more than `reserve`."""
        ...

    def passed(self, storage_key: str, before: int, *, reserve: int = 0) -> bool:
        """Whether what was stored since its usage was `before` has passed the quota, by more than `reserve` bytes."""
        ...

    def transaction(
        self, storage_key: str, *, durable: bool = False, reserve: int = 0
    ) -> AbstractContextManager[None]:
        """A transaction of the store. Raises StorageFull where it passes the quota; nothing of it is kept then."""
        ...


@attrs.define
class Limits:
    """How patient the agent is, in seconds."""

    give_up: float = 600.0
    stall: float = 60.0
    """Without a byte for so long, an exchange counts as timed out."""
    progress: float = 0.1
    """Between two progress events of a background fetch."""
    idle: float = 30.0
    """A worker without events is stopped after so long."""
    event: float = 300.0
    """An event that lasts longer is timed out."""
    sync: Retries = attrs.field(factory=Retries)
    """How often a `sync` event that fails is fired, and when."""
    periodic_sync: float = 12 * 3600.0
    """Between two `periodicsync` events of an origin, at least; twelve hours, as in Chromium."""


@attrs.define
class Services:
    nursery: trio.Nursery
    store: Store
    trace: Trace
    fetcher: Fetcher
    connectivity: Connectivity
    quota: Quota
    wall: WallClock
    rng: random.Random
    permission: Callable[[str], PermissionState]
    """The state of the permission "background-fetch" for an origin."""
    scripts: ScriptFetcher
    """The one road by which scripts come."""
    watch_realm: Callable[[Any], None]
    """Have a new realm's script watched, by whoever knows its language."""
    watch_process: Callable[[Any, Any], None]
    """Have a realm's script watched that runs in a process of its own."""
    opened_at: float
    """On Trio's clock: the trace's time 0."""
    limits: Limits = attrs.field(factory=Limits)
    activity: Activity = attrs.field(factory=Activity)
    connections: Connections = attrs.field(factory=Connections)
    broadcasts: Broadcasts = attrs.field(factory=Broadcasts)
    checkpoints: Checkpoints = attrs.field(init=False)
    indexed_dbs: IndexedDBs = attrs.field(init=False)
    display: Display | None = None
    javascript_hints: bool = False
    """Diagnostics that are hints for who writes JavaScript are told, too."""
    require_confinement: bool = False
    """Scripts that have to be confined run only where the kernel does all that it can for that."""
    open_worker_realm: Callable[[Worker], Awaitable[Realm]] = attrs.field(init=False)
    script_failed: Callable[[ScriptError], None] = attrs.field(init=False)
    fetches_settle: Callable[[Registration], bool] = attrs.field(init=False)
    """Whether a result of a registration's background fetches is being committed."""
    last_fetch_number: Callable[[str, str], int] = attrs.field(init=False)
    """See `swruntime.agent.background_fetches.BackgroundFetches.last_number`."""
    clear_fetches: Callable[[Registration], None] = attrs.field(init=False)
    """Abort and release every background fetch of a registration."""
    on_clear: list[Callable[[Registration], None]] = attrs.field(factory=list)
    """What else is to go when a registration is cleared."""
    on_activated: list[Callable[[Registration], None]] = attrs.field(factory=list)
    """Who else waits until a registration has an active worker that was activated."""
    fire_owed: Callable[[Registration], None] = attrs.field(init=False)
    """The active worker of a registration runs: dispatch what is owed to it."""
    event_ended: Callable[[Registration], None] = attrs.field(init=False)
    """An event of one of a registration's workers has ended: whoever waited for that may be activated."""
    functional_event_ended: Callable[[Registration], None] = attrs.field(init=False)
    """A functional event of a registration has ended: an update may be due."""
    on_unregistered: list[Callable[[Registration], None]] = attrs.field(factory=list)
    """Called when a registration is unregistered; it may be in use for a while yet."""
    closing: bool = False
    """The agent is being closed: nothing new begins."""
    told: set[tuple[str, str]] = attrs.field(factory=set)
    """The diagnostics about scripts that were told, by code and "file:line"."""
    realms: dict[Realm, str] = attrs.field(factory=dict)
    """Every realm that lives, with its storage key."""

    held: dict[str, Held] = attrs.field(factory=dict)
    """What is held for the scripts of each origin whose scripts have a bound."""

    def __attrs_post_init__(self) -> None:
        self.checkpoints = Checkpoints(self.store, self.trace, self.start_quietly)
        self.indexed_dbs = IndexedDBs(self.store)

    def read_script(self, pathname: str) -> bytes | None:
        """What SITE serves at the path of a URL and belongs to a script, None where it serves nothing."""
        try:
            return self.scripts.read_local(pathname)
        except NotServed:
            return None

    def held_for(self, storage_key: str) -> Held:
        """What is held in memory for all scripts of an origin."""
        if storage_key not in self.held:
            self.held[storage_key] = for_an_origin()
        return self.held[storage_key]

    def realms_of(self, storage_key: str) -> list[Realm]:
        return [realm for realm, key in self.realms.items() if key == storage_key]

    def notify(self, about: object, event: str) -> None:
        """Fire a simple event in every realm at its object for `about`: a Registration or Worker."""
        for realm in tuple(self.realms):
            realm.notify(about, event)

    def registration_changed(self, registration: Registration) -> None:
        """*Update Registration State*, as far as realms are told.

        Spec: https://w3c.github.io/ServiceWorker/#update-registration-state-algorithm
        """
        for realm in tuple(self.realms):
            realm.update_registration(registration)

    async def caught_up(self, storage_key: str) -> None:
        """Wait until every realm of an origin has run what is queued in it now."""
        for realm in self.realms_of(storage_key):
            await realm.caught_up()

    def start_quietly(self, async_fn: Callable[[*Ts], Awaitable[object]], *args: *Ts) -> None:
        """Start a task that the agent does not wait for to be settled."""
        self.nursery.start_soon(async_fn, *args)

    def when_there_is_room(self, what: str, action: Callable[[], None]) -> None:
        """Store something; while the disk is full, try again every few seconds. `what` is for the diagnostic.

        Until it is stored, the agent is not settled.
        """
        try:
            action()
        except StorageFull as full:
            self.tell_no_room(what, full)
            self.start("storing", self._try_again, what, action)

    async def _try_again(self, what: str, action: Callable[[], None]) -> None:
        await trio.sleep(RETRY_STORING)
        self.when_there_is_room(what, action)

    def tell_no_room(self, what: str, full: StorageFull) -> None:
        self.trace.emit(Diagnostic(code="no-room", message=f"{what} cannot be stored yet: {full}"))

    def start(self, what: str, async_fn: Callable[[*Ts], Awaitable[object]], *args: *Ts) -> None:
        """Start a task of the agent; until it has ended, the agent is not settled."""
        self.activity.start(self.nursery, what, async_fn, *args)
