"""One Python realm, as the agent and the platform objects see it: instances, and the queue that changes them."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast
from weakref import WeakSet, WeakValueDictionary

import attrs
import trio

from swruntime.agent.clients import Client
from swruntime.agent.messaging import Posted
from swruntime.agent.promise import Deferred, Promise
from swruntime.agent.registrations import Registration
from swruntime.agent.user_agent import UserAgent
from swruntime.agent.workers import Worker
from swruntime.ports.realm import InstanceUpdate
from swruntime.realms.python.context import RealmContext
from swruntime.realms.python.events import Event, EventTarget, fire
from swruntime.realms.python.message_queue import MessageQueue

if TYPE_CHECKING:
    from swruntime.agent.background_fetch import BackgroundFetch
    from swruntime.realms.python.background_fetch import BackgroundFetchRegistration
    from swruntime.realms.python.message_ports import MessagePort
    from swruntime.realms.python.service_worker import ServiceWorker, ServiceWorkerRegistration


@attrs.frozen
class ShownWorkers:
    """The workers of a registration, as they were at some moment."""

    installing: Worker | None
    waiting: Worker | None
    active: Worker | None

    @classmethod
    def of(cls, registration: Registration) -> ShownWorkers:
        return cls(registration.installing, registration.waiting, registration.active)


class StoredSource(Protocol):
    """Of a body that is in the store, and that is kept there while scripts can read it."""

    def release(self) -> None:
        """No script can read it any more."""
        ...


class Foreign(Protocol):
    """The scripts of another language, whose objects are faces of this realm's."""

    def takes_message(self, target: EventTarget, posted: Posted, source: EventTarget | None) -> bool:
        """Fire what was posted at the face of `target`; False where no script listens there."""
        ...

    def instance_updated(self, instance: BackgroundFetchRegistration) -> None:
        """The copies that `instance` shows may have changed."""
        ...

    def nothing_comes(self, object: EventTarget) -> None:
        """No event comes to `object` any more."""
        ...


S = TypeVar("S", bound=StoredSource)
T = TypeVar("T")

Task = int | Callable[[], Awaitable[None] | None]
"""Of the update handling queue: the number of a background fetch whose update waits, or anything else."""


class PythonRealm:
    """What worker and window realms share: one platform object per concept, and the update handling queue.

    Attributes of a BackgroundFetchRegistration are copies that only tasks of this queue change. At most one
    update of a background fetch waits in it; a later one takes its place, so the last is never lost.
    """

    def __init__(self, agent: UserAgent, context: RealmContext) -> None:
        self.agent = agent
        self.context = context
        self.foreign: Foreign | None = None
        """Scripts of another language that this realm has, besides Python's."""
        # A realm keeps an object as long as a script can reach it, or an event for it can come.
        self._instances: WeakValueDictionary[int, BackgroundFetchRegistration] = WeakValueDictionary()
        self._registrations: WeakValueDictionary[Registration, ServiceWorkerRegistration] = (
            WeakValueDictionary()
        )
        self._workers: WeakValueDictionary[Worker, ServiceWorker] = WeakValueDictionary()
        self._expecting: dict[object, EventTarget] = {}
        """Of these the objects that change by themselves, or get events, by what they are of."""
        context.on_discard(self._expecting.clear)
        self._queue: deque[Task] = deque()
        self._updates: dict[int, InstanceUpdate] = {}
        self._wanted = trio.lowlevel.ParkingLot()
        self._sources: WeakSet[StoredSource] = WeakSet()
        context.on_discard(self._release_sources)
        self.messages = MessageQueue(context, agent.services.activity)
        self.ports: WeakSet[MessagePort] = WeakSet()
        """Those that are neither transferred nor closed."""
        context.on_discard(self._close_ports)
        self._busy = False
        self._drained: Callable[[], None] = lambda: None
        context.on_discard(lambda: self._drained())
        context.nursery.start_soon(self._run_queue, name="update handling queue")

    @property
    def event_types(self) -> frozenset[str]:
        """See `swruntime.ports.realm.Realm.event_types`; a page has no events that matter to the agent."""
        return frozenset()

    @property
    def own_worker(self) -> Worker | None:
        """The worker that this realm is of; None in a page."""
        return None

    @property
    def client(self) -> Client | None:
        """The page that this realm is of; None in a worker."""
        return None

    @property
    def storage_key(self) -> str:
        return self.context.environment.origin

    def keep(self, source: S) -> S:
        """Answer with `source`, which will be released with this realm if it is not collected before."""
        self._sources.add(source)
        if not self.context.alive:
            source.release()
        return source

    def _release_sources(self) -> None:
        for source in list(self._sources):
            source.release()

    def _close_ports(self) -> None:
        for port in list(self.ports):
            port.close()

    def receive(self, posted: object) -> None:
        """See `swruntime.ports.realm.Realm.receive`."""
        assert isinstance(posted, Posted)
        raise AssertionError(f"a message for a page was posted to {self.context.environment.url}")

    # One object per concept

    def instance(self, fetch: BackgroundFetch) -> BackgroundFetchRegistration:
        """*Get a BackgroundFetchRegistration instance*: the same one for the same background fetch.

        Spec: https://wicg.github.io/background-fetch/#get-a-backgroundfetchregistration-instance-algorithm
        """
        from swruntime.realms.python.background_fetch import BackgroundFetchRegistration

        found = self._instances.get(fetch.number)
        if found is None:
            found = self._instances[fetch.number] = BackgroundFetchRegistration._of(self, fetch)
            if found.records_available:
                self._expect(fetch.number, found)
        return found

    def registration(self, concept: Registration) -> ServiceWorkerRegistration:
        """https://w3c.github.io/ServiceWorker/#get-the-service-worker-registration-object"""
        from swruntime.realms.python.service_worker import ServiceWorkerRegistration

        found = self._registrations.get(concept)
        if found is None:
            found = self._registrations[concept] = ServiceWorkerRegistration._of(self, concept)
            if not concept.cleared:
                self._expect(concept, found)
        return found

    def worker(self, concept: Worker | None) -> ServiceWorker | None:
        """https://w3c.github.io/ServiceWorker/#get-the-service-worker-object"""
        from swruntime.realms.python.service_worker import ServiceWorker

        if concept is None:
            return None
        found = self._workers.get(concept)
        if found is None:
            found = self._workers[concept] = ServiceWorker._of(self, concept)
            if concept.state != "redundant":
                self._expect(concept, found)
        return found

    def _expect(self, concept: object, found: EventTarget) -> None:
        """Keep the object for `concept`, whether a script holds it or not: there is more to tell it."""
        if self.context.alive:
            self._expecting[concept] = found

    def _has_ended(self, concept: object) -> None:
        """Nothing more comes to the object for `concept`: it is its scripts' to keep."""
        found = self._expecting.pop(concept, None)
        if found is not None and self.foreign is not None:
            self.foreign.nothing_comes(found)

    # The update handling queue

    def update_instance(self, update: InstanceUpdate) -> None:
        """See `swruntime.ports.realm.Realm.update_instance`."""
        if update.fetch not in self._instances or not self.context.alive:
            return
        waits = update.fetch in self._updates
        self._updates[update.fetch] = update
        if not waits:
            self._enqueue(update.fetch)

    def notify(self, about: object, event: str) -> None:
        """See `swruntime.ports.realm.Realm.notify`."""
        state = about.state if isinstance(about, Worker) else None

        async def task() -> None:
            target = self._object_for(about)
            if target is None:
                return
            if state is not None:
                cast("ServiceWorker", target)._state = state
            await fire(target, self.context.bind(Event)(event))
            if state == "redundant":
                self._has_ended(about)

        # A hundred pages that do not know what it is about need not be woken: where nothing waits in the queue,
        # nothing can make an object before the task would look for it.
        if self.context.alive and (self._busy or self._object_for(about) is not None):
            self._enqueue(task)

    def update_registration(self, registration: object) -> None:
        """See `swruntime.ports.realm.Realm.update_registration`."""
        assert isinstance(registration, Registration)
        shown = self._registrations.get(registration)
        if shown is None or not self.context.alive:
            return
        workers, cleared = ShownWorkers.of(registration), registration.cleared

        def task() -> None:
            shown._show(workers)
            if cleared:
                self._has_ended(registration)

        self._enqueue(task)

    def became_ready(self, registration: object) -> None:
        """See `swruntime.ports.realm.Realm.became_ready`; a worker has no `ready`."""

    async def caught_up(self) -> None:
        """See `swruntime.ports.realm.Realm.caught_up`."""
        passed = trio.Event()
        if self._busy and self.context.alive:
            forget = self.context.on_discard(passed.set)
            self._enqueue(passed.set)
            await passed.wait()
            forget()

    def _object_for(self, about: object) -> EventTarget | None:
        if isinstance(about, Registration):
            return self._registrations.get(about)
        if isinstance(about, Worker):
            return self._workers.get(about)
        return None

    def in_queue(self, name: str, answer: Callable[[], Any]) -> Promise[Any]:
        """A promise of `answer()`, computed in the queue, after every update that waits there now."""
        if not self.context.alive:
            return self.context.rejected(self.context.dead_error(), name=name)
        deferred: Deferred[Any] = self.context.deferred(name)
        forget = self.context.on_discard(lambda: deferred.reject(self.context.dead_error()))

        def run() -> None:
            forget()
            try:
                deferred.resolve(answer())
            except Exception as error:  # noqa: BLE001 - it becomes the rejection
                deferred.reject(error)

        self._enqueue(run)
        return deferred.promise

    def settled_in_queue(
        self, concept: Promise[T], convert: Callable[[T], Any], *, name: str
    ) -> Promise[Any]:
        """A promise that settles as `concept` does, in a task of the queue: after what was queued before.

        What reacts to it runs before the next task. It is rejected when the realm is discarded.
        """
        deferred: Deferred[Any] = self.context.deferred(name)
        forget = self.context.on_discard(lambda: deferred.reject(self.context.dead_error()))

        async def task() -> None:
            forget()
            if concept.error is None:
                deferred.resolve(convert(concept.result()))
            else:
                deferred.reject(concept.error)
            # As a microtask would: those who await it wake in the next turn of Trio's loop.
            await trio.lowlevel.checkpoint()

        concept.handle()
        concept.add_done_callback(lambda _: self._enqueue(task) if self.context.alive else None)
        return deferred.promise

    async def _update(self, update: InstanceUpdate) -> None:
        instance = self._instances.get(update.fetch)
        if instance is None:
            return  # nobody has it any more
        await instance._update(update)
        if self.foreign is not None:
            self.foreign.instance_updated(instance)
        if not update.records_available:
            self._has_ended(update.fetch)

    def _enqueue(self, task: Task) -> None:
        # A settled agent is one whose scripts know it.
        if not self._busy:
            self._busy = True
            self._drained = self.agent.services.activity.begin("update")
        self._queue.append(task)
        self._wanted.unpark_all()

    async def _run_queue(self) -> None:
        while True:
            while not self._queue:
                self._busy = False
                self._drained()
                await self._wanted.park()
            task = self._queue.popleft()
            if isinstance(task, int):
                await self._update(self._updates.pop(task))
            elif (waits := task()) is not None:
                await waits
            await trio.lowlevel.checkpoint()
