"""CORS, filtered responses, redirects."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, strategies as st

from swruntime.algorithms import cors, filtering, redirects
from swruntime.concepts.enums import RequestCredentials, RequestRedirect, ResponseType
from swruntime.concepts.environment import Environment
from swruntime.concepts.http import HeaderList, Initiator, Request, Response
from swruntime.errors import NetworkFailure

H = HeaderList.of
ORIGIN = "https://site.example"
PAGE = Environment(url="https://site.example/page", origin=ORIGIN)
HERE = "https://site.example/a"
THERE = "https://cdn.example/a"
ELSEWHERE = "https://else.example/a"


def request(url: str = THERE, **changes: object) -> Request:
    return attrs.evolve(Request(url, client=PAGE), **changes)  # type: ignore[arg-type]


# The origin that is told


@pytest.mark.parametrize(
    ("url_list", "origin"),
    [
        ([], ORIGIN),
        ([HERE, HERE], ORIGIN),
        ([HERE, THERE], ORIGIN),
        ([THERE, THERE], ORIGIN),
        ([THERE, HERE], "null"),
        ([THERE, ELSEWHERE], "null"),
        ([HERE, THERE, ELSEWHERE, HERE], "null"),
    ],
)
def test_the_origin_of_a_redirected_request(url_list: list[str], origin: str) -> None:
    assert cors.request_origin(request(), url_list) == origin


def test_without_a_client_the_origin_is_opaque() -> None:
    assert cors.request_origin(Request(HERE)) == "null"
    assert cors.tainting(Request(HERE), HERE) == "cors"


def test_the_origin_of_a_navigation_that_a_worker_hands_on() -> None:
    asked = request(HERE, mode="navigate", initiator=Initiator("https://evil.example", "cross-site", True))
    assert cors.request_origin(asked) == "https://evil.example"
    assert cors.request_origin(asked, [HERE, THERE]) == "null"
    assert cors.tainting(asked, HERE) == "basic"
    assert cors.request_origin(attrs.evolve(asked, mode="cors")) == ORIGIN


# Tainting


def test_tainting() -> None:
    assert cors.tainting(request(), HERE) == "basic"
    assert cors.tainting(request(), THERE) == "cors"
    assert cors.tainting(request(mode="no-cors"), THERE) == "opaque"
    assert cors.tainting(request(mode="no-cors"), HERE) == "basic"
    assert cors.tainting(request(mode="same-origin"), HERE) == "basic"
    assert cors.tainting(request(mode="navigate"), THERE) == "basic"
    assert cors.tainting(request(), "data:,x") == "basic"
    assert cors.tainting(request(mode="no-cors"), "ftp://h/") == "opaque"


def test_tainting_stays_on_the_way_back() -> None:
    assert cors.tainting(request(), HERE, "cors") == "cors"
    assert cors.tainting(request(mode="no-cors"), HERE, "opaque") == "opaque"


@pytest.mark.parametrize(
    ("request_", "url", "cause", "words"),
    [
        (request(mode="same-origin"), THERE, "cors", "is not of the origin https://site.example"),
        (request(mode="no-cors", redirect="error"), THERE, "redirect", "'no-cors' takes only 'follow'"),
        (request(), "ftp://h/", "scheme", "is not http or https"),
    ],
)
def test_what_cannot_be_fetched(request_: Request, url: str, cause: str, words: str) -> None:
    with pytest.raises(NetworkFailure, match=words) as raised:
        cors.tainting(request_, url)
    assert raised.value.cause == cause


# The CORS check

ALLOW = "Access-Control-Allow-"


@pytest.mark.parametrize(
    ("mode", "headers", "words"),
    [
        ("omit", {}, "has no Access-Control-Allow-Origin"),
        ("omit", {"Origin": "*"}, None),
        ("same-origin", {"Origin": "*"}, None),
        ("include", {"Origin": "*"}, "is '*', which does not do for a request with credentials"),
        ("omit", {"Origin": ORIGIN}, None),
        ("omit", {"Origin": ORIGIN + "/"}, "is 'https://site.example/', not 'https://site.example'"),
        ("omit", {"Origin": "null"}, "is 'null', not 'https://site.example'"),
        ("include", {"Origin": ORIGIN}, "Access-Control-Allow-Credentials is missing, not 'true'"),
        ("include", {"Origin": ORIGIN, "Credentials": "True"}, "Credentials is 'True', not 'true'"),
        ("include", {"Origin": ORIGIN, "Credentials": "true"}, None),
    ],
)
def test_the_cors_check(mode: RequestCredentials, headers: dict[str, str], words: str | None) -> None:
    failure = cors.cors_check(ORIGIN, mode, H([(ALLOW + name, value) for name, value in headers.items()]))
    assert failure is None if words is None else failure is not None and words in failure


def test_two_allowed_origins_are_none() -> None:
    headers = H([(ALLOW + "Origin", ORIGIN), (ALLOW + "Origin", ORIGIN)])
    assert cors.cors_check(ORIGIN, "omit", headers) is not None


# The preflight


def test_what_needs_a_preflight() -> None:
    assert not cors.needs_preflight(request(method="POST", headers=H([("Accept", "x")])))
    assert cors.needs_preflight(request(method="PUT"))
    assert cors.needs_preflight(request(headers=H([("X-Own", "x")])))


def test_the_preflight() -> None:
    asked = request(
        method="PUT",
        headers=H([("X-B", "1"), ("X-A", "1"), ("Accept", "x")]),
        body=b"x",
        credentials="include",
    )
    preflight = cors.preflight_request(asked)
    assert preflight == request(
        method="OPTIONS",
        headers=H(
            [
                ("Accept", "*/*"),
                ("Access-Control-Request-Method", "PUT"),
                ("Access-Control-Request-Headers", "x-a,x-b"),
            ]
        ),
        redirect="manual",
    )
    asked = attrs.evolve(asked, mode="same-origin", cache="no-store", integrity="sha256-x")
    assert cors.preflight_request(asked) == preflight
    assert "Access-Control-Request-Headers" not in cors.preflight_headers(request(method="PUT"))


@pytest.mark.parametrize(
    ("method", "names", "wants"),
    [
        ("PUT", [], "Access-Control-Allow-Methods with PUT"),
        ("POST", ["X-B", "Accept", "X-A"], "Access-Control-Allow-Headers with x-a, x-b"),
        ("PUT", ["X-A"], "Access-Control-Allow-Methods with PUT and Access-Control-Allow-Headers with x-a"),
    ],
)
def test_what_a_preflight_left_out_would_have_wanted(method: str, names: list[str], wants: str) -> None:
    asked = request(method=method, headers=H([(name, "x") for name in names]))
    assert cors.preflight_wants(asked) == f"no preflight was sent; a browser would send one, and want {wants}"


@pytest.mark.parametrize(
    ("changes", "headers", "words"),
    [
        ({}, {"Methods": "PUT", "Headers": "x-own"}, None),
        ({}, {"Methods": "GET, PUT", "Headers": "X-OWN, y"}, None),
        ({}, {"Methods": "*", "Headers": "*"}, None),
        ({"method": "POST"}, {"Headers": "*"}, None),
        ({"headers": H([])}, {"Methods": "PUT"}, None),
        ({}, {"Methods": "PATCH", "Headers": "*"}, "Access-Control-Allow-Methods does not have PUT"),
        ({}, {"Methods": "put", "Headers": "*"}, "Access-Control-Allow-Methods does not have PUT"),
        ({}, {"Methods": "PUT"}, "Access-Control-Allow-Headers does not have x-own"),
        ({}, {"Methods": "a b"}, "Access-Control-Allow-Methods is malformed"),
        ({}, {"Methods": "PUT", "Headers": "a b"}, "Access-Control-Allow-Headers is malformed"),
        (
            {"headers": H([("Authorization", "x")])},
            {"Methods": "PUT", "Headers": "*"},
            "Access-Control-Allow-Headers does not have authorization",
        ),
        ({"headers": H([("Authorization", "x")])}, {"Methods": "PUT", "Headers": "Authorization"}, None),
        ({"credentials": "include"}, {"Methods": "*", "Headers": "x-own"}, "Methods does not have PUT"),
        ({"credentials": "include"}, {"Methods": "PUT", "Headers": "*"}, "Headers does not have x-own"),
        ({"credentials": "include"}, {"Methods": "PUT", "Headers": "x-own"}, None),
    ],
)
def test_the_answer_to_a_preflight(
    changes: dict[str, object], headers: dict[str, str], words: str | None
) -> None:
    asked = attrs.evolve(request(method="PUT", headers=H([("X-Own", "1")])), **changes)  # type: ignore[arg-type]
    given_ = {"Origin": ORIGIN, "Credentials": "true", **headers}
    answer = Response(status=204, headers=H([(ALLOW + name, value) for name, value in given_.items()]))
    failure = cors.preflight_check(asked, answer)
    assert failure is None if words is None else failure is not None and words in failure


def test_a_preflight_that_fails() -> None:
    asked = request(method="PUT")
    assert "no Access-Control-Allow-Origin" in (cors.preflight_check(asked, Response(status=200)) or "")
    answer = Response(status=302, headers=H([(ALLOW + "Origin", "*")]))
    assert cors.preflight_check(asked, answer) == "preflight: the status is 302, which is not ok"
    answer = Response(headers=H([(ALLOW + "Origin", ORIGIN), (ALLOW + "Methods", "PUT")]))
    assert cors.preflight_check(asked, answer) is None
    assert "not 'null'" in (cors.preflight_check(asked, answer, [THERE, ELSEWHERE]) or "")
    answer = Response(headers=H([(ALLOW + "Origin", "*"), (ALLOW + "Methods", "PUT")]))
    asked = attrs.evolve(asked, credentials="include")
    assert "does not do for a request with credentials" in (cors.preflight_check(asked, answer) or "")


@given(st.text(), st.text())
def test_any_headers_are_an_answer(methods: str, names: str) -> None:
    headers = H([(ALLOW + "Origin", "*"), (ALLOW + "Methods", methods), (ALLOW + "Headers", names)])
    failure = cors.preflight_check(request(method="PUT"), Response(headers=headers))
    assert failure is None or failure.startswith("preflight: ")


# Filtered responses

ALL = H(
    [
        ("Content-Type", "a/b"),
        ("Content-Length", "5"),
        ("Content-Range", "bytes 0-4/5"),
        ("ETag", '"a"'),
        ("X-Own", "1"),
        ("Set-Cookie", "x"),
    ]
)


def names(type: ResponseType, expose: str | None = None, mode: RequestCredentials = "omit") -> list[str]:
    headers = ALL if expose is None else ALL.append("Access-Control-Expose-Headers", expose)
    filtered = filtering.exposed(Response(206, "Part", headers, (THERE,), type), mode)
    assert (filtered.status, filtered.status_text, filtered.url) == (206, "Part", THERE)
    return [name for name, _ in filtered.headers]


def test_basic_hides_cookies() -> None:
    assert names("basic") == ["Content-Type", "Content-Length", "Content-Range", "ETag", "X-Own"]


@pytest.mark.parametrize(
    ("type", "hidden"),
    [
        ("basic", False),
        ("cors", False),
        ("default", False),
        ("opaque", True),
        ("opaqueredirect", True),
        ("error", True),
    ],
)
def test_whose_body_is_hidden(type: ResponseType, hidden: bool) -> None:
    assert filtering.hides_body(Response(type=type)) == hidden


def test_cors_shows_what_is_exposed() -> None:
    assert names("cors") == ["Content-Type", "Content-Length"]
    assert names("cors", "etag, Set-Cookie") == ["Content-Type", "Content-Length", "ETag"]
    assert names("cors", "a b, etag") == ["Content-Type", "Content-Length"]
    everything = [*(name for name, _ in ALL if name != "Set-Cookie"), "Access-Control-Expose-Headers"]
    assert names("cors", "*") == everything
    assert names("cors", "*, etag", "include") == ["Content-Type", "Content-Length", "ETag"]


def test_opaque_hides_everything() -> None:
    internal = Response(200, "OK", ALL, (HERE, THERE))
    opaque = filtering.exposed(attrs.evolve(internal, type="opaque"), "omit")
    assert opaque == Response(0, "", HeaderList(), (), "opaque")
    redirect = filtering.exposed(attrs.evolve(internal, type="opaqueredirect"), "omit")
    assert redirect == Response(0, "", HeaderList(), (HERE, THERE), "opaqueredirect")


def test_what_a_script_made_is_not_filtered() -> None:
    response = Response(headers=ALL)
    assert filtering.exposed(response, "omit") is response


def test_a_record_does_not_show_the_lengths_of_a_part() -> None:
    shown = filtering.exposed_record(Response(206, headers=ALL, type="basic"), "omit")
    assert [name for name, _ in shown.headers] == ["Content-Type", "ETag", "X-Own"]
    everything = Response(206, headers=ALL.append("Access-Control-Expose-Headers", "*"), type="cors")
    assert "ETag" in filtering.exposed_record(everything, "omit").headers
    assert "ETag" not in filtering.exposed_record(everything, "include").headers


# Redirects


def target(
    location: str | None, status: int = 302, mode: RequestRedirect = "follow", current: str = THERE
) -> str | None:
    headers = H([] if location is None else [("Location", location)])
    return redirects.redirect_target(request(redirect=mode), Response(status, headers=headers), current)


def test_where_a_redirect_leads() -> None:
    assert target("b") == "https://cdn.example/b"
    assert target("//else.example/") == "https://else.example/"
    assert target("b", current=THERE + "#f") == "https://cdn.example/b#f"
    assert target("b#g", current=THERE + "#f") == "https://cdn.example/b#g"
    assert target("b#", current=THERE + "#f") == "https://cdn.example/b#"
    assert target(None) is None
    assert target("b", 200) is None
    assert target("b", 304) is None
    assert target("b", mode="manual") is None
    assert target("b", 200, mode="error") is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_statuses(status: int) -> None:
    assert target("b", status) == "https://cdn.example/b"


def test_redirects_that_fail() -> None:
    for location, mode, words in (
        ("b", "error", "the redirect mode is 'error'"),
        ("http://[", "follow", "redirects to nowhere: 'http://\\["),
        ("data:,x", "follow", "data:,x, which is not http or https"),
    ):
        with pytest.raises(NetworkFailure, match=words) as raised:
            target(location, mode=mode)  # type: ignore[arg-type]
        assert raised.value.cause == "redirect"
    twice = Response(302, headers=H([("Location", "a"), ("Location", "a")]))
    with pytest.raises(NetworkFailure, match="redirects to 2 places at once") as several:
        redirects.redirect_target(request(), twice, THERE)
    assert several.value.cause == "redirect"


@given(st.text())
def test_any_location_leads_somewhere_or_fails(location: str) -> None:
    try:
        url = target(location)
    except NetworkFailure as failure:
        assert failure.cause == "redirect"  # noqa: PT017
    else:
        assert url is not None
        assert url.startswith("http")


BODY_HEADERS = H(
    [("Content-Type", "a/b"), ("content-language", "de"), ("X-Own", "1"), ("Authorization", "x")]
)


def after(
    asked: Request,
    status: int,
    url: str = THERE,
    count: int = 0,
    tainting: cors.Tainting = "cors",
    **headers: str,
) -> Request:
    answer = Response(status, headers=H([(name.replace("_", "-"), value) for name, value in headers.items()]))
    return redirects.after_redirect(asked, answer, url, count=count, tainting=tainting)


def test_a_cookie_that_was_brought_stays_at_its_origin() -> None:
    asked = request(HERE, cookie="a=b")
    assert after(asked, 302, HERE + "/other").cookie == "a=b"
    assert after(asked, 302, THERE).cookie is None


@pytest.mark.parametrize(
    ("method", "status", "becomes"),
    [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("PUT", 303, "GET"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
        ("PUT", 301, "PUT"),
        ("PUT", 302, "PUT"),
        ("HEAD", 303, "HEAD"),
        ("GET", 303, "GET"),
    ],
)
def test_methods_after_a_redirect(method: str, status: int, becomes: str) -> None:
    changed = method != becomes
    body = None if method in ("GET", "HEAD") else b"x"
    followed = after(request(method=method, body=body, headers=BODY_HEADERS), status)
    assert followed.method == becomes
    assert followed.body == (None if changed else body)
    assert ("Content-Type" in followed.headers) != changed
    assert ("Content-Language" in followed.headers) != changed
    assert "X-Own" in followed.headers
    assert followed.url == THERE


def test_authorization_stays_with_its_origin() -> None:
    assert "Authorization" in after(request(headers=BODY_HEADERS), 302, THERE + "/b").headers
    assert "Authorization" not in after(request(headers=BODY_HEADERS), 302, ELSEWHERE).headers


def test_there_are_at_most_twenty() -> None:
    assert after(request(), 302, count=19)
    with pytest.raises(NetworkFailure, match="more than 20 redirects") as raised:
        after(request(), 302, count=20)
    assert raised.value.cause == "redirect"


def test_credentials_in_a_location() -> None:
    here, there = "https://u:p@site.example/", "https://u:p@cdn.example/"
    assert after(request(HERE), 302, here, tainting="basic").url == here
    assert after(request(HERE, mode="navigate"), 302, there, tainting="basic").url == there
    for url, tainting in ((there, "basic"), (here, "cors")):
        with pytest.raises(NetworkFailure, match="redirects to a URL with credentials") as raised:
            after(request(HERE), 302, url, tainting=tainting)  # type: ignore[arg-type]
        assert raised.value.cause == "cors"


def test_the_referrer_policy_may_change_on_the_way() -> None:
    asked = request(referrer_policy="origin")
    assert after(asked, 302).referrer_policy == "origin"
    assert (
        after(asked, 302, Referrer_Policy="no-referrer, Unsafe-URL, future").referrer_policy == "unsafe-url"
    )
    assert after(asked, 302, Referrer_Policy=" , future").referrer_policy == "origin"
    assert after(asked, 302, Referrer_Policy="\tno-referrer ").referrer_policy == "no-referrer"
    # Only HTTP's white space is cut off.
    assert after(asked, 302, Referrer_Policy="\u00a0no-referrer").referrer_policy == "origin"
    assert after(asked, 302, Referrer_Policy="Xno-referrer").referrer_policy == "origin"
    assert redirects.parse_referrer_policy(HeaderList()) == ""
