"""Forms as bytes, in both codings, and back."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, strategies as st

from swruntime.algorithms import forms
from swruntime.algorithms.forms import FilePart

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
PAIRS = st.lists(st.tuples(TEXTS, TEXTS))
# "%22" in a name cannot be told from an escaped quote: that is so in browsers as well.
NAMES = TEXTS.filter(lambda text: not re.search("%(0A|0D|22)", text))
TYPES = st.sampled_from(["text/plain", "image/png", "a/b;c=d"])
FILES = st.builds(FilePart, st.binary(), NAMES, TYPES)
ENTRIES = st.lists(st.tuples(NAMES, TEXTS | FILES))


def newlines(text: str) -> str:
    """As a form sends them."""
    return re.sub("\r\n|\r|\n", "\r\n", text)


def sent(entry: forms.Entry) -> forms.Entry:
    name, value = entry
    return newlines(name), newlines(value) if isinstance(value, str) else value


# application/x-www-form-urlencoded


@given(PAIRS)
def test_urlencoded_round_trip(pairs: list[tuple[str, str]]) -> None:
    text = forms.serialize_urlencoded(pairs)
    assert re.fullmatch("[0-9A-Za-z*._+%&=-]*", text)
    assert forms.parse_urlencoded(text.encode()) == pairs


@given(st.lists(st.tuples(TEXTS, TEXTS)))
def test_urlencoded_agrees_with_the_standard_library(pairs: list[tuple[str, str]]) -> None:
    assert forms.parse_urlencoded(urlencode(pairs).encode()) == pairs
    text = forms.serialize_urlencoded(pairs)
    assert parse_qsl(text, keep_blank_values=True) == pairs


@pytest.mark.parametrize(
    ("data", "pairs"),
    [
        (b"", []),
        (b"&&", []),
        (b"a", [("a", "")]),
        (b"=b", [("", "b")]),
        (b"a=b=c", [("a", "b=c")]),
        (b"a+b=%2B%zz%", [("a b", "+%zz%")]),
        (b"a=\xff&b=%F0%9F%98%80", [("a", "\ufffd"), ("b", "😀")]),
        (b"%EF%BB%BFa=1", [("\ufeffa", "1")]),
    ],
)
def test_urlencoded(data: bytes, pairs: list[tuple[str, str]]) -> None:
    assert forms.parse_urlencoded(data) == pairs


def test_what_urlencoding_leaves_as_it_is() -> None:
    assert forms.serialize_urlencoded([("a b", "*-._~é'")]) == "a+b=*-._%7E%C3%A9%27"


# multipart/form-data


@given(ENTRIES)
def test_multipart_round_trip(entries: list[forms.Entry]) -> None:
    boundary = forms.choose_boundary(entries)
    assert forms.choose_boundary(entries) == boundary
    data = forms.encode_multipart(entries, boundary)
    assert forms.parse_multipart(data, boundary) == [sent(entry) for entry in entries]


@given(
    st.binary()
    | st.lists(st.sampled_from([b"--x", b"\r\n", b"--", b"\n", b'name="', b"a", b":"])).map(b"".join)
)
def test_any_bytes_are_a_form_or_a_value_error(data: bytes) -> None:
    try:
        entries = forms.parse_multipart(data, "x")
    except ValueError:
        return
    again = forms.encode_multipart(entries, "x")
    assert len(forms.parse_multipart(again, "x")) == len(entries)


def test_a_boundary_is_the_forms_own() -> None:
    one, other = (forms.choose_boundary([("a", text)]) for text in "bc")
    assert re.fullmatch("----swruntimeFormBoundary[0-9a-f]{32}", one)
    assert one != other
    assert forms.choose_boundary([("a", "b")]) == one
    assert forms.choose_boundary([("ab", "")]) != one


def test_names_that_are_no_utf_8_are_read_as_far_as_they_go() -> None:
    data = b'--B\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n\xff\r\n--B--'
    assert forms.parse_multipart(data, "B") == [("\ufffd", "\ufffd")]


def test_multipart_as_browsers_write_it() -> None:
    entries: list[forms.Entry] = [('q"\n', "one\rtwo"), ("f", FilePart(b"\x00\r\n", 'a"\r.txt'))]
    assert forms.encode_multipart(entries, "B") == (
        b'--B\r\nContent-Disposition: form-data; name="q%22%0D%0A"\r\n\r\none\r\ntwo\r\n'
        b'--B\r\nContent-Disposition: form-data; name="f"; filename="a%22%0D.txt"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n\x00\r\n\r\n--B--\r\n"
    )
    assert forms.encode_multipart([], "B") == b"--B--\r\n"


@pytest.mark.parametrize(
    ("data", "entries"),
    [
        ("--B--", []),
        ('--B\r\ncontent-disposition:form-data; name="a"\r\n\r\n\r\n--B--\r\n', [("a", "")]),
        (
            '--B\r\nX-Other: 1\r\nContent-Disposition: form-data; name="a"; filename=""\r\n\r\nx\r\n--B--',
            [("a", FilePart(b"x", "", "text/plain"))],
        ),
        (
            '--B\r\nContent-Type: text/html \r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n'
            "--B\r\n--Bx\n--B\r\n--B--",
            None,
        ),
        (
            '--B\r\nContent-Type: é\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n--B\r\n--B--',
            [("a", FilePart(b"--B", "b", ""))],
        ),
        (
            '--B\r\nContent-Disposition:\t \t form-data; name="a"; filename="b"\r\n'
            "\t Content-Type \t: \t text/plain\x0b \t\r\n\r\n\r\n--B--",
            [("a", FilePart(b"", "b", "text/plain\x0b"))],
        ),
        (
            '--B\r\nContent-Type: X/xX\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n\r\n--B--',
            [("a", FilePart(b"", "b", "X/xX"))],
        ),
    ],
)
def test_multipart_of_others(data: str, entries: list[forms.Entry] | None) -> None:
    if entries is None:
        with pytest.raises(ValueError, match="expected"):
            forms.parse_multipart(data.encode(), "B")
    else:
        assert forms.parse_multipart(data.encode(), "B") == entries


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "there is 'its end'; expected the boundary"),
        ("preamble\r\n--B--", "expected the boundary"),
        ("--Bx", "at byte 3 there is b'x'; expected an end of line after the boundary"),
        ("preamble of more than 20 bytes", "at byte 0 there is b'preamble of more tha'; expected"),
        ("--B--epilogue", "end of line after the boundary"),
        ("--B--\r\n\r\n", "end of line after the boundary"),
        ("--B-\r\n", "end of line after the boundary"),
        ("--B\r\n--", "the name of a header"),
        ("--B\r\n\r\nx\r\n--B--", "a Content-Disposition before"),
        ("--B\r\nno colon\r\n", "the name of a header"),
        ("--B\r\nname\r\n", "a colon"),
        ("--B\r\nname\x0b: x\r\n", "the name of a header"),
        ("--B\r\nXnameX\r\n", "; expected a colon"),
        ('--B\r\nXContent-Disposition: form-data; name="a"\r\n\r\n', "a Content-Disposition before"),
        ('--B\r\n\x0bContent-Disposition: form-data; name="a"\r\n\r\n', "the name of a header"),
        ("--B\r\nContent-Disposition: form-data; name=a\r\n\r\n", "; expected form-data; name="),
        ('--B\r\nContent-Disposition: form-data; name="a\r\n\r\n', "; expected the quote that ends a name"),
        ('--B\r\nContent-Disposition: form-data; name="a"; x=y\r\n\r\n', "the end of a header"),
        ('--B\r\nContent-Disposition: form-data; name="a"\r\n\r\nx', "does not end"),
    ],
)
def test_what_is_no_form(data: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        forms.parse_multipart(data.encode(), "B")


class Counted(bytes):
    """Bytes that know how many of them were copied out of them."""

    copied = 0

    def __getitem__(self, key: object) -> object:  # type: ignore[override]
        found = super().__getitem__(key)  # type: ignore[call-overload]
        if isinstance(found, bytes):
            Counted.copied += len(found)
        return found


def test_each_byte_of_a_form_is_copied_once() -> None:
    part = '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\nvalue\r\n'
    data = Counted((part * 2_000 + "--B--").encode())
    assert len(forms.parse_multipart(data, "B")) == 2_000
    assert Counted.copied < len(data)
