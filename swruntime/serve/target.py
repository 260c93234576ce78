"""The target of a request, and the URL that it makes at an origin: https://www.rfc-editor.org/rfc/rfc9112#section-3.2"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from swruntime.algorithms import urls
from swruntime.serve.hosts import Authority

_ABSOLUTE = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#\\]*)(?P<path>.*)", re.IGNORECASE)
_VISIBLE = re.compile(r"[\x21-\x7e]*")
_LONGEST_SHOWN = 200


def shown_target(scope: Mapping[str, Any]) -> str:
    """What an ASGI scope asks for, whatever that is, as a log shows it."""
    path, query = _path_and_query(scope)
    target = f"{path}?{query}" if query else path
    return target if len(target) <= _LONGEST_SHOWN else f"{target[:_LONGEST_SHOWN]}..."


def url_of(scope: Mapping[str, Any], host: Authority, origin: str) -> str:
    """The URL at `origin` that an ASGI scope asks for, whose Host is `host`. Raises ValueError, with why not.

    HTTP/2's :path is in origin-form, and its :authority is a server's Host.
    """
    path, query = _path_and_query(scope)
    shown = repr(path[:_LONGEST_SHOWN])
    if not _VISIBLE.fullmatch(path) or not _VISIBLE.fullmatch(query):
        raise ValueError(f"the target {shown} has a character that belongs in none")
    if not path.startswith("/"):
        path = _path_of_absolute(path, str(scope.get("scheme", "http")), host)
    if "\\" in path or "#" in path or "#" in query:
        raise ValueError(f"the target {shown} has a backslash or a fragment; expected /PATH")
    try:
        url = urls.parse(f"{origin}{path}" + (f"?{query}" if query else ""))
    except TypeError:
        raise ValueError(f"the target {shown} does not parse") from None
    # Whatever the rules above overlook does not leave the origin.
    if url.origin != origin or url.username or url.password or url.hash:
        raise ValueError(f"the target {shown} is not of this origin")
    return url.href


def _path_and_query(scope: Mapping[str, Any]) -> tuple[str, str]:
    """As they came: nothing is known of what is in them."""
    raw = scope.get("raw_path")
    path = quote(scope["path"]) if raw is None else raw.decode("latin-1").partition("?")[0]
    return path, scope.get("query_string", b"").decode("latin-1")


def _path_of_absolute(target: str, scheme: str, host: Authority) -> str:
    """The absolute form is for proxies, but servers have to take it; what it names has to be this server."""
    match = _ABSOLUTE.fullmatch(target)
    if match is None:
        raise ValueError(f"the target {target[:_LONGEST_SHOWN]!r} is not /PATH, nor a URL of this server")
    named = Authority.parse(match["authority"])
    default = urls.default_port(scheme)
    if (
        match["scheme"].lower() != scheme
        or named is None
        or named.host != host.host
        or (named.port or default) != (host.port or default)
    ):
        raise ValueError(f"the target {target[:_LONGEST_SHOWN]!r} is of another server than Host, {host}")
    return match["path"] or "/"
