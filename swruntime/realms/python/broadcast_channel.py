"""BroadcastChannel: https://html.spec.whatwg.org/multipage/web-messaging.html#broadcasting-to-other-browsing-contexts"""

from __future__ import annotations

from swruntime.agent.held import ITEM
from swruntime.agent.messaging import Posted
from swruntime.algorithms import webidl
from swruntime.errors import InvalidStateError
from swruntime.realms.python.events import EventHandler, EventTarget
from swruntime.realms.python.message_events import fire_message
from swruntime.realms.python.message_ports import pack
from swruntime.realms.python.realm import PythonRealm


class BroadcastChannel(EventTarget):
    """What is posted to it arrives at every other channel of that name, in all pages and running workers of the
    origin. No worker is started for it. It lives until it is closed or its realm is gone.
    """

    onmessage = EventHandler()
    onmessageerror = EventHandler()

    _realm: PythonRealm

    def __init__(self, name: str) -> None:
        super().__init__()
        self._realm.context.check_alive()
        self._name = webidl.dom_string("name", name)
        self._broadcasts = self._realm.agent.services.broadcasts
        self._leave = self._broadcasts.join(self._realm.storage_key, self._name, self._receive)
        self._forget = self._realm.context.on_discard(self._leave)
        self._closed = False

    def __repr__(self) -> str:
        return f"<BroadcastChannel {self._name}>"

    @property
    def name(self) -> str:
        return self._name

    def post_message(self, message: object) -> None:
        """Send a copy of `message` to every other channel of this name.

        Raises InvalidStateError once it is closed, DataCloneError for what cannot be cloned.
        Spec: https://html.spec.whatwg.org/multipage/web-messaging.html#dom-broadcastchannel-postmessage
        """
        # 2.
        if self._closed:
            raise InvalidStateError(f"{self!r} is closed")
        # 3-5.
        posted = pack(self._realm, message)
        # 6-9.
        self._broadcasts.post(self._realm.storage_key, self._name, posted, self._receive)

    def close(self) -> None:
        """No more messages. Spec: https://html.spec.whatwg.org/multipage/web-messaging.html#dom-broadcastchannel-close"""
        self._closed = True
        self._leave()
        self._forget()

    def _receive(self, posted: Posted) -> None:
        copy = None if posted.charge is None else posted.charge.another(ITEM)

        async def dispatch() -> None:
            if copy is not None:
                copy.release()
            if not self._closed:
                await fire_message(self._realm, self, posted)

        self._realm.messages.put(dispatch)
