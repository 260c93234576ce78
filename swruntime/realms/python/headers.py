"""The Headers class: `algorithms.guards` on a header list that changes.

Spec: https://fetch.spec.whatwg.org/#headers-class
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Self, cast

from swruntime.algorithms import guards, headers as h, webidl
from swruntime.concepts.http import HeaderList
from swruntime.realms.python.pairs import Pairs


class Headers(Pairs[str]):
    """A mutable list of headers, which its guard watches over.

    Iterating gives (name, value) pairs, sorted by name, combined where a name occurs more than once. Its
    methods raise TypeError for what is not a header, and when the headers are immutable.
    """

    def __init__(self, init: Headers | Mapping[str, str] | Iterable[tuple[str, str]] | None = None) -> None:
        self._guard: guards.Guard = "none"
        self._list = HeaderList()
        if init is not None:
            self._fill(init)

    @classmethod
    def _of(cls, headers: HeaderList, guard: guards.Guard) -> Self:
        self = cls()
        self._list = headers
        self._guard = guard
        return self

    def _fill(self, init: object) -> None:
        given = tuple(init) if isinstance(init, Headers) else init
        self._list = guards.fill(self._list, self._guard, given)

    def append(self, name: str, value: str) -> None:
        self._list = guards.append(self._list, self._guard, _name(name), _value(name, value))

    def delete(self, name: str) -> None:
        self._list = guards.delete(self._list, self._guard, _name(name))

    def get(self, name: str) -> str | None:
        """The value, combined with ", " where there are several; None where there is none."""
        return self._list.get(_checked(name))

    def get_set_cookie(self) -> list[str]:
        """The values of Set-Cookie, each for itself."""
        return list(self._list.all("set-cookie"))

    def has(self, name: str) -> bool:
        return _checked(name) in self._list

    def set(self, name: str, value: str) -> None:
        self._list = guards.set_value(self._list, self._guard, _name(name), _value(name, value))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(h.sort_and_combine(self._list))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._list

    def __repr__(self) -> str:
        return f"<Headers {dict(self)!r}>"


def headers_list(init: object, guard: guards.Guard) -> HeaderList:
    """What a `headers` argument says, through `guard`. None is no headers. Raises TypeError."""
    headers = Headers._of(HeaderList(), guard)
    if init is not None:
        headers._fill(init)
    return headers._list


def _name(name: object) -> str:
    return webidl.byte_string("name", name)


def _checked(name: object) -> str:
    text = _name(name)
    if not h.is_name(text):
        raise TypeError(f"{webidl.shown(text)} is not a header name")
    return text


def _value(name: object, value: object) -> str:
    return webidl.byte_string(f"the value of {cast(str, name)!r}", value)
