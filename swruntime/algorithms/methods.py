"""Methods: https://fetch.spec.whatwg.org/#methods"""

from __future__ import annotations

import re

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
"""https://www.rfc-editor.org/rfc/rfc9110#name-tokens; methods and header names are tokens."""

SAFE = ("GET", "HEAD")
"""Methods that may be sent again although nobody knows what became of the first time."""

_NORMALIZED = ("DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT")
_FORBIDDEN = ("CONNECT", "TRACE", "TRACK")
_CORS_SAFELISTED = ("GET", "HEAD", "POST")


def is_method(text: str) -> bool:
    return TOKEN.fullmatch(text) is not None


def is_forbidden(method: str) -> bool:
    """https://fetch.spec.whatwg.org/#forbidden-method"""
    return method.upper() in _FORBIDDEN


def is_cors_safelisted(method: str) -> bool:
    """https://fetch.spec.whatwg.org/#cors-safelisted-method (case matters: a method is normalized before)"""
    return method in _CORS_SAFELISTED


def normalize(method: str) -> str:
    """https://fetch.spec.whatwg.org/#concept-method-normalize; "patch" stays a method of its own."""
    upper = method.upper()
    return upper if upper in _NORMALIZED else method


def checked(method: str) -> str:
    """A script's method, normalized. Raises TypeError for what is not a method, or a forbidden one."""
    if not is_method(method):
        raise TypeError(f"method is {method!r}; expected an HTTP method, such as 'GET'")
    if is_forbidden(method):
        raise TypeError(f"method is {method!r}, which no script may use ({', '.join(_FORBIDDEN)})")
    return normalize(method)
