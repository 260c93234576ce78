"""MessageEvent: https://html.spec.whatwg.org/multipage/comms.html#the-messageevent-interface"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from swruntime.agent.messaging import Posted
from swruntime.algorithms import webidl
from swruntime.errors import DataCloneError
from swruntime.realms.python.events import Event, EventTarget, fire
from swruntime.realms.python.message_ports import MessagePort, checked_ports
from swruntime.realms.python.realm import PythonRealm
from swruntime.realms.python.structured_clone import deserialize


class MessageEvent(Event):
    """`message` and `messageerror`, but at a worker's global scope.

    `source` is who posted a message that came from a worker; None for one that came through a port or a
    BroadcastChannel. `origin` is "" for one that came through a port.
    """

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
        source: EventTarget | None = None,
        ports: Iterable[MessagePort] = (),
    ) -> None:
        super().__init__(type, bubbles=bubbles, cancelable=cancelable, composed=composed)
        self._data = data
        self._origin = webidl.usv_string("origin", origin)
        self._last_event_id = webidl.dom_string("last_event_id", last_event_id)
        if source is not None and not isinstance(source, EventTarget):
            raise TypeError(
                f"source is {webidl.shown(source)}; expected a ServiceWorker, a MessagePort or a Window"
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
    def source(self) -> EventTarget | None:
        return self._source

    @property
    def ports(self) -> tuple[MessagePort, ...]:
        return self._ports


def received(realm: PythonRealm, posted: Posted) -> tuple[str, dict[str, Any]]:
    """The type of event that `posted` is in `realm`, with its `data` and `ports`.

    It is "messageerror" where Python has no value for what another language sent.
    Spec: https://html.spec.whatwg.org/multipage/structured-data.html#structureddeserializewithtransfer
    """
    ports = tuple(MessagePort._of(realm, port) for port in posted.take_ports())
    try:
        return "message", {"data": deserialize(posted.message, ports, realm.context), "ports": ports}
    except DataCloneError:
        for port in ports:
            port.close()
        return "messageerror", {}


async def fire_message(
    realm: PythonRealm, target: EventTarget, posted: Posted, *, source: EventTarget | None = None
) -> None:
    """Fire what was posted at `target`, an object of `realm`."""
    if realm.foreign is not None and realm.foreign.takes_message(target, posted, source):
        return
    type, init = received(realm, posted)
    event = realm.context.bind(MessageEvent)(type, origin=posted.origin, source=source, **init)
    await fire(target, event)
