"""Client, WindowClient and Clients, as a worker sees them: https://w3c.github.io/ServiceWorker/#client-interface"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from swruntime.agent import clients
from swruntime.agent.promise import NoPublicConstructor, Promise
from swruntime.agent.workers import Worker
from swruntime.algorithms import urls, webidl
from swruntime.errors import InvalidAccessError, InvalidStateError
from swruntime.realms.python.message_ports import Transfer, post_to_client
from swruntime.realms.python.unimplemented import PlatformObject

if TYPE_CHECKING:
    from swruntime.realms.python.realm import PythonRealm

ClientType = Literal["window", "worker", "sharedworker", "all"]
CLIENT_TYPES: tuple[ClientType, ...] = ("window", "worker", "sharedworker", "all")


class Client(PlatformObject, metaclass=NoPublicConstructor):
    """A snapshot of a page, made anew each time one is asked for."""

    def __init__(self, realm: PythonRealm, concept: clients.Client) -> None:
        self._realm = realm
        self._concept = concept
        self._url = concept.url

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._url}>"

    @property
    def url(self) -> str:
        return self._url

    @property
    def frame_type(self) -> str:
        """Always "top-level": there are no frames here."""
        return "top-level"

    @property
    def id(self) -> str:
        return self._concept.id

    @property
    def type(self) -> str:
        return "window"

    def post_message(self, message: object, transfer: Transfer = None) -> None:
        """Fire `message` at the page's `navigator.service_worker`, with a copy of `message`.

        It waits there until the page's scripts have run. `transfer` is a list of the MessagePorts to send along.
        To a page that is closed it goes nowhere. Raises DataCloneError.
        Spec: https://w3c.github.io/ServiceWorker/#client-postmessage-options
        """
        post_to_client(self._realm, self._concept, message, transfer)


class WindowClient(Client):
    """https://w3c.github.io/ServiceWorker/#windowclient"""

    def __init__(self, realm: PythonRealm, concept: clients.Client) -> None:
        super().__init__(realm, concept)
        self._focused = realm.agent.clients.focused is concept

    @property
    def visibility_state(self) -> str:
        """The text "visible": every window of the agent is."""
        return "visible"

    @property
    def focused(self) -> bool:
        return self._focused

    @property
    def ancestor_origins(self) -> tuple[str, ...]:
        return ()

    def focus(self) -> Promise[WindowClient]:
        """Bring it to the front. Rejects with InvalidAccessError unless the user has just clicked something,
        and with TypeError when the page is gone.

        Spec: https://w3c.github.io/ServiceWorker/#client-focus
        """
        allowed = _interaction(self._realm)

        async def operation() -> WindowClient:
            _check_interaction(allowed, "focus")
            if not self._realm.agent.clients.focus(self._concept):
                raise TypeError(f"{self!r} is closed")
            return WindowClient._create(self._realm, self._concept)

        return self._realm.context.promise(operation, name="WindowClient.focus")

    def navigate(self, url: str) -> Promise[WindowClient | None]:
        """Let it go to `url`; None where that is of another origin. Rejects with TypeError for a URL that does
        not parse, and for a page that this worker does not control.

        Spec: https://w3c.github.io/ServiceWorker/#client-navigate
        """
        realm = self._realm
        try:
            target = _checked_url(realm, url)
            if self._concept.controller is not realm.own_worker:
                raise TypeError(f"{self!r} is not controlled by this worker")
        except TypeError as error:
            return realm.context.rejected(error, name="WindowClient.navigate")

        async def operation() -> WindowClient | None:
            if self._concept not in realm.agent.clients.all():
                raise TypeError(f"{self!r} is closed")
            window = await realm.agent.navigate(self._concept, target)
            return _window_client(realm, window)

        return realm.context.promise(operation, name="WindowClient.navigate")


class Clients(metaclass=NoPublicConstructor):
    """`clients`. Spec: https://w3c.github.io/ServiceWorker/#clients-interface"""

    def __init__(self, realm: PythonRealm) -> None:
        self._realm = realm

    def get(self, id: str) -> Promise[Client | None]:
        """The page with that id, or None: https://w3c.github.io/ServiceWorker/#clients-get"""

        async def operation() -> Client | None:
            wanted = webidl.dom_string("id", id)
            for client in self._of_this_origin():
                if client.id == wanted:
                    return client_object(self._realm, client)
            return None

        return self._realm.context.promise(operation, name="Clients.get")

    def match_all(
        self, *, include_uncontrolled: bool = False, type: str = "window"
    ) -> Promise[tuple[Client, ...]]:
        """The pages of this origin that this worker controls; all of them if so asked.

        Those that were focused come first, the last one before the others; then the rest, as they were opened.
        Spec: https://w3c.github.io/ServiceWorker/#clients-matchall
        """

        async def operation() -> tuple[Client, ...]:
            uncontrolled = webidl.boolean("include_uncontrolled", include_uncontrolled)
            wanted: ClientType = webidl.enumeration("type", type, CLIENT_TYPES)
            if wanted not in ("window", "all"):
                return ()
            found = [
                client
                for client in self._of_this_origin()
                if uncontrolled or client.controller is self._realm.own_worker
            ]
            return tuple(client_object(self._realm, client) for client in found)

        return self._realm.context.promise(operation, name="Clients.match_all")

    def open_window(self, url: str) -> Promise[WindowClient | None]:
        """Open a page; None where it is of another origin. Rejects with InvalidAccessError unless the user has
        just clicked something, with TypeError for a URL that does not parse.

        Spec: https://w3c.github.io/ServiceWorker/#clients-openwindow
        """
        realm = self._realm
        allowed = _interaction(realm)
        try:
            target = _checked_url(realm, url)
        except TypeError as error:
            return realm.context.rejected(error, name="Clients.open_window")

        async def operation() -> WindowClient | None:
            _check_interaction(allowed, "open_window")
            return _window_client(realm, await realm.agent.open_window(target))

        return realm.context.promise(operation, name="Clients.open_window")

    def claim(self) -> Promise[None]:
        """Control every page that this registration matches, from now on.

        Rejects with InvalidStateError where this worker is not the active one.
        Spec: https://w3c.github.io/ServiceWorker/#clients-claim
        """
        realm = self._realm

        async def operation() -> None:
            worker = realm.own_worker
            if worker is None or worker.registration.active is not worker:
                raise InvalidStateError("claim by a worker that is not active: call it in onactivate")
            realm.agent.claim(worker.registration)

        return realm.context.promise(operation, name="Clients.claim")

    def _of_this_origin(self) -> list[clients.Client]:
        ordered = self._realm.agent.clients.by_focus()
        return [c for c in ordered if c.environment.origin == self._realm.storage_key]


def client_object(realm: PythonRealm, client: clients.Client) -> WindowClient:
    """*Create Window Client*: https://w3c.github.io/ServiceWorker/#create-windowclient-algorithm"""
    return WindowClient._create(realm, client)


def _window_client(realm: PythonRealm, window: Any) -> WindowClient | None:
    client: clients.Client = window._window_realm.client
    return client_object(realm, client) if client.environment.origin == realm.storage_key else None


def _checked_url(realm: PythonRealm, url: object) -> str:
    target = urls.resolve(webidl.usv_string("url", url), realm.context.environment.url)
    if target == "about:blank":
        raise TypeError("url is about:blank; expected a page")
    return target


def _interaction(realm: PythonRealm) -> Callable[[], bool]:
    """Whether the user has just interacted with something of this worker's."""
    worker: Worker | None = realm.own_worker
    return lambda: worker is not None and worker.window_interaction


def _check_interaction(allowed: Callable[[], bool], method: str) -> None:
    if not allowed():
        raise InvalidAccessError(f"{method} is allowed while an event of a user's click is handled")
