"""Service worker registrations, and the map of them; what becomes of one is `lifecycle`'s.

Spec: https://w3c.github.io/ServiceWorker/#dfn-service-worker-registration
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import trio

from swruntime.agent.jobs import Job, JobKey
from swruntime.agent.lifecycle import Lifecycle
from swruntime.agent.promise import Deferred, Promise
from swruntime.agent.scripts import Script
from swruntime.agent.worker_texts import Texts
from swruntime.agent.workers import Fired, Worker
from swruntime.algorithms import scopes, urls
from swruntime.concepts.enums import PermissionState, UpdateViaCache, WorkerState
from swruntime.concepts.http import HeaderList
from swruntime.errors import InvalidStateError
from swruntime.ports.realm import EventResult, EventSpec
from swruntime.ports.store import StoredRegistration, StoredWorker

if TYPE_CHECKING:
    from swruntime.agent.background_fetch import BackgroundFetch
    from swruntime.agent.clients import Clients
    from swruntime.agent.services import Services
    from swruntime.concepts.environment import Environment


STALE = 86_400.0
"""Seconds after an update check until the next functional event asks for another one."""


class Registration:
    """A service worker registration: https://w3c.github.io/ServiceWorker/#dfn-service-worker-registration"""

    def __init__(
        self,
        services: Services,
        storage_key: str,
        scope: str,
        update_via_cache: UpdateViaCache = "imports",
        after: int = 0,
    ) -> None:
        self.storage_key = storage_key
        self.scope = scope
        self.update_via_cache: UpdateViaCache = update_via_cache
        self.installing: Worker | None = None
        self.waiting: Worker | None = None
        self.active: Worker | None = None
        self.unregistered = False
        self.cleared = False
        """It was unregistered, and is not in use any more: nothing more happens to it."""
        self.after = after
        """Background fetches up to this number are of an earlier one of its scope, which was unregistered in use."""
        self.last_update_check: float | None = None
        """*Last update check time*, on Trio's clock; None before the first one of this process."""
        self.preload_enabled = False
        """*Navigation preload enabled flag*."""
        self.preload_header = "true"
        """*Navigation preload header value*."""
        self.edit_queue = trio.Lock()
        """*Active background fetches edit queue*."""
        self._services = services

    def __repr__(self) -> str:
        return f"<Registration {self.scope}>"

    @property
    def workers(self) -> list[Worker]:
        return [w for w in (self.installing, self.waiting, self.active) if w is not None]

    @property
    def newest_worker(self) -> Worker | None:
        """https://w3c.github.io/ServiceWorker/#get-newest-worker-algorithm"""
        return self.installing or self.waiting or self.active

    @property
    def stale(self) -> bool:
        """https://w3c.github.io/ServiceWorker/#service-worker-registration-stale"""
        checked = self.last_update_check
        return checked is not None and trio.current_time() - checked > STALE

    def permission(self) -> PermissionState:
        """The state of the permission "background-fetch" for its origin."""
        return self._services.permission(self.storage_key)

    async def fire(
        self,
        spec: EventSpec,
        *,
        attempt: int = 1,
        background_fetch: BackgroundFetch | None = None,
        on_texts: Callable[[Texts], None] | None = None,
    ) -> Fired:
        """*Fire a functional event* at the active worker; wait until it has ended. `on_texts` is as `Worker.fire`'s.

        Spec: https://w3c.github.io/ServiceWorker/#fire-functional-event-algorithm
        """
        while self.active is not None and self.active.state == "activating":
            await self.active.until_activated()
        if self.active is None:
            return Fired(EventResult("interrupted", f"{self.scope} has no active worker"), started=False)
        fired = await self.active.fire(
            spec, attempt=attempt, background_fetch=background_fetch, on_texts=on_texts
        )
        self._services.functional_event_ended(self)
        return fired

    def settled(self, background_fetch: BackgroundFetch) -> None:
        """A background fetch has its result committed: its event is owed now."""
        background_fetch.fire_owed()

    def save(self) -> None:
        """Keep it in the profile, once there is a worker that was installed."""
        self._services.when_there_is_room(f"the registration of {self.scope}", self._save)

    def _save(self) -> None:
        if self.waiting is None and self.active is None:
            return
        self._services.store.save_registration(
            StoredRegistration(
                self.storage_key,
                self.scope,
                self.update_via_cache,
                waiting=_stored(self.waiting),
                active=_stored(self.active),
                unregistered=self.unregistered,
                after=self.after,
            )
        )


def _stored(worker: Worker | None) -> StoredWorker | None:
    if worker is None:
        return None
    kept = {url: script for url, script in worker.scripts.items() if not script.of_site}
    main = kept.get(worker.script_url)
    return StoredWorker(
        worker.script_url,
        worker.state,
        worker.type,
        scripts=tuple((url, script.data.decode("latin-1")) for url, script in kept.items()),
        muted=tuple(url for url, script in kept.items() if script.muted),
        redirected=tuple((url, script.url) for url, script in kept.items() if script.url != url),
        headers=() if main is None else _policies(main.headers),
    )


def _policies(headers: HeaderList) -> tuple[tuple[str, str], ...]:
    """What of a main script's headers later starts need."""
    wanted = ("content-security-policy", "referrer-policy")
    return tuple((name, value) for name, value in headers if name.lower() in wanted)


class RegistrationMap(dict[JobKey, Registration]):
    """By storage key and scope: https://w3c.github.io/ServiceWorker/#dfn-scope-to-registration-map

    Of a hundred registrations few have scopes of different lengths, so a match looks only for these.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lengths: Counter[int] = Counter()

    def __setitem__(self, key: JobKey, registration: Registration) -> None:
        self._lengths[len(key[1])] += key not in self
        super().__setitem__(key, registration)

    def take(self, key: JobKey) -> Registration | None:
        """Remove one, and answer with it; None where there is none."""
        found = self.pop(key, None)
        if found is not None:
            self._lengths[len(key[1])] -= 1
            self._lengths += Counter()  # without those of which there are none any more
        return found

    def match(self, storage_key: str, url: str) -> Registration | None:
        """The one with the longest scope that `url` begins with."""
        prefixes = (url[:length] for length in self._lengths if length <= len(url))
        scope = scopes.match_scope((each for each in prefixes if (storage_key, each) in self), url)
        return None if scope is None else self[storage_key, scope]


class Registrations:
    """The registration map, and what scripts and the user may ask of it."""

    def __init__(self, services: Services, clients: Clients) -> None:
        self._services = services
        self._map = RegistrationMap()
        self._lifecycle = Lifecycle(services, clients, self._map)
        services.event_ended = self._event_ended
        services.functional_event_ended = self._functional_event_ended

    def all(self) -> list[Registration]:
        return list(self._map.values())

    def get(self, storage_key: str, scope: str) -> Registration | None:
        return self._map.get((storage_key, scope))

    def match(self, storage_key: str, url: str) -> Registration | None:
        """*Match Service Worker Registration*: https://w3c.github.io/ServiceWorker/#scope-match-algorithm"""
        return self._map.match(storage_key, url)

    def restore(self) -> None:
        """Take up what the profile keeps.

        A worker that was activating is activated: a death does not keep it from that (Activate, 7). One that
        waited is tried again, since the clients that it waited for are gone.
        """
        for stored in self._services.store.registrations():
            if stored.unregistered:
                # Whoever kept it from being cleared is gone with that process.
                self._services.store.delete_registration(stored.storage_key, stored.scope)
                continue
            registration = Registration(
                self._services, stored.storage_key, stored.scope, stored.update_via_cache, stored.after
            )
            if stored.active is not None:
                registration.active = self._restored(registration, stored.active, "activated")
            if stored.waiting is not None:
                registration.waiting = self._restored(registration, stored.waiting, "installed")
            self._map[stored.storage_key, stored.scope] = registration

    def _restored(self, registration: Registration, stored: StoredWorker, state: WorkerState) -> Worker:
        worker = Worker(self._services, registration, stored.script_url, state, stored.type)
        redirected = dict(stored.redirected)
        for url, text in stored.scripts:
            worker.scripts[url] = Script(
                redirected.get(url, url),
                text.encode("latin-1"),
                HeaderList(stored.headers) if url == stored.script_url else HeaderList(),
                # An earlier version kept no more than the URL.
                muted=url in stored.muted
                or (stored.type == "classic" and not urls.same_origin(url, stored.script_url)),
            )
        return worker

    def failed(self, key: JobKey) -> Texts:
        """What the scripts said of the last worker of a scope, if it was not installed; empty where it was."""
        return self._lifecycle.failed.get(key, ())

    def try_activate_all(self) -> None:
        """Whoever waited for clients that are gone need not wait any more."""
        for registration in self.all():
            self._lifecycle.try_activate_soon(registration)

    def register(
        self,
        script: str,
        scope: str | None,
        *,
        base_url: str,
        client_origin: str,
        worker_type: str = "classic",
        update_via_cache: UpdateViaCache = "imports",
        client: Environment | None = None,
    ) -> Promise[Registration]:
        """*Start Register*, for `client`. Fulfilled when the worker is installing, or was registered already.

        Raises TypeError (a URL) and SecurityError (another origin, a scope too wide), and rejects with TypeError
        (the script itself).
        Spec: https://w3c.github.io/ServiceWorker/#start-register-algorithm
        """
        script_url, scope_url = scopes.check_registration(
            script, scope, base_url=base_url, client_origin=client_origin
        )
        job = Job("register", (client_origin, scope_url), script_url, update_via_cache, worker_type, client)
        return self._scheduled(job)

    def update(self, registration: Registration, client: Environment | None = None) -> Promise[Registration]:
        """*update()*, for `client`: look whether the newest worker's scripts have changed; if so, install them.

        Raises InvalidStateError where there is no worker, and rejects with TypeError for a script that fails.
        Spec: https://w3c.github.io/ServiceWorker/#service-worker-registration-update
        """
        job = self._lifecycle.update_job(registration, client)
        if job is None:
            raise InvalidStateError(f"{registration.scope} has no worker to update")
        return self._scheduled(job)

    def soft_update(self, registration: Registration) -> None:
        """*Soft Update*, after a navigation or a functional event; nobody waits for it.

        Spec: https://w3c.github.io/ServiceWorker/#soft-update-algorithm
        """
        job = self._lifecycle.update_job(registration)
        if job is not None:
            self._lifecycle.schedule(job)

    def unregister(self, registration: Registration) -> Promise[bool]:
        """*Unregister*. False where it was unregistered already.

        Spec: https://w3c.github.io/ServiceWorker/#unregister-algorithm
        """
        job = Job("unregister", (registration.storage_key, registration.scope))
        return self._scheduled(job)

    def skip_waiting(self, worker: Worker) -> None:
        """*skipWaiting()*: https://w3c.github.io/ServiceWorker/#service-worker-global-scope-skipwaiting"""
        worker.skip_waiting = True
        self._lifecycle.try_activate_soon(worker.registration)

    def client_left(self, registration: Registration) -> None:
        """*Handle Service Worker Client Unload*: the last client of a registration may let another worker in.

        Spec: https://w3c.github.io/ServiceWorker/#on-client-unload-algorithm
        """
        self._lifecycle.client_left(registration)

    def _event_ended(self, registration: Registration) -> None:
        """*Update Service Worker Extended Events Set*: a worker that waited for an event may be activated now.

        Spec: https://w3c.github.io/ServiceWorker/#update-service-worker-extended-events-set-algorithm, and the
        note at the end of #installation-algorithm
        """
        if not self._services.closing:
            self._lifecycle.try_activate_soon(registration)

    def _functional_event_ended(self, registration: Registration) -> None:
        """*Fire Functional Event*, step 8."""
        if registration.stale:
            self.soft_update(registration)

    def _scheduled(self, job: Job) -> Promise[Any]:
        deferred: Deferred[object] = Deferred(f"{job.type} job")
        job.promises.append(deferred)
        self._lifecycle.schedule(job)
        return deferred.promise
