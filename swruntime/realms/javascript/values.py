"""Values on their way between a JavaScript process and the platform objects behind it.

What comes from a process is not trusted: a reader takes what it expects and raises WireError for all else. What is
right in its shape and wrong in its content is refused by the platform objects themselves, as it is of a Python script.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from swruntime.algorithms.webidl import python_name
from swruntime.concepts.messages import Message
from swruntime.concepts.notifications import NotificationAction
from swruntime.errors import DOMException, NetworkFailure, NetworkTypeError, QuotaExceededError, ScriptError
from swruntime.realms.javascript import messages
from swruntime.realms.javascript.messages import WireError
from swruntime.realms.javascript.shapes import shown
from swruntime.realms.python.body_sources import BodySource, BytesSource
from swruntime.realms.python.context import error_text
from swruntime.realms.python.location import PermissionStatus, StorageEstimate
from swruntime.realms.python.message_ports import MessagePort
from swruntime.realms.python.navigation_preload import NavigationPreloadState
from swruntime.realms.python.request import Request
from swruntime.realms.python.response import NULL_BODY_STATUSES, Response
from swruntime.realms.python.structured_clone import Serialized

if TYPE_CHECKING:
    from swruntime.realms.python.realm import PythonRealm

Wire = dict[str, Any]

__all__ = [
    "Reader",
    "WireError",
    "a_message",
    "a_request",
    "a_response",
    "ports",
    "requests",
    "value",
]


class Process(Protocol):
    """What readers need of the engine."""

    @property
    def realm(self) -> PythonRealm: ...

    def object(self, number: object, cls: type) -> Any:
        """The object known by that number. Raises WireError where there is none of that class."""
        ...

    def pull(self, stream: int) -> AsyncIterator[bytes]:
        """The pieces of a stream of the script's. Raises what the stream errors with."""
        ...

    def cancel(self, stream: int) -> None:
        """Nobody will read a stream of the script's."""
        ...


@attrs.frozen
class Reader:
    """Reads one argument. `named`: it is a dictionary, whose `members` become keyword arguments."""

    read: Callable[[Process, Any], Any]
    optional: bool = False
    named: bool = False
    members: frozenset[str] = frozenset()


@attrs.frozen
class StreamSource:
    """A stream of the script's, read piece by piece: the next one is asked for when the last one is used up."""

    process: Process
    stream: int
    stored: int | None = None
    length: int | None = None
    replayable: bool = False

    def chunks(self) -> AsyncIterator[bytes]:
        return self.process.pull(self.stream)

    def close(self) -> None:
        self.process.cancel(self.stream)


def _plain(process: Process, wire: Any) -> Any:
    if wire is None or isinstance(wire, bool | int | float | str | bytes):
        return wire
    raise WireError(f"{type(wire).__name__} where a plain value is expected")


def _list(wire: Any) -> list[Any]:
    if not isinstance(wire, list):
        raise WireError(f"{type(wire).__name__} where a list is expected")
    return wire


def _dictionary(wire: Any) -> Wire:
    if not isinstance(wire, dict):
        raise WireError(f"{type(wire).__name__} where an object is expected")
    return wire


def _text(wire: Any) -> str:
    if not isinstance(wire, str):
        raise WireError(f"{type(wire).__name__} where a text is expected")
    return wire


def _request_info(process: Process, wire: Any) -> str | Request:
    return wire if isinstance(wire, str) else read_request(process, _dictionary(wire))


def read_request(process: Process, wire: Wire) -> Request:
    """A Request of the script's: one that came from here, or one that is made anew, and checked like any other."""
    if wire.get("handle") is not None:
        return process.object(wire["handle"], Request)  # type: ignore[no-any-return]
    make = process.realm.context.bind(Request)
    given = {
        python_name(name): _text(wire[name])
        for name in ("mode", "credentials", "cache", "redirect", "referrer", "referrerPolicy", "integrity")
        # A navigation's request comes from here, and its mode can be given by nobody.
        if name in wire and not (name == "mode" and wire[name] == "navigate")
    }
    options: dict[str, Any] = {**given, "keepalive": wire.get("keepalive") is True}
    request = make(
        _text(wire.get("url")), method=_text(wire.get("method")), headers=_headers(wire), **options
    )
    if wire.get("destination") not in (None, ""):
        raise WireError("a script's request has a destination")
    _give_body(process, request, wire.get("body"))
    match wire.get("source"):
        case None:
            pass
        case {"handle": int(number), "isModified": bool(modified)}:
            request._comes_from(process.object(number, Request), modified=modified)
        case source:
            raise WireError(f"the request that another is made of is {shown(source)}; expected its handle")
    return request


def _give_body(process: Process, request: Request, wire: Any) -> None:
    """https://fetch.spec.whatwg.org/#dom-request, steps 35 to 39: which requests may have one."""
    if wire is None:
        return
    if request.method in ("GET", "HEAD"):
        raise WireError(f"a {request.method} request has a body")
    source = read_body(process, wire)
    if isinstance(source, StreamSource) and (
        request.keepalive or request.mode not in ("same-origin", "cors")
    ):
        raise WireError(
            f"the body of a request is a stream; its mode is {request.mode!r}, or it is keepalive"
        )
    request._set_body(source)


def _headers(wire: Wire) -> list[tuple[str, str]]:
    return [(_text(name), _text(text)) for name, text in _pairs(wire.get("headers"))]


def _pairs(wire: Any) -> list[tuple[Any, Any]]:
    pairs = [_list(each) for each in _list(wire)]
    if any(len(pair) != 2 for pair in pairs):
        raise WireError("a header is not a pair")
    return [(name, text) for name, text in pairs]


def read_body(process: Process, wire: Any) -> BodySource | None:
    """Where the bytes of a body come from: they are here, or stay with the script until they are wanted."""
    if wire is None:
        return None
    match _dictionary(wire):
        case {"bytes": bytes(data), **rest} if not rest:
            return BytesSource(data, charge=process.realm.context.held.current)
        case {"stream": stream, **rest} if type(stream) is int and not rest:
            return StreamSource(process, stream)
        case {"remote": number, **rest} if not rest:
            holder = process.object(number, object)
            if isinstance(holder, Request | Response):
                if holder.body is None:
                    raise WireError(f"{shown(number)} has no body that a script may use")
                return holder._take_source()
    raise WireError(f"a body is {shown(wire)}; expected bytes, a stream or the body of a known object")


def read_response(process: Process, wire: Any) -> Response:
    """A Response of the script's: one that came from here, or one that it has made."""
    wire = _dictionary(wire)
    if wire.get("handle") is not None:
        return process.object(wire["handle"], Response)  # type: ignore[no-any-return]
    make = process.realm.context.bind(Response)
    if wire.get("type") == "error":
        return make.error()
    status = wire.get("status")
    if type(status) is not int:
        raise WireError("a response has no status")
    response = make(None, status=status, status_text=_text(wire.get("statusText")), headers=_headers(wire))
    body = read_body(process, wire.get("body"))
    if body is not None:
        if status in NULL_BODY_STATUSES:
            raise WireError(f"a response with status {status} has a body")
        response._set_body(body)
    return response


def _requests(process: Process, wire: Any) -> Any:
    if isinstance(wire, list):
        return [_request_info(process, each) for each in wire]
    return _request_info(process, wire)


def _read_message(process: Process, wire: Any) -> Serialized:
    return Serialized(messages.from_wire(wire))


def _read_ports(process: Process, wire: Any) -> list[MessagePort]:
    return [process.object(number, MessagePort) for number in _list(wire if wire is not None else [])]


value = Reader(_plain)
a_request = Reader(_request_info)
requests = Reader(_requests)
a_response = Reader(read_response)
a_message = Reader(_read_message)
ports = Reader(_read_ports, optional=True)


def dictionary(*names: str) -> Reader:
    """A dictionary with these members, each of which may be absent."""
    known = frozenset(name for each in names for name in each.split())

    def read(process: Process, wire: Any) -> dict[str, Any]:
        given = {} if wire is None else _dictionary(wire)
        if unknown := given.keys() - known:
            raise WireError(f"unknown members {shown(sorted(unknown))}")
        return {
            python_name(name): Serialized(messages.from_wire(member)) if name == "data" else _member(member)
            for name, member in given.items()
        }

    return Reader(read, optional=True, named=True, members=known)


_DEEPEST = 4
"""How deep the dictionaries of the standards are: a list of dictionaries of texts."""


def _member(wire: Any, depth: int = 0) -> Any:
    """Plain data of a dictionary: icons, actions, vibration patterns."""
    if depth > _DEEPEST:
        raise WireError("a dictionary is nested too deeply")
    if isinstance(wire, list):
        return [_member(each, depth + 1) for each in wire]
    if isinstance(wire, dict):
        return {name: _member(each, depth + 1) for name, each in wire.items() if each is not None}
    return _plain(None, wire)  # type: ignore[arg-type]


class Writer:
    """Writes what platform objects answer with. `mention` gives an object's number and, where it is new, its state."""

    def __init__(self, mention: Callable[[object], Wire | None]) -> None:
        self._mention = mention

    def write(self, answer: object) -> Any:
        match answer:
            case None | bool() | float() | str() | bytes():
                return answer
            case int():
                return answer
            case list() | tuple():
                return [self.write(each) for each in answer]
            case Mapping():
                return {str(name): self.write(each) for name, each in answer.items()}
            case Message():
                return {"$message": messages.to_wire(answer)}
            case StorageEstimate(usage, quota):
                return {"usage": usage, "quota": quota}
            case PermissionStatus(name, state):
                return {"$permission": name, "state": state}
            case NavigationPreloadState():
                return {"enabled": answer.enabled, "headerValue": answer.header_value}
            case NotificationAction():
                return {k: v for k, v in attrs.asdict(answer).items() if v is not None}
        written = self._mention(answer)
        if written is None:
            raise TypeError(f"{type(answer).__name__} has no face")
        return written


def request_state(request: Request) -> Wire:
    """What the process is told of a Request."""
    return {
        "method": request.method,
        "url": request.url,
        "headers": [list(pair) for pair in request.headers._list],
        "mode": request.mode,
        "credentials": request.credentials,
        "cache": request.cache,
        "redirect": request.redirect,
        "referrer": request.referrer,
        "referrerPolicy": request.referrer_policy,
        "integrity": request.integrity,
        "keepalive": request.keepalive,
        "destination": request.destination,
        "hasBody": request.body is not None,
    }


def response_state(response: Response) -> Wire:
    """What the process is told of a Response: what its type exposes."""
    return {
        "type": response.type,
        "url": response.url,
        "redirected": response.redirected,
        "status": response.status,
        "statusText": response.status_text,
        "headers": [list(pair) for pair in response.headers._list],
        "hasBody": response.body is not None,
    }


def told_error(error: BaseException, what: str) -> tuple[Wire, str | None]:
    """An exception of the operation `what` as the script will get it. The specs' RangeError is a ValueError here.

    What no script is meant to see (where a redirect led, what another origin answered; an error of the system, with
    paths of the machine in it; a defect of ours) is in the second part, for the user.
    """
    if isinstance(error, DOMException):
        state: Wire = {"name": error.name, "message": str(error), "dom": True}
        if isinstance(error, QuotaExceededError):
            state |= {"quota": error.quota, "requested": error.requested}
        return state, None
    name = {TypeError: "TypeError", ValueError: "RangeError", SyntaxError: "SyntaxError"}
    known = next((name[cls] for cls in type(error).__mro__ if cls in name), None)
    if isinstance(error, NetworkTypeError):
        secret = None if error.told == str(error) else str(error)
        return {"name": "TypeError", "message": error.told, "dom": False}, secret
    if known is not None:
        return {"name": known, "message": str(error), "dom": False}, None
    text = error_text(error)
    if isinstance(error, ScriptError | NetworkFailure):
        return {"name": "Error", "message": text, "dom": False}, None
    return {
        "name": "Error",
        "message": f"{what} failed in the runtime",
        "dom": False,
    }, f"{what} failed: {text}"


def error_from(wire: Any) -> Exception:
    """What a script threw, as an exception of Python's."""
    wire = _dictionary(wire)
    message = wire.get("message")
    name = wire.get("name")
    text = message if isinstance(message, str) else ""
    if wire.get("dom") is True:
        for cls in DOMException.__subclasses__():
            if cls.name == name:
                return cls(text)
        return DOMException(text)
    builtin: dict[Any, type[Exception]] = {"TypeError": TypeError, "RangeError": ValueError}
    return builtin.get(name, ScriptError)(text)


def arguments_of(
    process: Process, readers: Sequence[Reader], required: int, wire: Sequence[Any]
) -> tuple[list[Any], dict[str, Any]]:
    """What a method is called with. Raises WireError where arguments are missing or too many."""
    if not required <= len(wire) <= len(readers):
        raise WireError(f"{len(wire)} arguments")
    placed: list[Any] = []
    named: dict[str, Any] = {}
    for index, (reader, each) in enumerate(zip(readers, wire, strict=False)):
        if reader.named:
            named |= reader.read(process, each)
        elif each is not None or index < required:
            placed.append(reader.read(process, each))
    _check_ports(placed, named)
    return placed, named


def _check_ports(placed: Sequence[Any], named: Mapping[str, Any]) -> None:
    """A message's ports are those that go along with it, each of them once."""
    count = sum(len(each) for each in placed if isinstance(each, list))
    for each in (*placed, *named.values()):
        if isinstance(each, Serialized) and any(at >= count for at in messages.ports_of(each.message)):
            raise WireError(f"a message has a port that does not go along; there are {count}")
