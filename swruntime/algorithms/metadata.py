"""The headers that a user agent adds to a request.

Spec: https://fetch.spec.whatwg.org/#http-network-or-cache-fetch, https://w3c.github.io/webappsec-referrer-policy/
and https://w3c.github.io/webappsec-fetch-metadata/
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import ada_url

from swruntime.algorithms import sites, urls
from swruntime.algorithms.cors import Tainting, request_origin
from swruntime.concepts.enums import ReferrerPolicy
from swruntime.concepts.http import FetchSite, HeaderList, Request

DEFAULT_REFERRER_POLICY: ReferrerPolicy = "strict-origin-when-cross-origin"
"""https://w3c.github.io/webappsec-referrer-policy/#default-referrer-policy"""

LANGUAGES = "en"
"""Accept-Language: the same for everybody, since a language would tell users apart, and no page is shown to one."""

_ACCEPT = {
    "document": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "image": "image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
}


def with_metadata(
    request: Request, *, tainting: Tainting, version: str, url_list: Sequence[str] = ()
) -> HeaderList:
    """`request`'s headers, and after them what the user agent adds, ready for the wire.

    `request.url` is asked now; `url_list` has the URLs up to it, itself included, where there were redirects.
    `version` is swruntime's. Conditions, Ranges, Host and codings are added by whoever sends the request.
    """
    url_list = url_list or (request.url,)
    headers = request.headers
    added: list[tuple[str, str]] = []
    if "Accept" not in headers:
        added.append(("Accept", _ACCEPT.get(request.destination, "*/*")))
    if "Accept-Language" not in headers:
        added.append(("Accept-Language", LANGUAGES))
    if (referrer := determine_referrer(request)) is not None:
        added.append(("Referer", referrer))
    if (origin := origin_header(request, tainting, url_list)) is not None:
        added.append(("Origin", origin))
    added += fetch_metadata(request, url_list)
    if "User-Agent" not in headers:
        added.append(("User-Agent", f"swruntime/{version}"))
    return HeaderList((*headers, *added, *_cache_mode(request)))


def referrer_policy(request: Request) -> ReferrerPolicy:
    """The request's policy, else its client's, else the default; never ""."""
    client = request.client
    return request.referrer_policy or (client.referrer_policy if client else "") or DEFAULT_REFERRER_POLICY


def origin_header(request: Request, tainting: Tainting, url_list: Sequence[str]) -> str | None:
    """The value of Origin, None where it is not sent.

    Spec: https://fetch.spec.whatwg.org/#append-a-request-origin-header
    """
    # 2. Serialize.
    origin = request_origin(request, url_list)
    # 3. With CORS, always.
    if tainting == "cors":
        return origin
    # 4. Otherwise only with what could change something.
    if request.method in ("GET", "HEAD"):
        return None
    # 4.1. Without CORS the referrer policy has a say.
    if request.mode != "cors" and _policy_hides_origin(request, origin):
        return urls.OPAQUE_ORIGIN
    return origin


def _policy_hides_origin(request: Request, origin: str) -> bool:
    match referrer_policy(request):
        case "no-referrer":
            return True
        case "no-referrer-when-downgrade" | "strict-origin" | "strict-origin-when-cross-origin":
            return origin.startswith("https:") and urls.scheme(request.url) != "https"
        case "same-origin":
            return not urls.same_origin(origin, request.url)
        case _:
            return False


def determine_referrer(request: Request) -> str | None:
    """The value of Referer, None where none is sent.

    Spec: https://w3c.github.io/webappsec-referrer-policy/#determine-requests-referrer
    """
    # 3. Whose URL; "" is "no-referrer", as scripts see it.
    source = request.referrer
    if source == "about:client":
        source = request.client.url if request.client is not None else ""
    if not source or urls.scheme(source) in ("about", "blob", "data"):
        return None
    # 4-6. Two forms of it; a long one is cut.
    full = strip_for_referrer(source)
    origin = strip_for_referrer(source, origin_only=True)
    if len(full) > 4096:
        full = origin
    # 8. By policy.
    same = urls.same_origin(full, request.url)
    downgrade = urls.is_potentially_trustworthy(full) and not urls.is_potentially_trustworthy(request.url)
    match referrer_policy(request):
        case "origin":
            return origin
        case "unsafe-url":
            return full
        case "strict-origin":
            return None if downgrade else origin
        case "strict-origin-when-cross-origin":
            return full if same else None if downgrade else origin
        case "same-origin":
            return full if same else None
        case "origin-when-cross-origin":
            return full if same else origin
        case "no-referrer-when-downgrade":
            return None if downgrade else full
        case _:  # "no-referrer"
            return None


@lru_cache(256)
def strip_for_referrer(url: str, *, origin_only: bool = False) -> str:
    """`url` without credentials and fragment, and if so asked without path and query. Raises TypeError.

    Spec: https://w3c.github.io/webappsec-referrer-policy/#strip-url
    """
    parsed = ada_url.URL(urls.parse(url).href)  # one of its own, to be changed
    parsed.username = parsed.password = parsed.hash = ""
    if origin_only:
        parsed.pathname = parsed.search = ""
    return parsed.href


def fetch_metadata(request: Request, url_list: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Sec-Fetch-Dest, -Mode and -Site; none for a URL that is not potentially trustworthy.

    Sec-Fetch-User is not sent: nobody clicks on anything here.
    Spec: https://w3c.github.io/webappsec-fetch-metadata/#fetch-integration
    """
    # 1. Only where nobody can read along. The URL asked now counts, as in browsers, not the first one.
    if not urls.is_potentially_trustworthy(request.url):
        return ()
    # 2-4. Destination, mode, site.
    return (
        ("Sec-Fetch-Dest", request.destination or "empty"),
        ("Sec-Fetch-Mode", request.mode),
        ("Sec-Fetch-Site", fetch_site(request, url_list)),
    )


def fetch_site(request: Request, url_list: Sequence[str]) -> FetchSite:
    """The value of Sec-Fetch-Site: https://w3c.github.io/webappsec-fetch-metadata/#sec-fetch-site-header"""
    # 4. A navigation without a client is one of the user's own.
    if request.initiator is not None and request.mode == "navigate":
        site, origin, url_list = request.initiator.site, request.initiator.origin, url_list[1:]
        if site == "none":
            return site
    elif request.client is not None:
        site, origin = "same-origin", request.client.origin
    else:
        return "none" if request.mode == "navigate" else "cross-site"
    # 5. The farthest of all URLs counts.
    return max((site, *(site_of(origin, url) for url in url_list)), key=DISTANCES.index)


DISTANCES: tuple[FetchSite, ...] = ("none", "same-origin", "same-site", "cross-site")
"""The nearest first."""


def site_of(origin: str, url: str) -> FetchSite:
    """How far `url` is from a serialized origin. Raises TypeError where one of them does not parse."""
    if urls.same_origin(url, origin):
        return "same-origin"
    if origin == urls.OPAQUE_ORIGIN:
        return "cross-site"
    return "same-site" if sites.same_site(url, origin) else "cross-site"


def _cache_mode(request: Request) -> list[tuple[str, str]]:
    """The steps of HTTP-network-or-cache fetch that carry the cache mode to caches on the way."""
    added: list[tuple[str, str]] = []
    if request.cache == "no-cache":
        added = [("Cache-Control", "max-age=0")]
    elif request.cache in ("no-store", "reload"):
        added = [("Pragma", "no-cache"), ("Cache-Control", "no-cache")]
    return [(name, value) for name, value in added if name not in request.headers]
