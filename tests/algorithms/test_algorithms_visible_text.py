"""Control characters are shown, everything else is left as it is."""

from __future__ import annotations

import sys
from unicodedata import category

import pytest
from hypothesis import example, given, strategies as st

from swruntime.algorithms.visible_text import visible, visible_lines

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
ANY = st.text(
    st.characters(codec=None) | st.sampled_from("\x1b[]\x07\r\n\t\x7f\x85\x9b\u200d\u2028\ufeff" + BIDI)
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("plain, ünïcode, 日本, 🎧, a\u00a0b", "plain, ünïcode, 日本, 🎧, a\u00a0b"),
        (r"back\slash \x1b", r"back\slash \x1b"),
        ("[red]x[/red] [link=http://a/]y[/]", "[red]x[/red] [link=http://a/]y[/]"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\x9b31m\x90\x9d", r"\x9b31m\x90\x9d"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("\x00\x08\x0b\x0c\x7f\x80\x85\xad", r"\x00\x08\x0b\x0c\x7f\x80\x85\xad"),
        ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
        ("\u200b\u2060\ufeff", r"\u200b\u2060\ufeff"),
        ("\ud800x\udfff", r"\ud800x\udfff"),
        ("\U000e0041\U0001f3a7", "\\U000e0041\U0001f3a7"),
        (BIDI, r"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"),
        ("می\u200cخواهم 👩\u200d💻", "می\u200cخواهم 👩\u200d💻"),
        ("a\u200db\u200c", r"a\u200db\u200c"),
        ("\u200dx", r"\u200dx"),
        ("\x85\u200d\u202e\u200c", r"\x85\u200d\u202e\u200c"),
        ("👩\u200d\u200d", "👩\u200d\u200d"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_every_control_there_is() -> None:
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        hidden = category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        escape = visible(char)
        assert (escape != char) == hidden, hex(code)
        if hidden:
            assert escape.isascii()
            assert escape.isprintable()
            assert escape.encode().decode("unicode_escape") == char


def test_what_may_stay() -> None:
    assert visible("a\n\r\tb\x1b", keep="\n") == "a\n\\r\\tb\\x1b"
    assert visible("a\n\r\tb\x1b", keep="\n\t") == "a\n\\r\tb\\x1b"
    assert visible("\x1b\u202e", keep="\x1b") == "\x1b\\u202e"


@given(ANY)
@example("\x1b" * 10_000)
def test_it_has_one_line_that_any_encoding_of_unicode_takes(text: str) -> None:
    shown = visible(text)
    assert len(shown.splitlines()) <= 1
    assert not any(category(c) in ("Cc", "Cs", "Zl", "Zp") for c in shown)
    assert not any(c in shown for c in BIDI)
    shown.encode()
    assert visible(shown) == shown


@given(ANY)
def test_what_is_printable_is_left(text: str) -> None:
    assert "".join(c for c in text if c.isprintable()) == visible("".join(c for c in text if c.isprintable()))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one", "one"),
        ("one\ntwo\n", "one\n    two\n    "),
        ("one\r\n\x1b[2Atwo", "one\\r\n    \\x1b[2Atwo"),
        ("a\tb\n\tc", "a       b\n            c"),
        ("a\u2028b\x85c\x0bd\x0ce", r"a\u2028b\x85c\x0bd\x0ce"),
        ("", ""),
    ],
)
def test_lines(text: str, shown: str) -> None:
    assert visible_lines(text, "    ") == shown


@given(ANY, st.sampled_from(["  ", " " * 10]))
def test_no_line_but_the_first_begins_where_the_runtimes_do(text: str, indent: str) -> None:
    first, *others = visible_lines(text, indent).split("\n")
    assert len(others) == text.count("\n")
    assert all(line.startswith(indent) for line in others)
    assert all(len(line.splitlines()) <= 1 for line in (first, *others))
