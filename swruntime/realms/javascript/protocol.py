"""What a process may send, as tables: frames, operations with their arguments, answers. Nothing else is listened to.

The process runs code of origins that nobody vouches for, and whoever gets out of the engine's sandbox speaks for it.
So each frame is held against these tables before anything is done with it; whether this realm may do it with this
object is asked where it is done. What breaks the protocol is a WireError: it ends the realm's process and nothing else.

Members of the platform objects are in faces.py, with the readers of their arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs

from swruntime.realms.javascript import frames, messages
from swruntime.realms.javascript.messages import WireError
from swruntime.realms.javascript.shapes import (
    BOOLEAN,
    BYTES,
    COUNT,
    DICTIONARY,
    OBJECT_NUMBER,
    OWN_NUMBER,
    POSITIVE,
    READ_ELSEWHERE,
    TEXT,
    WHOLE,
    AnyOf,
    AnyShape,
    Keyed,
    ListOf,
    Maybe,
    Members,
    OneOf,
    Shape,
    Tuple,
    check,
    shown,
)

Way = Literal["call", "post", "ask"]
"""How an operation is asked for: with an answer, without one, and while the script stands still."""

PLACE = Maybe(Tuple((TEXT, COUNT, COUNT)))
"""[URL, line, column]: where the script is."""
ERROR = Members({"name": TEXT, "message": TEXT, "dom": BOOLEAN}, {"text": TEXT})
ARGUMENTS = Shape("a list", lambda wire: isinstance(wire, list))

_ASKED = {"op": TEXT, "args": ARGUMENTS}

FRAMES: Mapping[str, Members] = {
    "ready": Members({"version": OneOf((frames.VERSION,))}),
    "call": Members({"id": POSITIVE, **_ASKED}, {"at": PLACE, "event": Maybe(POSITIVE)}),
    "post": Members(_ASKED, {"at": PLACE}),
    "ask": Members(_ASKED, {"at": PLACE}),
    "answer": Members({"id": POSITIVE}, {"value": READ_ELSEWHERE, "error": ERROR, "at": PLACE}),
    "life": Members(
        {"event": POSITIVE, "input": OneOf(("added", "settled", "turn", "finished", "raised"))},
        {"error": Maybe(TEXT), "at": PLACE, "left": ListOf(POSITIVE)},
    ),
    "pulled": Members({"id": POSITIVE}, {"piece": Maybe(BYTES), "error": ERROR}),
    "idle": Members({"seen": COUNT}),
    "alive": Members({}),
    "broken": Members({"text": TEXT}),
}
"""By `t`, the other members."""


@attrs.frozen
class Operation:
    """How it is asked for, and what it takes. Arguments from `required` on may be left out."""

    way: Way
    arguments: tuple[AnyShape, ...]
    required: int

    def check(self, op: str, way: Way, arguments: Sequence[Any]) -> None:
        """Raises WireError."""
        if way != self.way:
            raise WireError(f"{op} came by {way!r}; it takes {self.way!r}")
        if not self.required <= len(arguments) <= len(self.arguments):
            raise WireError(f"{op}: {len(arguments)} arguments")
        for index, (shape, given) in enumerate(zip(self.arguments, arguments, strict=False)):
            check(shape, given, f"argument {index + 1} of {op}")


def _posted(*arguments: AnyShape) -> Operation:
    return Operation("post", arguments, len(arguments))


def _called(*arguments: AnyShape, required: int | None = None) -> Operation:
    return Operation("call", arguments, len(arguments) if required is None else required)


_DELAY = Shape(
    "milliseconds below 2 ** 31",
    lambda wire: isinstance(wire, int | float) and not isinstance(wire, bool) and 0 <= wire < 2**31,
)
_LEVEL = OneOf(("debug", "log", "info", "warn", "error"))
_NUMBER = Shape(
    "a whole number",
    lambda wire: WHOLE.fits(wire) or (isinstance(wire, float) and wire.is_integer() and abs(wire) < 2**53),
)

OPERATIONS: Mapping[str, Operation] = {
    # Of every realm: engine.py, bodies.py, timers.py
    "release": _posted(OBJECT_NUMBER, COUNT),
    "listen": _posted(AnyOf((OBJECT_NUMBER, OneOf((0,)))), TEXT),
    "report": _posted(OneOf(("exception", "rejection")), TEXT),
    "fetch": _called(DICTIONARY, Maybe(POSITIVE), required=1),
    "abort": _posted(POSITIVE),
    "body.read": _called(OBJECT_NUMBER),
    "body.cancel": _posted(OBJECT_NUMBER),
    "body.clone": _posted(OBJECT_NUMBER, OWN_NUMBER),
    "timer.set": _posted(POSITIVE, _DELAY, BOOLEAN),
    "timer.clear": _posted(POSITIVE),
    # indexed_db.py; indexed_requests.py reads the requests
    "idb.open": _called(Members({"request": POSITIVE, "name": TEXT}, {"version": Maybe(_NUMBER)})),
    "idb.delete": _called(Members({"request": POSITIVE, "name": TEXT})),
    "idb.databases": _called(Members({})),
    "idb.close": _called(Members({"connection": POSITIVE})),
    "idb.versionchanged": _called(Members({"connection": POSITIVE})),
    "idb.begin": _called(
        Members(
            {
                "connection": POSITIVE,
                "transaction": POSITIVE,
                "stores": ListOf(WHOLE),
                "mode": OneOf(("readonly", "readwrite")),
                "durability": OneOf(("default", "relaxed", "strict")),
            }
        )
    ),
    "idb.requests": _called(Members({"transaction": WHOLE, "requests": ListOf(ARGUMENTS)})),
    "idb.commit": _called(Members({"transaction": WHOLE})),
    "idb.abort": _called(Members({"transaction": WHOLE})),
    # operations.py
    "MessageChannel.new": _posted(OWN_NUMBER, OWN_NUMBER),
    "BroadcastChannel.new": _posted(OWN_NUMBER, TEXT),
    "console": Operation("post", (_LEVEL, TEXT, COUNT), 2),
    "absent": _posted(TEXT, BOOLEAN),
    "diagnose": _posted(OneOf(("response-body-used", "function-to-wait-until")), TEXT),
    "script.fetch": _called(TEXT),
    "Notification.requestPermission": _called(),
    # A page's: page.py
    "close": _posted(),
    "completed": _posted(),
    # A worker's: worker_realm.py, kept.py
    "kept": _posted(Keyed(Maybe(TEXT)), Keyed(ListOf(OBJECT_NUMBER)), Maybe(POSITIVE)),
    "kept.read": _posted(TEXT, Maybe(POSITIVE), COUNT, COUNT),
    "skipWaiting": _called(),
    "event.updateUI": _called(POSITIVE, DICTIONARY),
    "FetchEvent.entered": _posted(POSITIVE),
    "FetchEvent.respond": _posted(POSITIVE, DICTIONARY),
    "FetchEvent.fail": _posted(POSITIVE, TEXT),
    "FetchEvent.left": _posted(POSITIVE, BOOLEAN),
    "FetchEvent.preload": _called(POSITIVE),
    "importScript": Operation("ask", (TEXT,), 1),
}


def _is_portless(wire: object) -> bool:
    try:
        return not messages.ports_of(messages.from_wire(wire))
    except WireError:
        return False


EVALUATED = Members(
    {"events": ListOf(Tuple((TEXT, PLACE)))},
    {"pending": BOOLEAN, "kept": Maybe(Keyed(Maybe(TEXT)))},
)
"""The answer to `run`: what the script listens to."""
COMPLETED = Maybe(Members({"message": Shape("a message without ports", _is_portless)}))
"""The answer to `completion`."""


def check_frame(frame: Mapping[str, Any]) -> None:
    """Raises WireError for a frame that is none of ours."""
    members = FRAMES.get(frame["t"])
    if members is None:
        raise WireError(f"a frame {shown(frame['t'])}")
    wrong = members.wrong({name: each for name, each in frame.items() if name != "t"})
    if wrong is not None:
        raise WireError(f"a frame {frame['t']!r}: {wrong}")


def check_operation(op: str, way: Way, arguments: Sequence[Any]) -> None:
    """Raises WireError for an operation that there is not, and for arguments that are not its."""
    operation = OPERATIONS.get(op)
    if operation is None:
        raise WireError(f"there is no operation {shown(op)}")
    operation.check(op, way, arguments)
