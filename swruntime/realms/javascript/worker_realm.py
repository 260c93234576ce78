"""A service worker's realm whose script is JavaScript.

Spec: https://w3c.github.io/ServiceWorker/#serviceworkerglobalscope-interface
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from swruntime.agent import clients as agent_clients
from swruntime.agent.handle_fetch import FetchExchange
from swruntime.agent.messaging import Posted
from swruntime.agent.notifications import NotificationPayload
from swruntime.agent.promise import Promise
from swruntime.agent.push import PushMessage, SubscriptionChange
from swruntime.agent.user_agent import UserAgent
from swruntime.agent.workers import Worker
from swruntime.algorithms import media
from swruntime.errors import NetworkFailure, NotSupportedError, ScriptError
from swruntime.machines.extendable_event import RealmDied, TimedOut
from swruntime.network.site_files import SiteFiles
from swruntime.ports.realm import EventResult, EventSpec
from swruntime.realms.javascript.deno import Process
from swruntime.realms.javascript.engine import Engine
from swruntime.realms.javascript.kept import KeptState
from swruntime.realms.javascript.operations import Messaging, Tools, evaluate, init_frame
from swruntime.realms.javascript.protocol import EVALUATED
from swruntime.realms.javascript.scripts import Scripts
from swruntime.realms.javascript.start import spares_of
from swruntime.realms.javascript.values import WireError, read_response
from swruntime.realms.python.background_fetch import BackgroundFetchRegistration
from swruntime.realms.python.body_sources import BodySource
from swruntime.realms.python.caches import CacheStorage
from swruntime.realms.python.clients import Clients, client_object
from swruntime.realms.python.context import RealmContext
from swruntime.realms.python.events import EventTarget
from swruntime.realms.python.fetch_event import answer_with
from swruntime.realms.python.fetching import fetch_concept
from swruntime.realms.python.handlers import tell_listeners
from swruntime.realms.python.location import Navigator
from swruntime.realms.python.message_ports import MessagePort
from swruntime.realms.python.notifications import notification_event
from swruntime.realms.python.push_events import change_event
from swruntime.realms.python.realm import PythonRealm
from swruntime.realms.python.request import Request
from swruntime.realms.python.worker_realm import AFTER_ITS_STATE, FIRED, open_worker_context, tell_unheard


class JavaScriptWorkerRealm(PythonRealm):
    """Implements `swruntime.ports.realm.Realm` for a worker script in JavaScript."""

    def __init__(self, agent: UserAgent, context: RealmContext, worker: Worker) -> None:
        super().__init__(agent, context)
        self._worker = worker
        self._scripts = Scripts(self, worker.scripts)
        self._engine: Engine | None = None
        self._kept: KeptState | None = None
        """Of its script, once that is evaluated."""
        self._exchanges: dict[int, FetchExchange] = {}
        self._entered_events: set[int] = set()
        """Of those the fetch events whose respondWith was called."""
        self._answered_events: set[int] = set()
        self._heard: dict[str, str | None] = {}
        """The types that its script listens to, and where."""
        self.on_step: Callable[[str | None], None] | None = None
        """Once its script was evaluated, as `Engine.on_step`."""

    @property
    def own_worker(self) -> Worker:
        return self._worker

    @property
    def event_types(self) -> frozenset[str]:
        """See `swruntime.ports.realm.Realm.event_types`."""
        return frozenset(self._heard)

    async def evaluate(self) -> None:
        """See `swruntime.ports.realm.Realm.evaluate`."""
        await trio.lowlevel.checkpoint()
        url = self._worker.script_url
        # It was fetched for this start.
        source = await self._scripts.main(url)
        if not self.context.alive:
            return
        process = await self._process()
        if process is None:
            return
        target = EventTarget()
        target._context = self.context
        engine = self._engine = Engine(
            self, process, places=self._scripts.places, target=target, on_death=self._died
        )
        kept = self._kept = KeptState(self, engine, self._scripts.places, source)
        engine.operations |= {
            **kept.operations,
            **Messaging(engine).operations,
            **Tools(engine, self._scripts).operations,
            "skipWaiting": self._skip_waiting,
            "event.updateUI": self._update_ui,
            "FetchEvent.entered": self._entered,
            "FetchEvent.respond": self._respond,
            "FetchEvent.fail": self._fail,
            "FetchEvent.left": self._left,
            "FetchEvent.preload": self._preload,
        }
        engine.asked["importScript"] = self._scripts.imported
        module = self._worker.type == "module"
        engine.send(
            init_frame(
                engine,
                "worker",
                url,
                module=module,
                objects={
                    "registration": self.registration(self._worker.registration),
                    "serviceWorker": self.worker(self._worker),
                    "clients": Clients._create(self),
                    "caches": CacheStorage._create(self),
                    "navigator": Navigator._create(self, None),
                },
            )
        )
        spares_of(self.agent).refill(engine.channel.until_idle)
        try:
            frame = {"t": "run", "source": kept.source, "url": url, "module": module, **kept.frame}
            answer = await evaluate(engine, frame, EVALUATED)
        except ScriptError:
            if engine.ended_from_outside:
                return
            raise
        kept.started(answer.get("kept"), len(self._scripts.read))
        self._heard = {type: self._scripts.places.place(at) for type, at in answer["events"]}
        tell_listeners(self.context, self._heard.items(), FIRED)
        if self.on_step is not None:
            engine.on_step = self.on_step

    async def _process(self) -> Process | None:
        """What it runs in; None where the worker was stopped meanwhile. Raises ScriptError where there can be none."""
        try:
            process = await spares_of(self.agent).take()
        except NotSupportedError as error:
            raise ScriptError(str(error)) from error
        if self.context.alive:
            return process
        await process.aclose()
        return None

    def _died(self, reason: str) -> None:
        if self.context.alive:
            self.context.diagnose(
                "script-process-ended", f"the worker {self._worker.script_url} is stopped: {reason}"
            )
            self._worker.stop(reason)
            self.context.discard(reason)

    # Events

    async def dispatch(self, event: EventSpec) -> EventResult:
        """See `swruntime.ports.realm.Realm.dispatch`."""
        engine = self._engine
        assert engine is not None
        if event.name in AFTER_ITS_STATE:
            await self.caught_up()
        instance = None
        if event.fetch is not None:
            fetch = self.agent.fetches.numbered(event.fetch)
            if fetch is None:
                return EventResult(
                    "interrupted", "its background fetch was given up while the worker started"
                )
            instance = self.instance(fetch)
        tell_unheard(self.context, event.name, self._heard)
        charge = event.payload.charge if isinstance(event.payload, Posted) else None
        frame = self._frame_of(event, engine, instance)
        number, lifetime = engine.lifetimes.open(event.name, instance)
        if isinstance(event.payload, FetchExchange):
            self._exchanges[number] = event.payload
            event.payload.abort = lambda: engine.send({"t": "abort", "event": number})
        forget = self.context.on_discard(lambda: lifetime.feed(RealmDied()))
        if not self.context.alive:
            lifetime.feed(RealmDied())
        try:
            task = {"t": "event", "event": number, "type": event.name, "is": event.interface, **frame}
            if isinstance(event.payload, Posted):
                engine.deliver(charge, task)
            else:
                engine.send(task)
            del charge, task, frame  # however long the event lasts
            await lifetime.ended.wait()
            self.context.report_unhandled()
        finally:
            forget()
            lifetime.feed(TimedOut())
            engine.lifetimes.close(number)
            self._entered_events.discard(number)
            self._answered_events.discard(number)
            if self._exchanges.pop(number, None) is not None:
                engine.send({"t": "over", "event": number})
        assert lifetime.result is not None
        if self._kept is not None and lifetime.result.outcome == "fulfilled":
            self._kept.event_ended()
        return lifetime.result

    def _frame_of(
        self, event: EventSpec, engine: Engine, instance: BackgroundFetchRegistration | None
    ) -> dict[str, Any]:
        write = engine.writer.write
        init: dict[str, Any] = {}
        if instance is not None:
            init["registration"] = write(instance)
            ended = event.name != "backgroundfetchclick" and event.name in self._heard
            if ended and (records := instance.event_records()):
                return {"init": init, "records": write(records)}
        if event.tag is not None:
            init["tag"] = event.tag
        if event.last_chance is not None:
            init["lastChance"] = event.last_chance
        match event.payload:
            case Posted() as posted:
                return self._message(posted, engine)
            case FetchExchange() as exchange:
                init = self._fetch_init(exchange, engine)
            case NotificationPayload() as payload:
                clicked = notification_event(self, event.name, payload)
                init = {"notification": write(clicked.notification), "action": clicked.action}
            case PushMessage(data):
                init = {"data": data}
            case SubscriptionChange() as change:
                changed = change_event(self, event.name, change)
                init = {
                    "oldSubscription": write(changed.old_subscription),
                    "newSubscription": write(changed.new_subscription),
                }
        return {"init": init}

    def _message(self, posted: Posted, engine: Engine) -> dict[str, Any]:
        write = engine.writer.write
        ports = [MessagePort._of(self, port) for port in posted.take_ports()]
        source = posted.source
        message, _ = posted.take_message()
        from_client = isinstance(source, agent_clients.Client)
        return {
            "message": write(message),
            "ports": [write(port) for port in ports],
            "origin": posted.origin,
            "source": write(client_object(self, source) if from_client else self.worker(source)),  # type: ignore[arg-type]
        }

    def _fetch_init(self, exchange: FetchExchange, engine: Engine) -> dict[str, Any]:
        body: BodySource | None = exchange.body  # type: ignore[assignment]
        request = Request._of(self.context, exchange.request, body, guard="immutable")
        return {
            "request": engine.writer.write(request),
            "clientId": exchange.client_id,
            "resultingClientId": exchange.resulting_client_id,
            "replacesClientId": exchange.replaces_client_id,
            "preload": exchange.preload is not None,
        }

    # What the script says of its events

    def _exchange(self, number: int) -> FetchExchange | None:
        return self._exchanges.get(number)

    def _entered(self, number: int) -> None:
        if (exchange := self._exchange(number)) is not None:
            self._require_unanswered(number)
            if number in self._entered_events:
                raise WireError(f"respondWith is called a second time on event {number}")
            self._entered_events.add(number)
            exchange.on_entered()

    def _require_unanswered(self, number: int) -> None:
        if number in self._answered_events:
            raise WireError(f"a second answer to event {number}")

    def _answers(self, number: int, *, entered: bool) -> FetchExchange | None:
        """What event `number` is to be answered in, once; None where it is over."""
        exchange = self._exchange(number)
        if exchange is not None:
            self._require_unanswered(number)
            if entered != (number in self._entered_events):
                raise WireError(
                    f"event {number} is answered, and respondWith was {'not ' if entered else ''}called"
                )
            self._answered_events.add(number)
        return exchange

    def _respond(self, number: int, wire: dict[str, Any]) -> None:
        exchange = self._answers(number, entered=True)
        assert self._engine is not None
        try:
            answer = answer_with(read_response(self._engine, wire))
        except WireError:
            raise
        except (TypeError, ValueError) as error:
            if exchange is not None:
                exchange.answer.reject(NetworkFailure("protocol", f"respondWith: {error}"))
            return
        if exchange is None:
            if answer.body is not None:
                answer.body.close()
        else:
            exchange.answer.resolve(answer)

    def _fail(self, number: int, message: str) -> None:
        if (exchange := self._answers(number, entered=True)) is not None:
            exchange.answer.reject(NetworkFailure("protocol", message))

    def _left(self, number: int, prevented: bool) -> None:
        """Create Fetch Event and Dispatch, 21: nobody called respondWith."""
        exchange = self._answers(number, entered=False)
        if exchange is None:
            return
        if prevented:
            text = (
                "the fetch event was cancelled without a response: preventDefault goes with respondWith only"
            )
            exchange.answer.reject(NetworkFailure("protocol", text))
        else:
            exchange.answer.resolve(None)

    def _preload(self, number: int) -> Promise[Any]:
        exchange = self._exchange(number)
        if exchange is None or exchange.preload is None:
            return Promise.resolved(None)
        return fetch_concept(self, exchange.preload, None)

    def _update_ui(self, number: int, options: dict[str, Any]) -> Promise[None]:
        """https://wicg.github.io/background-fetch/#dom-backgroundfetchupdateuievent-updateui"""
        assert self._engine is not None
        instance = self._engine.lifetimes.instance_to_update(number)
        title = options.get("title")
        if not (title is None or isinstance(title, str)):
            raise WireError("a title that is not a text")
        icons = options.get("icons")
        base = self.context.environment.url
        resources = None if icons is None else media.image_resources("icons", icons, base)

        async def operation() -> None:
            instance._fetch.set_ui(title, resources)

        return self.context.promise(operation, name="BackgroundFetchUpdateUIEvent.updateUI")

    def _skip_waiting(self) -> Promise[None]:
        async def operation() -> None:
            self.agent.registrations.skip_waiting(self._worker)

        return self.context.promise(operation, name="skip_waiting")

    def discard(self, reason: str) -> None:
        """See `swruntime.ports.realm.Realm.discard`."""
        if self._kept is not None and self.context.alive:
            self._kept.stopped()
        self.context.discard(reason)


async def open_javascript_worker(
    agent: UserAgent, site: SiteFiles | None, worker: Worker
) -> JavaScriptWorkerRealm:
    """A realm of its own for one run of `worker`, in a nursery of its own below the agent's."""
    return JavaScriptWorkerRealm(agent, await open_worker_context(agent, site, worker), worker)
