"""A cookie, as it is kept: https://httpwg.org/http-extensions/draft-ietf-httpbis-rfc6265bis.html#name-storage-model"""

from __future__ import annotations

from typing import Literal

import attrs

SameSite = Literal["strict", "lax", "none", "default"]
"""What the attribute said; "default", where it said nothing, is enforced as "lax"."""


@attrs.frozen
class Cookie:
    """`domain` has no dot in front; `host_only`: that very host. Times are in seconds since 1970.

    `expires` is None for a cookie of the session, which ends when the profile is cleared: a background fetch that
    goes on in another process needs its login there.
    """

    name: str
    value: str
    domain: str
    path: str = "/"
    host_only: bool = True
    expires: float | None = None
    secure: bool = False
    http_only: bool = False
    same_site: SameSite = "default"
    created: float = 0.0

    @property
    def key(self) -> tuple[str, bool, str, str]:
        """What two cookies have in common of which the later one replaces the other."""
        return self.domain, self.host_only, self.path, self.name
