"""Sites, by the list of public suffixes."""

from __future__ import annotations

import pytest

from swruntime.algorithms import sites


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("https://a.example", "https://a.example:444", True),
        ("https://www.a.example", "https://a.example", True),
        ("https://a.example", "https://x.y.a.example", True),
        ("https://xa.example", "https://a.example", False),
        ("https://www.a.example", "https://api.a.example", True),
        ("https://a.co.uk", "https://b.co.uk", False),
        ("https://a.github.io", "https://b.github.io", False),
        ("https://a.github.io", "https://x.a.github.io", True),
        ("https://a.example", "https://example", False),
        ("https://127.0.0.1", "https://127.0.0.1:1", True),
        ("https://127.0.0.1", "https://1.0.0.1", False),
        ("https://1.127.0.0.1.example", "https://127.0.0.1", False),
        ("https://[::1]", "https://[::2]", False),
        ("https://www.a.example.", "https://a.example.", True),
        ("https://a.localhost", "https://b.localhost", False),
        ("http://a.example", "https://a.example", False),
        ("data:,x", "data:,x", False),
    ],
)
def test_same_site(a: str, b: str, same: bool) -> None:
    assert sites.same_site(a, b) is same
    assert sites.same_site(b, a) is same


@pytest.mark.parametrize("host", ["com", "co.uk", "github.io", "localhost", "xn--p1ai"])
def test_public_suffixes(host: str) -> None:
    assert sites.is_public_suffix(host)
    assert sites.registrable_domain(f"www.a.{host}.") == f"a.{host}"
    assert sites.registrable_domain(f"www.a.{host}") == f"a.{host}"
