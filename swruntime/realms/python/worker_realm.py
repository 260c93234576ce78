"""A service worker's realm: its global scope, its script, the events that are fired at it.

Spec: https://w3c.github.io/ServiceWorker/#serviceworkerglobalscope-interface
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import trio

from swruntime.agent.handle_fetch import FetchExchange
from swruntime.agent.messaging import Posted
from swruntime.agent.notifications import NotificationPayload
from swruntime.agent.promise import Promise
from swruntime.agent.push import PushMessage, SubscriptionChange
from swruntime.agent.user_agent import UserAgent
from swruntime.agent.workers import Worker
from swruntime.algorithms import urls
from swruntime.concepts.environment import Environment
from swruntime.errors import ScriptError, SiteError
from swruntime.network.site_files import SiteFiles
from swruntime.ports.realm import EventResult, EventSpec
from swruntime.realms.python.background_fetch_events import BackgroundFetchEvent, BackgroundFetchUpdateUIEvent
from swruntime.realms.python.body_sources import BodySource
from swruntime.realms.python.caches import CacheStorage
from swruntime.realms.python.clients import Client, Clients, WindowClient
from swruntime.realms.python.console import Console
from swruntime.realms.python.context import RealmContext
from swruntime.realms.python.events import EventHandler
from swruntime.realms.python.extendable import ExtendableEvent, dispatch_extendable
from swruntime.realms.python.extendable_message import ExtendableMessageEvent, message_event
from swruntime.realms.python.fetch_event import FetchEvent
from swruntime.realms.python.fetching import fetch_concept
from swruntime.realms.python.handlers import collect_handlers, tell_listeners, tell_near_misses
from swruntime.realms.python.kept import KeptState
from swruntime.realms.python.loader import Loader
from swruntime.realms.python.location import Location, Navigator
from swruntime.realms.python.notifications import NotificationEvent, notification_event
from swruntime.realms.python.push_events import (
    PushEvent,
    PushMessageData,
    PushSubscriptionChangeEvent,
    change_event,
    push_event,
)
from swruntime.realms.python.realm import PythonRealm
from swruntime.realms.python.request import Request
from swruntime.realms.python.scope import GlobalScope, common_names
from swruntime.realms.python.sync_events import PeriodicSyncEvent, SyncEvent
from swruntime.realms.python.unimplemented import absent_events, name_error


class InstallEvent(ExtendableEvent):
    """https://w3c.github.io/ServiceWorker/#installevent"""


INTERFACES: dict[str, type[ExtendableEvent]] = {
    cls.__name__: cls
    for cls in (
        ExtendableEvent,
        InstallEvent,
        FetchEvent,
        ExtendableMessageEvent,
        BackgroundFetchEvent,
        BackgroundFetchUpdateUIEvent,
        NotificationEvent,
        PushEvent,
        PushSubscriptionChangeEvent,
        SyncEvent,
        PeriodicSyncEvent,
    )
}

FIRED = (
    "install",
    "activate",
    "fetch",
    "message",
    "messageerror",
    "backgroundfetchsuccess",
    "backgroundfetchfail",
    "backgroundfetchabort",
    "backgroundfetchclick",
    "push",
    "pushsubscriptionchange",
    "notificationclick",
    "notificationclose",
    "sync",
    "periodicsync",
)
"""The event types that this version fires."""


AFTER_ITS_STATE = ("install", "activate")
"""Their tasks are of the same source as those that change attributes and fire `statechange`, so they come after."""


_BESIDE_SUCCESS = {"backgroundfetchfail": "no-fail-handler", "backgroundfetchabort": "no-abort-handler"}


class ServiceWorkerGlobalScope(GlobalScope):
    """`self` in a worker."""

    oninstall = EventHandler()
    onactivate = EventHandler()
    onfetch = EventHandler()
    onmessage = EventHandler()
    onmessageerror = EventHandler()
    onbackgroundfetchsuccess = EventHandler()
    onbackgroundfetchfail = EventHandler()
    onbackgroundfetchabort = EventHandler()
    onbackgroundfetchclick = EventHandler()
    onpush = EventHandler()
    onpushsubscriptionchange = EventHandler()
    onnotificationclick = EventHandler()
    onnotificationclose = EventHandler()
    onsync = EventHandler()
    onperiodicsync = EventHandler()


class WorkerRealm(PythonRealm):
    """Implements `swruntime.ports.realm.Realm` for a Python worker script."""

    def __init__(self, agent: UserAgent, context: RealmContext, worker: Worker) -> None:
        super().__init__(agent, context)
        self._worker = worker
        self.scope = ServiceWorkerGlobalScope(self)
        console = Console(context)
        names = self._global_names(console)
        self.scope._names = names
        self._loader = Loader(
            context,
            globals=names,
            scope_modules={"swruntime.worker": names},
            console=console,
            absent=lambda name: name_error(ServiceWorkerGlobalScope.__name__, name),
            sources=worker.sources,
            lacks=worker.lacks,
        )
        self._kept: KeptState | None = None
        """Of its script, once that was evaluated."""
        names["import_scripts"] = self._loader.import_scripts

    def _global_names(self, console: Console) -> dict[str, Any]:
        context = self.context
        return {
            **common_names(self, console, CacheStorage._create(self)),
            **{name: context.bind(cls) for name, cls in INTERFACES.items()},
            **{cls.__name__: cls for cls in (Client, Clients, PushMessageData, WindowClient)},
            "self": self.scope,
            "registration": self.registration(self._worker.registration),
            "service_worker": self.worker(self._worker),
            "clients": Clients._create(self),
            "location": Location.of(self._worker.script_url),
            "navigator": Navigator._create(self, None),
            "skip_waiting": self._skip_waiting,
            "add_event_listener": self.scope.add_event_listener,
            "remove_event_listener": self.scope.remove_event_listener,
            "dispatch_event": self.scope.dispatch_event,
        }

    def _skip_waiting(self) -> Promise[None]:
        """https://w3c.github.io/ServiceWorker/#service-worker-global-scope-skipwaiting"""

        async def operation() -> None:
            self.agent.registrations.skip_waiting(self._worker)

        return self.context.promise(operation, name="skip_waiting")

    async def evaluate(self) -> None:
        """See `swruntime.ports.realm.Realm.evaluate`. SITE without the script is a ScriptError here."""
        await trio.lowlevel.checkpoint()
        if not self.context.alive:
            return
        try:
            namespace = self._loader.run(urls.parse(self._worker.script_url).pathname)
        except SiteError as error:
            raise ScriptError(str(error)) from error
        handlers, near = collect_handlers(namespace, FIRED)
        for type, handler in handlers.items():
            setattr(self.scope, f"on{type}", handler)
        # What is no handler's name was set on `self` as any attribute is.
        _, near_on_self = collect_handlers(vars(self.scope), FIRED)
        tell_near_misses(self.context, near + near_on_self)
        self._kept = KeptState(self, self._loader)
        listeners = [(each.type, each.added_at) for each in self.scope._listeners]
        tell_listeners(self.context, listeners, FIRED)
        for type in absent_events("ServiceWorkerGlobalScope"):
            absent = namespace.get(f"on{type}")
            if callable(absent):
                text = f"on{type} is never called: this version of swruntime does not fire {type!r}"
                self.context.diagnose("not-implemented", text, self.context.where_of_function(absent))

    @property
    def own_worker(self) -> Worker:
        return self._worker

    @property
    def event_types(self) -> frozenset[str]:
        """See `swruntime.ports.realm.Realm.event_types`."""
        return frozenset(listener.type for listener in self.scope._listeners)

    async def dispatch(self, event: EventSpec) -> EventResult:
        """See `swruntime.ports.realm.Realm.dispatch`."""
        result = await self._dispatch(event)
        if self._kept is not None and result.outcome == "fulfilled":
            self._kept.event_ended()
        return result

    async def _dispatch(self, event: EventSpec) -> EventResult:
        if event.name in AFTER_ITS_STATE:
            await self.caught_up()
        make = self.context.bind(INTERFACES[event.interface])
        arguments: dict[str, Any] = {}
        tell_unheard(self.context, event.name, self._heard())
        if event.fetch is not None:
            fetch = self.agent.fetches.numbered(event.fetch)
            if fetch is None:
                return EventResult(
                    "interrupted", "its background fetch was given up while the worker started"
                )
            arguments["registration"] = self.instance(fetch)
        if event.tag is not None:
            arguments["tag"] = event.tag
        if event.last_chance is not None:
            arguments["last_chance"] = event.last_chance
        if isinstance(event.payload, Posted):
            message = message_event(self, event.payload)
            return await dispatch_extendable(self.context, self.scope, message, self.messages.turn)
        if isinstance(event.payload, FetchExchange):
            return await dispatch_extendable(
                self.context, self.scope, self._fetch_event(event.name, event.payload)
            )
        made = self._event_of(event) or make(event.name, **arguments)
        return await dispatch_extendable(self.context, self.scope, made)

    def _heard(self) -> dict[str, str | None]:
        """The types that the script listens to, and where."""
        where_of = self.context.where_of_function
        heard = {each.type: where_of(each.callback) for each in self.scope._listeners}
        if self.scope.onbackgroundfetchsuccess is not None:
            heard["backgroundfetchsuccess"] = where_of(self.scope.onbackgroundfetchsuccess)
        return heard

    def _event_of(self, event: EventSpec) -> ExtendableEvent | None:
        """What has a payload that is an event's whole content."""
        match event.payload:
            case NotificationPayload() as payload:
                return notification_event(self, event.name, payload)
            case PushMessage() as payload:
                return push_event(self, event.name, payload)
            case SubscriptionChange() as payload:
                return change_event(self, event.name, payload)
        return None

    def _fetch_event(self, name: str, exchange: FetchExchange) -> FetchEvent:
        body = cast("BodySource | None", exchange.body)
        preload: Promise[Any] | None = None
        if exchange.preload is not None:
            preload = fetch_concept(self, exchange.preload, None)
            preload.handle()
        request = Request._of(self.context, exchange.request, body, guard="immutable")
        exchange.abort = lambda: request.signal._signal_abort(None)
        event = self.context.bind(FetchEvent)(
            name,
            request=request,
            client_id=exchange.client_id,
            resulting_client_id=exchange.resulting_client_id,
            replaces_client_id=exchange.replaces_client_id,
            preload_response=preload,
            cancelable=True,
        )
        event._exchange = exchange
        return event

    def discard(self, reason: str) -> None:
        """See `swruntime.ports.realm.Realm.discard`."""
        if self._kept is not None and self.context.alive:
            self._kept.stopped()
        self.context.discard(reason)


def tell_unheard(context: RealmContext, name: str, heard: Mapping[str, str | None]) -> None:
    """A background fetch ended otherwise than the script seems to think of. `heard` are the types that it listens to,
    and where.
    """
    if name in _BESIDE_SUCCESS and name not in heard and "backgroundfetchsuccess" in heard:
        text = f"{name} was fired, and only backgroundfetchsuccess is handled"
        context.diagnose(_BESIDE_SUCCESS[name], text, heard["backgroundfetchsuccess"])


async def open_worker_realm(agent: UserAgent, site: SiteFiles | None, worker: Worker) -> WorkerRealm:
    """A realm of its own for one run of `worker`, in a nursery of its own below the agent's.

    Raises ScriptError where there is no SITE: a worker of an earlier process may be left without one.
    """
    if site is None:
        raise ScriptError(f"there is no SITE to take {worker.script_url} from")
    return WorkerRealm(agent, await open_worker_context(agent, site, worker), worker)


async def open_worker_context(agent: UserAgent, site: SiteFiles | None, worker: Worker) -> RealmContext:
    """The context of a realm of `worker`, whatever its script's language."""
    return await open_context(agent, site, worker.environment)


async def open_context(agent: UserAgent, site: SiteFiles | None, environment: Environment) -> RealmContext:
    """The context of a new realm. Its nursery is closed by `discard`; nobody waits for what is left in it."""

    async def hold(task_status: trio.TaskStatus[trio.Nursery]) -> None:
        async with trio.open_nursery() as nursery:
            task_status.started(nursery)
            await trio.sleep_forever()

    nursery = await agent.services.nursery.start(hold)
    context = RealmContext(
        environment=environment,
        agent_nursery=agent.services.nursery,
        nursery=nursery,
        tell=agent.trace.emit,
        site=site,
        now=agent.services.wall.now,
        told=agent.services.told,
        hints=agent.services.javascript_hints,
    )
    agent.services.watch_realm(context)
    return context
