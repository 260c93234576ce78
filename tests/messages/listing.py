"""The texts that people may be shown, from the syntax trees of `swruntime/`: no text is missed, and none is made up."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import attrs

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "swruntime"

CALLS = {"complain", "say", "diagnose", "Diagnostic", "UsageError", "warn", "_fail", "error"}
"""Beside what is raised, the calls whose strings are for people."""

_ERROR = re.compile(r"(Error|Exception|Failure|Failed|Refused|Full|Mismatch|Confined|Profile|Locked|Gone)$")

_JAVASCRIPT = re.compile(
    r"""(?:domException|new \w*Error|notImplemented|fail|warn)\(\s*(?:life,\s*)?("(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)"""
)


@attrs.frozen
class Message:
    file: str
    line: int
    text: str
    """With {...} for what is put into it."""


def messages() -> Iterator[Message]:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _tells(node):
                for text in _texts(node):
                    if " " in text:  # a word is a name
                        yield Message(name, node.lineno, text)
    for path in sorted(PACKAGE.rglob("*.js")):
        source = path.read_text("utf-8")
        for found in _JAVASCRIPT.finditer(source):
            line = source.count("\n", 0, found.start()) + 1
            yield Message(
                path.relative_to(ROOT).as_posix(), line, re.sub(r"\$\{[^}]*\}", "{}", found[1][1:-1])
            )


def _tells(call: ast.Call) -> bool:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    helps = any(keyword.arg == "help" for keyword in call.keywords)
    return helps or name in CALLS or _ERROR.search(name) is not None


def _texts(call: ast.Call) -> Iterator[str]:
    for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
        for text in _of(argument):
            yield " ".join(text.split())


def _of(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str() as text):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(
                part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else "{}"
                for part in parts
            )
        case ast.IfExp(body=body, orelse=other):
            yield from _of(body)
            yield from _of(other)
        case ast.BinOp(left=left, right=right):
            yield "".join(next(_of(each), "{}") for each in (left, right))
