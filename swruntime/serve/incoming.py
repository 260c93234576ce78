"""What an HTTP request is to a user agent: a navigation or a subresource request, and whose.

Spec: https://w3c.github.io/webappsec-fetch-metadata/ (what browsers tell of their requests)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, get_args

import attrs

from swruntime.algorithms import headers as names, methods, urls
from swruntime.algorithms.initiators import initiator_of
from swruntime.concepts.enums import RequestDestination, RequestMode
from swruntime.concepts.http import HeaderList, Initiator, Request
from swruntime.serve.hosts import EXPECTED, LOOPBACK, Authority, HostKind, KnownHosts
from swruntime.serve.target import url_of

HOP_BY_HOP = (
    *("Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection"),
    *("TE", "Trailer", "Transfer-Encoding", "Upgrade"),
)
"""https://www.rfc-editor.org/rfc/rfc9110#name-connection, with what Connection names beside them"""

_REVALIDATION = ("If-None-Match", "If-Modified-Since")
"""Of the client's own HTTP cache, which in a browser is below the worker: a 304 is nothing for a worker's cache."""

_TRANSFER = ("Host", "Content-Length", "Accept-Encoding", "Expect")
"""Whoever sends the request on says these itself; no coding, because bodies pass through here as they are."""


_FRAMES = ("iframe", "frame", "object", "embed")
_LONGEST_SHOWN = 200


class BadRequest(Exception):
    """The request makes no sense here. Its text says why, `status` how HTTP calls that."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@attrs.frozen
class Incoming:
    """`request` is what the worker is asked, `wire` the headers for the origin where no worker answers.

    `host` is how the server is known by the name that the client has for it. `controlled_by` is the URL whose
    registration is responsible, None where no worker is asked at all. `referrer` is the page or style sheet that asks,
    "" where it is not known. `body_length` is in bytes, None where there is no telling.
    """

    request: Request
    wire: HeaderList
    host: HostKind
    controlled_by: str | None
    referrer: str
    has_body: bool
    body_length: int | None

    @property
    def navigation(self) -> bool:
        return self.request.mode == "navigate"


def incoming(scope: Mapping[str, Any], origin: str, hosts: KnownHosts) -> Incoming:
    """What the request of an ASGI scope is, at `origin`, whatever name the client has for it. Raises BadRequest."""
    scheme = str(scope.get("scheme", "http"))
    _check_version(str(scope.get("http_version", "1.1")), scheme)
    headers = HeaderList.of((n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"])
    host = asked_host(headers, hosts)
    method = methods.normalize(scope["method"])
    if methods.is_forbidden(method) or not methods.is_method(method):
        raise BadRequest(405, f"the method {method} does not go through a service worker")
    try:
        url = url_of(scope, host.authority, origin)
    except ValueError as error:
        raise BadRequest(400, str(error)) from None
    length, chunked = _content_length(headers), "Transfer-Encoding" in headers
    headers = without_hop_by_hop(headers)
    try:
        here = host.origin(scheme, headers)
        headers = _at_origin(headers, here, origin)
        initiator = initiator_of(headers, origin, here)
    except TypeError as error:
        raise BadRequest(400, str(error)) from error
    referrer = headers.get("Referer") or ""
    request = _request(url, method, headers, referrer, initiator)
    return Incoming(
        request,
        headers.delete(*_TRANSFER).append("Accept-Encoding", "identity"),
        host.kind,
        _controlled_by(
            request, initiator, referrer if referrer and urls.same_origin(referrer, origin) else ""
        ),
        referrer,
        chunked or bool(length),
        None if chunked else length,
    )


@attrs.frozen
class AskedHost:
    """The host that a client has for the server. `text` is how it wrote it."""

    text: str
    authority: Authority
    kind: HostKind

    def origin(self, scheme: str, headers: HeaderList) -> str:
        """The origin that the client takes the server for. Raises TypeError where Origin or Referer is not a URL.

        It may have come over https to a proxy that nothing else is known of: a browser's word is taken for that.
        """
        here = urls.origin_of(f"{scheme}://{self.text}/")
        told = headers.get("Origin") or headers.get("Referer")
        if scheme == "http" and told is not None and headers.get("Sec-Fetch-Site") == "same-origin":
            secure = urls.origin_of(f"https://{self.text}/")
            if urls.same_origin(told, secure):
                return secure
        return here


def asked_host(headers: HeaderList, hosts: KnownHosts) -> AskedHost:
    """Raises BadRequest where Host is of another server, or none: before anything else of the request counts."""
    named = headers.all("Host")
    if len(named) > 1:
        raise BadRequest(400, f"there are {len(named)} Host headers; expected one")
    if not named:
        raise BadRequest(421, "there is no Host; expected the one that this server is known by")
    authority = Authority.parse(named[0])
    shown = named[0][:_LONGEST_SHOWN]
    if authority is None:
        raise BadRequest(400, f"Host is {shown!r}; {EXPECTED}")
    kind = hosts.kind(authority)
    if kind is None:
        name = str(authority) if authority.host in LOOPBACK else authority.host
        raise BadRequest(
            421,
            f"this is the server of {hosts.served}, and it is not known as {shown!r}; "
            f"--allowed-host {name} lets it answer for that name",
        )
    return AskedHost(named[0], authority, kind)


def _check_version(version: str, scheme: str) -> None:
    """HTTP/2 is what TLS has agreed on, and without TLS nothing has (h2c)."""
    if not version.startswith("1.") and not (version in ("2", "3") and scheme in ("https", "wss")):
        raise BadRequest(505, f"the request is of HTTP/{version}; expected HTTP/1.1")


def without_hop_by_hop(headers: HeaderList) -> HeaderList:
    """What is of a message, and not of the connection it came over."""
    named = [n.strip() for value in headers.all("Connection") for n in value.split(",")]
    return headers.delete(*HOP_BY_HOP, *named)


def _at_origin(headers: HeaderList, here: str, origin: str) -> HeaderList:
    """Origin and Referer, where they name this server as the client does, name it as the agent does."""

    def mapped(name: str, value: str) -> str:
        mine = name.lower() in ("origin", "referer") and (value == here or value.startswith(here + "/"))
        return origin + value[len(here) :] if mine else value

    return HeaderList.of((name, mapped(name, value)) for name, value in headers)


def _content_length(headers: HeaderList) -> int | None:
    length = names.content_length(headers)
    if length is None and "Content-Length" in headers:
        raise BadRequest(400, f"Content-Length makes no sense: {headers.get('Content-Length')!r}")
    if length is not None and "Transfer-Encoding" in headers:
        # RFC 9112, 6.1: two servers that take different ones of them see different requests.
        raise BadRequest(400, "there are Content-Length and Transfer-Encoding; expected one of them")
    return length or 0


def _request(url: str, method: str, headers: HeaderList, referrer: str, initiator: Initiator) -> Request:
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
        initiator=initiator if mode == "navigate" or not initiator.is_told else None,
        cookie="; ".join(headers.all("Cookie")) or None,
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


def _controlled_by(request: Request, initiator: Initiator, referrer: str) -> str | None:
    """The URL whose registration is asked: a navigation's own, else the page's that asks, else the request's own.

    What a page of another origin asks for goes through that origin's worker, not through this one's. A frame in a page
    of another site has a storage key of its own, which no worker here is registered for.
    """
    if request.mode == "navigate":
        framed = request.destination in _FRAMES and initiator.site == "cross-site"
        return None if framed else request.url
    if initiator.site in ("cross-site", "same-site"):
        return None
    return referrer or request.url
