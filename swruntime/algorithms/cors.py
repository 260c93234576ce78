"""The CORS protocol: https://fetch.spec.whatwg.org/#http-cors-protocol

A Range and an If-Range that the agent adds to resume a body are not the script's: they go on the wire after
these decisions, as the headers of a cache do, and need no preflight.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import attrs

from swruntime.algorithms import methods, urls
from swruntime.algorithms.headers import cors_unsafe_names, token_list
from swruntime.concepts.enums import RequestCredentials
from swruntime.concepts.http import HeaderList, Request, Response
from swruntime.errors import NetworkFailure

Tainting = Literal["basic", "cors", "opaque"]
"""https://fetch.spec.whatwg.org/#concept-request-response-tainting"""

_NON_WILDCARD = ("authorization",)


def request_origin(request: Request, url_list: Sequence[str] = ()) -> str:
    """The origin that a server is told: the initiator's or client's, or "null" once a redirect left another origin.

    `url_list` has the URLs from the request's first to the one that is asked now. A request without a
    client has an opaque origin. Spec: https://fetch.spec.whatwg.org/#serializing-a-request-origin
    """
    if request.initiator is not None and request.mode == "navigate":
        origin = request.initiator.origin
    else:
        origin = request.client.origin if request.client is not None else urls.OPAQUE_ORIGIN
    for last, url in pairwise(url_list):
        if not urls.same_origin(url, last) and not urls.same_origin(origin, last):
            return urls.OPAQUE_ORIGIN
    return origin


def tainting(request: Request, url: str, previous: Tainting = "basic") -> Tainting:
    """How much a script may see of what `url` answers. `previous` is what it was before a redirect.

    Raises NetworkFailure: `cors` for a cross-origin URL in mode "same-origin", `scheme` for a URL that CORS
    cannot fetch, `redirect` for "no-cors" without following redirects.
    Spec: https://fetch.spec.whatwg.org/#main-fetch, the step that chooses by the first matching statement
    """
    origin = request_origin(request)
    if previous == "basic" and urls.same_origin(url, origin):
        return "basic"
    if urls.scheme(url) == "data" or request.mode == "navigate":
        return "basic"
    if request.mode == "same-origin":
        raise NetworkFailure("cors", f"{url} is not of the origin {origin}, and the mode is 'same-origin'")
    if request.mode == "no-cors":
        if request.redirect != "follow":
            raise NetworkFailure(
                "redirect", f"the redirect mode is {request.redirect!r}; 'no-cors' takes only 'follow'"
            )
        return "opaque"
    if not urls.is_http(url):
        raise NetworkFailure("scheme", f"{url} is not http or https, and of another origin than {origin}")
    return "cors"


def cors_check(
    request_origin: str, credentials_mode: RequestCredentials, response_headers: HeaderList
) -> str | None:
    """None if the server lets `request_origin` read the response; otherwise words that name the header.

    Spec: https://fetch.spec.whatwg.org/#concept-cors-check
    """
    # 1, 2. The header must be there.
    allowed = response_headers.get("Access-Control-Allow-Origin")
    if allowed is None:
        return f"the response has no Access-Control-Allow-Origin, and {request_origin} is another origin"
    # 3. Everyone.
    with_credentials = credentials_mode == "include"
    if allowed == "*":
        if not with_credentials:
            return None
        return "Access-Control-Allow-Origin is '*', which does not do for a request with credentials"
    # 4. This origin.
    if allowed != request_origin:
        return f"Access-Control-Allow-Origin is {allowed!r}, not {request_origin!r}"
    # 5. Without credentials that is enough.
    if not with_credentials:
        return None
    # 6-8. With credentials it takes one header more.
    credentials = response_headers.get("Access-Control-Allow-Credentials")
    if credentials == "true":
        return None
    shown = "missing" if credentials is None else repr(credentials)
    return f"Access-Control-Allow-Credentials is {shown}, not 'true', and the request has credentials"


def needs_preflight(request: Request) -> bool:
    """Whether a request with tainting "cors" must be asked for first.

    Spec: https://fetch.spec.whatwg.org/#main-fetch (all of our requests are unsafe requests)
    """
    return not methods.is_cors_safelisted(request.method) or bool(cors_unsafe_names(request.headers))


def preflight_headers(request: Request) -> HeaderList:
    """What a preflight says of its own; the Origin and the rest are as for any request.

    Spec: https://fetch.spec.whatwg.org/#cors-preflight-fetch, steps 2-5
    """
    headers = HeaderList((("Accept", "*/*"), ("Access-Control-Request-Method", request.method)))
    if names := cors_unsafe_names(request.headers):
        headers = headers.append("Access-Control-Request-Headers", ",".join(names))
    return headers


def preflight_request(request: Request) -> Request:
    """The preflight for `request`: https://fetch.spec.whatwg.org/#cors-preflight-fetch, steps 1-5"""
    return attrs.evolve(
        request,
        method="OPTIONS",
        headers=preflight_headers(request),
        body=None,
        mode="cors",
        credentials="same-origin",
        cache="default",
        redirect="manual",  # it is never followed: a redirect is a status that is not ok
        integrity="",
    )


def preflight_wants(request: Request) -> str:
    """What a server would have to answer to the preflight of `request`, for whoever leaves the preflight out."""
    wanted = []
    if not methods.is_cors_safelisted(request.method):
        wanted.append(f"Access-Control-Allow-Methods with {request.method}")
    if names := cors_unsafe_names(request.headers):
        wanted.append(f"Access-Control-Allow-Headers with {', '.join(names)}")
    return f"no preflight was sent; a browser would send one, and want {' and '.join(wanted)}"


def preflight_check(request: Request, response: Response, url_list: Sequence[str] = ()) -> str | None:
    """None if `response` to a preflight permits `request`; otherwise words that name the header.

    Spec: https://fetch.spec.whatwg.org/#cors-preflight-fetch, step 7
    """
    # 7. The CORS check, with the request's own credentials mode, and an ok status.
    failure = cors_check(request_origin(request, url_list), request.credentials, response.headers)
    if failure is not None:
        return f"preflight: {failure}"
    if not response.ok:
        return f"preflight: the status is {response.status}, which is not ok"
    # 7.1-7.3. What the server allows.
    allowed_methods = token_list(response.headers, "Access-Control-Allow-Methods")
    allowed_names = token_list(response.headers, "Access-Control-Allow-Headers")
    if allowed_methods is None or allowed_names is None:
        which = "Methods" if allowed_methods is None else "Headers"
        return f"preflight: Access-Control-Allow-{which} is malformed"
    wildcard = request.credentials != "include"
    # 7.5. The method.
    if not (
        request.method in allowed_methods
        or methods.is_cors_safelisted(request.method)
        or (wildcard and "*" in allowed_methods)
    ):
        return f"preflight: Access-Control-Allow-Methods does not have {request.method}"
    # 7.6, 7.7. The headers; a wildcard never means Authorization.
    lowered = {name.lower() for name in allowed_names}
    for name in cors_unsafe_names(request.headers):
        if name not in lowered and not (wildcard and "*" in lowered and name not in _NON_WILDCARD):
            return f"preflight: Access-Control-Allow-Headers does not have {name}"
    return None
