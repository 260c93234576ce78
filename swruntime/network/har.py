"""HAR 1.2, the archive that browsers' developer tools and others write: an exchange as plain data, and back.

No library does both ends: those on the package index hold a whole file in memory, to analyse it. What is written
here has every field that the format asks for, and one of our own, `_swruntime`: the exchange's number, how it failed
on the wire, and whether whoever asked left before its end. What is read may be of any tool: Chromium's `_error`,
headers of HTTP/2 that are none, bodies in base64, and fields that are not there.

Spec: http://www.softwareishard.com/blog/har-12-spec/
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import ada_url
import attrs

from swruntime.algorithms.response_framing import is_bodiless
from swruntime.concepts.http import HeaderList
from swruntime.errors import CAUSES, Cause, NetworkFailure

Plain = Mapping[str, Any]

OURS = "_swruntime"

_CHROMIUM: tuple[tuple[str, Cause], ...] = (
    ("NAME_", "dns"),
    ("DNS_", "dns"),
    ("CONTENT_LENGTH_MISMATCH", "truncated"),
    ("INCOMPLETE_CHUNKED_ENCODING", "truncated"),
    ("CONTENT_DECODING", "coding"),
    ("CERT_", "tls"),
    ("SSL_", "tls"),
    ("TIMED_OUT", "timeout"),
    ("CONNECTION_TIMED_OUT", "timeout"),
    ("CONNECTION_REFUSED", "connect"),
    ("CONNECTION_FAILED", "connect"),
    ("ADDRESS_", "connect"),
    ("INTERNET_DISCONNECTED", "connect"),
    ("TOO_MANY_REDIRECTS", "redirect"),
    ("CONNECTION_", "reset"),
    ("EMPTY_RESPONSE", "reset"),
    ("NETWORK_CHANGED", "reset"),
    ("ABORTED", "reset"),
)
"""What Chromium's names begin with, after net::ERR_; the first that fits."""


@attrs.frozen(kw_only=True)
class Entry:
    """An exchange of an archive. `body` is None where the archive has none; `length` is what it says of it, in bytes.

    `left`: whoever asked went away before the end, so what came of the body is not all.
    """

    method: str
    url: str
    range: str | None
    status: int
    status_text: str
    headers: HeaderList
    body: bytes | None
    length: int = 0
    failure: NetworkFailure | None = None
    left: bool = False
    started: str = ""
    number: int = 0

    @property
    def is_coded(self) -> bool:
        return self.headers.get("content-encoding") not in (None, "identity")


def entry_of(data: object) -> Entry:
    """The exchange that one of `log.entries` is. Raises ValueError, naming the key, the value and what is expected."""
    entry = _table("an entry", data)
    request = _table("request", entry.get("request"))
    response = _table("response", entry.get("response", {}))
    ours = _table(OURS, entry.get(OURS, {}))
    method = _text("request.method", request.get("method"))
    status = _status(response.get("status", 0))
    headers = _headers("response", response)
    redirect = response.get("redirectURL")
    if redirect and 300 <= status <= 399 and "location" not in headers:
        headers = headers.append("Location", _text("response.redirectURL", redirect))
    content = _table("response.content", response.get("content") or {})
    type = "" if ours else str(content.get("mimeType") or headers.get("content-type") or "")
    body, length = _body(content, response, type, is_bodiless(method, status))
    failure = _failure(entry, response, ours, status)
    made = Entry(
        method=method,
        url=_url(request.get("url")),
        range=_headers("request", request).get("range"),
        status=status,
        status_text=str(response.get("statusText") or ""),
        headers=headers,
        body=body,
        length=length,
        failure=failure,
        left=ours.get("left") is True,
        started=str(entry.get("startedDateTime", "")),
        number=ours["number"] if isinstance(ours.get("number"), int) else 0,
    )
    return made if ours else _with_true_length(made)


def _table(name: str, value: object) -> Plain:
    if not isinstance(value, Mapping):
        raise ValueError(f"{name} is {_short(value)}; expected an object")
    return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} is {_short(value)}; expected text")
    return value


def _short(value: object) -> str:
    text = "not there" if value is None else repr(value)
    return text if len(text) <= 60 else text[:60] + "..."


def _url(value: object) -> str:
    text = _text("request.url", value)
    try:
        return without_fragment(text)
    except ValueError:
        raise ValueError(f"request.url is {_short(text)}; expected an absolute URL") from None


def without_fragment(url: str) -> str:
    """What of a URL reaches a server. Raises ValueError for what is no absolute URL."""
    parsed = ada_url.URL(url)
    return str(parsed.href).partition("#")[0]


def _status(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 999:
        raise ValueError(f"response.status is {_short(value)}; expected a status, or 0 where none came")
    return value


def _headers(of: str, message: Plain) -> HeaderList:
    given = message.get("headers") or []
    if not isinstance(given, list):
        raise ValueError(f"{of}.headers is {_short(given)}; expected a list")
    pairs = []
    for header in given:
        header = _table(f"one of {of}.headers", header)
        name = _text(f"the name of one of {of}.headers", header.get("name"))
        value = _text(f"{of}.headers, {name}", header.get("value"))
        if not name.startswith(":"):  # HTTP/2's, which are none
            # Chromium joins what came more than once, in lines.
            pairs += [(name, line) for line in value.split("\n")]
    return HeaderList.of(pairs)


def _body(content: Plain, response: Plain, type: str, bodiless: bool) -> tuple[bytes | None, int]:
    """The body, None where the archive has none, and how many bytes it should have."""
    sizes = [size for size in (content.get("size"), response.get("bodySize")) if isinstance(size, int)]
    length = max([0, *sizes])
    if bodiless:
        return b"", 0
    if content.get("text") is None:
        return (b"", 0) if length == 0 else (None, length)
    text = _text("response.content.text", content["text"])
    encoding = content.get("encoding")
    if encoding == "base64":
        try:
            body = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise ValueError(f"response.content.text is not base64: {error}") from None
    elif encoding in (None, "", "utf-8"):
        body = _encoded(text, type)
    else:
        raise ValueError(f"response.content.encoding is {_short(encoding)}; expected 'base64', or nothing")
    return body, len(body)


def _encoded(text: str, mime_type: str) -> bytes:
    """The bytes of a text; they were in the charset of its type, as far as that is known and has them."""
    _, _, charset = mime_type.lower().partition("charset=")
    try:
        return text.encode(charset.partition(";")[0].strip(" \"'") or "utf-8")
    except (LookupError, UnicodeEncodeError):
        return text.encode("utf-8", "replace")


def _failure(entry: Plain, response: Plain, ours: Plain, status: int) -> NetworkFailure | None:
    told = ours.get("failure")
    if told is not None:
        told = _table(f"{OURS}.failure", told)
        cause = told.get("cause")
        if cause not in CAUSES:
            raise ValueError(f"{OURS}.failure.cause is {_short(cause)}; expected one of {', '.join(CAUSES)}")
        return NetworkFailure(cast(Cause, cause), _text(f"{OURS}.failure.message", told.get("message")))
    error = response.get("_error") or entry.get("_error")
    if error is not None:
        name = str(error).removeprefix("net::").removeprefix("ERR_")
        known = [cause for begin, cause in _CHROMIUM if name.startswith(begin)]
        return NetworkFailure(known[0] if known else "protocol", f"the recording tells of {error}")
    if status == 0 and ours.get("left") is not True:
        return NetworkFailure("reset", "the recording tells of no answer, and not why")
    return None


def _with_true_length(entry: Entry) -> Entry:
    """Another tool's body may have been text in between: its length is what it has now, unless it was coded."""
    told = entry.headers.get("content-length")
    if told is None or entry.body is None or entry.failure is not None or entry.is_coded:
        return entry
    if entry.method == "HEAD" or told == str(len(entry.body)):
        return entry
    return attrs.evolve(entry, headers=entry.headers.set("Content-Length", str(len(entry.body))))


@attrs.define(kw_only=True)
class Noted:
    """What is known of an exchange that is being recorded. Times in seconds; `wall` since 1970."""

    number: int
    wall: float
    began: float
    method: str
    url: str
    request_headers: HeaderList
    sent: int = 0
    answered: float | None = None
    status: int = 0
    status_text: str = ""
    headers: HeaderList = attrs.field(factory=HeaderList)
    received: int = 0
    failure: NetworkFailure | None = None
    complete: bool = False


def plain_entry(noted: Noted, ended: float, post: Plain | None, content: Plain) -> dict[str, Any]:
    """One of `log.entries`. `post`: the request's postData; `content`: text and encoding of the response's."""
    answered = ended if noted.answered is None else noted.answered
    ours: dict[str, Any] = {"number": noted.number}
    if noted.failure is not None:
        ours["failure"] = {"cause": noted.failure.cause, "message": noted.failure.message}
    elif not noted.complete:
        ours["left"] = True
    query = parse_qsl(urlsplit(noted.url).query, keep_blank_values=True)
    request = {
        "method": noted.method,
        "url": noted.url,
        "httpVersion": "unknown",
        "cookies": [],
        "headers": _plain_pairs(noted.request_headers),
        "queryString": [{"name": name, "value": value} for name, value in query],
        "headersSize": -1,
        "bodySize": noted.sent,
    }
    if post is not None:
        request["postData"] = post
    response = {
        "status": noted.status,
        "statusText": noted.status_text,
        "httpVersion": "unknown",
        "cookies": [],
        "headers": _plain_pairs(noted.headers),
        "content": {
            "size": noted.received,
            "mimeType": noted.headers.get("content-type") or "x-unknown",
            **content,
        },
        "redirectURL": noted.headers.get("location") or "",
        "headersSize": -1,
        "bodySize": -1,
    }
    if noted.failure is not None:
        response["_error"] = f"{noted.failure.cause}: {noted.failure.message}"
    waited, received = _milliseconds(answered - noted.began), _milliseconds(ended - answered)
    return {
        "startedDateTime": datetime.fromtimestamp(noted.wall, UTC).isoformat(timespec="milliseconds"),
        "time": round(waited + received, 3),
        "request": request,
        "response": response,
        "cache": {},
        "timings": {"send": 0, "wait": waited, "receive": received},
        OURS: ours,
    }


def _plain_pairs(headers: HeaderList) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
