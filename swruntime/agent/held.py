"""What the runtime holds in its own memory on behalf of one realm's script, and how much that may be.

A script's process has a limit of memory of its own. What it sends is held here until somebody takes it (a message to a
port that nobody starts, a call that is under way, a body that nobody reads) and would be outside that limit. So it is
counted, in the realm that made the runtime hold it, until it is taken; and a realm that passes the bound is ended, with
one line that says of what there was too much.

A `Charge` lives as long as what it is for: whoever keeps that keeps the charge beside it. It ends with the last
reference to it, or before, with `release`.

What a realm has sent can outlive it (a message waits in a port of another one), so what is held for all realms of an
origin is counted as well, and has a bound of its own: the realm that passes that is ended.

Python scripts are trusted, and run in this process: of them it is counted, and they have no bound.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

MOST_BYTES = 128 * 1024 * 1024
"""Bytes that are held for one realm. One thing that is larger than this by itself may be held besides: a message may
have as many as a frame."""
MOST_ITEMS = 100_000
"""Things that are held for one realm, however small they are."""
REALMS = 4
"""For the realms of an origin together so many times as much is held as for one."""
ITEM = 200
"""Bytes that are counted for a thing whatever is in it: what a message that waits takes by itself."""

Excess = Callable[[str], None]


class Charge:
    """Something that is held for a realm."""

    __slots__ = ("_held", "kind", "size")

    def __init__(self, held: Held, kind: str, size: int) -> None:
        self._held: Held | None = held
        self.kind = kind
        """What it is, in the plural: "messages that nobody has taken"."""
        self.size = size
        """In bytes."""

    def another(self, size: int) -> Charge | None:
        """For a copy of so many bytes of the same thing; None once this one was released."""
        return None if self._held is None else self._held.charge(self.kind, size, each=0)

    def resize(self, size: int) -> None:
        """It is of another size now. Nothing happens to one that was released."""
        held = self._held
        if held is not None and size != self.size:
            held._change(self, size)

    def release(self) -> None:
        """It is not held any more. Later calls do nothing."""
        held, self._held = self._held, None
        if held is not None:
            held._remove(self)

    def __del__(self) -> None:
        self.release()


class _Kind:
    __slots__ = ("bytes", "items")

    def __init__(self) -> None:
        self.items = 0
        self.bytes = 0


class Held:
    """What is held for one realm.

    `on_excess` is called, once, with why, when that is too much: by whoever adds to it, in the midst of anything, so it
    must not do much at once. Without it nothing is too much.
    """

    def __init__(self, most_bytes: int | None = None, most_items: int | None = None) -> None:
        self.most_bytes = MOST_BYTES if most_bytes is None else most_bytes
        self.most_items = MOST_ITEMS if most_items is None else most_items
        self.on_excess: Excess | None = None
        self.within: Held | None = None
        """What is held for all realms of the origin, this one among them."""
        self.current: Charge | None = None
        """For what the script has said that is being handled now: whoever keeps something of that keeps this."""
        self._kinds: dict[str, _Kind] = {}
        self._items = 0
        self._small = 0
        self._giants = 0
        # The garbage collector may let go of a charge in any thread, also while one is counted in this one.
        self._lock = threading.RLock()

    @property
    def items(self) -> int:
        return self._items

    @property
    def bytes(self) -> int:
        return sum(kind.bytes for kind in tuple(self._kinds.values()))

    def bytes_of(self, kind: str) -> int:
        found = self._kinds.get(kind)
        return 0 if found is None else found.bytes

    def charge(self, kind: str, size: int, *, each: int = ITEM) -> Charge:
        """From now on so many bytes are held, and `each` for the thing itself, until the answer is released."""
        charge = Charge(self, kind, size + each)
        self._count(kind, 1, 0, charge.size)
        self._check()
        return charge

    def _change(self, charge: Charge, size: int) -> None:
        before, charge.size = charge.size, size
        self._count(charge.kind, 0, before, size)
        self._check()

    def _remove(self, charge: Charge) -> None:
        self._count(charge.kind, -1, charge.size, 0)

    def _count(self, kind: str, items: int, before: int, size: int) -> None:
        """So many things more, and one that had `before` bytes has `size`."""
        with self._lock:
            counted = self._kinds.setdefault(kind, _Kind())
            counted.items += items
            counted.bytes += size - before
            self._items += items
            for change, bytes in ((-1, before), (1, size)):
                if bytes > self.most_bytes:
                    self._giants += change
                else:
                    self._small += change * bytes
        if self.within is not None:
            self.within._count(kind, items, before, size)

    @property
    def _too_much(self) -> bool:
        return self._items > self.most_items or self._small > self.most_bytes or self._giants > 1

    def _check(self) -> None:
        if self.on_excess is None:
            return
        for whose, held in (("it", self), ("its origin", self.within)):
            if held is not None and held._too_much:
                told, self.on_excess = self.on_excess, None
                told(held._excess(whose))
                return

    def _excess(self, whose: str) -> str:
        if self._items > self.most_items:
            most = max(self._kinds, key=lambda name: self._kinds[name].items)
            much, limit = f"{self._items:,} things", f"{self.most_items:,}"
        else:
            most = max(self._kinds, key=lambda name: self._kinds[name].bytes)
            much, limit = f"{self.bytes:,} bytes", f"{self.most_bytes:,}"
        kind = self._kinds[most]
        return (
            f"the runtime holds {much} for {whose}, and {limit} are the limit: above all {most} "
            f"({kind.items:,}, {kind.bytes:,} bytes)"
        )


def for_an_origin() -> Held:
    """Of all realms of an origin."""
    return Held(REALMS * MOST_BYTES, REALMS * MOST_ITEMS)
