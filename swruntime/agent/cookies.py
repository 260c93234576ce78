"""The cookie jar of an agent: one for all its origins, kept in the profile.

Spec: https://fetch.spec.whatwg.org/#http-network-or-cache-fetch, where it appends Cookie and takes Set-Cookie
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attrs

from swruntime.algorithms import cookies as algorithms
from swruntime.algorithms.cors import Tainting
from swruntime.concepts.cookies import Cookie
from swruntime.concepts.http import HeaderList, Request
from swruntime.errors import StorageFull
from swruntime.ports.store import Store

MOST_OF_A_DOMAIN = 180
MOST = 3000
"""So many cookies are kept, the youngest."""


class CookieJar:
    """`now` gives seconds since 1970.

    A cookie that cannot be stored counts until the process ends, and `tell_no_room` is called.

    A cookie of a file that is brought replaces the one that is kept.
    """

    def __init__(
        self, store: Store, now: Callable[[], float], tell_no_room: Callable[[str, StorageFull], None]
    ) -> None:
        self._store = store
        self._now = now
        self._tell_no_room = tell_no_room
        self._cookies = {cookie.key: cookie for cookie in store.cookies()}

    def _aligned_now(self) -> float:
        """The time, by which no cookie is of the future: the clock may have been set back since one came."""
        now = self._now()
        ahead = [cookie for cookie in self._cookies.values() if cookie.created > now]
        if ahead:
            changed = [algorithms.realigned(cookie, now) for cookie in ahead]
            self._cookies |= {cookie.key: cookie for cookie in changed}
            self._save(changed, [])
        return now

    def all(self) -> list[Cookie]:
        """Those that have not expired."""
        now = self._aligned_now()
        return [cookie for cookie in self._cookies.values() if not algorithms.is_expired(cookie, now)]

    def bring(self, cookies: Iterable[Cookie]) -> None:
        """Put cookies in, whatever was there of the same name, domain and path."""
        self._change(cookies)

    def header(self, request: Request, tainting: Tainting) -> str | None:
        """The Cookie header of `request`, None where it has none: what it brought, and what is here for it."""
        if not algorithms.includes_credentials(request, tainting):
            return None
        now = self._aligned_now()
        found = algorithms.cookies_for(
            self._cookies.values(),
            request.url,
            now,
            same_site=algorithms.is_same_site(request),
            lax=algorithms.takes_lax(request),
            navigated=request.initiator is not None,
        )
        header = algorithms.header_value(found) or None
        return header if request.cookie is None else algorithms.with_brought(request.cookie, header)

    def take(self, request: Request, tainting: Tainting, headers: HeaderList) -> None:
        """What the response to `request` sets. Whether CORS lets a script see the response has no part in it."""
        values = headers.all("Set-Cookie")
        if not values or not algorithms.includes_credentials(request, tainting):
            return
        # 5.7, 17. What a window is navigated to may set its cookies, whoever has sent the user there.
        same_site = algorithms.is_same_site(request) or algorithms.navigates_from_elsewhere(request)
        for value in values:
            cookie = algorithms.parse_set_cookie(
                value, request.url, self._now(), same_site=same_site, date=headers.get("Date")
            )
            if cookie is not None and algorithms.may_replace(cookie, self._cookies.values(), request.url):
                self._change((cookie,))

    def _change(self, cookies: Iterable[Cookie]) -> None:
        before = dict(self._cookies)
        for cookie in cookies:
            self._put(cookie)
        saved = [c for key, c in self._cookies.items() if before.get(key) != c]
        gone = [c for key, c in before.items() if key not in self._cookies]
        if not saved and not gone:
            return
        self._save(saved, gone)

    def _save(self, saved: list[Cookie], gone: list[Cookie]) -> None:
        try:
            self._store.save_cookies(saved, gone)
        except StorageFull as full:
            self._tell_no_room("a cookie", full)

    def _put(self, cookie: Cookie) -> None:
        old = self._cookies.pop(cookie.key, None)
        now = self._now()
        if algorithms.is_expired(cookie, now):
            return
        # A new value keeps its place among those of its path.
        self._cookies[cookie.key] = attrs.evolve(
            cookie, created=cookie.created if old is None else old.created
        )
        of_domain = [c for c in self._cookies.values() if c.domain == cookie.domain]
        for crowd, most in ((of_domain, MOST_OF_A_DOMAIN), (list(self._cookies.values()), MOST)):
            if len(crowd) > most:
                self._evict(crowd, len(crowd) - most, now)

    def _evict(self, crowd: list[Cookie], count: int, now: float) -> None:
        """Those that have expired go first, then the oldest."""
        order = sorted(crowd, key=lambda c: (not algorithms.is_expired(c, now), c.created))
        for cookie in order[:count]:
            self._cookies.pop(cookie.key, None)
