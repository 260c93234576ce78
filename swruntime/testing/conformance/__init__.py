"""Where the implementation stands against `specs/`: what `python -m swruntime conformance` prints.

    ledger      every numbered step of the algorithms: what performs it, which tests show it
    idl         the Web IDL, parsed
    interfaces  the Python realm against the Web IDL, member by member
    javascript  the JavaScript realm, likewise, where Deno is installed

Besides, the machines' tables are held against `states.toml`, by `swruntime.monitor`.

What is wrong is a list of lines, and an empty list is conformance; nothing is skipped without a word.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import attrs

from swruntime.algorithms.suggestions import or_known
from swruntime.errors import UsageError
from swruntime.monitor.explore import compare_tables
from swruntime.monitor.states import folder as specs_folder, machines
from swruntime.testing.conformance import idl, interfaces, javascript, ledger
from swruntime.testing.conformance.ledger import Algorithm

_THREAD = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+/(issues|pull)/[0-9]+")


@attrs.frozen
class Deviation:
    """Where the text is not followed: `text` is what it says, `here` what we do instead, and `symbol` where.

    What browsers do is "" where that is not known, and so is `discussion`, the URL of an issue or pull request on
    GitHub where the standard's authors and implementers talked about it.
    """

    spec: str
    number: int
    algorithm: str
    text: str
    here: str
    symbol: str
    chromium: str = ""
    webkit: str = ""
    discussion: str = ""

    def __attrs_post_init__(self) -> None:
        if self.discussion and not _THREAD.fullmatch(self.discussion):
            raise UsageError(
                f"{self.spec}: deviation {self.number}: discussion is {self.discussion!r}; expected the URL of an "
                f"issue or pull request, https://github.com/OWNER/NAME/issues/NUMBER"
            )


@attrs.frozen
class Report:
    """`tests_checked`: whether the tests were at hand to be looked up; they are in a checkout only.

    `javascript_checked`: whether the interfaces of the JavaScript realm were looked at; that needs Deno.
    """

    algorithms: tuple[Algorithm, ...]
    deviations: tuple[Deviation, ...]
    interfaces: int
    members: int
    not_implemented: tuple[str, ...]
    states: int
    transitions: int
    tests_checked: bool
    javascript_checked: bool
    problems: tuple[str, ...]

    @property
    def steps(self) -> int:
        return sum(len(algorithm.steps) for algorithm in self.algorithms)

    def algorithm(self, name: str) -> Algorithm:
        """By its name, or SPEC/NAME where two standards have one of that name. Raises UsageError."""
        found = [a for a in self.algorithms if name in (a.name, f"{a.spec}/{a.name}")]
        if len(found) == 1:
            return found[0]
        if found:
            several = " and ".join(f"{a.spec}/{a.name}" for a in found)
            raise UsageError(f"algorithm {name!r} is one of {several}: say which")
        known = or_known(name, [a.name for a in self.algorithms])
        raise UsageError(f"there is no algorithm {name!r} in the ledger{known}")


def examine(*, with_javascript: bool = True) -> Report:
    """Read all of `specs/`, hold the implementation against it, and say what was found.

    `with_javascript`: the JavaScript realm too, if Deno is installed. It takes some seconds.
    Raises UsageError or SpecError for files in `specs/` that cannot be read, UsageError without the extra `test`.
    """
    folder = specs_folder()
    checkout = folder.parent if (folder.parent / "tests").is_dir() else None
    specs = sorted(path.parent.name for path in folder.glob("*/algorithms.toml"))
    algorithms = tuple(a for spec in specs for a in read_ledger(spec))
    deviations = tuple(d for spec in specs for d in read_deviations(folder / spec / "deviations.toml"))
    definitions = idl.read_definitions(sorted(folder.glob("*/interfaces.webidl")))
    problems = [*_deviation_problems(deviations)]
    for spec in specs:
        own = tuple(a for a in algorithms if a.spec == spec)
        numbers = {d.number for d in deviations if d.spec == spec}
        problems.extend(ledger.problems_of(own, numbers, checkout))
    problems.extend(interfaces.problems_of(definitions, interfaces.open_scopes()))
    problems.extend(interfaces.enumeration_problems(definitions))
    has_javascript = with_javascript and javascript.is_installed()
    if has_javascript:
        problems.extend(f"JavaScript: {each}" for each in javascript.problems_of(definitions))
    problems.extend(compare_tables())
    return Report(
        algorithms,
        deviations,
        interfaces=len({i.name for i in definitions.interfaces}),
        members=sum(len(i.members) for i in definitions.interfaces),
        not_implemented=_not_implemented(definitions),
        states=sum(len(machine.states) for machine in machines().values()),
        transitions=sum(len(machine.transitions) for machine in machines().values()),
        tests_checked=checkout is not None,
        javascript_checked=has_javascript,
        problems=tuple(problems),
    )


def read_ledger(spec: str) -> tuple[Algorithm, ...]:
    """The ledger of one standard, such as "background-fetch". Raises UsageError."""
    return ledger.read_ledger(spec, specs_folder() / spec / "algorithms.toml")


def read_deviations(path: Path) -> tuple[Deviation, ...]:
    """The deviations of one standard; none where it has no such file. Raises UsageError."""
    if not path.exists():
        return ()
    entries: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["deviation"]
    try:
        return tuple(Deviation(path.parent.name, **entry) for entry in entries)
    except TypeError as error:
        raise UsageError(f"{path.parent.name}/{path.name}: {error}") from error


def _deviation_problems(deviations: tuple[Deviation, ...]) -> list[str]:
    return [
        f"{d.spec}: deviation {d.number}: {d.symbol} does not exist"
        for d in deviations
        if not ledger.symbol_exists(d.symbol)
    ]


def _not_implemented(definitions: idl.Definitions) -> tuple[str, ...]:
    return tuple(
        name
        for interface in definitions.interfaces
        for name in (
            [interface.name]
            if not interface.implemented
            else [f"{interface.name}.{m.name}" for m in interface.members if not m.implemented]
        )
    )
