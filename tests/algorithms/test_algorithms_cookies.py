"""Cookies: what Set-Cookie makes, what goes with which request, and Netscape's file format."""

from __future__ import annotations

import re
import time

import attrs
import pytest
from hypothesis import given, strategies as st

from swruntime.algorithms import cookies
from swruntime.algorithms.cookie_file import parse_cookie_file
from swruntime.algorithms.cors import Tainting
from swruntime.concepts.cookies import Cookie
from swruntime.concepts.enums import RequestCredentials
from swruntime.concepts.environment import Environment
from swruntime.concepts.http import Initiator, Request

NOW = 1_767_225_600.0
URL = "https://www.site.example/shop/cart?x#y"
PLAIN = "http://www.site.example/shop/cart"


def made(header: str, url: str = URL, *, same_site: bool = True) -> Cookie | None:
    return cookies.parse_set_cookie(header, url, NOW, same_site=same_site)


def there(header: str, url: str = URL, *, same_site: bool = True) -> Cookie:
    cookie = made(header, url, same_site=same_site)
    assert cookie is not None
    return cookie


PAGE = Environment(url="https://www.site.example/page", origin="https://www.site.example")


@pytest.mark.parametrize(
    ("mode", "tainting", "included"),
    [
        ("include", "basic", True),
        ("include", "cors", True),
        ("same-origin", "basic", True),
        ("same-origin", "cors", False),
        ("omit", "basic", False),
    ],
)
def test_with_which_requests_cookies_go(mode: RequestCredentials, tainting: Tainting, included: bool) -> None:
    assert cookies.includes_credentials(Request(URL, credentials=mode), tainting) is included


def test_whose_site_it_is() -> None:
    assert cookies.is_same_site(Request("https://elsewhere.example/"))
    assert cookies.is_same_site(Request("https://api.site.example/", client=PAGE))
    assert not cookies.is_same_site(Request("https://elsewhere.example/", client=PAGE))


def test_a_plain_one() -> None:
    assert there(" a = b c ") == Cookie("a", "b c", "www.site.example", "/shop", created=NOW)


@pytest.mark.parametrize(
    ("header", "name", "value"),
    [
        ("a=b=c", "a", "b=c"),
        ('a="b"', "a", '"b"'),
        ("a=", "a", ""),
        ("a", "", "a"),
        ("=a", "", "a"),
        ("a=b;;; ;c", "a", "b"),
        ("a=b\tc", "a", "b\tc"),
        ("a=b,c", "a", "b,c"),
        ("\ta\t=\tb\t", "a", "b"),
        # Only the white space of HTTP is cut off.
        ("\xa0a\xa0=\xa0b\xa0", "\xa0a\xa0", "\xa0b\xa0"),
        ("XaX=XbX", "XaX", "XbX"),
    ],
)
def test_names_and_values(header: str, name: str, value: str) -> None:
    cookie = there(header)
    assert (cookie.name, cookie.value) == (name, value)


@pytest.mark.parametrize(
    "header", ["", "=", " ; Secure", "a=b\0", "a=b; Path=/\x7f", "a\n=b", "a=" + "b" * 4096]
)
def test_what_is_no_cookie(header: str) -> None:
    assert made(header) is None


def test_the_longest_cookie() -> None:
    assert there("a=" + "b" * 4095).value == "b" * 4095


@pytest.mark.parametrize(
    ("attribute", "changes"),
    [
        ("Secure", {"secure": True}),
        ("secure=no", {"secure": True}),
        ("HttpOnly", {"http_only": True}),
        ("PATH=/", {"path": "/"}),
        ("Path=/a; path=/b", {"path": "/b"}),
        ("Path=b", {}),
        ("Path=/" + "a" * 1023, {"path": "/" + "a" * 1023}),
        ("Path=/" + "a" * 1024, {}),
        (" \tPath\t = /a\t", {"path": "/a"}),
        ("\xa0Path=/a", {}),
        ("Path=\xa0/a", {}),
        ("Path=/a\xa0", {"path": "/a\xa0"}),
        ("XPathX=/a", {}),
        ("Path=/X", {"path": "/X"}),
        ("SameSite=Strict", {"same_site": "strict"}),
        ("SameSite=LAX", {"same_site": "lax"}),
        ("SameSite=whatever", {}),
        ("SameSite=Lax; SameSite=Strict", {"same_site": "strict"}),
        ("SameSite=None; Secure", {"same_site": "none", "secure": True}),
        ("Max-Age=60", {"expires": NOW + 60}),
        ("Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", {"expires": NOW + 60}),
        ("Max-Age=0", {"expires": NOW}),
        ("Max-Age=-1", {"expires": 0.0}),
        ("Max-Age=1.5", {}),
        ("Max-Age=" + "9" * 500, {"expires": NOW + cookies.LONGEST_LIFE}),
        ("Expires=Fri, 02 Jan 2026 00:00:00 GMT", {"expires": NOW + 86_400}),
        ("Expires=Fri, 02-Jan-26 00:00:00", {"expires": NOW + 86_400}),
        ("Expires=Wed, 01 Jan 9999 00:00:00 GMT", {"expires": NOW + cookies.LONGEST_LIFE}),
        ("Expires=soon", {}),
        ("Unknown=1", {}),
    ],
)
def test_attributes(attribute: str, changes: dict[str, object]) -> None:
    expected = attrs.evolve(Cookie("a", "b", "www.site.example", "/shop", created=NOW), **changes)  # type: ignore[arg-type]
    assert there(f"a=b; {attribute}") == expected


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://a.example/", "/"),
        ("https://a.example/x", "/"),
        ("https://a.example/x/", "/x"),
        ("https://a.example/x/y?/z", "/x"),
    ],
)
def test_the_default_path(url: str, path: str) -> None:
    assert there("a=b", url).path == path


@pytest.mark.parametrize(
    ("host", "domain", "result"),
    [
        ("www.site.example", "site.example", ("site.example", False)),
        ("www.site.example", ".Site.Example", ("site.example", False)),
        ("www.site.example", "www.site.example", ("www.site.example", False)),
        ("www.site.example", "", ("www.site.example", True)),
        ("site.example", "www.site.example", None),
        ("www.site.example", "ite.example", None),
        ("www.site.example", "example", None),
        ("shop.co.uk", "co.uk", None),
        ("a.github.io", "github.io", None),
        ("github.io", "github.io", ("github.io", True)),
        ("localhost", "localhost", ("localhost", True)),
        ("127.0.0.1", "127.0.0.1", ("127.0.0.1", True)),
        ("127.0.0.1", "0.0.1", None),
        ("www.site.example", "a b", None),
    ],
)
def test_whose_it_is(host: str, domain: str, result: tuple[str, bool] | None) -> None:
    cookie = made(f"a=b; Domain={domain}", f"https://{host}/")
    assert (None if cookie is None else (cookie.domain, cookie.host_only)) == result


def test_secure_ones_come_over_secure_connections_only() -> None:
    assert made("a=b; Secure", PLAIN) is None
    assert made("a=b; Secure", "http://localhost:8400/") is not None


def test_none_must_be_secure() -> None:
    assert made("a=b; SameSite=None") is None


@pytest.mark.parametrize(
    ("attribute", "taken"), [("", False), ("SameSite=Lax", False), ("SameSite=None", True)]
)
def test_another_site_sets_only_what_may_go_there(attribute: str, taken: bool) -> None:
    assert (made(f"a=b; Secure; {attribute}", same_site=False) is not None) is taken


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("__Secure-a=b; Secure", True),
        ("__Secure-a=b", False),
        ("__secure-a=b", False),
        ("__Secure-a", False),
        ("__Host-a=b; Secure; Path=/", True),
        ("__Host-a=b; Path=/", False),
        ("__Host-a=b; Secure", False),
        ("__Host-a=b; Secure; Path=/shop", False),
        ("__Host-a=b; Secure; Path=/; Domain=site.example", False),
        ("=__Host-a; Secure; Path=/", False),
    ],
)
def test_names_that_promise(header: str, taken: bool) -> None:
    assert (made(header) is not None) is taken


def test_the_default_path_does_for_no_promise() -> None:
    assert made("__Host-a=b; Secure", "https://a.example/") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784111777),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784111777),
        ("Sun Nov  6 08:49:37 1994", 784111777),
        ("1994 nov 6 8:49:37", 784111777),
        ("6 november 94 8:49:37x", 784111777),
        ("6 Nov 69 8:49:37", 3150953377),
        ("6 Nov 70 8:49:37", 26729377),
        ("6 Nov 100 8:49:37", None),
        ("6 Nov 1600 8:49:37", None),
        ("1 Jan 1601 0:00:00", -11644473600),
        ("Nov 1994 8:49:37", None),
        ("6 1994 8:49:37", None),
        ("6 Nov 8:49:37", None),
        ("6 8:49:37", None),
        ("Nov 8:49:37", None),
        ("31 Feb 1994 8:49:37", None),
        ("6 Nov 1994", None),
        ("6 Nov 1994 24:00:00", None),
        ("", None),
    ],
)
def test_dates(text: str, expected: float | None) -> None:
    assert cookies.parse_date(text) == expected


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the system has no tzset")
def test_dates_are_utc_wherever_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Thu, 01 Jan 2026 00:00:00 GMT"
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "JST-9")
        time.tzset()
        date = cookies.parse_date(text)
    time.tzset()
    assert date == NOW


JAR = [
    Cookie("host", "1", "www.site.example", created=1),
    Cookie("domain", "2", "site.example", host_only=False, created=2),
    Cookie("deep", "3", "www.site.example", "/shop", created=3),
    Cookie("secure", "4", "www.site.example", secure=True, created=4),
    Cookie("none", "5", "www.site.example", secure=True, same_site="none", created=5),
    Cookie("strict", "6", "www.site.example", same_site="strict", created=6),
    Cookie("gone", "7", "www.site.example", expires=NOW, created=7),
    Cookie("later", "8", "www.site.example", expires=NOW + 1, created=8),
    Cookie("other", "9", "other.example", created=9),
]


@pytest.mark.parametrize(
    ("url", "names"),
    [
        (URL, ["deep", "host", "domain", "secure", "none", "strict", "later"]),
        (PLAIN, ["deep", "host", "domain", "strict", "later"]),
        ("https://www.site.example/shopping", ["host", "domain", "secure", "none", "strict", "later"]),
        ("https://site.example/shop", ["domain"]),
        ("https://api.www.site.example/shop", ["domain"]),
        ("https://xsite.example/", []),
    ],
)
def test_what_goes_with_a_request(url: str, names: list[str]) -> None:
    assert [c.name for c in cookies.cookies_for(JAR, url, NOW, same_site=True)] == names


def test_what_goes_to_another_site() -> None:
    found = cookies.cookies_for(JAR, URL, NOW, same_site=False)
    assert [c.name for c in found] == ["none"]


def test_what_goes_where_another_site_navigates_to() -> None:
    jar = [*JAR, Cookie("file", "10", "www.site.example", same_site="none", created=10)]

    def found(**how: bool) -> list[str]:
        return [c.name for c in cookies.cookies_for(jar, URL, NOW, same_site=False, **how)]

    assert found() == ["none", "file"]
    # Only a file has a cookie with SameSite=None that is not Secure, and does not know what the server said.
    assert found(navigated=True) == ["none"]
    assert found(navigated=True, lax=True) == ["deep", "host", "domain", "secure", "none", "later", "file"]


ELSEWHERE = Initiator("https://evil.example", "cross-site", top_level=True)


def test_whose_navigation_it_is() -> None:
    asked = Request(URL, mode="navigate", client=PAGE, initiator=ELSEWHERE)
    assert not cookies.is_same_site(asked)
    assert cookies.navigates_from_elsewhere(asked)
    assert cookies.takes_lax(asked)
    # A preload, which no script has made.
    assert cookies.takes_lax(attrs.evolve(asked, client=None))
    assert not cookies.is_same_site(attrs.evolve(asked, client=None))
    for site in ("none", "same-origin", "same-site"):
        near = attrs.evolve(asked, initiator=attrs.evolve(ELSEWHERE, site=site))
        assert cookies.is_same_site(near)
    unsure = attrs.evolve(ELSEWHERE, site="none", is_told=False)
    assert not cookies.is_same_site(attrs.evolve(asked, initiator=unsure))
    # To a worker's own site only.
    assert not cookies.is_same_site(
        attrs.evolve(asked, url="https://elsewhere.example/", initiator=near.initiator)
    )
    assert not cookies.takes_lax(attrs.evolve(asked, url="https://elsewhere.example/"))


def test_lax_is_for_windows_and_safe_methods() -> None:
    asked = Request(URL, mode="navigate", client=PAGE, initiator=ELSEWHERE)
    for method, lax in (("GET", True), ("HEAD", True), ("POST", False), ("PUT", False), ("DELETE", False)):
        assert cookies.takes_lax(attrs.evolve(asked, method=method)) is lax
        assert cookies.navigates_from_elsewhere(attrs.evolve(asked, method=method))
    assert cookies.takes_lax(attrs.evolve(asked, method="OPTIONS"))
    assert cookies.takes_lax(attrs.evolve(asked, method="TRACE"))
    framed = attrs.evolve(asked, initiator=attrs.evolve(ELSEWHERE, top_level=False))
    assert not cookies.takes_lax(framed)
    assert not cookies.takes_lax(attrs.evolve(asked, mode="same-origin"))
    assert not cookies.takes_lax(attrs.evolve(asked, initiator=None))


@pytest.mark.parametrize(
    ("brought", "jar", "header"),
    [
        ("a=1", None, "a=1"),
        ("a=1", "b=2; c=3", "a=1; b=2; c=3"),
        ("a=1; b=x", "b=2; c=3", "a=1; b=x; c=3"),
        ("a=1 ;b=x", "b=2", "a=1 ;b=x"),
        ("nameless", "b=2; other", "nameless; b=2"),
        ("a=1", "other", "a=1; other"),
        ("a=1", "=2; aa=3", "a=1; =2; aa=3"),
        ("=1", "nameless; a=3", "=1; a=3"),
        ("a=1=2", "a=3", "a=1=2"),
        ("a=1", "a=2=3; b=4=5", "a=1; b=4=5"),
    ],
)
def test_what_a_request_brought_counts(brought: str, jar: str | None, header: str) -> None:
    assert cookies.with_brought(brought, jar) == header


def test_the_header() -> None:
    assert (
        cookies.header_value([*JAR[:2], Cookie("", "nameless", "a.example")]) == "host=1; domain=2; nameless"
    )


def test_who_cannot_set_secure_cookies_leaves_them_alone() -> None:
    secure = Cookie("a", "b", "site.example", host_only=False, secure=True)
    assert not cookies.may_replace(there("a=evil", PLAIN), [secure], PLAIN)
    assert not cookies.may_replace(there("a=evil; Domain=site.example; Path=/x", PLAIN), [secure], PLAIN)
    assert cookies.may_replace(there("a=good"), [secure], URL)
    host = attrs.evolve(secure, domain="www.site.example", host_only=True)
    assert not cookies.may_replace(there("a=evil; Domain=site.example", PLAIN), [host], PLAIN)
    narrow = there("a=evil; Domain=www.site.example", PLAIN)
    assert not cookies.may_replace(narrow, [attrs.evolve(secure, domain="b.www.site.example")], PLAIN)
    assert cookies.may_replace(narrow, [attrs.evolve(secure, domain="b.site.example")], PLAIN)
    assert cookies.may_replace(there("other=x", PLAIN), [secure], PLAIN)
    deep = attrs.evolve(secure, path="/admin")
    assert cookies.may_replace(there("a=x; Path=/", PLAIN), [deep], PLAIN)
    assert cookies.may_replace(there("a=x", PLAIN), [attrs.evolve(secure, secure=False)], PLAIN)


@given(st.text(max_size=300), st.booleans())
def test_any_text_is_a_cookie_that_its_server_gets_back_or_none(header: str, same_site: bool) -> None:
    cookie = made(header, same_site=same_site)
    if cookie is not None and cookie.path in ("/", "/shop") and not cookies.is_expired(cookie, NOW):
        assert cookies.cookies_for([cookie], URL, NOW, same_site=same_site) == [cookie]


@given(st.text(alphabet="0123456789: -,JanFebGMT", max_size=40))
def test_any_text_is_a_date_or_none(text: str) -> None:
    date = cookies.parse_date(text)
    assert date is None or date > -12e9


# Netscape's format


def test_a_file() -> None:
    text = (
        "# Netscape HTTP Cookie File\r\n\r\n"
        ".site.example\tTRUE\t/\tFALSE\t0\ta\tb\r\n"
        "#HttpOnly_www.site.example\tFALSE\t/x\tTRUE\t1800000000\tsession\tq=1\n"
        "www.site.example\tFALSE\t/\tfalse\t0\tempty\n"
        "www.site.example\tFALSE\t/\tfalse\t1\told\tx\n"
        "# the end"
    )
    assert parse_cookie_file(text, NOW) == (
        Cookie("a", "b", "site.example", host_only=False, same_site="none", created=NOW),
        Cookie(
            "session", "q=1", "www.site.example", "/x", expires=1_800_000_000, secure=True, http_only=True,
            same_site="none", created=NOW,
        ),
        Cookie("empty", "", "www.site.example", same_site="none", created=NOW),
        Cookie("old", "x", "www.site.example", expires=1, same_site="none", created=NOW),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("a cookie", "1 fields; expected domain"),
        ("a.example\tTRUE\t/\tFALSE\t0\ta\tb\tc", "8 fields"),
        ("a b\tTRUE\t/\tFALSE\t0\ta\tb", "domain is 'a b'"),
        ("a.example\tmaybe\t/\tFALSE\t0\ta\tb", "subdomains is 'maybe'"),
        ("a.example\tTRUE\tx\tFALSE\t0\ta\tb", "path is 'x'"),
        ("a.example\tTRUE\t/\t1\t0\ta\tb", "secure is '1'"),
        ("a.example\tTRUE\t/\tTRUE\tsoon\ta\tb", "time is 'soon'"),
        ("a.example\tTRUE\t/\tTRUE\t0\ta=c\tb", "'a=c' is not the name"),
        ("a.example\tTRUE\t/\tTRUE\t0\ta\tb\x01", "'a' is not the name"),
    ],
)
def test_a_line_that_is_wrong(line: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)) as caught:
        parse_cookie_file(f"# fine\n{line}\n", NOW)
    assert str(caught.value).startswith("line 2: ")


@given(st.text(alphabet="\t\n#aTRUEFLS./0;=", max_size=200))
def test_any_file_is_read_or_refused(text: str) -> None:
    try:
        found = parse_cookie_file(text, NOW)
    except ValueError:
        return
    assert all(cookie.path.startswith("/") for cookie in found)


@given(st.integers(1, 10**6), st.integers(-(10**9), 10**9))
def test_by_a_clock_that_was_set_a_cookie_lives_no_longer_than_it_was_to(age: int, ahead: int) -> None:
    cookie = there(f"a=1; Max-Age={age}")
    by_another = cookies.realigned(cookie, NOW - ahead)
    if ahead <= 0:
        assert by_another == cookie
    else:
        assert (by_another.created, by_another.expires) == (NOW - ahead, NOW - ahead + age)
    assert cookies.realigned(by_another, NOW - ahead) == by_another


def test_a_session_has_no_end_by_any_clock() -> None:
    session = cookies.realigned(there("a=1"), NOW - 1e9)
    assert (session.created, session.expires) == (NOW - 1e9, None)


@pytest.mark.parametrize("wrong", [-3e8, 0, 3e8])
def test_a_date_is_after_the_responses_own_whatever_the_clock_shows(wrong: float) -> None:
    header = "a=1; Expires=Thu, 01 Jan 2026 01:00:00 GMT"
    cookie = cookies.parse_set_cookie(
        header, URL, NOW + wrong, same_site=True, date="Thu, 01 Jan 2026 00:00:00 GMT"
    )
    assert cookie is not None
    assert cookie.expires == NOW + wrong + 3600
    without = cookies.parse_set_cookie(header, URL, NOW + 60, same_site=True, date="no date")
    assert without is not None
    assert without.expires == NOW + 3600
