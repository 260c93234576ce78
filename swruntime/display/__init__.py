"""A background fetch shown in a terminal. Spec: https://wicg.github.io/background-fetch/#background-fetch-display-algorithm

terminal   rows, with text above them; `rows`, what is in them
text       text alone, where standard output is not a terminal
guarded    standard streams without control characters
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from swruntime.display.text import TextDisplay

_OTHERWISE = ("FORCE_COLOR", "TTY_COMPATIBLE")
"""With one of these variables rich decides whether what is not a terminal counts as one."""


def open_display() -> TextDisplay:
    """Of standard output: with bars where that is a terminal. Only there is rich imported."""
    if sys.stdout.isatty() or any(name in os.environ for name in _OTHERWISE):
        from swruntime.display.terminal import TerminalDisplay

        return TerminalDisplay()
    from swruntime.display.text import TextDisplay

    return TextDisplay()
