"""--resolve: which address a host has."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given, strategies as st

from swruntime.errors import UsageError
from swruntime.network.names import Names


def test_a_rule_for_every_port_and_one_for_one_port() -> None:
    names = Names.parse(["a.example:10.0.0.1", "a.example:8443:10.0.0.2"])
    assert names.rule("a.example", 443) == "10.0.0.1"
    assert names.rule("a.example", 8443) == "10.0.0.2"
    assert names.rule("www.a.example", 443) is None, "only that very host"


def test_the_later_of_two_rules_holds() -> None:
    names = Names.parse(["a.example:10.0.0.1", "a.example:10.0.0.2"])
    assert names.rule("a.example", 80) == "10.0.0.2"


def test_a_host_is_compared_as_a_url_has_it() -> None:
    names = Names.parse(["BÜCHER.example:10.0.0.1"])
    assert names.rule("xn--bcher-kva.example", 80) == "10.0.0.1"


def test_an_address_may_be_of_the_sixth_version() -> None:
    names = Names.parse(["a.example:443:[::1]", "b.example:[2001:DB8::1]"])
    assert names.rule("a.example", 443) == "::1"
    assert names.rule("b.example", 1) == "2001:db8::1"


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("", "expected HOST:ADDR"),
        ("a.example", "expected HOST:ADDR"),
        (":10.0.0.1", "expected HOST:ADDR"),
        ("a.example:", "expected HOST:ADDR"),
        ("a.example:10.0.0", "'10.0.0' is not an address"),
        ("a.example:b.example", "'b.example' is not an address"),
        ("a.example:[10.0.0.1]", "'[10.0.0.1]' is not an address"),
        ("a.example:[]", "'[]' is not an address"),
        ("a.example:::1", "an IPv6 address in brackets"),
        ("a.example:0:10.0.0.1", "0 is not a port"),
        ("a.example:65536:10.0.0.1", "65536 is not a port"),
        ("a.example:http:10.0.0.1", "expected HOST:ADDR"),
        ("a b:10.0.0.1", "'a b' is not a host"),
    ],
)
def test_what_is_no_rule_is_refused(rule: str, why: str) -> None:
    with pytest.raises(UsageError, match=re.escape(why)) as caught:
        Names.parse([rule])
    assert repr(rule) in str(caught.value)


@given(st.text(alphabet="a.:[]0159-", max_size=20))
def test_any_text_is_a_rule_or_refused(rule: str) -> None:
    try:
        names = Names.parse([rule])
    except UsageError:
        return
    ((_, address),) = names.rules.items()
    assert str(IPv6Address(address) if ":" in address else IPv4Address(address)) == address
