"""Content Security Policy: connect-src."""

from __future__ import annotations

import pytest
from hypothesis import example, given, strategies as st

from swruntime.algorithms import csp

SELF = "https://site.example"


def allows(policy: str, url: str, self_origin: str = SELF, redirected: bool = False) -> bool:
    return csp.request_allowed((policy,), url, self_origin, redirected) is None


def test_policies_are_parsed() -> None:
    policies = csp.parse_policies(
        "Connect-SRC 'self' a.example ; ; default-src\t*;connect-src *, ,img-src x; é y"
    )
    assert policies == (
        (csp.Directive("connect-src", ("'self'", "a.example")), csp.Directive("default-src", ("*",))),
        (csp.Directive("img-src", ("x",)),),
    )


def test_the_directive_that_decides() -> None:
    url = "https://cdn.example/"
    assert csp.request_allowed((), url, SELF, False) is None
    assert allows("", url)
    assert allows("img-src 'none'", url)
    assert not allows("default-src 'self'", url)
    assert allows("default-src 'none'; connect-src cdn.example", url)
    assert not allows("connect-src 'none'; default-src *", url)
    # Every policy must allow it, whether it came in a header of its own or not.
    assert not allows("connect-src *, connect-src 'self'", url)
    assert csp.request_allowed(("connect-src *", "connect-src 'self'"), url, SELF, False) == (
        "the Content-Security-Policy directive \"connect-src 'self'\" does not allow https://cdn.example/"
    )


MATCHES = [
    ("*", "https://h.example:8/x"),
    ("*", "http://h.example/"),
    ("https:", "https://h.example/"),
    ("HTTP:", "https://h.example/"),
    ("ws:", "https://h.example/"),
    ("wss:", "https://h.example/"),
    ("data:", "data:,x"),
    ("h.example", "https://h.example/x"),
    ("H.Example", "https://h.example/"),
    ("https://h.example", "https://h.example/x?q"),
    ("http://h.example", "https://h.example/"),
    ("https://*", "https://h.example/"),
    ("*.example", "https://a.h.example/"),
    ("h.example:*", "https://h.example:8/"),
    ("h.example:443", "https://h.example/"),
    ("h.example:0443", "https://h.example/"),
    ("h.example:8443", "https://h.example:8443/"),
    ("127.0.0.1:*", "https://127.0.0.1:8/"),
    ("h.example/", "https://h.example/any/thing"),
    ("h.example/a/", "https://h.example/a/"),
    ("h.example/a/", "https://h.example/a/b/c"),
    ("h.example/a", "https://h.example/a?q"),
    ("h.example/%61b", "https://h.example/ab"),
    ("h.example:008443", "https://h.example:8443/"),
    ("'self'", "https://site.example/x"),
    ("'SELF'", "https://site.example/x"),
    ("'none' h.example", "https://h.example/"),
]
MISSES = [
    ("'none'", "https://h.example/"),
    ("", "https://h.example/"),
    ("*", "data:,x"),
    ("https:", "http://h.example/"),
    ("wss:", "http://h.example/"),
    ("data:", "https://h.example/"),
    ("h.example", "http://h.example/"),
    ("h.example", "https://a.h.example/"),
    ("*.h.example", "https://h.example/"),
    ("*.h.example", "https://ah.example/"),
    ("https://h.example", "http://h.example/"),
    ("h.example", "https://h.example:8/"),
    ("h.example:8", "https://h.example/"),
    ("h.example:" + "9" * 5000, "https://h.example/"),
    ("10.0.0.1", "https://10.0.0.1/"),
    ("*:*", "data:,x"),
    ("h.example/a", "https://h.example/a/"),
    ("h.example/a", "https://h.example/a/b"),
    ("h.example/a/", "https://h.example/a"),
    ("h.example/a/b/", "https://h.example/a/"),
    ("h.example/a/b", "https://h.example/x/b"),
    ("h.example/a?q", "https://h.example/a?q"),
    ("'self'", "https://www.site.example/"),
    ("'unsafe-inline'", "https://h.example/"),
    ("'nonce-x'", "https://h.example/"),
    ("https://", "https://h.example/"),
]


@pytest.mark.parametrize(("source", "url"), MATCHES)
def test_sources_that_match(source: str, url: str) -> None:
    assert allows(f"connect-src {source}", url)


@pytest.mark.parametrize(("source", "url"), MISSES)
def test_sources_that_do_not(source: str, url: str) -> None:
    assert not allows(f"connect-src {source}", url)


def test_paths_do_not_count_after_a_redirect() -> None:
    assert not allows("connect-src h.example/a", "https://h.example/b")
    assert allows("connect-src h.example/a", "https://h.example/b", redirected=True)
    assert not allows("connect-src h.example/a", "https://g.example/b", redirected=True)


@pytest.mark.parametrize(
    ("origin", "url", "same"),
    [
        ("http://h.example", "https://h.example/", True),
        ("http://h.example", "wss://h.example/", True),
        ("http://h.example", "ws://h.example/", True),
        ("http://h.example:8", "https://h.example:8/", True),
        ("http://h.example:8", "https://h.example/", False),
        ("http://h.example", "https://h.example:8/", False),
        ("https://h.example", "http://h.example/", False),
        ("https://h.example", "ws://h.example/", False),
        ("https://h.example", "wss://h.example/", True),
        ("null", "https://h.example/", False),
    ],
)
def test_self(origin: str, url: str, same: bool) -> None:
    assert allows("connect-src 'self'", url, origin) is same


def test_a_host_without_a_scheme_has_the_pages() -> None:
    assert allows("connect-src h.example", "http://h.example/", "http://site.example")
    assert allows("connect-src h.example", "https://h.example/", "http://site.example")
    assert not allows("connect-src h.example", "https://h.example/", "null")
    assert allows("connect-src *", "https://h.example/", "null")


@given(
    st.text() | st.text("a'*:/.;, 0%-s"),
    st.sampled_from(["https://h.example:8/a/b", "data:,x", "http://[::1]/"]),
)
@example("connect-src a.example:" + "0" * 5000, "https://a.example/")
@example("connect-src " + "a" * 5000 + "." * 5000, "https://a.example/")
def test_any_policy_decides(policy: str, url: str) -> None:
    for redirected in (False, True):
        words = csp.request_allowed((policy, "connect-src " + policy), url, SELF, redirected)
        assert words is None or "connect-src" in words or "default-src" in words


@pytest.mark.parametrize(
    ("policy", "script", "worker"),
    [
        ("connect-src 'none'", True, True),
        ("img-src 'none'", True, True),
        ("default-src 'none'", False, False),
        ("default-src *", True, True),
        ("script-src 'none'; default-src *", False, False),
        ("script-src *; default-src 'none'", True, True),
        ("script-src-elem 'none'; script-src *", False, True),
        ("script-src-elem *; script-src 'none'", True, False),
        ("child-src *; script-src 'none'", False, True),
        ("child-src 'none'; script-src *", True, False),
        ("worker-src 'none'; child-src *; script-src *", True, False),
        ("worker-src *; child-src 'none'; default-src 'none'", False, True),
        ("script-src 'strict-dynamic' 'nonce-x'", True, True),
        ("script-src-elem 'Strict-Dynamic'; script-src 'none'", True, False),
        ("default-src 'strict-dynamic'", True, False),
        ("worker-src 'strict-dynamic'; script-src 'none'", False, False),
        ("child-src 'strict-dynamic'", True, False),
    ],
)
def test_which_directive_decides_about_scripts(policy: str, script: bool, worker: bool) -> None:
    url = "https://cdn.example/a.js"
    for destination, expected in (("script", script), ("serviceworker", worker)):
        words = csp.request_allowed((policy,), url, SELF, False, destination)
        assert (words is None) is expected
    # All else is a connection, for which no script is trusted.
    assert csp.request_allowed(("default-src 'strict-dynamic'",), url, SELF, False) is not None
    assert csp.request_allowed(("script-src 'none'",), url, SELF, False, "image") is None


def test_every_policy_has_its_say_about_scripts() -> None:
    policies = ("script-src 'strict-dynamic'", "script-src 'self'")
    assert csp.request_allowed(policies, "https://cdn.example/a.js", SELF, False, "script") == (
        "the Content-Security-Policy directive \"script-src 'self'\" does not allow https://cdn.example/a.js"
    )
