"""SITE's `_headers`: what is in it, what matches, and what is wrong with it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from swruntime.algorithms.site_headers import SiteHeaders, parse_site_headers
from swruntime.concepts.http import HeaderList
from swruntime.errors import SiteError

FILE = """
# The worker may control everything.
/app/*
  Service-Worker-Allowed: /
\tX-A: one: two
/app/:name/end
  X-A: three
  x-b: b

/app/deep/end
  ! X-B
/caf%C3%A9.html
  X-C: é
"""


def parsed(text: str) -> SiteHeaders:
    return parse_site_headers(text.encode(), "_headers")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", []),
        ("/app", []),
        ("/app/", [("Service-Worker-Allowed", "/"), ("X-A", "one: two")]),
        ("/app/a/b/c", [("Service-Worker-Allowed", "/"), ("X-A", "one: two")]),
        (
            "/app/x/end",
            [("Service-Worker-Allowed", "/"), ("X-A", "one: two"), ("X-A", "three"), ("x-b", "b")],
        ),
        ("/app/deep/end", [("Service-Worker-Allowed", "/"), ("X-A", "one: two"), ("X-A", "three")]),
        ("/app/x/y/end", [("Service-Worker-Allowed", "/"), ("X-A", "one: two")]),
        ("/caf%c3%a9.html", [("X-C", "é")]),
        ("/café.html", [("X-C", "é")]),
    ],
)
def test_what_matches(path: str, headers: list[tuple[str, str]]) -> None:
    assert list(parsed(FILE).apply(path)) == headers


def test_a_header_takes_the_place_of_the_servers_own() -> None:
    own = HeaderList((("Content-Type", "a/b"), ("X-Own", "1"), ("Vary", "Accept")))
    headers = parsed("/*\n  content-type: c/d\n  ! x-own\n  X-New: 2\n")
    assert list(headers.apply("/", own)) == [("Vary", "Accept"), ("content-type", "c/d"), ("X-New", "2")]
    assert SiteHeaders().apply("/", own) == own


def test_a_space_after_the_mark_of_removal_need_not_be_there() -> None:
    assert list(parsed("/*\n  !X-Own\n").apply("/", HeaderList((("X-Own", "1"),)))) == []


def test_wildcards_stand_for_any_character_and_there_may_be_several_names() -> None:
    assert "X" in parsed("/a/*\n  X: 1\n").apply("/a/%0Ab")
    names = parsed("/:one/b/:two\n  X: 1\n")
    assert "X" in names.apply("/a/b/c")
    assert "X" not in names.apply("/x/c/c")
    assert "X" not in names.apply("/b/c")


@pytest.mark.parametrize("text", ["", "\n\n", "# only\n  # comments", "\ufeff"])
def test_nothing_said(text: str) -> None:
    assert parsed(text) == SiteHeaders()


def test_lines_of_windows_and_a_byte_order_mark() -> None:
    assert list(parsed("\ufeff/a\r\n  X: 1\r\n").apply("/a")) == [("X", "1")]


def test_space_after_a_path_is_none_of_it() -> None:
    assert list(parsed("/a \t\n  X: 1\n").apply("/a")) == [("X", "1")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("  X: 1", "_headers:1: 'X: 1' comes before any path"),
        ("# c\nX: 1", "_headers:2: 'X: 1' is not a path"),
        ("https://a.example/*\n  X: 1", "_headers:1: 'https://a.example/*' is not a path"),
        ("\r/a\n  X: 1", r"_headers:1: '\r/a' is not a path"),
        ("/a b\n  X: 1", "_headers:1: '/a b' is not a path"),
        ("/*/a/*\n  X: 1", "_headers:1: '/*/a/*' has more than one *"),
        ("/a\n\n/b\n  X: 1", "_headers:1: the path has no headers"),
        ("/a\n  X: 1\n/b", "_headers:3: the path has no headers"),
        ("/a\n  X", "_headers:2: 'X' is not a header; expected 'Name: value'"),
        ("/a\n  X:", "_headers:2: 'X:' is not a header"),
        ("/a\n  : 1", "_headers:2: ': 1' is not a header"),
        ("/a\n  X Y: 1", "_headers:2: 'X Y: 1' is not a header"),
        ("/a\n  !", "_headers:2: '!' is not a header"),
        ("/a\n  ! X: 1", "_headers:2: '! X: 1' is not a header"),
        ("/a\n  X: ā", "_headers:2: the value of X is 'ā'"),
        ("/a\n  X: a\0", "_headers:2: the value of X is"),
        ("/a\n  Content-Length: 5", "_headers:2: Content-Length is for the server to say"),
        ("/a\n  ! ETag", "_headers:2: ETag is for the server to say"),
    ],
)
def test_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(SiteError, match=re.escape(message)):
        parsed(text)


def test_what_is_not_utf_8() -> None:
    with pytest.raises(SiteError, match="_headers:2: the line is not UTF-8"):
        parse_site_headers(b"/a\n  X: \xff\n", "_headers")


SEGMENTS = st.text("abcé%:*.~ _-", min_size=1)
NAMES = st.sampled_from(["X-A", "x-a", "X-B", "Content-Security-Policy", "Vary"])
VALUES = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f\x85\xa0"), min_size=1
)


@given(st.lists(st.tuples(NAMES, VALUES), min_size=1), st.lists(st.text("abc/.", min_size=1)))
def test_every_header_written_is_sent(pairs: list[tuple[str, str]], paths: list[str]) -> None:
    text = "/*\n" + "".join(f"\t{name}:{value}\n" for name, value in pairs)
    headers = parsed(text)
    for path in ["/", *("/" + path for path in paths)]:
        sent = headers.apply(path)
        assert [(name.lower(), value) for name, value in sent] == [(n.lower(), v) for n, v in pairs]


@given(
    st.lists(SEGMENTS.filter(lambda s: "*" not in s and not s.startswith(":") and " " not in s), min_size=1)
)
def test_a_path_without_wildcards_matches_itself_and_nothing_longer(segments: list[str]) -> None:
    path = "/" + "/".join(segments)
    headers = parsed(f"{path}\n  X: 1\n")
    assert "X" in headers.apply(path)
    assert "X" not in headers.apply(path + "x")
    assert "X" not in headers.apply("/x" + path)


@given(st.binary() | st.text("/*:a!# \n\tX1\r").map(str.encode))
def test_any_bytes_are_rules_or_an_error_that_names_a_line(data: bytes) -> None:
    try:
        headers = parse_site_headers(data, "_headers")
    except SiteError as error:
        names_a_line = re.match(r"_headers:[0-9]+: ", str(error)) is not None
    else:
        names_a_line = True
        headers.apply("/a")
    assert names_a_line
