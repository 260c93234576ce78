"""The Request class: https://fetch.spec.whatwg.org/#request-class"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

import attrs

from swruntime.algorithms import webidl
from swruntime.algorithms.guards import Guard
from swruntime.algorithms.requests import RequestInit, build_request
from swruntime.concepts import http
from swruntime.concepts.enums import (
    ReferrerPolicy,
    RequestCache,
    RequestCredentials,
    RequestDestination,
    RequestMode,
    RequestRedirect,
)
from swruntime.realms.python.abort import AbortSignal
from swruntime.realms.python.body import Body, BodyInit, extract
from swruntime.realms.python.body_sources import BodySource, BytesSource
from swruntime.realms.python.context import RealmContext
from swruntime.realms.python.headers import Headers


class Request(Body):
    """A request that a script made. Scripts have their realm's own subclass, which knows the base URL.

    Arguments that are None are absent. `duplex` need not be given for a stream, as JavaScript demands: there is but
    one. `priority` is a hint that changes nothing. Raises TypeError, naming the argument, its value and what is
    expected.
    """

    def __init__(
        self,
        input: Request | str,
        *,
        method: str | None = None,
        headers: Headers | Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        body: BodyInit | None = None,
        mode: str | None = None,
        credentials: str | None = None,
        cache: str | None = None,
        redirect: str | None = None,
        referrer: str | None = None,
        referrer_policy: str | None = None,
        integrity: str | None = None,
        keepalive: bool | None = None,
        signal: AbortSignal | None = None,
        duplex: str | None = None,
        priority: str | None = None,
        window: None = None,
    ) -> None:
        context = self._context
        context.check_alive()
        _check_hints(duplex, priority, window)
        source, body_type = (None, None) if body is None else extract(context, body)
        init = RequestInit(
            method=method,
            headers=tuple(headers) if isinstance(headers, Headers) else headers,
            body=None if source is None else _concept_body(source) or b"",
            body_type=body_type,
            mode=mode,
            credentials=credentials,
            cache=cache,
            redirect=redirect,
            referrer=referrer,
            referrer_policy=referrer_policy,
            integrity=integrity,
            keepalive=keepalive,
        )
        given = input._with_body_mark() if isinstance(input, Request) else input
        concept = build_request(given, init, environment=context.environment)
        if concept.keepalive and source is not None and source.length is None:
            raise TypeError("keepalive is True and body is a stream; expected a body of known length")
        if source is not None and source.length is None and concept.mode not in ("same-origin", "cors"):
            raise TypeError(f"mode is {concept.mode!r} and body is a stream; expected a body of known length")
        _check_signal(signal)
        if isinstance(input, Request):
            signal = signal or input.signal
            # 40, 41. The body moves over, unless there is another.
            source = source if body is not None else input._take_source()
        self._init(concept, source, signal)

    _load: Callable[[], http.Request]
    """Of a stored request, whose parts are made when they are looked at."""

    @classmethod
    def _of(
        cls,
        context: RealmContext,
        concept: http.Request,
        source: BodySource | None = None,
        *,
        guard: Guard = "request",
    ) -> Request:
        """The object for a request in `context`. Its body is `source`, whatever `concept` says."""
        bound = context.bind(Request)
        self = bound.__new__(bound)
        self._init(concept, source, None, guard)
        return self

    @classmethod
    def _of_stored(cls, context: RealmContext, load: Callable[[], http.Request]) -> Request:
        """The object for a request of a cache, which answers without its body. `load` is called when it is needed."""
        bound = context.bind(Request)
        self = bound.__new__(bound)
        self._load = load
        return self

    @cached_property
    def _request(self) -> http.Request:
        return attrs.evolve(self._load(), body=None)

    @cached_property
    def _headers(self) -> Headers:  # type: ignore[override]  # it may be set, too
        return Headers._of(self._request.headers, "immutable")

    @cached_property
    def _signal(self) -> AbortSignal:
        return AbortSignal._dependent(self._context, ())

    def _init(
        self,
        concept: http.Request,
        source: BodySource | None,
        signal: AbortSignal | None,
        guard: Guard = "request",
    ) -> None:
        self._request = attrs.evolve(concept, body=None)
        if guard == "request" and concept.mode == "no-cors":
            guard = "request-no-cors"
        self._headers = Headers._of(concept.headers, guard)
        self._signal = AbortSignal._dependent(self._context, () if signal is None else (signal,))
        self._set_body(source)

    def _comes_from(self, other: Request, *, modified: bool) -> None:
        """Take what no script can give from the request that this one is made of: Request constructor, 12 and 13.

        Nothing where that is for another URL: a script's word is not taken for it.
        """
        source = other._request
        if source.url != self._request.url:
            return
        self._request = attrs.evolve(self._request, cookie=source.cookie)
        if not modified:
            self._request = attrs.evolve(self._request, initiator=source.initiator)
        if not modified and source.mode == "navigate":
            self._request = attrs.evolve(
                self._request,
                mode="navigate",
                referrer=source.referrer,
                referrer_policy=source.referrer_policy,
            )

    @property
    def _concept(self) -> http.Request:
        """The request as it is now. `body` is bytes or a stored body; a stream is only in `_source()`."""
        source = self._source()
        body = None if source is None else _concept_body(source)
        return attrs.evolve(self._request, headers=self._headers._list, body=body)

    def _with_body_mark(self) -> http.Request:
        """The concept, whose body is empty bytes where it is a stream. Raises TypeError when it is used."""
        if self._unusable:
            raise TypeError(f"the body of the request for {self.url} is used already: clone() it in time")
        concept = self._concept
        streams = self._stream is not None and concept.body is None
        return attrs.evolve(concept, body=b"") if streams else concept

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.url}>"

    @property
    def method(self) -> str:
        return self._request.method

    @property
    def url(self) -> str:
        return self._request.url

    @property
    def headers(self) -> Headers:
        return self._headers

    @property
    def destination(self) -> RequestDestination:
        return self._request.destination

    @property
    def referrer(self) -> str:
        """The text "about:client" for the page's or worker's own URL, "" for none."""
        return self._request.referrer

    @property
    def referrer_policy(self) -> ReferrerPolicy:
        return self._request.referrer_policy

    @property
    def mode(self) -> RequestMode:
        return self._request.mode

    @property
    def credentials(self) -> RequestCredentials:
        return self._request.credentials

    @property
    def cache(self) -> RequestCache:
        return self._request.cache

    @property
    def redirect(self) -> RequestRedirect:
        return self._request.redirect

    @property
    def integrity(self) -> str:
        return self._request.integrity

    @property
    def keepalive(self) -> bool:
        return self._request.keepalive

    @property
    def is_reload_navigation(self) -> bool:
        """Always False: pages are opened and navigated here, not reloaded."""
        return False

    @property
    def is_history_navigation(self) -> bool:
        """Always False: pages have no history here."""
        return False

    @property
    def duplex(self) -> str:
        """Always "half": a response is read once the request's body was sent."""
        return "half"

    @property
    def signal(self) -> AbortSignal:
        return self._signal

    def clone(self) -> Request:
        """Another request, with the same body. Raises TypeError when the body is used already."""
        source = self._split_source()
        other = type(self).__new__(type(self))
        other._init(
            attrs.evolve(self._request, headers=self._headers._list),
            source,
            self._signal,
            self._headers._guard,
        )
        return other


def _concept_body(source: BodySource) -> http.StoredBody | bytes | None:
    if isinstance(source, BytesSource):
        return source.data
    if source.stored is not None and source.length is not None:
        return http.StoredBody(source.stored, source.length)
    return None


def _check_hints(duplex: object, priority: object, window: object) -> None:
    if duplex is not None:
        webidl.enumeration("duplex", duplex, ("half",))
    if priority is not None:
        webidl.enumeration("priority", priority, ("high", "low", "auto"))
    if window is not None:
        raise TypeError(f"window is {webidl.shown(window)}; expected None")


def _check_signal(signal: object) -> None:
    if signal is not None and not isinstance(signal, AbortSignal):
        raise TypeError(f"signal is {webidl.shown(signal)}; expected an AbortSignal")
