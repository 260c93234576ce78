"""Header list, request and response, as Fetch has them: values, without bodies that move.

A body that is stored is named by a `StoredBody`; what streams is the agent's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import attrs

from swruntime.concepts.enums import (
    ReferrerPolicy,
    RequestCache,
    RequestCredentials,
    RequestDestination,
    RequestMode,
    RequestRedirect,
    ResponseType,
)
from swruntime.concepts.environment import Environment


@attrs.frozen
class HeaderList:
    """An ordered list of (name, value); names are compared without regard to case.

    Spec: https://fetch.spec.whatwg.org/#concept-header-list
    """

    items: tuple[tuple[str, str], ...] = ()
    _found: dict[str, tuple[str, ...]] | None = attrs.field(default=None, init=False, eq=False, repr=False)
    """The values by name in lower case, once one was asked for: of one list a dozen names are."""

    @property
    def _values(self) -> dict[str, tuple[str, ...]]:
        if self._found is None:
            found: dict[str, tuple[str, ...]] = {}
            for name, value in self.items:
                name = name.lower()
                found[name] = (*found[name], value) if name in found else (value,)
            object.__setattr__(self, "_found", found)
            return found
        return self._found

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> HeaderList:
        return cls(tuple((name, value) for name, value in pairs))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.items)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._values

    def get(self, name: str) -> str | None:
        """The combined value of `name`: https://fetch.spec.whatwg.org/#concept-header-list-get"""
        values = self.all(name)
        return ", ".join(values) if values else None

    def all(self, name: str) -> tuple[str, ...]:
        return self._values.get(name.lower(), ())

    def append(self, name: str, value: str) -> HeaderList:
        """https://fetch.spec.whatwg.org/#concept-header-list-append (the first spelling of the name stays)"""
        lower = name.lower()
        if lower in self._values:
            name = next(existing for existing, _ in self.items if existing.lower() == lower)
        return HeaderList((*self.items, (name, value)))

    def delete(self, *names: str) -> HeaderList:
        """https://fetch.spec.whatwg.org/#concept-header-list-delete"""
        gone = {name.lower() for name in names}
        if gone.isdisjoint(self._values):
            return self
        return HeaderList(tuple((n, v) for n, v in self.items if n.lower() not in gone))

    def set(self, name: str, value: str) -> HeaderList:
        """https://fetch.spec.whatwg.org/#concept-header-list-set (the first one is replaced, the others go)"""
        result: list[tuple[str, str]] = []
        done = False
        for n, v in self.items:
            if n.lower() != name.lower():
                result.append((n, v))
            elif not done:
                result.append((n, value))
                done = True
        if not done:
            result.append((name, value))
        return HeaderList(tuple(result))


@attrs.frozen
class StoredBody:
    """A body that storage holds: a row before it is a file (promise 3). `length` is in bytes."""

    id: int
    length: int


FetchSite = Literal["none", "same-origin", "same-site", "cross-site"]
"""How far an initiator is from what it asks for, the nearest first; "none" is the user.

Spec: https://w3c.github.io/webappsec-fetch-metadata/#sec-fetch-site-header
"""


@attrs.frozen
class Initiator:
    """Who began a request that a worker hands on. Fetch keeps the origin of a navigation.

    Spec: https://fetch.spec.whatwg.org/#dom-request, step 12, "The propagation of the origin"
    """

    origin: str
    """Serialized; "null" where it is opaque or nothing tells it."""
    site: FetchSite
    top_level: bool
    """Whether a window is navigated, and not a frame in it."""
    is_told: bool = True
    """Whether the client would have told of another site; if not, `site` is a guess."""


@attrs.frozen
class Request:
    """https://fetch.spec.whatwg.org/#concept-request, as far as it outlives the script that made it.

    `url` is serialized, absolute, with its fragment. `body` is what `fetch()` stored, or the bytes
    that a script handed over and nothing stored yet. `client` is a snapshot, because the page may be
    gone when the request is sent.
    """

    url: str
    method: str = "GET"
    headers: HeaderList = HeaderList()
    body: StoredBody | bytes | None = None
    mode: RequestMode = "cors"
    credentials: RequestCredentials = "same-origin"
    cache: RequestCache = "default"
    redirect: RequestRedirect = "follow"
    referrer: str = "about:client"
    referrer_policy: ReferrerPolicy = ""
    integrity: str = ""
    keepalive: bool = False
    destination: RequestDestination = ""
    client: Environment | None = None
    initiator: Initiator | None = None
    """Of a navigation, whose origin is not its client's, and of what nothing is told of; None: it is the client."""
    cookie: str | None = attrs.field(default=None, repr=False)
    """The Cookie header that came with a request from outside. It is for that URL only, and is never stored."""


@attrs.frozen
class Response:
    """https://fetch.spec.whatwg.org/#concept-response without its body.

    This is the internal response, its headers as they came. `type` says which filter a script
    sees it through: `algorithms.filtering.exposed()`.
    """

    status: int = 200
    status_text: str = ""
    headers: HeaderList = HeaderList()
    url_list: tuple[str, ...] = ()
    type: ResponseType = "default"

    @property
    def url(self) -> str:
        """The last of the URL list, or "" where there is none."""
        return self.url_list[-1] if self.url_list else ""

    @property
    def ok(self) -> bool:
        """https://fetch.spec.whatwg.org/#ok-status"""
        return 200 <= self.status <= 299
