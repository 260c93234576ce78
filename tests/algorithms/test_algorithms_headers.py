"""Headers: names, values, safelists, guards."""

from __future__ import annotations

import sys

import pytest
from hypothesis import example, given, strategies as st

from swruntime.algorithms import guards, headers as h
from swruntime.concepts.http import HeaderList
from swruntime.concepts.memory import memory_of

H = HeaderList.of


@pytest.mark.parametrize("name", ["Accept", "x", "!#$%&'*+-.^_`|~09aZ"])
def test_names(name: str) -> None:
    assert h.is_name(name)


@pytest.mark.parametrize("name", ["", "a b", "a:", "\xe9", "a\n", "(a)"])
def test_what_is_no_name(name: str) -> None:
    assert not h.is_name(name)


@pytest.mark.parametrize("value", ["XX", "\xa0", "\x0b", "", "a b", "\x01\x7f\xff", "a\tb"])
def test_values(value: str) -> None:
    assert h.is_value(value)


@pytest.mark.parametrize("value", [" a", "a\t", "a\0b", "a\nb", "a\rb", "\u0100"])
def test_what_is_no_value(value: str) -> None:
    assert not h.is_value(value)


def test_normalizing_strips_http_whitespace_only() -> None:
    assert h.normalize_value("\r\n \ta \n") == "a"
    assert h.normalize_value("\x0ca\x0c") == "\x0ca\x0c"
    assert h.normalize_value("XaX") == "XaX"


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "COOKIE",
        "origin",
        "Referer",
        "Sec-Anything",
        "proxy-",
        "Transfer-Encoding",
        "Set-Cookie",
        "DNT",
    ],
)
def test_forbidden_request_headers(name: str) -> None:
    assert h.is_forbidden_request_header(name, "x")


@pytest.mark.parametrize("name", ["Accept", "Authorization", "Range", "User-Agent", "X-Sec-", "Second"])
def test_request_headers_that_are_not_forbidden(name: str) -> None:
    assert not h.is_forbidden_request_header(name, "x")


def test_methods_cannot_be_smuggled_in() -> None:
    for name in ("X-HTTP-Method", "x-http-method-override", "X-Method-Override"):
        assert h.is_forbidden_request_header(name, "GET, trace")
        assert not h.is_forbidden_request_header(name, "GET, PUT")
        assert not h.is_forbidden_request_header(name, '"GET, TRACE"')


def test_response_header_names() -> None:
    assert h.is_forbidden_response_header_name("SET-COOKIE2")
    assert not h.is_forbidden_response_header_name("Cookie")
    assert h.is_cors_safelisted_response_header_name("Content-Length")
    assert h.is_cors_safelisted_response_header_name("ETag", {"etag"})
    assert not h.is_cors_safelisted_response_header_name("ETag")
    assert not h.is_cors_safelisted_response_header_name("Set-Cookie", {"set-cookie"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Accept", "text/html, */*;q=0.1"),
        ("Accept", "a\tb"),
        ("Accept-Language", "en-GB, *;q=0.5"),
        ("content-language", "de"),
        ("Content-Type", "text/plain;charset=UTF-8"),
        ("Content-Type", "Multipart/Form-Data ; boundary=x"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Range", "bytes=5-"),
        ("Range", "bytes=5-5"),
        ("Accept", "x" * 128),
    ],
)
def test_cors_safelisted_request_headers(name: str, value: str) -> None:
    assert h.is_cors_safelisted(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Accept", 'a"b'),
        ("Accept", "a\x01b"),
        ("Accept", "x" * 129),
        ("Accept-Language", "en_GB"),
        ("Content-Language", "d:e"),
        ("Content-Type", "application/json"),
        ("Content-Type", "text/plain; x=(y)"),
        ("Content-Type", "text"),
        ("Range", "bytes=-5"),
        ("Range", "bytes=5-4"),
        ("Range", "bytes= 5-"),
        ("Range", "bytes=0-1,3-4"),
        ("If-Range", '"x"'),
        ("X-Own", "x"),
    ],
)
def test_cors_unsafe_request_headers(name: str, value: str) -> None:
    assert not h.is_cors_safelisted(name, value)


def test_no_cors_knows_fewer_names() -> None:
    assert h.is_no_cors_safelisted("Accept", "x")
    assert not h.is_no_cors_safelisted("Accept", "(x)")
    assert not h.is_no_cors_safelisted("Range", "bytes=0-")


def test_unsafe_names_are_sorted_and_in_lower_case() -> None:
    headers = H([("X-B", "1"), ("Accept", "x"), ("x-a", "1"), ("X-b", "2")])
    assert h.cors_unsafe_names(headers) == ("x-a", "x-b")


def test_many_safe_headers_are_unsafe_together() -> None:
    headers = [("Accept", "x" * 128)] * 8
    assert h.cors_unsafe_names(H(headers)) == ()
    assert h.cors_unsafe_names(H([*headers, ("Accept", "x")])) == ("accept",)
    assert h.cors_unsafe_names(H([*headers, ("Range", "bytes=0-")])) == ("accept", "range")
    assert h.cors_unsafe_names(H([("X-B", "1"), *headers, ("Accept", "x")])) == ("accept", "x-b")


def test_sort_and_combine() -> None:
    headers = H([("b", "1"), ("Set-Cookie", "x"), ("A", "1"), ("B", "2"), ("set-cookie", "y")])
    assert h.sort_and_combine(headers).items == (
        ("a", "1"),
        ("b", "1, 2"),
        ("set-cookie", "x"),
        ("set-cookie", "y"),
    )


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("nosniff,", ("nosniff", "")),
        ("", ("",)),
        ('text/html;", x/x', ('text/html;", x/x',)),
        ('x/x;test="hi",y/y', ('x/x;test="hi"', "y/y")),
        ("x / x,,,1", ("x / x", "", "", "1")),
        (r'"1\",2", 3', (r'"1\",2"', "3")),
        ('"a\\', ('"a\\',)),
        ('"a""b",c', ('"a""b"', "c")),
        ("\t a\x0b ", ("a\x0b",)),
        ("X, aX", ("X", "aX")),
    ],
)
def test_splitting_a_value(value: str, parts: tuple[str, ...]) -> None:
    assert h.split_value(value) == parts


@given(st.text('a",\\ '))
def test_splitting_is_undone_by_joining(value: str) -> None:
    parts = h.split_value(value)
    assert ",".join(parts).replace(" ", "") == value.replace(" ", "")
    if '"' not in value:
        assert parts == tuple(part.strip() for part in value.split(","))


def test_token_lists() -> None:
    headers = H([("A", "x, y,,"), ("a", "z")])
    assert h.token_list(headers, "A") == ("x", "y", "z")
    assert h.token_list(headers, "b") == ()
    assert h.token_list(H([("a", "x y")]), "a") is None
    assert h.token_list(H([("a", "x\xa0")]), "a") is None


@pytest.mark.parametrize(
    ("values", "length"),
    [
        (["5"], 5),
        (["5", "5"], 5),
        (["5, 5"], 5),
        (["005"], 5),
        (["0"], 0),
        ([str(2**63 - 1)], 2**63 - 1),
        ([str(2**63)], None),
        (["9" * 5000], None),
        (["5", "6"], None),
        (["-5"], None),
        (["5.0"], None),
        (["٥"], None),
        ([""], None),
        ([], None),
    ],
)
def test_content_length(values: list[str], length: int | None) -> None:
    assert h.content_length(H([("Content-Length", value) for value in values])) == length


@given(st.integers(0, 2**63 - 1), st.integers(0, 30))
def test_digits_round_trip(number: int, zeros: int) -> None:
    assert h.parse_digits("0" * zeros + str(number)) == number


@given(st.text())
@example("X5")
def test_digits_of_any_text(text: str) -> None:
    number = h.parse_digits(text)
    assert number is None or number == int(text)


# Guards


def test_guards() -> None:
    assert guards.guard_allows("none", "Host", "x")
    assert guards.guard_allows("response", "Host", "x")
    assert not guards.guard_allows("request", "Host", "x")
    assert not guards.guard_allows("request", "X-HTTP-Method", "get, trace")
    assert guards.guard_allows("request", "X-HTTP-Method", "get")
    assert guards.guard_allows("request", "Set-Cookie2", "x")
    assert not guards.guard_allows("response", "Set-Cookie", "x")
    assert guards.guard_allows("request-no-cors", "Accept", "x")
    assert not guards.guard_allows("request-no-cors", "X-Own", "x")


@pytest.mark.parametrize(
    ("guard", "name", "value", "message"),
    [
        ("none", "a b", "x", "^'a b' is not a header name$"),
        ("none", "a", "x\ny", r"^'x\\ny' is not a value for the header 'a'$"),
        ("immutable", "a", "x", "^the header 'a' cannot be changed: these headers are immutable$"),
    ],
)
def test_guards_that_raise(guard: guards.Guard, name: str, value: str, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        guards.guard_allows(guard, name, value)


def test_append() -> None:
    headers = H([("A", "1")])
    assert guards.append(headers, "none", "a", " 2 ").items == (("A", "1"), ("A", "2"))
    assert guards.append(headers, "request", "Cookie", "x") is headers
    # Without CORS the whole must be safe, and a privileged header goes with the first change.
    safe = guards.append(H([("Range", "bytes=0-")]), "request-no-cors", "Accept", "x")
    assert safe.items == (("Accept", "x"),)
    assert guards.append(safe, "request-no-cors", "Accept", "y" * 124).get("Accept") == "x, " + "y" * 124
    assert guards.append(safe, "request-no-cors", "Accept", "y" * 126) is safe
    # The first of its name may be as long as any.
    empty = HeaderList()
    assert guards.append(empty, "request-no-cors", "Accept", "y" * 128).get("Accept") == "y" * 128
    assert guards.append(empty, "request-no-cors", "Accept", "y" * 129) is empty


def test_set() -> None:
    headers = H([("A", "1"), ("a", "2"), ("Range", "bytes=0-")])
    assert guards.set_value(headers, "none", "a", " 3 ").get("A") == "3"
    assert guards.set_value(headers, "request", "Host", "x") is headers
    assert guards.set_value(headers, "request-no-cors", "b", "x") is headers
    assert "Range" not in guards.set_value(headers, "request-no-cors", "Accept", "x")


def test_delete() -> None:
    headers = H([("A", "1"), ("Accept", "x"), ("Range", "bytes=0-")])
    assert guards.delete(headers, "none", "a").items == (("Accept", "x"), ("Range", "bytes=0-"))
    assert guards.delete(headers, "request", "Host") is headers
    assert guards.delete(headers, "request-no-cors", "A") is headers
    assert guards.delete(headers, "request-no-cors", "Accept-Language") is headers
    assert guards.delete(headers, "request-no-cors", "Accept").items == (("A", "1"),)
    assert guards.delete(headers, "request-no-cors", "range").items == (("A", "1"), ("Accept", "x"))
    with pytest.raises(TypeError, match="not a header name"):
        guards.delete(headers, "none", "")
    with pytest.raises(TypeError, match="^the header 'A' cannot be changed"):
        guards.delete(headers, "immutable", "A")
    hosted = headers.append("Host", "h")
    assert guards.delete(hosted, "request", "Host") is hosted
    assert guards.delete(hosted.append("Set-Cookie", "x"), "response", "Set-Cookie").get("Set-Cookie") == "x"


def test_fill() -> None:
    pairs = (("A", "1"), ("Cookie", "x"), ("B", "2"))
    for init in (dict(pairs), list(pairs), [list(pair) for pair in pairs], H(pairs)):
        assert guards.fill(HeaderList(), "request", init).items == (("A", "1"), ("B", "2"))


@pytest.mark.parametrize(
    ("init", "message"),
    [
        ("A: 1", "^headers is 'A: 1'; expected a list$"),
        (["A: 1"], "^an item of headers is 'A: 1'; expected a list$"),
        ([("A", "1", "2")], r"^an item of headers is \('A', '1', '2'\); expected a name and a value$"),
        ({"A": 1}, r"^headers\['A'\] is 1; expected a str$"),
        ({5: "1"}, "^a name in headers is 5; expected a str$"),
        ({"A": "€"}, r"^headers\['A'\] is '€'; expected no character beyond"),
    ],
)
def test_what_cannot_fill(init: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        guards.fill(HeaderList(), "none", init)


names = st.sampled_from(["Accept", "X-Own", "Range", "Cookie", "Set-Cookie", "Content-Type", "a b"])


@given(
    st.sampled_from(["none", "request", "request-no-cors", "response"]), st.lists(st.tuples(names, st.text()))
)
def test_a_guard_holds_whatever_is_appended(guard: guards.Guard, pairs: list[tuple[str, str]]) -> None:
    headers = HeaderList()
    for name, value in pairs:
        try:
            headers = guards.append(headers, guard, name, value)
        except TypeError:
            continue
    for name, value in headers:
        assert guards.guard_allows(guard, name, value)


def test_a_list_is_looked_through_once_however_often_it_is_asked() -> None:
    headers = H((f"Name-{n}", str(n)) for n in range(20))
    lowered = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal lowered
        lowered += event == "c_call" and getattr(argument, "__name__", "") == "lower"

    sys.setprofile(count)
    try:
        for n in range(50):
            assert headers.get(f"name-{n}") == (str(n) if n < 20 else None)
    finally:
        sys.setprofile(None)
    assert lowered == 20 + 50
    assert headers == H(headers.items)
    assert hash(headers) == hash(H(headers.items))
    assert repr(headers) == repr(H(headers.items))
    assert memory_of(headers) == memory_of(H(headers.items))
    assert headers.delete("nobody") is headers


def test_what_is_appended_takes_the_first_spelling() -> None:
    headers = H([("X-First", "1"), ("x-first", "2")])
    assert headers.append("X-FIRST", "3").items == (("X-First", "1"), ("x-first", "2"), ("X-First", "3"))
    assert headers.append("Other", "3").all("other") == ("3",)
