"""ExtendableMessageEvent: https://w3c.github.io/ServiceWorker/#extendablemessageevent-interface"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from swruntime.agent import clients
from swruntime.agent.messaging import Posted
from swruntime.algorithms import webidl
from swruntime.realms.python.clients import Client, client_object
from swruntime.realms.python.extendable import ExtendableEvent
from swruntime.realms.python.message_events import received
from swruntime.realms.python.message_ports import MessagePort, checked_ports
from swruntime.realms.python.realm import PythonRealm
from swruntime.realms.python.service_worker import ServiceWorker

Source = Client | ServiceWorker | MessagePort


class ExtendableMessageEvent(ExtendableEvent):
    """`message` and `messageerror` at a worker. `source` is the page or the worker that posted it."""

    def __init__(
        self,
        type: str,
        *,
        bubbles: bool = False,
        cancelable: bool = False,
        composed: bool = False,
        data: Any = None,
        origin: str = "",
        last_event_id: str = "",
        source: Source | None = None,
        ports: Iterable[MessagePort] = (),
    ) -> None:
        super().__init__(type, bubbles=bubbles, cancelable=cancelable, composed=composed)
        self._data = data
        self._origin = webidl.usv_string("origin", origin)
        self._last_event_id = webidl.dom_string("last_event_id", last_event_id)
        if source is not None and not isinstance(source, Source):
            raise TypeError(
                f"source is {webidl.shown(source)}; expected a Client, a ServiceWorker or a MessagePort"
            )
        self._source = source
        self._ports = checked_ports(ports)

    @property
    def data(self) -> Any:
        return self._data

    @property
    def origin(self) -> str:
        return self._origin

    @property
    def last_event_id(self) -> str:
        return self._last_event_id

    @property
    def source(self) -> Source | None:
        return self._source

    @property
    def ports(self) -> tuple[MessagePort, ...]:
        return self._ports


def message_event(realm: PythonRealm, posted: Posted) -> ExtendableMessageEvent:
    """The event that `posted` is at a worker's global scope."""
    # 6.2.1. The page, or the worker, that posted it, as this realm sees it.
    source: Source | None
    if isinstance(posted.source, clients.Client):
        source = client_object(realm, posted.source)
    else:
        source = realm.worker(posted.source)
    type, init = received(realm, posted)
    return realm.context.bind(ExtendableMessageEvent)(type, origin=posted.origin, source=source, **init)
