"""swruntime.realms.python.structured_clone: what a message keeps of a value, and what it refuses."""

from __future__ import annotations

import asyncio
import collections
import enum
import math
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, NamedTuple

import pytest
from hypothesis import given, strategies as st

from swruntime.concepts import messages
from swruntime.concepts.messages import Message, Ref
from swruntime.errors import AbortError, DataCloneError, DOMException, QuotaExceededError
from swruntime.realms.python.structured_clone import deserialize, serialize


def clone(value: object) -> Any:
    return deserialize(serialize(value))


zones = st.none() | st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.datetimes(timezones=zones)
)
hashables = st.recursive(
    leaves, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=5
)
values = st.recursive(
    hashables | st.binary().map(bytearray),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text(), inner)
        | st.dictionaries(hashables, inner)
        | st.sets(hashables)
    ),
    max_leaves=20,
)


def mutable(value: object) -> set[int]:
    """The ids of all in `value` that can be changed."""
    found: set[int] = set()
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list | dict | set | bytearray):
            if id(each) in found:
                continue
            found.add(id(each))
        if isinstance(each, dict):
            waiting += [*each.keys(), *each.values()]
        elif isinstance(each, list | tuple | set | frozenset):
            waiting += each
    return found


def types(value: object) -> object:
    """Types, to tell 1 from True and a list from a tuple, whatever `==` says."""
    if isinstance(value, dict):
        return type(value), [(types(k), types(v)) for k, v in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [types(each) for each in value]
    return type(value)


@given(values)
def test_a_clone_is_equal_and_shares_nothing_that_can_be_changed(value: object) -> None:
    cloned = clone(value)
    assert cloned == value
    assert types(cloned) == types(value)
    assert not mutable(cloned) & mutable(value)


@given(values)
def test_a_message_can_be_read_twice(value: object) -> None:
    message = serialize(value)
    one, other = deserialize(message), deserialize(message)
    assert one == other == value
    assert not mutable(one) & mutable(other)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_any_graph_of_lists_keeps_its_shape(edges: list[tuple[int, int]]) -> None:
    graph: list[list[Any]] = [[i] for i in range(10)]
    for a, b in edges:
        graph[a].append(graph[b])
    cloned = clone(graph)
    place = {id(node): i for i, node in enumerate(cloned)}
    assert len(place) == 10
    for i, node in enumerate(graph):
        assert cloned[i] is not node
        assert cloned[i][0] == i
        assert [place[id(each)] for each in cloned[i][1:]] == [each[0] for each in node[1:]]


def test_cycles_through_every_kind_of_container() -> None:
    ring: dict[Any, Any] = {}
    ring["self"] = ring
    ring["list"] = [ring, ring]
    ring["tuple"] = (ring, [ring])
    ring[1] = {"back": ring["list"]}
    cloned = clone(ring)
    assert cloned is not ring
    assert cloned["self"] is cloned
    assert cloned["list"][0] is cloned["list"][1] is cloned["tuple"][0] is cloned["tuple"][1][0] is cloned
    assert cloned[1]["back"] is cloned["list"]


def test_a_list_in_its_own_tuple() -> None:
    inner: list[Any] = []
    outer = (inner,)
    inner.append(outer)
    cloned = clone(outer)
    assert cloned[0][0] is cloned


def test_shared_values_are_shared_again() -> None:
    shared = {"a": 1}
    error = ValueError("x")
    when = datetime(2026, 1, 1, tzinfo=UTC)
    cloned = clone([shared, shared, error, error, (when, when)])
    assert cloned[0] is cloned[1]
    assert cloned[2] is cloned[3]
    assert cloned[4][0] is cloned[4][1]


def test_equal_values_that_were_two_stay_two() -> None:
    cloned = clone([[], []])
    assert cloned[0] is not cloned[1]


@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: (v,), lambda v: {"k": v}, lambda v: {1: v}])
def test_nesting_is_limited_by_memory_only(wrap: Any) -> None:
    value: Any = "bottom"
    for _ in range(20_000):
        value = wrap(value)
    cloned = clone(value)
    for _ in range(20_000):
        cloned = next(iter(cloned.values() if isinstance(cloned, dict) else cloned))
    assert cloned == "bottom"


def test_numbers_of_every_size() -> None:
    assert clone(10**100) == 10**100
    assert math.isnan(clone(math.nan))
    assert clone([math.inf, -0.0])[0] == math.inf
    assert math.copysign(1, clone(-0.0)) == -1
    assert clone([True, 1, 1.0]) == [True, 1, 1.0]
    assert [type(each) for each in clone([True, 1, 1.0])] == [bool, int, float]


def test_text_that_is_no_unicode_scalar() -> None:
    assert clone("\ud800") == "\ud800"


def test_a_bytearray_is_copied_when_it_is_posted() -> None:
    data = bytearray(b"abc")
    message = serialize(data)
    data[0] = 0
    assert deserialize(message) == bytearray(b"abc")


def test_the_order_of_a_dict() -> None:
    assert list(clone({"b": 1, "a": 2})) == ["b", "a"]
    assert list(clone({"b": 1, 0: 2, None: 3})) == ["b", 0, None]


@pytest.mark.parametrize(
    ("error", "cls", "text"),
    [
        (ValueError("no"), ValueError, "no"),
        (KeyError("k"), KeyError, "'k'"),
        (KeyError(3), KeyError, "'3'"),
        (OSError("the disk"), OSError, "the disk"),
        (FileNotFoundError(2, "No such file"), FileNotFoundError, "[Errno 2] No such file"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), Exception, "'utf-8' codec"),
        (Exception("plain"), Exception, "plain"),
        (RuntimeError(), RuntimeError, ""),
        (AbortError("gone"), AbortError, "gone"),
        (QuotaExceededError("full", quota=1), QuotaExceededError, "full"),
        (DOMException("some"), DOMException, "some"),
    ],
)
def test_exceptions(error: Exception, cls: type[Exception], text: str) -> None:
    cloned = clone([error])[0]
    assert type(cloned) is cls
    assert str(cloned).startswith(text)
    assert cloned is not error
    assert cloned.__traceback__ is None


def test_an_exception_of_a_class_of_the_script_arrives_as_the_class_that_all_realms_know() -> None:
    class NotThereError(LookupError):
        pass

    class MineError(Exception):
        pass

    class AbortedByMeError(AbortError):
        pass

    assert [type(clone(cls("x"))) for cls in (NotThereError, MineError, AbortedByMeError)] == [
        LookupError,
        Exception,
        AbortError,
    ]


def test_dates() -> None:
    naive = datetime(2026, 3, 29, 2, 30, 0, 123456)
    assert clone(naive) == naive
    assert clone(naive).tzinfo is None
    ahead = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert clone(ahead) == ahead
    assert clone(ahead).utcoffset() == timedelta(hours=5, minutes=30)
    for extreme in (datetime.min, datetime.max):
        assert clone(extreme) == extreme


class Colour(enum.IntEnum):
    RED = 1


class Pair(NamedTuple):
    a: int


class Plain:
    pass


def a_function() -> None: ...


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (a_function, "the function a_function"),
        (lambda: None, "the function <lambda>"),
        (len, "the function len"),
        ([].append, "the function append"),
        (Plain, "the class Plain"),
        (Plain(), "an object of class Plain"),
        (math, "the module math"),
        (Colour.RED, "an object of class Colour (int(it) would do)"),
        (Pair(1), "an object of class Pair (tuple(it) would do)"),
        (collections.OrderedDict(), "an object of class OrderedDict (dict(it) would do)"),
        (date(2026, 1, 1), "an object of class date"),
        (1j, "an object of class complex"),
        (range(3), "an object of class range"),
        ({}.keys(), "an object of class dict_keys"),
        (memoryview(b""), "an object of class memoryview"),
        (iter(()), "an object of class tuple_iterator"),
        (KeyboardInterrupt(), "an object of class KeyboardInterrupt"),
        (object(), "an object of class object"),
    ],
)
def test_what_cannot_be_cloned_is_named(value: object, what: str) -> None:
    with pytest.raises(DataCloneError) as raised:
        serialize(value)
    assert str(raised.value).startswith(f"message is {what};")
    assert "datetime" in str(raised.value)


async def test_a_coroutine_is_to_be_awaited_first() -> None:
    coroutine = asyncio.sleep(0)
    with pytest.raises(DataCloneError, match="await it first"):
        serialize(coroutine)
    coroutine.close()


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ([0, [a_function]], "message[1][0]"),
        ({"a": {"b": (1, a_function)}}, "message['a']['b'][1]"),
        ({1: {None: a_function}}, "message[1][None]"),
        ({a_function: 1}, "message.keys()"),
        ([{a_function}], "message[0]{...}"),
        ({"{}": a_function}, "message['{}']"),
    ],
)
def test_where_it_is_in_the_value(value: object, where: str) -> None:
    with pytest.raises(DataCloneError) as raised:
        serialize(value)
    assert str(raised.value).startswith(f"{where} is the function a_function")


def test_a_long_way_is_cut() -> None:
    value: object = a_function
    for i in range(1000):
        value = [value] if i % 2 else {"k": value}
    with pytest.raises(DataCloneError) as raised:
        serialize(value)
    assert len(str(raised.value)) < 400
    assert str(raised.value).startswith("message[0]['k']")


def test_a_value_that_cannot_be_cloned_leaves_no_trace() -> None:
    value = {"a": [1, a_function]}
    with pytest.raises(DataCloneError):
        serialize(value)
    assert value == {"a": [1, a_function]}


def test_transferred_objects_are_places() -> None:
    one, other = object(), object()
    message = serialize({"a": other, "b": [one, other]}, [one, other])
    cloned = deserialize(message, ["first", "second"])
    assert cloned == {"a": "second", "b": ["first", "second"]}


# What another language may send, and Python has no value for.


@pytest.mark.parametrize(
    "message",
    [
        Message(Ref(0), (messages.Set((Ref(1),)), messages.Array(()))),
        Message(Ref(0), (messages.Map(((Ref(1), 1),)), messages.Object(()))),
        Message(Ref(0), (messages.Map(((1, "number"), (True, "boolean"))),)),
        Message(Ref(0), (messages.Set((1, True)),)),
        Message(Ref(0), (messages.Date(10**18),)),
    ],
)
def test_a_message_without_a_python_value(message: Message) -> None:
    with pytest.raises(DataCloneError):
        deserialize(message)


def test_an_error_of_another_language() -> None:
    cloned = deserialize(Message(Ref(0), (messages.Error("URIError", "malformed"),)))
    assert type(cloned) is Exception
    assert str(cloned) == "malformed"
    # Nothing but an exception comes of a name.
    for name in ("print", "KeyboardInterrupt", "Error"):
        assert type(deserialize(Message(Ref(0), (messages.Error(name, "x"),)))) is Exception


def test_the_holes_of_all_arrays_count_together() -> None:
    """A length costs JavaScript nothing: a thousand arrays of holes were eight gigabytes here."""
    node = messages.SparseArray(900_000, (("0", 1),))
    assert len(deserialize(Message(Ref(0), (node,)))) == 900_000
    with pytest.raises(DataCloneError, match="an array has 900,000 items, of which 1 are there"):
        deserialize(Message(Ref(0), (node,) * 1000))
