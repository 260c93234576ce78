"""URLs: https://url.spec.whatwg.org/, on ada_url, with errors that name the value.

`parse` and `resolve` take what a script wrote. `without_fragment` and `without_search_and_fragment` take
serialized URLs only, as all of ours are, and so need not parse them again.
"""

from __future__ import annotations

from functools import lru_cache

import attrs
from ada_url import URL, HostType

OPAQUE_ORIGIN = "null"
"""How an opaque origin is serialized; it is the same origin as no other, not even as itself."""

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}


_LONGEST = 2048
"""Characters of a URL that is remembered with its parts: a data: URL may be a whole file."""


@attrs.frozen
class ParsedURL:
    """The parts of a URL as https://url.spec.whatwg.org/#api has them, and what kind of host it is of."""

    href: str
    origin: str
    protocol: str
    username: str
    password: str
    host: str
    hostname: str
    port: str
    pathname: str
    search: str
    hash: str
    host_type: HostType


def parse(url: str, base: str | None = None) -> ParsedURL:
    """Parse `url`, against `base` if there is one. Raises TypeError, naming both, when that fails.

    Spec: https://url.spec.whatwg.org/#concept-url-parser
    """
    if len(url) > _LONGEST:
        return _parse(url, base)
    return _parse_or_remember(url, base)


def _parse(url: str, base: str | None) -> ParsedURL:
    try:
        u = URL(to_scalar_values(url), None if base is None else to_scalar_values(base))
    except ValueError:
        against = "" if base is None else f" against {base!r}"
        raise TypeError(f"{url!r} does not parse as a URL{against}") from None
    return ParsedURL(
        u.href,
        u.origin,
        u.protocol,
        u.username,
        u.password,
        u.host,
        u.hostname,
        u.port,
        u.pathname,
        u.search,
        u.hash,
        u.host_type,
    )


# A request asks about the same few URLs dozens of times.
_parse_or_remember = lru_cache(1024)(_parse)


def resolve(url: str, base: str) -> str:
    """`url` against `base`, serialized with its fragment. Raises TypeError."""
    return parse(url, base).href


def to_scalar_values(text: str) -> str:
    """Replace lone surrogates, which no URL and no UTF-8 can carry: https://webidl.spec.whatwg.org/#es-USVString"""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def origin_of(url: str) -> str:
    """The serialized origin of a URL or of a serialized origin; "null" when it is opaque. Raises TypeError.

    Spec: https://url.spec.whatwg.org/#concept-url-origin
    """
    return OPAQUE_ORIGIN if url == OPAQUE_ORIGIN else parse(url).origin


def same_origin(a: str, b: str) -> bool:
    """Whether two URLs, or serialized origins, have the same origin. Raises TypeError.

    Spec: https://html.spec.whatwg.org/multipage/browsers.html#same-origin
    """
    origin = origin_of(a)
    return origin != OPAQUE_ORIGIN and origin == origin_of(b)


def without_fragment(url: str) -> str:
    """A serialized URL up to its fragment: https://url.spec.whatwg.org/#url-serializing"""
    return url.partition("#")[0]


def without_search_and_fragment(url: str) -> str:
    """A serialized URL up to its query."""
    return without_fragment(url).partition("?")[0]


def fragment(url: str) -> str | None:
    """The fragment of a serialized URL, None where it has none at all."""
    _, hash_, text = url.partition("#")
    return text if hash_ else None


def has_credentials(url: str) -> bool:
    """https://url.spec.whatwg.org/#include-credentials. Raises TypeError."""
    parsed = parse(url)
    return bool(parsed.username or parsed.password)


def scheme(url: str) -> str:
    """The scheme of a URL or a serialized origin, without its colon. Raises TypeError."""
    return parse(url).protocol.removesuffix(":")


def host(url: str) -> str:
    """The serialized host, "" where there is none. Raises TypeError."""
    return parse(url).hostname


def port(url: str) -> int | None:
    """The port that a connection would go to, None where the scheme has no default. Raises TypeError."""
    parsed = parse(url)
    return int(parsed.port) if parsed.port else default_port(parsed.protocol.removesuffix(":"))


def default_port(scheme: str) -> int | None:
    """https://url.spec.whatwg.org/#default-port"""
    return _DEFAULT_PORTS.get(scheme)


def is_domain(url: str) -> bool:
    """Whether the host of `url` is a domain, not an address and not nothing. Raises TypeError."""
    parsed = parse(url)
    return bool(parsed.hostname) and parsed.host_type == HostType.DEFAULT


def is_http(url: str) -> bool:
    """https://fetch.spec.whatwg.org/#http-scheme. Raises TypeError."""
    return scheme(url) in ("http", "https")


def is_potentially_trustworthy(url_or_origin: str) -> bool:
    """Whether what comes from there cannot have been changed on its way. Raises TypeError.

    Spec: https://w3c.github.io/webappsec-secure-contexts/#is-url-trustworthy and #is-origin-trustworthy
    """
    if url_or_origin == OPAQUE_ORIGIN:
        return False
    url = parse(url_or_origin)
    if url.protocol == "data:" or without_search_and_fragment(url.href) in ("about:blank", "about:srcdoc"):
        return True
    if url.origin == OPAQUE_ORIGIN:
        return False
    # The origin of a blob: URL is another URL's; so the origin is asked, not the URL.
    origin = parse(url.origin)
    return origin.protocol in ("https:", "wss:") or _is_loopback(origin)


def _is_loopback(url: ParsedURL) -> bool:
    if url.host_type == HostType.IPV4:
        return url.hostname.startswith("127.")
    if url.host_type == HostType.IPV6:
        return url.hostname == "[::1]"
    name = url.hostname.removesuffix(".")
    return name == "localhost" or name.endswith(".localhost")
