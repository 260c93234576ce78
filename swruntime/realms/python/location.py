"""`location` and `navigator`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swruntime.agent.promise import NoPublicConstructor, Promise
from swruntime.algorithms import urls, webidl
from swruntime.concepts.enums import PermissionState
from swruntime.realms.python.realm import PythonRealm
from swruntime.realms.python.unimplemented import PlatformObject, attribute_error

if TYPE_CHECKING:
    from swruntime.realms.python.service_worker import ServiceWorkerContainer


@attrs.frozen
class Location(PlatformObject):
    """Where a realm is. Spec: https://html.spec.whatwg.org/multipage/workers.html#worker-locations"""

    href: str
    origin: str
    protocol: str
    host: str
    hostname: str
    port: str
    pathname: str
    search: str
    hash: str

    def __str__(self) -> str:
        return self.href

    @classmethod
    def of(cls, url: str) -> Location:
        u = urls.parse(url)
        return cls(u.href, u.origin, u.protocol, u.host, u.hostname, u.port, u.pathname, u.search, u.hash)


@attrs.frozen
class StorageEstimate:
    """https://storage.spec.whatwg.org/#dictdef-storageestimate, in bytes"""

    usage: int
    quota: int


@attrs.frozen
class PermissionStatus(PlatformObject):
    """https://w3c.github.io/permissions/#permissionstatus"""

    name: str
    state: PermissionState


class Permissions(PlatformObject, metaclass=NoPublicConstructor):
    """`navigator.permissions`. Spec: https://w3c.github.io/permissions/#permissions-interface"""

    def __init__(self, realm: PythonRealm) -> None:
        self._realm = realm

    def query(self, *, name: str) -> Promise[PermissionStatus]:
        """The state of the permission `name` ("background-fetch", ...) for this origin. Rejects with TypeError."""
        context = self._realm.context

        async def operation() -> PermissionStatus:
            permission = webidl.dom_string("name", name)
            try:
                state = self._realm.agent.permissions.query(permission, self._realm.storage_key)
            except ValueError as error:
                raise TypeError(str(error)) from None
            return PermissionStatus(permission, state)

        return context.promise(operation, name="Permissions.query")


class StorageManager(PlatformObject, metaclass=NoPublicConstructor):
    """`navigator.storage`. Spec: https://storage.spec.whatwg.org/#storagemanager"""

    def __init__(self, realm: PythonRealm) -> None:
        self._realm = realm

    def estimate(self) -> Promise[StorageEstimate]:
        """What this origin uses and may use, in bytes."""

        async def operation() -> StorageEstimate:
            found = self._realm.agent.storage.estimate(self._realm.storage_key)
            return StorageEstimate(found.usage, found.quota)

        return self._realm.context.promise(operation, name="StorageManager.estimate")


class Navigator(PlatformObject, metaclass=NoPublicConstructor):
    """`navigator`; `service_worker` is there in windows."""

    def __init__(self, realm: PythonRealm, service_worker: ServiceWorkerContainer | None) -> None:
        self._realm = realm
        self._service_worker = service_worker
        self.permissions = Permissions._create(realm)
        self.storage = StorageManager._create(realm)

    @property
    def service_worker(self) -> ServiceWorkerContainer:
        if self._service_worker is None:
            raise attribute_error(self, "service_worker")
        return self._service_worker

    @property
    def on_line(self) -> bool:
        """The user's switch (`agent.network`), as the events online and offline are.

        Of the machine's own network it says nothing: that is found out by asking, and a request fails without it.
        """
        return self._realm.agent.network.online

    @property
    def user_agent(self) -> str:
        return f"swruntime/{self._realm.agent.services.fetcher.version}"
