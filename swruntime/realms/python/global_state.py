"""What a worker's script keeps in its globals, and what becomes of it when the worker is stopped.

Two things are told. A MessagePort that is in a global when its worker is stopped, while its other end is open. And
plain data that an event changed, that a later start of the worker finds as it was at first, and that an event then
reads: to see that, such a global is taken out of the namespace until the first read, which therefore comes to
`Watched.read`. This is done only in scripts of one file that do not look into their namespace by other means. What the
reading function itself fills is a memo, which is right; what it counts up is not.
"""

from __future__ import annotations

import dis
from collections import deque
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import CodeType
from typing import Any

import attrs

_FILL = frozenset({"add", "append", "appendleft", "extend", "extendleft", "insert", "setdefault", "update"})
_LOOKS_INSIDE = frozenset(
    {"__dict__", "dir", "eval", "exec", "getattr", "globals", "hasattr", "locals", "vars"}
)
_MOST = 1000
"""Values in a container; one that has more is not looked at."""


@attrs.frozen
class Lost:
    """A global that events had changed when its worker was stopped: what it was at first, and then."""

    first: str
    last: str


@attrs.define
class _Read:
    line: int
    code: CodeType


def contained(value: object) -> Iterator[object]:
    """`value`, and what is in it if it is a container of Python's own, or an object with attributes."""
    yield value
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list | tuple | set | frozenset | deque):
        yield from value
    elif (
        type(value).__module__ not in ("builtins",)
        and not isinstance(value, type)
        and hasattr(value, "__dict__")
    ):
        yield from vars(value).values()


def bound_at(code: CodeType, name: str) -> int:
    """The line where a script puts something into a global: in a function if there is such, else at the top."""
    for each in _functions(code):
        lines = _stores(each, name) or _fills(each, name)
        if lines:
            return min(lines)
    top = (line for line, each in _by_line(code) if any(_is(i, "STORE_NAME", name) for i in each))
    return min(top, default=1)


class Watched:
    """The globals of one realm's script that its functions change. `lost` is what the stop before has lost."""

    def __init__(self, code: CodeType, namespace: dict[str, Any], lost: Mapping[str, Lost]) -> None:
        self._namespace = namespace
        functions = list(_functions(code))
        used = {name for each in (code, *functions) for name in each.co_names}
        names = set() if used & _LOOKS_INSIDE else {n for each in functions for n in _changed_in(each)}
        self._first = {
            name: shown for name in sorted(names) if (shown := plain(namespace.get(name))) is not None
        }
        self._hidden: dict[str, Any] = {}
        self._reads: dict[str, _Read] = {}
        self._lost = {name: each for name, each in lost.items() if self._first.get(name) == each.first}
        self._last: dict[str, str] = {}
        for name in self._lost:
            self._hidden[name] = namespace.pop(name)

    def read(self, name: str, namespace: Mapping[str, Any], code: CodeType, line: int) -> bool:
        """`name` is asked for in `namespace`, and is not there. True, if it is back there now."""
        if namespace is not self._namespace or name not in self._hidden:
            return False
        self._namespace[name] = self._hidden.pop(name)
        self._reads[name] = _Read(line, code)
        return True

    def event_ended(self) -> Iterator[tuple[int, str]]:
        """An event has ended well. What it read and should not have: the line, and what is wrong."""
        now = {name: plain(self._current(name)) for name in self._first}
        self._last = {
            name: shown for name, shown in now.items() if shown is not None and shown != self._first[name]
        }
        reads, self._reads = self._reads, {}
        for name, read in reads.items():
            unchanged = now[name] == self._first[name]
            if _counts(read.code, name) if not unchanged else not _keeps(read.code, name):
                lost = self._lost[name]
                yield (
                    read.line,
                    (f"{name} is {lost.first} again: it was {lost.last} when the worker was stopped"),
                )

    def stopped(self) -> dict[str, Lost]:
        """What is lost with this realm."""
        return {name: Lost(self._first[name], shown) for name, shown in self._last.items()}

    def _current(self, name: str) -> object:
        return self._hidden[name] if name in self._hidden else self._namespace.get(name)


def plain(value: object) -> str | None:
    """Plain data in a line; None for what is none, or is too much."""
    count = 0
    waiting: list[object] = [value]
    while waiting:
        each = waiting.pop()
        count += 1
        if count > _MOST:
            return None
        if isinstance(each, dict):
            waiting.extend((*each.keys(), *each.values()))
        elif isinstance(each, list | tuple | set | frozenset | deque):
            waiting.extend(each)
        elif not (each is None or type(each) in (bool, int, float, str, bytes)):
            return None
    return repr(value)


def _functions(code: CodeType) -> Iterator[CodeType]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _functions(each)


@lru_cache(512)
def _changed_in(code: CodeType) -> frozenset[str]:
    """The globals that a function binds anew, or fills; the same for every start of its worker."""
    changed: set[str] = set()
    for _, instructions in _by_line(code):
        changed.update(i.argval for i in instructions if i.opname == "STORE_GLOBAL")
        if any(map(_fills_something, instructions)):
            changed.update(i.argval for i in instructions if i.opname == "LOAD_GLOBAL")
    return frozenset(changed)


def _is(instruction: dis.Instruction, operation: str, name: str) -> bool:
    return instruction.opname == operation and instruction.argval == name


def _stores(code: CodeType, name: str) -> list[int]:
    """The lines where `name` is bound anew."""
    return [line for line, each in _by_line(code) if any(_is(i, "STORE_GLOBAL", name) for i in each)]


def _by_line(code: CodeType) -> Iterator[tuple[int, list[dis.Instruction]]]:
    lines: dict[int, list[dis.Instruction]] = {}
    for each in dis.get_instructions(code):
        if each.positions is not None and each.positions.lineno is not None:
            lines.setdefault(each.positions.lineno, []).append(each)
    yield from lines.items()


def _fills(code: CodeType, name: str) -> list[int]:
    """The lines where something is put into the container `name`."""
    return [
        line
        for line, instructions in _by_line(code)
        if any(_is(i, "LOAD_GLOBAL", name) for i in instructions) and any(map(_fills_something, instructions))
    ]


def _fills_something(i: dis.Instruction) -> bool:
    return i.opname == "STORE_SUBSCR" or (i.opname != "LOAD_CONST" and i.argval in _FILL)


def _counts(code: CodeType, name: str) -> bool:
    """Whether `name += ...` is in it, or the like."""
    return any(
        _is(first, "LOAD_GLOBAL", name) and any(_is(i, "STORE_GLOBAL", name) for i in instructions)
        and any(i.opname == "BINARY_OP" and i.argrepr.endswith("=") for i in instructions)
        for _, instructions in _by_line(code)
        for first in instructions
    )  # fmt: skip


def _keeps(code: CodeType, name: str) -> bool:
    """Whether a function that reads `name` fills it, too: a memo."""
    return bool(_stores(code, name) or _fills(code, name))
