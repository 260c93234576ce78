"""Push subscriptions: https://w3c.github.io/push-api/#dfn-push-subscription"""

from __future__ import annotations

import attrs

ENDPOINT = "https://push.swruntime.invalid/"
"""Where every endpoint is: nowhere. It is the emulator's own, and a name that no server can ever have."""


@attrs.frozen(kw_only=True)
class PushSubscriptionConcept:
    """A push subscription. Keys are as RFC 8291 has them; `p256dh` is the public one of `private_key`.

    `number` is unique in the profile and never used again, 0 before it was stored. `expiration_time` is in
    milliseconds since 1970, None where it does not expire.
    """

    number: int = 0
    token: str
    user_visible_only: bool
    application_server_key: bytes | None
    private_key: bytes = attrs.field(repr=False)
    p256dh: bytes
    auth: bytes = attrs.field(repr=False)
    expiration_time: int | None = None

    @property
    def endpoint(self) -> str:
        """https://w3c.github.io/push-api/#dfn-push-endpoint"""
        return f"{ENDPOINT}{self.number}/{self.token}"
