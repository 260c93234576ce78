"""Windows: service worker clients. Spec: https://w3c.github.io/ServiceWorker/#dfn-service-worker-client"""

from __future__ import annotations

import uuid
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
        self.registration = controlled_by
        self.realm: Realm | None = None

    @property
    def url(self) -> str:
        return self.environment.url

    @property
    def controller(self) -> Worker | None:
        return self.registration.active if self.registration is not None else None


class Clients:
    """All windows of one agent."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._clients: dict[str, Client] = {}

    def all(self) -> list[Client]:
        return list(self._clients.values())

    def new_id(self) -> str:
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

    def add(self, id: str, environment: Environment, controlled_by: Registration | None) -> Client:
        client = self._clients[id] = Client(id, environment, controlled_by)
        return client

    def remove(self, client: Client) -> None:
        self._clients.pop(client.id, None)

    def using(self, registration: Registration) -> bool:
        """Whether any client uses it: https://w3c.github.io/ServiceWorker/#dfn-use"""
        return any(client.registration is registration for client in self._clients.values())
