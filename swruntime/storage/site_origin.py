"""The origin that a profile belongs to: the text that it keeps, and what that says."""

from __future__ import annotations

from swruntime.algorithms import urls
from swruntime.errors import UsageError

DEFAULT_ORIGIN = "http://localhost:8400"
"""Where SITE's files answer, in process, when no `origin` is given."""

SITES_OWN = "site"
"""What a profile keeps as its origin where SITE's files answer for DEFAULT_ORIGIN; "site ORIGIN" for another."""


def is_sites_own(kept: str) -> bool:
    """Whether SITE's files answer for the origin of a profile, from what it keeps."""
    return kept.partition(" ")[0] == SITES_OWN


def kept_for(origin: str) -> str:
    """What a profile keeps where SITE's files answer for `origin`."""
    return SITES_OWN if origin == DEFAULT_ORIGIN else f"{SITES_OWN} {origin}"


def shown_origin(kept: str | None) -> str:
    """The origin that a profile belongs to, from what it keeps."""
    if kept is None or kept == SITES_OWN:
        return DEFAULT_ORIGIN
    return kept.removeprefix(f"{SITES_OWN} ")


def origin_text(kept: str) -> str:
    """As `shown_origin`, for a message: it says where SITE's own files answer."""
    return f"{shown_origin(kept)} (SITE's own files)" if is_sites_own(kept) else kept


def checked_origin(text: str) -> str:
    """A serialized origin. Raises UsageError for what is none."""
    try:
        url = urls.parse(text)
    except TypeError:
        raise UsageError(f"origin is {text!r}; expected http://HOST[:PORT] or https://HOST[:PORT]") from None
    if url.protocol not in ("http:", "https:") or url.pathname not in ("", "/") or url.search or url.hash:
        raise UsageError(f"origin is {text!r}; expected http://HOST[:PORT] or https://HOST[:PORT]")
    return url.origin
