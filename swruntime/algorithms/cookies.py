"""Cookies: what a Set-Cookie makes, and which of them go with a request.

Spec: https://httpwg.org/http-extensions/draft-ietf-httpbis-rfc6265bis.html, the numbers of whose steps are here.
Python's http.cookiejar reads the machine's clock, and knows neither SameSite nor name prefixes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

import attrs

from swruntime.algorithms import sites, urls, wall_clock
from swruntime.algorithms.cors import Tainting
from swruntime.concepts.cookies import Cookie, SameSite
from swruntime.concepts.http import Request

MOST_BYTES = 4096
"""Of a name and its value together."""

MOST_ATTRIBUTE_BYTES = 1024
LONGEST_LIFE = 400 * 86_400.0
"""Seconds: no cookie is kept for longer."""

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_DELIMITER = re.compile(r"[\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\D.*)?")
_DAY = re.compile(r"(\d{1,2})(?:\D.*)?")
_YEAR = re.compile(r"(\d{2,4})(?:\D.*)?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SAME_SITE: dict[str, SameSite] = {"strict": "strict", "lax": "lax", "none": "none"}


def includes_credentials(request: Request, tainting: Tainting) -> bool:
    """Whether cookies go with a request, and are taken from its response.

    Spec: https://fetch.spec.whatwg.org/#http-network-or-cache-fetch, the step on includeCredentials
    """
    return request.credentials == "include" or (request.credentials == "same-origin" and tainting == "basic")


def is_same_site(request: Request) -> bool:
    """Whether whoever makes `request` is of the site that it goes to; the user is everywhere at home.

    The URL that is asked now counts, as in browsers, not the redirects on the way there. Spec: 5.2, "Same-Site" and
    "Cross-Site" Requests
    """
    if request.client is not None and not sites.same_site(request.url, request.client.origin):
        return False
    return request.initiator is None or (request.initiator.site != "cross-site" and request.initiator.is_told)


def navigates_from_elsewhere(request: Request) -> bool:
    """Whether another site navigates a window to `request`'s, which a worker of its own site hands on."""
    if request.initiator is None or request.mode != "navigate" or not request.initiator.top_level:
        return False
    return request.client is None or sites.same_site(request.url, request.client.origin)


def takes_lax(request: Request) -> bool:
    """Whether cookies with SameSite=Lax, or without SameSite, go with `request` from another site.

    Spec: 5.6.7.1, "Lax" Enforcement: a top-level navigation with a safe method
    """
    return navigates_from_elsewhere(request) and request.method in ("GET", "HEAD", "OPTIONS", "TRACE")


def with_brought(brought: str, header: str | None) -> str:
    """The Cookie header of a request that brought one, and of which the jar has `header`.

    What was brought counts: of the jar's, only those of other names are added.
    """
    names = {_name(pair.strip()) for pair in brought.split(";")}
    added = [pair for pair in (header or "").split("; ") if pair and _name(pair) not in names]
    return "; ".join((brought, *added))


def _name(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    return name if equals else ""


def cookies_for(
    cookies: Iterable[Cookie],
    url: str,
    now: float,
    *,
    same_site: bool,
    lax: bool = False,
    navigated: bool = False,
) -> list[Cookie]:
    """The cookies that go with a request for `url`, in the order of the header: 5.8.3, "Retrieval Algorithm".

    `navigated`: another site navigates there; `lax`: in a way that takes those with SameSite=Lax along.
    """
    host, path, secure = urls.host(url), urls.parse(url).pathname, _is_secure(url)
    found = [
        cookie
        for cookie in cookies
        if (cookie.domain == host if cookie.host_only else domain_matches(host, cookie.domain))
        and path_matches(path, cookie.path)
        and (secure or not cookie.secure)
        and (same_site or _goes_across(cookie, lax, navigated))
        and not is_expired(cookie, now)
    ]
    return sorted(found, key=lambda cookie: (-len(cookie.path), cookie.created))


def _goes_across(cookie: Cookie, lax: bool, navigated: bool) -> bool:
    """Whether a cookie goes to its site from another one."""
    if lax and cookie.same_site != "strict":
        return True
    # A server's SameSite=None is Secure. Without that it is a file's, which knows no SameSite: the user wants it sent
    # where a script asks, which says nothing of where strangers send the user.
    return cookie.same_site == "none" and (cookie.secure or not navigated)


def header_value(cookies: Iterable[Cookie]) -> str:
    """What a Cookie header says of them."""
    return "; ".join(f"{c.name}={c.value}" if c.name else c.value for c in cookies)


def is_expired(cookie: Cookie, now: float) -> bool:
    return cookie.expires is not None and cookie.expires <= now


def realigned(cookie: Cookie, now: float) -> Cookie:
    """A cookie by a clock that was set back since it came: it lives no longer than it was to live."""
    if cookie.created <= now:
        return cookie
    expires = cookie.expires
    if expires is not None:
        expires = wall_clock.expires_at(expires, cookie.created, now)
    return attrs.evolve(cookie, expires=expires, created=now)


@attrs.frozen
class _Parsed:
    name: str
    value: str
    attributes: tuple[tuple[str, str], ...]

    def last(self, name: str) -> str | None:
        """The value of the last attribute of that name."""
        return next((value for each, value in reversed(self.attributes) if each == name), None)


def parse_set_cookie(
    header: str, url: str, now: float, *, same_site: bool, date: str | None = None
) -> Cookie | None:
    """The cookie that the response from `url` sets; None where it is ignored. One that has expired deletes.

    `date` is the response's: Expires is so much later, whatever the clock here shows, as in Chromium.

    What depends on the cookies that are there already is `may_replace`'s to say. Spec: 5.6 and 5.7.
    """
    parsed = _parse(header)
    if parsed is None:
        return None
    domain = _domain(parsed, url)
    if domain is None:
        return None
    # 5.7, 16, 17. SameSite; from another site only what says that it may go there.
    secure = parsed.last("secure") is not None
    flag = _SAME_SITE.get((parsed.last("samesite") or "").lower(), "default")
    if flag == "none" and not secure:
        return None
    if flag != "none" and not same_site:
        return None
    # 5.7, 12. Only a connection that nobody reads along sets a Secure one.
    if secure and not _is_secure(url):
        return None
    cookie = Cookie(
        parsed.name,
        parsed.value,
        domain[0],
        _path(parsed, url),
        host_only=domain[1],
        expires=_expires(parsed, now, parse_date(date or "")),
        secure=secure,
        http_only=parsed.last("httponly") is not None,
        same_site=flag,
        created=now,
    )
    return cookie if _keeps_its_prefix(cookie, parsed) else None


def may_replace(cookie: Cookie, cookies: Iterable[Cookie], url: str) -> bool:
    """Whether a server that cannot set Secure cookies leaves those that are there alone: 5.7, 15."""
    if cookie.secure or _is_secure(url):
        return True
    return not any(
        other.secure
        and other.name == cookie.name
        and (domain_matches(other.domain, cookie.domain) or domain_matches(cookie.domain, other.domain))
        and path_matches(cookie.path, other.path)
        for other in cookies
    )


def domain_matches(host: str, domain: str) -> bool:
    """5.1.3, "Domain Matching"."""
    return host == domain or (host.endswith(f".{domain}") and urls.is_domain(f"http://{host}/"))


def path_matches(path: str, cookie_path: str) -> bool:
    """5.1.4, "Paths and Path-Match"."""
    return path == cookie_path or (
        path.startswith(cookie_path) and (cookie_path.endswith("/") or path[len(cookie_path)] == "/")
    )


def parse_date(text: str) -> float | None:
    """Seconds since 1970 of a cookie's date, None for what is none: 5.1.1, "Dates"."""
    time = day = month = year = None
    # 2. Each token is the first thing that it can be and that is not there yet.
    for token in _DELIMITER.split(text):
        if time is None and (match := _TIME.fullmatch(token)):
            time = (int(match[1]), int(match[2]), int(match[3]))
        elif day is None and (match := _DAY.fullmatch(token)):
            day = int(match[1])
        elif month is None and token[:3].lower() in _MONTHS:
            month = _MONTHS.index(token[:3].lower()) + 1
        elif year is None and (match := _YEAR.fullmatch(token)):
            year = int(match[1])
    # 5. All of it must be there, and exist.
    if time is None or day is None or month is None or year is None:
        return None
    # 3, 4. Two digits.
    if year < 100:
        year += 1900 if year >= 70 else 2000
    if year < 1601:
        return None
    try:
        return datetime(year, month, day, *time, tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _parse(header: str) -> _Parsed | None:
    """5.6: the syntax."""
    # 1. Control characters.
    if _CONTROL.search(header):
        return None
    # 2-5. The name and the value; what has no "=" is a value.
    pair, *attributes = header.split(";")
    name, equals, value = pair.partition("=")
    if not equals:
        name, value = "", pair
    name, value = name.strip(" \t"), value.strip(" \t")
    # 6. Neither nothing nor too much.
    if not (name or value) or len(name) + len(value) > MOST_BYTES:
        return None
    found = []
    for attribute in attributes:
        key, _, text = attribute.partition("=")
        if len(text.strip(" \t")) <= MOST_ATTRIBUTE_BYTES:
            found.append((key.strip(" \t").lower(), text.strip(" \t")))
    return _Parsed(name, value, tuple(found))


def _domain(parsed: _Parsed, url: str) -> tuple[str, bool] | None:
    """The domain, and whether it is that host alone; None where it is not the server's to name: 5.7, 7-10."""
    host = urls.host(url)
    named = (parsed.last("domain") or "").removeprefix(".")
    if not named:
        return host, True
    try:
        named = urls.host(f"http://{named}/")
    except TypeError:
        return None
    if host == named and not urls.is_domain(url):
        return host, True
    if sites.is_public_suffix(named):
        return (host, True) if host == named else None
    return (named, False) if domain_matches(host, named) else None


def _path(parsed: _Parsed, url: str) -> str:
    """5.7, 11, and 5.1.4, "default-path"."""
    given = parsed.last("path")
    if given is not None and given.startswith("/"):
        return given
    return urls.parse(url).pathname.rpartition("/")[0] or "/"


def _expires(parsed: _Parsed, now: float, served: float | None) -> float | None:
    """5.7, 5 and 6: Max-Age before Expires, and neither for ever. `served` is when that was by the server's clock."""
    age = parsed.last("max-age")
    if age is not None and re.fullmatch(r"-?[0-9]+", age):
        # So many digits are more than the longest life, and Python need not count them.
        return now + min(int(age[:12]), LONGEST_LIFE) if not age.startswith("-") else 0.0
    date = parse_date(parsed.last("expires") or "")
    if date is None:
        return None
    return min(date if served is None else now + (date - served), now + LONGEST_LIFE)


def _keeps_its_prefix(cookie: Cookie, parsed: _Parsed) -> bool:
    """5.7, 18-20: what a name promises must be so."""
    name = (cookie.name or cookie.value).lower()
    if name.startswith("__secure-"):
        return bool(cookie.name) and cookie.secure
    if name.startswith("__host-"):
        whole = cookie.path == "/" and parsed.last("path") is not None
        return bool(cookie.name) and cookie.secure and cookie.host_only and whole
    return True


def _is_secure(url: str) -> bool:
    """Localhost is, as in browsers."""
    return urls.is_potentially_trustworthy(url)
