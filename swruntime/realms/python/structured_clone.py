"""Structured clone of Python values: to the form of `concepts.messages`, and back.

What can be cloned: None, bool, int, float, str, bytes, bytearray, list, tuple, dict, set, frozenset, datetime,
exceptions (as their nearest built-in class or DOMException, with their message), Blobs and Files, and MessagePorts
that are transferred. Keys of a dict and members of a set may be whatever of these is hashable. All else, objects of
subclasses of these included, is a DataCloneError: a message is a value, and code stays in its realm.

Of what JavaScript sends, undefined and the holes of an array are None, a bigint is an int, and a boxed primitive its
value. An ArrayBuffer and any view of one is bytes, as `array_buffer()` gives them: what was shared in its realm is a
copy here, and the elements of a Float64Array are as the machine writes them. A Date is a datetime in UTC; in the other
direction a datetime without a zone is taken to be UTC. A RegExp and an invalid Date are DataCloneErrors
(`messageerror`).

Nothing here recurses, so a value may be nested as deeply as memory allows.

Spec: https://html.spec.whatwg.org/multipage/structured-data.html#structuredserializeinternal
"""

from __future__ import annotations

import builtins
import inspect
import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import attrs

from swruntime.agent.promise import Promise
from swruntime.algorithms import webidl
from swruntime.concepts import messages
from swruntime.concepts.messages import Message, Node, Ref, Value
from swruntime.errors import DataCloneError, DOMException
from swruntime.realms.python.blob import Blob, File
from swruntime.realms.python.context import RealmContext

_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_HOLES = 1_000_000
"""Arrays that lack more items than this, all together, are not made into lists: lengths cost JavaScript nothing."""
_INDEX = re.compile("0|[1-9][0-9]{0,9}")
"""An array index: https://tc39.es/ecma262/#array-index. "01" names another property than "1"."""
_Step = tuple[str, object]
"""From a value to one in it: how to write it, and the index or key. It is written for an error only."""

_PLAIN = (type(None), bool, int, float, str)
_COMPOSED = (bytes, bytearray, list, tuple, dict, set, frozenset, datetime)

TAKEN = (
    "None, bool, int, float, str, bytes, bytearray, list, tuple, dict, set, frozenset, datetime, exceptions, "
    "Blobs, and MessagePorts that are transferred"
)


@attrs.frozen
class Serialized:
    """A value that a realm of another language has serialized already. A script never holds one."""

    message: Message


def serialize(value: object, transferred: Sequence[object] = ()) -> Message:
    """`value` in the form that belongs to no realm. Of `transferred` objects only their place is written down.

    Raises DataCloneError, which names what cannot be cloned and where in `value` it is.
    """
    if isinstance(value, Serialized):
        return value.message
    return _Serializer(transferred).run(value)


def deserialize(message: Message, ports: Sequence[object] = (), context: RealmContext | None = None) -> Any:
    """A value of this realm for `message`, with `ports` in the places of those that were transferred.

    `context` is the realm's, for a message that has Blobs.

    Raises DataCloneError for what Python has no value for, as a set of lists; no Python realm sends that.
    """
    return _Deserializer(message, ports, context).run()


class _Serializer:
    def __init__(self, transferred: Sequence[object]) -> None:
        self._nodes: list[Node | None] = []
        self._pending: list[tuple[int, Any]] = []
        self._index: dict[int, int] = {}
        """The node of each object that was met, by its `id`: the value being cloned keeps them alive."""
        self._parents: list[tuple[int | None, _Step]] = []
        """Of each node the one that it was met in first, and where there: the way to it, for an error."""
        for index, each in enumerate(transferred):
            self._index[id(each)] = len(self._nodes)
            self._nodes.append(messages.PortRef(index))
            self._parents.append((None, ("transfer[{}]", index)))

    def run(self, value: object) -> Message:
        root = self._value(value, None, ("message", None))
        while self._pending:
            index, each = self._pending.pop()
            self._nodes[index] = self._node(index, each)
        return Message(root, tuple(node for node in self._nodes if node is not None))

    def _value(self, value: Any, parent: int | None, step: _Step) -> Value:
        if type(value) in _PLAIN:
            return value  # type: ignore[no-any-return]
        index = self._index.get(id(value))
        if index is None:
            if type(value) not in _COMPOSED and not isinstance(value, Exception | Blob):
                raise DataCloneError(
                    f"{self._way(parent, step)} is {_described(value)}; a message takes {TAKEN}"
                )
            index = self._index[id(value)] = len(self._nodes)
            self._nodes.append(None)
            self._parents.append((parent, step))
            self._pending.append((index, value))
        return Ref(index)

    def _node(self, at: int, value: Any) -> Node:
        match value:
            case bytes() | bytearray():
                return messages.Bytes(bytes(value), mutable=isinstance(value, bytearray))
            case list() | tuple():
                items = tuple(self._value(each, at, ("[{}]", i)) for i, each in enumerate(value))
                return messages.Array(items, mutable=isinstance(value, list))
            case dict():
                return self._dict_node(at, value)
            case set() | frozenset():
                members = tuple(self._value(each, at, ("{{...}}", None)) for each in value)
                return messages.Set(members, mutable=isinstance(value, set))
            case datetime():
                offset = value.utcoffset()
                wall = (value.replace(tzinfo=None) - _EPOCH) // _MICROSECOND
                return messages.Date(wall, None if offset is None else offset // _MICROSECOND)
            case File():
                return messages.Blob(value._data, value.type, value.name, value.last_modified)
            case Blob():
                return messages.Blob(value._data, value.type)
        return _error_node(value)

    def _dict_node(self, at: int, value: dict[Any, Any]) -> Node:
        if all(type(key) is str for key in value):
            return messages.Object(
                tuple((key, self._value(v, at, ("[{}]", key))) for key, v in value.items())
            )
        entries = [
            (self._value(key, at, (".keys()", None)), self._value(v, at, ("[{}]", key)))
            for key, v in value.items()
        ]
        return messages.Map(tuple(entries))

    def _way(self, parent: int | None, step: _Step) -> str:
        steps = [_written(step)]
        while parent is not None:
            parent, step = self._parents[parent]
            steps.append(_written(step))
        if len(steps) > 12:
            steps[6:-6] = ["..."]
        return "".join(reversed(steps))


class _Deserializer:
    def __init__(self, message: Message, ports: Sequence[object], context: RealmContext | None) -> None:
        self._message = message
        self._ports = ports
        self._context = context
        self._made: dict[int, Any] = {}
        self._holes = 0

    def run(self) -> Any:
        # What can change is made empty first: every cycle passes through one of those.
        nodes = self._message.nodes
        for index, node in enumerate(nodes):
            match node:
                case messages.Array(mutable=True) | messages.SparseArray():
                    self._made[index] = []
                case messages.Object() | messages.Map():
                    self._made[index] = {}
                case messages.Set(mutable=True):
                    self._made[index] = set()
        for index in range(len(nodes)):
            self._make(index)
        for index, node in enumerate(nodes):
            self._fill(self._made[index], node)
        return self._value(self._message.root)

    def _make(self, index: int) -> None:
        """Make the node and, before it, what is in it. Does nothing for what was made before."""
        wanted = [index]
        while wanted:
            at = wanted[-1]
            if at in self._made:
                wanted.pop()
                continue
            node = self._message.nodes[at]
            missing = [each.index for each in _parts(node) if each.index not in self._made]
            if missing:
                wanted += missing
            else:
                self._made[at] = self._immutable(node)

    def _immutable(self, node: Node) -> Any:
        match node:
            case messages.Bytes(data, mutable):
                return bytearray(data) if mutable else data
            case messages.Array(items):
                return tuple(self._value(each) for each in items)
            case messages.Set(members):
                return frozenset(self._hashable([self._value(each) for each in members], "a member of a set"))
            case messages.Date(microseconds, offset):
                return _date(microseconds, offset)
            case messages.Error():
                return _exception(node)
            case messages.Blob():
                assert self._context is not None, "a message with a Blob needs a realm"
                return _blob(self._context, node)
            case messages.PortRef(index):
                return self._ports[index]
            case messages.ArrayBuffer(data):
                return data
            case messages.View():
                return self._view(node)
            case messages.Boxed(value):
                return self._value(value)
            case messages.RegExp(source):
                raise DataCloneError(f"Python has no value for the RegExp /{source}/")
            case messages.InvalidDate():
                raise DataCloneError("Python has no value for an invalid Date")
        raise AssertionError(f"{node!r} was made before")

    def _fill(self, made: Any, node: Node) -> None:
        match node:
            case messages.Array(items, mutable=True):
                made.extend(self._value(each) for each in items)
            case messages.SparseArray(length, entries):
                self._fill_sparse(made, length, entries)
            case messages.Object(entries):
                made.update((key, self._value(each)) for key, each in entries)
            case messages.Map(pairs):
                keys = self._hashable([self._value(key) for key, _ in pairs], "a key of a dict")
                made.update(zip(keys, (self._value(each) for _, each in pairs), strict=True))
            case messages.Set(members, mutable=True):
                made.update(self._hashable([self._value(each) for each in members], "a member of a set"))

    def _fill_sparse(self, made: list[Any], length: int, entries: tuple[tuple[str, Value], ...]) -> None:
        """A hole is None, as undefined is; what is not an item has no place in a list and is left out."""
        self._holes += max(0, length - len(entries))
        if self._holes > _HOLES:
            raise DataCloneError(f"an array has {length:,} items, of which {len(entries):,} are there")
        made.extend([None] * length)
        for key, each in entries:
            if _INDEX.fullmatch(key) and int(key) < length:
                made[int(key)] = self._value(each)

    def _view(self, view: messages.View) -> bytes:
        buffer = self._message.nodes[view.buffer]
        assert isinstance(buffer, messages.ArrayBuffer)
        size = messages.ELEMENT_SIZES[view.type]
        length = (len(buffer.data) - view.offset) // size if view.length is None else view.length
        return buffer.data[view.offset : view.offset + length * size]

    def _value(self, value: Value) -> Any:
        match value:
            case Ref(index):
                return self._made[index]
            case messages.Undefined():
                return None
            case messages.BigInt(number):
                return number
        return value

    def _hashable(self, values: list[Any], what: str) -> list[Any]:
        for value in values:
            try:
                hash(value)
            except TypeError:
                raise DataCloneError(
                    f"{what} is a {type(value).__name__}, which Python cannot hash"
                ) from None
        if len(set(values)) != len(values):
            raise DataCloneError(f"{what} is there twice: Python does not tell 1, 1.0 and True apart")
        return values


def _blob(context: RealmContext, node: messages.Blob) -> Blob:
    """https://w3c.github.io/FileAPI/#blob-section and #file-section, deserialization steps"""
    if node.name is None:
        return Blob._of(context, node.data, node.type)
    return File._named(context, node.data, node.type, node.name, node.last_modified)


def _parts(node: Node) -> list[Ref]:
    """What must be made before an immutable node is."""
    match node:
        case messages.Array(values, mutable=False) | messages.Set(values, mutable=False):
            return [value for value in values if isinstance(value, Ref)]
    return []


def _date(microseconds: int, offset: int | None) -> datetime:
    try:
        wall = _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        raise DataCloneError(
            f"Python has no value for a date {microseconds} microseconds from 1970"
        ) from None
    if offset is None:
        return wall
    return wall.replace(tzinfo=timezone(timedelta(microseconds=offset)))


_DOM_EXCEPTIONS = {cls.name: cls for cls in DOMException.__subclasses__()}


def _error_node(error: Exception) -> messages.Error:
    # A message that is not a str has nothing to be but its text.
    message = error.args[0] if len(error.args) == 1 and isinstance(error.args[0], str) else str(error)
    if isinstance(error, DOMException):
        return messages.Error(error.name, str(message), dom=True)
    builtin = next(cls for cls in type(error).__mro__ if cls.__module__ == "builtins")
    return messages.Error("Error" if builtin is Exception else builtin.__name__, str(message))


def _exception(node: messages.Error) -> Exception:
    if node.dom:
        return _DOM_EXCEPTIONS.get(node.name, DOMException)(node.message)
    cls = getattr(builtins, node.name, None)
    if isinstance(cls, type) and issubclass(cls, Exception):
        try:
            return cls(node.message)
        except TypeError:
            pass  # a UnicodeDecodeError, an ExceptionGroup: a message alone does not make one
    return Exception(node.message)


def _described(value: object) -> str:
    cls = type(value)
    if isinstance(value, Promise) or inspect.isawaitable(value):
        return f"a {cls.__name__}, not its result (await it first)"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if inspect.ismodule(value):
        return f"the module {value.__name__}"
    if inspect.isroutine(value):
        return f"the function {getattr(value, '__name__', cls.__name__)}"
    hint = getattr(cls, "_clone_hint", None)
    if hint is None and isinstance(value, _COMPOSED + _PLAIN[1:]):
        base = next(base for base in cls.__mro__ if base in _COMPOSED + _PLAIN)
        hint = f"{base.__name__}(it) would do"
    return f"an object of class {cls.__name__}" + (f" ({hint})" if hint else "")


def _written(step: _Step) -> str:
    template, key = step
    return template.format(webidl.shown(key))
