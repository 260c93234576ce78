"""Calls of a script's own async functions whose coroutine is dropped: nothing of such a function runs.

Only what is certain counts: a statement that is nothing but a call, by its name, of an `async def` of the module's top
level, where that name is bound nowhere else in the whole module.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator


def dropped_calls(source: str) -> list[tuple[int, str]]:
    """The line of each such call, and the function's name, in order. `source` is Python that compiles."""
    tree = ast.parse(source)
    bound = Counter(_bound(tree))
    functions = {
        node.name
        for node in tree.body
        if isinstance(node, ast.AsyncFunctionDef)
        and bound[node.name] == 1
        and not bound["*"]
        and not node.decorator_list
        and not _is_generator(node)
    }
    return sorted(
        (node.lineno, node.value.func.id)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id in functions
    )


def _bound(tree: ast.AST) -> Iterator[str]:
    """Every name that is bound anywhere, each time: it may be another thing there."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.arg(arg=name):
                yield name
            case ast.alias(name=name, asname=asname):
                yield asname or name.partition(".")[0]
            case (
                ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
            ):
                yield name
            case ast.MatchMapping(rest=str(name)):
                yield name


def _is_generator(function: ast.AsyncFunctionDef) -> bool:
    """Whether a call of it gives no coroutine. A `yield` of a function in it counts, too: then it is not certain."""
    return any(isinstance(node, ast.Yield) for node in ast.walk(function))
