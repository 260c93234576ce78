"""The Request constructor on concepts, and what a background fetch refuses."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from swruntime.algorithms.requests import (
    RequestInit,
    build_request,
    check_background_request,
    check_dangling_markup,
)
from swruntime.concepts.environment import Environment
from swruntime.concepts.http import HeaderList, Initiator, Request, StoredBody

H = HeaderList.of
PAGE = Environment(url="https://site.example/app/page", origin="https://site.example")


def build(input: object = "/a", **init: object) -> Request:
    return build_request(input, RequestInit(**init), environment=PAGE)  # type: ignore[arg-type]


def test_a_url_becomes_a_request() -> None:
    assert build("a b?c#d") == Request("https://site.example/app/a%20b?c#d", client=PAGE)
    other = build_request("a", environment=PAGE, base_url="https://site.example/base/")
    assert other.url == "https://site.example/base/a"


def test_every_member_is_taken() -> None:
    request = build(
        method="post",
        headers={"X-Own": "1"},
        body=b"x",
        body_type="text/plain",
        mode="same-origin",
        credentials="include",
        cache="only-if-cached",
        redirect="error",
        referrer="other",
        referrer_policy="origin",
        integrity="sha256-x",
        keepalive=True,
    )
    assert request == Request(
        "https://site.example/a",
        method="POST",
        headers=H([("X-Own", "1"), ("Content-Type", "text/plain")]),
        body=b"x",
        mode="same-origin",
        credentials="include",
        cache="only-if-cached",
        redirect="error",
        referrer="https://site.example/app/other",
        referrer_policy="origin",
        integrity="sha256-x",
        keepalive=True,
        client=PAGE,
    )


@pytest.mark.parametrize(
    ("init", "message"),
    [
        ({"method": "a b"}, "^method is 'a b'; expected an HTTP method"),
        ({"method": "TRACE"}, "^method is 'TRACE', which no script may use"),
        ({"method": 5}, "^method is 5; expected a str$"),
        ({"method": "€"}, "^method is '€'; expected no character beyond"),
        ({"headers": "x"}, "^headers is 'x'; expected a list$"),
        ({"headers": {"a b": "x"}}, "^'a b' is not a header name$"),
        ({"body": b""}, "^body is given and method is GET, which has none"),
        ({"body": b"", "method": "head"}, "^body is given and method is HEAD"),
        ({"mode": "navigate"}, "^mode is 'navigate'; expected one of 'cors', 'no-cors', 'same-origin'$"),
        ({"mode": True}, "^mode is True; expected one of"),
        ({"credentials": "all"}, "^credentials is 'all'; expected one of 'omit', 'same-origin', 'include'$"),
        ({"cache": "none"}, "^cache is 'none'; expected one of 'default', 'no-store'"),
        (
            {"cache": "only-if-cached"},
            "^cache is 'only-if-cached' and mode is 'cors'; expected mode 'same-origin'",
        ),
        ({"redirect": "go"}, "^redirect is 'go'; expected one of 'follow', 'error', 'manual'$"),
        ({"referrer": "http://["}, r"^'http://\[' does not parse as a URL against"),
        ({"referrer": 5}, "^referrer is 5; expected a str$"),
        ({"referrer_policy": "never"}, "^referrer_policy is 'never'; expected one of '', 'no-referrer'"),
        ({"integrity": 5}, "^integrity is 5; expected a str$"),
        ({"keepalive": 1}, "^keepalive is 1; expected True or False$"),
        (
            {"mode": "no-cors", "method": "PUT"},
            "^method is 'PUT' and mode is 'no-cors'; expected GET, HEAD or POST$",
        ),
    ],
)
def test_members_that_are_wrong(init: dict[str, object], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        build(**init)


@pytest.mark.parametrize(
    ("input", "message"),
    [
        (5, "^url is 5; expected a str$"),
        ("http://[", r"^'http://\[' does not parse as a URL against 'https://site.example/app/page'$"),
        ("https://u:p@h/", "^url is 'https://u:p@h/', with credentials; send an Authorization header"),
    ],
)
def test_inputs_that_are_wrong(input: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        build(input)


def test_referrers() -> None:
    assert build(referrer="").referrer == ""
    assert build(referrer="/x#y").referrer == "https://site.example/x#y"
    assert build(referrer="about:client").referrer == "about:client"
    assert build(referrer="https://other.example/").referrer == "about:client"


def test_headers_pass_the_guard_of_the_mode() -> None:
    given_ = [("Cookie", "x"), ("X-Own", "1"), ("Accept", "x"), ("Range", "bytes=0-")]
    assert build(headers=given_).headers == H(given_[1:])
    assert build(headers=given_, mode="no-cors").headers == H([("Accept", "x")])
    assert build(headers=H(given_)).headers == H(given_[1:])


def test_the_type_of_a_body() -> None:
    def type_of(**init: object) -> str | None:
        return build(method="POST", body=b"x", **init).headers.get("Content-Type")

    assert type_of() is None
    assert type_of(body_type="text/plain") == "text/plain"
    assert type_of(body_type="text/plain", headers={"content-type": "x/y"}) == "x/y"
    assert type_of(body_type="application/json", mode="no-cors") is None


ORIGINAL = Request(
    "https://h.example/",
    method="POST",
    headers=H([("X-Own", "1"), ("Cookie", "set by the user agent")]),
    body=StoredBody(1, 5),
    mode="navigate",
    credentials="include",
    referrer="https://site.example/other",
    referrer_policy="origin",
    destination="document",
)


def test_a_request_is_copied() -> None:
    copy = build(ORIGINAL)
    assert copy.client is PAGE
    assert copy.destination == ""
    for name in ("url", "method", "headers", "body", "mode", "credentials", "referrer", "referrer_policy"):
        assert getattr(copy, name) == getattr(ORIGINAL, name)


def test_a_request_that_is_modified_comes_from_here() -> None:
    copy = build(ORIGINAL, credentials="omit")
    assert (copy.mode, copy.referrer, copy.referrer_policy) == ("same-origin", "about:client", "")
    assert copy.headers == H([("X-Own", "1")])
    assert copy.body == StoredBody(1, 5)
    assert build(Request("https://h/", mode="no-cors"), credentials="omit").mode == "no-cors"


def test_a_navigation_is_its_initiators_until_it_is_modified() -> None:
    initiator = Initiator("https://evil.example", "cross-site", True)
    asked = Request("https://site.example/", mode="navigate", initiator=initiator, cookie="a=b")
    assert (build(asked).initiator, build(asked).mode) == (initiator, "navigate")
    modified = build(asked, redirect="follow")
    assert (modified.initiator, modified.mode) == (None, "same-origin")
    # What was brought is for the URL, whoever asks.
    assert build(asked).cookie == modified.cookie == "a=b"
    assert "a=b" not in repr(asked)


def test_a_request_keeps_its_body_or_gets_another() -> None:
    assert build(ORIGINAL, body=b"x", body_type="a/b").headers.get("Content-Type") == "a/b"
    assert build(ORIGINAL, body=b"x").body == b"x"
    with pytest.raises(TypeError, match=r"^body is given and method is GET"):
        build(ORIGINAL, method="GET")


def test_a_no_cors_request_must_still_be_simple() -> None:
    with pytest.raises(TypeError, match=r"^method is 'PUT' and mode is 'no-cors'"):
        build(Request("https://h/", method="PUT", mode="no-cors"))


@given(st.text())
def test_building_from_any_text_raises_nothing_but_type_error(text: str) -> None:
    try:
        request = build(text)
        check_background_request(request)
        check_dangling_markup(text)
    except TypeError:
        return
    assert request.url.startswith(("http:", "https:"))


def test_requests_for_a_background_fetch() -> None:
    for request in (Request("https://h/"), Request("http://h:8080/", mode="same-origin", method="PUT")):
        check_background_request(request)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request("https://h/", mode="no-cors"), "^the request for https://h/ has mode 'no-cors'"),
        (Request("data:,x"), "^the request is for data:,x; expected http or https$"),
        (Request("https://u@h/"), "^the request for https://u@h/ has credentials in its URL$"),
        (Request("https://h:6667/"), "^the request for https://h:6667/ goes to port 6667, which is blocked$"),
    ],
)
def test_requests_that_a_background_fetch_refuses(request_: Request, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        check_background_request(request_)


@pytest.mark.parametrize(
    "raw", ["/?\n<", "/a\tb<c", "https://h/\r<", "!\n<", "\u00a0\n<", "<\n\u3000", "X\n<"]
)
def test_dangling_markup(raw: str) -> None:
    with pytest.raises(TypeError, match="expected a URL, not markup$") as raised:
        check_dangling_markup(raw)
    assert repr(raw) in str(raised.value)


@pytest.mark.parametrize(
    "raw", ["/a<b", "/a\nb", "\n/a<b\n", "/?<\n", " \n /a<b", "/a", "/a<X", "\x00\n<\x1f"]
)
def test_what_is_no_dangling_markup(raw: str) -> None:
    """White space at the ends is stripped before the parser looks for it."""
    check_dangling_markup(raw)
