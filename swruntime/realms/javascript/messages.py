"""Messages to and from a JavaScript process: the form that js/clone.js writes and reads.

`{"root": value, "nodes": [node...]}`. A value is JSON's null, true, false, number or string, or an object with one
member: `r`, the node at that index; `u`, undefined; `n`, a bigint in hexadecimal ("0x7b", "-0x7b"); `f`, a number that
JSON does not have. A node says with `k` what it is; bytes stand in it as they are.

What JavaScript does not tell apart is not told here: a tuple goes as an Array, bytes as a Uint8Array, a datetime as a
Date, to the millisecond and without its zone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from swruntime.concepts import messages
from swruntime.concepts.messages import ELEMENT_SIZES, SAFE, BigInt, Message, Node, Ref, Undefined, Value

Wire = dict[str, Any]

_LAST_DATE = 8_640_000_000_000_000
"""Milliseconds: https://tc39.es/ecma262/#sec-timeclip"""
_LONGEST = 2**32 - 1
_BIGINT = re.compile(r"-?0x[0-9a-f]+")
_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf, "-0": -0.0}


class WireError(ValueError):
    """What a process sent is not of the shape that the protocol has."""


def to_wire(message: Message) -> Wire:
    """The message as plain data, in which `bytes` may stand."""
    nodes: list[Wire] = []
    buffers: list[bytes] = []
    for node in message.nodes:
        if isinstance(node, messages.Bytes):
            # Its buffer is a node of its own, behind all others.
            at = len(message.nodes) + len(buffers)
            buffers.append(node.data)
            nodes.append(_view(messages.View("Uint8Array", at, 0, len(node.data))))
        else:
            nodes.append(_node(node))
    nodes += [_buffer(messages.ArrayBuffer(data)) for data in buffers]
    return {"root": _value(message.root), "nodes": nodes}


def _value(value: Value) -> Any:
    match value:
        case Ref(index):
            return {"r": index}
        case Undefined():
            return {"u": 1}
        case BigInt(number):
            return {"n": hex(number)}
        case bool():
            return value
        case int():
            return value if -SAFE <= value <= SAFE else {"n": hex(value)}
        case float():
            if math.isnan(value):
                return {"f": "NaN"}
            if math.isinf(value):
                return {"f": "Infinity" if value > 0 else "-Infinity"}
            return {"f": "-0"} if value == 0 and math.copysign(1, value) < 0 else value
    return value


def _node(node: Node) -> Wire:
    match node:
        case messages.Array(items):
            return {"k": "Array", "items": [_value(each) for each in items]}
        case messages.SparseArray(length, entries):
            return {"k": "SparseArray", "length": length, "entries": [[k, _value(v)] for k, v in entries]}
        case messages.Object(entries):
            return {"k": "Object", "entries": [[key, _value(each)] for key, each in entries]}
        case messages.Map(pairs):
            return {"k": "Map", "entries": [[_value(key), _value(each)] for key, each in pairs]}
        case messages.Set(members):
            return {"k": "Set", "members": [_value(each) for each in members]}
        case messages.Date(microseconds, offset):
            return {"k": "Date", "t": (microseconds - (offset or 0)) // 1000}
        case messages.InvalidDate():
            return {"k": "Date", "t": None}
        case messages.Error(name, text, dom):
            return {"k": "Error", "name": name, "message": text, "dom": dom}
        case messages.Blob(data, type, name, modified):
            modified = max(-SAFE, min(modified, SAFE))
            return {"k": "Blob", "bytes": data, "type": type, "name": name, "lastModified": modified}
        case messages.PortRef(index):
            return {"k": "Port", "index": index}
        case messages.RegExp(source, flags):
            return {"k": "RegExp", "source": source, "flags": flags}
        case messages.Boxed(value):
            return {"k": "Boxed", "value": _value(value)}
        case messages.View():
            return _view(node)
        case messages.ArrayBuffer():
            return _buffer(node)
    raise AssertionError(f"{node!r} has no form of its own")


def _view(view: messages.View) -> Wire:
    return {
        "k": "View",
        "type": view.type,
        "buffer": view.buffer,
        "offset": view.offset,
        "length": view.length,
    }


def _buffer(buffer: messages.ArrayBuffer) -> Wire:
    return {"k": "ArrayBuffer", "bytes": buffer.data, "maxByteLength": buffer.max_byte_length}


def ports_of(message: Message) -> list[int]:
    """Which of the ports that are transferred are in a message."""
    return [node.index for node in message.nodes if isinstance(node, messages.PortRef)]


def from_wire(wire: object) -> Message:
    """The message that a process sent. Raises WireError, and nothing else, for what is none."""
    members = _members(wire, "a message", "root", "nodes")
    given = _list(members["nodes"], "nodes")
    nodes = tuple(_read_node(each, len(given)) for each in given)
    for node in nodes:
        if isinstance(node, messages.View):
            _check_view(node, nodes)
    message = Message(_read_value(members["root"], len(nodes)), nodes)
    found = ports_of(message)
    if len(set(found)) != len(found):
        raise WireError("a port is there twice")
    return message


def _members(wire: object, what: str, *names: str) -> Wire:
    if not isinstance(wire, dict) or wire.keys() != set(names):
        raise WireError(f"{what} has not the members {', '.join(names)}")
    return wire


def _list(wire: object, what: str) -> list[Any]:
    if not isinstance(wire, list):
        raise WireError(f"{what}: {type(wire).__name__} where a list is expected")
    return wire


def _text(wire: object, what: str) -> str:
    if not isinstance(wire, str):
        raise WireError(f"{what}: {type(wire).__name__} where a text is expected")
    return wire


def _whole(wire: object, what: str, least: int, most: int) -> int:
    if type(wire) is not int or not least <= wire <= most:
        raise WireError(f"{what} is not a whole number from {least} to {most}")
    return wire


def _bytes(wire: object) -> bytes:
    if not isinstance(wire, bytes | bytearray | memoryview):
        raise WireError(f"bytes: {type(wire).__name__} where bytes are expected")
    return bytes(wire)


def _read_value(wire: object, count: int) -> Value:
    match wire:
        case None | bool() | str():
            return wire
        case int():
            if -SAFE <= wire <= SAFE:
                return wire
            try:
                return float(wire)  # a number, written without an exponent
            except OverflowError:
                raise WireError("a number is larger than any number") from None
        case float():
            if math.isfinite(wire):
                return wire
        case {"r": index, **rest} if not rest:
            return Ref(_whole(index, "a reference", 0, count - 1))
        case {"u": 1, **rest} if not rest:
            return Undefined()
        case {"n": str(digits), **rest} if not rest and _BIGINT.fullmatch(digits):
            number = int(digits, 16)
            return BigInt(number) if -SAFE <= number <= SAFE else number
        case {"f": str(name), **rest} if not rest and name in _FLOATS:
            return _FLOATS[name]
    raise WireError(f"{type(wire).__name__} that is not a value")


def _keyed(wire: object, count: int) -> tuple[tuple[str, Value], ...]:
    read = tuple((_text(key, "a key"), value) for key, value in _pairs(wire, count, lambda key: key))
    if len({key for key, _ in read}) != len(read):
        raise WireError("a key is there twice")
    return read


def _pairs(wire: object, count: int, key: Callable[[Any], Any]) -> list[tuple[Any, Value]]:
    pairs = [_list(each, "an entry") for each in _list(wire, "entries")]
    if any(len(pair) != 2 for pair in pairs):
        raise WireError("an entry is not a pair")
    return [(key(first), _read_value(second, count)) for first, second in pairs]


def _values(wire: object, what: str, count: int) -> tuple[Value, ...]:
    return tuple(_read_value(each, count) for each in _list(wire, what))


def _read_node(wire: object, count: int) -> Node:
    kind = wire.get("k") if isinstance(wire, dict) else None
    if not isinstance(kind, str) or kind not in _NODES:
        raise WireError(f"a node is {kind!r:.50}" if isinstance(wire, dict) else "a node is not an object")
    names, read = _NODES[kind]
    members = _members(wire, f"a node {kind}", "k", *names)
    return read(count, *(members[name] for name in names))


def _date(_: int, t: object) -> Node:
    if t is None:
        return messages.InvalidDate()
    return messages.Date(_whole(t, "a date", -_LAST_DATE, _LAST_DATE) * 1000, 0)


def _error(_: int, name: object, message: object, dom: object) -> Node:
    if not isinstance(dom, bool):
        raise WireError("dom is not a boolean")
    return messages.Error(_text(name, "name"), _text(message, "message"), dom)


def _blob(_: int, data: object, type: object, name: object, modified: object) -> Node:
    return messages.Blob(
        _bytes(data),
        _text(type, "type"),
        None if name is None else _text(name, "name"),
        _whole(modified, "lastModified", -SAFE, SAFE),
    )


def _array_buffer(_: int, data: object, most: object) -> Node:
    read = _bytes(data)
    return messages.ArrayBuffer(
        read, None if most is None else _whole(most, "maxByteLength", len(read), SAFE)
    )


def _read_view(count: int, type: object, buffer: object, offset: object, length: object) -> Node:
    if not isinstance(type, str) or type not in ELEMENT_SIZES:
        raise WireError("a view is of no type that there is")
    return messages.View(
        type,
        _whole(buffer, "a view's buffer", 0, count - 1),
        _whole(offset, "a view's offset", 0, SAFE),
        None if length is None else _whole(length, "a view's length", 0, SAFE),
    )


def _check_view(view: messages.View, nodes: tuple[Node, ...]) -> None:
    buffer = nodes[view.buffer]
    if not isinstance(buffer, messages.ArrayBuffer):
        raise WireError("a view's buffer is not an ArrayBuffer")
    size = ELEMENT_SIZES[view.type]
    if view.offset % size or view.offset + (view.length or 0) * size > len(buffer.data):
        raise WireError("a view is not within its buffer")
    if view.length is None and buffer.max_byte_length is None:
        raise WireError("a view without a length, of a buffer that has one")


def _regexp(_: int, source: object, flags: object) -> Node:
    read = _text(flags, "flags")
    if not set(read) <= set("dgimsuvy") or len(set(read)) != len(read):
        raise WireError("unknown flags")
    return messages.RegExp(_text(source, "source"), read)


def _boxed(count: int, value: object) -> Node:
    read = _read_value(value, count)
    if read is None or isinstance(read, Ref | Undefined):
        raise WireError("a box without a primitive")
    return messages.Boxed(read)


_NODES: dict[str, tuple[tuple[str, ...], Callable[..., Node]]] = {
    "Array": (("items",), lambda count, items: messages.Array(_values(items, "items", count))),
    "SparseArray": (
        ("length", "entries"),
        lambda count, length, entries: messages.SparseArray(
            _whole(length, "length", 0, _LONGEST), _keyed(entries, count)
        ),
    ),
    "Object": (("entries",), lambda count, entries: messages.Object(_keyed(entries, count))),
    "Map": (
        ("entries",),
        lambda count, entries: messages.Map(
            tuple(_pairs(entries, count, lambda key: _read_value(key, count)))
        ),
    ),
    "Set": (("members",), lambda count, members: messages.Set(_values(members, "members", count))),
    "Date": (("t",), _date),
    "Error": (("name", "message", "dom"), _error),
    "Blob": (("bytes", "type", "name", "lastModified"), _blob),
    "Port": (("index",), lambda _, index: messages.PortRef(_whole(index, "a port", 0, SAFE))),
    "RegExp": (("source", "flags"), _regexp),
    "Boxed": (("value",), _boxed),
    "View": (("type", "buffer", "offset", "length"), _read_view),
    "ArrayBuffer": (("bytes", "maxByteLength"), _array_buffer),
}
"""Of each kind its members, and what reads them."""
