"""NavigationPreloadManager: https://w3c.github.io/ServiceWorker/#navigation-preload-manager"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from swruntime.agent.promise import NoPublicConstructor, Promise
from swruntime.agent.registrations import Registration
from swruntime.algorithms import headers, webidl
from swruntime.errors import InvalidStateError

if TYPE_CHECKING:
    from swruntime.realms.python.realm import PythonRealm


@attrs.frozen
class NavigationPreloadState:
    """https://w3c.github.io/ServiceWorker/#dictdef-navigationpreloadstate"""

    enabled: bool
    header_value: str


class NavigationPreloadManager(metaclass=NoPublicConstructor):
    """`registration.navigation_preload`: navigations are fetched while the worker starts."""

    def __init__(self, realm: PythonRealm, registration: Registration) -> None:
        self._realm = realm
        self._registration = registration

    def enable(self) -> Promise[None]:
        """Rejects with InvalidStateError where there is no active worker."""
        return self._set("enable", enabled=True)

    def disable(self) -> Promise[None]:
        """Rejects with InvalidStateError where there is no active worker."""
        return self._set("disable", enabled=False)

    def set_header_value(self, value: str) -> Promise[None]:
        """What Service-Worker-Navigation-Preload is sent with; "true" at first.

        Rejects with TypeError for what is not a header value, InvalidStateError where there is no active worker.
        """
        return self._set("set_header_value", value=value)

    def get_state(self) -> Promise[NavigationPreloadState]:
        async def operation() -> NavigationPreloadState:
            return NavigationPreloadState(
                self._registration.preload_enabled, self._registration.preload_header
            )

        return self._realm.context.promise(operation, name="NavigationPreloadManager.get_state")

    def _set(self, method: str, *, enabled: bool | None = None, value: str | None = None) -> Promise[None]:
        async def operation() -> None:
            registration = self._registration
            if registration.active is None:
                raise InvalidStateError(f"{registration.scope} has no active worker")
            if enabled is not None:
                registration.preload_enabled = enabled
            if value is not None:
                text = webidl.byte_string("value", value)
                if not headers.is_value(text):
                    raise TypeError(f"value is {webidl.shown(value)}; expected a header's value")
                registration.preload_header = text

        return self._realm.context.promise(operation, name=f"NavigationPreloadManager.{method}")
