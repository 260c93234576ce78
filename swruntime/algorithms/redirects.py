"""Redirects: https://fetch.spec.whatwg.org/#http-redirect-fetch"""

from __future__ import annotations

from typing import cast, get_args

import attrs

from swruntime.algorithms import urls
from swruntime.algorithms.cors import Tainting, request_origin
from swruntime.algorithms.headers import REQUEST_BODY_HEADERS
from swruntime.concepts.enums import ReferrerPolicy
from swruntime.concepts.http import HeaderList, Request, Response
from swruntime.errors import NetworkFailure

REDIRECT_STATUSES = frozenset((301, 302, 303, 307, 308))
"""https://fetch.spec.whatwg.org/#redirect-status"""

LIMIT = 20

_POLICIES = frozenset(get_args(ReferrerPolicy)) - {""}


def redirect_target(request: Request, response: Response, current_url: str) -> str | None:
    """Where `response` sends `request`; None where it does not, or the request does not follow redirects.

    A redirect that is not followed is a response like any other, which scripts see as "opaqueredirect".
    Raises NetworkFailure, cause `redirect`: redirect mode "error", or a Location that leads nowhere.
    Spec: https://fetch.spec.whatwg.org/#concept-response-location-url, and the redirect modes of HTTP fetch
    """
    if response.status not in REDIRECT_STATUSES:
        return None
    if request.redirect == "error":
        raise NetworkFailure("redirect", f"{current_url} redirects, and the redirect mode is 'error'")
    if request.redirect == "manual":
        return None
    # 2. Location, once.
    locations = response.headers.all("Location")
    if not locations:
        return None
    if len(locations) > 1:
        raise NetworkFailure("redirect", f"{current_url} redirects to {len(locations)} places at once")
    # 3. Parse it.
    try:
        target = urls.resolve(locations[0], current_url)
    except TypeError as error:
        raise NetworkFailure("redirect", f"{current_url} redirects to nowhere: {error}") from None
    if not urls.is_http(target):
        raise NetworkFailure("redirect", f"{current_url} redirects to {target}, which is not http or https")
    # 4. The fragment is inherited.
    fragment = urls.fragment(current_url)
    return target if fragment is None or "#" in target else f"{target}#{fragment}"


def after_redirect(
    request: Request, response: Response, location_url: str, *, count: int, tainting: Tainting
) -> Request:
    """The request that follows `response` from `request.url` to `location_url`.

    `count` is how many redirects were followed before this one, `tainting` the request's so far. Raises
    NetworkFailure: `redirect` for one too many, `cors` for credentials in a URL that CORS forbids them in.
    Spec: https://fetch.spec.whatwg.org/#http-redirect-fetch
    """
    # 7, 8. Not for ever.
    if count >= LIMIT:
        raise NetworkFailure("redirect", f"more than {LIMIT} redirects, the last one to {location_url}")
    # 9, 10. Credentials must not be smuggled into a CORS request.
    if urls.has_credentials(location_url) and (
        tainting == "cors"
        or (request.mode == "cors" and not urls.same_origin(location_url, request_origin(request)))
    ):
        raise NetworkFailure("cors", f"{request.url} redirects to a URL with credentials")
    # 11. Every body of ours can be sent again.
    method, body, headers = request.method, request.body, request.headers
    # 12. What becomes a GET has no body.
    if (response.status in (301, 302) and method == "POST") or (
        response.status == 303 and method not in ("GET", "HEAD")
    ):
        method, body, headers = "GET", None, headers.delete(*REQUEST_BODY_HEADERS)
    # 13. Authorization was for the other origin, and so was the Cookie that the request brought.
    cookie = request.cookie
    if not urls.same_origin(request.url, location_url):
        headers, cookie = headers.delete("Authorization"), None
    # 19. The referrer policy may change on the way.
    return attrs.evolve(
        request,
        url=location_url,
        method=method,
        body=body,
        headers=headers,
        cookie=cookie,
        referrer_policy=parse_referrer_policy(response.headers) or request.referrer_policy,
    )


def parse_referrer_policy(headers: HeaderList) -> ReferrerPolicy:
    """The last policy in Referrer-Policy that is known, "" where there is none.

    Spec: https://w3c.github.io/webappsec-referrer-policy/#parse-referrer-policy-from-header
    """
    policy = ""
    for token in (headers.get("Referrer-Policy") or "").split(","):
        if (name := token.strip("\t ").lower()) in _POLICIES:
            policy = name
    return cast(ReferrerPolicy, policy)
