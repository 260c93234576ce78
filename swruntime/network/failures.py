"""What went wrong on the wire, as a NetworkFailure: a cause from the closed list, and words for a person."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Iterator

import ada_url
import h2.events
import h2.exceptions
import httpcore

from swruntime.algorithms.proxies import Proxy
from swruntime.errors import Cause, NetworkFailure

TRANSPORT_ERRORS: tuple[type[Exception], ...] = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    h2.exceptions.H2Error,
    OSError,
)
"""What our own connections raise when an exchange fails. Anything else is a defect, and comes out as it is."""

_TIMEOUTS = ("TimeoutException",)
_CONNECT = ("ConnectError", "ProxyError")
_BROKEN = ("NetworkError",)
_REMOTE = ("RemoteProtocolError",)
_SCHEME = ("UnsupportedProtocol",)
"""Exceptions of httpcore's, and of httpx's, which have the same names: httpx itself, a third of the network's imports,
is only there where a user has brought a transport of its kind."""

# The words of h11 and httpcore; they tell apart what their exceptions' types do not.
CUT_SHORT = "peer closed connection without sending complete message body"
NO_RESPONSE = "Server disconnected without sending a response."

_NOT_CONNECTED = {
    errno.ECONNREFUSED,
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.EHOSTDOWN,
    errno.EADDRNOTAVAIL,
    errno.ENOENT,
}


def failure_of(error: Exception, url: str) -> NetworkFailure:
    """The NetworkFailure for `error`, one of TRANSPORT_ERRORS or of httpx's, in an exchange with `url`."""
    cause, message = _judge(error, where_of(url))
    return NetworkFailure(cause, message)


def proxy_failure(error: Exception, proxy: Proxy) -> NetworkFailure:
    """The NetworkFailure for `error`, one of TRANSPORT_ERRORS, between here and `proxy`."""
    cause, message = _judge(error, f"the proxy {proxy}")
    return NetworkFailure(cause, message)


def login_failure(proxy: Proxy) -> NetworkFailure:
    """A proxy answered with 407: https://www.rfc-editor.org/rfc/rfc9110#status.407"""
    if proxy.authorization is None:
        wants = "wants a user and a password (407); http://USER:PASSWORD@HOST:PORT names them"
    else:
        wants = "does not take the user and the password that it was given (407)"
    return NetworkFailure("proxy", f"the proxy {proxy} {wants}")


def timeout_failure(url: str, seconds: float) -> NetworkFailure:
    return NetworkFailure("timeout", f"{where_of(url)} let {seconds:g} s pass without a byte")


def _judge(error: Exception, where: str) -> tuple[Cause, str]:
    if _is(error, _TIMEOUTS):
        return "timeout", _timeout_message(error, where)
    if _is(error, _SCHEME):
        return "scheme", f"{where}: {error}"
    chain = tuple(_chain(error))
    if any(isinstance(link, socket.gaierror) for link in chain):
        return "dns", f"the name of {where} does not resolve"
    tls = next((link for link in chain if isinstance(link, ssl.SSLError)), None)
    if tls is not None and not _is_broken_off(chain):
        return "tls", f"no secure connection to {where}: {_tls_reason(tls)}"
    if tls is None and _is(error, _CONNECT):
        return "connect", _connect_message(chain, where)
    if _is(error, (*_CONNECT, *_BROKEN)):
        return "reset", f"the connection to {where} broke: {_reason(chain)}"
    http2 = next((link for link in chain if isinstance(link, h2.exceptions.H2Error)), None)
    if http2 is not None:
        return _http2_error(http2, where)
    if _is(error, _REMOTE):
        if isinstance(error.args[0], (h2.events.StreamReset, h2.events.ConnectionTerminated)):
            return "reset", f"{where} broke the response off (HTTP/2 error {error.args[0].error_code!s})"
        return _protocol_error(str(error), where)
    if isinstance(error, OSError):
        if error.errno in _NOT_CONNECTED:
            return "connect", _connect_message(chain, where)
        return "reset", f"the connection to {where} broke: {_reason(chain)}"
    return "protocol", f"the request to {where} cannot be sent: {error}"


def _is(error: Exception, names: tuple[str, ...]) -> bool:
    return any(
        kind.__name__ in names and kind.__module__.partition(".")[0] in ("httpcore", "httpx")
        for kind in type(error).__mro__
    )


def _protocol_error(text: str, where: str) -> tuple[Cause, str]:
    if CUT_SHORT in text:
        detail = text.replace(CUT_SHORT, "").strip()
        return "truncated", f"{where} closed the connection in the middle of the body {detail}".rstrip()
    if text == NO_RESPONSE or text.startswith("Server disconnected"):
        return "reset", f"{where} closed the connection without a response"
    return "protocol", f"what {where} sent is not HTTP: {text}"


def _http2_error(error: h2.exceptions.H2Error, where: str) -> tuple[Cause, str]:
    if (
        isinstance(error, h2.exceptions.InvalidBodyLengthError)
        and error.actual_length < error.expected_length
    ):
        told = f"after {error.actual_length} of {error.expected_length} bytes"
        return "truncated", f"{where} ended the response in the middle of the body {told}"
    if isinstance(error, h2.exceptions.NoSuchStreamError):
        return "reset", f"{where} broke off what was being sent to it"
    return "protocol", f"what {where} sent is not HTTP/2: {error}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """`error` and all that led to it, each once; groups are looked into."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        link = waiting.pop()
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [e for e in (link.__context__, link.__cause__) if e is not None]
        if isinstance(link, BaseExceptionGroup):
            waiting += link.exceptions


def _is_broken_off(chain: tuple[BaseException, ...]) -> bool:
    """Whether TLS only noticed that the connection under it went away."""
    eof = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
    return any(isinstance(link, (*eof, ConnectionResetError, BrokenPipeError)) for link in chain)


def _connect_message(chain: tuple[BaseException, ...], where: str) -> str:
    if any(isinstance(link, ConnectionRefusedError) for link in chain):
        return f"{where} refused the connection"
    return f"{where} cannot be reached: {_reason(chain)}"


def _reason(chain: tuple[BaseException, ...]) -> str:
    for link in chain:
        if isinstance(link, OSError) and link.errno is not None and not isinstance(link, ssl.SSLError):
            return os.strerror(link.errno)
    return next((str(link) for link in chain if str(link)), type(chain[0]).__name__)


def _tls_reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid ({error.verify_message})"
    return (error.reason or str(error)).replace("_", " ").lower()


def _timeout_message(error: Exception, where: str) -> str:
    if _is(error, ("ConnectTimeout",)):
        return f"{where} did not take the connection in time"
    if _is(error, ("WriteTimeout",)):
        return f"{where} did not take what was sent in time"
    return f"{where} sent nothing for too long"


def where_of(url: str) -> str:
    """Host and port of `url`, the default port left out."""
    try:
        return ada_url.URL(url).host or url
    except ValueError:
        return url
