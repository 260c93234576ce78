"""A whole scenario, run: in process, under a virtual clock, the same every time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import trio

from swruntime.errors import DOMException, UsageError, WaitingForUser
from swruntime.network.site_files import HEADERS, SiteFiles
from swruntime.testing.behaviour import add_server
from swruntime.testing.lab import Laboratory, laboratory
from swruntime.testing.scenario import Scenario, ScenarioPlayer, parse_scenario, read_scenario
from swruntime.testing.virtual_time import run
from swruntime.testing.whole import WORKER, Begun, Whole
from swruntime.trace import Diagnostic, Line

Given = Scenario | Mapping[str, Any] | Path | str
"""A scenario, as it was parsed, as plain data, or as a file."""


def run_scenario(scenario: Given, seed: int = 0, *, require_confinement: bool = False) -> list[Line]:
    """Run a whole scenario under a virtual clock of its own; the trace's lines. Takes no real time.

    The same scenario and seed give the same trace, byte for byte, in any process. It ends when nothing goes on by
    itself any more; what still waits then, for the user or the network, is a diagnostic of the code `scenario`.

    `require_confinement` is as of `swruntime.open_user_agent`.

    Raises UsageError for what is no scenario, and for one without a `fetch` and a site.
    """
    return run(_experiment, parsed_whole(scenario), seed, require_confinement)


def parsed_whole(scenario: Given) -> Scenario:
    """Raises UsageError for what is no scenario, or not a whole one."""
    name = ""
    if isinstance(scenario, Path | str):
        name = f" {str(scenario)!r}"
        scenario = read_scenario(Path(scenario))
    elif not isinstance(scenario, Scenario):
        try:
            scenario = parse_scenario(scenario)
        except ValueError as error:
            raise UsageError(f"the scenario: {error}") from None
    if scenario.whole is None or not scenario.whole.fetches:
        raise UsageError(f"scenario{name} begins nothing; expected [[fetch]] with id and urls")
    return scenario


async def _experiment(scenario: Scenario, seed: int, require_confinement: bool) -> list[Line]:
    whole = scenario.whole
    assert whole is not None
    async with laboratory(
        seed=seed,
        site=None,
        give_up=whole.give_up,
        quota=whole.quota,
        permission=whole.permission,
        require_confinement=require_confinement,
    ) as lab:
        _furnish(lab, whole)
        window = await lab.window()
        player = ScenarioPlayer(lab.user_agent, scenario)
        player.start(lab.user_agent.services.nursery)
        registration = await window.navigator.service_worker.ready
        begun_at = trio.current_time()
        for each in whole.fetches:
            await trio.sleep_until(begun_at + each.at)
            await _begin(lab, registration, each)
        try:
            await lab.user_agent.settled()
        except WaitingForUser as waiting:
            _tell(lab, f"nothing goes on by itself: {'; '.join(waiting.waiting)}")
        for step in player.left:
            _tell(lab, f"{step}: never came")
    return lab.trace


def _furnish(lab: Laboratory, whole: Whole) -> None:
    if whole.site is not None:
        if not whole.site.is_dir():
            raise UsageError(f"site is {str(whole.site)!r}; expected a folder")
        files = SiteFiles(whole.site)
        for path, body in _served(files):
            _write(lab, unquote(path)[1:], body)
            lab.origin.add(path, body)
        if (headers := files.headers()) is not None:
            _write(lab, HEADERS, headers)
    else:
        _write(lab, "worker.py", (whole.worker or WORKER).encode())
    for name, content in whole.files.items():
        _write(lab, name, content.encode())
        lab.origin.add("/" + name, content)
    for path, server in whole.servers.items():
        add_server(lab.origin, path, server)


def _served(files: SiteFiles) -> Iterator[tuple[str, bytes]]:
    """What a site's server serves: the path of each URL, and the bytes."""
    for file in sorted(files.folder.rglob("*")):
        path = "/" + quote(file.relative_to(files.folder).as_posix())
        if files.is_file(path):
            yield path, files.read(path, most=None)


def _write(lab: Laboratory, name: str, content: bytes) -> None:
    path = lab.site / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


async def _begin(lab: Laboratory, registration: Any, begun: Begun) -> None:
    try:
        await registration.background_fetch.fetch(
            begun.id, list(begun.urls), title=begun.title, download_total=begun.download_total
        )
    except (TypeError, DOMException) as error:
        _tell(lab, f"fetch {begun.id!r} was refused: {type(error).__name__}: {error}")


def _tell(lab: Laboratory, text: str) -> None:
    lab.user_agent.trace.emit(Diagnostic(code="scenario", message=f"scenario: {text}"))


def complaints(scenario: Scenario, trace: list[Line]) -> list[str]:
    """What ended otherwise than the scenario expects, and what scripts raised, a line each."""
    whole = scenario.whole or Whole()
    ended: dict[str, list[str]] = {}
    for line in trace:
        if line["kind"] == "fetch.settle":
            ended.setdefault(line["id"], []).append(line["failure_reason"] or line["result"])
    found = []
    for id in dict.fromkeys([*(each.id for each in whole.fetches), *whole.expect]):
        expected, results = whole.expect.get(id, "success"), ended.get(id, [])
        failed = {"failure"} if any(each not in ("success", "aborted") for each in results) else set()
        if expected != "any" and expected not in {*results, *failed}:
            found.append(
                f"background fetch {id!r} ended with {' and '.join(results) or 'nothing'}, not with {expected}"
            )
    for line in trace:
        if line["kind"] == "event.end" and line["outcome"] == "rejected":
            found.append(f"{line['name']}: {line['error']}")
    return found


__all__ = ["complaints", "parsed_whole", "run_scenario"]
