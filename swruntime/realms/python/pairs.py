"""What an interface has that is iterable<name, value>, as Headers, FormData and URLSearchParams are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

V = TypeVar("V")


class Pairs(ABC, Generic[V]):
    """Iterating gives (name, value) pairs. Spec: https://webidl.spec.whatwg.org/#idl-iterable"""

    @abstractmethod
    def __iter__(self) -> Iterator[tuple[str, V]]: ...

    @abstractmethod
    def get(self, name: str) -> V | None:
        """The first value of that name, or all of them in one; None where there is none."""

    def __getitem__(self, name: str) -> V:
        """Python's spelling of `get`, which `dict()` needs. Raises KeyError."""
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def entries(self) -> Iterator[tuple[str, V]]:
        return iter(self)

    def items(self) -> Iterator[tuple[str, V]]:
        """Python's name of `entries`."""
        return iter(self)

    def keys(self) -> Iterator[str]:
        return (name for name, _ in self)

    def values(self) -> Iterator[V]:
        return (value for _, value in self)

    def for_each(self, callback: Callable[[V, str, object], object]) -> None:
        """Call `callback(value, name, self)` for each pair."""
        for name, value in self:
            callback(value, name, self)
