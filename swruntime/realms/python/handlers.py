"""Top-level functions that handle events by their name: `on` + an event type of the scope.

An event name that does not exist, `onbackgroundfetchfailure`, is a mistake that browsers never show: the
function is just not called. So a name that is nearly right is told.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from inspect import isfunction
from typing import Any

import attrs

from swruntime.realms.python.context import RealmContext

_SIMILAR = 0.75
_SURELY_MEANT = 0.9
_LONG = len("periodicsync")


@attrs.frozen
class NearMiss:
    """A function whose name is not that of a handler, but nearly; `nearest` is one."""

    function: Callable[..., object]
    name: str
    nearest: str


def collect_handlers(
    namespace: Mapping[str, Any], event_types: Iterable[str]
) -> tuple[dict[str, Callable[[Any], object]], tuple[NearMiss, ...]]:
    """The handlers in a script's globals, by event type, in the order of definition; and near misses."""
    types = tuple(event_types)
    handlers: dict[str, Callable[[Any], object]] = {}
    near: list[NearMiss] = []
    for name, value in namespace.items():
        if not name.startswith("on") or not callable(value):
            continue
        if name[2:] in types:
            handlers[name[2:]] = value
        elif isfunction(value):
            nearest = difflib.get_close_matches(_plain(name[2:]), types, n=1, cutoff=_SIMILAR)
            if nearest:
                near.append(NearMiss(value, name, "on" + nearest[0]))
    return handlers, tuple(near)


def tell_near_misses(context: RealmContext, misses: Iterable[NearMiss]) -> None:
    """A diagnostic for each, with the line of its `def`."""
    for miss in misses:
        text = f"{miss.name} handles no event of this scope; did you mean {miss.nearest}?"
        context.diagnose("unknown-event-name", text, context.where_of_function(miss.function))


def tell_listeners(
    context: RealmContext, types: Iterable[tuple[str, str | None]], known: tuple[str, ...]
) -> None:
    """As for functions, of what was given to add_event_listener: the type, and where it was given.

    A script may have events of its own, whose names are like some that there are; so only what is like a long one
    counts, or what is one of them but for its capitals and underscores.
    """
    for type, where in types:
        if type in known:
            continue
        near = difflib.get_close_matches(_plain(type), known, n=1, cutoff=_SURELY_MEANT)
        if near and (_plain(type) == near[0] or len(near[0]) >= _LONG):
            text = f"{type!r} is not an event of this scope; did you mean {near[0]!r}?"
            context.diagnose("unknown-event-name", text, where)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
