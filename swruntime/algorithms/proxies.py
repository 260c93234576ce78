"""Proxies: what HTTP_PROXY and its siblings say, and which requests go through one.

The variables are read as curl reads them (https://everything.curl.dev/usingcurl/proxies/env.html): those in lower case
first, an empty one is none. Nothing here reads the environment itself.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_interface
from urllib.parse import unquote_to_bytes

import attrs

from swruntime.algorithms import urls
from swruntime.algorithms.addresses import bare, is_this_machine, parse_address
from swruntime.errors import UsageError

EXPECTED = "expected http://[USER:PASSWORD@]HOST[:PORT], or https://"

_SOCKS = ("socks", "socks4", "socks4a", "socks5", "socks5h")

VARIABLES = tuple(
    each for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for each in (name, name.upper())
)
"""The variables of the environment that `from_environment` looks at, besides REQUEST_METHOD."""


@attrs.frozen
class Proxy:
    """A proxy that speaks HTTP, over TLS where `scheme` is https. `str()` of it has no user and no password.

    `host` is as a connection takes it, an IPv6 address without brackets; `authorization` what Proxy-Authorization is
    to be; `named` where it was named: a variable, or an option.
    """

    scheme: str
    host: str
    port: int
    authorization: str | None = attrs.field(default=None, repr=False)
    named: str = attrs.field(default="proxy", eq=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse_proxy(text: str, named: str = "proxy") -> Proxy:
    """The proxy that `text` names; without a scheme it is http, without a port that scheme's.

    `named` says where the text comes from. Raises UsageError with it, and with the text, but never with a password.
    """
    shown = f"{named} is {_without_password(text)!r}"
    stripped = text.strip()
    scheme, separator, _ = stripped.partition("://")
    if separator and scheme.lower() in _SOCKS:
        raise UsageError(f"{shown}; SOCKS proxies are not supported, {EXPECTED}")
    try:
        url = urls.parse(stripped if separator else f"http://{stripped}")
    except TypeError:
        raise UsageError(f"{shown}; {EXPECTED}") from None
    if url.protocol not in ("http:", "https:") or url.pathname != "/" or url.search or url.hash:
        raise UsageError(f"{shown}; {EXPECTED}")
    port = urls.port(url.href)
    if not port:
        raise UsageError(f"{shown}, and 0 is not a port; {EXPECTED}")
    authorization = None
    if url.username or url.password:
        user, password = unquote_to_bytes(url.username), unquote_to_bytes(url.password)
        authorization = "Basic " + b64encode(user + b":" + password).decode()
    return Proxy(url.protocol.removesuffix(":"), bare(url.hostname), port, authorization, named)


def _without_password(text: str) -> str:
    """`text`; what may be a user and a password, up to the last `@`, is three stars."""
    before, at, host = text.rpartition("@")
    if not at:
        return text
    scheme, separator, _ = before.partition("://")
    return f"{scheme}://***@{host}" if separator else f"***@{host}"


@attrs.frozen
class _Exemption:
    """One entry of NO_PROXY: a network of addresses, or a domain with what is below it; with a port, only that port."""

    network: IPv4Network | IPv6Network | None = None
    domain: str = ""
    port: int | None = None

    def covers(self, host: str, port: int) -> bool:
        if self.port is not None and self.port != port:
            return False
        if self.network is not None:
            address = parse_address(host)
            return address is not None and address in self.network
        return host == self.domain or host.endswith(f".{self.domain}")


@attrs.frozen
class Proxies:
    """Which requests go through which proxy. Without arguments none does."""

    http: Proxy | None = None
    https: Proxy | None = None
    exempt: tuple[_Exemption, ...] = ()
    loopback: bool = False
    """Whether what stays on this machine goes through a proxy, too."""

    @classmethod
    def everything(cls, proxy: Proxy) -> Proxies:
        """Every request goes through `proxy`."""
        return cls(proxy, proxy, loopback=True)

    def proxy_for(self, scheme: str, host: str, port: int) -> Proxy | None:
        """The proxy for a request to `host`, as a URL has it; None for a direct connection."""
        proxy = self.https if scheme == "https" else self.http
        if proxy is None or (not self.loopback and is_this_machine(host)):
            return None
        name = host.lower().removesuffix(".")
        return None if any(each.covers(name, port) for each in self.exempt) else proxy


def from_environment(environ: Mapping[str, str]) -> Proxies:
    """What the variables HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY say, lower case before upper.

    Where REQUEST_METHOD is set, HTTP_PROXY in capitals is not looked at: a CGI script has there what a client's `Proxy`
    header says (https://httpoxy.org). Raises UsageError, naming the variable, for what is not the URL of a proxy.
    """
    exempt = _first(environ, ("no_proxy", "NO_PROXY"))
    entries = [] if exempt is None else re.split(r"[\s,]+", exempt[1])
    if "*" in entries:
        return Proxies()
    everything = ("all_proxy", "ALL_PROXY")
    http = ("http_proxy",) if environ.get("REQUEST_METHOD") else ("http_proxy", "HTTP_PROXY")
    return Proxies(
        _named_by(environ, (*http, *everything)),
        _named_by(environ, ("https_proxy", "HTTPS_PROXY", *everything)),
        parse_exemptions(entries),
    )


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, str] | None:
    """The first variable of `names` that is set, and not empty, with its value."""
    return next(((name, environ[name]) for name in names if environ.get(name, "").strip()), None)


def _named_by(environ: Mapping[str, str], names: tuple[str, ...]) -> Proxy | None:
    found = _first(environ, names)
    return None if found is None else parse_proxy(found[1], found[0])


def parse_exemptions(entries: Iterable[str]) -> tuple[_Exemption, ...]:
    """NO_PROXY's entries. One that can cover nothing is left out, as everywhere."""
    return tuple(found for entry in entries if (found := _exemption(entry)) is not None)


_ENTRY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:\[\]]+)(?::(?P<port>[0-9]{1,5}))?")


def _exemption(entry: str) -> _Exemption | None:
    """`entry`: `example.com`, `.example.com`, `*.example.com`, an address, a network; with a port or without one."""
    network = _network(entry)
    if network is not None:
        return _Exemption(network)
    match = _ENTRY.fullmatch(entry)
    if match is None:
        return None
    port = None if match["port"] is None else int(match["port"])
    try:
        name = urls.host(f"http://{match['host'].removeprefix('*').strip('.')}/")
    except TypeError:
        return None
    return _Exemption(_network(name), name, port)


def _network(text: str) -> IPv4Network | IPv6Network | None:
    """The network that `text` is, `10.0.0.0/8` say; an address is one of a single address."""
    address = parse_address(text)
    try:
        return ip_interface(text if address is None else address).network
    except ValueError:
        return None
