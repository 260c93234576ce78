"""Periodic Background Sync: when which tag is due, and the events that the due ones get.

Spec: https://wicg.github.io/periodic-background-sync/
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import trio

from swruntime.agent.syncs import fire_and_update, require_active_worker, require_window, shown_time
from swruntime.algorithms import wall_clock
from swruntime.errors import NotAllowedError, QuotaExceededError, StorageFull
from swruntime.machines import periodic_sync as machine
from swruntime.machines.table import Effect
from swruntime.ports.realm import EventSpec
from swruntime.ports.store import StoredPeriodicSync
from swruntime.trace import Diagnostic

if TYPE_CHECKING:
    from swruntime.agent.clients import Clients
    from swruntime.agent.controls import Permissions
    from swruntime.agent.registrations import Registration, Registrations
    from swruntime.agent.services import Services

PERMISSION = "periodic-background-sync"


class PeriodicSync:
    """A periodic sync registration.

    Spec: https://wicg.github.io/periodic-background-sync/#periodic-sync-registration-construct
    """

    def __init__(
        self,
        services: Services,
        registrations: Registrations,
        registration: Registration,
        number: int,
        tag: str,
        state: machine.PeriodicSyncRegistration,
        forget: Callable[[PeriodicSync], None],
        schedule: Callable[[], None],
    ) -> None:
        self.registration = registration
        self.tag = tag
        self._services = services
        self._registrations = registrations
        self._number = number
        self._machine = state
        self._forget = forget
        self._schedule = schedule

    def __repr__(self) -> str:
        return f"<PeriodicSync {self.tag!r} {self._machine.state.value}>"

    @property
    def pending(self) -> bool:
        return self._machine.state is machine.State.PENDING

    def ready_at(self, now: float) -> float:
        """When it may be fired: it is due, and the last one of its origin is long enough ago.

        Where the clock was set back, both count from now: the next one is no further away than its interval.
        """
        services, key = self._services, self.registration.storage_key
        least = services.limits.periodic_sync
        if (anchored := self._machine.anchored(now)) != self._machine:
            self._machine = anchored
            services.when_there_is_room(f"the state of periodic sync {self.tag!r}", self._store)
        due = self._machine.due(least)
        last = services.store.last_periodic_fire(key)
        if last is None:
            return due
        if (happened := wall_clock.happened_at(last, now)) != last:
            services.when_there_is_room(
                f"the last fire of {key}", lambda: services.store.save_last_periodic_fire(key, happened)
            )
        return max(due, happened + least)

    def feed(self, input: machine.Input) -> None:
        self._machine, effects = machine.feed(self._machine, input)
        for effect in effects:
            self._perform(effect)
        self._services.activity.changed()

    def _perform(self, effect: Effect) -> None:
        store, room = self._services.store, self._services.when_there_is_room
        match effect:
            case machine.Dispatch():
                self._services.start("event", self._fire)
            case machine.Fired(now):
                key = self.registration.storage_key
                room(f"the last fire of {key}", lambda: store.save_last_periodic_fire(key, now))
            case machine.Store():
                room(f"the state of periodic sync {self.tag!r}", self._store)
                self._schedule()
            case machine.Remove():
                self._forget(self)
                room(f"the end of periodic sync {self.tag!r}", self._delete)
                self._schedule()
            case _:
                raise AssertionError(effect)

    def _store(self) -> None:
        state = self._machine
        self._services.store.save_periodic_sync(self._number, state.min_interval, state.anchor)

    def _delete(self) -> None:
        self._services.store.delete_periodic_sync(self._number)

    async def _fire(self) -> None:
        """*Fire a periodicsync event*: https://wicg.github.io/periodic-background-sync/#firing-a-periodicsync-event"""
        spec = EventSpec("periodicsync", "PeriodicSyncEvent", tag=self.tag)
        outcome = await fire_and_update(self._registrations, self.registration, spec)
        if not self._services.closing:
            # What the agent's own end cut is due again when the profile is opened next.
            self.feed(machine.Ended(outcome, self._services.wall.now()))


class PeriodicSyncs:
    """Every periodic sync registration of one agent, and the *periodic sync scheduler*."""

    def __init__(
        self, services: Services, registrations: Registrations, clients: Clients, permissions: Permissions
    ) -> None:
        self._services = services
        self._registrations = registrations
        self._clients = clients
        self._permissions = permissions
        self._syncs: dict[tuple[Registration, str], PeriodicSync] = {}
        self._dormant = False
        self._timer: trio.CancelScope | None = None
        services.on_clear.append(self.clear)
        services.on_activated.append(lambda registration: self.schedule())
        permissions.on_change(self.respond_to_revocation)

    def register(self, registration: Registration, tag: str, min_interval: float) -> None:
        """The steps of `PeriodicSyncManager.register()`; `min_interval` in seconds.

        Raises InvalidStateError (no active worker), NotAllowedError (the permission is not granted),
        InvalidAccessError (no window of its origin is open), QuotaExceededError (it cannot be stored).
        Spec: https://wicg.github.io/periodic-background-sync/#dom-periodicsyncmanager-register
        """
        # 2.
        require_active_worker(registration)
        # 3.
        if not self._granted(registration):
            raise NotAllowedError(f"the permission {PERMISSION!r} is not granted")
        # 4-6.
        require_window(self._clients, registration)
        # 7, 9.
        current = self._syncs.get((registration, tag))
        if current is not None:
            current.feed(machine.Register(min_interval))
            return
        # 8.
        anchor = self._services.wall.now()
        key, scope = registration.storage_key, registration.scope
        try:
            with self._services.quota.transaction(key, durable=True):
                number = self._services.store.add_periodic_sync(
                    StoredPeriodicSync(0, key, scope, tag, min_interval, anchor)
                )
        except StorageFull as full:
            raise QuotaExceededError(f"no room for periodic sync {tag!r}: {full}") from full
        self._take(registration, number, tag, min_interval, anchor)
        self.schedule()

    def unregister(self, registration: Registration, tag: str) -> None:
        """Spec: https://wicg.github.io/periodic-background-sync/#dom-periodicsyncmanager-unregister"""
        current = self._syncs.get((registration, tag))
        if current is not None:
            current.feed(machine.Unregister())

    def tags(self, registration: Registration) -> list[str]:
        """Spec: https://wicg.github.io/periodic-background-sync/#dom-periodicsyncmanager-gettags"""
        return [sync.tag for sync in self._syncs.values() if sync.registration is registration]

    def schedule(self) -> None:
        """Fire what may be fired now, and come back when the next one may be.

        Spec: https://wicg.github.io/periodic-background-sync/#process-periodic-sync-registrations-algorithm
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._dormant or self._services.closing or not self._services.connectivity.online:
            return
        now = self._services.wall.now()
        pending = [(sync.ready_at(now), sync) for sync in self._syncs.values() if self._may_fire(sync)]
        for ready_at, sync in pending:
            if ready_at <= now:
                sync.feed(machine.Fire())
        later = [ready_at for ready_at, _ in pending if ready_at > now]
        if later:
            self._timer = trio.CancelScope()
            self._services.start_quietly(self._schedule_at, self._timer, min(later) - now)

    async def _schedule_at(self, timer: trio.CancelScope, delay: float) -> None:
        with timer:
            await trio.sleep(delay)
            if self._timer is timer:
                self._timer = None
                self.schedule()

    def _may_fire(self, sync: PeriodicSync) -> bool:
        # As with syncs, its worker may have to be activated again first.
        registration = sync.registration
        there = registration.active is not None and not registration.unregistered
        return sync.pending and there and self._granted(registration)

    def respond_to_revocation(self) -> None:
        """*Respond to permission revocation*.

        Spec: https://wicg.github.io/periodic-background-sync/#responding-to-permission-revocation-algorithm
        """
        for sync in list(self._syncs.values()):
            if not self._granted(sync.registration):
                sync.feed(machine.Unregister())

    def clear(self, registration: Registration) -> None:
        """The registration is cleared, and nobody is left to fire an event at."""
        for sync in list(self._syncs.values()):
            if sync.registration is registration:
                sync.feed(machine.Unregister())

    def restore(self) -> None:
        """Know what the profile keeps; it sleeps until `take_up()`."""
        self._dormant = True
        for stored in self._services.store.periodic_syncs():
            registration = self._registrations.get(stored.storage_key, stored.scope)
            if registration is not None:
                self._take(registration, stored.number, stored.tag, stored.min_interval, stored.anchor)

    def take_up(self) -> None:
        """Also what became due while nobody had the profile open is fired."""
        self._dormant = False
        self.respond_to_revocation()
        self._tell_waits()
        self.schedule()

    def _tell_waits(self) -> None:
        """What an earlier process left waits for, where that is not over."""
        now = self._services.wall.now()
        for sync in self._syncs.values():
            what = f"periodic sync {sync.tag!r} of {sync.registration.scope}"
            if not self._services.connectivity.online:
                text = f"{what} waits for the network, which is switched off"
            elif (ready_at := sync.ready_at(now)) > now:
                text = f"{what} waits until {shown_time(ready_at, now)}, as long as somebody serves or runs the site"
            else:
                continue
            self._services.trace.emit(Diagnostic(code="waiting", message=text))

    def _granted(self, registration: Registration) -> bool:
        return self._permissions.query(PERMISSION, registration.storage_key) == "granted"

    def _take(
        self, registration: Registration, number: int, tag: str, min_interval: float, anchor: float
    ) -> None:
        state = machine.PeriodicSyncRegistration(min_interval=min_interval, anchor=anchor)
        self._syncs[registration, tag] = PeriodicSync(
            self._services,
            self._registrations,
            registration,
            number,
            tag,
            state,
            self._forget,
            self.schedule,
        )

    def _forget(self, sync: PeriodicSync) -> None:
        del self._syncs[sync.registration, sync.tag]
