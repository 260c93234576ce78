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
    bytes = "20MiB"                   # 0: as soon as it has begun
    do = "abort"                      # of that background fetch

What can be done: offline, online, conditions (with `conditions`), pause, resume, abort, click (with `fetch`, or
of every background fetch without), stop-worker (with `scope`, or every worker without).

With what `swruntime.testing.whole` describes (a worker, servers, background fetches) it runs by itself.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import attrs
import trio

from swruntime.agent.background_fetch import BackgroundFetch
from swruntime.agent.user_agent import UserAgent
from swruntime.algorithms.sizes import human
from swruntime.errors import UsageError
from swruntime.network.conditions import PRESETS, Conditions
from swruntime.ports.network import LARGEST_PIECE
from swruntime.testing.plain import seconds, size, text
from swruntime.testing.whole import KEYS, Whole, parse_whole
from swruntime.trace import Diagnostic

Action = Literal["offline", "online", "conditions", "pause", "resume", "abort", "click", "stop-worker"]
ACTIONS: tuple[Action, ...] = get_args(Action)
OF_FETCHES = ("pause", "resume", "abort", "click")
"""What is done to background fetches."""

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
            return f"{self.do} at {human(self.bytes)} of {self.fetch!r}"
        when = f"at {self.at:g} s" if self.at is not None else f"{self.after or 0:g} s after the step before"
        return f"{self.do} {when}"


@attrs.frozen
class Scenario:
    conditions: Conditions | None = None
    steps: tuple[Step, ...] = ()
    whole: Whole | None = None
    """What makes it run by itself; None where it is for a site that is somewhere else."""


def read_scenario(path: Path) -> Scenario:
    """Raises UsageError, naming the file, the step, the value and what is expected."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise UsageError(f"scenario {str(path)!r} does not exist") from None
    except RecursionError:
        raise UsageError(f"scenario {str(path)!r} nests too deeply; expected tables of steps") from None
    except (
        OSError,
        ValueError,
    ) as error:  # of ValueError's kind: no UTF-8, no TOML, a number of too many digits
        raise UsageError(f"scenario {str(path)!r}: {error}") from None
    try:
        return parse_scenario(data, path.parent)
    except ValueError as error:
        raise UsageError(f"scenario {str(path)!r}: {error}") from None


def parse_scenario(data: Mapping[str, Any], folder: Path = Path()) -> Scenario:
    """A scenario from plain data; its paths are seen from `folder`. Raises ValueError."""
    unknown = data.keys() - {"conditions", "step"} - KEYS
    if unknown:
        raise ValueError(
            f"{min(unknown)!r} is not a key; expected {', '.join(['conditions', 'step', *sorted(KEYS)])}"
        )
    steps = data.get("step", [])
    if not isinstance(steps, list):
        raise ValueError(f"step is {steps!r}; expected [[step]] tables")
    given = data.get("conditions")
    return Scenario(
        None if given is None else parse_conditions(given),
        tuple(_step(number, each) for number, each in enumerate(steps, 1)),
        parse_whole(data, folder),
    )


def parse_conditions(given: object) -> Conditions:
    """A preset by name, or a table with latency (seconds), download and upload (bytes a second), and packet (bytes).

    Raises ValueError.
    """
    if isinstance(given, str) and given in PRESETS:
        return PRESETS[given]
    if not isinstance(given, Mapping):
        raise ValueError(f"conditions is {given!r}; expected one of {', '.join(PRESETS)}, or a table")
    unknown = given.keys() - {"latency", "download", "upload", "packet"}
    if unknown:
        raise ValueError(f"{min(unknown)!r} is not of conditions; expected latency, download, upload, packet")
    latency, packet = (
        seconds("latency", given.get("latency", 0)),
        size("packet", given.get("packet", LARGEST_PIECE)),
    )
    download, upload = _rate("download", given), _rate("upload", given)
    name = _named(latency, download, upload, packet)
    return Conditions(name, latency=latency, download=download, upload=upload, packet=packet)


def _named(latency: float, download: float, upload: float, packet: int) -> str:
    """What a person is told of conditions that have no name."""
    parts = []
    if latency:
        parts.append(f"latency {latency:g} s")
    if download < math.inf:
        parts.append(f"down {human(int(download))}/s")
    if upload < math.inf:
        parts.append(f"up {human(int(upload))}/s")
    if packet < LARGEST_PIECE:
        parts.append(f"packets of {human(packet)}")
    return ", ".join(parts) or "online"


def _rate(key: str, given: Mapping[str, object]) -> float:
    return float(size(key, given[key])) if key in given else math.inf


def _step(number: int, data: object) -> Step:
    try:
        return _checked_step(data)
    except ValueError as error:
        raise ValueError(f"step {number}: {error}") from None


def _checked_step(data: object) -> Step:
    if not isinstance(data, Mapping):
        raise ValueError(f"{data!r} is not a table")
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
    if "fetch" in data and "bytes" not in data and do not in OF_FETCHES:
        raise ValueError(f"fetch goes with bytes, or with {', '.join(OF_FETCHES)}; do is {do!r}")
    if "scope" in data and do != "stop-worker":
        raise ValueError(f"scope goes with stop-worker; do is {do!r}")
    return Step(
        do,
        at=seconds("at", data["at"]) if "at" in data else None,
        after=seconds("after", data["after"]) if "after" in data else None,
        fetch=text("fetch", data.get("fetch")),
        bytes=size("bytes", data["bytes"]) if "bytes" in data else None,
        scope=text("scope", data.get("scope")),
        conditions=parse_conditions(data["conditions"]) if "conditions" in data else None,
    )


class ScenarioPlayer:
    """Plays a scenario on an agent, once it is started.

    While a step waits for its time, the agent is not settled; a step that waits for bytes keeps nobody waiting,
    because they may never come.
    """

    def __init__(self, agent: UserAgent, scenario: Scenario) -> None:
        self._agent = agent
        self._scenario = scenario
        self._opened = agent.services.opened_at
        self.left = list(scenario.steps)
        """The steps that have not come."""
        if scenario.conditions is not None:
            agent.network.conditions = scenario.conditions

    def start(self, nursery: trio.Nursery) -> None:
        """Play in `nursery`. From this moment on the agent is not settled before the first step's time."""
        nursery.start_soon(self._play, self._hold(), name="scenario")

    def _hold(self) -> Callable[[], None]:
        return self._agent.services.activity.begin("scenario")

    async def _play(self, release: Callable[[], None]) -> None:
        try:
            for step in self._scenario.steps:
                if step.bytes is None:
                    await self._until_time(step)
                elif not self._has_bytes(step):
                    release()
                    await self._until_bytes(step)
                    release = self._hold()
                self.left.pop(0)
                await self._do(step)
        finally:
            release()

    async def _until_time(self, step: Step) -> None:
        if step.at is not None:
            await trio.sleep_until(self._opened + step.at)
        else:
            await trio.sleep(step.after or 0)

    def _has_bytes(self, step: Step) -> bool:
        assert step.bytes is not None
        return any(fetch.machine.downloaded >= step.bytes for fetch in self._named(step.fetch))

    async def _until_bytes(self, step: Step) -> None:
        # The trace tells of progress only every so often; the bytes themselves are asked.
        while not self._has_bytes(step):
            await self._agent.services.activity.wait_for_bytes()

    def _named(self, id: str | None) -> list[BackgroundFetch]:
        """Those of that id, or all. An active one hides those of the same id whose event is owed still."""
        found = [fetch for fetch in self._agent.background_fetches if id in (None, fetch.id)]
        active = [fetch for fetch in found if fetch.active]
        return active if id is not None and active else found

    async def _do(self, step: Step) -> None:
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
                await self._do_with_fetches(step)

    async def _do_with_fetches(self, step: Step) -> None:
        meant = self._named(step.fetch)
        if not meant:
            self._tell(f"{step}: there is no such background fetch now")
        for fetch in meant:
            match step.do:
                case "pause":
                    done = await fetch.pause()
                case "resume":
                    done = await fetch.resume()
                case "abort":
                    done = await fetch.abort()
                case _:
                    fetch.click()  # its promise waits for the handler, and the next step does not
                    done = True
            if not done:
                self._tell(f"{step}: refused by {fetch.id!r}")

    def _tell(self, text: str) -> None:
        self._agent.trace.emit(Diagnostic(code="scenario", message=f"scenario: {text}"))


__all__ = [
    "ACTIONS",
    "Scenario",
    "ScenarioPlayer",
    "Step",
    "parse_conditions",
    "parse_scenario",
    "read_scenario",
]
