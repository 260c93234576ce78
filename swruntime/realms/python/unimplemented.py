"""What is not implemented says so, by name, when it is touched; nothing pretends."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from swruntime.errors import NotSupportedError


def unimplemented(name: str) -> Callable[..., NoReturn]:
    """A method that raises NotSupportedError, naming itself."""

    def method(*args: object, **kwargs: object) -> NoReturn:
        raise NotSupportedError(f"{name} is not implemented in this version of swruntime")

    method.__name__ = name.rpartition(".")[2]
    method.__qualname__ = name
    return method


class Unimplemented:
    """An object of which nothing is implemented: every use raises NotSupportedError, naming what was touched."""

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "_name", name)

    def __getattr__(self, attribute: str) -> NoReturn:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        raise NotSupportedError(f"{self._name}.{attribute} is not implemented in this version of swruntime")

    def __setattr__(self, attribute: str, value: object) -> NoReturn:
        raise NotSupportedError(f"{self._name}.{attribute} is not implemented in this version of swruntime")
