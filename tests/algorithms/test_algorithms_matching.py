"""Which stored request answers a query, and which registration a URL belongs to."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from swruntime.algorithms import scopes
from swruntime.algorithms.matching import matches_cache_entry, matches_record, vary_names
from swruntime.concepts.http import HeaderList, Request, Response
from swruntime.concepts.matching import CacheQueryOptions
from swruntime.errors import SecurityError

H = HeaderList.of
URL = "https://h.example/a?q=1#f"
EXACT = CacheQueryOptions()
IGNORE_METHOD = CacheQueryOptions(ignore_method=True)


def test_methods_are_compared() -> None:
    get, put = Request(URL), Request(URL, method="PUT")
    assert matches_record(get, get, None, EXACT)
    assert matches_record(put, put, None, EXACT)
    assert not matches_record(put, get, None, EXACT)
    assert not matches_record(get, put, None, EXACT)
    assert matches_record(get, put, None, IGNORE_METHOD)


def test_a_cache_knows_get_alone() -> None:
    get, put = Request(URL), Request(URL, method="PUT")
    assert matches_cache_entry(get, get, None, EXACT)
    assert not matches_cache_entry(put, put, None, EXACT)
    assert not matches_cache_entry(put, get, None, EXACT)
    assert not matches_cache_entry(get, put, None, EXACT)
    assert matches_cache_entry(put, get, None, IGNORE_METHOD)


@pytest.mark.parametrize("match", [matches_record, matches_cache_entry])
def test_urls(match: object) -> None:
    assert callable(match)
    ignore_search = CacheQueryOptions(ignore_search=True)
    stored = Request(URL)
    assert match(Request("https://h.example/a?q=1#other"), stored, None, EXACT)
    assert not match(Request("https://h.example/a?q=2"), stored, None, EXACT)
    assert not match(Request("https://h.example/a"), stored, None, EXACT)
    assert match(Request("https://h.example/a"), stored, None, ignore_search)
    assert not match(Request("https://h.example/b?q=1"), stored, None, ignore_search)


@pytest.mark.parametrize("match", [matches_record, matches_cache_entry])
@pytest.mark.parametrize(
    ("vary", "query", "expected"),
    [
        ([], [], True),
        ([""], [], True),
        (["Accept-Language"], [("accept-language", "de"), ("Accept-Language", "en")], True),
        (["Accept-Language"], [("Accept-Language", "de, en")], True),
        (["Accept-Language"], [("Accept-Language", "de")], False),
        (["Accept-Language"], [], False),
        (["x-own"], [("Accept-Language", "fr")], True),
        (["x-own, ACCEPT-language"], [("Accept-Language", "fr")], False),
        (["x-own", "accept-language"], [("Accept-Language", "fr")], False),
        (["x-own"], [("X-Own", "1")], False),
        (["X"], [("X", "1")], False),
        (["*"], [("Accept-Language", "de, en")], False),
        (["x-own, *"], [("Accept-Language", "de, en")], False),
        (["x-own ,\taccept-language\t"], [("Accept-Language", "fr")], False),
        # Only HTTP's white space is cut off: the name is another one.
        (["\u00a0accept-language"], [("Accept-Language", "fr")], True),
    ],
)
def test_vary(match: object, vary: list[str], query: list[tuple[str, str]], expected: bool) -> None:
    assert callable(match)
    stored = Request(URL, headers=H([("Accept-Language", "de"), ("Accept-Language", "en")]))
    response = Response(headers=H([("Vary", value) for value in vary]))
    asked = Request(URL, headers=H(query))
    assert match(asked, stored, response, EXACT) is expected
    assert match(asked, stored, response, CacheQueryOptions(ignore_vary=True))
    assert match(asked, stored, None, EXACT)


def test_names_that_a_response_varies_with() -> None:
    assert vary_names(Response()) == []
    response = Response(headers=H([("vary", "Accept ,\tX-A"), ("X", "no"), ("Vary", "*,\u00a0b")]))
    assert vary_names(response) == ["accept", "x-a", "*", "\u00a0b"]


def test_the_longest_scope_matches() -> None:
    all_scopes = ["https://h/", "https://h/app/", "https://h/app/deep/", "https://other/app/deep/er"]
    assert scopes.match_scope(all_scopes, "https://h/app/deep/er") == "https://h/app/deep/"
    assert scopes.match_scope(all_scopes, "https://h/apple") == "https://h/"
    assert scopes.match_scope(["https://h/app"], "https://h/apple") == "https://h/app"
    assert scopes.match_scope(all_scopes, "http://h/") is None
    assert scopes.match_scope([], "https://h/") is None
    assert scopes.match_scope(["https://h/b", "https://h/"], "https://h/a") == "https://h/"


@given(st.lists(st.text("ab/", max_size=4)), st.text("ab/", max_size=6))
def test_no_scope_that_matches_is_longer(paths: list[str], path: str) -> None:
    found = scopes.match_scope(paths, path)
    matching = [scope for scope in paths if path.startswith(scope)]
    assert (found is None) == (not matching)
    assert all(found is not None and len(scope) <= len(found) for scope in matching)


BASE = "https://site.example/app/page#f"
ORIGIN = "https://site.example"


def check(
    script: str, scope: str | None = None, *, base: str = BASE, origin: str = ORIGIN
) -> tuple[str, str]:
    return scopes.check_registration(script, scope, base_url=base, client_origin=origin)


def test_registrations_are_resolved() -> None:
    assert check("worker.py#x") == ("https://site.example/app/worker.py", "https://site.example/app/")
    assert check("/js/sw.js?v=1", "../b#x") == (
        "https://site.example/js/sw.js?v=1",
        "https://site.example/b",
    )
    assert check("/w.js", base="http://localhost:8400/", origin="http://localhost:8400")[1] == (
        "http://localhost:8400/"
    )


@pytest.mark.parametrize(
    ("script", "scope", "message"),
    [
        ("http://[", None, "'http://\\[' does not parse as a URL"),
        ("w.js", "http://[", "'http://\\[' does not parse as a URL"),
        (
            "data:text/javascript,",
            None,
            r"^the script URL 'data:text/javascript,' is .*; expected http or https$",
        ),
        ("w.js", "ftp://h/", r"^the scope 'ftp://h/' is ftp://h/; expected http or https$"),
        ("a%2Fw.js", None, "^the script URL 'a%2Fw.js' has %2f in its path"),
        ("w.js", "./a%5cb", "^the scope './a%5cb' has %5c in its path"),
        ("data:text/javascript,", "/", "^the script URL 'data:text/javascript,' is "),
    ],
)
def test_registrations_that_are_type_errors(script: str, scope: str | None, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        check(script, scope)


def test_an_escaped_slash_in_the_query_is_harmless() -> None:
    assert check("w.js?%2f", "./?%5c")[1] == "https://site.example/app/?%5c"


def test_registrations_that_are_security_errors() -> None:
    with pytest.raises(
        SecurityError, match=r"^a service worker needs a secure origin, and http://site\.example"
    ):
        check("w.js", base="http://site.example/", origin="http://site.example")
    with pytest.raises(
        SecurityError, match=r"^the script URL https://cdn\.example/w\.js is not of the page's"
    ):
        check("https://cdn.example/w.js", "/")
    with pytest.raises(SecurityError, match=r"^the scope https://cdn\.example/ is not of the page's origin"):
        check("w.js", "https://cdn.example/")


SCRIPT = "https://site.example/app/sw.js"


def test_the_maximum_scope_is_the_scripts_folder() -> None:
    scopes.check_max_scope(SCRIPT, "https://site.example/app/", None)
    scopes.check_max_scope(SCRIPT, "https://site.example/app/deep?q", None)
    for outside in ("https://site.example/", "https://site.example/app", "https://site.example/apple/"):
        with pytest.raises(SecurityError, match=r"is not below /app/.*'Service-Worker-Allowed: /"):
            scopes.check_max_scope(SCRIPT, outside, None)


def test_the_server_may_allow_another_scope() -> None:
    scopes.check_max_scope(SCRIPT, "https://site.example/", "/")
    scopes.check_max_scope(SCRIPT, "https://site.example/app/deep/x", "deep/")
    scopes.check_max_scope(SCRIPT, "https://site.example/app", "https://site.example/ap")
    with pytest.raises(SecurityError, match="is not below /app/deep/"):
        scopes.check_max_scope(SCRIPT, "https://site.example/app/", "deep/")
    with pytest.raises(SecurityError, match=r"'https://cdn\.example/', of another origin"):
        scopes.check_max_scope(SCRIPT, "https://site.example/app/", "https://cdn.example/")
    with pytest.raises(TypeError, match="does not parse"):
        scopes.check_max_scope(SCRIPT, "https://site.example/app/", "http://[")


@given(st.text(), st.none() | st.text())
def test_registering_raises_nothing_else(script: str, scope: str | None) -> None:
    try:
        script_url, scope_url = check(script, scope)
    except (TypeError, SecurityError):
        return
    assert script_url.startswith(ORIGIN + "/")
    assert scope_url.startswith(ORIGIN + "/")
