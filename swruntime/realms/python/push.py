"""PushManager and PushSubscription: https://w3c.github.io/push-api/#pushmanager-interface"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from swruntime.agent import push as agent
from swruntime.agent.promise import NoPublicConstructor, Promise
from swruntime.agent.registrations import Registration
from swruntime.algorithms import p256, webidl
from swruntime.concepts.enums import PermissionState
from swruntime.concepts.push import PushSubscriptionConcept
from swruntime.errors import InvalidAccessError, InvalidCharacterError

if TYPE_CHECKING:
    from swruntime.realms.python.realm import PythonRealm

PushEncryptionKeyName = Literal["p256dh", "auth"]
KEY_NAMES: tuple[PushEncryptionKeyName, ...] = ("p256dh", "auth")


class PushManager(metaclass=NoPublicConstructor):
    """`registration.push_manager`.

    There is no push service: what is subscribed to here is sent to with `agent.push()`.
    """

    supported_content_encodings: ClassVar[tuple[str, ...]] = ("aes128gcm",)

    def __init__(self, realm: PythonRealm, registration: Registration) -> None:
        self._realm = realm
        self._registration = registration

    def subscribe(
        self, *, user_visible_only: bool = False, application_server_key: bytes | str | None = None
    ) -> Promise[PushSubscription]:
        """Subscribe, or answer with the subscription that there is.

        `application_server_key` is a public key of P-256 (65 bytes, or those in base64url); none is required here.
        Rejects with TypeError, InvalidCharacterError (no base64url), InvalidAccessError (no key of P-256),
        InvalidStateError (no active worker; subscribed with other options), NotAllowedError (the permission "push"
        is not granted), QuotaExceededError (no room on the disk).
        Spec: https://w3c.github.io/push-api/#dom-pushmanager-subscribe
        """
        realm, context = self._realm, self._realm.context
        where = context.where()

        async def operation() -> PushSubscription:
            visible = webidl.boolean("user_visible_only", user_visible_only)
            key = _server_key(application_server_key)
            subscription = realm.agent.push_service.subscribe(self._registration, visible, key)
            if not visible:
                text = "subscribe() without user_visible_only=True is a NotAllowedError in Chromium"
                context.diagnose("push-not-user-visible", text, where)
            return PushSubscription._create(realm, subscription)

        return context.promise(operation, name="PushManager.subscribe")

    def get_subscription(self) -> Promise[PushSubscription | None]:
        """The subscription of this registration, or None.

        Spec: https://w3c.github.io/push-api/#dom-pushmanager-getsubscription
        """
        realm = self._realm

        async def operation() -> PushSubscription | None:
            found = realm.agent.push_service.of(self._registration)
            return None if found is None else PushSubscription._create(realm, found)

        return realm.context.promise(operation, name="PushManager.get_subscription")

    def permission_state(
        self, *, user_visible_only: bool = False, application_server_key: bytes | str | None = None
    ) -> Promise[PermissionState]:
        """The state of the permission "push". Rejects with TypeError.

        Spec: https://w3c.github.io/push-api/#dom-pushmanager-permissionstate
        """

        async def operation() -> PermissionState:
            webidl.boolean("user_visible_only", user_visible_only)
            _checked_key_type(application_server_key)
            return self._realm.agent.push_service.permission(self._registration)

        return self._realm.context.promise(operation, name="PushManager.permission_state")


class PushSubscriptionOptions(metaclass=NoPublicConstructor):
    """https://w3c.github.io/push-api/#pushsubscriptionoptions-interface"""

    def __init__(self, concept: PushSubscriptionConcept) -> None:
        self._concept = concept

    @property
    def user_visible_only(self) -> bool:
        return self._concept.user_visible_only

    @property
    def application_server_key(self) -> bytes | None:
        return self._concept.application_server_key


class PushSubscription(metaclass=NoPublicConstructor):
    """https://w3c.github.io/push-api/#pushsubscription-interface"""

    _clone_hint = "its to_json() would do"

    def __init__(self, realm: PythonRealm, concept: agent.PushSubscription) -> None:
        self._realm = realm
        self._concept = concept
        self._options = PushSubscriptionOptions._create(concept.concept)

    def __repr__(self) -> str:
        return f"<PushSubscription {self.endpoint}>"

    @property
    def endpoint(self) -> str:
        """A URL of the emulator's own, where no server is: `agent.push()` sends."""
        return self._concept.concept.endpoint

    @property
    def expiration_time(self) -> int | None:
        """Milliseconds since 1970; None, as it does not expire by itself."""
        return self._concept.concept.expiration_time

    @property
    def options(self) -> PushSubscriptionOptions:
        return self._options

    def get_key(self, name: PushEncryptionKeyName) -> bytes:
        """ "p256dh", the public key in its uncompressed form, or "auth", the secret. Raises TypeError.

        Spec: https://w3c.github.io/push-api/#dom-pushsubscription-getkey
        """
        concept = self._concept.concept
        return concept.p256dh if webidl.enumeration("name", name, KEY_NAMES) == "p256dh" else concept.auth

    def to_json(self) -> dict[str, Any]:
        """What a server is sent to subscribe; its keys are spelled as there, `expirationTime` among them.

        Spec: https://w3c.github.io/push-api/#dom-pushsubscription-tojson
        """
        return {
            "endpoint": self.endpoint,
            "expirationTime": self.expiration_time,
            "keys": {
                name: urlsafe_b64encode(self.get_key(name)).rstrip(b"=").decode()
                for name in sorted(KEY_NAMES)
            },
        }

    def unsubscribe(self) -> Promise[bool]:
        """True; False where it was deactivated before.

        Spec: https://w3c.github.io/push-api/#dom-pushsubscription-unsubscribe
        """

        async def operation() -> bool:
            return self._realm.agent.push_service.unsubscribe(self._concept)

        return self._realm.context.promise(operation, name="PushSubscription.unsubscribe")


def _checked_key_type(key: object) -> None:
    if key is not None and not isinstance(key, str | bytes | bytearray):
        raise TypeError(f"application_server_key is {webidl.shown(key)}; expected bytes, str or None")


def _server_key(key: bytes | bytearray | str | None) -> bytes | None:
    """*subscribe()*, step 6. Raises TypeError, InvalidCharacterError, InvalidAccessError."""
    _checked_key_type(key)
    if key is None:
        return None
    if isinstance(key, str):
        # Python's decoder would skip what is not of the alphabet.
        if re.fullmatch(r"[A-Za-z0-9_-]*={0,2}", key) is None or len(key.rstrip("=")) % 4 == 1:
            raise InvalidCharacterError(
                f"application_server_key is {webidl.shown(key)}; expected base64url, or bytes"
            )
        key = urlsafe_b64decode(key.rstrip("=") + "==")
    if not p256.is_point(bytes(key)):
        raise InvalidAccessError(
            f"application_server_key has {len(key)} bytes, and is not a public key of P-256; "
            "expected 65, the first of them 4"
        )
    return bytes(key)
