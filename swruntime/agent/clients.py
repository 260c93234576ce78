"""Windows: service worker clients. Spec: https://w3c.github.io/ServiceWorker/#dfn-service-worker-client"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from swruntime.concepts.environment import Environment
from swruntime.ports.realm import Realm

if TYPE_CHECKING:
    from swruntime.agent.registrations import Registration
    from swruntime.agent.workers import Worker


class Client:
    """A window. `controller` is its active service worker, None for a page that is not controlled."""

    def __init__(self, id: str, environment: Environment, controlled_by: Registration | None) -> None:
        self.id = id
        self.environment = environment
        self._registration = controlled_by
        self._users: Counter[Registration] = Counter()
        """Of the agent that it is a window of; nobody's, before it is one."""
        self.realm: Realm | None = None

    @property
    def url(self) -> str:
        return self.environment.url

    @property
    def registration(self) -> Registration | None:
        """The one that it uses."""
        return self._registration

    @registration.setter
    def registration(self, registration: Registration | None) -> None:
        _count(self._users, self._registration, -1)
        self._registration = registration
        _count(self._users, registration, 1)

    @property
    def controller(self) -> Worker | None:
        return self.registration.active if self.registration is not None else None

    def controller_changed(self) -> None:
        """*Notify Controller Change*: https://w3c.github.io/ServiceWorker/#notify-controller-change-algorithm"""
        # Only its own page has an object for it: to ask every realm would cost a hundred pages ten thousand questions.
        if self.realm is not None:
            self.realm.notify(self, "controllerchange")


class Clients:
    """All windows of one agent."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._clients: dict[str, Client] = {}
        self._users: Counter[Registration] = Counter()
        """How many use each registration."""
        self._focused: list[Client] = []
        """Those that were ever focused, the last one first."""

    def all(self) -> list[Client]:
        return list(self._clients.values())

    @property
    def focused(self) -> Client | None:
        """The window that the user looks at; None before any was focused."""
        return self._focused[0] if self._focused else None

    def focus(self, client: Client) -> bool:
        """Bring a window to the front. False where it is gone."""
        if client.id not in self._clients:
            return False
        if client in self._focused:
            self._focused.remove(client)
        self._focused.insert(0, client)
        return True

    def by_focus(self) -> list[Client]:
        """Those that were focused, the last one first; then the others, in the order of their opening."""
        return self._focused + [c for c in self.all() if c not in self._focused]

    def new_id(self) -> str:
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

    def add(self, id: str, environment: Environment, controlled_by: Registration | None) -> Client:
        client = self._clients[id] = Client(id, environment, controlled_by)
        client._users = self._users
        _count(self._users, controlled_by, 1)
        return client

    def remove(self, client: Client) -> None:
        if self._clients.pop(client.id, None) is not None:
            _count(self._users, client.registration, -1)
            client._users = Counter()
        if client in self._focused:
            self._focused.remove(client)

    def using(self, registration: Registration) -> bool:
        """Whether any client uses it: https://w3c.github.io/ServiceWorker/#dfn-use"""
        return registration in self._users

    def any_of(self, storage_key: str) -> bool:
        """Whether a window of this origin is open, here or behind `serve`."""
        return any(client.environment.origin == storage_key for client in self._clients.values()) or any(
            registration.storage_key == storage_key for registration in self._users
        )

    def hold(self, registration: Registration) -> Callable[[], None]:
        """A page that is no window of ours uses `registration` (`serve`'s), until what is returned is called."""
        _count(self._users, registration, 1)
        return lambda: _count(self._users, registration, -1)


def _count(users: Counter[Registration], registration: Registration | None, change: int) -> None:
    if registration is not None:
        users[registration] += change
        if not users[registration]:
            del users[registration]
