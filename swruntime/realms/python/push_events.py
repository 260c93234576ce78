"""PushEvent and PushSubscriptionChangeEvent: https://w3c.github.io/push-api/#pushevent-interface"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from swruntime.agent.promise import NoPublicConstructor
from swruntime.agent.push import PushMessage, SubscriptionChange
from swruntime.algorithms import urls, webidl
from swruntime.realms.python.blob import Blob, decode_utf8
from swruntime.realms.python.body import parse_json
from swruntime.realms.python.context import RealmContext
from swruntime.realms.python.extendable import ExtendableEvent
from swruntime.realms.python.push import PushSubscription

if TYPE_CHECKING:
    from swruntime.realms.python.realm import PythonRealm

Bytes = bytes


class PushMessageData(metaclass=NoPublicConstructor):
    """What a push message brought: https://w3c.github.io/push-api/#pushmessagedata-interface"""

    def __init__(self, context: RealmContext, data: Bytes) -> None:
        self._context = context
        self._data = data

    def text(self) -> str:
        """It as UTF-8, without a byte order mark."""
        return decode_utf8(self._data)

    def json(self) -> Any:
        """It as JSON. Raises ValueError where it is none."""
        return parse_json(self._data)

    def bytes(self) -> Bytes:
        return self._data

    def array_buffer(self) -> Bytes:
        """As `bytes`, which is what an ArrayBuffer is in Python."""
        return self._data

    def blob(self) -> Blob:
        return Blob._of(self._context, self._data, "")


class PushEvent(ExtendableEvent):
    """`push`. `data` is None for a message without a payload."""

    def __init__(
        self,
        type: str,
        *,
        bubbles: bool = False,
        cancelable: bool = False,
        composed: bool = False,
        data: bytes | str | None = None,
    ) -> None:
        super().__init__(type, bubbles=bubbles, cancelable=cancelable, composed=composed)
        assert self._context is not None
        self._data = None if data is None else PushMessageData._create(self._context, _extracted(data))

    @property
    def data(self) -> PushMessageData | None:
        return self._data


class PushSubscriptionChangeEvent(ExtendableEvent):
    """`pushsubscriptionchange`: https://w3c.github.io/push-api/#pushsubscriptionchangeevent-interface"""

    def __init__(
        self,
        type: str,
        *,
        bubbles: bool = False,
        cancelable: bool = False,
        composed: bool = False,
        new_subscription: PushSubscription | None = None,
        old_subscription: PushSubscription | None = None,
    ) -> None:
        super().__init__(type, bubbles=bubbles, cancelable=cancelable, composed=composed)
        self._new = _checked("new_subscription", new_subscription)
        self._old = _checked("old_subscription", old_subscription)

    @property
    def new_subscription(self) -> PushSubscription | None:
        return self._new

    @property
    def old_subscription(self) -> PushSubscription | None:
        return self._old


def push_event(realm: PythonRealm, name: str, payload: PushMessage) -> PushEvent:
    """The event that a push message is at a worker's global scope."""
    return realm.context.bind(PushEvent)(name, data=payload.data)


def change_event(realm: PythonRealm, name: str, payload: SubscriptionChange) -> PushSubscriptionChangeEvent:
    """The event that a change of subscription is at a worker's global scope."""
    new = None if payload.new is None else PushSubscription._create(realm, payload.new)
    old = PushSubscription._create(realm, payload.old)
    return realm.context.bind(PushSubscriptionChangeEvent)(name, new_subscription=new, old_subscription=old)


def _checked(name: str, value: object) -> PushSubscription | None:
    if value is not None and not isinstance(value, PushSubscription):
        raise TypeError(f"{name} is {webidl.shown(value)}; expected a PushSubscription or None")
    return value


def _extracted(data: object) -> bytes:
    """*Extract a byte sequence*: https://w3c.github.io/push-api/#dfn-extract-a-byte-sequence"""
    if isinstance(data, str):
        return urls.to_scalar_values(data).encode()
    if isinstance(data, bytes | bytearray):
        return bytes(data)
    raise TypeError(f"data is {webidl.shown(data)}; expected bytes, str or None")
