"""Shapes of plain data: what a value that a process sent must look like before anything is done with it.

A shape is made of shapes, so that a table of them can be read by whoever makes such values, too (the tests' fuzzer
does). Python's `bool` is an `int`, and JSON's `true` is not a number: every shape tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from reprlib import Repr
from typing import Any

import attrs

from swruntime.realms.javascript.messages import WireError

SAFE = 2**53 - 1
"""The largest of JavaScript's numbers up to which all whole ones are told apart."""

_REPR = Repr()
_REPR.maxlevel, _REPR.maxstring, _REPR.maxother, _REPR.maxlong = 2, 40, 40, 40
_LONGEST = 120


def shown(wire: object) -> str:
    """`wire` in an error message: one line, cut where it is long or deep. It may be anything that a process sends."""
    text = _REPR.repr(wire)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


@attrs.frozen
class Shape:
    """One value. `expected` says what it is, for the error; `fits` whether a value is one."""

    expected: str
    fits: Callable[[object], bool]


@attrs.frozen
class Maybe:
    """`of`, or null."""

    of: AnyShape

    @property
    def expected(self) -> str:
        return f"{self.of.expected}, or null"

    def fits(self, wire: object) -> bool:
        return wire is None or self.of.fits(wire)


@attrs.frozen
class OneOf:
    """One of these texts or numbers."""

    values: tuple[str | int, ...]

    @property
    def expected(self) -> str:
        return f"one of {', '.join(map(str, self.values))}"

    def fits(self, wire: object) -> bool:
        return any(type(wire) is type(each) and wire == each for each in self.values)


@attrs.frozen
class ListOf:
    of: AnyShape

    @property
    def expected(self) -> str:
        return f"a list, of each {self.of.expected}"

    def fits(self, wire: object) -> bool:
        return isinstance(wire, list) and all(map(self.of.fits, wire))


@attrs.frozen
class Tuple:
    """A list with these items."""

    items: tuple[AnyShape, ...]

    @property
    def expected(self) -> str:
        return f"[{', '.join(each.expected for each in self.items)}]"

    def fits(self, wire: object) -> bool:
        if not isinstance(wire, list) or len(wire) != len(self.items):
            return False
        return all(shape.fits(each) for shape, each in zip(self.items, wire, strict=True))


@attrs.frozen
class Keyed:
    """An object with any names, and such a value for each."""

    of: AnyShape

    @property
    def expected(self) -> str:
        return f"an object, of each {self.of.expected}"

    def fits(self, wire: object) -> bool:
        return isinstance(wire, dict) and all(map(self.of.fits, wire.values()))


@attrs.frozen
class Members:
    """An object with these members and no others. Those in `optional` may be absent."""

    of: Mapping[str, AnyShape]
    optional: Mapping[str, AnyShape] = attrs.field(factory=dict)

    @property
    def expected(self) -> str:
        return f"an object with {', '.join(self.of) or 'no members'}"

    def fits(self, wire: object) -> bool:
        return isinstance(wire, dict) and self.wrong(wire) is None

    def wrong(self, wire: Mapping[str, Any]) -> str | None:
        """What is wrong with its members; None where nothing is."""
        for name, shape in self.of.items():
            if name not in wire:
                return f"{name} is missing"
            if not shape.fits(wire[name]):
                return f"{name} is {shown(wire[name])}; expected {shape.expected}"
        for name, value in wire.items():
            if name in self.of:
                continue
            if name not in self.optional:
                return f"{shown(name)} is unknown"
            if not self.optional[name].fits(value):
                return f"{name} is {shown(value)}; expected {self.optional[name].expected}"
        return None


@attrs.frozen
class AnyOf:
    shapes: tuple[AnyShape, ...]

    @property
    def expected(self) -> str:
        return " or ".join(each.expected for each in self.shapes)

    def fits(self, wire: object) -> bool:
        return any(each.fits(wire) for each in self.shapes)


AnyShape = Shape | Maybe | OneOf | ListOf | Tuple | Keyed | Members | AnyOf


def _whole(least: int, most: int) -> Callable[[object], bool]:
    return lambda wire: type(wire) is int and least <= wire <= most


TEXT = Shape("a text", lambda wire: isinstance(wire, str))
BYTES = Shape("bytes", lambda wire: isinstance(wire, bytes))
BOOLEAN = Shape("true or false", lambda wire: isinstance(wire, bool))
WHOLE = Shape("a whole number", _whole(-SAFE, SAFE))
COUNT = Shape("a whole number from 0 on", _whole(0, SAFE))
POSITIVE = Shape("a whole number from 1 on", _whole(1, SAFE))
OBJECT_NUMBER = Shape("the number of an object", lambda wire: type(wire) is int and 1 <= abs(wire) <= SAFE)
OWN_NUMBER = Shape("a number below 0, which a script gives", _whole(-SAFE, -1))
DICTIONARY = Shape("an object", lambda wire: isinstance(wire, dict))
READ_ELSEWHERE = Shape("anything", lambda wire: True)
"""What a reader of its own checks when the operation is performed."""


def check(shape: AnyShape, wire: object, what: str) -> None:
    """Raises WireError, which says what `what` is and what is expected."""
    if shape.fits(wire):
        return
    wrong = shape.wrong(wire) if isinstance(shape, Members) and isinstance(wire, dict) else None
    raise WireError(
        f"{what} is {shown(wire)}; expected {shape.expected}" if wrong is None else f"{what}: {wrong}"
    )
