"""What becomes of a registration: register, update, install, activate, unregister, clear.

Each method is an algorithm of the standard, its steps numbered as there.
Spec: https://w3c.github.io/ServiceWorker/#algorithms
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from swruntime.agent.jobs import Job, JobKey, JobQueues
from swruntime.agent.services import QUOTA_RESERVE
from swruntime.agent.worker_texts import Texts
from swruntime.agent.workers import Worker
from swruntime.algorithms import scopes
from swruntime.errors import QuotaExceededError, ScriptError
from swruntime.machines.service_worker import Activate, Activated, Discard, Install, Installed
from swruntime.ports.realm import EventSpec

if TYPE_CHECKING:
    from swruntime.agent.clients import Clients
    from swruntime.agent.registrations import Registration, RegistrationMap
    from swruntime.agent.services import Services
    from swruntime.concepts.environment import Environment


class Lifecycle:
    """Runs the jobs of one agent on its registration map."""

    def __init__(
        self,
        services: Services,
        clients: Clients,
        map: RegistrationMap,
    ) -> None:
        self._services = services
        self._clients = clients
        self._map = map
        self.failed: dict[JobKey, Texts] = {}
        """What the scripts said of a worker that was not installed, the last one of each scope."""
        self._uncleared: list[Registration] = []
        """Those that were unregistered and are still in use."""
        self._queues = JobQueues(self._run, lambda run, key: services.start("job", run, key))

    def schedule(self, job: Job) -> None:
        self._queues.schedule(job)

    def update_job(self, registration: Registration, client: Environment | None = None) -> Job | None:
        """The job that looks for an update of the newest worker, for `client`; None where there is no worker."""
        newest = registration.newest_worker
        if newest is None:
            return None
        key = (registration.storage_key, registration.scope)
        return Job("update", key, newest.script_url, registration.update_via_cache, newest.type, client)

    async def _run(self, job: Job) -> None:
        """*Run Job*: https://w3c.github.io/ServiceWorker/#run-job-algorithm"""
        if job.type == "register":
            await self._register(job)
        elif job.type == "update":
            await self._update(job)
        else:
            self._unregister(job)

    async def _register(self, job: Job) -> None:
        """*Register*: https://w3c.github.io/ServiceWorker/#register-algorithm (its checks are Start Register's here)"""
        from swruntime.agent.registrations import Registration

        # 5. The same script again: nothing to do.
        registration = self._map.get(job.key)
        if registration is not None:
            newest = registration.newest_worker
            if (
                newest is not None
                and (newest.script_url, newest.type) == (job.script_url, job.worker_type)
                and registration.update_via_cache == job.update_via_cache
            ):
                job.resolve(registration)
                return
        # 6. Set Registration.
        else:
            after = self._services.last_fetch_number(*job.key)
            self._map[job.key] = Registration(self._services, *job.key, job.update_via_cache, after)
        # 7.
        await self._update(job)

    async def _update(self, job: Job) -> None:
        """*Update*: https://w3c.github.io/ServiceWorker/#update-algorithm"""
        registration = self._map.get(job.key)
        # 2. It was unregistered meanwhile.
        if registration is None or job.script_url is None:
            job.reject(TypeError(f"{job.key[1]} is not registered"))
            return
        newest = registration.newest_worker
        # 4. Another script was registered meanwhile.
        if job.type == "update" and newest is not None and newest.script_url != job.script_url:
            job.reject(
                TypeError(f"{job.script_url} is not the newest worker of {registration.scope} any more")
            )
            return
        worker = Worker(self._services, registration, job.script_url, type=job.worker_type)
        try:
            # 7. Fetch it; check its scope, and whether anything has changed, byte for byte.
            script = await worker.fetch_script(job.client)
            allowed = script.headers.get("Service-Worker-Allowed")
            scopes.check_max_scope(job.script_url, registration.scope, allowed)
            registration.last_update_check = trio.current_time()
            if newest is not None and await newest.has_same_scripts(worker):
                # 9.
                registration.update_via_cache = job.update_via_cache
                registration.save()
                job.resolve(registration)
                return
            # 15. Run it.
            await worker.run(job.type if job.type == "update" else "install")
            self._require_room(registration, worker)
        except Exception as error:  # noqa: BLE001 - whatever it is, the promise is rejected with it
            # 8, 16.
            worker.stop("it was not installed")
            self.failed[job.key] = worker.scripts.texts
            if newest is None:
                self._map.take(job.key)
            job.reject(_rejection(job.script_url, error))
            return
        # 17.
        await self._install(job, worker, registration)

    def _require_room(self, registration: Registration, worker: Worker) -> None:
        """Raises QuotaExceededError where a worker and its scripts do not fit."""
        key = registration.storage_key
        fetched = [(url, script.data) for url, script in worker.scripts.items() if not script.of_site]
        scripts = sum(len(url) + len(data) for url, data in fetched)
        size = 2 * (len(key) + len(registration.scope)) + len(worker.script_url) + scripts
        if not self._services.quota.fits(key, size, reserve=QUOTA_RESERVE):
            available = self._services.quota.available(key)
            raise QuotaExceededError(
                f"the quota of {key} has room for {available} bytes more, and {worker.script_url} needs {size}"
            )

    async def _install(self, job: Job, worker: Worker, registration: Registration) -> None:
        """*Install*: https://w3c.github.io/ServiceWorker/#installation-algorithm"""
        newest = registration.newest_worker
        # 3-5.
        registration.update_via_cache = job.update_via_cache
        registration.installing = worker
        self._services.registration_changed(registration)
        worker.feed(Install())
        # 7. Resolve Job Promise.
        job.resolve(registration)
        # 8, 9.
        self._services.notify(registration, "updatefound")
        # 11. Fire `install`, and wait for its extensions.
        fired = await worker.fire(EventSpec("install", "InstallEvent"))
        # 12. A failed install leaves the old worker in place.
        if fired.result.outcome != "fulfilled":
            worker.stop("its install failed")
            self.failed[job.key] = worker.scripts.texts
            worker.feed(Discard())
            registration.installing = None
            self._services.registration_changed(registration)
            if newest is None:
                self._map.take(job.key)
            return
        self.failed.pop(job.key, None)
        # 16. Whoever waited is overtaken.
        if registration.waiting is not None:
            registration.waiting.stop("a newer worker was installed")
            registration.waiting.feed(Discard())
        # 17-19.
        registration.waiting, registration.installing = worker, None
        self._services.registration_changed(registration)
        worker.feed(Installed())
        registration.save()
        # 20-22. Activate in its own time; the queue goes on.
        self._services.start("activate", self._try_activate_when_told, registration)

    async def _try_activate_when_told(self, registration: Registration) -> None:
        # 21. Every page has seen that it is installed before it can see it activating.
        await self._services.caught_up(registration.storage_key)
        self.try_activate_soon(registration)

    def try_activate_soon(self, registration: Registration) -> None:
        """*Try Activate*: https://w3c.github.io/ServiceWorker/#try-activate-algorithm"""
        active, waiting = registration.active, registration.waiting
        if waiting is None or (active is not None and active.state == "activating"):
            return
        unused = not self._clients.using(registration)
        if active is None or (active.has_no_pending_events and (unused or waiting.skip_waiting)):
            self._services.start("activate", self._activate, registration, waiting)

    async def _activate(self, registration: Registration, worker: Worker) -> None:
        """*Activate*: https://w3c.github.io/ServiceWorker/#activation-algorithm"""
        # 1. Somebody was faster, or the old worker was handed an event meanwhile: at its end it is tried again.
        old = registration.active
        if registration.waiting is not worker or (old is not None and not old.has_no_pending_events):
            return
        # 2. The old worker goes.
        if registration.active is not None:
            registration.active.stop("a newer worker was activated")
            registration.active.feed(Discard())
        # 3-5.
        registration.active, registration.waiting = worker, None
        self._services.registration_changed(registration)
        worker.feed(Activate())
        # 6, 7. Whoever awaits `ready` in a page that it matches.
        for client in self._clients.all():
            if (
                client.realm is not None
                and self._map.match(client.environment.origin, client.url) is registration
            ):
                client.realm.became_ready(registration)
        # 8. Whoever uses the registration is controlled by the new worker.
        for client in self._clients.all():
            if client.registration is registration:
                client.controller_changed()
        # 10. Neither an error nor a termination keeps it from being activated.
        await worker.fire(EventSpec("activate", "ExtendableEvent"))
        # 11. Unless its registration was cleared meanwhile.
        if worker.state == "activating":
            worker.feed(Activated())
            registration.save()
        self.try_activate_soon(registration)

    def _unregister(self, job: Job) -> None:
        """*Unregister*: https://w3c.github.io/ServiceWorker/#unregister-algorithm"""
        registration = self._map.take(job.key)
        # 3.
        if registration is None:
            job.resolve(False)
            return
        # 4-6.
        registration.unregistered = True
        registration.save()
        for tell in self._services.on_unregistered:
            tell(registration)
        job.resolve(True)
        self._uncleared.append(registration)
        self._services.start_quietly(self._clear_when_unused, registration)

    async def _clear_when_unused(self, registration: Registration) -> None:
        """*Try Clear Registration*: when no client uses it and its events have ended.

        Spec: https://w3c.github.io/ServiceWorker/#try-clear-registration-algorithm
        """
        while (
            self._clients.using(registration)
            or not all(worker.has_no_pending_events for worker in registration.workers)
            or self._services.fetches_settle(registration)
        ):
            await self._services.activity.wait_for_change()
        self._services.clear_fetches(registration)
        for clear in self._services.on_clear:
            clear(registration)
        for worker in registration.workers:
            worker.stop("its registration was cleared")
            worker.feed(Discard())
        registration.installing = registration.waiting = registration.active = None
        registration.cleared = True
        self._services.registration_changed(registration)
        self._uncleared.remove(registration)
        self._services.when_there_is_room(
            f"the end of {registration.scope}",
            lambda: self._delete(registration.storage_key, registration.scope),
        )

    def _delete(self, storage_key: str, scope: str) -> None:
        # Another one may have been registered for the scope meanwhile, and even be unregistered and in use.
        others = any((each.storage_key, each.scope) == (storage_key, scope) for each in self._uncleared)
        if (storage_key, scope) not in self._map and not others:
            self._services.store.delete_registration(storage_key, scope)

    def client_left(self, registration: Registration) -> None:
        """A client of `registration` is gone: https://w3c.github.io/ServiceWorker/#on-client-unload-algorithm"""
        self._services.activity.changed()
        if not self._clients.using(registration):
            self.try_activate_soon(registration)


def _rejection(script_url: str, error: Exception) -> Exception:
    """*Reject Job Promise*: a script that fails is a TypeError; other errors are what they are."""
    if isinstance(error, ScriptError):
        where = f" ({error.where})" if error.where else ""
        rejection = TypeError(f"{script_url} failed while it was evaluated{where}: {error}")
        rejection.__cause__ = error
        return rejection
    return error
