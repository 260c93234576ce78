"""A script's arguments: conversions, methods, icons."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import get_args

import pytest
from hypothesis import example, given, strategies as st

from swruntime.algorithms import media, methods, webidl
from swruntime.concepts.background import ImageResource
from swruntime.concepts.enums import RequestCache

anything = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.lists(st.integers())
    | st.dictionaries(st.text(), st.text())
)


class Index:
    def __index__(self) -> int:
        return 7


@pytest.mark.parametrize(
    ("value", "number"),
    [(0, 0), (5.0, 5), (-0.0, 0), (2**53 - 1, 2**53 - 1), (float(2**53 - 1), 2**53 - 1), (Index(), 7)],
)
def test_enforced_range_takes_whole_numbers(value: object, number: int) -> None:
    assert webidl.enforce_unsigned_long_long("download_total", value) == number


@pytest.mark.parametrize(
    "value",
    [-1, 2**53, -1.0, 1.5, math.nan, math.inf, -math.inf, 1e300, True, "5", b"5", None, [5]],
)
def test_enforced_range_refuses_the_rest(value: object) -> None:
    with pytest.raises(
        TypeError, match=r"^download_total is .*; expected a whole number from 0 to 90071992547"
    ):
        webidl.enforce_unsigned_long_long("download_total", value)


@given(anything)
def test_enforced_range_raises_nothing_but_type_error(value: object) -> None:
    try:
        number = webidl.enforce_unsigned_long_long("n", value)
    except TypeError:
        return
    assert number == value
    assert 0 <= number <= webidl.MAX_SAFE_INTEGER


def test_strings() -> None:
    assert webidl.dom_string("id", "a\ud800") == "a\ud800"
    assert webidl.usv_string("url", "a\ud800") == "a\ufffd"
    assert webidl.byte_string("name", "\xff") == "\xff"
    with pytest.raises(TypeError, match="beyond"):
        webidl.byte_string("name", "\u0100")
    with pytest.raises(TypeError, match=r"^id is 5; expected a str$"):
        webidl.dom_string("id", 5)
    with pytest.raises(TypeError, match=r"^name is '€'; expected no character beyond U\+00FF$"):
        webidl.byte_string("name", "€")


def test_booleans() -> None:
    assert webidl.boolean("keepalive", False) is False
    with pytest.raises(TypeError, match=r"^keepalive is 1; expected True or False$"):
        webidl.boolean("keepalive", 1)


def test_enumerations_list_what_they_take() -> None:
    values: tuple[RequestCache, ...] = get_args(RequestCache)
    assert webidl.enumeration("cache", "reload", values) == "reload"
    with pytest.raises(TypeError, match=r"^cache is 'Reload'; expected one of 'default', 'no-store'"):
        webidl.enumeration("cache", "Reload", values)
    with pytest.raises(TypeError, match=r"^cache is 5; expected one of"):
        webidl.enumeration("cache", 5, values)


def test_sequences_and_dictionaries() -> None:
    assert webidl.sequence("urls", iter([1, 2])) == (1, 2)
    assert webidl.dictionary("options", MappingProxyType({"a": 1})) == {"a": 1}
    for value in ("ab", b"ab", {"a": 1}, 5, None):
        with pytest.raises(TypeError, match=r"^urls is .*; expected a list$"):
            webidl.sequence("urls", value)
    with pytest.raises(TypeError, match=r"^options is \[\]; expected a dict$"):
        webidl.dictionary("options", [])


def test_long_values_are_cut_in_messages() -> None:
    assert webidl.shown("x" * 78) == repr("x" * 78)
    assert webidl.shown("x" * 79) == "'" + "x" * 76 + "..."


@pytest.mark.parametrize(
    ("given_", "normalized"),
    [("get", "GET"), ("Post", "POST"), ("dElete", "DELETE"), ("options", "OPTIONS"), ("patch", "patch")],
)
def test_methods_are_normalized(given_: str, normalized: str) -> None:
    assert methods.checked(given_) == normalized


@pytest.mark.parametrize("method", ["", "G T", "GET\n", "caf\xe9", "a/b"])
def test_what_is_no_method(method: str) -> None:
    with pytest.raises(TypeError, match=r"expected an HTTP method") as raised:
        methods.checked(method)
    assert repr(method) in str(raised.value)


@pytest.mark.parametrize("method", ["CONNECT", "trace", "Track"])
def test_forbidden_methods(method: str) -> None:
    with pytest.raises(TypeError, match=r"\(CONNECT, TRACE, TRACK\)$"):
        methods.checked(method)
    with pytest.raises(TypeError, match=f"'{method}', which no script may use"):
        methods.checked(method)


def test_cors_safelisted_methods() -> None:
    assert [m for m in ("GET", "HEAD", "POST", "PUT", "get") if methods.is_cors_safelisted(m)] == [
        "GET",
        "HEAD",
        "POST",
    ]


@given(st.text())
@example("ı")  # its upper case is an ASCII letter
def test_checking_a_method_raises_nothing_but_type_error(text: str) -> None:
    try:
        method = methods.checked(text)
    except TypeError:
        return
    assert methods.checked(method) == method


BASE = "https://site.example/app/"


def test_icons_become_image_resources() -> None:
    icons = [
        {"src": "i.png", "sizes": "300x300", "type": "image/png", "label": "x", "purpose": "any"},
        {"src": "/"},
    ]
    assert media.image_resources("icons", icons, BASE) == (
        ImageResource("https://site.example/app/i.png", "300x300", "image/png", "x"),
        ImageResource("https://site.example/"),
    )
    assert media.image_resources("icons", [{"src": "a", "sizes": None}], "https://h/") == (
        ImageResource("https://h/a"),
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("i.png", r"^icons is 'i.png'; expected a list$"),
        (["i.png"], r"^icons\[0\] is 'i.png'; expected a dict$"),
        ([{"src": "a"}, {}], r"^icons\[1\] is \{\}; expected a dict with 'src'$"),
        ([{"src": None}], r"^icons\[0\] is \{'src': None\}; expected a dict with 'src'$"),
        ([{"src": 5}], r"^icons\[0\]\['src'\] is 5; expected a str$"),
        ([{"src": "a", "sizes": 5}], r"^icons\[0\]\['sizes'\] is 5; expected a str$"),
        ([{"src": "http://["}], r"^icons\[0\]\['src'\]: 'http://\[' does not parse as a URL"),
    ],
)
def test_icons_that_are_none(value: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        media.image_resources("icons", value, BASE)


@given(anything | st.lists(st.dictionaries(st.sampled_from(["src", "sizes", "type"]), anything)))
def test_icons_raise_nothing_but_type_error(value: object) -> None:
    try:
        icons = media.image_resources("icons", value, BASE)
    except TypeError:
        return
    assert all(icon.src for icon in icons)


def test_names_follow_the_mechanical_rule() -> None:
    names = [
        "waitUntil",
        "updateUI",
        "downloadTotal",
        "onbackgroundfetchsuccess",
        "scriptURL",
        "getIds",
        "onLine",
    ]
    assert [webidl.python_name(name) for name in names] == [
        "wait_until", "update_ui", "download_total", "onbackgroundfetchsuccess", "script_url", "get_ids", "on_line",
    ]  # fmt: skip
