"""Content Security Policy, as far as it says what may be connected to and which scripts may be fetched.

Spec: https://w3c.github.io/webappsec-csp/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

import attrs

from swruntime.algorithms import urls

_WHITESPACE = "\t\n\f\r "
_SCHEME_SOURCE = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_HOST_SOURCE = re.compile(
    r"""
    (?:(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*)://)?
    (?P<host>\*|(?:\*\.)?[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*\.?)
    (?::(?P<port>[0-9]+|\*))?
    (?P<path>/[^?\#;,]*)?
    """,
    re.VERBOSE,
)
_CONNECT = ("connect-src", "default-src")
_FALLBACKS = {
    "script": ("script-src-elem", "script-src", "default-src"),
    "serviceworker": ("worker-src", "child-src", "script-src", "default-src"),
}
"""By destination: https://w3c.github.io/webappsec-csp/#directive-fallback-list. All others are connections here."""

_UPGRADES = {"http": ("https",), "ws": ("wss", "http", "https"), "wss": ("https",)}


@attrs.frozen
class Directive:
    """https://w3c.github.io/webappsec-csp/#directives; the name is in lower case."""

    name: str
    sources: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((self.name, *self.sources))


def parse_policies(serialized: str) -> tuple[tuple[Directive, ...], ...]:
    """The policies of a Content-Security-Policy header's value, which may list several. Never raises.

    Spec: https://w3c.github.io/webappsec-csp/#parse-serialized-policy-list
    """
    return tuple(policy for part in serialized.split(",") if (policy := parse_policy(part)))


def parse_policy(serialized: str) -> tuple[Directive, ...]:
    """One policy: https://w3c.github.io/webappsec-csp/#parse-serialized-policy. Never raises."""
    directives: dict[str, Directive] = {}
    # 3. One directive after the other.
    for token in serialized.split(";"):
        words = [word for word in re.split(f"[{_WHITESPACE}]+", token) if word]
        # 3.2. What is empty or not ASCII says nothing.
        if not words or not token.isascii():
            continue
        # 3.3-3.5. The first of a name counts.
        name = words[0].lower()
        if name not in directives:
            directives[name] = Directive(name, tuple(words[1:]))
    return tuple(directives.values())


def request_allowed(
    policies: tuple[str, ...], url: str, self_origin: str, redirected: bool, destination: str = ""
) -> str | None:
    """None if every policy lets a script request `url`; otherwise words that name the directive.

    `policies` are the header values that came with the page or worker, whose origin is `self_origin`. Once a
    request was `redirected`, paths are not compared: they would tell where it was sent. No parser inserts the scripts
    that are asked for here, which is all that 'strict-dynamic' asks.
    Spec: https://w3c.github.io/webappsec-csp/#connect-src-pre-request, #script-pre-request and #worker-src-pre-request
    """
    for directive in _deciding(policies, _FALLBACKS.get(destination, _CONNECT)):
        if destination and _is_dynamic(directive, destination):
            continue
        if not _matches_list(url, directive.sources, self_origin, redirected):
            return f'the Content-Security-Policy directive "{directive}" does not allow {url}'
    return None


def _is_dynamic(directive: Directive, destination: str) -> bool:
    """Whether it trusts whatever a trusted script asks for: default-src stands for worker-src, which does not."""
    of_scripts = directive.name in ("script-src-elem", "script-src") or (
        directive.name == "default-src" and destination == "script"
    )
    return of_scripts and "'strict-dynamic'" in map(str.lower, directive.sources)


def _deciding(policies: tuple[str, ...], fallbacks: tuple[str, ...]) -> Iterator[Directive]:
    """Of each policy the directive that decides, if there is one: the first of `fallbacks` that it has."""
    for serialized in policies:
        for policy in parse_policies(serialized):
            by_name = {directive.name: directive for directive in policy}
            decides = next((by_name[name] for name in fallbacks if name in by_name), None)
            if decides is not None:
                yield decides


def _matches_list(url: str, sources: tuple[str, ...], self_origin: str, redirected: bool) -> bool:
    """https://w3c.github.io/webappsec-csp/#match-url-to-source-list (nothing is 'none': it matches no URL)"""
    return any(matches_source(url, source, self_origin, redirected) for source in sources)


def matches_source(url: str, source: str, self_origin: str, redirected: bool) -> bool:
    """Whether one source expression matches `url`, an absolute one; keywords that are none of ours do not.

    Raises TypeError for what is not a URL.
    Spec: https://w3c.github.io/webappsec-csp/#match-url-to-source-expression
    """
    scheme = urls.scheme(url)
    self_scheme = "" if self_origin == urls.OPAQUE_ORIGIN else urls.scheme(self_origin)
    # 1. Anything of the network.
    if source == "*":
        return scheme in ("http", "https", self_scheme)
    # 4. The page's own origin, or a safer one of the same host.
    if source.lower() == "'self'":
        return _matches_self(url, self_origin)
    # 2. A scheme.
    if match := _SCHEME_SOURCE.fullmatch(source):
        return _scheme_matches(match[1], scheme)
    # 3. A host.
    match = _HOST_SOURCE.fullmatch(source)
    if match is None:
        return False
    return (
        _scheme_matches(match["scheme"] or self_scheme, scheme)
        and _host_matches(match["host"], url)
        and _port_matches(match["port"], url)
        and (redirected or _path_matches(match["path"] or "", urls.parse(url).pathname))
    )


def _matches_self(url: str, self_origin: str) -> bool:
    if urls.same_origin(self_origin, url):
        return True
    if self_origin == urls.OPAQUE_ORIGIN or urls.host(self_origin) != urls.host(url):
        return False
    scheme, self_scheme = urls.scheme(url), urls.scheme(self_origin)
    ports = (urls.port(self_origin), urls.port(url))
    if ports[0] != ports[1] and ports != (urls.default_port(self_scheme), urls.default_port(scheme)):
        return False
    return scheme in ("https", "wss") or (self_scheme == "http" and scheme == "ws")


def _scheme_matches(expression: str, scheme: str) -> bool:
    """https://w3c.github.io/webappsec-csp/#match-schemes: a safer scheme always matches too."""
    expression = expression.lower()
    return expression == scheme or scheme in _UPGRADES.get(expression, ())


def _host_matches(pattern: str, url: str) -> bool:
    """https://w3c.github.io/webappsec-csp/#match-hosts; 127.0.0.1 is the one address that matches."""
    host = urls.host(url).lower()
    if not urls.is_domain(url):
        return host == pattern == "127.0.0.1"
    if pattern == "*":
        return True
    if pattern.startswith("*."):
        return host.endswith(pattern[1:].lower())
    return host == pattern.lower()


def _port_matches(expression: str | None, url: str) -> bool:
    """https://w3c.github.io/webappsec-csp/#match-ports"""
    if expression == "*":
        return True
    port = urls.port(url)
    if expression is None:
        return port == urls.default_port(urls.scheme(url))
    return expression.lstrip("0") == str(port or "")


def _path_matches(pattern: str, path: str) -> bool:
    """https://w3c.github.io/webappsec-csp/#match-paths"""
    # 1. No path, every path.
    if not pattern:
        return True
    # 4. Piece by piece; the last piece of a folder is empty.
    pieces, others = pattern.split("/"), path.split("/")
    # 5-7. A file must be that file, a folder may have anything in it.
    if pattern.endswith("/"):
        pieces.pop()
        if len(others) <= len(pieces):
            return False
    elif len(pieces) != len(others):
        return False
    # 8. Compare what the pieces mean, not how they are written.
    return all(unquote_to_bytes(a) == unquote_to_bytes(b) for a, b in zip(pieces, others, strict=False))
