"""What is not implemented says so, by name, when it is touched; nothing pretends.

It is told by exceptions that Python has for what is not there, so that `hasattr`, `in self` and `except
NameError` find out as `in` does in JavaScript.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from swruntime.realms.python.absent_names import INTERFACES, MEMBERS


class NotImplementedName(NameError):
    """A global name that the platform has and this version has not."""


class NotImplementedAttribute(AttributeError):
    """A member of an interface that the platform has and this version has not."""


def absent_global(scope: str, name: str, *, member: str | None = None) -> str | None:
    """What the platform calls the global `name` in `scope`; None where it has no such thing.

    `scope` is "ServiceWorkerGlobalScope" or "Window"; `member` is what Python calls `name`, where it is not that.
    """
    member = name if member is None else member
    if name in INTERFACES[scope]:
        return name
    return f"{scope}.{name}" if member in MEMBERS[scope] or member in MEMBERS["EventTarget"] else None


def absent_member(cls: type, name: str) -> str | None:
    """What the platform calls the member `name` of an object of `cls`; None where it has no such thing."""
    for base in cls.__mro__:
        if name in MEMBERS.get(base.__name__, ()):
            return f"{base.__name__}.{name}"
        if name in INTERFACES.get(base.__name__, ()):
            return name
    return None


def absent_events(scope: str) -> list[str]:
    """The types of the events that the platform fires at `scope` and this version does not."""
    return sorted(name.removeprefix("on") for name in MEMBERS[scope] if name.startswith("on"))


def name_error(scope: str, name: str) -> NotImplementedName | None:
    """What a script gets for the absent global `name`; None where the platform has no such thing."""
    what = absent_global(scope, name)
    if what is None:
        return None
    # A misspelt variable may by chance be a member of Window.
    return NotImplementedName(f"name {name!r} is not defined: {_sentence(what)}", name=name)


def attribute_error(target: object, name: str) -> AttributeError:
    """What a script gets for `target.name`, which is not there."""
    what = absent_member(type(target), name)
    if what is None:
        text = f"{type(target).__name__!r} object has no attribute {name!r}"
        return AttributeError(text, name=name, obj=target)
    return NotImplementedAttribute(_sentence(what), name=name, obj=target)


def _sentence(what: str) -> str:
    return f"{what} is not implemented in this version of swruntime"


class PlatformObject:
    """An object whose absent members say that they are absent, also when they are set, as `port.onclose`."""

    __slots__ = ()

    if not TYPE_CHECKING:  # a type checker shall find what is misspelt

        def __getattr__(self, name: str) -> NoReturn:
            raise attribute_error(self, name)

        def __setattr__(self, name: str, value: Any) -> None:
            if name[:1] != "_" and not hasattr(type(self), name) and absent_member(type(self), name):
                raise attribute_error(self, name)
            super().__setattr__(name, value)
