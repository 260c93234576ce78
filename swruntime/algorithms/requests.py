"""The Request constructor, on concepts, and the checks of `BackgroundFetchManager.fetch()`.

Arguments come as a script gave them; None is an argument that was not given. Every TypeError names the
argument, its value, and what is expected.
"""

from __future__ import annotations

from typing import get_args

import attrs

from swruntime.algorithms import guards, methods, ports, urls, webidl
from swruntime.concepts.enums import (
    ReferrerPolicy,
    RequestCache,
    RequestCredentials,
    RequestMode,
    RequestRedirect,
)
from swruntime.concepts.environment import Environment
from swruntime.concepts.http import HeaderList, Request, StoredBody

_CLIENT = "about:client"
NO_REFERRER = ""
"""A referrer of "no-referrer", as scripts see it."""


@attrs.frozen(kw_only=True)
class RequestInit:
    """https://fetch.spec.whatwg.org/#requestinit, as it came; None is a member that is absent.

    `body` is extracted already: bytes, or a body that storage holds; `body_type` is the Content-Type that
    goes with it, None for plain bytes.
    """

    method: object = None
    headers: object = None
    body: StoredBody | bytes | None = None
    body_type: str | None = None
    mode: object = None
    credentials: object = None
    cache: object = None
    redirect: object = None
    referrer: object = None
    referrer_policy: object = None
    integrity: object = None
    keepalive: object = None

    @property
    def is_empty(self) -> bool:
        return self == _EMPTY


_EMPTY = RequestInit()


def build_request(
    input: object,
    init: RequestInit = _EMPTY,
    *,
    environment: Environment,
    base_url: str | None = None,
) -> Request:
    """A script's Request. `base_url` is the environment's own URL if it is not given. Raises TypeError.

    Spec: https://fetch.spec.whatwg.org/#dom-request
    """
    base = environment.url if base_url is None else base_url
    # 5, 6. A URL, or another request.
    request = input if isinstance(input, Request) else _from_url(input, base)
    inherited_body = request.body
    # 12. A copy that comes from here; whose navigation it is stays with it.
    request = attrs.evolve(request, client=environment, destination="", body=None)
    # 13. One that is modified no longer comes from where it came from.
    if not init.is_empty:
        request = attrs.evolve(
            request,
            mode="same-origin" if request.mode == "navigate" else request.mode,
            initiator=None,
            referrer=_CLIENT,
            referrer_policy="",
        )
    # 14-24. The members that are plain values.
    request = _with_settings(request, init, base, environment.origin)
    # 25. The method.
    if init.method is not None:
        request = attrs.evolve(request, method=methods.checked(webidl.byte_string("method", init.method)))
    # 31-33. The headers, under the guard that goes with the mode.
    guard = _guard(request)
    if not init.is_empty:
        request = attrs.evolve(request, headers=_headers(request, init, guard))
    # 34-41. The body.
    return _with_body(request, init, inherited_body, guard)


def _from_url(input: object, base: str) -> Request:
    # 5.1, 5.2. Parse.
    url = urls.resolve(webidl.usv_string("url", input), base)
    # 5.3. No credentials.
    if urls.has_credentials(url):
        raise TypeError(
            f"url is {webidl.shown(input)}, with credentials; send an Authorization header instead"
        )
    return Request(url)


def _with_settings(request: Request, init: RequestInit, base: str, origin: str) -> Request:
    # 14. The referrer.
    if init.referrer is not None:
        request = attrs.evolve(request, referrer=_referrer(init.referrer, base, origin))
    # 15. The referrer policy.
    if init.referrer_policy is not None:
        policies: tuple[ReferrerPolicy, ...] = get_args(ReferrerPolicy)
        policy = webidl.enumeration("referrer_policy", init.referrer_policy, policies)
        request = attrs.evolve(request, referrer_policy=policy)
    # 16-18. The mode.
    if init.mode is not None:
        request = attrs.evolve(request, mode=_mode(init.mode))
    # 19. The credentials mode.
    if init.credentials is not None:
        credentials: tuple[RequestCredentials, ...] = get_args(RequestCredentials)
        request = attrs.evolve(
            request, credentials=webidl.enumeration("credentials", init.credentials, credentials)
        )
    # 20. The cache mode.
    if init.cache is not None:
        modes: tuple[RequestCache, ...] = get_args(RequestCache)
        request = attrs.evolve(request, cache=webidl.enumeration("cache", init.cache, modes))
    # 21. What is in the cache of another origin must stay unknown.
    if request.cache == "only-if-cached" and request.mode != "same-origin":
        raise TypeError(
            f"cache is 'only-if-cached' and mode is {request.mode!r}; expected mode 'same-origin'"
        )
    # 22. The redirect mode.
    if init.redirect is not None:
        redirects: tuple[RequestRedirect, ...] = get_args(RequestRedirect)
        request = attrs.evolve(request, redirect=webidl.enumeration("redirect", init.redirect, redirects))
    # 23. Integrity.
    if init.integrity is not None:
        request = attrs.evolve(request, integrity=webidl.dom_string("integrity", init.integrity))
    # 24. Keepalive.
    if init.keepalive is not None:
        request = attrs.evolve(request, keepalive=webidl.boolean("keepalive", init.keepalive))
    return request


def _referrer(value: object, base: str, origin: str) -> str:
    text = webidl.usv_string("referrer", value)
    # 14.2. None at all.
    if not text:
        return NO_REFERRER
    # 14.3. One's own pages only; anything else is the client, in silence.
    url = urls.resolve(text, base)
    return url if urls.same_origin(url, origin) else _CLIENT


def _mode(value: object) -> RequestMode:
    # 17. Only a user navigates.
    modes = tuple(mode for mode in get_args(RequestMode) if mode != "navigate")
    mode: RequestMode = webidl.enumeration("mode", value, modes)
    return mode


def _guard(request: Request) -> guards.Guard:
    # 31. As a rule.
    if request.mode != "no-cors":
        return "request"
    # 32. Without CORS.
    if not methods.is_cors_safelisted(request.method):
        raise TypeError(f"method is {request.method!r} and mode is 'no-cors'; expected GET, HEAD or POST")
    return "request-no-cors"


def _headers(request: Request, init: RequestInit, guard: guards.Guard) -> HeaderList:
    # 33.1, 33.2. The old ones, or new ones.
    given = tuple(request.headers) if init.headers is None else init.headers
    # 33.3-33.5. Through the guard.
    return guards.fill(HeaderList(), guard, tuple(given) if isinstance(given, HeaderList) else given)


def _with_body(
    request: Request, init: RequestInit, inherited: StoredBody | bytes | None, guard: guards.Guard
) -> Request:
    # 34, 35. GET and HEAD have none.
    body = inherited if init.body is None else init.body
    if body is None:
        return request
    if request.method in ("GET", "HEAD"):
        raise TypeError(f"body is given and method is {request.method}, which has none; use POST or PUT")
    # 37.4. The type that goes with it, unless there is one.
    headers = request.headers
    if init.body is not None and init.body_type is not None and "Content-Type" not in headers:
        headers = guards.append(headers, guard, "Content-Type", init.body_type)
    return attrs.evolve(request, body=body, headers=headers)


def check_background_request(request: Request) -> None:
    """What makes `BackgroundFetchManager.fetch()` reject, beyond what makes the Request constructor throw.

    Mixed content, CORS and CSP do not: they let `fetch()` resolve and the record fail. Raises TypeError.
    Spec: https://wicg.github.io/background-fetch/#background-fetch-manager-fetch, and the tests upstream
    """
    url = request.url
    if request.mode == "no-cors":
        raise TypeError(f"the request for {url} has mode 'no-cors'; a background fetch takes 'cors'")
    if not urls.is_http(url):
        raise TypeError(f"the request is for {url}; expected http or https")
    if urls.has_credentials(url):
        raise TypeError(f"the request for {url} has credentials in its URL")
    if ports.is_blocked(url):
        raise TypeError(f"the request for {url} goes to port {urls.port(url)}, which is blocked")


def check_dangling_markup(raw: str) -> None:
    """Refuse what looks like markup that an attacker left open. Raises TypeError.

    `raw` is the URL as the script wrote it: parsing removes what gives it away.
    """
    inner = raw.strip("".join(map(chr, range(0x21))))
    if "<" in inner and any(char in inner for char in "\t\n\r"):
        raise TypeError(f"{webidl.shown(raw)} has '<' and a line break or tab; expected a URL, not markup")
