"""Notifications and push subscriptions, in memory and on disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, strategies as st

from swruntime.concepts import messages as m
from swruntime.concepts.messages import Message, Ref
from swruntime.concepts.notifications import NotificationAction, NotificationConcept
from swruntime.concepts.push import PushSubscriptionConcept
from swruntime.ports.store import Store, StoredNotification, StoredRegistration
from swruntime.realms.python.structured_clone import deserialize, serialize
from swruntime.storage import memory_store, open_profile
from swruntime.storage.values import from_json, to_json

KEY = "https://a.example"
SCOPE = "https://a.example/app/"
OTHER = "https://a.example/"

DATA: dict[Any, Any] = {
    "plain": [None, True, 1, 1.5, "\ud800"],
    "more": (b"\x00\xff", bytearray(b"y"), {1: 2, "k": None}, {"s"}, frozenset({3})),
    "when": [datetime(2026, 1, 2, 3, 4, 5, 6), datetime(2026, 1, 2, tzinfo=UTC)],
    "errors": [ValueError("v")],
}
DATA["self"] = DATA

FULL = NotificationConcept(
    title="\ud800 Title",
    direction="ltr",
    language="en",
    body="Body",
    navigate="https://a.example/x",
    tag="t",
    image="https://a.example/image",
    icon="https://a.example/icon",
    badge="https://a.example/badge",
    vibrate=(1, 2, 3),
    timestamp=123,
    renotify=True,
    silent=False,
    require_interaction=True,
    data=serialize(DATA),
    actions=(NotificationAction("go", "Go", "https://a.example/go", None), NotificationAction("", "")),
)
SUBSCRIPTION = PushSubscriptionConcept(
    token="x",
    user_visible_only=True,
    application_server_key=b"\x04key",
    private_key=b"private",
    p256dh=b"public",
    auth=b"auth",
    expiration_time=5,
)


class Changed(Exception):
    """Raised inside a transaction, to take it back."""


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store: Store = memory_store() if request.param == "memory" else open_profile(tmp_path / "profile")
    yield store
    store.close()


def stored(title: str, scope: str = SCOPE, key: str = KEY) -> StoredNotification:
    return StoredNotification(0, key, scope, NotificationConcept(title=title))


def titles(store: Store) -> list[str]:
    return [each.notification.title for each in store.notifications()]


def test_everything_of_a_notification_comes_back(store: Store) -> None:
    number = store.add_notification(StoredNotification(0, KEY, SCOPE, FULL))
    assert list(store.notifications()) == [StoredNotification(number, KEY, SCOPE, FULL)]
    found = deserialize(store.notifications()[0].notification.data)
    assert found["self"] is found
    assert [type(each) for each in found["more"]] == [bytes, bytearray, dict, set, frozenset]
    assert (found["plain"], found["more"], found["when"]) == (DATA["plain"], DATA["more"], DATA["when"])


JAVASCRIPT = Message(
    Ref(0),
    (
        m.Array((Ref(1), Ref(2), m.Undefined(), m.BigInt(5), 2**64, 10**5000, -(10**5000))),
        m.SparseArray(9, (("0", m.Undefined()), ("x", Ref(0)), ("\ud800", -0.0))),
        m.Map(((m.BigInt(-1), 10**5000), (m.Undefined(), Ref(3)))),
        m.RegExp("a/", "g"),
        m.Boxed(m.BigInt(1)),
        m.Boxed(10**5000),
        m.InvalidDate(),
        m.View("DataView", 9, 2, None),
        m.View("Float16Array", 9, 0, 2),
        m.ArrayBuffer(b"\x00\xffab", 16),
        m.ArrayBuffer(b""),
        m.Object((("__proto__", 10**5000),)),
        m.Set((10**5000, Ref(11))),
        m.Error("TypeError", "t"),
        m.Error("AbortError", "a", dom=True),
    ),
)
"""What only JavaScript sends, and whole numbers that Python does not write in decimal."""


def test_what_javascript_sends_comes_back(store: Store) -> None:
    notification = NotificationConcept(title="", data=JAVASCRIPT)
    store.add_notification(StoredNotification(0, KEY, SCOPE, notification))
    found = store.notifications()[0].notification.data
    assert found == JAVASCRIPT
    assert isinstance(found, Message)
    sparse = found.nodes[1]
    assert isinstance(sparse, m.SparseArray)
    assert repr(sparse.entries[2][1]) == "-0.0"


@pytest.mark.parametrize(
    "number",
    [
        0,
        2**53 - 1,
        2**53,
        -(2**64),
        10**300,
        -(10**300),
        pytest.param(10**5000, id="of 5001 digits"),
    ],
)
def test_a_whole_number_of_any_size(number: int) -> None:
    message = Message(number, ())
    assert from_json(to_json(message), Message) == message


def test_a_message_of_an_older_version() -> None:
    text = (
        '{"root":{"index":0},"nodes":[{"entries":[["a",1],["b",{"index":1}],["c",18446744073709551616]],"_type":"Object"},'
        '{"items":[null,true,1.5,"x"],"mutable":false,"_type":"Array"}]}'
    )
    assert from_json(text, Message) == Message(
        Ref(0),
        (
            m.Object((("a", 1), ("b", Ref(1)), ("c", 2**64))),
            m.Array((None, True, 1.5, "x"), mutable=False),
        ),
    )


def test_one_is_deleted_and_its_number_is_never_used_again(store: Store) -> None:
    first, second = store.add_notification(stored("first")), store.add_notification(stored("second"))
    store.delete_notification(second)
    store.delete_notification(second)
    assert titles(store) == ["first"]
    assert store.add_notification(stored("third")) > second > first


def test_one_replaces_another_or_nothing_happens(store: Store) -> None:
    old = store.add_notification(stored("old"))
    store.add_notification(stored("other"))
    with suppress(Changed), store.transaction():
        store.add_notification(stored("never"), old)
        raise Changed
    assert titles(store) == ["old", "other"]
    store.add_notification(stored("new"), old)
    assert titles(store) == ["other", "new"]


def test_a_subscription_comes_back_and_is_replaced(store: Store) -> None:
    assert store.push_subscription(KEY, SCOPE) is None
    first = store.add_push_subscription(KEY, SCOPE, SUBSCRIPTION)
    assert first == attrs.evolve(SUBSCRIPTION, number=first.number)
    assert store.push_subscription(KEY, SCOPE) == first
    second = store.add_push_subscription(KEY, SCOPE, attrs.evolve(SUBSCRIPTION, application_server_key=None))
    assert store.push_subscription(KEY, SCOPE) == second
    assert store.push_subscription(KEY, OTHER) is None
    assert store.push_subscription("https://b.example", SCOPE) is None
    store.delete_push_subscription(KEY, SCOPE)
    store.delete_push_subscription(KEY, SCOPE)
    assert store.push_subscription(KEY, SCOPE) is None
    third = store.add_push_subscription(KEY, SCOPE, SUBSCRIPTION)
    # With the same token: the number keeps the endpoints apart.
    assert len({first.endpoint, second.endpoint, third.endpoint}) == 3


def test_they_go_with_their_registration_alone(store: Store) -> None:
    for scope in (SCOPE, OTHER):
        store.save_registration(StoredRegistration(KEY, scope))
        store.add_notification(stored(scope, scope))
        store.add_push_subscription(KEY, scope, SUBSCRIPTION)
    store.delete_registration(KEY, SCOPE)
    assert titles(store) == [OTHER]
    assert store.push_subscription(KEY, SCOPE) is None
    assert store.push_subscription(KEY, OTHER) is not None


def test_numbers_go_on_in_the_next_process(tmp_path: Path) -> None:
    first = open_profile(tmp_path)
    last = first.add_notification(stored("gone"))
    before = first.add_push_subscription(KEY, SCOPE, SUBSCRIPTION)
    first.delete_notification(last)
    first.delete_push_subscription(KEY, SCOPE)
    first.close()
    again = open_profile(tmp_path)
    assert again.add_notification(stored("new")) > last
    assert again.add_push_subscription(KEY, SCOPE, SUBSCRIPTION).number > before.number
    again.close()


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    PLAIN | st.binary() | st.binary().map(bytearray),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text(), inner)
        | st.dictionaries(st.integers(), inner)
        | st.sets(st.text())
    ),
    max_leaves=20,
)


@given(VALUES)
def test_all_that_can_be_cloned_can_be_kept(value: object) -> None:
    concept = NotificationConcept(title="", data=serialize(value))
    assert from_json(to_json(concept), NotificationConcept) == concept
