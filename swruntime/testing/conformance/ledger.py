"""The ledger: which symbol performs each numbered step of the standards, and which tests show it.

Read from `specs/*/algorithms.toml`, where the format is told. A step counts as covered when its symbol exists,
and each test that it names; it must name one at least. Tests are there in a checkout only: in an installed
wheel their names are not checked, and the report says so.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

import attrs

from swruntime.errors import UsageError

Place = tuple[tuple[int, int, str], ...]
"""The number of a step, in parts that can be compared: numbers before words."""


@attrs.frozen
class LedgerStep:
    """A step of an algorithm, or several that one symbol performs. `symbol` is MODULE:NAME, `tests` FILE::NAME.

    `deviation` is the number of the deviation that says why the text is not followed here, None where it is.
    """

    at: str
    says: str
    symbol: str
    tests: tuple[str, ...]
    deviation: int | None = None

    def covers(self, at: str) -> bool:
        """Whether the step of that number is this one, among these, or a part of one of these."""
        first, _, last = self.at.partition("-")
        begin, end, asked = _place(first), _place(last or first), _place(at)
        return begin <= asked <= end or asked[: len(end)] == end


@attrs.frozen
class Algorithm:
    """An algorithm of a standard, with its place in the text."""

    spec: str
    name: str
    title: str
    url: str
    steps: tuple[LedgerStep, ...]

    def step(self, at: str) -> LedgerStep:
        """The step of that number, or the narrowest that it is a part of. Raises UsageError where there is none."""
        covering = [step for step in self.steps if step.covers(at)]
        if covering:
            return max(covering, key=lambda step: len(_place(step.at.partition("-")[0])))
        raise UsageError(f"{self.name} has no step {at!r}; it has {', '.join(s.at for s in self.steps)}")


def _place(at: str) -> Place:
    parts = at.replace("/", ".").split(".")
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)


def read_ledger(spec: str, path: Path) -> tuple[Algorithm, ...]:
    """The ledger of one standard. Raises UsageError, naming file and entry, for what is no ledger."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        modules, files, url = document["modules"], document["files"], document["url"]
        return tuple(_algorithm(spec, url, entry, modules, files) for entry in document["algorithm"])
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path.name} of {spec} cannot be read: {error}") from error
    except KeyError as error:
        raise UsageError(f"{path.name} of {spec} has no entry {error}") from error


def _algorithm(
    spec: str, url: str, entry: Mapping[str, object], modules: Mapping[str, str], files: Mapping[str, str]
) -> Algorithm:
    name = str(entry["name"])
    steps = []
    for each in entry["steps"]:  # type: ignore[attr-defined]
        try:
            module, _, symbol = each["by"].partition(":")
            tests = tuple(
                f"{files[file]}::{function}"
                for file, _, function in (test.partition(":") for test in each["tests"])
            )
            symbol = f"{modules[module]}:{symbol}"
            steps.append(LedgerStep(each["at"], each["says"], symbol, tests, each.get("deviation")))
        except KeyError as error:
            raise UsageError(
                f"the ledger of {spec}: {name}, step {each.get('at')!r}: {error} is missing"
            ) from error
    return Algorithm(spec, name, str(entry["title"]), f"{url}{entry['anchor']}", tuple(steps))


def problems_of(algorithms: tuple[Algorithm, ...], deviations: set[int], root: Path | None) -> Iterator[str]:
    """What is wrong with a ledger, one line each. `root` is the checkout that has the tests, None without one."""
    for algorithm in algorithms:
        seen: set[str] = set()
        for step in algorithm.steps:
            where = f"{algorithm.spec}: {algorithm.name}, step {step.at}"
            if step.at in seen:
                yield f"{where} is there twice"
            seen.add(step.at)
            if not symbol_exists(step.symbol):
                yield f"{where}: {step.symbol} does not exist"
            if not step.tests:
                yield f"{where} has no test"
            for test in step.tests:
                if root is not None and not test_exists(root, test):
                    yield f"{where}: {test} does not exist"
            if step.deviation is not None and step.deviation not in deviations:
                yield f"{where}: there is no deviation {step.deviation}"


def symbol_exists(symbol: str) -> bool:
    """Whether MODULE:NAME.NAME... can be imported. What an instance alone has is found by its annotation."""
    module, _, name = symbol.partition(":")
    try:
        found: object = import_module(module)
    except ModuleNotFoundError:
        return False
    for part in name.split("."):
        if not hasattr(found, part):
            return part in getattr(found, "__annotations__", {})
        found = getattr(found, part)
    return True


def test_exists(root: Path, test: str) -> bool:
    """Whether FILE::FUNCTION is there, without running anything. For a class, FILE::Class is enough."""
    file, _, function = test.partition("::")
    return function in _functions(root / file)


test_exists.__test__ = False  # type: ignore[attr-defined] # pytest is not to take it for a test


@cache
def _functions(path: Path) -> frozenset[str]:
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))
