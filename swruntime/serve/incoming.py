"""What an HTTP request is to a user agent: a navigation or a subresource request, and whose.

Spec: https://w3c.github.io/webappsec-fetch-metadata/ (what browsers tell of their requests)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, get_args
from urllib.parse import quote

import attrs

from swruntime.algorithms import headers as names, methods, urls
from swruntime.concepts.enums import RequestDestination, RequestMode
from swruntime.concepts.http import HeaderList, Request

HOP_BY_HOP = (
    *("Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection"),
    *("TE", "Trailer", "Transfer-Encoding", "Upgrade"),
)
"""https://www.rfc-editor.org/rfc/rfc9110#name-connection, with what Connection names beside them"""

_REVALIDATION = ("If-None-Match", "If-Modified-Since")
"""Of the client's own HTTP cache, which in a browser is below the worker: a 304 is nothing for a worker's cache."""

_TRANSFER = ("Host", "Content-Length", "Accept-Encoding", "Expect")
"""Whoever sends the request on says these itself; no coding, because bodies pass through here as they are."""


class BadRequest(Exception):
    """The request makes no sense here. Its text says why, `status` how HTTP calls that."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@attrs.frozen
class Incoming:
    """`request` is what the worker is asked, `wire` the headers for the origin where no worker answers.

    `controlled_by` is the URL whose registration is responsible, None where no worker is asked at all. `referrer`
    is the page or style sheet that asks, "" where it is not known. `body_length` is in bytes, None where there is
    no telling.
    """

    request: Request
    wire: HeaderList
    controlled_by: str | None
    referrer: str
    has_body: bool
    body_length: int | None

    @property
    def navigation(self) -> bool:
        return self.request.mode == "navigate"


def incoming(scope: Mapping[str, Any], origin: str) -> Incoming:
    """What the request of an ASGI scope is, at `origin`, whatever name the client has for it. Raises BadRequest."""
    method = methods.normalize(scope["method"])
    if methods.is_forbidden(method) or not methods.is_method(method):
        raise BadRequest(405, f"the method {method} does not go through a service worker")
    url = origin + _target(scope)
    headers = HeaderList.of((n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"])
    headers = _at_origin(headers, str(scope.get("scheme", "http")), origin)
    length, chunked = _content_length(headers), "Transfer-Encoding" in headers
    headers = without_hop_by_hop(headers)
    referrer = headers.get("Referer") or ""
    try:
        url = urls.parse(url).href
        from_here = bool(referrer) and urls.same_origin(referrer, origin)
    except TypeError as error:
        raise BadRequest(400, str(error)) from error
    request = _request(url, method, headers, referrer)
    return Incoming(
        request,
        headers.delete(*_TRANSFER).append("Accept-Encoding", "identity"),
        _controlled_by(request, headers, referrer if from_here else ""),
        referrer,
        chunked or bool(length),
        None if chunked else length,
    )


def without_hop_by_hop(headers: HeaderList) -> HeaderList:
    """What is of a message, and not of the connection it came over."""
    named = [n.strip() for value in headers.all("Connection") for n in value.split(",")]
    return headers.delete(*HOP_BY_HOP, *named)


def _target(scope: Mapping[str, Any]) -> str:
    """Path and query as they were sent, percent-encoded."""
    raw = scope.get("raw_path")
    path = quote(scope["path"]) if raw is None else raw.decode("latin-1").partition("?")[0]
    if not path.startswith("/"):
        # The absolute form, which is for proxies, but has to be taken by servers.
        try:
            path = urls.parse(path).pathname
        except TypeError:
            raise BadRequest(400, f"the target {path!r} is no path") from None
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{path}?{query}" if query else path


def _at_origin(headers: HeaderList, scheme: str, origin: str) -> HeaderList:
    """Origin and Referer, where they name this server as the client does, name it as the agent does."""
    here = f"{scheme}://{headers.get('Host')}"

    def mapped(name: str, value: str) -> str:
        mine = name.lower() in ("origin", "referer") and (value == here or value.startswith(here + "/"))
        return origin + value[len(here) :] if mine else value

    return HeaderList.of((name, mapped(name, value)) for name, value in headers)


def _content_length(headers: HeaderList) -> int | None:
    length = names.content_length(headers)
    if length is None and "Content-Length" in headers:
        raise BadRequest(400, f"Content-Length makes no sense: {headers.get('Content-Length')!r}")
    return length or 0


def _request(url: str, method: str, headers: HeaderList, referrer: str) -> Request:
    """The request that a browser would hand to the worker: without what it adds below the worker."""
    mode = _mode(headers)
    shown = HeaderList.of(item for item in headers if not names.is_forbidden_request_header(*item))
    if method in ("GET", "HEAD"):
        shown = shown.delete(*_REVALIDATION)
    return Request(
        url,
        method,
        shown,
        mode=mode,
        destination=_destination(headers, mode),
        credentials="same-origin" if mode in ("cors", "same-origin") else "include",
        redirect="manual" if mode == "navigate" else "follow",
        referrer=referrer,
    )


def _mode(headers: HeaderList) -> RequestMode:
    told = headers.get("Sec-Fetch-Mode")
    if told in get_args(RequestMode):
        return cast("RequestMode", told)
    if told is None and "Sec-Fetch-Dest" not in headers and "text/html" in (headers.get("Accept") or ""):
        # A client that does not say what it wants, but would like a page.
        return "navigate"
    # As a page's fetch() asks; "no-cors" would cost most methods and headers on their way through the worker.
    return "cors"


def _destination(headers: HeaderList, mode: RequestMode) -> RequestDestination:
    told = headers.get("Sec-Fetch-Dest")
    if told in get_args(RequestDestination):
        return cast("RequestDestination", told)
    return "document" if mode == "navigate" and told is None else ""


def _controlled_by(request: Request, headers: HeaderList, referrer: str) -> str | None:
    """The URL whose registration is asked: a navigation's own, else the page's that asks, else the request's own.

    What a page of another origin asks for goes through that origin's worker, not through this one's.
    """
    if request.mode == "navigate":
        return request.url
    if headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        return None
    return referrer or request.url
