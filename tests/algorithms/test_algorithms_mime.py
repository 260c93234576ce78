"""MIME types: parsed, written, and taken from headers."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from swruntime.algorithms import headers as h, mime
from swruntime.concepts.http import HeaderList

TOKENS = st.text("abcXYZ0-+.!", min_size=1)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.just("ä") | st.just("\t"))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Text/HTML", "text/html"),
        (" text/html ; charset=utf-8", "text/html;charset=utf-8"),
        ("text/html;charset=a;charset=b", "text/html;charset=a"),
        ('a/b; x="1;2\\"3" junk; y=4', 'a/b;x="1;2\\"3";y=4'),
        ('a/b;x="open', "a/b;x=open"),
        ('a/b;x="open\\', 'a/b;x="open\\\\"'),
        ("a/b;x;y=;z=1;ä=2;;w=ā", "a/b;z=1"),
        ('a/b;x=""', 'a/b;x=""'),
        ("a/b;X=Y", "a/b;x=Y"),
        ("a/b;x=1=2", 'a/b;x="1=2"'),
        ("\x0ba/b", None),
        ("a/b\x0b", None),
        ("a/b;x;y=1;z=2", "a/b;y=1;z=2"),
        ("a/b;x", "a/b"),
        ("a/b;=1;z=2", "a/b;z=2"),
        ("a/b;x=1 \t;y= 2", 'a/b;x=1;y=" 2"'),
        ("a/b;;y=1", "a/b;y=1"),
        # HTTP's white space only.
        ("a/b;\x0bx=1;y=2", "a/b;y=2"),
        ("a/b;x=1\x0b;y=2", "a/b;y=2"),
        ("a/b;x=1\xa0;y=2", 'a/b;x="1\xa0";y=2'),
        ('a/b;x="1"', "a/b;x=1"),
        ("text", None),
        ("/html", None),
        ("text/", None),
        ("te xt/html", None),
        ("text/html x", None),
        ("", None),
    ],
)
def test_parse(text: str, written: str | None) -> None:
    parsed = mime.parse(text)
    assert (None if parsed is None else str(parsed)) == written


@given(TOKENS, TOKENS, st.dictionaries(TOKENS.map(str.lower), VALUES))
def test_what_is_written_reads_the_same(type_: str, subtype: str, parameters: dict[str, str]) -> None:
    made = mime.MimeType(f"{type_}/{subtype}".lower(), parameters)
    assert mime.parse(str(made)) == made


@given(st.text('a/;="\\ \t1ä'))
def test_any_text_parses_or_not_and_then_stays(text: str) -> None:
    parsed = mime.parse(text)
    assert parsed is None or mime.parse(str(parsed)) == parsed


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ((), None),
        (("a/b",), "a/b"),
        (("nonsense",), None),
        (("a/b, c/d",), "c/d"),
        (("a/b;charset=x", "*/*", "nonsense"), "a/b;charset=x"),
        (("nonsense", "a/b"), "a/b"),
        (("*/*, a/b",), "a/b"),
        (("a/b;charset=x", "A/B;y=1"), "a/b;y=1;charset=x"),
        (("a/b;charset=x", "a/b;charset=y"), "a/b;charset=y"),
        (("a/b;charset=x", "c/d", "a/b"), "a/b"),
    ],
)
def test_the_type_that_headers_say(values: tuple[str, ...], written: str | None) -> None:
    found = h.mime_type(HeaderList.of(("Content-Type", value) for value in values))
    assert (None if found is None else str(found)) == written
