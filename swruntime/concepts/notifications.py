"""Notifications: https://notifications.spec.whatwg.org/#notifications"""

from __future__ import annotations

from typing import Literal

import attrs

from swruntime.concepts.memory import memory_of
from swruntime.concepts.messages import Message

NotificationDirection = Literal["auto", "ltr", "rtl"]
"""https://notifications.spec.whatwg.org/#enumdef-notificationdirection"""

NotificationPermission = Literal["default", "denied", "granted"]
"""https://notifications.spec.whatwg.org/#enumdef-notificationpermission"""


@attrs.frozen
class NotificationAction:
    """A choice that a notification offers. `navigate` and `icon` are absolute URLs.

    Spec: https://notifications.spec.whatwg.org/#dictdef-notificationaction
    """

    action: str
    title: str
    navigate: str | None = None
    icon: str | None = None


@attrs.frozen(kw_only=True)
class NotificationConcept:
    """What a notification says. URLs are absolute; None where there is none.

    `timestamp` is in milliseconds since 1970, `vibrate` in milliseconds.
    Spec: https://notifications.spec.whatwg.org/#concept-notification
    """

    title: str
    direction: NotificationDirection = "auto"
    language: str = ""
    body: str = ""
    navigate: str | None = None
    tag: str = ""
    image: str | None = None
    icon: str | None = None
    badge: str | None = None
    vibrate: tuple[int, ...] = ()
    timestamp: int = 0
    renotify: bool = False
    silent: bool | None = None
    require_interaction: bool = False
    data: Message = attrs.field(default=Message(None))
    actions: tuple[NotificationAction, ...] = ()

    @property
    def size(self) -> int:
        """About the memory that it takes, in bytes."""
        return memory_of(self)
