"""The hosts that a server answers for.

Any web page can have a browser connect to this machine by a name of its own (DNS rebinding); all that tells is Host.
https://www.rfc-editor.org/rfc/rfc9110#section-7.4, https://www.rfc-editor.org/rfc/rfc9112#section-3.2
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

import attrs

from swruntime.algorithms import urls
from swruntime.errors import UsageError

HostKind = Literal["served", "allowed", "loopback"]

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
EXPECTED = "expected HOST or HOST:PORT, an IPv6 address in brackets"

_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s\[\]:/?#@\\%*]+)(?::(?P<port>[0-9]{1,5}))?")
"""RFC 9110, 4.2, without what browsers never send: user information, percent-encoding, zones, wildcards"""


@attrs.frozen
class Authority:
    """A host as the URL standard serializes it, without the dot of the root; `port` is None where none was given."""

    host: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> Authority | None:
        """From the value of Host, or from `--allowed-host`; None for what is not a host with or without a port."""
        match = _AUTHORITY.fullmatch(text)
        if match is None:
            return None
        try:
            host = urls.host(f"http://{match['host']}/")
        except TypeError:
            return None
        port = None if match["port"] is None else int(match["port"])
        if port is not None and not 0 < port < 65536:
            return None
        return cls(host.removesuffix(".") or host, port)

    @classmethod
    def of(cls, origin: str) -> Authority:
        """Where an origin of http or https is; the port is never None."""
        return cls(urls.host(origin).removesuffix("."), urls.port(origin))

    def __str__(self) -> str:
        return self.host if self.port is None else f"{self.host}:{self.port}"


def checked_names(names: Iterable[str]) -> tuple[Authority, ...]:
    """`--allowed-host`'s values. Raises UsageError for one that is not a host."""
    found = []
    for name in names:
        authority = Authority.parse(name)
        if authority is None:
            raise UsageError(f"--allowed-host is {name!r}; {EXPECTED}")
        found.append(authority)
    return tuple(found)


class KnownHosts:
    """`served` is the origin at which the server listens, `origin` the site's, where that is another one.

    A loopback name is known at the port of `served`, a name of `allowed` at any port unless it names one. Where a
    client leaves its port out it means the scheme's, or a way that somebody forwards: that is taken for the right one.
    """

    def __init__(self, served: str, *, origin: str | None = None, allowed: Iterable[Authority] = ()) -> None:
        self.served = served
        self._served = Authority.of(served)
        self._origin = self._served if origin is None else Authority.of(origin)
        self._allowed = tuple(allowed)

    def kind(self, authority: Authority) -> HostKind | None:
        """How the server knows a host, None where it does not."""
        if _at(authority, self._served) or _at(authority, self._origin):
            return "served"
        if any(authority.host == each.host and each.port in (None, authority.port) for each in self._allowed):
            return "allowed"
        if authority.host in LOOPBACK and authority.port in (None, self._served.port):
            return "loopback"
        return None


def _at(authority: Authority, known: Authority) -> bool:
    return authority.host == known.host and authority.port in (None, known.port)
