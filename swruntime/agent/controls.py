"""What the user of a browser can do, and a script cannot: network, permissions, storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, get_args

import attrs

from swruntime.agent.promise import Promise
from swruntime.concepts.enums import PermissionState
from swruntime.errors import StorageFull
from swruntime.network.conditions import PRESETS, ConditionedNetwork, Conditions
from swruntime.ports.store import DEFAULT_QUOTA
from swruntime.trace import Diagnostic, NetworkChange, Trace, UserAction

if TYPE_CHECKING:
    from swruntime.ports.store import Store

_NAMES = ("background-fetch", "notifications", "push", "background-sync", "periodic-background-sync")


class NetworkControl:
    """The network switch: `agent.network`."""

    def __init__(self, network: ConditionedNetwork, trace: Trace) -> None:
        self._network = network
        self._trace = trace

    @property
    def online(self) -> bool:
        return self._network.online

    @property
    def conditions(self) -> Conditions:
        """What holds now. Assign a `Conditions`, or the name of a preset (`offline`, `slow-3g`, ...)."""
        return self._network.conditions

    @conditions.setter
    def conditions(self, conditions: Conditions | str) -> None:
        if isinstance(conditions, str):
            if conditions not in PRESETS:
                raise ValueError(f"conditions is {conditions!r}; expected one of {', '.join(PRESETS)}")
            conditions = PRESETS[conditions]
        self._tell(conditions)
        self._network.set(conditions)

    def go_offline(self) -> Promise[None]:
        """Every exchange breaks at once; background fetches wait, without limit. Done when this returns."""
        self._tell(PRESETS["offline"])
        self._network.go_offline()
        return Promise.resolved(None)

    def go_online(self) -> Promise[None]:
        """What waited goes on. Done when this returns."""
        if not self.online:
            self._trace.emit(NetworkChange(action="online"))
        self._network.go_online()
        return Promise.resolved(None)

    def _tell(self, after: Conditions) -> None:
        """Before the change is made, so that what follows from it comes after it in the trace."""
        before = self._network.conditions
        if after == before:
            return
        action = "offline" if after.offline else "online" if before.offline else "conditions"
        self._trace.emit(NetworkChange(action=action, name=after.name))


class Permissions:
    """The permissions of every origin: `agent.permissions`."""

    def __init__(self, initial: PermissionState, trace: Trace) -> None:
        self._initial = checked_permission(initial)
        self._set: dict[tuple[str, str], PermissionState] = {}
        self._trace = trace
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each `set`."""
        self._listeners.append(listener)

    def request(self, name: str, origin: str) -> PermissionState:
        """*Request permission to use*. Nobody is there to answer: the user answers beforehand, with `set`.

        Where that was not done the question counts as dismissed, which is told, and it stays "prompt".
        Spec: https://w3c.github.io/permissions/#dfn-request-permission-to-use
        """
        state = self.query(name, origin)
        if state == "prompt":
            text = (
                f"{origin} asks for the permission {name!r}, and nobody answers: "
                f"agent.permissions.set('granted', {name!r}) before it asks would"
            )
            self._trace.emit(Diagnostic(code="permission-dismissed", message=text))
        return state

    def query(self, name: str = "background-fetch", origin: str = "") -> PermissionState:
        """Raises ValueError for a name that does not exist."""
        _check_name(name)
        return self._set.get((name, origin), self._set.get((name, ""), self._initial))

    def set(self, state: PermissionState, name: str = "background-fetch", origin: str = "") -> None:
        """For one origin, or without `origin` for all. Raises ValueError for a state or name that does not exist."""
        _check_name(name)
        self._set[name, origin] = checked_permission(state)
        self._trace.emit(UserAction(action=f"permission-{state}"))
        for listener in self._listeners:
            listener()


def _check_name(name: str) -> None:
    if name not in _NAMES:
        raise ValueError(f"name is {name!r}; expected one of {', '.join(_NAMES)}")


def checked_permission(state: object) -> PermissionState:
    """Raises ValueError for what is not a permission state."""
    for known in get_args(PermissionState):
        if state == known:
            return known  # type: ignore[no-any-return]
    raise ValueError(f"permission is {state!r}; expected 'granted', 'denied' or 'prompt'")


@attrs.frozen
class StorageEstimate:
    """Bytes. Spec: https://storage.spec.whatwg.org/#dictdef-storageestimate"""

    usage: int
    quota: int


class StorageControl:
    """`agent.storage`: the quota of every origin, in bytes."""

    def __init__(self, store: Store, quota: int | None, origin: str) -> None:
        self._store = store
        self._origin = origin
        self._quota = quota

    @property
    def quota(self) -> int:
        """Bytes that an origin may store: as given, else 60 % of the disk."""
        return int(self._store.disk_size() * DEFAULT_QUOTA) if self._quota is None else self._quota

    @quota.setter
    def quota(self, quota: int) -> None:
        if quota < 0:
            raise ValueError(f"quota is {quota}; expected bytes, 0 or more")
        self._quota = quota

    def usage(self, storage_key: str) -> int:
        return self._store.usage(storage_key)

    def available(self, storage_key: str) -> int:
        return max(0, self.quota - self._store.usage(storage_key))

    def fits(self, storage_key: str, size: int, *, reserve: int = 0) -> bool:
        return self._store.usage(storage_key) + size <= self.quota + reserve

    def passed(self, storage_key: str, before: int, *, reserve: int = 0) -> bool:
        """See `swruntime.agent.services.Quota`: what replaces as much, or is deleted, is never too much."""
        now = self._store.usage(storage_key)
        return now > before and now > self.quota + reserve

    @contextmanager
    def transaction(self, storage_key: str, *, durable: bool = False, reserve: int = 0) -> Iterator[None]:
        """See `swruntime.agent.services.Quota`."""
        with self._store.transaction(durable=durable):
            before = self._store.usage(storage_key)
            yield
            if self.passed(storage_key, before, reserve=reserve):
                needed = self._store.usage(storage_key) - before
                room = max(0, self.quota - before)
                raise StorageFull(
                    f"the quota of {storage_key} has room for {room} bytes more; it needs {needed}"
                )

    def estimate(self, origin: str | None = None) -> StorageEstimate:
        """What an origin uses, the site's without `origin`: see `swruntime.ports.store.Store.usage`."""
        return StorageEstimate(self._store.usage(origin or self._origin), self.quota)
