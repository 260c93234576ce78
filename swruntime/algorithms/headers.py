"""Header names and values, and which of them the specs single out.

Values are strs that stand for bytes, one character up to U+00FF each.
Spec: https://fetch.spec.whatwg.org/#terminology-headers
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from swruntime.algorithms import mime
from swruntime.algorithms.methods import TOKEN, is_forbidden
from swruntime.concepts.http import HeaderList

_FORBIDDEN_REQUEST = frozenset(
    (
        *("accept-charset", "accept-encoding"),
        *("access-control-request-headers", "access-control-request-method"),
        *("connection", "content-length", "cookie", "cookie2", "date", "dnt", "expect", "host", "keep-alive"),
        *("origin", "referer", "set-cookie", "te", "trailer", "transfer-encoding", "upgrade", "via"),
    )
)
_METHOD_OVERRIDES = frozenset(("x-http-method", "x-http-method-override", "x-method-override"))
_FORBIDDEN_RESPONSE = frozenset(("set-cookie", "set-cookie2"))
_CORS_SAFELISTED_RESPONSE = frozenset(
    (
        *("cache-control", "content-language", "content-length", "content-type"),
        *("expires", "last-modified", "pragma"),
    )
)
_NO_CORS_SAFELISTED = frozenset(("accept", "accept-language", "content-language", "content-type"))
_SAFELISTED_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")

REQUEST_BODY_HEADERS = ("Content-Encoding", "Content-Language", "Content-Location", "Content-Type")
"""https://fetch.spec.whatwg.org/#request-body-header-name"""

PRIVILEGED_NO_CORS = ("Range",)
"""https://fetch.spec.whatwg.org/#privileged-no-cors-request-header-name"""

_UNSAFE_BYTE = re.compile(r"[\x00-\x08\x0a-\x1f\"():<>?@\[\\\]{}\x7f]")
_LANGUAGE = re.compile(r"[0-9A-Za-z *,\-.;=]*")
_SIMPLE_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]*)")
_SPLIT = re.compile(r"""(?:[^",]|"(?:[^"\\]|\\.|\\\Z)*(?:"|\Z))*""", re.DOTALL)


def is_name(text: str) -> bool:
    """https://fetch.spec.whatwg.org/#header-name"""
    return TOKEN.fullmatch(text) is not None


def is_value(text: str) -> bool:
    """https://fetch.spec.whatwg.org/#header-value"""
    return text == text.strip("\t ") and not any(char in "\0\r\n" or ord(char) > 0xFF for char in text)


def normalize_value(text: str) -> str:
    """https://fetch.spec.whatwg.org/#concept-header-value-normalize"""
    return text.strip("\t\n\r ")


def is_forbidden_request_header(name: str, value: str) -> bool:
    """https://fetch.spec.whatwg.org/#forbidden-request-header"""
    name = name.lower()
    # 1, 2. The names that the user agent keeps to itself.
    if name in _FORBIDDEN_REQUEST or name.startswith(("proxy-", "sec-")):
        return True
    # 3. No method may be smuggled past the check of methods.
    return name in _METHOD_OVERRIDES and any(is_forbidden(method) for method in split_value(value))


def is_forbidden_response_header_name(name: str) -> bool:
    """https://fetch.spec.whatwg.org/#forbidden-response-header-name"""
    return name.lower() in _FORBIDDEN_RESPONSE


def is_cors_safelisted_response_header_name(name: str, exposed: Iterable[str] = ()) -> bool:
    """Whether CORS shows a response's header to scripts; `exposed` is the response's own list, in lower case.

    Spec: https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name
    """
    name = name.lower()
    return name in _CORS_SAFELISTED_RESPONSE or (name in exposed and name not in _FORBIDDEN_RESPONSE)


def is_no_cors_safelisted_name(name: str) -> bool:
    """https://fetch.spec.whatwg.org/#no-cors-safelisted-request-header-name"""
    return name.lower() in _NO_CORS_SAFELISTED


def is_no_cors_safelisted(name: str, value: str) -> bool:
    """https://fetch.spec.whatwg.org/#no-cors-safelisted-request-header"""
    return is_no_cors_safelisted_name(name) and is_cors_safelisted(name, value)


def is_cors_safelisted(name: str, value: str) -> bool:
    """https://fetch.spec.whatwg.org/#cors-safelisted-request-header"""
    # 1. A long value is never safe.
    if len(value) > 128:
        return False
    # 2. By the name.
    match name.lower():
        case "accept":
            return _UNSAFE_BYTE.search(value) is None
        case "accept-language" | "content-language":
            return _LANGUAGE.fullmatch(value) is not None
        case "content-type":
            kind = mime.parse(value)
            return (
                _UNSAFE_BYTE.search(value) is None and kind is not None and kind.essence in _SAFELISTED_TYPES
            )
        case "range":
            return _is_simple_range(value)
        case _:
            return False


def cors_unsafe_names(headers: HeaderList) -> tuple[str, ...]:
    """The names that a CORS preflight must ask about, sorted and in lower case.

    Spec: https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names
    """
    unsafe: set[str] = set()
    potentially_unsafe: set[str] = set()
    size = 0
    # 4. One by one.
    for name, value in headers:
        if is_cors_safelisted(name, value):
            potentially_unsafe.add(name.lower())
            size += len(value)
        else:
            unsafe.add(name.lower())
    # 5. Many safe ones are unsafe together.
    if size > 1024:
        unsafe |= potentially_unsafe
    return tuple(sorted(unsafe))


def sort_and_combine(headers: HeaderList) -> HeaderList:
    """What iterating over a Headers object gives: https://fetch.spec.whatwg.org/#concept-header-list-sort-and-combine"""
    result: list[tuple[str, str]] = []
    for name in sorted({name.lower() for name, _ in headers}):
        values = headers.all(name)
        if name == "set-cookie":  # the one header whose values must not be combined
            result.extend((name, value) for value in values)
        else:
            result.append((name, ", ".join(values)))
    return HeaderList.of(result)


def split_value(value: str) -> tuple[str, ...]:
    """A value at its commas, but for those in quoted strings. Never empty; an empty value gives ("",).

    Spec: https://fetch.spec.whatwg.org/#header-value-get-decode-and-split
    """
    parts: list[str] = []
    position = 0
    while True:
        match = _SPLIT.match(value, position)
        assert match is not None  # it matches the empty string
        parts.append(match.group().strip("\t "))
        position = match.end() + 1
        if match.end() == len(value):
            return tuple(parts)


def token_list(headers: HeaderList, name: str) -> tuple[str, ...] | None:
    """The tokens of a header such as Access-Control-Allow-Methods; () where it is absent.

    None where it is there and no list of tokens.
    Spec: https://fetch.spec.whatwg.org/#extract-header-list-values, for #method and #field-name
    """
    parts = (part.strip("\t ") for value in headers.all(name) for part in value.split(","))
    tokens = tuple(part for part in parts if part)
    return tokens if all(TOKEN.fullmatch(token) for token in tokens) else None


def content_length(headers: HeaderList) -> int | None:
    """The Content-Length in bytes; None where it is absent, malformed or contradicts itself.

    Spec: https://fetch.spec.whatwg.org/#content-length-header
    """
    values = {part for value in headers.all("Content-Length") for part in split_value(value)}
    return parse_digits(values.pop()) if len(values) == 1 else None


def parse_digits(text: str) -> int | None:
    """ASCII digits as an integer; None for anything else, and beyond 2^63 - 1, which no file is long."""
    digits = text.lstrip("0") or text[:1]
    if len(digits) > 19 or not (digits.isascii() and digits.isdecimal()):
        return None
    number = int(digits)
    return number if number < 2**63 else None


def mime_type(headers: HeaderList) -> mime.MimeType | None:
    """What the Content-Type says, None where there is none that makes sense. The last of several counts.

    Spec: https://fetch.spec.whatwg.org/#concept-header-extract-mime-type
    """
    charset: str | None = None
    found: mime.MimeType | None = None
    # 4, 5.
    value = headers.get("Content-Type")
    for part in () if value is None else split_value(value):
        # 6.1-6.3.
        parsed = mime.parse(part)
        if parsed is None or parsed.essence == "*/*":
            continue
        # 6.4. Another essence: its own charset, if any.
        if found is None or parsed.essence != found.essence:
            charset = parsed.parameters.get("charset")
        # 6.5. The same once more: the charset said before holds on.
        elif "charset" not in parsed.parameters and charset is not None:
            parsed = mime.MimeType(parsed.essence, {**parsed.parameters, "charset": charset})
        found = parsed
    return found


def _is_simple_range(value: str) -> bool:
    """https://fetch.spec.whatwg.org/#simple-range-header-value, with a start and without white space"""
    match = _SIMPLE_RANGE.fullmatch(value)  # at most 128 characters come here
    return match is not None and (not match[2] or int(match[1]) <= int(match[2]))
