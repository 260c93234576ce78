"""The numbers by which the objects of a realm are known to its process, and how long."""

from __future__ import annotations

import attrs

from swruntime.agent.held import Charge, Held
from swruntime.realms.javascript.messages import WireError
from swruntime.realms.javascript.shapes import SAFE, shown
from swruntime.realms.python.request import Request
from swruntime.realms.python.response import Response

KEPT = "objects that the script has not let go of"
"""What an object counts as that a process knows by a number."""
OBJECT = 700
"""Bytes that are counted for one."""
BODY = 3_000
"""Bytes that are counted for a Request or a Response, besides its headers and its body."""


@attrs.define
class _Entry:
    held: object
    charge: Charge
    sent: int = 0
    state: object = None


class Handles:
    """Objects by number. An object stays as long as the process has not let go of every mention of it.

    Numbers above zero are given here; the process gives those below zero, to clones of bodies, which it makes without
    waiting.
    """

    def __init__(self, held: Held | None = None) -> None:
        self._held = Held() if held is None else held
        self._entries: dict[int, _Entry] = {}
        self._numbers: dict[int, int] = {}
        self._last = 0

    def number_of(self, object: object) -> int:
        """The object's number, the same each time. It counts as a mention."""
        number = self._numbers.get(id(object))
        if number is None:
            self._last += 1
            number = self._last
            self.put(number, object)
        self._entries[number].sent += 1
        return number

    def known(self, object: object) -> int | None:
        """The object's number if it has one."""
        return self._numbers.get(id(object))

    def put(self, number: int, object: object, *, mentions: int = 0) -> None:
        """Make an object known by a number that the process has given; it will let go of `mentions` for that."""
        # A BroadcastChannel, say, has the name that it was made with.
        made_of = self._held.current if number < 0 else None
        size = 0 if made_of is None else made_of.size
        each = OBJECT
        if isinstance(object, Request | Response):
            each = BODY
            size += sum(len(name) + len(value) for name, value in object.headers._list)
        charge = self._held.charge(KEPT, size, each=each)
        self._entries[number] = _Entry(object, charge, mentions)
        self._numbers[id(object)] = number

    def require_free(self, number: object) -> None:
        """Raises WireError for what is not a number that a process may give, or is in use."""
        if type(number) is not int or not -SAFE <= number < 0:
            raise WireError(f"{shown(number)} is not a number for an object of the script's")
        if number in self._entries:
            raise WireError(f"the number {number} is in use")

    def get(self, number: int) -> object | None:
        entry = self._entries.get(number)
        return None if entry is None else entry.held

    def changed(self, number: int, state: object) -> bool:
        """Whether the process has not been told this state of the object yet; it counts as told from now on."""
        entry = self._entries[number]
        if entry.state == state:
            return False
        entry.state = state
        return True

    def release(self, number: int, mentions: int) -> object | None:
        """The process has forgotten `mentions` of the object. Answers with what is not known to it any more.

        Raises WireError where there were fewer. Two faces of an object, one made after the other was gone, may be
        collected together: then the second one lets go of no mention, and what it was is not known here any more.
        """
        entry = self._entries.get(number)
        if entry is None and mentions == 0:
            return None
        most = 0 if entry is None else entry.sent
        if entry is None or not 0 <= mentions <= most:
            raise WireError(f"{mentions} mentions of {number} are let go, of which there are {most}")
        entry.sent -= mentions
        if entry.sent > 0:
            return None
        del self._entries[number]
        del self._numbers[id(entry.held)]
        return entry.held

    def clear(self) -> list[object]:
        """Let go of all: the process is gone. Answers with what they were."""
        objects = [entry.held for entry in self._entries.values()]
        self._entries.clear()
        self._numbers.clear()
        return objects

    def __len__(self) -> int:
        return len(self._entries)
