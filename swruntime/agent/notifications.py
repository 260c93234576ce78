"""Persistent notifications: shown by scripts, kept in the profile, clicked and closed by the user.

Spec: https://notifications.spec.whatwg.org/#lifetime-and-ui-integrations
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal

import attrs

from swruntime.agent.functional import fire_once, start_event
from swruntime.agent.promise import Promise
from swruntime.concepts.notifications import NotificationAction, NotificationConcept, NotificationPermission
from swruntime.errors import InvalidStateError, QuotaExceededError, StorageFull
from swruntime.ports.realm import EventSpec
from swruntime.ports.store import StoredNotification
from swruntime.trace import NotificationClose, NotificationShow, NotificationUserAction

if TYPE_CHECKING:
    from swruntime.agent.controls import Permissions
    from swruntime.agent.registrations import Registration, Registrations
    from swruntime.agent.services import Services

MOST_BYTES = 32 * 1024 * 1024
"""Bytes that the notifications of an origin may have that are shown: they are kept in memory."""
MOST = 10_000
"""Notifications of an origin that may be shown."""

CloseCause = Literal["user", "script", "replaced", "cleared"]
"""Who closed a notification: the trace's `cause`."""


@attrs.frozen
class NotificationPayload:
    """What a NotificationEvent is made of: the notification, and the name of the action that was chosen."""

    notification: ShownNotification
    action: str = ""


class ShownNotification:
    """A notification, as its user has it: `agent.notifications` lists those that are shown."""

    def __init__(
        self, owner: Notifications, registration: Registration, number: int, concept: NotificationConcept
    ) -> None:
        self.registration = registration
        self.number = number
        """Unique in the profile, and never used again."""
        self.concept = concept
        self._owner = owner

    def __repr__(self) -> str:
        return f"<ShownNotification {self.title!r} of {self.scope}>"

    @property
    def scope(self) -> str:
        return self.registration.scope

    @property
    def title(self) -> str:
        return self.concept.title

    @property
    def body(self) -> str:
        return self.concept.body

    @property
    def tag(self) -> str:
        return self.concept.tag

    @property
    def actions(self) -> tuple[NotificationAction, ...]:
        return self.concept.actions

    @property
    def shown(self) -> bool:
        """Whether it is still there to be clicked."""
        return self in self._owner.all()

    def click(self, action: str = "") -> Promise[None]:
        """Activate it, or the one of its actions with that name; fulfilled when its event has ended.

        `notificationclick` is fired at the worker, which may open and focus windows then. A notification (or
        action) with a URL to `navigate` to opens a window there instead, and fires nothing. It stays until it is
        closed. Raises InvalidStateError when it is not shown any more, ValueError for an action that it does not
        have.
        Spec: https://notifications.spec.whatwg.org/#activating-a-notification
        """
        return self._owner.click(self, action)

    def close(self) -> Promise[None]:
        """Dismiss it: `notificationclose` is fired at the worker; fulfilled when that event has ended.

        Nothing happens when it is not shown any more.
        Spec: https://notifications.spec.whatwg.org/#closing-a-notification
        """
        return self._owner.dismiss(self)


class Notifications:
    """The *list of notifications* of one agent, in the order of their creation."""

    def __init__(self, services: Services, registrations: Registrations, permissions: Permissions) -> None:
        self.open_window: Callable[[str], Awaitable[object]]
        """Opens a page and brings it to the front; the user agent provides it."""
        self._services = services
        self._registrations = registrations
        self._permissions = permissions
        self._shown: dict[int, ShownNotification] = {}
        self._counts: Counter[Registration] = Counter()
        self._sizes: dict[int, int] = {}
        self._number_of: Counter[str] = Counter()
        self._bytes_of: Counter[str] = Counter()
        """Of each origin, how many are shown, and what they have."""
        services.on_clear.append(self._clear)

    def all(self) -> list[ShownNotification]:
        return list(self._shown.values())

    def of(self, registration: Registration, tag: str = "") -> list[ShownNotification]:
        """Those of a registration; with `tag`, only those of that tag."""
        return [
            each for each in self.all() if each.registration is registration and tag in ("", each.concept.tag)
        ]

    def count(self, registration: Registration) -> int:
        """How many a registration has shown since the agent opened."""
        return self._counts[registration]

    def permission(self, origin: str) -> NotificationPermission:
        """*Get the notifications permission state*.

        Spec: https://notifications.spec.whatwg.org/#get-the-notifications-permission-state
        """
        state = self._permissions.query("notifications", origin)
        return "default" if state == "prompt" else state

    def show(self, registration: Registration, concept: NotificationConcept) -> ShownNotification:
        """*Notification show steps*, and what `show_notification` does before them.

        Raises TypeError (no permission; the registration is gone), QuotaExceededError (no room on the disk, or more
        than MOST or MOST_BYTES of the origin).
        Spec: https://notifications.spec.whatwg.org/#notification-show-steps
        """
        key = registration.storage_key
        if registration.active is None:
            raise TypeError(f"{registration.scope} has no active worker; await service_worker.ready first")
        if (state := self.permission(key)) != "granted":
            raise TypeError(f"the permission 'notifications' of {key} is {state!r}; expected 'granted'")
        # 4.
        old = None
        if concept.tag:
            same = (n for n in self.all() if n.tag == concept.tag and n.registration.storage_key == key)
            old = next(same, None)
        self._require_room(key, concept.size, old)
        # 5, 6.
        stored = StoredNotification(0, key, registration.scope, concept)
        try:
            with self._services.quota.transaction(key):
                number = self._services.store.add_notification(stored, None if old is None else old.number)
        except StorageFull as full:
            raise QuotaExceededError(f"no room for notification {concept.title!r}: {full}") from full
        if old is not None:
            self._forget(old, "replaced")
        self._counts[registration] += 1
        shown = self._remember(ShownNotification(self, registration, number, concept))
        self._services.trace.emit(
            NotificationShow(
                scope=registration.scope,
                notification=number,
                title=concept.title,
                body=concept.body,
                tag=concept.tag,
            )
        )
        return shown

    def _require_room(self, key: str, size: int, replaced: ShownNotification | None) -> None:
        number, there = self._number_of[key], self._bytes_of[key]
        if replaced is not None:
            number, there = number - 1, there - self._sizes[replaced.number]
        if number >= MOST:
            raise QuotaExceededError(f"{key} shows {number:,} notifications, and may show {MOST:,}")
        if there + size > MOST_BYTES:
            raise QuotaExceededError(
                f"the notifications that {key} shows would have over {MOST_BYTES:,} bytes"
            )

    def close(self, shown: ShownNotification, cause: CloseCause) -> bool:
        """*Close steps*, without their event. False where it was closed before.

        Spec: https://notifications.spec.whatwg.org/#close-steps
        """
        if shown.number not in self._shown:
            return False
        self._forget(shown, cause)
        self._services.when_there_is_room(
            f"the end of notification {shown.title!r}",
            lambda: self._services.store.delete_notification(shown.number),
        )
        return True

    def click(self, shown: ShownNotification, action: str) -> Promise[None]:
        """See `ShownNotification.click`."""
        if not shown.shown:
            raise InvalidStateError(f"notification {shown.title!r} is not shown any more")
        chosen = next((each for each in shown.actions if each.action == action), None)
        if action and chosen is None:
            names = ", ".join(repr(each.action) for each in shown.actions) or "none: it has no actions"
            raise ValueError(f"action is {action!r}; expected one of {names}")
        self._tell("notification-click", shown, action)
        # 3-5.
        url = shown.concept.navigate if chosen is None else chosen.navigate
        if url is not None:
            return start_event(self._services, "navigate", self._navigate, url)
        # 6.
        return self._fire_soon("notificationclick", NotificationPayload(shown, action))

    def dismiss(self, shown: ShownNotification) -> Promise[None]:
        """See `ShownNotification.close`."""
        if not shown.shown:
            return Promise.resolved(None)
        self._tell("notification-close", shown, "")
        self.close(shown, "user")
        return self._fire_soon("notificationclose", NotificationPayload(shown))

    def restore(self) -> None:
        """Know what the profile keeps."""
        for stored in self._services.store.notifications():
            registration = self._registrations.get(stored.storage_key, stored.scope)
            if registration is not None:
                self._remember(ShownNotification(self, registration, stored.number, stored.notification))

    def _clear(self, registration: Registration) -> None:
        """The registration is cleared: its notifications go, without an event."""
        for shown in self.of(registration):
            self.close(shown, "cleared")

    def _remember(self, shown: ShownNotification) -> ShownNotification:
        self._shown[shown.number] = shown
        self._sizes[shown.number] = shown.concept.size
        self._number_of[shown.registration.storage_key] += 1
        self._bytes_of[shown.registration.storage_key] += shown.concept.size
        return shown

    def _forget(self, shown: ShownNotification, cause: CloseCause) -> None:
        del self._shown[shown.number]
        self._number_of[shown.registration.storage_key] -= 1
        self._bytes_of[shown.registration.storage_key] -= self._sizes.pop(shown.number)
        self._services.trace.emit(
            NotificationClose(scope=shown.scope, notification=shown.number, title=shown.title, cause=cause)
        )

    def _fire_soon(self, name: str, payload: NotificationPayload) -> Promise[None]:
        return start_event(self._services, name, self._fire, name, payload)

    async def _fire(self, name: str, payload: NotificationPayload) -> None:
        """*Fire a service worker notification event*.

        Spec: https://notifications.spec.whatwg.org/#fire-a-service-worker-notification-event
        """
        shown = payload.notification
        spec = EventSpec(name, "NotificationEvent", payload=payload)
        await fire_once(self._services, shown.registration, spec, f"notification {shown.title!r}")

    async def _navigate(self, url: str) -> None:
        await self.open_window(url)

    def _tell(self, action: str, shown: ShownNotification, choice: str) -> None:
        self._services.trace.emit(
            NotificationUserAction(
                action=action,
                scope=shown.scope,
                notification=shown.number,
                title=shown.title,
                choice=choice,
            )
        )
