"""URLSearchParams: https://url.spec.whatwg.org/#interface-urlsearchparams"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from swruntime.algorithms import forms, webidl
from swruntime.realms.python.pairs import Pairs


class URLSearchParams(Pairs[str]):
    """A query's names and values, in their order; `str()` of it is the query. Raises TypeError.

    `init` is a query (a "?" at its start is dropped), a mapping, or pairs.
    """

    def __init__(self, init: str | Mapping[str, str] | Iterable[tuple[str, str]] = "") -> None:
        if isinstance(init, str):
            query = webidl.usv_string("init", init).removeprefix("?")
            self._list = forms.parse_urlencoded(query.encode())
        else:
            pairs = init.items() if isinstance(init, Mapping) else webidl.sequence("init", init)
            self._list = [_pair(index, pair) for index, pair in enumerate(pairs)]

    def __str__(self) -> str:
        return forms.serialize_urlencoded(self._list)

    def to_string(self) -> str:
        return str(self)

    def __repr__(self) -> str:
        return f"<URLSearchParams {str(self)!r}>"

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(tuple(self._list))

    def __len__(self) -> int:
        return len(self._list)

    def __contains__(self, name: object) -> bool:
        return any(each == name for each, _ in self._list)

    @property
    def size(self) -> int:
        return len(self._list)

    def append(self, name: str, value: str) -> None:
        self._list.append(_pair(None, (name, value)))

    def delete(self, name: str, value: str | None = None) -> None:
        """Drop what has that name; where `value` is given, only what has that value, too."""
        matches = _Matcher(name, value)
        self._list = [pair for pair in self._list if not matches(pair)]

    def get(self, name: str) -> str | None:
        """The first value of that name, None where there is none."""
        return next(iter(self.get_all(name)), None)

    def get_all(self, name: str) -> list[str]:
        name = webidl.usv_string("name", name)
        return [value for each, value in self._list if each == name]

    def has(self, name: str, value: str | None = None) -> bool:
        return any(map(_Matcher(name, value), self._list))

    def set(self, name: str, value: str) -> None:
        """Replace the first value of that name, and drop the others; append where there is none."""
        pair = _pair(None, (name, value))
        places = [index for index, (each, _) in enumerate(self._list) if each == pair[0]]
        if places:
            self._list[places[0]] = pair
        else:
            self._list.append(pair)
        for index in reversed(places[1:]):
            del self._list[index]

    def sort(self) -> None:
        """By name, in code units as JavaScript has them; what has the same name stays in its order."""
        self._list.sort(key=lambda pair: pair[0].encode("utf-16-be"))


class _Matcher:
    """Whether a pair has a name, and a value if one is given."""

    def __init__(self, name: object, value: object) -> None:
        self._name = webidl.usv_string("name", name)
        self._value = None if value is None else webidl.usv_string("value", value)

    def __call__(self, pair: tuple[str, str]) -> bool:
        return pair[0] == self._name and self._value in (None, pair[1])


def _pair(index: int | None, pair: object) -> tuple[str, str]:
    where = "" if index is None else f" of init[{index}]"
    items = webidl.sequence(f"init[{index}]", pair)
    if len(items) != 2:
        raise TypeError(f"init[{index}] is {webidl.shown(pair)}; expected a name and a value")
    return webidl.usv_string(f"the name{where}", items[0]), webidl.usv_string(f"the value{where}", items[1])
