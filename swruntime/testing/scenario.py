"""Scenario files: what the user and the network do, and when. Plain data, in TOML.

    conditions = "fast-4g"            # or { download = "8MiB", latency = 0.02 }; from the start

    [[step]]
    at = 2.5                          # seconds since the agent opened
    do = "offline"

    [[step]]
    after = 3                         # seconds after the step before
    do = "online"

    [[step]]
    fetch = "ep-5"                    # when so many bytes of that background fetch are stored
    bytes = "20MiB"
    do = "abort"                      # of that background fetch

What can be done: offline, online, conditions (with `conditions`), pause, resume, abort, click (with `fetch`, or
of every background fetch without), stop-worker (with `scope`, or every worker without).
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import attrs
import trio

from swruntime.agent.background_fetch import BackgroundFetch
from swruntime.agent.user_agent import UserAgent
from swruntime.algorithms.sizes import parse_size
from swruntime.errors import UsageError
from swruntime.network.conditions import PRESETS, Conditions
from swruntime.trace import Diagnostic

Action = Literal["offline", "online", "conditions", "pause", "resume", "abort", "click", "stop-worker"]
ACTIONS: tuple[Action, ...] = get_args(Action)

_STEP_KEYS = {"at", "after", "fetch", "bytes", "do", "scope", "conditions"}


@attrs.frozen
class Step:
    """One thing that is done, when its time has come. Times in seconds, `bytes` in bytes."""

    do: Action
    at: float | None = None
    after: float | None = None
    fetch: str | None = None
    bytes: int | None = None
    scope: str | None = None
    conditions: Conditions | None = None

    def __str__(self) -> str:
        if self.bytes is not None:
            return f"{self.do} at {self.bytes} bytes of {self.fetch!r}"
        when = f"at {self.at:g} s" if self.at is not None else f"{self.after or 0:g} s after the step before"
        return f"{self.do} {when}"


@attrs.frozen
class Scenario:
    conditions: Conditions | None = None
    steps: tuple[Step, ...] = ()


def read_scenario(path: Path) -> Scenario:
    """Raises UsageError, naming the file, the step, the value and what is expected."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise UsageError(f"scenario {str(path)!r} does not exist") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"scenario {str(path)!r}: {error}") from None
    try:
        return parse_scenario(data)
    except ValueError as error:
        raise UsageError(f"scenario {str(path)!r}: {error}") from None


def parse_scenario(data: Mapping[str, Any]) -> Scenario:
    """A scenario from plain data. Raises ValueError."""
    unknown = data.keys() - {"conditions", "step"}
    if unknown:
        raise ValueError(f"{min(unknown)!r} is not a key; expected conditions, step")
    steps = data.get("step", [])
    if not isinstance(steps, list):
        raise ValueError(f"step is {steps!r}; expected [[step]] tables")
    given = data.get("conditions")
    return Scenario(
        None if given is None else parse_conditions(given),
        tuple(_step(number, each) for number, each in enumerate(steps, 1)),
    )


def parse_conditions(given: object) -> Conditions:
    """A preset by name, or a table with latency (seconds), download and upload (bytes a second). Raises ValueError."""
    if isinstance(given, str) and given in PRESETS:
        return PRESETS[given]
    if not isinstance(given, Mapping):
        raise ValueError(f"conditions is {given!r}; expected one of {', '.join(PRESETS)}, or a table")
    unknown = given.keys() - {"latency", "download", "upload"}
    if unknown:
        raise ValueError(f"{min(unknown)!r} is not of conditions; expected latency, download, upload")
    return Conditions(
        "custom",
        latency=_seconds("latency", given.get("latency", 0)),
        download=_rate("download", given),
        upload=_rate("upload", given),
    )


def _rate(key: str, given: Mapping[str, object]) -> float:
    return float(_size(key, given[key])) if key in given else math.inf


def _step(number: int, data: object) -> Step:
    try:
        return _checked_step(data)
    except ValueError as error:
        raise ValueError(f"step {number}: {error}") from None


def _checked_step(data: object) -> Step:
    if not isinstance(data, Mapping):
        raise ValueError(f"{data!r} is no table")
    unknown = data.keys() - _STEP_KEYS
    if unknown:
        raise ValueError(f"{min(unknown)!r} is not a key; expected {', '.join(sorted(_STEP_KEYS))}")
    do = data.get("do")
    if do not in ACTIONS:
        raise ValueError(f"do is {do!r}; expected one of {', '.join(ACTIONS)}")
    when = [key for key in ("at", "after", "bytes") if key in data]
    if len(when) != 1:
        raise ValueError(f"{' and '.join(when) or 'nothing'} says when; expected one of at, after, bytes")
    if "bytes" in data and not isinstance(data.get("fetch"), str):
        raise ValueError("bytes needs fetch, the id of a background fetch")
    if (do == "conditions") != ("conditions" in data):
        raise ValueError("do = 'conditions' and the key conditions go together")
    return Step(
        do,
        at=_seconds("at", data["at"]) if "at" in data else None,
        after=_seconds("after", data["after"]) if "after" in data else None,
        fetch=_text("fetch", data.get("fetch")),
        bytes=_size("bytes", data["bytes"]) if "bytes" in data else None,
        scope=_text("scope", data.get("scope")),
        conditions=parse_conditions(data["conditions"]) if "conditions" in data else None,
    )


def _seconds(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ValueError(f"{key} is {value!r}; expected seconds, 0 or more")
    return float(value)


def _size(key: str, value: object) -> int:
    if isinstance(value, str):
        return parse_size(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{key} is {value!r}; expected bytes, such as 65536 or '20MiB'")
    return value


def _text(key: str, value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} is {value!r}; expected text")
    return value


class ScenarioPlayer:
    """Plays a scenario on an agent. `play` ends when every step is done; it may never, where bytes do not come."""

    def __init__(self, agent: UserAgent, scenario: Scenario) -> None:
        self._agent = agent
        self._scenario = scenario
        self._opened = agent.services.opened_at
        self.left = list(scenario.steps)
        """The steps that have not come."""
        if scenario.conditions is not None:
            agent.network.conditions = scenario.conditions

    async def play(self) -> None:
        """Do every step, in order. While one waits for a time, the agent is not settled."""
        for step in self._scenario.steps:
            if step.bytes is not None and step.fetch is not None:
                await self._until_bytes(step.fetch, step.bytes)
            else:
                await self._until_time(step)
            self.left.pop(0)
            self._do(step)

    async def _until_time(self, step: Step) -> None:
        until = self._opened + step.at if step.at is not None else trio.current_time() + (step.after or 0)
        with self._agent.services.activity.under_way("scenario"):
            await trio.sleep_until(until)

    async def _until_bytes(self, id: str, size: int) -> None:
        # The trace tells of progress only every so often; the bytes themselves are asked.
        while not any(f.id == id and f.machine.downloaded >= size for f in self._agent.background_fetches):
            await self._agent.services.activity.wait_for_bytes()

    def _do(self, step: Step) -> None:
        agent = self._agent
        match step.do:
            case "offline":
                agent.network.go_offline()
            case "online":
                agent.network.go_online()
            case "conditions":
                assert step.conditions is not None
                agent.network.conditions = step.conditions
            case "stop-worker":
                for registration in agent.registrations.all():
                    if step.scope in (None, registration.scope):
                        agent.terminate_worker(registration)
            case "pause" | "resume" | "abort" | "click":
                self._do_with_fetches(step)

    def _do_with_fetches(self, step: Step) -> None:
        meant = [f for f in self._agent.background_fetches if step.fetch in (None, f.id)]
        if not meant:
            text = f"scenario: {step}: there is no such background fetch now"
            self._agent.trace.emit(Diagnostic(code="scenario", message=text))
        for fetch in meant:
            _user_action(fetch, step.do)


def _user_action(fetch: BackgroundFetch, action: str) -> None:
    {"pause": fetch.pause, "resume": fetch.resume, "abort": fetch.abort, "click": fetch.click}[action]()


__all__ = [
    "ACTIONS",
    "Scenario",
    "ScenarioPlayer",
    "Step",
    "parse_conditions",
    "parse_scenario",
    "read_scenario",
]
