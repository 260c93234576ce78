"""What tests of offline-first apps need: a user agent to experiment on, and servers that misbehave on purpose.

    lab          the laboratory: a fresh site, origin and user agent for each experiment
    death        the worker, or the process, dies at each of its awaits; `outcome` and `sweep` are what it finds
    origin       a scripted origin, in process, on Trio's clock; several of them as an internet
    server       the same as a real server; `sockets` is a client's way to it
    answers      what a scripted origin answers with; `faults`, what a client sees where there is no answer
    behaviour    a server's behaviour as plain data; `strategies` are Hypothesis's for it, and for the network
    pattern      bodies of any size that cost no memory
    scenario     what the user and the network do, and when; `whole`, all that is around it; `plain`, their values
    experiment   a whole scenario, run; `keeping` writes one to a file
    stateful     a Hypothesis state machine whose rules may be async
    checking     a trace, held against the standards' state machines
    virtual_time a run under a clock that jumps, and with the same order of tasks every time
    plugin       the pytest plugin: fixtures, markers, options; `report` is what a failure shows
    diagnostics  what a script does wrong quietly, as warnings

Nothing is imported before it is used: not Trio, not httpx, and pytest and hypothesis least of all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swruntime.testing.behaviour import add_server
    from swruntime.testing.checking import check_trace
    from swruntime.testing.death import kill_everywhere, stop_worker_everywhere
    from swruntime.testing.diagnostics import DiagnosticWarning
    from swruntime.testing.experiment import run_scenario
    from swruntime.testing.keeping import keep
    from swruntime.testing.lab import Laboratory, laboratory
    from swruntime.testing.origin import Origin, RequestRecord, ScriptedInternet
    from swruntime.testing.outcome import Outcome
    from swruntime.testing.pattern import Pattern
    from swruntime.testing.scenario import Scenario, ScenarioPlayer, Step, parse_scenario, read_scenario
    from swruntime.testing.stateful import UserAgentStateMachine
    from swruntime.testing.sweep import Death, Difference, Sweep
    from swruntime.testing.virtual_time import run

_LAZY = {
    "Death": "sweep",
    "DiagnosticWarning": "diagnostics",
    "Difference": "sweep",
    "Laboratory": "lab",
    "Origin": "origin",
    "Outcome": "outcome",
    "Pattern": "pattern",
    "RequestRecord": "origin",
    "Scenario": "scenario",
    "ScenarioPlayer": "scenario",
    "ScriptedInternet": "origin",
    "Step": "scenario",
    "Sweep": "sweep",
    "UserAgentStateMachine": "stateful",
    "add_server": "behaviour",
    "check_trace": "checking",
    "keep": "keeping",
    "kill_everywhere": "death",
    "laboratory": "lab",
    "parse_scenario": "scenario",
    "read_scenario": "scenario",
    "run": "virtual_time",
    "run_scenario": "experiment",
    "stop_worker_everywhere": "death",
}

__all__ = [
    "Death",
    "DiagnosticWarning",
    "Difference",
    "Laboratory",
    "Origin",
    "Outcome",
    "Pattern",
    "RequestRecord",
    "Scenario",
    "ScenarioPlayer",
    "ScriptedInternet",
    "Step",
    "Sweep",
    "UserAgentStateMachine",
    "add_server",
    "check_trace",
    "keep",
    "kill_everywhere",
    "laboratory",
    "parse_scenario",
    "read_scenario",
    "run",
    "run_scenario",
    "stop_worker_everywhere",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        value = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(globals().keys() | _LAZY.keys())
