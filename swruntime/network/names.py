"""`--resolve`: which address a host has, in place of what the system's resolver would say."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

import attrs

from swruntime.algorithms import urls
from swruntime.errors import UsageError

EXPECTED = "expected HOST:ADDR or HOST:PORT:ADDR, an IPv6 address in brackets"

_RULE = re.compile(r"(?P<host>[^:\[\]]+):(?:(?P<port>[0-9]{1,5}):)?(?P<address>\[[^\[\]]*\]|[^:\[\]]+)")


@attrs.frozen
class Names:
    """Addresses by host (in lower case, as a URL has it) and port; None is every port without a rule of its own."""

    rules: dict[tuple[str, int | None], str] = attrs.field(factory=dict)

    @classmethod
    def parse(cls, rules: Iterable[str]) -> Names:
        """From `HOST:ADDR` or `HOST:PORT:ADDR`; of two for the same host and port the later one holds.

        Raises UsageError, naming the rule.
        """
        return cls(dict(_parse(rule) for rule in rules))

    def rule(self, host: str, port: int) -> str | None:
        """The address that a rule gives to `host`, without brackets; None where there is none."""
        host = host.lower()
        return self.rules.get((host, port)) or self.rules.get((host, None))


def _parse(rule: str) -> tuple[tuple[str, int | None], str]:
    match = _RULE.fullmatch(rule)
    if match is None:
        raise UsageError(f"resolve is {rule!r}; {EXPECTED}")
    try:
        host = urls.host(f"http://{match['host']}/")
    except TypeError:
        raise UsageError(f"resolve is {rule!r}, and {match['host']!r} is not a host; {EXPECTED}") from None
    text = match["address"]
    try:
        address = ipaddress.IPv6Address(text[1:-1]) if text[0] == "[" else ipaddress.IPv4Address(text)
    except ValueError:
        raise UsageError(f"resolve is {rule!r}, and {text!r} is not an address; {EXPECTED}") from None
    port = None if match["port"] is None else int(match["port"])
    if port is not None and not 0 < port < 65536:
        raise UsageError(f"resolve is {rule!r}, and {port} is not a port; {EXPECTED}")
    return (host, port), str(address)
