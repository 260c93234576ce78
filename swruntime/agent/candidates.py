"""Of very many things those for which something may hold, so that nobody looks at all of them to find out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Candidates(Generic[T]):
    """Whoever may have come to fulfil a condition is added; who is looked at and does not fulfil it is dropped.

    So each look at a thing is paid for by the change that added it. Whether the condition holds is asked anew each
    time: nothing here can be out of date, as long as everything is added when it may have changed.
    """

    def __init__(self, fulfils: Callable[[T], bool]) -> None:
        self._fulfils = fulfils
        # Not a dict: to find the first key of one that has lost its first thousand takes a thousand steps.
        self._items: OrderedDict[T, None] = OrderedDict()

    def __bool__(self) -> bool:
        """Whether there is one that fulfils it."""
        while self._items:
            first = next(iter(self._items))
            if self._fulfils(first):
                return True
            del self._items[first]
        return False

    def add(self, item: T) -> None:
        self._items[item] = None

    def discard(self, item: T) -> None:
        self._items.pop(item, None)

    def all(self) -> list[T]:
        """Those that fulfil it, in the order of being added."""
        self._items = OrderedDict.fromkeys(filter(self._fulfils, self._items))
        return list(self._items)
