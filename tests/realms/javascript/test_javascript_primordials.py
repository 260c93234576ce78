"""The rule of js/primordials.js, as far as the text of the realm's JavaScript shows it: what a script can change is not asked.

The rest of it is shown by running (test_javascript_poison.py, test_javascript_proofs.py).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from swruntime.realms.javascript.launch import MAIN

FILES = sorted(MAIN.parent.glob("*.js"))

START = {
    "console.js", "engine.js", "engine_interfaces.js", "engine_names.js", "event_classes.js", "events.js", "extendable.js",
    "faces.js", "location.js", "main.js", "navigator.js", "platform_faces.js", "primordials.js", "scope.js", "timers.js",
    "window_scope.js", "worker_scope.js",
}  # fmt: skip
"""Files that iterate over arrays while the realm is made, before a script runs."""

_COMMENTS_AND_TEXTS = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`""", re.DOTALL
)

NEVER = {
    "instanceof": r"\binstanceof\b",
    "a method of a string or an array": r"\.(?:push|splice|startsWith|endsWith|replace|trim|test|exec|catch)\(",
}
NOT_LATER = {
    "for (... of array)": r"\bfor \((?:const|let|var) (?:(?!;).)* of [a-zA-Z]",
    "destructuring of an array": r"\b(?:const|let|var) \[|\(\[\w+,",
}


def found(path: Path, rules: dict[str, str]) -> list[str]:
    text = _COMMENTS_AND_TEXTS.sub(
        lambda match: re.sub(r"[^\n]", " ", match[0]), path.read_text(encoding="utf-8")
    )
    return [
        f"{path.name}:{number}: {rule}"
        for number, line in enumerate(text.splitlines(), 1)
        for rule, pattern in rules.items()
        if re.search(pattern, line)
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_a_script_can_change_is_not_asked(path: Path) -> None:
    if path.name not in {
        "engine.js",
        "engine_names.js",
        "scope.js",
        "primordials.js",
    }:  # before a script runs
        assert found(path, NEVER) == []
    if path.name not in START:
        assert found(path, NOT_LATER) == []
