"""Background Sync: the sync registrations of every service worker registration, and the events that they get.

Between the machine and the world stands one rule: what has to outlive the process is stored before the effects
that follow from it. A sync registration's row goes only after its event has ended, so an event that the death of the
process cut is fired again.

Spec: https://wicg.github.io/background-sync/spec/
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import trio

from swruntime.concepts.enums import EventOutcome
from swruntime.errors import (
    InvalidAccessError,
    InvalidStateError,
    NotAllowedError,
    QuotaExceededError,
    StorageFull,
)
from swruntime.machines import background_sync as machine
from swruntime.machines.table import Effect
from swruntime.ports.realm import EventSpec
from swruntime.ports.store import StoredSync
from swruntime.trace import Diagnostic

if TYPE_CHECKING:
    from swruntime.agent.clients import Clients
    from swruntime.agent.controls import Permissions
    from swruntime.agent.registrations import Registration, Registrations
    from swruntime.agent.services import Services

PERMISSION = "background-sync"


class Sync:
    """A sync registration: https://wicg.github.io/background-sync/spec/#sync-registration"""

    def __init__(
        self,
        services: Services,
        registrations: Registrations,
        registration: Registration,
        number: int,
        tag: str,
        state: machine.SyncRegistration,
        forget: Callable[[Sync], None],
    ) -> None:
        self.registration = registration
        self.tag = tag
        self.dormant = False
        """Restored, and not taken up."""
        self._services = services
        self._registrations = registrations
        self._number = number
        self._machine = state
        self._forget = forget
        self._timer: trio.CancelScope | None = None

    def __repr__(self) -> str:
        return f"<Sync {self.tag!r} {self.state}>"

    @property
    def state(self) -> str:
        return self._machine.state.value

    @property
    def waits(self) -> bool:
        """No event of it is under way: it waits for its time, or for the network."""
        return self._machine.state in (machine.State.PENDING, machine.State.WAITING)

    def wake(self) -> None:
        """*Fire a sync event* where it is pending and the network is there.

        There is no active worker yet where an earlier process died while it was activated; it will be again.
        """
        ready = self._services.connectivity.online and not self._services.closing and not self.dormant
        if ready and self.registration.active is not None and self._machine.state is machine.State.PENDING:
            self.feed(machine.Fire())

    def take_up(self) -> None:
        """Go on where an earlier process left it."""
        self.dormant = False
        if self._machine.retry_at is not None:
            self._start_timer()
        self._tell_wait()
        self.wake()

    def _tell_wait(self) -> None:
        """What an earlier process left waits for, where that is not over."""
        what = f"sync {self.tag!r} of {self.registration.scope}"
        now = self._services.wall.now()
        if not self._services.connectivity.online:
            text = f"{what} waits for the network, which is switched off"
        elif self._machine.retry_at is not None and (left := self._machine.seconds_left(now)) > 0:
            text = f"{what} waits until {shown_time(now + left, now)}: its event has failed"
        else:
            return
        self._services.trace.emit(Diagnostic(code="waiting", message=text))

    def feed(self, input: machine.Input) -> None:
        self._machine, effects = machine.feed(self._machine, input)
        for effect in effects:
            self._perform(effect)
        self._services.activity.changed()

    def _perform(self, effect: Effect) -> None:
        match effect:
            case machine.Store():
                self._stop_timer()
                self._services.when_there_is_room(f"the state of sync {self.tag!r}", self._store)
            case machine.FireWhenOnline():
                self.wake()
            case machine.Dispatch():
                self._services.start("event", self._fire, effect)
            case machine.RetryAt():
                self._start_timer()
            case machine.Remove():
                self._stop_timer()
                self._forget(self)
                self._services.when_there_is_room(f"the end of sync {self.tag!r}", self._delete)
            case _:
                raise AssertionError(effect)

    def keep(self) -> None:
        """Keep what has changed of it by itself."""
        self._services.when_there_is_room(f"the state of sync {self.tag!r}", self._store)

    def _store(self) -> None:
        self._services.store.save_sync(self._number, self._machine.failures, self._machine.retry_at)

    def _delete(self) -> None:
        self._services.store.delete_sync(self._number)

    async def _fire(self, dispatch: machine.Dispatch) -> None:
        """*Fire a sync event*, 5: https://wicg.github.io/background-sync/spec/#fire-a-sync-event"""
        spec = EventSpec("sync", "SyncEvent", tag=self.tag, last_chance=dispatch.last_chance)
        outcome = await fire_and_update(self._registrations, self.registration, spec, dispatch.attempt)
        if not self._services.closing:
            # What the agent's own end cut was no attempt: it is fired again when the profile is opened next.
            was_firing = self._machine.state is machine.State.FIRING
            self.feed(machine.Ended(outcome, self._services.wall.now()))
            if was_firing and outcome != "fulfilled":
                self._tell_failure(outcome, dispatch.attempt)

    def _tell_failure(self, outcome: EventOutcome, attempt: int) -> None:
        """Why the agent goes on waiting, or that it does not any more."""
        if self._machine.retry_at is None:
            code, then = "sync-given-up", "that was its last chance"
        else:
            left = self._machine.seconds_left(self._services.wall.now())
            code, then = "sync-retry", f"tried again in {left:.0f} s"
        message = f"sync {self.tag!r}: attempt {attempt} ended {outcome}, {then}"
        self._services.trace.emit(Diagnostic(code=code, message=message))

    def _start_timer(self) -> None:
        # From here on it is Trio's clock that counts, which nobody sets.
        left = self._machine.seconds_left(self._services.wall.now())
        self._timer = trio.CancelScope()
        self._services.start_quietly(self._retry_after, self._timer, trio.current_time() + left)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _retry_after(self, timer: trio.CancelScope, until: float) -> None:
        with timer:
            await trio.sleep_until(until)
            if self._timer is timer:
                self._timer = None
                self.feed(machine.RetryTime())


def shown_time(time: float, now: float) -> str:
    """When something is due, in words; both in seconds since 1970."""
    left = f"in {max(0.0, time - now):.0f} s"
    try:
        at = datetime.fromtimestamp(time, UTC)
    except (ValueError, OverflowError, OSError):  # no calendar has it
        return left
    return f"{at:%Y-%m-%d %H:%M:%S} UTC ({left})"


class Syncs:
    """Every sync registration of one agent."""

    def __init__(
        self, services: Services, registrations: Registrations, clients: Clients, permissions: Permissions
    ) -> None:
        self._services = services
        self._registrations = registrations
        self._clients = clients
        self._permissions = permissions
        self._syncs: dict[tuple[Registration, str], Sync] = {}
        services.on_clear.append(self.clear)
        services.on_activated.append(lambda registration: self.wake())

    def register(self, registration: Registration, tag: str) -> None:
        """The parallel steps of `SyncManager.register()`.

        Raises InvalidStateError (no active worker), NotAllowedError (the user has disabled it), InvalidAccessError
        (no window of its origin is open), QuotaExceededError (it cannot be stored).
        Spec: https://wicg.github.io/background-sync/spec/#dom-syncmanager-register
        """
        # 2.
        require_active_worker(registration)
        # 3.
        if self._permissions.query(PERMISSION, registration.storage_key) == "denied":
            raise NotAllowedError(f"the permission {PERMISSION!r} is denied")
        # 4-6.
        require_window(self._clients, registration)
        # 7, 8.
        current = self._syncs.get((registration, tag))
        if current is not None:
            current.feed(machine.Register())
            return
        # 9.
        stored = StoredSync(0, registration.storage_key, registration.scope, tag)
        try:
            # What `register()` promises outlives a power failure as well.
            with self._services.quota.transaction(registration.storage_key, durable=True):
                number = self._services.store.add_sync(stored)
        except StorageFull as full:
            raise QuotaExceededError(f"no room for sync {tag!r}: {full}") from full
        self._take(registration, number, tag, machine.SyncRegistration(retries=self._retries)).wake()

    def tags(self, registration: Registration) -> list[str]:
        """Those that wait or fire: https://wicg.github.io/background-sync/spec/#dom-syncmanager-gettags"""
        return [sync.tag for sync in self._syncs.values() if sync.registration is registration]

    @property
    def go_on(self) -> bool:
        """Whether one of them will be fired without anybody's help."""
        return self._services.connectivity.online and any(
            sync.waits and not sync.dormant for sync in self._syncs.values()
        )

    def waiting_lines(self) -> list[str]:
        """What each of them waits for that only the network switch can give."""
        if self._services.connectivity.online:
            return []
        return [f"sync {sync.tag!r} of {sync.registration.scope} waits: offline" for sync in self._awake()]

    def wake(self) -> None:
        """The network is there, or a worker is."""
        for sync in list(self._syncs.values()):
            sync.wake()

    def clear(self, registration: Registration) -> None:
        """The registration is cleared, and nobody is left to fire an event at."""
        for sync in list(self._syncs.values()):
            if sync.registration is registration:
                sync.feed(machine.Clear())

    def restore(self) -> None:
        """Know what the profile keeps; it sleeps until `take_up()`."""
        for stored in self._services.store.syncs():
            registration = self._registrations.get(stored.storage_key, stored.scope)
            if registration is not None:
                now = self._services.wall.now()
                state = machine.restore(stored.failures, stored.retry_at, self._retries, now)
                sync = self._take(registration, stored.number, stored.tag, state)
                sync.dormant = True
                if state.retry_at != stored.retry_at:
                    sync.keep()

    def take_up(self) -> None:
        for sync in list(self._syncs.values()):
            if sync.dormant:
                sync.take_up()

    @property
    def _retries(self) -> machine.Retries:
        return self._services.limits.sync

    def _awake(self) -> list[Sync]:
        return [sync for sync in self._syncs.values() if not sync.dormant]

    def _take(
        self, registration: Registration, number: int, tag: str, state: machine.SyncRegistration
    ) -> Sync:
        sync = Sync(self._services, self._registrations, registration, number, tag, state, self._forget)
        self._syncs[registration, tag] = sync
        return sync

    def _forget(self, sync: Sync) -> None:
        del self._syncs[sync.registration, sync.tag]


def require_active_worker(registration: Registration) -> None:
    """Raises InvalidStateError where there is none."""
    if registration.active is None:
        raise InvalidStateError(
            f"{registration.scope} has no active worker; await service_worker.ready first"
        )


def require_window(clients: Clients, registration: Registration) -> None:
    """Raises InvalidAccessError where no window of the registration's origin is open."""
    if not clients.any_of(registration.storage_key):
        raise InvalidAccessError(
            f"no window of {registration.storage_key} is open: a sync is registered while the user is there"
        )


async def fire_and_update(
    registrations: Registrations, registration: Registration, spec: EventSpec, attempt: int = 1
) -> EventOutcome:
    """*Fire a functional event*, and look for an update of its worker afterwards; answers how the event ended."""
    fired = await registration.fire(spec, attempt=attempt)
    if fired.started and not registration.unregistered:
        registrations.soft_update(registration)
    return fired.result.outcome
