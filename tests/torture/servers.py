"""`make torture TARGET=servers`: generated servers against the oracle, under a virtual clock.

Each episode is a batch of background fetches of a few files. Each file's server has its versions and faults (see
`swruntime.testing.behaviour`), made by Hypothesis from the episode's seed. What is held: each record ends as the oracle
allows (`tests/agent/server_oracle.py`), asks for what it should, and has the right bytes, all of them, where it ends in
success; and no standard is broken by the trace. In some, the network comes and goes as well, or the agent ends and
another goes on from its profile: then, that no success has a wrong byte. What fails is made as
small as Hypothesis can make it, and that is kept.
"""

from __future__ import annotations

import math
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import attrs
import trio
from hypothesis import (
    HealthCheck,
    Phase,
    Verbosity,
    given,
    seed as hypothesis_seed,
    settings,
    strategies as st,
)

import swruntime
from swruntime.monitor.checked import Checked
from swruntime.testing.behaviour import Server, add_server
from swruntime.testing.origin import Origin
from swruntime.testing.scenario import ScenarioPlayer, parse_scenario
from swruntime.testing.strategies import conditions, servers
from swruntime.testing.virtual_time import run
from swruntime.trace import Line
from tests.agent.test_agent_oracle import (
    GIVE_UP,
    Experience,
    hold_against_the_oracle,
    hold_against_the_truth,
)
from tests.torture.servers_made import interrupted_servers

COUNTED = "behaviours"
PER_CORE = 1
EXAMPLES = 30
"""Background fetches in an episode."""
FILES = 12
"""In each, at most."""

WORKER = """
import hashlib
async def report(event):
    for record in await event.registration.match_all():
        path = record.request.url.rpartition("/")[2]
        try:
            body = await (await record.response_ready).bytes()
        except TypeError:
            print(path, "no body")
        else:
            print(path, len(body), hashlib.sha256(body).hexdigest())

onbackgroundfetchsuccess = onbackgroundfetchfail = report
"""

Plain = Mapping[str, Any]
Steps = Sequence[Plain]

nothing = st.just(dict[str, Any]())
"""Neither the network nor the process comes and goes."""


def restarts() -> st.SearchStrategy[list[float]]:
    """Seconds that each life of the agent lasts, but for the last one."""
    return st.lists(st.floats(0, 60).map(lambda seconds: round(seconds, 3)), min_size=1, max_size=3)


def _steps(steps: Steps) -> dict[str, Any]:
    return {"steps": steps}


def _lives(lives: Sequence[float]) -> dict[str, Any]:
    return {"lives": lives}


@attrs.define
class Found:
    """What came of an episode."""

    behaviours: int = 0
    successes: int = 0
    requests: int = 0
    findings: list[str] = attrs.field(factory=list)
    kept: dict[str, Any] | None = None

    @property
    def counts(self) -> dict[str, int]:
        return {
            "behaviours": self.behaviours,
            "successes": self.successes,
            "requests": self.requests,
            "wrong": len(self.findings),
            "episodes": 1,
        }


def sentence(run: Mapping[str, int], all: Mapping[str, int]) -> str:
    """The closing figure."""
    told = "{behaviours:,} behaviours of servers, {requests:,} requests, {successes:,} files whole; {wrong} wrong"
    told += "; {episodes:,} episodes"
    zero = dict.fromkeys(Found().counts, 0)
    return f"{told.format(**{**zero, **run})}\nin all runs: {told.format(**{**zero, **all})}"


def episode(seed: str, *, examples: int = EXAMPLES) -> Found:
    """All of it follows from `seed`."""
    found = Found()
    with tempfile.TemporaryDirectory() as folder:
        site = _make_site(folder)

        @hypothesis_seed(Random(seed).randrange(2**64))
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=False,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
            report_multiple_bugs=False,
            print_blob=False,
        )
        @given(
            files=st.lists(
                st.one_of(servers(), interrupted_servers(), interrupted_servers()), min_size=1, max_size=FILES
            ),
            what=st.one_of(*[nothing] * 6, conditions().map(_steps), restarts().map(_lives)),
        )
        def batch(files: list[Server], what: Plain) -> None:
            steps, lives = what.get("steps", []), what.get("lives", [])
            try:
                seen = play(site, files, steps, lives)
                check(files, steps, lives, seen)
            except BaseException:
                found.kept = {"files": files, "steps": steps, "lives": lives}
                raise
            if found.kept is None:  # what is tried to make a failure smaller does not count
                found.behaviours += len(files)
                found.requests += sum(len(each.requests) for each in seen)
                found.successes += sum(each.of("record.settle")[0]["result"] == "success" for each in seen)

        try:
            batch()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            found.findings.append(_told(error))
            if found.kept is not None:
                found.kept = _alone(found.kept)
    return found


def _alone(kept: dict[str, Any]) -> dict[str, Any]:
    """One of the files, if something is wrong with that alone."""
    singles = ({**kept, "files": [file]} for file in kept["files"])
    return next((each for each in singles if again(each).findings), kept)


def again(kept: Mapping[str, Any]) -> Found:
    """Play what a finding has kept."""
    found = Found(behaviours=len(kept["files"]))
    with tempfile.TemporaryDirectory() as folder:
        try:
            files, steps, lives = kept["files"], kept["steps"], kept["lives"]
            check(files, steps, lives, play(_make_site(folder), files, steps, lives))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            found.findings.append(_told(error))
    return found


def play(site: Path, files: Sequence[Server], steps: Steps, lives: Sequence[float]) -> list[Experience]:
    """What each of the files came to, in one background fetch of all. `lives`: seconds, each up to an end of the agent."""
    return run(_play, site, files, steps, lives)


async def _play(
    site: Path, files: Sequence[Server], steps: Steps, lives: Sequence[float]
) -> list[Experience]:
    origin, lines = Origin(), list[Line]()
    paths = [f"/{number}" for number in range(len(files))]
    for path, server in zip(paths, files, strict=True):
        add_server(origin, path, server)
    with tempfile.TemporaryDirectory() as folder:
        profile = Path(folder) if lives else None
        for number, seconds in enumerate([*lives, None]):
            lines += await _live(site, origin, profile, paths if number == 0 else [], steps, seconds)
    return [
        Experience(
            [each for line in lines if (each := _of_record(line, number)) is not None],
            [request for request in origin.requests if request.path == path],
        )
        for number, path in enumerate(paths)
    ]


async def _live(
    site: Path,
    origin: Origin,
    profile: Path | None,
    paths: Sequence[str],
    steps: Steps,
    seconds: float | None,
) -> list[Line]:
    """One life of the agent: for so many seconds, or (None) until everything is over. The first one has `paths`."""
    lines, monitor = list[Line](), Checked()

    def see(line: Line) -> None:
        lines.append(line)
        monitor.see(line)

    async with swruntime.open_user_agent(
        site=site, network=origin, profile=profile, give_up=GIVE_UP, on_trace=see
    ) as agent:
        if paths:
            window = await agent.open_window("/")
            await window.navigator.service_worker.register("/worker.py")
            registration = await window.navigator.service_worker.ready
            await registration.background_fetch.fetch("f", paths)
        if steps:
            ScenarioPlayer(agent, parse_scenario({"step": list(steps)})).start(agent.services.nursery)
        with trio.fail_after(1_000_000):  # of the virtual clock: never a hang
            with trio.move_on_after(math.inf if seconds is None else seconds):
                await agent.settled()
    monitor.finish(complete=True)
    return lines


def _of_record(line: Line, number: int) -> Line | None:
    """The line, as it would be if there were this record alone; None where it is about another one."""
    if line["kind"] == "console":
        path, _, text = str(line["text"]).partition(" ")
        return {**line, "text": text} if path == str(number) else None
    return line if line.get("index", number) == number else None


def check(files: Sequence[Server], steps: Steps, lives: Sequence[float], seen: Sequence[Experience]) -> None:
    """AssertionError where one of them ended as it should not."""
    for server, each in zip(files, seen, strict=True):
        (settled,) = each.of("record.settle")
        assert each.of("console"), "an event that never came"
        for said in each.of("console"):  # an event that a death has cut comes again
            hold_against_the_truth(server, Experience([settled, said], each.requests))
        if not steps and not lives:
            hold_against_the_oracle(server, each)


def _make_site(folder: str) -> Path:
    site = Path(folder)
    (site / "worker.py").write_text(WORKER)
    return site


def _told(error: BaseException) -> str:
    """In one line what is wrong, and below it where."""
    first = (str(error) or type(error).__name__).splitlines()[0]
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return "\n".join([f"{type(error).__name__}: {first}", *traceback.format_list(frames)]).rstrip()
