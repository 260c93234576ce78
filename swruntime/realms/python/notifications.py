"""Notification, NotificationEvent, and what a registration has of them.

Only persistent notifications are there: those that a registration shows. A page's own, made with a constructor,
are not implemented.

Spec: https://notifications.spec.whatwg.org/#api
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, cast

from swruntime.agent.notifications import NotificationPayload, ShownNotification
from swruntime.agent.promise import NoPublicConstructor, Promise
from swruntime.agent.registrations import Registration
from swruntime.algorithms import notifications as algorithms, webidl
from swruntime.algorithms.notifications import MAX_ACTIONS
from swruntime.concepts.notifications import (
    NotificationAction,
    NotificationDirection,
    NotificationPermission,
)
from swruntime.errors import DataCloneError, NotSupportedError
from swruntime.realms.python.events import EventHandler, EventTarget
from swruntime.realms.python.extendable import ExtendableEvent
from swruntime.realms.python.structured_clone import deserialize, serialize

if TYPE_CHECKING:
    from swruntime.realms.python.realm import PythonRealm

Actions = Iterable[Mapping[str, str]]


class NotificationClass(NoPublicConstructor, type):
    """The static members of Notification. Each realm has a Notification of its own, which knows it."""

    _realm: PythonRealm

    def __call__(cls, *args: object, **kwargs: object) -> NoReturn:
        # Constructor, step 1.
        if cls._realm.own_worker is not None:
            raise TypeError(
                "a worker cannot construct a Notification: registration.show_notification() shows one"
            )
        raise NotSupportedError(
            "Notification() is not implemented in this version of swruntime: "
            "registration.show_notification() shows one"
        )

    @property
    def permission(cls) -> NotificationPermission:
        """https://notifications.spec.whatwg.org/#dom-notification-permission"""
        return cls._realm.agent.shown_notifications.permission(cls._realm.storage_key)

    @property
    def max_actions(cls) -> int:
        """Actions beyond so many are not shown: https://notifications.spec.whatwg.org/#dom-notification-maxactions"""
        return MAX_ACTIONS

    @property
    def request_permission(cls) -> Callable[..., Promise[NotificationPermission]]:
        """In pages: ask the user, who answers beforehand with `agent.permissions.set`; else it stays "default".

        A callback, if there is one, is called with the answer as well.
        Spec: https://notifications.spec.whatwg.org/#dom-notification-requestpermission
        """
        realm = cls._realm
        if realm.own_worker is not None:
            raise AttributeError("Notification.request_permission is there in pages only")

        def request_permission(
            deprecated_callback: Callable[[NotificationPermission], object] | None = None,
        ) -> Promise[NotificationPermission]:
            async def operation() -> NotificationPermission:
                realm.agent.permissions.request("notifications", realm.storage_key)
                state = cls.permission
                if deprecated_callback is not None:
                    _call(realm, deprecated_callback, state)
                return state

            return realm.context.promise(operation, name="Notification.request_permission")

        return request_permission


def _call(
    realm: PythonRealm,
    callback: Callable[[NotificationPermission], object],
    state: NotificationPermission,
) -> None:
    """*Invoke* and "report": what it raises is told, and changes nothing."""
    try:
        with realm.context.script_running:
            callback(state)
    except Exception as error:  # noqa: BLE001 - it is reported
        realm.context.report_error(error)


class Notification(EventTarget, metaclass=NotificationClass):
    """A notification that a registration has shown: https://notifications.spec.whatwg.org/#notification

    Its handlers are never called: what happens to it is told to the worker, as `notificationclick` and
    `notificationclose`.
    """

    onclick = EventHandler()
    onshow = EventHandler()
    onerror = EventHandler()
    onclose = EventHandler()

    def __init__(self, realm: PythonRealm, shown: ShownNotification) -> None:
        super().__init__()
        self._realm = realm
        self._shown = shown
        self._concept = shown.concept
        self._data: tuple[Any] | None = None

    def __repr__(self) -> str:
        return f"<Notification {self.title!r}>"

    @property
    def title(self) -> str:
        return self._concept.title

    @property
    def dir(self) -> NotificationDirection:
        return self._concept.direction

    @property
    def lang(self) -> str:
        return self._concept.language

    @property
    def body(self) -> str:
        return self._concept.body

    @property
    def navigate(self) -> str:
        return self._concept.navigate or ""

    @property
    def tag(self) -> str:
        return self._concept.tag

    @property
    def image(self) -> str:
        return self._concept.image or ""

    @property
    def icon(self) -> str:
        return self._concept.icon or ""

    @property
    def badge(self) -> str:
        return self._concept.badge or ""

    @property
    def vibrate(self) -> tuple[int, ...]:
        """Milliseconds, on and off in turn."""
        return self._concept.vibrate

    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970."""
        return self._concept.timestamp

    @property
    def renotify(self) -> bool:
        return self._concept.renotify

    @property
    def silent(self) -> bool | None:
        return self._concept.silent

    @property
    def require_interaction(self) -> bool:
        return self._concept.require_interaction

    @property
    def data(self) -> Any:
        """A copy of what was given, the same object each time; None where Python has no value for it."""
        if self._data is None:
            try:
                self._data = (deserialize(self._concept.data),)
            except DataCloneError:
                self._data = (None,)
        return self._data[0]

    @property
    def actions(self) -> tuple[NotificationAction, ...]:
        return self._concept.actions

    def close(self) -> None:
        """Remove it, without an event. Nothing happens when it is not shown any more.

        Spec: https://notifications.spec.whatwg.org/#dom-notification-close
        """
        self._realm.context.check_alive()
        self._realm.agent.shown_notifications.close(self._shown, "script")


def notification_class(realm: PythonRealm) -> type[Notification]:
    """The Notification of a realm, which finds it there."""
    bound = realm.context.bind(Notification)
    bound._realm = realm
    return bound


def _notification(realm: PythonRealm, shown: ShownNotification) -> Notification:
    return notification_class(realm)._create(realm, shown)


class RegistrationNotifications:
    """What a ServiceWorkerRegistration has of notifications."""

    _realm: PythonRealm
    _concept: Registration

    def show_notification(
        self,
        title: str,
        *,
        dir: NotificationDirection = "auto",
        lang: str = "",
        body: str = "",
        navigate: str | None = None,
        tag: str = "",
        image: str | None = None,
        icon: str | None = None,
        badge: str | None = None,
        vibrate: int | Iterable[int] | None = None,
        timestamp: int | None = None,
        renotify: bool = False,
        silent: bool | None = None,
        require_interaction: bool = False,
        data: Any = None,
        actions: Actions = (),
    ) -> Promise[None]:
        """Show a notification; one of this origin with the same `tag` is replaced. `timestamp` is in milliseconds.

        Rejects with TypeError (an argument; no active worker; the permission "notifications" is not granted),
        DataCloneError (`data` takes what messages take), QuotaExceededError (no room on the disk).
        Spec: https://notifications.spec.whatwg.org/#dom-serviceworkerregistration-shownotification
        """
        options = {key: value for key, value in locals().items() if key not in ("self", "title", "data")}
        realm, registration = self._realm, self._concept
        context = realm.context
        name = "ServiceWorkerRegistration.show_notification"
        try:
            context.check_alive()
            # 3.
            if registration.active is None:
                raise TypeError(
                    f"{registration.scope} has no active worker; await service_worker.ready first"
                )
            # 4.
            options["actions"] = webidl.sequence("actions", actions)
            now = round(realm.agent.services.wall.now() * 1000)
            concept = algorithms.create(title, options, serialize(data), realm.context.environment.url, now)
        except Exception as error:  # noqa: BLE001 - what a promise's method throws is a rejection
            return context.rejected(error, name=name)
        given = len(cast("tuple[object, ...]", options["actions"]))
        if given > MAX_ACTIONS:
            text = f"{given} actions are given; only the first {MAX_ACTIONS} are shown (Notification.max_actions)"
            context.diagnose("too-many-actions", text, context.where())

        async def operation() -> None:
            # 6.
            realm.agent.shown_notifications.show(registration, concept)

        return context.promise(operation, name=name)

    def get_notifications(self, *, tag: str = "") -> Promise[list[Notification]]:
        """Those of this registration that are shown, with `tag` only those of it, in the order of their creation.

        Spec: https://notifications.spec.whatwg.org/#dom-serviceworkerregistration-getnotifications
        """
        realm = self._realm

        async def operation() -> list[Notification]:
            wanted = webidl.dom_string("tag", tag)
            found = realm.agent.shown_notifications.of(self._concept, wanted)
            return [_notification(realm, shown) for shown in found]

        return realm.context.promise(operation, name="ServiceWorkerRegistration.get_notifications")


class NotificationEvent(ExtendableEvent):
    """`notificationclick` and `notificationclose`: https://notifications.spec.whatwg.org/#notificationevent"""

    def __init__(
        self,
        type: str,
        *,
        bubbles: bool = False,
        cancelable: bool = False,
        composed: bool = False,
        notification: Notification,
        action: str = "",
    ) -> None:
        super().__init__(type, bubbles=bubbles, cancelable=cancelable, composed=composed)
        if not isinstance(notification, Notification):
            raise TypeError(f"notification is {webidl.shown(notification)}; expected a Notification")
        self._notification = notification
        self._action = webidl.dom_string("action", action)

    @property
    def notification(self) -> Notification:
        return self._notification

    @property
    def action(self) -> str:
        """The name of the action that was clicked, "" for the notification itself."""
        return self._action


def notification_event(realm: PythonRealm, name: str, payload: NotificationPayload) -> NotificationEvent:
    """The event that the user's click or dismissal is at a worker's global scope."""
    return realm.context.bind(NotificationEvent)(
        name, notification=_notification(realm, payload.notification), action=payload.action
    )
