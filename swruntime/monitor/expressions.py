"""Guards as specs/ writes them: expressions over named facts, in a small part of Python's grammar."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping

Facts = Mapping[str, object]
"""What is known of a machine's state and its input, by the names that the machine declares."""

_ALLOWED = (
    ast.Expression,
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.UnaryOp,
    ast.Not,
    ast.Compare,
    ast.Eq,
    ast.NotEq,
    ast.Lt,
    ast.LtE,
    ast.Gt,
    ast.GtE,
    ast.In,
    ast.NotIn,
    ast.Is,
    ast.IsNot,
    ast.BinOp,
    ast.Add,
    ast.Sub,
    ast.Name,
    ast.Load,
    ast.Constant,
    ast.Tuple,
)
"""Comparisons, `and`, `or`, `not`, sums, names of facts, constants. No calls, no attributes: it can do nothing."""


class Expression:
    """An expression over facts; call it with them. Raises ValueError for what is none, naming what is wrong."""

    def __init__(self, text: str, facts: Collection[str]) -> None:
        self.text = text
        try:
            tree = ast.parse(text, mode="eval")
        except SyntaxError as error:
            raise ValueError(f"{text!r} is not an expression: {error.msg}") from error
        for node in ast.walk(tree):
            if not isinstance(node, _ALLOWED):
                raise ValueError(f"{text!r} has a {type(node).__name__}, which a guard may not have")
            if isinstance(node, ast.Name) and node.id not in facts:
                raise ValueError(
                    f"{text!r}: {node.id!r} is not a declared fact; there are: {', '.join(facts) or 'none'}"
                )
        self._code = compile(tree, "<guard>", "eval")

    def __call__(self, facts: Facts) -> bool:
        return bool(eval(self._code, {"__builtins__": {}}, facts))

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)
