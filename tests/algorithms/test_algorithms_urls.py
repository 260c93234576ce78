"""URLs: parsing, origins, what is trustworthy."""

from __future__ import annotations

import ada_url
import attrs
import pytest
from hypothesis import example, given, strategies as st

from swruntime.algorithms import mixed_content, ports, urls

BASE = "https://site.example/folder/page?q#f"


def test_resolve_gives_a_serialized_absolute_url() -> None:
    assert urls.resolve("../a b?c d#e f", BASE) == "https://site.example/a%20b?c%20d#e%20f"
    assert urls.resolve("HTTP://EXAMPLE.com:80", BASE) == "http://example.com/"


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://user:word@site.example:8443/path?query#hash", None),
        ("../other?q#f", BASE),
        ("x/\ud800", BASE),
        ("x", "https://site.example/\ud800/page"),
        ("http://[::1]:80/", None),
        ("http://127.0.0.1/", None),
    ],
)
def test_what_is_not_remembered_has_the_same_parts(
    monkeypatch: pytest.MonkeyPatch, url: str, base: str | None
) -> None:
    monkeypatch.setattr(urls, "_LONGEST", -1)
    parsed = urls.parse(url, base)
    given = ada_url.URL(urls.to_scalar_values(url), None if base is None else urls.to_scalar_values(base))
    for part in attrs.fields(urls.ParsedURL):
        assert getattr(parsed, part.name) == getattr(given, part.name), part.name
    with pytest.raises(TypeError, match=r"^'http://\[' does not parse as a URL$"):
        urls.parse("http://[")
    with pytest.raises(TypeError, match=r"^'http://\[' does not parse as a URL against 'https://site.*'$"):
        urls.parse("http://[", BASE)


def test_what_does_not_parse_is_named_with_its_base() -> None:
    with pytest.raises(TypeError, match=r"'http://\[' does not parse as a URL against 'https://site"):
        urls.resolve("http://[", BASE)
    with pytest.raises(TypeError, match=r"^'page' does not parse as a URL$"):
        urls.parse("page")


@given(st.text(), st.none() | st.just(BASE))
@example("http://a/\ud800", None)
@example("\x00", BASE)
def test_parse_raises_nothing_but_type_error(text: str, base: str | None) -> None:
    try:
        parsed = urls.parse(text, base)
    except TypeError:
        return
    assert urls.parse(parsed.href).href == parsed.href


def test_lone_surrogates_are_replaced_and_pairs_kept() -> None:
    assert urls.to_scalar_values("a\ud800b\udc00") == "a\ufffdb\ufffd"
    assert urls.to_scalar_values("\U0001f600") == "\U0001f600"
    assert urls.resolve("/\ud800", BASE) == "https://site.example/%EF%BF%BD"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://u:p@h.example:443/p", "https://h.example"),
        ("http://h.example:8080", "http://h.example:8080"),
        ("data:,x", "null"),
        ("file:///x", "null"),
        ("about:blank", "null"),
        ("null", "null"),
        ("blob:https://h.example/uuid", "https://h.example"),
    ],
)
def test_origin_of(url: str, origin: str) -> None:
    assert urls.origin_of(url) == origin


def test_same_origin() -> None:
    assert urls.same_origin("https://a.example/x", "https://a.example:443")
    assert not urls.same_origin("https://a.example", "http://a.example")
    assert not urls.same_origin("https://a.example", "https://a.example:444")
    assert not urls.same_origin("null", "null")
    assert not urls.same_origin("https://a.example", "null")


serialized = st.builds(
    "https://h.example/{}{}{}".format,
    st.text("ab/", max_size=5),
    st.just("") | st.text("ab?=", max_size=5).map("?{}".format),
    st.just("") | st.text("ab?#", max_size=5).map("#{}".format),
).map(lambda url: urls.parse(url).href)


@given(serialized)
def test_cutting_a_serialized_url_agrees_with_the_parser(url: str) -> None:
    parsed = ada_url.URL(url)
    assert urls.fragment(url) == (url.split("#", 1)[1] if "#" in url else None)
    parsed.hash = ""
    assert urls.without_fragment(url) == parsed.href
    parsed.search = ""
    assert urls.without_search_and_fragment(url) == parsed.href


def test_parts() -> None:
    assert urls.has_credentials("https://u@h/")
    assert urls.has_credentials("https://:p@h/")
    assert not urls.has_credentials("https://h/u@p")
    assert urls.scheme("HTTPS://h") == "https"
    assert urls.host("https://[::1]:8/") == "[::1]"
    assert urls.host("data:,") == ""
    assert urls.port("https://h") == 443
    assert urls.port("http://h:8080") == 8080
    assert urls.port("http://h:0") == 0
    assert urls.port("data:,x") is None
    default_ports = [urls.default_port(scheme) for scheme in ("http", "https", "ws", "wss", "ftp", "data")]
    assert default_ports == [80, 443, 80, 443, 21, None]
    assert urls.is_http("http://h")
    assert not urls.is_http("ftp://h")
    assert urls.is_domain("https://h.example")
    assert not urls.is_domain("https://127.0.0.1")
    assert not urls.is_domain("https://[::1]")
    assert not urls.is_domain("data:,x")


TRUSTWORTHY = [
    "https://h.example/x",
    "wss://h.example",
    "http://localhost:8400",
    "http://localhost.",
    "http://a.b.localhost/x",
    "http://127.0.0.1",
    "http://127.255.0.9:1",
    "http://0x7f.1/",
    "http://[::1]:8400/",
    "data:,x",
    "about:blank",
    "about:blank?q#f",
    "about:srcdoc",
    "blob:https://h.example/uuid",
]
UNTRUSTED = [
    "http://h.example",
    "ws://h.example",
    "http://notlocalhost",
    "http://localhost.example",
    "http://128.0.0.1",
    "http://127.example",
    "http://[::2]",
    "about:config",
    "file:///x",
    "blob:http://h.example/uuid",
    "null",
]


@pytest.mark.parametrize("url", TRUSTWORTHY)
def test_potentially_trustworthy(url: str) -> None:
    assert urls.is_potentially_trustworthy(url)


@pytest.mark.parametrize("url", UNTRUSTED)
def test_not_potentially_trustworthy(url: str) -> None:
    assert not urls.is_potentially_trustworthy(url)


def test_mixed_content_is_what_a_secure_origin_asks_of_an_insecure_one() -> None:
    assert mixed_content.is_blocked("https://a.example", "http://b.example/")
    assert not mixed_content.is_blocked("http://localhost:8400", "http://b.example/")
    assert not mixed_content.is_blocked("https://a.example", "https://b.example/")
    assert not mixed_content.is_blocked("https://a.example", "http://localhost:1234/")
    assert not mixed_content.is_blocked("http://a.example", "http://b.example/")
    assert not mixed_content.is_blocked("null", "http://b.example/")


def test_blocked_ports() -> None:
    assert len(ports.BAD_PORTS) == 83
    assert ports.is_blocked("http://h:6667/")
    assert ports.is_blocked("https://h:0/")
    assert ports.is_blocked("https://h:10080/")
    assert not ports.is_blocked("https://h:80/")
    assert not ports.is_blocked("http://h/")
    assert not ports.is_blocked("ftp://h:21/")
