"""Which hosts are this machine, and in which order addresses are tried."""

from __future__ import annotations

from ipaddress import ip_address
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from swruntime.algorithms.addresses import (
    LOOPBACK,
    bare,
    interleaved,
    is_localhost,
    is_this_machine,
    parse_address,
)


@pytest.mark.parametrize("host", ["localhost", "LocalHost", "localhost.", "a.localhost", "a.b.LOCALHOST."])
def test_localhost_and_names_below_it(host: str) -> None:
    assert is_localhost(host)
    assert is_this_machine(host)


@pytest.mark.parametrize(
    "host", ["", ".", "local", "alocalhost", "localhost.test", "localhost..", "127.0.0.1", "[::1]"]
)
def test_what_is_not_localhost(host: str) -> None:
    assert not is_localhost(host)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.255.0.9", "[::1]", "::1", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]", "[::ffff:0.0.0.0]"],
)
def test_addresses_of_this_machine(host: str) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize(
    "host",
    ["", "a.test", "128.0.0.1", "126.0.0.1", "[::2]", "[fe80::1]", "[::ffff:10.0.0.1]", "[127.0.0.1", "::1]"],
)
def test_hosts_elsewhere(host: str) -> None:
    assert not is_this_machine(host)


def test_an_address_with_brackets_and_without() -> None:
    assert parse_address("[2001:db8::1]") == parse_address("2001:DB8::1") == ip_address("2001:db8::1")
    assert parse_address("10.0.0.1") == parse_address("[::ffff:10.0.0.1]") == ip_address("10.0.0.1")
    assert parse_address("a.test") is None
    assert parse_address("[::1") is None
    assert (bare("[::1]"), bare("::1"), bare("[::1"), bare("a.test")) == ("::1", "::1", "[::1", "a.test")


def test_versions_take_turns() -> None:
    assert interleaved(["::1", "::2", "::3", "1.1.1.1", "2.2.2.2"]) == (
        "::1",
        "1.1.1.1",
        "::2",
        "2.2.2.2",
        "::3",
    )
    assert interleaved(["1.1.1.1", "2.2.2.2", "::1"]) == ("1.1.1.1", "::1", "2.2.2.2")
    assert interleaved(["::1", "1.1.1.1", "2.2.2.2"]) == ("::1", "1.1.1.1", "2.2.2.2")
    assert interleaved(["1.1.1.1", "1.1.1.1"]) == ("1.1.1.1",)
    assert interleaved([]) == ()
    assert interleaved(LOOPBACK) == ("::1", "127.0.0.1")


@given(st.lists(st.ip_addresses().map(str)))
def test_every_address_once_and_none_waits_long_for_its_turn(addresses: list[str]) -> None:
    turns = interleaved(addresses)
    assert sorted(turns) == sorted(set(addresses))
    for version in (True, False):
        mine = [each for each in turns if (":" in each) == version]
        assert mine == [each for each in dict.fromkeys(addresses) if (":" in each) == version], (
            "in their order"
        )
    shorter = min(sum(":" in each for each in turns), sum("." in each and ":" not in each for each in turns))
    both = turns[: 2 * shorter]
    assert all((":" in a) != (":" in b) for a, b in pairwise(both))
    assert turns[:1] == tuple(addresses[:1])
