"""Whatever a server does: the end that the oracle allows, and never wrong bytes as a success.

20,000 examples in the slow suite, in process under virtual time; 200 in the fast one.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from hypothesis import Phase, given, seed, settings

import swruntime
from swruntime.testing import RequestRecord, run
from swruntime.testing.behaviour import Server, add_server, content_of
from swruntime.testing.origin import Origin
from swruntime.testing.scenario import ScenarioPlayer, parse_scenario
from swruntime.testing.strategies import conditions, servers
from swruntime.trace import Line
from tests.agent.server_oracle import Again, Oracle

GIVE_UP = 100.0
"""Seconds; so few that a hopeless server is given up after a handful of requests."""

WORKER = """
import hashlib
async def report(event):
    (record,) = await event.registration.match_all()
    try:
        body = await (await record.response_ready).bytes()
    except TypeError:
        print("no body")
    else:
        print(len(body), hashlib.sha256(body).hexdigest())

onbackgroundfetchsuccess = onbackgroundfetchfail = report
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all examples: nothing is written there."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "worker.py").write_text(WORKER)
    return folder


@attrs.frozen
class Experience:
    """What came of one background fetch of one file."""

    lines: list[Line]
    requests: list[RequestRecord]

    def of(self, kind: str) -> list[Line]:
        return [line for line in self.lines if line["kind"] == kind]


async def download(site: Path, server: Server, steps: list[dict[str, Any]]) -> Experience:
    origin, lines = Origin(), list[Line]()
    add_server(origin, "/f", server)
    async with swruntime.open_user_agent(
        site=site, network=origin, give_up=GIVE_UP, on_trace=lines.append
    ) as agent:
        window = await agent.open_window("/")
        await window.navigator.service_worker.register("/worker.py")
        registration = await window.navigator.service_worker.ready
        await registration.background_fetch.fetch("f", "/f")
        if steps:
            ScenarioPlayer(agent, parse_scenario({"step": steps})).start(agent.services.nursery)
        with trio.fail_after(1_000_000):  # of the virtual clock: never a hang
            await agent.settled()
    return Experience(lines, [request for request in origin.requests if request.path == "/f"])


def hold_against_the_oracle(server: Server, seen: Experience) -> None:
    (settled,) = seen.of("record.settle")
    (said,) = seen.of("console")
    oracle = Oracle(server)
    verdict = oracle.judge(seen.requests)
    end = verdict.end if isinstance(verdict, Again) else verdict
    assert (settled["result"], settled["cause"]) == (end.result, end.cause), settled["message"]
    if end.result == "success":
        assert said["text"] == f"{len(end.body)} {hashlib.sha256(end.body).hexdigest()}"
        assert settled["bytes"] == len(end.body)
    else:
        assert said["text"] == (
            "no body" if end.result == "fetch-error" else f"0 {hashlib.sha256().hexdigest()}"
        )
    if isinstance(verdict, Again) and not any("coding" in answer for answer in server["answers"]):
        # Not given up before its time, which begins anew with each new byte.
        redirects = sum("redirect" in oracle.answer(n) for n in range(oracle.progressed_at))
        starts = [line["time"] for line in seen.of("record.start")]
        assert settled["time"] >= starts[oracle.progressed_at - redirects] + GIVE_UP


def hold_against_the_truth(server: Server, seen: Experience) -> None:
    """A success has the bytes of one version, all of them; unless the server said what nobody could see through."""
    (settled,) = seen.of("record.settle")
    answers = server["answers"]
    if settled["result"] != "success" or any(_lies_unseen(answer) for answer in answers) or _mixes(answers):
        return
    (said,) = seen.of("console")
    whole = [content_of(version) for version in server["versions"]]
    assert said["text"] in {f"{len(body)} {hashlib.sha256(body).hexdigest()}" for body in whole}


def _lies_unseen(answer: Any) -> bool:
    """An end of the connection that is taken for the body's; a length that is wrong and kept; a wrong 416."""
    return (
        (answer.get("framing") == "close" and answer.get("drop_with") == "close")
        or answer.get("claims", 0) < 0
        or answer.get("range") in ("careless", "refused")
        or answer.get("content_range") == "beyond"
    )


def _mixes(answers: Any) -> bool:
    """The rest in place of the whole, which only a length that is told and right would show."""
    unsure = {"framing", "claims", "coding", "part"}
    return any(answer.get("range") == "rest-as-200" for answer in answers) and any(
        unsure & answer.keys() for answer in answers
    )


def check(site: Path, server: Server, steps: list[dict[str, Any]]) -> None:
    seen = run(download, site, server, steps)
    hold_against_the_truth(server, seen)
    if not steps:
        hold_against_the_oracle(server, seen)


SEEDS = range(8)
EXAMPLES = 2_500
"""For each seed: 20,000 in all."""


@settings(max_examples=150, deadline=None)
@given(server=servers())
def test_the_end_is_one_that_the_oracle_allows(site: Path, server: Server) -> None:
    check(site, server, [])


@settings(max_examples=50, deadline=None)
@given(server=servers(), steps=conditions())
def test_never_wrong_bytes_whatever_the_network_does(
    site: Path, server: Server, steps: list[dict[str, Any]]
) -> None:
    check(site, server, steps)


@pytest.mark.slow
@pytest.mark.parametrize("number", SEEDS)
def test_the_end_is_one_that_the_oracle_allows_at_length(site: Path, number: int) -> None:
    tried = 0

    @seed(number)
    @settings(max_examples=EXAMPLES, deadline=None, database=None, phases=(Phase.generate, Phase.shrink))
    @given(server=servers())
    def examples(server: Server) -> None:
        nonlocal tried
        tried += 1
        check(site, server, [])

    examples()
    assert tried >= EXAMPLES
