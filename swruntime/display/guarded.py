"""Standard output and standard error, on which no control character but a line feed can be written.

Lines are made visible where they are made (`swruntime.algorithms.visible_text`). This is for what nobody thought of:
warnings, the log of a library, the traceback of a defect.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TextIO, cast

from swruntime.algorithms.visible_text import visible


class GuardedStream:
    """Writes to `stream` with every control character visible, line feeds excepted; all else is the stream's."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        self.stream.write(visible(text, keep="\n"))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)


def guard_standard_streams() -> None:
    """From now on; where they are guarded already, nothing changes."""
    sys.stdout, sys.stderr = _guarded(sys.stdout), _guarded(sys.stderr)


def _guarded(stream: TextIO) -> TextIO:
    # Python has no stream where the process was started without one.
    if stream is None or isinstance(stream, GuardedStream):
        return stream
    return cast(TextIO, GuardedStream(stream))


def unguarded(stream: TextIO) -> TextIO:
    """For who writes control sequences of its own, and makes all other text visible itself."""
    return stream.stream if isinstance(stream, GuardedStream) else stream
