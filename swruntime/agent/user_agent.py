"""UserAgent: what a test or the command line holds. Made by `swruntime.open_user_agent`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import attrs
import trio

from swruntime.agent.background_fetches import BackgroundFetches
from swruntime.agent.caches import Caches
from swruntime.agent.clients import Client, Clients
from swruntime.agent.controls import NetworkControl, Permissions, StorageControl
from swruntime.agent.handle_fetch import FetchHandler
from swruntime.agent.notifications import Notifications, ShownNotification
from swruntime.agent.periodic_syncs import PeriodicSyncs
from swruntime.agent.promise import Promise
from swruntime.agent.push import PushService
from swruntime.agent.registrations import Registration, Registrations
from swruntime.agent.services import Services
from swruntime.agent.syncs import Syncs, fire_and_update, require_active_worker
from swruntime.algorithms import redirects, urls, webidl
from swruntime.concepts.enums import EventOutcome
from swruntime.concepts.environment import Environment
from swruntime.concepts.http import Request, Response
from swruntime.errors import NetworkFailure, ScriptError, WaitingForUser
from swruntime.ports.realm import EventSpec
from swruntime.trace import AGENT_CLOSED, Line, NetworkChange, UserAction

if TYPE_CHECKING:
    from swruntime.agent.background_fetch import BackgroundFetch
    from swruntime.trace import Trace

OpenWindowRealm = Callable[[Client], Awaitable[Any]]
"""Makes the realm of a window and answers with its global, the Window that a test holds."""

LONGEST_ERROR = 10_000
"""Characters of the text of an error of a script that is kept."""
MOST_ERRORS = 1_000
"""Errors of scripts that are kept."""


class UserAgent:
    """A user agent without a browser around it.

    What the user of a browser can do, and a script cannot, is here: `network`, `permissions`, `storage`,
    `background_fetches`, `notifications`, `push`, `sync`, `periodic_sync`, `terminate_worker`.
    """

    def __init__(
        self,
        services: Services,
        *,
        origin: str,
        registrations: Registrations,
        clients: Clients,
        background_fetches: BackgroundFetches,
        notifications: Notifications,
        push_service: PushService,
        syncs: Syncs,
        periodic_syncs: PeriodicSyncs,
        network: NetworkControl,
        permissions: Permissions,
        storage: StorageControl,
        open_window_realm: OpenWindowRealm,
    ) -> None:
        self.origin = origin
        self.network = network
        self.permissions = permissions
        self.storage = storage
        self.script_errors: list[ScriptError] = []
        """What worker scripts and their handlers raised, in order; the last of them, where there are very many."""
        self.syncs = syncs
        """For realms."""
        self.periodic_syncs = periodic_syncs
        """For realms."""
        self._services = services
        self._registrations = registrations
        self._clients = clients
        self._fetches = background_fetches
        self.shown_notifications = notifications
        """For realms; `notifications` is the user's view of it."""
        notifications.open_window = self._open_in_front
        self.push_service = push_service
        """For realms; `push` and its neighbours are what whoever holds the agent does."""
        self._open_window_realm = open_window_realm
        self.fetch_handler = FetchHandler(services, registrations)
        """For realms: hands a page's requests to its controller."""

    @property
    def services(self) -> Services:
        """For realms: what their platform objects work with."""
        return self._services

    @property
    def trace(self) -> Trace:
        return self._services.trace

    @property
    def registrations(self) -> Registrations:
        return self._registrations

    @property
    def fetches(self) -> BackgroundFetches:
        """For realms; `background_fetches` is the user's view of it."""
        return self._fetches

    @property
    def clients(self) -> Clients:
        return self._clients

    @property
    def background_fetches(self) -> list[BackgroundFetch]:
        """Every background fetch that is not released: the active ones, and those whose event is owed."""
        return self._fetches.all()

    @property
    def notifications(self) -> list[ShownNotification]:
        """Every notification that is shown, in the order of their creation: `click()` and `close()` them."""
        return self.shown_notifications.all()

    def push(self, target: object, data: bytes | str | None = None) -> Promise[EventOutcome]:
        """Send a push message; there is no push service, so whoever holds the agent does what its server would.

        `target` is a script's PushSubscription, or a registration (a script's or the agent's) that is subscribed.
        `data` is the decrypted payload, a str as UTF-8; None is a message without one. `push` is fired at the
        worker, once: fulfilled when that has ended, with how: `fulfilled`, `rejected`, `timed-out`, `interrupted`.
        Raises InvalidStateError where nothing is subscribed, ValueError for more than 3,993 bytes, TypeError.
        Spec: https://w3c.github.io/push-api/#receiving-a-push-message
        """
        return self.push_service.send(target, data)

    def refresh_push_subscription(self, target: object) -> Promise[EventOutcome]:
        """Let the push service replace a subscription by one with another endpoint and other keys.

        `pushsubscriptionchange` is fired at the worker, with both. `target`, the outcome and what is raised are
        as of `push`; QuotaExceededError where the disk is full.
        Spec: https://w3c.github.io/push-api/#subscription-refreshes
        """
        return self.push_service.refresh(target)

    def expire_push_subscription(self, target: object) -> Promise[EventOutcome]:
        """Let a subscription end. `pushsubscriptionchange` is fired at the worker, without a new one.

        To take the permission "push" away does the same. `target`, the outcome and what is raised are as of `push`.
        Spec: https://w3c.github.io/push-api/#subscription-refreshes
        """
        return self.push_service.expire(target)

    def caches_of(self, storage_key: str) -> Caches:
        """For realms and tools: the caches of an origin."""
        return Caches(self._services, storage_key)

    async def open_window(self, url: str = "/") -> Any:
        """Open a page and answer with its Window. Succeeds whatever the status of the page.

        `url` is resolved against the site's origin. Raises TypeError for one that does not parse.
        """
        id = self._clients.new_id()
        environment = await self._navigate(urls.resolve(url, self.origin + "/"), id)
        return await self._open_page(id, environment)

    async def _open_in_front(self, url: str) -> None:
        (await self.open_window(url)).focus()

    async def _open_page(self, id: str, environment: Environment) -> Any:
        registration = self._registrations.match(environment.origin, environment.url)
        controlled_by = registration if registration is not None and registration.active else None
        client = self._clients.add(id, environment, controlled_by)
        return await self._open_window_realm(client)

    async def navigate(self, client: Client, url: str) -> Any:
        """Let a window go somewhere else: its realm ends, and the Window of the new one is answered with.

        Raises TypeError for a URL that does not parse.
        """
        url = urls.resolve(url, client.url)
        id = self._clients.new_id()
        environment = await self._navigate(url, id, replaces=client.id)
        if client.realm is not None:
            client.realm.discard("the window went to another page")
        self.client_left(client)
        return await self._open_page(id, environment)

    async def _navigate(self, url: str, id: str, *, replaces: str = "") -> Environment:
        """Ask for the page, for what its headers say. A page that cannot be had is a page all the same."""
        request = Request(
            url, mode="navigate", destination="document", credentials="include", redirect="manual"
        )
        with self._services.activity.under_way("navigation"):
            try:
                response = await self._page(request, id, replaces)
            except NetworkFailure:
                return Environment(url, urls.origin_of(url))
        return _environment(url, response)

    async def _page(self, request: Request, id: str, replaces: str) -> Response:
        """The response to a navigation, from the worker or the network, each redirect a request of its own."""
        for _ in range(redirects.LIMIT + 1):
            answer = await self.fetch_handler.navigation(
                request, urls.origin_of(request.url), id, replaces=replaces
            )
            if answer is None:
                async with self._services.fetcher.fetch(request) as fetched:
                    response = fetched.response
            else:
                response = answer.response
                if answer.body is not None:
                    answer.body.close()
            followed = attrs.evolve(request, redirect="follow")
            target = redirects.redirect_target(followed, response, request.url)
            if target is None:
                return attrs.evolve(response, url_list=(*response.url_list, request.url))
            request = attrs.evolve(request, url=target)
        raise NetworkFailure("redirect", f"{request.url}: too many redirects")

    def terminate_worker(self, registration: object) -> Promise[bool]:
        """Stop the active worker of a registration at once, as a browser may at any time.

        `registration` is a script's ServiceWorkerRegistration, or the agent's. Answers whether it ran.
        """
        concept = _concept(registration)
        self.trace.emit(UserAction(action="stop-worker", scope=concept.scope))
        running = [worker for worker in concept.workers if worker.running]
        for worker in running:
            worker.stop("terminated by the user")
        return Promise.resolved(bool(running))

    def sync(self, registration: object, tag: str, *, last_chance: bool = False) -> Promise[EventOutcome]:
        """Fire a `sync` event, as a browser's developer tools do; answers how it ended.

        It is fired online and offline, whether a script has registered the tag or not, and changes nothing of what
        is registered: that is fired when `agent.network` goes online, and nothing need be called for it. `registration`
        is a script's ServiceWorkerRegistration, or the agent's. Raises TypeError, and InvalidStateError where there
        is no active worker.
        """
        spec = EventSpec("sync", "SyncEvent", tag=webidl.dom_string("tag", tag), last_chance=last_chance)
        return self._fire_for_user("sync", registration, spec)

    def periodic_sync(self, registration: object, tag: str) -> Promise[EventOutcome]:
        """Fire a `periodicsync` event, as `sync()` fires a `sync` event; when the next one is due stays as it is."""
        spec = EventSpec("periodicsync", "PeriodicSyncEvent", tag=webidl.dom_string("tag", tag))
        return self._fire_for_user("periodic-sync", registration, spec)

    def _fire_for_user(self, action: str, registration: object, spec: EventSpec) -> Promise[EventOutcome]:
        concept = _concept(registration)
        require_active_worker(concept)
        self.trace.emit(UserAction(action=action, scope=concept.scope))
        end = self._services.activity.begin("event")

        async def operation() -> EventOutcome:
            try:
                return await fire_and_update(self._registrations, concept, spec)
            finally:
                end()

        return Promise.start(self._services.nursery, operation, name=action)

    async def settled(self) -> None:
        """Wait until nothing is active and no event is in flight; no periodic sync is waited for.

        Raises WaitingForUser, listing what waits, when only a user or the network switch could go on.
        """
        activity = self._services.activity
        await trio.lowlevel.checkpoint()
        while True:
            if not self.can_go_on:
                awake = [fetch for fetch in self._fetches.all() if not fetch.dormant]
                waiting = [line for f in awake for line in _waiting_lines(f)]
                waiting += self.syncs.waiting_lines()
                if waiting:
                    raise WaitingForUser(tuple(waiting))
                return
            await activity.wait_for_change()

    @property
    def can_go_on(self) -> bool:
        """Whether anything is under way that only waiting brings to its end: no user, and no network switch."""
        return not self._services.activity.idle or bool(self.syncs.go_on) or self._fetches.go_on

    async def until(self, predicate: Callable[[Line], object]) -> Line:
        """Wait for the next line of the trace for which `predicate` answers true, and answer with it."""
        send, receive = trio.open_memory_channel[Line](1)

        def sink(line: Line) -> None:
            if predicate(line):
                self.trace.remove_sink(sink)
                send.send_nowait(line)

        self.trace.add_sink(sink)
        try:
            return await receive.receive()
        except trio.Cancelled:
            if sink in self.trace.sinks:
                self.trace.remove_sink(sink)
            raise

    def claim(self, registration: Registration) -> None:
        """*claim()*: the windows that a registration matches are controlled by its active worker from now on."""
        for client in self._clients.all():
            matched = self._registrations.match(client.environment.origin, client.url)
            if matched is registration and client.registration is not registration:
                before, client.registration = client.registration, registration
                if before is not None:
                    self._registrations.client_left(before)
                client.controller_changed()

    def client_left(self, client: Client) -> None:
        """A window was closed: a worker that waited for it may be activated now."""
        self._clients.remove(client)
        if client.registration is not None:
            self._registrations.client_left(client.registration)
        self._services.activity.changed()

    def network_changed(self) -> None:
        """The switch was moved: back online, whatever waits for the network tries again."""
        if self.network.online:
            for fetch in self._fetches.all():
                fetch.wake()
            self.syncs.wake()
        self.periodic_syncs.schedule()
        self._services.activity.changed()

    def network_returned(self, sign: str) -> None:
        """The machine's network seems to be back: nobody waits out a backoff for its sake.

        `sign` is the origin that answers again, or "route".
        """
        self._try_network(sign, None)

    def awaited(self, origin: str) -> bool:
        """Whether records wait out a backoff for the sake of an origin; none does while the user is offline."""
        return self.network.online and self._fetches.awaited(origin)

    def server_returned(self, origin: str) -> None:
        """`origin` takes connections again: nobody waits out a backoff for its sake."""
        self._try_network(origin, origin)

    def _try_network(self, sign: str, origin: str | None) -> None:
        if self.network.online:
            tell = NetworkChange(action="reachable", name=sign)
            self._fetches.try_network(lambda: self.trace.emit(tell), origin)

    def script_failed(self, error: ScriptError) -> None:
        """A worker's script, or a handler of it, has raised `error`."""
        text = str(error)
        if len(text) > LONGEST_ERROR:
            # The trace has had all of it.
            kept = f"{text[:LONGEST_ERROR]}... ({len(text) - LONGEST_ERROR:,} characters more)"
            error = ScriptError(kept, where=error.where)
        self.script_errors.append(error)
        del self.script_errors[:-MOST_ERRORS]

    def restore(self) -> None:
        """Know what the profile keeps; it sleeps until `take_up()`."""
        self._registrations.restore()
        self._fetches.restore()
        self.shown_notifications.restore()
        self.syncs.restore()
        self.periodic_syncs.restore()

    def take_up_workers(self) -> None:
        """Go on with what an earlier process left of its workers alone: those that were installed become active."""
        self._registrations.try_activate_all()

    def take_up(self) -> None:
        """Go on with what an earlier process left."""
        self.take_up_workers()
        self._fetches.take_up()
        self.syncs.take_up()
        self.periodic_syncs.take_up()

    def close(self) -> None:
        """Discard every realm. What was stored stays; nothing is aborted."""
        self._services.closing = True
        for registration in self._registrations.all():
            for worker in registration.workers:
                worker.stop(AGENT_CLOSED)
        for client in self._clients.all():
            if client.realm is not None:
                client.realm.discard(AGENT_CLOSED)


def _concept(registration: object) -> Registration:
    """The agent's registration, of which a script has an object. Raises TypeError for what is none."""
    concept = getattr(registration, "_concept", registration)
    if not isinstance(concept, Registration):
        raise TypeError(f"registration is {registration!r}; expected a ServiceWorkerRegistration")
    return concept


def _environment(url: str, response: Response) -> Environment:
    """What a page's response says of it."""
    url = response.url or url
    return Environment(
        url,
        urls.origin_of(url),
        csp=response.headers.all("Content-Security-Policy"),
        referrer_policy=redirects.parse_referrer_policy(response.headers),
    )


def _waiting_lines(fetch: BackgroundFetch) -> list[str]:
    if fetch.active:
        return [f"background fetch {fetch.id!r}: {url} waits: {reason}" for url, reason in fetch.waits()]
    if fetch.owed:
        if fetch.held:
            return [f"background fetch {fetch.id!r} waits for {fetch.held_text}"]
        return [f"background fetch {fetch.id!r}: {fetch.owed} is owed (its worker could not run)"]
    return []
