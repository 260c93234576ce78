"""ServiceWorkerRegistration, ServiceWorker and ServiceWorkerContainer.

Spec: https://w3c.github.io/ServiceWorker/#serviceworkerregistration-interface and its neighbours
"""

from __future__ import annotations

from collections import deque
from typing import Any, get_args

from swruntime.agent.clients import Client
from swruntime.agent.messaging import Posted
from swruntime.agent.promise import Deferred, NoPublicConstructor, Promise
from swruntime.agent.registrations import Registration
from swruntime.agent.workers import Worker
from swruntime.algorithms import urls, webidl
from swruntime.concepts.enums import UpdateViaCache, WorkerState
from swruntime.errors import InvalidStateError, SecurityError
from swruntime.realms.python.background_fetch import BackgroundFetchManager
from swruntime.realms.python.events import EventHandler, EventTarget
from swruntime.realms.python.message_events import fire_message
from swruntime.realms.python.message_ports import MessageHandler, Transfer, pack
from swruntime.realms.python.navigation_preload import NavigationPreloadManager
from swruntime.realms.python.notifications import RegistrationNotifications
from swruntime.realms.python.push import PushManager
from swruntime.realms.python.realm import PythonRealm, ShownWorkers
from swruntime.realms.python.sync import PeriodicSyncManager, SyncManager


class ServiceWorker(EventTarget, metaclass=NoPublicConstructor):
    """https://w3c.github.io/ServiceWorker/#serviceworker-interface"""

    onstatechange = EventHandler()
    onerror = EventHandler()

    def __init__(self, realm: PythonRealm, concept: Worker) -> None:
        super().__init__()
        self._context = realm.context
        self._realm = realm
        self._concept = concept
        self._state = concept.state
        """A copy that only tasks change, with the event that tells of it."""

    @classmethod
    def _of(cls, realm: PythonRealm, concept: Worker) -> ServiceWorker:
        return cls._create(realm, concept)

    def __repr__(self) -> str:
        return f"<ServiceWorker {self.script_url} {self.state}>"

    @property
    def script_url(self) -> str:
        return self._concept.script_url

    @property
    def state(self) -> WorkerState:
        return self._state

    def post_message(self, message: object, transfer: Transfer = None) -> None:
        """Fire `message` at the worker, with a copy of `message`; it is started if need be.

        `transfer` is a list of the MessagePorts to send along. To a worker that is redundant, or that cannot
        start, it goes nowhere. Raises DataCloneError, and InvalidStateError in a realm that was discarded.
        Spec: https://w3c.github.io/ServiceWorker/#service-worker-postmessage-options
        """
        self._concept.post_message(pack(self._realm, message, transfer))


class ServiceWorkerRegistration(RegistrationNotifications, EventTarget, metaclass=NoPublicConstructor):
    """https://w3c.github.io/ServiceWorker/#serviceworkerregistration-interface"""

    onupdatefound = EventHandler()

    def __init__(self, realm: PythonRealm, concept: Registration) -> None:
        super().__init__()
        self._context = realm.context
        self._realm = realm
        self._concept = concept
        self._shown = ShownWorkers.of(concept)
        """A copy that only tasks change: what a handler sees is what its event is about."""
        self._background_fetch = BackgroundFetchManager._create(realm, concept)
        self._navigation_preload = NavigationPreloadManager._create(realm, concept)
        self._push_manager = PushManager._create(realm, concept)
        self._sync = SyncManager._create(realm, concept)
        self._periodic_sync = PeriodicSyncManager._create(realm, concept)

    @classmethod
    def _of(cls, realm: PythonRealm, concept: Registration) -> ServiceWorkerRegistration:
        return cls._create(realm, concept)

    def __repr__(self) -> str:
        return f"<ServiceWorkerRegistration {self.scope}>"

    def _show(self, workers: ShownWorkers) -> None:
        self._shown = workers

    @property
    def scope(self) -> str:
        return self._concept.scope

    @property
    def update_via_cache(self) -> UpdateViaCache:
        return self._concept.update_via_cache

    @property
    def installing(self) -> ServiceWorker | None:
        return self._realm.worker(self._shown.installing)

    @property
    def waiting(self) -> ServiceWorker | None:
        return self._realm.worker(self._shown.waiting)

    @property
    def active(self) -> ServiceWorker | None:
        return self._realm.worker(self._shown.active)

    @property
    def background_fetch(self) -> BackgroundFetchManager:
        """https://wicg.github.io/background-fetch/#dom-serviceworkerregistration-backgroundfetch"""
        return self._background_fetch

    @property
    def navigation_preload(self) -> NavigationPreloadManager:
        return self._navigation_preload

    @property
    def push_manager(self) -> PushManager:
        """https://w3c.github.io/push-api/#dom-serviceworkerregistration-pushmanager"""
        return self._push_manager

    @property
    def sync(self) -> SyncManager:
        """https://wicg.github.io/background-sync/spec/#dom-serviceworkerregistration-sync"""
        return self._sync

    @property
    def periodic_sync(self) -> PeriodicSyncManager:
        """https://wicg.github.io/periodic-background-sync/#dom-serviceworkerregistration-periodicsync"""
        return self._periodic_sync

    def unregister(self) -> Promise[bool]:
        """True; its background fetches are aborted without an event, once no window uses it any more.

        Spec: https://w3c.github.io/ServiceWorker/#navigator-service-worker-unregister
        """
        name = "ServiceWorkerRegistration.unregister"
        if not self._context.alive:
            return self._context.rejected(self._context.dead_error(), name=name)
        job = self._realm.agent.registrations.unregister(self._concept)
        return self._realm.settled_in_queue(job, bool, name=name)

    def update(self) -> Promise[ServiceWorkerRegistration]:
        """Look whether the worker's scripts have changed; if so, install them. Fulfilled when that has begun.

        Rejects with InvalidStateError where there is no worker, and in a worker that is installing itself; with
        TypeError for a script that fails.
        Spec: https://w3c.github.io/ServiceWorker/#service-worker-registration-update
        """
        name = "ServiceWorkerRegistration.update"
        try:
            self._context.check_alive()
            # 4. Whose install asks for an update would never be done with it.
            own = self._realm.own_worker
            if own is not None and own.state == "installing":
                raise InvalidStateError(
                    "update by a worker that is installing: call it in onactivate, or later"
                )
            job = self._realm.agent.registrations.update(self._concept, self._context.environment)
        except InvalidStateError as error:
            return self._context.rejected(error, name=name)
        return self._realm.settled_in_queue(job, self._realm.registration, name=name)


class ServiceWorkerContainer(EventTarget, metaclass=NoPublicConstructor):
    """`navigator.service_worker`. Spec: https://w3c.github.io/ServiceWorker/#serviceworkercontainer-interface"""

    oncontrollerchange = EventHandler()
    onmessage = MessageHandler()
    onmessageerror = EventHandler()

    def __init__(self, realm: PythonRealm, client: Client) -> None:
        super().__init__()
        self._context = realm.context
        self._realm = realm
        self._client = client
        self._ready: Deferred[ServiceWorkerRegistration] | None = None
        self._messages: deque[Posted] = deque()
        """*Client message queue*."""
        self._enabled = False
        self._evaluating = False
        realm.context.on_discard(self._drop_messages)

    @property
    def controller(self) -> ServiceWorker | None:
        return self._realm.worker(self._client.controller)

    @property
    def ready(self) -> Promise[ServiceWorkerRegistration]:
        """The registration that matches this page, once it has an active worker; always the same promise.

        Spec: https://w3c.github.io/ServiceWorker/#navigator-service-worker-ready
        """
        if self._ready is None:
            ready = self._ready = self._context.deferred("ServiceWorkerContainer.ready")
            self._context.on_discard(lambda: ready.reject(self._context.dead_error()))
            found = self._realm.agent.registrations.match(self._realm.storage_key, self._client.url)
            if not self._context.alive:
                ready.reject(self._context.dead_error())
            elif found is not None and found.active is not None:
                self._realm.became_ready(found)
        return self._ready.promise

    def _resolve_ready(self, registration: Registration) -> None:
        """Activate, 7.2: https://w3c.github.io/ServiceWorker/#activate-resolve-ready-step"""
        if self._ready is not None:
            self._ready.resolve(self._realm.registration(registration))

    def register(
        self,
        script_url: str,
        *,
        scope: str | None = None,
        type: str = "classic",
        update_via_cache: str = "imports",
    ) -> Promise[ServiceWorkerRegistration]:
        """Register a worker: a script of SITE. Fulfilled when it is installing, or was registered already.

        Rejects with TypeError (a URL; a script that is not there, does not compile or raises), SecurityError
        (another origin, a scope too wide, a page that is not secure).
        Spec: https://w3c.github.io/ServiceWorker/#navigator-service-worker-register
        """
        context = self._context
        try:
            script = webidl.usv_string("script_url", script_url)
            wanted = None if scope is None else webidl.usv_string("scope", scope)
            worker_type = webidl.enumeration("type", type, ("classic", "module"))
            modes: tuple[UpdateViaCache, ...] = get_args(UpdateViaCache)
            mode = webidl.enumeration("update_via_cache", update_via_cache, modes)
            if not urls.is_potentially_trustworthy(context.environment.origin):
                raise SecurityError(f"{context.environment.origin} is not secure; use https or localhost")
            context.check_alive()
            job = self._realm.agent.registrations.register(
                script,
                wanted,
                base_url=context.environment.url,
                client_origin=context.environment.origin,
                worker_type=worker_type,
                update_via_cache=mode,
                client=context.environment,
            )
        except Exception as error:  # noqa: BLE001 - what a promise's method throws is a rejection
            return context.rejected(error, name="ServiceWorkerContainer.register")
        return self._realm.settled_in_queue(
            job, self._realm.registration, name="ServiceWorkerContainer.register"
        )

    def get_registration(self, client_url: str = "") -> Promise[ServiceWorkerRegistration | None]:
        """The registration that a page at `client_url` would have, or None. Rejects with SecurityError for
        another origin's URL.

        Spec: https://w3c.github.io/ServiceWorker/#navigator-service-worker-getRegistration
        """
        context = self._context
        try:
            url = urls.resolve(webidl.usv_string("client_url", client_url), context.environment.url)
            if not urls.same_origin(url, context.environment.origin):
                raise SecurityError(
                    f"client_url is {url}, of another origin than {context.environment.origin}"
                )
        except Exception as error:  # noqa: BLE001 - what a promise's method throws is a rejection
            return context.rejected(error, name="ServiceWorkerContainer.get_registration")

        async def operation() -> ServiceWorkerRegistration | None:
            found = self._realm.agent.registrations.match(self._realm.storage_key, url)
            return None if found is None else self._realm.registration(found)

        return context.promise(operation, name="ServiceWorkerContainer.get_registration")

    def get_registrations(self) -> Promise[list[ServiceWorkerRegistration]]:
        """All of this origin: https://w3c.github.io/ServiceWorker/#navigator-service-worker-getRegistrations"""

        async def operation() -> list[ServiceWorkerRegistration]:
            concepts = self._realm.agent.registrations.all()
            mine = [c for c in concepts if c.storage_key == self._realm.storage_key]
            return [self._realm.registration(concept) for concept in mine]

        return self._context.promise(operation, name="ServiceWorkerContainer.get_registrations")

    # Messages

    def start_messages(self) -> None:
        """Let messages from workers come before the page's scripts have run.

        Spec: https://w3c.github.io/ServiceWorker/#navigator-service-worker-startMessages
        """
        self._enable_messages()

    def add_event_listener(self, type: str, callback: object, **options: Any) -> None:
        """See `EventTarget.add_event_listener`.

        A page's messages wait until its scripts have run. Whoever listens from outside of them, as a test does
        on the Window that it holds, is all the script that page has, so nothing waits any longer.
        """
        super().add_event_listener(type, callback, **options)
        if type == "message" and callback is not None and not self._evaluating:
            self._enable_messages()

    def _scripts_begin(self) -> None:
        self._evaluating = True

    def _scripts_have_run(self) -> None:
        """As at a document's end: https://w3c.github.io/ServiceWorker/#dfn-client-message-queue"""
        self._evaluating = False
        self._enable_messages()

    def _enable_messages(self) -> None:
        if not self._enabled:
            self._enabled = True
            for _ in self._messages:
                self._realm.messages.put(self._dispatch_next)

    def _receive(self, posted: Posted) -> None:
        if not self._context.alive:
            posted.drop()
            return
        self._messages.append(posted)
        if self._enabled:
            self._realm.messages.put(self._dispatch_next)

    async def _dispatch_next(self) -> None:
        posted = self._messages.popleft()
        assert isinstance(posted.source, Worker)
        await fire_message(self._realm, self, posted, source=self._realm.worker(posted.source))

    def _drop_messages(self) -> None:
        while self._messages:
            self._messages.popleft().drop()
