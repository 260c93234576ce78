"""Push subscriptions and messages. There is no push service: whoever holds the agent is the one that sends.

Spec: https://w3c.github.io/push-api/
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import attrs

from swruntime.agent.functional import fire_once, start_event
from swruntime.agent.promise import Promise
from swruntime.algorithms import p256, urls
from swruntime.algorithms.webidl import shown
from swruntime.concepts.enums import EventOutcome, PermissionState
from swruntime.concepts.push import PushSubscriptionConcept
from swruntime.errors import InvalidStateError, NotAllowedError, QuotaExceededError, StorageFull
from swruntime.ports.realm import EventSpec
from swruntime.trace import Diagnostic, UserAction

if TYPE_CHECKING:
    from swruntime.agent.controls import Permissions
    from swruntime.agent.notifications import Notifications
    from swruntime.agent.registrations import Registration, Registrations
    from swruntime.agent.services import Services

MAX_MESSAGE = 3993
"""Bytes of a message that every push service takes: https://www.rfc-editor.org/rfc/rfc8291#section-4"""


@attrs.frozen
class PushMessage:
    """What a PushEvent is made of; None is a message without a payload."""

    data: bytes | None


@attrs.frozen
class PushSubscription:
    """A subscription of a registration: https://w3c.github.io/push-api/#dfn-push-subscription"""

    registration: Registration
    concept: PushSubscriptionConcept


@attrs.frozen
class SubscriptionChange:
    """What a PushSubscriptionChangeEvent is made of."""

    old: PushSubscription
    new: PushSubscription | None


class PushService:
    """The push subscriptions of one agent, which its profile keeps, and what is sent to them."""

    def __init__(
        self,
        services: Services,
        registrations: Registrations,
        notifications: Notifications,
        permissions: Permissions,
    ) -> None:
        self._services = services
        self._registrations = registrations
        self._notifications = notifications
        self._permissions = permissions
        services.on_unregistered.append(self._deactivate)
        permissions.on_change(self._permission_changed)

    def of(self, registration: Registration) -> PushSubscription | None:
        """The subscription of a registration, None where it has none."""
        if registration.unregistered:
            return None
        concept = self._services.store.push_subscription(registration.storage_key, registration.scope)
        return None if concept is None else PushSubscription(registration, concept)

    def subscribe(
        self, registration: Registration, user_visible_only: bool, application_server_key: bytes | None
    ) -> PushSubscription:
        """The parallel steps of `PushManager.subscribe()`, after those on its options.

        Raises InvalidStateError (no active worker; subscribed with other options), NotAllowedError (the permission
        is not granted), QuotaExceededError (no room on the disk).
        Spec: https://w3c.github.io/push-api/#dom-pushmanager-subscribe
        """
        # 8.
        if registration.unregistered or registration.active is None:
            raise InvalidStateError(f"{registration.scope} has no active worker; await service_worker.ready")
        # 9, 10.
        state = self._permissions.request("push", registration.storage_key)
        if state != "granted":
            raise NotAllowedError(f"the permission 'push' of {registration.storage_key} is {state!r}")
        # 11.
        existing = self.of(registration)
        if existing is not None:
            there = existing.concept
            if (there.user_visible_only, there.application_server_key) != (
                user_visible_only,
                application_server_key,
            ):
                raise InvalidStateError(
                    f"{registration.scope} is subscribed with other options; unsubscribe() it first"
                )
            return existing
        # 12, 13.
        return self._create(registration, user_visible_only, application_server_key)

    def unsubscribe(self, subscription: PushSubscription) -> bool:
        """*Deactivate*. False where it was deactivated before."""
        if self.of(subscription.registration) != subscription:
            return False
        self._deactivate(subscription.registration)
        return True

    # What whoever holds the agent does

    def send(self, target: object, data: object) -> Promise[EventOutcome]:
        """See `UserAgent.push`."""
        subscription = self._subscription("target", target)
        message = PushMessage(None if data is None else _payload(data))
        self._tell("push", subscription)
        return start_event(self._services, "push", self._send, subscription, message)

    def refresh(self, target: object) -> Promise[EventOutcome]:
        """See `UserAgent.refresh_push_subscription`."""
        old = self._subscription("target", target)
        self._tell("push-refresh", old)
        options = old.concept.user_visible_only, old.concept.application_server_key
        new = self._create(old.registration, *options, old=old.concept)
        return start_event(self._services, "pushsubscriptionchange", self._change, old, new)

    def expire(self, target: object) -> Promise[EventOutcome]:
        """See `UserAgent.expire_push_subscription`."""
        old = self._subscription("target", target)
        self._tell("push-expire", old)
        return self._expire(old)

    async def _send(self, subscription: PushSubscription, message: PushMessage) -> EventOutcome:
        """*Receive a push message*: https://w3c.github.io/push-api/#receiving-a-push-message"""
        registration = subscription.registration
        shown_before = self._notifications.count(registration)
        spec = EventSpec("push", "PushEvent", payload=message)
        outcome = await fire_once(self._services, registration, spec, f"to {registration.scope}")
        promised = subscription.concept.user_visible_only and outcome != "interrupted"
        if promised and self._notifications.count(registration) == shown_before:
            text = (
                f"push to {registration.scope} ended without a notification, though its subscription is "
                "user_visible_only: Chromium shows one of its own then, unless a page of the site is visible"
            )
            self._services.trace.emit(Diagnostic(code="push-without-notification", message=text))
        return outcome

    async def _change(self, old: PushSubscription, new: PushSubscription | None) -> EventOutcome:
        """*Fire the "pushsubscriptionchange" event*.

        Spec: https://w3c.github.io/push-api/#the-pushsubscriptionchange-event
        """
        spec = EventSpec(
            "pushsubscriptionchange", "PushSubscriptionChangeEvent", payload=SubscriptionChange(old, new)
        )
        return await fire_once(self._services, old.registration, spec, f"of {old.registration.scope}")

    def _expire(self, old: PushSubscription) -> Promise[EventOutcome]:
        self._deactivate(old.registration)
        return start_event(self._services, "pushsubscriptionchange", self._change, old, None)

    def _permission_changed(self) -> None:
        """Revoked: every subscription of the origin is deactivated.

        Spec: https://w3c.github.io/push-api/#security-and-privacy-considerations
        """
        for registration in self._registrations.all():
            subscription = self.of(registration)
            if subscription is not None and self.permission(registration) != "granted":
                self._expire(subscription)

    def permission(self, registration: Registration) -> PermissionState:
        """The state of the permission "push" for its origin."""
        return self._permissions.query("push", registration.storage_key)

    def _create(
        self,
        registration: Registration,
        user_visible_only: bool,
        application_server_key: bytes | None,
        *,
        old: PushSubscriptionConcept | None = None,
    ) -> PushSubscription:
        """*Create a push subscription*: https://w3c.github.io/push-api/#dfn-create-a-push-subscription"""
        store, key, scope = self._services.store, registration.storage_key, registration.scope
        # 4. Another process may have begun with the same seed, and the keys must change with a refresh.
        private = self._private_key()
        while old is not None and private == int.from_bytes(old.private_key, "big"):
            private = self._private_key()
        rng = self._services.rng
        concept = PushSubscriptionConcept(
            token=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            user_visible_only=user_visible_only,
            application_server_key=application_server_key,
            private_key=private.to_bytes(32, "big"),
            p256dh=p256.public_key(private),
            # 5.
            auth=rng.randbytes(16),
        )
        try:
            with self._services.quota.transaction(key):
                return PushSubscription(registration, store.add_push_subscription(key, scope, concept))
        except StorageFull as full:
            raise QuotaExceededError(f"no room for a push subscription of {scope}: {full}") from full

    def _private_key(self) -> int:
        return self._services.rng.randrange(1, p256.ORDER)

    def _deactivate(self, registration: Registration) -> None:
        key, scope = registration.storage_key, registration.scope
        self._services.when_there_is_room(
            f"the end of the push subscription of {scope}",
            lambda: self._services.store.delete_push_subscription(key, scope),
        )

    def _subscription(self, name: str, target: object) -> PushSubscription:
        """What `target` is subscribed to. Raises TypeError, InvalidStateError."""
        from swruntime.agent.registrations import Registration

        concept = getattr(target, "_concept", target)
        if not isinstance(concept, Registration | PushSubscription):
            raise TypeError(
                f"{name} is {shown(target)}; expected a ServiceWorkerRegistration or a PushSubscription"
            )
        registration = concept if isinstance(concept, Registration) else concept.registration
        current = self.of(registration)
        if current is None or (isinstance(concept, PushSubscription) and concept != current):
            raise InvalidStateError(
                f"{name} is {shown(target)}, which is not subscribed to pushes (any more)"
            )
        return current

    def _tell(self, action: str, subscription: PushSubscription) -> None:
        self._services.trace.emit(UserAction(action=action, scope=subscription.registration.scope))


def _payload(data: object) -> bytes:
    if isinstance(data, str):
        payload = urls.to_scalar_values(data).encode()
    elif isinstance(data, bytes | bytearray):
        payload = bytes(data)
    else:
        raise TypeError(f"data is {shown(data)}; expected bytes, str or None")
    if len(payload) > MAX_MESSAGE:
        raise ValueError(
            f"data has {len(payload)} bytes; expected at most {MAX_MESSAGE}, which is what every push service takes"
        )
    return payload
