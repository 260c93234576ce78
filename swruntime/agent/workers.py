"""A service worker's life: it is started by an event, its script evaluated anew, and stopped when idle.

Spec: https://w3c.github.io/ServiceWorker/#service-worker-lifetime, #run-service-worker-algorithm,
#terminate-service-worker-algorithm
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs
import trio

from swruntime.agent.scripts import IMPORTED, MAIN, WORKER_MODULE, Script, SitesOwn
from swruntime.agent.worker_texts import ScriptMap, Texts
from swruntime.algorithms import redirects, urls
from swruntime.concepts.enums import WorkerState
from swruntime.concepts.environment import Environment
from swruntime.errors import NetworkError, NotServed, ScriptError, SecurityError
from swruntime.machines import service_worker as machine
from swruntime.ports.realm import EventResult, EventSpec, Realm
from swruntime.trace import Console, EventEnd, EventStart, WorkerStart, WorkerStateChange, WorkerStop

if TYPE_CHECKING:
    from swruntime.agent.background_fetch import BackgroundFetch
    from swruntime.agent.messaging import Posted
    from swruntime.agent.registrations import Registration
    from swruntime.agent.services import Services


_CLICKS = ("backgroundfetchclick", "notificationclick")


class WorkerStopped(ScriptError):
    """A worker was stopped before its script was evaluated, which is no fault of the script."""


@attrs.frozen
class Fired:
    """How an event ended, and whether its worker could start at all."""

    result: EventResult
    started: bool = True


class Worker:
    """A service worker: https://w3c.github.io/ServiceWorker/#dfn-service-worker"""

    def __init__(
        self,
        services: Services,
        registration: Registration,
        script_url: str,
        state: WorkerState = "parsed",
        type: str = "classic",
    ) -> None:
        self.registration = registration
        self.script_url = script_url
        self.type = type
        self.skip_waiting = False
        self.scripts = ScriptMap()
        """*Script resource map*, by URL. What is of SITE is what was read since the last start; what came over the
        network was read once, when it was installed."""
        self.sources = SitesOwn(self.scripts, registration.storage_key)
        """Of these SITE's, by path."""
        self._script_is_new = False
        """The main script was fetched for the next start."""
        self.event_types: frozenset[str] | None = None
        """*Set of event types to handle*; None until it has run in this process."""
        self.lost: object = None
        """What the realm that was stopped last has left for the next one to know; the realms' own affair."""
        self.overtaken = False
        """A newer version was found: from then on this one starts with what it had, not with what SITE has."""
        self.clicks = 0
        """Events of a user's click that are being handled."""
        self._services = services
        self._machine = machine.ServiceWorker(machine.State(state))
        self._realm: Realm | None = None
        self._last_posted: trio.Event | None = None
        """Set when the message that was posted last is being dispatched."""
        self._starting = trio.Lock()
        self._events = 0
        self._kept_alive = 0
        self._idle: trio.CancelScope | None = None
        self._state_changed = trio.lowlevel.ParkingLot()

    def __repr__(self) -> str:
        return f"<Worker {self.script_url} {self.state}>"

    @property
    def state(self) -> WorkerState:
        return self._machine.state.value

    @property
    def running(self) -> bool:
        return self._realm is not None

    @property
    def idle(self) -> bool:
        """It runs, and nobody would notice if it were stopped: no event is active, no answer of its is read."""
        return self._idle is not None

    @property
    def window_interaction(self) -> bool:
        """Whether it may open and focus windows now: the user has just clicked something of it."""
        return self.clicks > 0

    @property
    def has_no_pending_events(self) -> bool:
        """https://w3c.github.io/ServiceWorker/#service-worker-has-no-pending-events"""
        return self._events == 0

    def feed(self, input: machine.Input) -> None:
        """*Update Worker State*: https://w3c.github.io/ServiceWorker/#update-state-algorithm"""
        self._machine, effects = machine.feed(self._machine, input)
        for _ in effects:
            self._services.trace.emit(
                WorkerStateChange(script=self.script_url, scope=self.registration.scope, state=self.state)
            )
            self._services.notify(self, "statechange")
        self._state_changed.unpark_all()
        self._services.activity.changed()
        if self.state == "activated":
            self._services.fire_owed(self.registration)
            for activated in self._services.on_activated:
                activated(self.registration)

    async def until_activated(self) -> None:
        """While its activate event is handled, wait; a functional event comes after that."""
        while self.state == "activating":
            await self._state_changed.park()

    async def has_same_scripts(self, newer: Worker) -> bool:
        """Whether what `newer` would read is, byte for byte, what this one has read; if not, it is overtaken.

        One of another type is another one. An imported script that does not come now is no change. A worker that has
        not run in this process has read nothing: then it is what SITE has.
        """
        same = (self.script_url, self.type) == (newer.script_url, newer.type)
        for url, kept in tuple(self.scripts.items()):
            same = same and await self._comes_again(url, newer) in (kept.data, None)
        self.overtaken = not same
        return same

    async def _comes_again(self, url: str, newer: Worker) -> bytes | None:
        if url == self.script_url and url in newer.scripts:
            return newer.scripts[url].data
        return await self.fetch_again(url)

    async def fetch_again(self, url: str) -> bytes | None:
        """The bytes of a script of its own as it is now, None where it does not come."""
        try:
            if self.is_local:
                return self._services.scripts.read_local(urls.parse(url).pathname)
            kind = MAIN if url == self.script_url else WORKER_MODULE if self.type == "module" else IMPORTED
            revalidate = self.registration.update_via_cache == "none" or self.registration.stale
            return (
                await self._services.scripts.fetch(kind, url, self.environment, revalidate=revalidate)
            ).data
        except (NetworkError, NotServed, SecurityError, TypeError):
            return None

    def lacks(self, path: str) -> None:
        """SITE has no script at `path` ("/lib/a b.py"), which this one has asked for."""
        self.scripts.lacks(self.sources.url(path))

    @property
    def is_local(self) -> bool:
        """Its scripts are trusted local code, of SITE."""
        return self._services.scripts.is_local(self.script_url)

    @property
    def environment(self) -> Environment:
        """Where its own requests come from, with the policies that its main script came with."""
        main = self.scripts.get(self.script_url)
        return Environment(
            self.script_url,
            self.registration.storage_key,
            csp=main.headers.all("Content-Security-Policy") if main else (),
            referrer_policy=redirects.parse_referrer_policy(main.headers) if main else "",
        )

    async def fetch_script(self, client: Environment | None = None) -> Script:
        """Fetch its main script, for its next start. `client` asks for it, None where no page does.

        Raises TypeError where it does not come, SecurityError where it was redirected or is of another type.
        Spec: https://w3c.github.io/ServiceWorker/#update-algorithm, step 7
        """
        registration = self.registration
        self.scripts[self.script_url] = script = await self._services.scripts.fetch(
            MAIN,
            self.script_url,
            client or Environment(self.script_url, registration.storage_key),
            # Without a client there is no referrer.
            referrer="" if client is None else "about:client",
            revalidate=registration.update_via_cache != "all" or registration.stale,
        )
        self._script_is_new = True
        return script

    async def _fetch_for_start(self) -> None:
        """Have its main script, for this start. Raises ScriptError where it does not come any more."""
        self.scripts.forget_absent()
        if not (self._script_is_new or self.overtaken):
            self.sources.clear()
        if self.script_url not in self.scripts:
            try:
                await self.fetch_script()
            except (TypeError, SecurityError) as error:
                self.scripts.lacks(self.script_url)
                raise ScriptError(str(error)) from error
        self._script_is_new = False

    async def run(self, reason: str) -> Realm:
        """*Run Service Worker*: start it unless it runs.

        Raises ScriptError when its script fails, and WorkerStopped where it is stopped meanwhile.

        Spec: https://w3c.github.io/ServiceWorker/#run-service-worker-algorithm
        """
        async with self._starting:
            # 1.
            if self._realm is not None:
                return self._realm
            # 2.
            if self.state == "redundant":
                raise ScriptError(f"{self.script_url} is redundant: it is not started any more")
            scope = self.registration.scope
            self._services.trace.emit(WorkerStart(script=self.script_url, scope=scope, reason=reason))
            try:
                await self._fetch_for_start()
            except ScriptError as error:
                self._tell_failure(error)
                self._services.trace.emit(
                    WorkerStop(script=self.script_url, scope=scope, reason="its script did not come")
                )
                raise
            realm = await self._services.open_worker_realm(self)
            self._realm = realm
            self._services.realms[realm] = self.registration.storage_key
            try:
                await realm.evaluate()
            except ScriptError as error:
                self._tell_failure(error)
                self.stop("its script failed")
                raise
            if self._realm is not realm:
                raise WorkerStopped(f"{self.script_url} was stopped while it started")
            self.event_types = realm.event_types
            self._idle_soon()
        if self.registration.active is self:
            # What an earlier start could not deliver.
            self._services.fire_owed(self.registration)
        return realm

    def _tell_failure(self, error: ScriptError) -> None:
        self._services.trace.emit(Console(level="error", text=str(error), where=error.where))
        self._services.script_failed(error)

    def stop(self, reason: str) -> None:
        """*Terminate Service Worker*: discard its realm at once. Events in flight end `interrupted`.

        Spec: https://w3c.github.io/ServiceWorker/#terminate-service-worker-algorithm
        """
        realm, self._realm = self._realm, None
        self._not_idle()
        if realm is None:
            return
        self._services.realms.pop(realm, None)
        realm.discard(reason)
        self._services.trace.emit(
            WorkerStop(script=self.script_url, scope=self.registration.scope, reason=reason)
        )

    def post_message(self, posted: Posted) -> None:
        """Fire `message` at it, starting it if need be. Messages arrive in the order of these calls.

        Spec: https://w3c.github.io/ServiceWorker/#service-worker-postmessage-options, step 6
        """
        previous, self._last_posted = self._last_posted, trio.Event()
        self._services.start("message", self._deliver, posted, previous, self._last_posted)

    async def _deliver(self, posted: Posted, previous: trio.Event | None, dispatched: trio.Event) -> None:
        spec = EventSpec("message", "ExtendableMessageEvent", payload=posted)
        try:
            if previous is not None:
                await previous.wait()
            # *Run Service Worker* fails for a worker that is redundant.
            if self.state != "redundant":
                await self.fire(spec, on_dispatch=dispatched.set)
        finally:
            dispatched.set()
            posted.drop()

    async def fire(
        self,
        spec: EventSpec,
        *,
        attempt: int = 1,
        background_fetch: BackgroundFetch | None = None,
        on_dispatch: Callable[[], None] = lambda: None,
        on_texts: Callable[[Texts], None] | None = None,
    ) -> Fired:
        """Start the worker if need be, fire an event at it, and wait until the event is no longer active.

        `on_dispatch` is called just before the realm is handed the event; never, if the worker could not start.
        `on_texts` is called with what its scripts say, before any of them runs, and whenever there is another one.
        """
        about = (background_fetch.id, background_fetch.number) if background_fetch else (None, None)
        self._events += 1
        self.clicks += spec.name in _CLICKS
        self._not_idle()
        try:
            with self._services.activity.under_way("event"), self.scripts.watched(on_texts):
                return await self._fire(spec, attempt, about[0], about[1], on_dispatch)
        finally:
            self._events -= 1
            self.clicks -= spec.name in _CLICKS
            self._idle_soon()
            self._services.event_ended(self.registration)

    async def _fire(
        self,
        spec: EventSpec,
        attempt: int,
        id: str | None,
        number: int | None,
        on_dispatch: Callable[[], None],
    ) -> Fired:
        trace, scope = self._services.trace, self.registration.scope
        start = EventStart(name=spec.name, scope=scope, attempt=attempt, id=id, fetch=number, tag=spec.tag)
        try:
            realm = await self.run(spec.name)
        except ScriptError as error:
            trace.emit(start)
            started = isinstance(error, WorkerStopped)  # and will, next time
            fired = Fired(EventResult("interrupted", str(error), error.where), started)
        else:
            trace.emit(start)
            result = EventResult("interrupted", "the agent was closed")
            try:
                on_dispatch()
                result = await self._dispatch(realm, spec)
            finally:
                fired = Fired(result)
                trace.emit(self._end(spec, fired.result, id, number))
            if result.outcome == "rejected" and spec.last_chance is not False:
                self._services.script_failed(ScriptError(result.error or spec.name, where=result.where))
            return fired
        trace.emit(self._end(spec, fired.result, id, number))
        return fired

    def _end(self, spec: EventSpec, result: EventResult, id: str | None, number: int | None) -> EventEnd:
        return EventEnd(
            name=spec.name,
            scope=self.registration.scope,
            outcome=result.outcome,
            error=result.error,
            where=result.where,
            id=id,
            fetch=number,
            tag=spec.tag,
        )

    async def _dispatch(self, realm: Realm, spec: EventSpec) -> EventResult:
        limit = self._services.limits.event
        with trio.move_on_after(limit):
            return await realm.dispatch(spec)
        if self._realm is realm:
            self.stop(f"{spec.name} lasted over {limit:g} s")
        what = (
            f"it lasted over {limit:g} s; what it awaits has to end sooner (trio.move_on_after limits a wait)"
        )
        return EventResult("timed-out", what)

    @contextmanager
    def kept_alive(self) -> Iterator[None]:
        """While the block runs it does not count as idle: it streams a response, though its event has ended."""
        self._kept_alive += 1
        self._not_idle()
        try:
            yield
        finally:
            self._kept_alive -= 1
            self._idle_soon()

    def _idle_soon(self) -> None:
        in_use = self._events or self._kept_alive
        if self._realm is not None and not in_use and self._idle is None:
            self._idle = trio.CancelScope()
            self._services.nursery.start_soon(self._stop_when_idle, self._idle)

    async def _stop_when_idle(self, scope: trio.CancelScope) -> None:
        with scope:
            await trio.sleep(self._services.limits.idle)
            self.stop("idle")

    def _not_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
