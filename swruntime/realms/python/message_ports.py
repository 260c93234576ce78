"""MessageChannel and MessagePort, and what every `post_message` does first.

Spec: https://html.spec.whatwg.org/multipage/web-messaging.html#channel-messaging
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any
from weakref import ref

import trio

from swruntime.agent.clients import Client
from swruntime.agent.messaging import Port, Posted
from swruntime.agent.promise import NoPublicConstructor
from swruntime.algorithms import webidl
from swruntime.errors import DataCloneError
from swruntime.realms.python.events import EventHandler, EventTarget
from swruntime.realms.python.realm import PythonRealm
from swruntime.realms.python.structured_clone import deserialize, serialize
from swruntime.trace import Console

Transfer = Iterable[object] | None


class MessageHandler(EventHandler):
    """`onmessage` of what queues its messages until it is told to start: to set it does that, too."""

    def __set__(self, target: EventTarget, value: Callable[[Any], object] | None) -> None:
        super().__set__(target, value)
        enable: Callable[[], None] = target._enable_messages  # type: ignore[attr-defined]
        enable()


class MessagePort(EventTarget, metaclass=NoPublicConstructor):
    """One end of a channel. Messages wait in it until `start()`, or until `onmessage` is set.

    It is transferred by naming it in `transfer`: then another object, in the realm where that arrives, takes its
    place, and what waits here goes along. With its realm it dies, and the other end hears nothing more.
    Spec: https://html.spec.whatwg.org/multipage/web-messaging.html#message-ports
    """

    onmessage = MessageHandler()
    onmessageerror = EventHandler()

    _clone_hint = "name it in transfer"

    def __init__(self, realm: PythonRealm, port: Port) -> None:
        super().__init__()
        self._context = realm.context
        self._realm = realm
        self._port: Port | None = port
        """None once it is detached: transferred, or closed."""
        self._started = False
        realm.ports.add(self)

    @classmethod
    def _of(cls, realm: PythonRealm, port: Port) -> MessagePort:
        made = cls._create(realm, port)
        if not realm.context.alive:
            made.close()
        return made

    def __repr__(self) -> str:
        return "<MessagePort>" if self._port is not None else "<MessagePort detached>"

    def __del__(self) -> None:
        # One that was never started can be collected while its peer lives; nobody will read what that posts.
        port = getattr(self, "_port", None)
        if port is not None and not self._started:
            port.close()

    def post_message(self, message: object, transfer: Transfer = None) -> None:
        """Send a copy of `message` to the other end. `transfer` is a list of the MessagePorts to send along.

        Where the other end is closed, or this one is, the message goes nowhere. Raises DataCloneError for what
        cannot be cloned; for a port in `transfer` that is there twice, is this one, or was transferred before.
        Spec: https://html.spec.whatwg.org/multipage/web-messaging.html#message-port-post-message-steps
        """
        self._context.check_alive()
        # 1. The port at the other end.
        target = self._port.peer if self._port is not None else None
        # 2, 3.
        wanted = _transferable(transfer)
        if any(port is self for port in wanted):
            raise DataCloneError(f"transfer has {self!r} itself: a port cannot be sent through itself")
        # 4, 5. Sent to itself, the other end is lost with the message.
        doomed = target is not None and any(port._port is target for port in wanted)
        # 6.
        posted = _pack(message, wanted)
        posted.charge = self._context.held.current
        # 7.
        if self._port is None or doomed:
            if doomed:
                text = "a port was posted to itself: the channel is lost"
                self._context.tell(Console(level="warn", text=text, where=self._context.where()))
            posted.drop()
            return
        # 8.
        self._port.post(posted)

    def start(self) -> None:
        """Let messages come. Spec: https://html.spec.whatwg.org/multipage/web-messaging.html#dom-messageport-start"""
        if self._port is not None and not self._started:
            self._started = True
            self._port.enable(self._message_waits)

    def close(self) -> None:
        """Cut the connection; what waits here is dropped, what the other end has not read yet it still can.

        Spec: https://html.spec.whatwg.org/multipage/web-messaging.html#dom-messageport-close
        """
        port = self._detach()
        if port is not None:
            port.close()

    def _enable_messages(self) -> None:
        self.start()

    def _detach(self) -> Port | None:
        port, self._port = self._port, None
        if port is not None:
            port.disable()
            self._realm.ports.discard(self)
        return port

    def _message_waits(self) -> None:
        self._realm.messages.put(self._dispatch_next)

    async def _dispatch_next(self) -> None:
        from swruntime.realms.python.message_events import fire_message

        # It may have been transferred since, and its messages with it.
        posted = self._port.next() if self._port is not None else None
        if posted is not None:
            await fire_message(self._realm, self, posted)
            self._tell_if_dry()

    def _heard_elsewhere(self) -> None:
        """Scripts of another language listen to it: they are told when nothing more comes."""
        if self._port is not None:
            token, reference = trio.lowlevel.current_trio_token(), ref(self)

            def cut() -> None:
                found = reference()
                if found is not None:
                    with suppress(trio.RunFinishedError):
                        token.run_sync_soon(found._tell_if_dry)

            self._port.when_cut = cut
            self._tell_if_dry()

    def _tell_if_dry(self) -> None:
        if self._realm.foreign is not None and self._port is not None and self._port.dry:
            self._realm.foreign.nothing_comes(self)


class MessageChannel:
    """Two entangled ports: https://html.spec.whatwg.org/multipage/web-messaging.html#message-channels"""

    _realm: PythonRealm

    def __init__(self) -> None:
        self._realm.context.check_alive()
        self._port1, self._port2 = (MessagePort._of(self._realm, port) for port in Port.pair())

    @property
    def port1(self) -> MessagePort:
        return self._port1

    @property
    def port2(self) -> MessagePort:
        return self._port2


def pack(realm: PythonRealm, message: object, transfer: Transfer = None) -> Posted:
    """`message`, serialized, with what is transferred taken out of this realm, and who posts it.

    Raises DataCloneError, and InvalidStateError in a realm that was discarded.
    Spec: https://html.spec.whatwg.org/multipage/structured-data.html#structuredserializewithtransfer
    """
    realm.context.check_alive()
    posted = _pack(message, _transferable(transfer))
    posted.origin = realm.context.environment.origin
    posted.source = realm.client or realm.own_worker
    posted.charge = realm.context.held.current
    return posted


def post_to_client(realm: PythonRealm, client: Client, message: object, transfer: Transfer = None) -> None:
    """Fire `message` at a page's `navigator.service_worker`, once that takes messages. `realm` is a worker's.

    To a page that was closed it goes nowhere. Raises DataCloneError.
    Spec: https://w3c.github.io/ServiceWorker/#client-postmessage-options
    """
    posted = pack(realm, message, transfer)
    if client.realm is None:
        posted.drop()
    else:
        client.realm.receive(posted)


def structured_clone(realm: PythonRealm, value: object, transfer: Transfer = None) -> Any:
    """A copy of `value`, with the ports in `transfer` moved to new objects. Raises DataCloneError.

    Spec: https://html.spec.whatwg.org/multipage/structured-data.html#dom-structuredclone
    """
    posted = pack(realm, value, transfer)
    ports = [MessagePort._of(realm, port) for port in posted.take_ports()]
    return deserialize(posted.message, ports, realm.context)


def checked_ports(ports: object) -> tuple[MessagePort, ...]:
    """sequence<MessagePort>. Raises TypeError."""
    items = webidl.sequence("ports", ports)
    for item in items:
        if not isinstance(item, MessagePort):
            raise TypeError(f"an item of ports is {webidl.shown(item)}; expected a MessagePort")
    return tuple(item for item in items if isinstance(item, MessagePort))


def _transferable(transfer: Transfer) -> list[MessagePort]:
    # 2. What can be transferred, and each once.
    ports: list[MessagePort] = []
    for index, item in enumerate(webidl.sequence("transfer", () if transfer is None else transfer)):
        if not isinstance(item, MessagePort):
            shown = webidl.shown(item)
            raise DataCloneError(f"transfer[{index}] is {shown}; only a MessagePort can be transferred")
        if any(item is port for port in ports):
            raise DataCloneError(f"transfer[{index}] is {item!r}, which is in transfer before: name it once")
        ports.append(item)
    return ports


def _pack(message: object, ports: list[MessagePort]) -> Posted:
    # 3.
    serialized = serialize(message, ports)
    # 5. All of them are looked at before the first one goes.
    for index, port in enumerate(ports):
        if port._port is None:
            raise DataCloneError(f"transfer[{index}] was transferred before, or closed; it cannot be sent")
    taken = (port._detach() for port in ports)
    return Posted(serialized, tuple(port for port in taken if port is not None))
