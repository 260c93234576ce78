"""A message between realms, in a form that belongs to none: what structured serialization makes of a value.

A graph as a table: whatever has an identity is a node, and is named by its place. So what was shared is
shared again, a cycle is a cycle, and nothing of one realm is seen in another. Each realm makes its own values
of it: a `Map` is a dict in Python and a Map in JavaScript.

Spec: https://html.spec.whatwg.org/multipage/structured-data.html#safe-passing-of-structured-data
"""

from __future__ import annotations

import attrs


@attrs.frozen
class Ref:
    """The node at `index` in the message's `nodes`."""

    index: int


@attrs.frozen
class Undefined:
    """JavaScript's undefined."""


@attrs.frozen
class BigInt:
    """A bigint of JavaScript's that is small enough for a number (`SAFE`). A larger one is an int here."""

    value: int


SAFE = 2**53 - 1
"""Up to here JavaScript's numbers tell all whole numbers apart. An int beyond is a bigint there."""

Value = None | bool | int | float | str | Ref | Undefined | BigInt
"""What has no identity is written where it stands."""


@attrs.frozen
class Bytes:
    """bytes, or, where it is mutable, a bytearray."""

    data: bytes
    mutable: bool = False


@attrs.frozen
class Array:
    """A list, or, where it is not mutable, a tuple."""

    items: tuple[Value, ...]
    mutable: bool = True


@attrs.frozen
class SparseArray:
    """An array of JavaScript's with holes, or with other properties than its items: what it has, by key."""

    length: int
    entries: tuple[tuple[str, Value], ...]


@attrs.frozen
class ArrayBuffer:
    """`max_byte_length` is None where its length is fixed."""

    data: bytes
    max_byte_length: int | None = None


@attrs.frozen
class View:
    """A typed array or a DataView of the ArrayBuffer at `buffer`. `type` is the name of its interface.

    `offset` is in bytes; `length` in elements, None where it is as long as its buffer allows, whatever becomes of that.
    """

    type: str
    buffer: int
    offset: int
    length: int | None


ELEMENT_SIZES = {
    "DataView": 1,
    "Int8Array": 1,
    "Uint8Array": 1,
    "Uint8ClampedArray": 1,
    "Int16Array": 2,
    "Uint16Array": 2,
    "Float16Array": 2,
    "Int32Array": 4,
    "Uint32Array": 4,
    "Float32Array": 4,
    "Float64Array": 8,
    "BigInt64Array": 8,
    "BigUint64Array": 8,
}
"""What a View may be of, and the bytes of an element."""


@attrs.frozen
class RegExp:
    source: str
    flags: str


@attrs.frozen
class Boxed:
    """A Boolean, Number, String or BigInt object of JavaScript's."""

    value: Value


@attrs.frozen
class InvalidDate:
    """A Date of JavaScript's that is none."""


@attrs.frozen
class Object:
    """A plain object: a dict whose keys are all str."""

    entries: tuple[tuple[str, Value], ...]


@attrs.frozen
class Map:
    """A dict that has other keys."""

    entries: tuple[tuple[Value, Value], ...]


@attrs.frozen
class Set:
    """A set, or, where it is not mutable, a frozenset."""

    members: tuple[Value, ...]
    mutable: bool = True


@attrs.frozen
class Date:
    """A date and time as a clock on the wall shows it, in microseconds since 1970-01-01 00:00.

    `offset` is how far that clock is ahead of UTC, in microseconds; None where that is not said (a naive
    datetime).
    """

    microseconds: int
    offset: int | None = None


@attrs.frozen
class Error:
    """An exception. `name` is that of a DOMException where `dom` is true; "Error" where none is known."""

    name: str
    message: str
    dom: bool = False


@attrs.frozen
class Blob:
    """A Blob, or, where it has a name, a File; `last_modified` is in milliseconds since 1970, 0 for a Blob."""

    data: bytes
    type: str = ""
    name: str | None = None
    last_modified: int = 0


@attrs.frozen
class PortRef:
    """The port at `index` of those that are transferred with the message."""

    index: int


Node = (
    Bytes
    | Array
    | SparseArray
    | ArrayBuffer
    | View
    | RegExp
    | Boxed
    | InvalidDate
    | Object
    | Map
    | Set
    | Date
    | Error
    | Blob
    | PortRef
)


@attrs.frozen
class Message:
    root: Value
    nodes: tuple[Node, ...] = ()
