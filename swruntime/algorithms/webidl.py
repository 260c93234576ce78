"""Conversions of a script's arguments, as strict as Python is: a str is not a number, and nothing becomes a str.

Every TypeError names the argument, its value, and what is expected.
Spec: https://webidl.spec.whatwg.org/#js-type-mapping
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

from swruntime.algorithms.urls import to_scalar_values

MAX_SAFE_INTEGER = 2**53 - 1

T = TypeVar("T", bound=str)

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def python_name(name: str) -> str:
    """`waitUntil` -> `wait_until`, `updateUI` -> `update_ui`: a run of capitals is one word."""
    return _WORD.sub("_", name).lower()


def shown(value: object) -> str:
    """`value` as an error message has it: its repr, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def enforce_unsigned_long_long(name: str, value: object) -> int:
    """[EnforceRange] unsigned long long. Raises TypeError.

    Web IDL would convert true to 1, "5" to 5 and 1.5 to 1; in Python those are mistakes, and refused.
    Spec: https://webidl.spec.whatwg.org/#abstract-opdef-converttoint
    """
    number: int | None = None
    if isinstance(value, float):
        if math.isfinite(value) and value.is_integer():
            number = int(value)
    elif not isinstance(value, bool | str | bytes):
        try:
            number = operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            number = None
    if number is None or not 0 <= number <= MAX_SAFE_INTEGER:
        raise TypeError(f"{name} is {shown(value)}; expected a whole number from 0 to {MAX_SAFE_INTEGER}")
    return number


def dom_string(name: str, value: object) -> str:
    """A DOMString, which in Python is a str. Raises TypeError."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is {shown(value)}; expected a str")
    return value


def usv_string(name: str, value: object) -> str:
    """A USVString: a str whose lone surrogates are replaced. Raises TypeError."""
    return to_scalar_values(dom_string(name, value))


def byte_string(name: str, value: object) -> str:
    """A ByteString: a str of code points up to U+00FF. Raises TypeError."""
    text = dom_string(name, value)
    if any(ord(char) > 0xFF for char in text):
        raise TypeError(f"{name} is {shown(value)}; expected no character beyond U+00FF")
    return text


def boolean(name: str, value: object) -> bool:
    """A boolean. Raises TypeError for whatever is not a bool."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} is {shown(value)}; expected True or False")
    return value


def enumeration(name: str, value: object, allowed: Collection[T]) -> T:
    """One of the values of an enumeration, which the TypeError lists."""
    for each in allowed:
        if isinstance(value, str) and each == value:
            return each
    expected = ", ".join(repr(each) for each in allowed)
    raise TypeError(f"{name} is {shown(value)}; expected one of {expected}")


def sequence(name: str, value: object) -> tuple[object, ...]:
    """sequence<any>: an iterable that is not a str, not bytes and not a mapping. Raises TypeError."""
    if isinstance(value, str | bytes | bytearray | Mapping) or not isinstance(value, Iterable):
        raise TypeError(f"{name} is {shown(value)}; expected a list")
    return tuple(value)


def dictionary(name: str, value: object) -> Mapping[str, object]:
    """A dictionary. Members that nobody asks for are ignored, as Web IDL does. Raises TypeError."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is {shown(value)}; expected a dict")
    return value
