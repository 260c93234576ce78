"""Hosts and their addresses: which are this machine itself, and in which order several are tried.

A host is what a URL has, `[::1]` with its brackets, or an address as the system writes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import chain, zip_longest

LOOPBACK = ("::1", "127.0.0.1")
"""The addresses of `localhost` and of every name below it, in the order in which Chromium tries them."""


def is_localhost(host: str) -> bool:
    """Whether `host` is `localhost` or a name below it, which are the loopback addresses whatever a resolver says.

    Spec: https://www.rfc-editor.org/rfc/rfc6761#section-6.3,
    https://w3c.github.io/webappsec-secure-contexts/#localhost
    """
    name = host.lower().removesuffix(".")
    return name == "localhost" or name.endswith(".localhost")


def bare(host: str) -> str:
    """`host` without the brackets that a URL has around an IPv6 address."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def parse_address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that `host` is, None where it is a name. An IPv4 address inside of an IPv6 one is the former."""
    try:
        address = ip_address(bare(host))
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_this_machine(host: str) -> bool:
    """Whether a connection to `host` stays on this machine, because of what the host is called.

    The unspecified addresses, 0.0.0.0 and [::], count: a connection to them goes to this machine, too.
    """
    address = parse_address(host)
    if address is None:
        return is_localhost(host)
    return address.is_loopback or address.is_unspecified


def interleaved(addresses: Iterable[str]) -> tuple[str, ...]:
    """`addresses`, each once, IPv6 and IPv4 by turns, beginning with the version of the first one.

    Inside of a version the order stays: the system has sorted them by RFC 6724.
    Spec: https://www.rfc-editor.org/rfc/rfc8305#section-4
    """
    found = tuple(dict.fromkeys(addresses))
    if not found:
        return ()
    same = [each for each in found if (":" in each) == (":" in found[0])]
    other = [each for each in found if each not in same]
    turns = chain.from_iterable(zip_longest(same, other))
    return tuple(each for each in turns if each is not None)
