"""Sites: which hosts are one party, by the list of public suffixes (https://publicsuffix.org)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from swruntime.algorithms import urls

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


def same_site(a: str, b: str) -> bool:
    """Whether two URLs or origins are same site (schemefully). Raises TypeError.

    Spec: https://html.spec.whatwg.org/multipage/browsers.html#same-site
    """
    if urls.scheme(a) != urls.scheme(b):
        return False
    one, other = urls.host(a), urls.host(b)
    if one == other:
        return bool(one)
    if not (urls.is_domain(a) and urls.is_domain(b)):
        return False
    domain = registrable_domain(one)
    return domain is not None and domain == registrable_domain(other)


def registrable_domain(host: str) -> str | None:
    """The public suffix of a domain with one label more; None for a public suffix itself.

    Spec: https://url.spec.whatwg.org/#host-registrable-domain
    """
    return _list().privatesuffix(host)


def is_public_suffix(host: str) -> bool:
    """Whether strangers register names directly below `host`: https://url.spec.whatwg.org/#host-public-suffix"""
    return registrable_domain(host) is None


@cache
def _list() -> PublicSuffixList:
    # Read when somebody asks for the first time: it is large, and most sites have one host.
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
