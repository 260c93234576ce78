"""The head of a response as HTTP has it: framing that is true, and nothing of another connection."""

from __future__ import annotations

import attrs

from swruntime.algorithms import headers as names, urls
from swruntime.algorithms.response_framing import is_bodiless
from swruntime.concepts.http import HeaderList, Response
from swruntime.errors import NetworkFailure
from swruntime.network.decoding import decoder_for
from swruntime.serve.incoming import without_hop_by_hop

_NULL_BODY_STATUSES = (204, 205, 304)


@attrs.frozen
class Head:
    """`length` is what Content-Length says, in bytes, None without one. `bodiless`: no body may follow."""

    status: int
    headers: HeaderList
    length: int | None
    bodiless: bool


def of_network(method: str, status: int, headers: HeaderList) -> Head:
    """The head of what the origin answered. A coding that was undone on the way is gone from it.

    Raises NetworkFailure, here and below, for a status that no answer has.
    """
    bodiless = is_bodiless(method, status)
    return _head(status, headers, _kept_length(headers), bodiless, decoded=_was_decoded(headers))


def of_worker(method: str, response: Response, *, has_body: bool, body_length: int | None) -> Head:
    """The head of what a worker responded with; `body_length` is in bytes, None where it is not known.

    Cookies are not among what a worker's response can set.
    """
    headers = response.headers.delete("Set-Cookie", "Set-Cookie2")
    bodiless = is_bodiless(method, response.status) or response.status in _NULL_BODY_STATUSES
    # A script's own response is what it is: a coding that it claims was never applied, or is undone already.
    own = response.type == "default"
    length = body_length if has_body else 0
    if length is None or (method == "HEAD" and not has_body):
        length = None if own else _kept_length(headers)
    return _head(response.status, headers, length, bodiless, decoded=own or _was_decoded(headers))


def at_origin(headers: HeaderList, url: str, origin: str) -> HeaderList:
    """A redirect to `origin` as a path, since the client may know this server by another name.

    `url` is what a relative Location is relative to.
    """
    location = headers.get("Location")
    if location is None:
        return headers
    try:
        target = urls.parse(location, url)
    except TypeError:
        return headers
    if target.origin != origin:
        return headers
    # "//host" would be another server's.
    path = f"/.{target.pathname}" if target.pathname.startswith("//") else target.pathname
    return headers.set("Location", f"{path}{target.search}{target.hash}")


def _head(status: int, headers: HeaderList, length: int | None, bodiless: bool, *, decoded: bool) -> Head:
    # RFC 9110, 15: what is below 200 goes before an answer, or ends HTTP (101); above 599 is nothing.
    if not 200 <= status <= 599:
        raise NetworkFailure("protocol", f"the response's status is {status}; expected 200 to 599")
    if decoded:
        headers = headers.delete("Content-Encoding")
    # To HEAD, and with 304, the length is another response's; with 204 and 205 there is none.
    if status in (204, 205):
        length = None
    headers = without_hop_by_hop(headers).delete("Content-Length")
    if length is not None:
        headers = headers.append("Content-Length", str(length))
    return Head(status, headers, None if bodiless else length, bodiless)


def _was_decoded(headers: HeaderList) -> bool:
    return decoder_for(headers.all("Content-Encoding")) is not None


def _kept_length(headers: HeaderList) -> int | None:
    """The Content-Length that came, where it is still that of the body."""
    if "Transfer-Encoding" in headers or _was_decoded(headers):
        return None
    return names.content_length(headers)
