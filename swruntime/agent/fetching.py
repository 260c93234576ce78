"""Fetch: one request of a script or of a background fetch, over a Network.

Here are *main fetch*, *HTTP-redirect fetch* and the CORS check, as far as a response needs them; there is no
HTTP cache. What a script may see of the response is the realm's affair (`algorithms.filtering`).

Spec: https://fetch.spec.whatwg.org/#main-fetch
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import attrs

from swruntime.agent.cookies import CookieJar
from swruntime.algorithms import cors, csp, metadata, mixed_content, ports, redirects, urls
from swruntime.algorithms.cors import Tainting
from swruntime.concepts.http import HeaderList, Request, Response
from swruntime.errors import Cause, NetworkFailure
from swruntime.ports.network import Network, WireRequest

BodySource = Callable[[], AsyncIterator[bytes]]
TellSkipped = Callable[[str, str], None]
"""Called with a code and a sentence for each check that `web_security=False` skips."""


@attrs.frozen
class Fetched:
    """`response` is the internal one; `body` yields its bytes, decoded, or raises NetworkFailure."""

    response: Response
    body: AsyncIterator[bytes]


@attrs.define
class Fetcher:
    """Performs fetches for one user agent. `tell_skipped` is told what `web_security=False` let pass."""

    network: Network
    version: str
    tell_skipped: TellSkipped
    cookies: CookieJar
    web_security: bool = True

    @asynccontextmanager
    async def fetch(
        self, request: Request, *, body: BodySource | None = None, body_length: int | None = None
    ) -> AsyncIterator[Fetched]:
        """Follow `request` to its response. Raises NetworkFailure, with the cause, where Fetch has a network error.

        Headers that the agent adds for itself (Range, If-Range) are `request`'s too, and need no preflight.
        """
        url_list: list[str] = []
        try:
            async with self._fetch(request, url_list, body, body_length) as fetched:
                yield fetched
        except NetworkFailure as failure:
            failure.redirected = len(url_list) > 1 or failure.cause == "redirect"
            raise

    @asynccontextmanager
    async def _fetch(
        self, request: Request, url_list: list[str], body: BodySource | None, body_length: int | None
    ) -> AsyncIterator[Fetched]:
        """`url_list` gets the URLs that are asked, without their fragments."""
        tainting: Tainting = "basic"
        while True:
            url_list.append(urls.without_fragment(request.url))
            self._check_before(request, redirected=len(url_list) > 1)
            tainting = cors.tainting(request, request.url, tainting)
            if tainting == "cors":
                await self._preflight(request, url_list)
            async with self.network.exchange(
                self._wire(request, tainting, url_list, body, body_length)
            ) as answer:
                response = Response(
                    answer.status, answer.status_text, answer.headers, tuple(url_list), type=tainting
                )
                self.cookies.take(request, tainting, answer.headers)
                if tainting == "cors":
                    self._check_cors(request, response, url_list)
                target = redirects.redirect_target(request, response, request.url)
                if target is None:
                    yield Fetched(_of_redirect_mode(request, response), answer.body)
                    return
            request = redirects.after_redirect(
                request, response, target, count=len(url_list) - 1, tainting=tainting
            )
            if request.body is None:
                body, body_length = None, None

    def _check_before(self, request: Request, *, redirected: bool) -> None:
        """The steps of main fetch before anything is sent."""
        if not urls.is_http(request.url):
            raise NetworkFailure("scheme", f"{request.url} is not http or https")
        if ports.is_blocked(request.url):
            raise NetworkFailure("bad-port", f"{request.url}: its port is blocked")
        client = request.client
        if client is None:
            return
        violated = csp.request_allowed(
            client.csp, request.url, client.origin, redirected, request.destination
        )
        if violated is not None:
            self._refuse("csp", violated)
        if mixed_content.is_blocked(client.origin, request.url):
            self._refuse("mixed-content", f"{request.url} is not secure, and {client.origin} is")

    def _refuse(self, cause: Cause, message: str) -> None:
        if self.web_security:
            raise NetworkFailure(cause, message)
        self.tell_skipped(f"skipped-{cause}", message)

    async def _preflight(self, request: Request, url_list: Sequence[str]) -> None:
        """https://fetch.spec.whatwg.org/#cors-preflight-fetch"""
        asked = attrs.evolve(request, headers=request.headers.delete(*_AGENTS_OWN))
        if not cors.needs_preflight(asked):
            return
        if not self.web_security:
            self.tell_skipped("skipped-preflight", f"{request.url}: {cors.preflight_wants(asked)}")
            return
        wire = self._wire(cors.preflight_request(asked), "cors", url_list, None, None)
        async with self.network.exchange(wire) as answer:
            response = Response(answer.status, answer.status_text, answer.headers)
            refused = cors.preflight_check(asked, response, url_list)
        if refused is not None:
            raise NetworkFailure("cors", f"{request.url}: {refused}")

    def _wire(
        self,
        request: Request,
        tainting: Tainting,
        url_list: Sequence[str],
        body: BodySource | None,
        body_length: int | None,
    ) -> WireRequest:
        headers = metadata.with_metadata(
            request, tainting=tainting, version=self.version, url_list=tuple(url_list)
        )
        added: list[tuple[str, str]] = []
        if "Accept-Encoding" not in headers:
            added.append(("Accept-Encoding", "gzip, deflate"))
        if (cookie := self.cookies.header(request, tainting)) is not None:
            added.append(("Cookie", cookie))
        headers = HeaderList((*headers, *added))
        return WireRequest(request.method, url_list[-1], headers, body, body_length)

    def _check_cors(self, request: Request, response: Response, url_list: Sequence[str]) -> None:
        origin = cors.request_origin(request, url_list)
        refused = cors.cors_check(origin, request.credentials, response.headers)
        if refused is not None:
            self._refuse("cors", f"{request.url}: {refused}")


_AGENTS_OWN = ("Range", "If-Range", "Accept-Encoding")


def _of_redirect_mode(request: Request, response: Response) -> Response:
    """A redirect that is not followed is an opaque-redirect filtered response."""
    if request.redirect == "manual" and response.status in redirects.REDIRECT_STATUSES:
        return attrs.evolve(response, type="opaqueredirect")
    return response


def with_range(request: Request, range_start: int, if_range: str | None) -> Request:
    """*Add a range header*, with what makes it safe: https://fetch.spec.whatwg.org/#concept-request-add-range-header"""
    headers = request.headers.set("Range", f"bytes={range_start}-")
    if if_range is not None:
        headers = headers.set("If-Range", if_range)
    return attrs.evolve(request, headers=headers.set("Accept-Encoding", "identity"))
