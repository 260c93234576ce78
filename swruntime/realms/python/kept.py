"""Tells what a worker's script keeps in its globals, where it should not: see `global_state`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from swruntime.realms.python.global_state import Lost, Watched, bound_at, contained
from swruntime.realms.python.loader import Loader
from swruntime.realms.python.message_ports import MessagePort

if TYPE_CHECKING:
    from swruntime.realms.python.worker_realm import WorkerRealm


class KeptState:
    """Of one realm, whose script was evaluated."""

    def __init__(self, realm: WorkerRealm, loader: Loader) -> None:
        self._realm = realm
        self._loader = loader
        self._worker = realm.own_worker
        self._watched: Watched | None = None
        importer, codes = loader.importer, loader.codes
        if importer is not None and len(codes) == 1:
            ((self._name, code),) = codes.items()
            lost = cast("dict[str, Lost]", self._worker.lost or {})
            self._watched = importer.builtins.watched = Watched(code, loader.namespace, lost)

    def event_ended(self) -> None:
        """An event has ended well."""
        if self._watched is not None:
            for line, text in self._watched.event_ended():
                self._realm.context.diagnose("state-only-in-globals", text, f"{self._name}:{line}")

    def stopped(self) -> None:
        """The realm is about to be discarded. What becomes of a worker that has no next start is no matter."""
        if self._watched is not None:
            # What an earlier stop has lost, and nobody asked for since, is lost still.
            self._worker.lost = {
                **cast("dict[str, Lost]", self._worker.lost or {}),
                **self._watched.stopped(),
            }
        if self._worker.state != "activated" or self._realm.agent.services.closing:
            return
        for where, name in self._ports():
            text = f"the worker is stopped, and with it the MessagePort in {name}, whose other end is open"
            self._realm.context.diagnose("port-held-across-restart", text, where)

    def _ports(self) -> Iterator[tuple[str, str]]:
        own = [port._port for port in self._realm.ports]
        modules = self._loader.importer.modules.values() if self._loader.importer is not None else ()
        for module in modules:
            file = self._realm.context.script_name(getattr(module, "__file__", None) or "")
            if file not in self._loader.codes:
                continue
            for name, value in tuple(vars(module).items()):
                held = [
                    each
                    for each in contained(value)
                    if isinstance(each, MessagePort) and each._port is not None
                ]
                peers = [port._port.peer for port in held if port._port is not None]
                if any(peer is not None and peer not in own for peer in peers):
                    yield f"{file}:{bound_at(self._loader.codes[file], name)}", name
