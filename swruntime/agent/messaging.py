"""Messages on their way: ports, which pass from realm to realm, and broadcasts.

A realm's MessagePort stands for a `Port` of here. To transfer it is to take the `Port` away from one object
and to give it to another; what waits in it goes along, and its peer notices nothing.

Spec: https://html.spec.whatwg.org/multipage/web-messaging.html
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from swruntime.agent.held import Charge
from swruntime.concepts.messages import Message

if TYPE_CHECKING:
    from swruntime.agent.clients import Client
    from swruntime.agent.workers import Worker


@attrs.define(eq=False)
class Posted:
    """A message that was posted, with the ports that it transfers. `source` is who posted it to a worker or a page."""

    message: Message
    ports: tuple[Port, ...] = ()
    origin: str = ""
    source: Client | Worker | None = None
    charge: Charge | None = None
    """What it counts as in the realm that has sent it, while it is held."""

    def take_message(self) -> tuple[Message, Charge | None]:
        """Its message, and what that counts as: from now on it is not held here, whoever keeps this."""
        taken = self.message, self.charge
        self.message, self.charge = Message(None), None
        return taken

    def take_ports(self) -> tuple[Port, ...]:
        """Its ports, to be given to objects of the realm where it arrived."""
        ports, self.ports = self.ports, ()
        return ports

    def drop(self) -> None:
        """It arrives nowhere: the ports that nobody took are closed."""
        for port in self.take_ports():
            port.close()


class Port:
    """One end of a channel: a message port without its platform object.

    Spec: https://html.spec.whatwg.org/multipage/web-messaging.html#message-ports
    """

    def __init__(self) -> None:
        self._peer: Port | None = None
        self._queue: deque[Posted] = deque()
        self._wake: Callable[[], None] | None = None
        self.when_cut: Callable[[], None] | None = None
        """Called when its peer is closed: nothing more is posted to it. By the garbage collector, too, that is in the
        midst of anything and in any thread."""

    @staticmethod
    def pair() -> tuple[Port, Port]:
        """Two entangled ports."""
        one, other = Port(), Port()
        one._peer, other._peer = other, one
        return one, other

    @property
    def peer(self) -> Port | None:
        """The port that it is entangled with; None once either was closed."""
        return self._peer

    def post(self, posted: Posted) -> None:
        """Queue `posted` at the peer. Without one it is dropped."""
        peer = self._peer
        if peer is None:
            posted.drop()
            return
        peer._queue.append(posted)
        if peer._wake is not None:
            peer._wake()

    def enable(self, wake: Callable[[], None]) -> None:
        """Call `wake` once for each message, those that wait already included."""
        self._wake = wake
        for _ in range(len(self._queue)):
            wake()

    def disable(self) -> None:
        """Its object is gone: from now on messages wait for the next one."""
        self._wake = self.when_cut = None

    @property
    def dry(self) -> bool:
        """No message waits, and none will come."""
        return self._peer is None and not self._queue

    def next(self) -> Posted | None:
        """Take the first message out of its queue; None where there is none."""
        return self._queue.popleft() if self._queue else None

    def close(self) -> None:
        """Disentangle it. What waits here is dropped; what its peer has not read yet can still be read."""
        # A message that is dropped closes the ports in it, and those may hold messages with ports.
        doomed = [self]
        while doomed:
            port = doomed.pop()
            if (peer := port._peer) is not None:
                peer._peer = None
                if peer.when_cut is not None:
                    peer.when_cut()
            port._peer = port._wake = port.when_cut = None
            for posted in port._queue:
                doomed.extend(posted.take_ports())
            port._queue.clear()


class Broadcasts:
    """The broadcast channels of one agent, by storage key and name, each in the order of its making.

    Spec: https://html.spec.whatwg.org/multipage/web-messaging.html#broadcasting-to-other-browsing-contexts
    """

    def __init__(self) -> None:
        self._channels: dict[tuple[str, str], list[Callable[[Posted], None]]] = {}

    def join(self, storage_key: str, name: str, receive: Callable[[Posted], None]) -> Callable[[], None]:
        """Have `receive` called with what others post. Answers with a function that ends it."""
        key = (storage_key, name)
        self._channels.setdefault(key, []).append(receive)

        def leave() -> None:
            channels = self._channels.get(key, [])
            if receive in channels:
                channels.remove(receive)
            if not channels:
                self._channels.pop(key, None)

        return leave

    def post(self, storage_key: str, name: str, posted: Posted, sender: Callable[[Posted], None]) -> None:
        """Hand `posted` to every channel of that name but the sender's own."""
        for receive in tuple(self._channels.get((storage_key, name), ())):
            if receive != sender:
                receive(posted)
