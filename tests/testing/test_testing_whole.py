"""Whole scenarios: plain data that a strategy makes, a file keeps, and a virtual clock runs."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import trio
from hypothesis import Phase, given, settings, strategies as st
from hypothesis.stateful import rule

from swruntime import UsageError
from swruntime.testing import (
    UserAgentStateMachine,
    check_trace,
    keep,
    read_scenario,
    run_scenario,
    strategies,
)
from swruntime.testing.experiment import complaints
from swruntime.testing.scenario import parse_scenario
from swruntime.trace import Line, to_json

WHOLE = """
[[fetch]]
id = "a"
urls = ["/x"]
[servers."/x"]
versions = [{ size = 3000, etag = '"v1"' }]
answers = [{ drop_after = 1000 }, {}]
[[step]]
fetch = "a"
bytes = 1000
do = "offline"
[[step]]
after = 3600
do = "online"
"""


def text_of(trace: list[Line]) -> str:
    return "".join(to_json(line) + "\n" for line in trace)


def test_an_hour_offline(tmp_path: Path) -> None:
    path = tmp_path / "whole.toml"
    path.write_text(WHOLE)
    trace = run_scenario(path)
    check_trace(trace, complete=True)
    assert [line["action"] for line in trace if line["kind"] == "network.change"] == ["offline", "online"]
    assert [line["range_start"] for line in trace if line["kind"] == "record.start"] == [0, 1000]
    (settled,) = [line for line in trace if line["kind"] == "fetch.settle"]
    assert settled["result"] == "success"
    assert settled["time"] > 3600
    assert complaints(read_scenario(path), trace) == []


@pytest.mark.slow
@given(strategies.scenarios())
@settings(max_examples=200, deadline=None)
def test_a_users_own_property(scenario: dict[str, Any]) -> None:
    """No health check is suppressed; the trace is one that the standards' machines can make."""
    check_trace(run_scenario(scenario), complete=True)


class Downloads(UserAgentStateMachine):
    """A user's own state machine, over the strategies."""

    async def setup(self, lab: Any) -> None:
        (lab.site / "worker.py").write_text("async def onbackgroundfetchsuccess(event):\n    pass\n")
        lab.origin.add("/x", b"x" * 5000, drop_after=[1000, 10])
        self.registration = await (await lab.window()).navigator.service_worker.ready
        self.begun = 0

    @rule()  # type: ignore[arg-type]
    async def begin(self) -> None:
        self.begun += 1
        await self.registration.background_fetch.fetch(str(self.begun), "/x")

    @rule(offline=st.booleans())  # type: ignore[arg-type]
    async def switch(self, offline: bool) -> None:
        network = self.lab.user_agent.network
        network.go_offline() if offline else network.go_online()
        await trio.sleep(1)

    async def teardown(self) -> None:  # type: ignore[override]
        self.lab.user_agent.network.go_online()
        await self.lab.user_agent.settled()
        check_trace(self.lab.trace)
        settled = [line["result"] for line in self.lab.trace if line["kind"] == "fetch.settle"]
        assert settled == ["success"] * self.begun


Downloads.TestCase.settings = settings(max_examples=200, stateful_step_count=5, deadline=None)
TestDownloads = pytest.mark.slow(Downloads.TestCase)


@given(strategies.scenarios())
@settings(deadline=None, max_examples=30)
def test_a_scenario_is_the_same_when_it_comes_back_from_toml(scenario: dict[str, Any]) -> None:
    again = tomllib.loads(tomli_w.dumps(scenario))
    assert again == scenario
    assert parse_scenario(again) == parse_scenario(scenario)


TEXTS = st.text(st.sampled_from("ab\"'\\\n\r\t.[]=# \0é"), max_size=8)


@given(
    strategies.scenarios(),
    st.dictionaries(TEXTS.filter(lambda name: name not in ("", ".", "..", "worker.py")), TEXTS, max_size=3),
    TEXTS,
)
@settings(deadline=None, max_examples=50)
def test_what_is_kept_is_the_same_when_it_is_read(
    tmp_path_factory: pytest.TempPathFactory, scenario: dict[str, Any], files: dict[str, str], worker: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "kept.toml"
    whole = {**scenario, "files": files, "worker": worker, "conditions": {"latency": 0.5}}
    keep(whole, path)
    assert tomllib.loads(path.read_bytes().decode()) == whole


SMALLEST = """\
give_up = 300

[[fetch]]
id = "a"
urls = ["/0"]

[servers."/0"]
versions = [{ size = 1 }]
answers = [{ hang_up = "reset" }]

[expect]
a = "any"
"""


@pytest.mark.slow
def test_what_fails_is_shrunk_kept_and_run_again_from_the_file(tmp_path: Path) -> None:
    """Hypothesis tries the smallest example last; its trace comes again from the file, in another process."""
    path = tmp_path / "smallest.toml"
    last: list[Line] = []

    @given(strategies.scenarios(max_fetches=1, max_steps=2))
    @settings(deadline=None, database=None, derandomize=True, phases=[Phase.generate, Phase.shrink])
    def nothing_ever_waits(scenario: dict[str, Any]) -> None:
        keep(scenario, path)
        last[:] = run_scenario(scenario)
        assert not any(line["kind"] == "record.wait" and line["reason"] == "reset" for line in last)

    with pytest.raises(AssertionError):
        nothing_ever_waits()
    assert path.read_text() == SMALLEST
    assert text_of(run_scenario(path)) == text_of(last)
    command = [sys.executable, "-m", "swruntime", "scenario", str(path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == text_of(last)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("[[fetch]]\nid = 'a'\nurls = ['/x']\nbytes = 3", "fetch 1: fetch: 'bytes' is not a key"),
        ("[[fetch]]\nid = 'a'", "fetch 1: urls is None"),
        ("[[fetch]]\nurls = ['/x']", "fetch 1: id is None"),
        ("[[fetch]]\nid = 'a'\nurls = ['/x']\nat = -1", "at is -1"),
        ("fetch = 3", "fetch is 3; expected [[fetch]] tables"),
        ("give_up = 0", "give_up is 0"),
        ("permission = 'maybe'", "permission is 'maybe'; expected one of granted"),
        ("worker = 3", "worker is 3; expected text"),
        ("worker = ''\nsite = '.'", "expected one of them"),
        ("[files]\n'../x' = ''", "expected a path below the site"),
        ("[files]\nx = 3", "files.x is 3; expected text"),
        ("[servers.x]\nversions = [{ size = 3 }]", "servers.x has 1 versions and 0 answers"),
        ("[servers.x]\nversions = [{}]\nanswers = [{}]", "the size of version 0 is None"),
        (
            "[servers.x]\nversions = [{ size = 3 }]\nanswers = [{ version = 1 }]",
            "version is 1; expected a number",
        ),
        ("[servers.x]\nversions = [{ size = 3 }]\nanswers = [{ drop = 1 }]", "'drop' is not a key"),
        ("[expect]\na = 'success'", "expect has 'a', which no fetch has"),
        ("[[fetch]]\nid = 'a'\nurls = ['/x']\n[expect]\na = 'good'", "expect.a is 'good'"),
        ("[[step]]\nat = 1\ndo = 'offline'", "begins nothing"),
        ("nonsense = 1", "'nonsense' is not a key; expected conditions, step, expect"),
    ],
)
def test_what_is_no_whole_scenario(change: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(change)
    with pytest.raises(UsageError, match=r"wrong\.toml") as caught:
        run_scenario(path)
    assert said in str(caught.value)


def test_nothing_is_kept_of_what_is_no_scenario(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="begins nothing"):
        keep({}, tmp_path / "x.toml")
    assert not (tmp_path / "x.toml").exists()


def test_a_site_seen_from_the_file_and_what_waits_for_ever(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/worker.py").write_text("def onbackgroundfetchsuccess(event):\n    print('mine')\n")
    (tmp_path / "site/x").write_bytes(b"x")
    path = tmp_path / "whole.toml"
    path.write_text("site = 'site'\n[[fetch]]\nid = 'a'\nurls = ['/x']\n")
    assert "mine" in [line["text"] for line in run_scenario(path) if line["kind"] == "console"]
    path.write_text(path.read_text() + "at = 1\n[[step]]\nat = 0\ndo = 'offline'\n")
    told = [line["message"] for line in run_scenario(path) if line.get("code") == "scenario"]
    assert len(told) == 1
    assert told[0].startswith("scenario: nothing goes on by itself: ")
    path.write_text("[[fetch]]\nid = 'a'\nurls = ['ftp://x/']\n")
    told = [line["message"] for line in run_scenario(path) if line.get("code") == "scenario"]
    assert told[0].startswith("scenario: fetch 'a' was refused: TypeError")
