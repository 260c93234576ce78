"""The Response class: https://fetch.spec.whatwg.org/#response-class"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, overload

import attrs

from swruntime.agent.promise import Promise
from swruntime.algorithms import urls, webidl
from swruntime.algorithms.filtering import exposed as filtered
from swruntime.algorithms.guards import Guard
from swruntime.concepts import http
from swruntime.concepts.enums import ResponseType
from swruntime.realms.python.body import Body, BodyInit, extract
from swruntime.realms.python.body_sources import BodySource, BytesSource
from swruntime.realms.python.context import RealmContext
from swruntime.realms.python.headers import Headers, headers_list

NULL_BODY_STATUSES = frozenset({101, 103, 204, 205, 304})
"""https://fetch.spec.whatwg.org/#null-body-status"""

REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
"""https://fetch.spec.whatwg.org/#redirect-status"""

_REASON_PHRASE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

HeadersInit = Headers | Mapping[str, str] | Iterable[tuple[str, str]]


class _Json:
    """In the IDL `json` is two things: the class makes a response of it, an object reads its body as it."""

    @overload
    def __get__(self, response: None, owner: type[Response]) -> Callable[..., Response]: ...
    @overload
    def __get__(self, response: Response, owner: type[Response]) -> Callable[[], Promise[Any]]: ...
    def __get__(
        self, response: Response | None, owner: type[Response]
    ) -> Callable[..., Response] | Callable[[], Promise[Any]]:
        return owner._json_response if response is None else super(Response, response).json


class Response(Body):
    """A response, a script's own or one that came. The specs' RangeError is a ValueError here.

    Raises ValueError for a status outside 200 to 599, TypeError for every other argument that is wrong.
    """

    def __init__(
        self,
        body: BodyInit | None = None,
        *,
        status: int = 200,
        status_text: str = "",
        headers: HeadersInit | None = None,
    ) -> None:
        context = self._context
        context.check_alive()
        concept = _initialized(status, status_text, headers)
        if body is not None and concept.status in NULL_BODY_STATUSES:
            raise TypeError(f"body is given and status is {concept.status}, which has none")
        source, body_type = (None, None) if body is None else extract(context, body)
        self._init(_with_type(concept, body_type), source, None, "response")

    json = _Json()

    @classmethod
    def _json_response(
        cls,
        data: object,
        *,
        status: int = 200,
        status_text: str = "",
        headers: HeadersInit | None = None,
    ) -> Response:
        """A response whose body is `data` as JSON. Raises TypeError or ValueError where that fails.

        Spec: https://fetch.spec.whatwg.org/#dom-response-json
        """
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        concept = _initialized(status, status_text, headers)
        if concept.status in NULL_BODY_STATUSES:
            raise TypeError(f"status is {concept.status}, which has no body")
        source = BytesSource(urls.to_scalar_values(text).encode())
        return cls._of(cls._context, _with_type(concept, "application/json"), source, guard="response")

    @classmethod
    def error(cls) -> Response:
        """A network error."""
        return cls._of(cls._context, http.Response(status=0, type="error"))

    @classmethod
    def redirect(cls, url: str, status: int = 302) -> Response:
        """A redirect to `url`. Raises ValueError where `status` is not that of a redirect."""
        location = urls.resolve(webidl.usv_string("url", url), cls._context.environment.url)
        if status not in REDIRECT_STATUSES:
            raise ValueError(f"status is {status}; expected one of {sorted(REDIRECT_STATUSES)}")
        return cls._of(
            cls._context, http.Response(status, headers=http.HeaderList((("Location", location),)))
        )

    @classmethod
    def _of(
        cls,
        context: RealmContext,
        concept: http.Response,
        source: BodySource | None = None,
        *,
        exposed: http.Response | None = None,
        guard: Guard = "immutable",
    ) -> Response:
        """The object for a response in `context`.

        `concept` is the internal response; `exposed` is what scripts see of it: where it is not given, what
        its type shows where the request's credentials mode was "same-origin".
        """
        bound = context.bind(Response)
        self = bound.__new__(bound)
        self._init(concept, source, exposed, guard)
        return self

    def _init(
        self,
        concept: http.Response,
        source: BodySource | None,
        exposed: http.Response | None,
        guard: Guard,
    ) -> None:
        self._internal = concept
        self._exposed = filtered(concept, "same-origin") if exposed is None else exposed
        self._headers = Headers._of(self._exposed.headers, guard)
        self._set_body(source, hidden=self._exposed.type in ("opaque", "opaqueredirect"))

    @property
    def _concept(self) -> http.Response:
        """The internal response as it is now: a script can change the headers of its own only."""
        if self._headers._guard == "immutable":
            return self._internal
        return attrs.evolve(self._internal, headers=self._headers._list)

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.url}>".replace(" >", ">")

    @property
    def type(self) -> ResponseType:
        return self._exposed.type

    @property
    def url(self) -> str:
        """Without its fragment; "" where a script made the response."""
        return urls.without_fragment(self._exposed.url)

    @property
    def redirected(self) -> bool:
        return len(self._exposed.url_list) > 1

    @property
    def status(self) -> int:
        return self._exposed.status

    @property
    def ok(self) -> bool:
        return self._exposed.ok

    @property
    def status_text(self) -> str:
        return self._exposed.status_text

    @property
    def headers(self) -> Headers:
        return self._headers

    def clone(self) -> Response:
        """Another response, with the same body. Raises TypeError when the body is used already."""
        source = self._split_source()
        other = type(self).__new__(type(self))
        exposed = attrs.evolve(self._exposed, headers=self._headers._list)
        other._init(self._concept, source, exposed, self._headers._guard)
        return other


def _initialized(status: int, status_text: str, headers: HeadersInit | None) -> http.Response:
    """https://fetch.spec.whatwg.org/#initialize-a-response, up to its body"""
    # 1. The status.
    number = webidl.enforce_unsigned_long_long("status", status)
    if not 200 <= number <= 599:
        raise ValueError(f"status is {number}; expected 200 to 599")
    # 2. The status text.
    text = webidl.byte_string("status_text", status_text)
    if not _REASON_PHRASE.fullmatch(text):
        raise TypeError(f"status_text is {webidl.shown(text)}; expected no control characters")
    # 5. The headers.
    return http.Response(number, text, headers_list(headers, "response"))


def _with_type(concept: http.Response, body_type: str | None) -> http.Response:
    """The Content-Type that goes with the body, unless there is one."""
    if body_type is None or "Content-Type" in concept.headers:
        return concept
    return attrs.evolve(concept, headers=concept.headers.append("Content-Type", body_type))
