"""Proxies: what the environment says, what a proxy's URL is, and what goes through one."""

from __future__ import annotations

import re
from base64 import b64decode
from urllib.parse import quote

import pytest
from hypothesis import example, given, strategies as st

from swruntime.algorithms.proxies import (
    VARIABLES,
    Proxies,
    Proxy,
    from_environment,
    parse_exemptions,
    parse_proxy,
)
from swruntime.errors import UsageError

P = parse_proxy("http://proxy.test:3128")


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port"),
    [
        ("http://proxy.test:3128", "http", "proxy.test", 3128),
        ("http://proxy.test:3128/", "http", "proxy.test", 3128),
        (" HTTP://PROXY.test ", "http", "proxy.test", 80),
        ("https://proxy.test", "https", "proxy.test", 443),
        ("https://proxy.test:8443", "https", "proxy.test", 8443),
        ("proxy.test:3128", "http", "proxy.test", 3128),
        ("proxy", "http", "proxy", 80),
        ("10.0.0.1:1", "http", "10.0.0.1", 1),
        ("http://[2001:DB8::1]:65535", "http", "2001:db8::1", 65535),
        ("[::1]:3128", "http", "::1", 3128),
    ],
)
def test_what_a_proxy_is_named_by(text: str, scheme: str, host: str, port: int) -> None:
    assert parse_proxy(text) == Proxy(scheme, host, port)


def test_its_text() -> None:
    assert str(parse_proxy("http://user:secret@[::1]:3128")) == "http://[::1]:3128"
    assert str(parse_proxy("https://user:secret@proxy.test")) == "https://proxy.test:443"
    assert "secret" not in repr(parse_proxy("http://user:secret@proxy.test"))
    assert "dXNlcjpz" not in repr(parse_proxy("http://user:secret@proxy.test"))
    assert parse_proxy("proxy.test").named == "proxy"
    assert parse_proxy("proxy.test", "ALL_PROXY").named == "ALL_PROXY"


@pytest.mark.parametrize(
    ("userinfo", "credentials"),
    [
        ("user:secret", b"user:secret"),
        ("user", b"user:"),
        (":secret", b":secret"),
        ("us%40er:p%3A%2F%25", b"us@er:p:/%"),
        ("user:a:b", b"user:a:b"),
        ("user:a@b", b"user:a@b"),
        ("b\u00fccher:%FF", b"b\xc3\xbccher:\xff"),
    ],
)
def test_the_user_and_the_password(userinfo: str, credentials: bytes) -> None:
    for prefix in ("http://", ""):
        authorization = parse_proxy(f"{prefix}{userinfo}@proxy.test").authorization
        assert authorization is not None
        kind, _, value = authorization.partition(" ")
        assert (kind, b64decode(value)) == ("Basic", credentials)


def test_nobody_is_no_authorization() -> None:
    assert P.authorization is None
    assert parse_proxy("http://@proxy.test").authorization is None


EXPECTED = "; expected http://[USER:PASSWORD@]HOST[:PORT], or https://"


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "http://", "http:proxy:80", "ftp://proxy.test", "http://proxy.test/path", "http://proxy.test/?a",
        "http://proxy.test/#a", "proxy.test:99999", "proxy.test:port", "http://a b", "direct://", "://proxy.test",
        "[::1", "http://proxy.test:-1", "mailto:a@", "file:///etc/passwd", "\x1b[31m:1",
    ],
)  # fmt: skip
def test_what_is_not_a_proxy(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_proxy(text, "HTTPS_PROXY")
    assert str(caught.value).startswith("HTTPS_PROXY is ")
    assert str(caught.value).endswith(EXPECTED)
    assert "@" in text or repr(text) in str(caught.value)


def test_port_0() -> None:
    with pytest.raises(UsageError) as caught:
        parse_proxy("http://proxy.test:0")
    assert str(caught.value) == f"proxy is 'http://proxy.test:0', and 0 is not a port{EXPECTED}"


@pytest.mark.parametrize("scheme", ["socks", "socks4", "socks4a", "socks5", "socks5h", "SOCKS5"])
def test_socks_is_refused_by_name(scheme: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_proxy(f"{scheme}://user:secret@proxy.test:1080", "ALL_PROXY")
    shown = f"ALL_PROXY is '{scheme}://***@proxy.test:1080'"
    wanted = EXPECTED.removeprefix("; ")
    assert str(caught.value) == f"{shown}; SOCKS proxies are not supported, {wanted}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://user:secret@", "'http://***@'"),
        ("user:secret@a b", "'***@a b'"),
        ("http://user:se#cret@proxy.test:1", "'http://***@proxy.test:1'"),
        ("ftp://user:secr@et@proxy.test", "'ftp://***@proxy.test'"),
        ("socks5://a:secret@b:1@c", "'socks5://***@c'"),
        ("http://user:se://cret@proxy.test", "'http://***@proxy.test'"),
        ("socks5://proxy.test/://", "'socks5://proxy.test/://'; SOCKS"),
    ],
)
def test_no_message_has_a_password(text: str, shown: str) -> None:
    with pytest.raises(UsageError, match=re.escape(shown)):
        parse_proxy(text)


@given(st.text(max_size=30))
@example("http://user:secret@proxy.test:0")
def test_any_text_is_a_proxy_or_refused(text: str) -> None:
    try:
        proxy = parse_proxy(text, "X")
    except UsageError:
        return
    assert proxy.scheme in ("http", "https")
    assert proxy.host
    assert 0 < proxy.port < 65536
    again = parse_proxy(str(proxy))
    assert (again.scheme, again.host, again.port) == (proxy.scheme, proxy.host, proxy.port)


@given(st.binary(max_size=12), st.binary(max_size=12))
def test_any_credentials_percent_encoded(user: bytes, password: bytes) -> None:
    proxy = parse_proxy(f"http://{quote(user, safe='')}:{quote(password, safe='')}@proxy.test")
    if not user and not password:
        assert proxy.authorization is None
        return
    assert proxy.authorization is not None
    assert b64decode(proxy.authorization.removeprefix("Basic ")) == user + b":" + password


# What goes through one


def test_without_a_word_nothing_goes_through_one() -> None:
    assert Proxies().proxy_for("http", "a.test", 80) is None
    assert Proxies().proxy_for("https", "a.test", 443) is None


def test_an_option_sends_everything_through_one() -> None:
    proxies = Proxies.everything(P)
    for host in ("a.test", "localhost", "a.localhost", "127.0.0.1", "[::1]"):
        for scheme in ("http", "https"):
            assert proxies.proxy_for(scheme, host, 80) is P


LOOPBACK = ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "::1", "0.0.0.0"]


@pytest.mark.parametrize("host", LOOPBACK)
def test_loopback_never_does_because_of_the_environment(host: str) -> None:
    proxies = from_environment({"ALL_PROXY": "proxy.test:3128"})
    assert proxies.proxy_for("http", host, 80) is None
    assert proxies.proxy_for("https", host, 443) is None
    assert proxies.proxy_for("http", "a.test", 80) == P


def named(environ: dict[str, str]) -> tuple[str | None, str | None]:
    """Which variables the proxies for http and https come from."""
    proxies = from_environment(environ)
    http, https = proxies.proxy_for("http", "a.test", 80), proxies.proxy_for("https", "a.test", 443)
    return None if http is None else http.named, None if https is None else https.named


ALL = dict.fromkeys(VARIABLES[:6], "proxy.test:1")


@pytest.mark.parametrize(
    ("environ", "http", "https"),
    [
        ({}, None, None),
        ({"http_proxy": "p"}, "http_proxy", None),
        ({"HTTP_PROXY": "p"}, "HTTP_PROXY", None),
        ({"https_proxy": "p"}, None, "https_proxy"),
        ({"HTTPS_PROXY": "p"}, None, "HTTPS_PROXY"),
        ({"all_proxy": "p"}, "all_proxy", "all_proxy"),
        ({"ALL_PROXY": "p"}, "ALL_PROXY", "ALL_PROXY"),
        (ALL, "http_proxy", "https_proxy"),
        ({**ALL, "http_proxy": "", "https_proxy": " "}, "HTTP_PROXY", "HTTPS_PROXY"),
        ({"HTTP_PROXY": "p", "all_proxy": "p", "ALL_PROXY": "p"}, "HTTP_PROXY", "all_proxy"),
        ({"HTTP_PROXY": "p", "REQUEST_METHOD": "GET"}, None, None),
        ({"HTTP_PROXY": "p", "REQUEST_METHOD": ""}, "HTTP_PROXY", None),
        ({"HTTP_PROXY": "socks5://no", "http_proxy": "p", "REQUEST_METHOD": "GET"}, "http_proxy", None),
        ({"HTTP_PROXY": "p", "ALL_PROXY": "p", "REQUEST_METHOD": "GET"}, "ALL_PROXY", "ALL_PROXY"),
        ({"HTTP_PROXY": "p", "HTTPS_PROXY": "p", "ALL_PROXY": "socks5://unused:1"}, "HTTP_PROXY", "HTTPS_PROXY"),
        ({**ALL, "NO_PROXY": "*"}, None, None),
        ({"HTTP_PROXY": "nonsense:x", "no_proxy": "b.test, *"}, None, None),
        ({**ALL, "NO_PROXY": "a.test", "no_proxy": "b.test"}, "http_proxy", "https_proxy"),
        ({**ALL, "NO_PROXY": "a.test", "no_proxy": ""}, None, None),
    ],
)  # fmt: skip
def test_variables(environ: dict[str, str], http: str | None, https: str | None) -> None:
    assert named(environ) == (http, https)


def test_which_variables_there_are() -> None:
    assert VARIABLES == (
        "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
    )  # fmt: skip


@pytest.mark.parametrize("name", VARIABLES[:6])
def test_what_is_wrong_names_its_variable(name: str) -> None:
    with pytest.raises(UsageError, match=f"^{name} is 'ftp://no'; expected"):
        from_environment({name: "ftp://no"})


@pytest.mark.parametrize(
    ("entries", "exempt", "others"),
    [
        (
            "a.test",
            ["a.test", "A.TEST", "a.test.", "b.a.test", "c.b.a.test"],
            ["ba.test", "test", "a.test.b"],
        ),
        (".a.test", ["a.test", "b.a.test"], ["ba.test", ".test"]),
        ("*.a.test", ["a.test", "b.a.test"], ["ba.test"]),
        ("X.TEST", ["x.test"], ["a.test"]),
        ("10.1", ["10.0.0.1"], ["10.1.0.0"]),
        ("A.Test.", ["a.test", "b.a.test"], ["b.test"]),
        ("test", ["a.test", "test"], ["atest"]),
        ("a.test,b.test", ["a.test", "b.test"], ["c.test"]),
        (" a.test ,\tb.test\nc.test ", ["a.test", "b.test", "c.test"], ["d.test"]),
        ("b\u00fccher.test", ["xn--bcher-kva.test"], ["bcher.test"]),
        ("10.0.0.1", ["10.0.0.1", "[::ffff:10.0.0.1]"], ["10.0.0.2", "a10.0.0.1", "1.10.0.0.1.test"]),
        ("10.0.0.0/8", ["10.0.0.1", "10.255.255.255"], ["11.0.0.1", "a.test", "[fd00::1]"]),
        ("10.1.2.3/8", ["10.9.9.9"], ["11.0.0.1"]),
        ("2001:db8::1", ["[2001:db8::1]", "2001:db8::1"], ["[2001:db8::2]"]),
        ("[2001:db8::1]", ["[2001:db8::1]", "2001:db8::1"], ["[2001:db8::2]"]),
        ("[::ffff:10.0.0.1]", ["10.0.0.1"], ["10.0.0.2"]),
        ("2001:db8::/32", ["[2001:db8:1::1]"], ["[2001:db9::1]", "32.1.13.184"]),
        ("", [], ["a.test"]),
        (",, ,", [], ["a.test", ""]),
        ("a.*, b:c:d, [::1, 10.0.0.0/99, http://[", [], ["a.test", "b", "10.0.0.1", "c.test"]),
    ],
)
def test_no_proxy(entries: str, exempt: list[str], others: list[str]) -> None:
    proxies = from_environment({"HTTP_PROXY": str(P), "NO_PROXY": entries})
    assert [host for host in exempt if proxies.proxy_for("http", host, 80) is not None] == []
    assert [host for host in others if proxies.proxy_for("http", host, 80) is None] == []


@pytest.mark.parametrize(
    ("entry", "host"),
    [
        ("a.test:8080", "b.a.test"),
        ("10.0.0.1:8080", "10.0.0.1"),
        ("[fd00::1]:8080", "[fd00::1]"),
        ("[fd00::1]:8080", "fd00::1"),
    ],
)
def test_no_proxy_for_one_port(entry: str, host: str) -> None:
    proxies = from_environment({"HTTP_PROXY": str(P), "NO_PROXY": entry})
    assert proxies.proxy_for("http", host, 8080) is None
    assert proxies.proxy_for("http", host, 80) == P


def test_no_proxy_is_of_the_environment_alone() -> None:
    """An option is in its place, too."""
    assert Proxies.everything(P).exempt == ()


@given(st.text(max_size=40), st.sampled_from(["a.test", "10.0.0.1", "[fd00::1]", ""]), st.integers(1, 65535))
def test_any_no_proxy_is_read(text: str, host: str, port: int) -> None:
    proxies = from_environment({"ALL_PROXY": "proxy.test:3128", "NO_PROXY": text})
    assert proxies.proxy_for("https", host, port) in (None, P)


@given(st.lists(st.sampled_from(["a", "b", "test", "local"]), min_size=1, max_size=4), st.integers(0, 3))
def test_a_domain_covers_what_is_below_it(labels: list[str], cut: int) -> None:
    (exemption,) = parse_exemptions([".".join(labels)])
    above = labels[cut:] if cut < len(labels) else []
    assert exemption.covers(".".join(["x", *labels]), 1)
    assert exemption.covers(".".join(labels), 1)
    assert not exemption.covers("x" + ".".join(labels), 1)
    assert cut == 0 or not above or exemption.covers(".".join(above), 1) == (above == labels)
