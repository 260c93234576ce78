"""`conformance [ALGORITHM [STEP]]`: where the implementation stands against `specs/`."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import attrs

from swruntime.cli.output import counted, print_object, say
from swruntime.testing.conformance import Deviation, Report, examine
from swruntime.testing.conformance.ledger import Algorithm, LedgerStep


def conformance(options: Namespace) -> int:
    report = examine(with_javascript=options.algorithm is None)
    if options.algorithm is not None:
        algorithm = report.algorithm(options.algorithm)
        steps = algorithm.steps if options.step is None else (algorithm.step(options.step),)
        deviations = [d for d in report.deviations if d.spec == algorithm.spec]
        _show_steps(algorithm, steps, deviations, as_json=options.json)
    elif options.json:
        print_object(_as_object(report))
    else:
        _show(report)
    return 1 if report.problems else 0


def _show_steps(
    algorithm: Algorithm, steps: tuple[LedgerStep, ...], deviations: list[Deviation], *, as_json: bool
) -> None:
    if as_json:
        print_object(attrs.asdict(attrs.evolve(algorithm, steps=steps)))
        return
    say(algorithm.title)
    say(algorithm.url)
    for step in steps:
        say("")
        say(f"  {step.at}  {step.says}")
        say(f"      performed by {step.symbol}")
        for test in step.tests:
            say(f"      shown by {test}")
        if step.deviation is not None:
            _show_deviation(next(d for d in deviations if d.number == step.deviation))


def _show_deviation(deviation: Deviation) -> None:
    say(f"      deviation {deviation.number} of {deviation.spec}")
    say(f"          the text: {deviation.text}")
    say(f"          here: {deviation.here}")
    for name, what in (
        ("Chromium", deviation.chromium),
        ("WebKit", deviation.webkit),
        ("discussed at", deviation.discussion),
    ):
        if what:
            say(f"          {name}: {what}")


def _show(report: Report) -> None:
    for spec in dict.fromkeys(a.spec for a in report.algorithms):
        own = [a for a in report.algorithms if a.spec == spec]
        rows = sum(len(a.steps) for a in own)
        say(f"{spec}: {counted(len(own), 'algorithm', 'algorithms')}, {counted(rows, 'step', 'steps')}")
        for algorithm in own:
            tests = {test for step in algorithm.steps for test in step.tests}
            say(
                f"  {algorithm.name:26} {len(algorithm.steps):4} steps  {len(tests):4} tests  {algorithm.title}"
            )
    discussed = sum(bool(deviation.discussion) for deviation in report.deviations)
    say(
        f"deviations: {len(report.deviations)}, each with its reason in specs/; {discussed} with its discussion"
    )
    say(
        f"interfaces: {counted(report.interfaces, 'interface', 'interfaces')}, "
        f"{counted(report.members, 'member', 'members')}; not implemented: "
        f"{', '.join(report.not_implemented) or 'none'}"
    )
    if report.javascript_checked:
        say("realms: Python and JavaScript, each held against the interfaces")
    else:
        say(
            "realms: Python, held against the interfaces; JavaScript was not looked at, for want of Deno: "
            "pip install 'swruntime[js]'"
        )
    say(
        f"machines: {counted(report.states, 'state', 'states')}, "
        f"{counted(report.transitions, 'transition', 'transitions')}, each a row of the tables and each row one of them"
    )
    if not report.tests_checked:
        say("tests: they are not installed, so their names were not looked up; a checkout has them")
    for problem in report.problems:
        say(f"PROBLEM {problem}")
    say("conforms" if not report.problems else counted(len(report.problems), "problem", "problems"))


def _as_object(report: Report) -> dict[str, Any]:
    return {"conforms": not report.problems, "steps": report.steps, **attrs.asdict(report)}
