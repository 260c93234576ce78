"""Notifications of what scripts give: https://notifications.spec.whatwg.org/#create-a-notification"""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from swruntime.algorithms.notifications import (
    MAX_ACTIONS,
    MAX_VIBRATION,
    MAX_VIBRATIONS,
    create,
    vibration_pattern,
)
from swruntime.concepts.messages import Message
from swruntime.concepts.notifications import NotificationAction, NotificationConcept

BASE = "https://a.example/app/worker.py"
DEFAULTS: dict[str, object] = {
    "dir": "auto", "lang": "", "body": "", "navigate": None, "tag": "", "image": None, "icon": None,
    "badge": None, "vibrate": None, "timestamp": None, "renotify": False, "silent": None,
    "require_interaction": False, "actions": (),
}  # fmt: skip
DATA = Message("data")


def created(title: object = "Title", **options: object) -> NotificationConcept:
    return create(title, {**DEFAULTS, **options}, DATA, BASE, 1234)


def test_defaults() -> None:
    assert created() == NotificationConcept(title="Title", timestamp=1234, data=DATA)


def test_everything() -> None:
    actions = [
        {"action": "go", "title": "Go", "icon": "go.png", "navigate": "/there"},
        {"action": "", "title": ""},
        {"action": "third", "title": "is skipped"},
    ]
    found = created(
        dir="rtl", lang="ar", body="Body", navigate="../x", tag="t", image="i.png", icon="/i", badge="//b/",
        vibrate=[1, 2, 3], timestamp=7, renotify=True, silent=False, require_interaction=True, actions=actions,
    )  # fmt: skip
    assert found == NotificationConcept(
        title="Title",
        direction="rtl",
        language="ar",
        body="Body",
        navigate="https://a.example/x",
        tag="t",
        image="https://a.example/app/i.png",
        icon="https://a.example/i",
        badge="https://b/",
        vibrate=(1, 2, 3),
        timestamp=7,
        renotify=True,
        silent=False,
        require_interaction=True,
        data=DATA,
        actions=(
            NotificationAction("go", "Go", "https://a.example/there", "https://a.example/app/go.png"),
            NotificationAction("", ""),
        ),
    )
    assert len(found.actions) == MAX_ACTIONS


def test_a_url_that_does_not_parse_is_none() -> None:
    found = created(icon="http://:bad", actions=[{"action": "a", "title": "A", "icon": "http://:bad"}])
    assert (found.icon, found.actions) == (None, (NotificationAction("a", "A"),))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"title": 5}, "title is 5; expected a str"),
        ({"title": None}, "title is None; expected a str"),
        ({"silent": True, "vibrate": 5}, "^silent is True and vibrate is given"),
        ({"silent": True, "vibrate": ()}, "silent is True and vibrate is given"),
        ({"silent": "yes"}, "silent is 'yes'; expected True or False"),
        ({"renotify": True}, "^renotify is True and tag is ''"),
        ({"renotify": "x"}, "^renotify is 'x'; expected True or False"),
        ({"tag": 5}, "^tag is 5; expected a str"),
        ({"lang": 5}, "^lang is 5; expected a str"),
        ({"actions": [{"action": 5, "title": ""}]}, r"^actions\[0\]\['action'\] is 5; expected a str"),
        ({"actions": [{"action": "", "title": 5}]}, r"^actions\[0\]\['title'\] is 5; expected a str"),
        (
            {"actions": [{"action": "", "title": "", "navigate": 5}]},
            r"^actions\[0\]\['navigate'\] is 5; expected a str",
        ),
        (
            {"actions": [{"action": "", "title": "", "icon": 5}]},
            r"^actions\[0\]\['icon'\] is 5; expected a str",
        ),
        ({"dir": "up"}, "dir is 'up'; expected one of 'auto', 'ltr', 'rtl'"),
        ({"body": b"bytes"}, "body is b'bytes'; expected a str"),
        ({"navigate": 5}, "^navigate is 5; expected a str"),
        ({"image": 5}, "^image is 5; expected a str"),
        ({"icon": 5}, "icon is 5; expected a str"),
        ({"badge": 5}, "^badge is 5; expected a str"),
        ({"timestamp": -1}, "timestamp is -1; expected a whole number"),
        ({"require_interaction": 1}, "require_interaction is 1; expected True or False"),
        ({"actions": "go"}, "actions is 'go'; expected a list"),
        ({"actions": ["go"]}, r"actions\[0\] is 'go'; expected a dict"),
        ({"actions": [{"action": "go"}]}, r"actions\[0\] is .*expected a dict with 'action' and 'title'"),
        ({"actions": [{"title": "Go"}]}, "expected a dict with 'action' and 'title'"),
        # One that is skipped is converted all the same.
        ({"actions": [{"action": "", "title": ""}] * 2 + [{}]}, r"actions\[2\] is {}"),
        ({"vibrate": "long"}, "vibrate is 'long'; expected a list"),
        ({"vibrate": [1, "2"]}, r"vibrate\[1\] is '2'; expected a whole number"),
        ({"vibrate": True}, "vibrate is True; expected a list"),
    ],
)
def test_what_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        created(**options)


@given(st.integers(0, 2**53 - 1) | st.lists(st.integers(0, 2**53 - 1), max_size=MAX_VIBRATIONS + 5))
def test_a_pattern_is_short_and_does_not_end_with_a_pause(value: int | list[int]) -> None:
    found = vibration_pattern("vibrate", value)
    assert len(found) <= MAX_VIBRATIONS
    assert all(0 <= each <= MAX_VIBRATION for each in found)
    given_times = [value] if isinstance(value, int) else value
    assert len(found) % 2 or not found
    assert len(given_times) - len(found) <= 1 or len(given_times) > MAX_VIBRATIONS
    assert list(found) == [min(each, MAX_VIBRATION) for each in given_times[: len(found)]]
    assert vibration_pattern("vibrate", found) == found
