"""Service worker registrations, and the jobs that make them.

Register, install and activate follow the standard's algorithms; jobs of one scope run one after the other.
Spec: https://w3c.github.io/ServiceWorker/#algorithms
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from swruntime.agent.workers import Fired, Worker
from swruntime.algorithms import scopes
from swruntime.concepts.enums import PermissionState, UpdateViaCache
from swruntime.errors import ScriptError
from swruntime.ports.realm import EventResult, EventSpec
from swruntime.ports.store import StoredRegistration, StoredWorker

if TYPE_CHECKING:
    from swruntime.agent.background_fetch import BackgroundFetch
    from swruntime.agent.clients import Clients
    from swruntime.agent.services import Services


class Registration:
    """A service worker registration: https://w3c.github.io/ServiceWorker/#dfn-service-worker-registration"""

    def __init__(
        self, services: Services, storage_key: str, scope: str, update_via_cache: UpdateViaCache = "imports"
    ) -> None:
        self.storage_key = storage_key
        self.scope = scope
        self.update_via_cache: UpdateViaCache = update_via_cache
        self.installing: Worker | None = None
        self.waiting: Worker | None = None
        self.active: Worker | None = None
        self.unregistered = False
        self.edit_queue = trio.Lock()
        """*Active background fetches edit queue*."""
        self._services = services

    def __repr__(self) -> str:
        return f"<Registration {self.scope}>"

    @property
    def newest_worker(self) -> Worker | None:
        """https://w3c.github.io/ServiceWorker/#get-newest-worker-algorithm"""
        return self.installing or self.waiting or self.active

    def permission(self) -> PermissionState:
        """The state of the permission "background-fetch" for its origin."""
        return self._services.permission(self.storage_key)

    async def fire(
        self, spec: EventSpec, *, attempt: int = 1, background_fetch: BackgroundFetch | None = None
    ) -> Fired:
        """*Fire a functional event* at the active worker; wait until it has ended.

        Spec: https://w3c.github.io/ServiceWorker/#fire-functional-event-algorithm
        """
        while self.active is not None and self.active.state == "activating":
            await self._services.activity.wait_for_change()
        if self.active is None:
            return Fired(EventResult("interrupted", f"{self.scope} has no active worker"), started=False)
        return await self.active.fire(spec, attempt=attempt, background_fetch=background_fetch)

    def settled(self, background_fetch: BackgroundFetch) -> None:
        """A background fetch has its result committed: its event is owed now."""
        background_fetch.fire_owed()

    def save(self) -> None:
        """Keep it in the profile, once there is a worker that was installed."""
        if self.waiting is None and self.active is None:
            return
        self._services.store.save_registration(
            StoredRegistration(
                self.storage_key,
                self.scope,
                self.update_via_cache,
                waiting=_stored(self.waiting),
                active=_stored(self.active),
            )
        )


def _stored(worker: Worker | None) -> StoredWorker | None:
    return None if worker is None else StoredWorker(worker.script_url, worker.state)


class Registrations:
    """The registration map, and its jobs."""

    def __init__(self, services: Services, clients: Clients) -> None:
        self._services = services
        self._clients = clients
        self._map: dict[tuple[str, str], Registration] = {}
        self._jobs: dict[tuple[str, str], trio.Lock] = {}

    def all(self) -> list[Registration]:
        return list(self._map.values())

    def get(self, storage_key: str, scope: str) -> Registration | None:
        return self._map.get((storage_key, scope))

    def match(self, storage_key: str, url: str) -> Registration | None:
        """*Match Service Worker Registration*: https://w3c.github.io/ServiceWorker/#scope-match-algorithm"""
        scope = scopes.match_scope((s for key, s in self._map if key == storage_key), url)
        return None if scope is None else self._map[storage_key, scope]

    def restore(self) -> None:
        """Take up what the profile keeps. An active worker that was still activating is activated (Activate, 7)."""
        for stored in self._services.store.registrations():
            registration = Registration(
                self._services, stored.storage_key, stored.scope, stored.update_via_cache
            )
            if stored.active is not None:
                url = stored.active.script_url
                registration.active = Worker(self._services, registration, url, "activated")
            if stored.waiting is not None:
                url = stored.waiting.script_url
                registration.waiting = Worker(self._services, registration, url, "installed")
            self._map[stored.storage_key, stored.scope] = registration

    async def register(
        self,
        script: str,
        scope: str | None,
        *,
        base_url: str,
        client_origin: str,
        update_via_cache: UpdateViaCache = "imports",
    ) -> Registration:
        """*Start Register* and *Register*. Answers when the worker is installing, or was registered already.

        Raises TypeError (a URL, or the script itself), SecurityError (another origin, a scope too wide).
        Spec: https://w3c.github.io/ServiceWorker/#start-register-algorithm
        """
        script_url, scope_url = scopes.check_registration(
            script, scope, base_url=base_url, client_origin=client_origin
        )
        key = (client_origin, scope_url)
        lock = self._jobs.setdefault(key, trio.Lock())
        installing: trio.MemorySendChannel[Registration | Exception]
        installing, told = trio.open_memory_channel[Registration | Exception](1)
        self._services.start("job", self._job, lock, key, script_url, update_via_cache, installing)
        outcome = await told.receive()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def unregister(self, registration: Registration) -> bool:
        """*Unregister* and *Try Clear Registration*. False where it was unregistered already.

        Spec: https://w3c.github.io/ServiceWorker/#unregister-algorithm
        """
        async with self._jobs.setdefault((registration.storage_key, registration.scope), trio.Lock()):
            if registration.unregistered:
                return False
            registration.unregistered = True
            self._map.pop((registration.storage_key, registration.scope), None)
            self._services.nursery.start_soon(self._clear_when_unused, registration)
            return True

    async def _clear_when_unused(self, registration: Registration) -> None:
        """*Clear Registration*, when no client uses it and its events have ended."""
        while self._clients.using(registration) or not _quiet(registration):
            await self._services.activity.wait_for_change()
        with self._services.activity.under_way("clear"):
            self._services.clear_fetches(registration)
            for worker in (registration.installing, registration.waiting, registration.active):
                if worker is not None:
                    worker.stop("its registration was cleared")
                    worker.set_state("redundant")
            registration.installing = registration.waiting = registration.active = None
            self._services.store.delete_registration(registration.storage_key, registration.scope)

    def skip_waiting(self, worker: Worker) -> None:
        """*skipWaiting()*: https://w3c.github.io/ServiceWorker/#service-worker-global-scope-skipwaiting"""
        worker.skip_waiting = True
        self._services.nursery.start_soon(self._try_activate, worker.registration)

    async def _job(
        self,
        lock: trio.Lock,
        key: tuple[str, str],
        script_url: str,
        update_via_cache: UpdateViaCache,
        promise: trio.MemorySendChannel[Registration | Exception],
    ) -> None:
        async with lock:
            registration = await self._register(key, script_url, update_via_cache, promise)
        if registration is not None:
            await self._try_activate(registration)

    async def _register(
        self,
        key: tuple[str, str],
        script_url: str,
        update_via_cache: UpdateViaCache,
        promise: trio.MemorySendChannel[Registration | Exception],
    ) -> Registration | None:
        # Register, 4. The same script again: nothing to do.
        registration = self._map.get(key)
        newest = registration.newest_worker if registration is not None else None
        if (
            registration is not None
            and newest is not None
            and newest.script_url == script_url
            and registration.update_via_cache == update_via_cache
        ):
            promise.send_nowait(registration)
            return None
        # Register, 5. Set Registration.
        is_new = registration is None
        if registration is None:
            registration = self._map[key] = Registration(self._services, *key, update_via_cache)
        # Update: fetch the script, check the scope, run it.
        worker = Worker(self._services, registration, script_url)
        try:
            scopes.check_max_scope(script_url, registration.scope, None)
            await worker.run("install")
        except Exception as error:  # noqa: BLE001 - whatever it is, the promise is rejected with it
            worker.stop("it was not installed")
            if is_new:
                self._map.pop(key, None)
            promise.send_nowait(_rejection(script_url, error))
            return None
        if await self._install(registration, worker, update_via_cache, promise):
            return registration
        if registration.newest_worker is None:
            self._map.pop(key, None)
        return None

    async def _install(
        self,
        registration: Registration,
        worker: Worker,
        update_via_cache: UpdateViaCache,
        promise: trio.MemorySendChannel[Registration | Exception],
    ) -> bool:
        """*Install*: https://w3c.github.io/ServiceWorker/#installation-algorithm"""
        # 3-5.
        registration.update_via_cache = update_via_cache
        registration.installing = worker
        worker.set_state("installing")
        # 7. Resolve Job Promise.
        promise.send_nowait(registration)
        # 11. Fire `install`, and wait for its extensions.
        fired = await worker.fire(EventSpec("install", "InstallEvent"))
        # 12. A failed install leaves the old worker in place.
        if fired.result.outcome != "fulfilled":
            worker.set_state("redundant")
            registration.installing = None
            worker.stop("its install failed")
            return False
        # 16. Whoever waited is overtaken.
        if registration.waiting is not None:
            registration.waiting.stop("a newer worker was installed")
            registration.waiting.set_state("redundant")
        # 17-19.
        registration.waiting, registration.installing = worker, None
        worker.set_state("installed")
        registration.save()
        return True

    async def _try_activate(self, registration: Registration) -> None:
        """*Try Activate*: https://w3c.github.io/ServiceWorker/#try-activate-algorithm"""
        active, waiting = registration.active, registration.waiting
        if waiting is None or (active is not None and active.state == "activating"):
            return
        unused = not self._clients.using(registration)
        if active is None or (active.has_no_pending_events and (unused or waiting.skip_waiting)):
            await self._activate(registration, waiting)

    async def _activate(self, registration: Registration, worker: Worker) -> None:
        """*Activate*: https://w3c.github.io/ServiceWorker/#activation-algorithm"""
        # 2. The old worker goes.
        if registration.active is not None:
            registration.active.stop("a newer worker was activated")
            registration.active.set_state("redundant")
        # 3-5.
        registration.active, registration.waiting = worker, None
        worker.set_state("activating")
        # 9. Whoever uses the registration is controlled by the new worker: a client's controller is looked up.
        # 11. Neither an error nor a termination keeps it from being activated.
        await worker.fire(EventSpec("activate", "ExtendableEvent"))
        # 12.
        worker.set_state("activated")
        registration.save()


def _quiet(registration: Registration) -> bool:
    workers = (registration.installing, registration.waiting, registration.active)
    return all(worker is None or worker.has_no_pending_events for worker in workers)


def _rejection(script_url: str, error: Exception) -> Exception:
    """*Reject Job Promise*: a script that fails is a TypeError; other errors are what they are."""
    if isinstance(error, ScriptError):
        where = f" ({error.where})" if error.where else ""
        rejection = TypeError(f"{script_url} failed while it was evaluated{where}: {error}")
        rejection.__cause__ = error
        return rejection
    return error
