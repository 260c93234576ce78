"""Making a notification of what a script gave: https://notifications.spec.whatwg.org/#create-a-notification"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from swruntime.algorithms import urls, webidl
from swruntime.concepts.messages import Message
from swruntime.concepts.notifications import NotificationAction, NotificationConcept, NotificationDirection

MAX_ACTIONS = 2
"""*Maximum number of actions*: Chromium's on a desktop. Those beyond it are skipped."""

MAX_VIBRATIONS = 99
MAX_VIBRATION = 10_000
"""Milliseconds. Both are Chromium's, and the Vibration standard leaves them open."""

DIRECTIONS: tuple[NotificationDirection, ...] = get_args(NotificationDirection)


def create(
    title: object, options: Mapping[str, object], data: Message, base_url: str, fallback_timestamp: int
) -> NotificationConcept:
    """*Create a notification* of the options that `show_notification` takes; `data` was cloned already.

    `fallback_timestamp` is in milliseconds since 1970. Raises TypeError, naming the option.
    Spec: https://notifications.spec.whatwg.org/#create-a-notification
    """
    silent = None if options["silent"] is None else webidl.boolean("silent", options["silent"])
    renotify = webidl.boolean("renotify", options["renotify"])
    tag = webidl.dom_string("tag", options["tag"])
    # 2.
    if silent and options["vibrate"] is not None:
        raise TypeError("silent is True and vibrate is given; a silent notification does not vibrate")
    # 3.
    if renotify and not tag:
        raise TypeError("renotify is True and tag is ''; only a notification with a tag replaces another")
    timestamp = options["timestamp"]
    # 4-21.
    return NotificationConcept(
        title=webidl.dom_string("title", title),
        direction=webidl.enumeration("dir", options["dir"], DIRECTIONS),
        language=webidl.dom_string("lang", options["lang"]),
        body=webidl.dom_string("body", options["body"]),
        navigate=_url("navigate", options["navigate"], base_url),
        tag=tag,
        image=_url("image", options["image"], base_url),
        icon=_url("icon", options["icon"], base_url),
        badge=_url("badge", options["badge"], base_url),
        vibrate=() if options["vibrate"] is None else vibration_pattern("vibrate", options["vibrate"]),
        timestamp=fallback_timestamp
        if timestamp is None
        else webidl.enforce_unsigned_long_long("timestamp", timestamp),
        renotify=renotify,
        silent=silent,
        require_interaction=webidl.boolean("require_interaction", options["require_interaction"]),
        data=data,
        actions=_actions(webidl.sequence("actions", options["actions"]), base_url),
    )


def vibration_pattern(name: str, value: object) -> tuple[int, ...]:
    """*Validate and normalize*: a time or a list of times, on and off in turn, in milliseconds. Raises TypeError.

    Spec: https://w3c.github.io/vibration/#dfn-validate-and-normalize
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = [value]
    times = [
        webidl.enforce_unsigned_long_long(f"{name}[{index}]", each)
        for index, each in enumerate(webidl.sequence(name, value))
    ]
    # 3-5. What is too long is cut, and no pattern ends with a pause.
    times = [min(each, MAX_VIBRATION) for each in times[:MAX_VIBRATIONS]]
    return tuple(times if len(times) % 2 else times[:-1])


def _actions(entries: tuple[object, ...], base_url: str) -> tuple[NotificationAction, ...]:
    # Web IDL converts all of them before any is skipped.
    made = [_action(f"actions[{index}]", each, base_url) for index, each in enumerate(entries)]
    return tuple(made[:MAX_ACTIONS])


def _action(name: str, value: object, base_url: str) -> NotificationAction:
    given = webidl.dictionary(name, value)
    for key in ("action", "title"):
        if given.get(key) is None:
            raise TypeError(f"{name} is {webidl.shown(value)}; expected a dict with 'action' and 'title'")
    return NotificationAction(
        webidl.dom_string(f"{name}['action']", given["action"]),
        webidl.dom_string(f"{name}['title']", given["title"]),
        _url(f"{name}['navigate']", given.get("navigate"), base_url),
        _url(f"{name}['icon']", given.get("icon"), base_url),
    )


def _url(name: str, value: object, base_url: str) -> str | None:
    """A URL that does not parse is none, and no error."""
    if value is None:
        return None
    text = webidl.usv_string(name, value)
    try:
        return urls.resolve(text, base_url)
    except TypeError:
        return None
