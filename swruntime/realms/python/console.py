"""The console: https://console.spec.whatwg.org/#logging"""

from __future__ import annotations

from swruntime.realms.python.context import RealmContext
from swruntime.realms.python.unimplemented import PlatformObject
from swruntime.trace import Console as ConsoleLine


class Console(PlatformObject):
    """`console.log` and its kin: a line of the trace, with where in the script it was said."""

    def __init__(self, context: RealmContext) -> None:
        self._context = context

    def debug(self, *data: object) -> None:
        self._tell("debug", _joined(data))

    def log(self, *data: object) -> None:
        self._tell("log", _joined(data))

    def info(self, *data: object) -> None:
        self._tell("info", _joined(data))

    def warn(self, *data: object) -> None:
        self._tell("warn", _joined(data))

    def error(self, *data: object) -> None:
        self._tell("error", _joined(data))

    def _tell(self, level: str, text: str) -> None:
        self._context.tell(ConsoleLine(level=level, text=text, where=self._context.where()))


def _joined(data: tuple[object, ...]) -> str:
    return " ".join(map(str, data))
