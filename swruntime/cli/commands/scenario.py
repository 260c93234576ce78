"""`scenario FILE...`: whole scenarios, under virtual time."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from swruntime.cli import DONE, FAILED
from swruntime.cli.output import complain, pure_standard_output, say
from swruntime.errors import TraceViolation
from swruntime.testing.checking import check_trace
from swruntime.testing.experiment import complaints, parsed_whole, run_scenario
from swruntime.testing.scenario import Scenario
from swruntime.trace import Line, to_json


def scenario(options: Namespace) -> int:
    """All files are read before the first one runs. The exit status is that of the worst."""
    read = [(path, parsed_whole(path)) for path in options.files]
    worst = DONE
    for path, each in read:
        if options.json:
            with pure_standard_output() as write:
                trace = run_scenario(each, options.seed, require_confinement=options.require_confinement)
                for line in trace:
                    write(to_json(line))
        else:
            trace = run_scenario(each, options.seed, require_confinement=options.require_confinement)
            say(f"{path}: {_outcome(trace)}", flush=True)
        worst = max(worst, _judge(path, each, trace))
    return worst


def _outcome(trace: list[Line]) -> str:
    settled = [line for line in trace if line["kind"] == "fetch.settle"]
    ends = [f"{line['id']} {line['failure_reason'] or line['result']}" for line in settled]
    return f"{', '.join(ends) or 'nothing ended'} ({trace[-1]['time']:g} s, {len(trace)} lines)"


def _judge(path: Path, scenario: Scenario, trace: list[Line]) -> int:
    found = complaints(scenario, trace)
    try:
        check_trace(trace, complete=True)
    except TraceViolation as violation:
        found.append(str(violation))
    for text in found:
        complain(f"{path}: {text}")
    return FAILED if found else DONE
