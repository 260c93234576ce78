"""A short slice of `make torture TARGET=kills` and `TARGET=servers`; that of `frames` is beside what it attacks."""

from __future__ import annotations

from typing import Any

import pytest

from swruntime.testing.behaviour import Server
from tests.torture import frames, kills, servers

pytestmark = pytest.mark.filterwarnings("ignore::swruntime.testing.DiagnosticWarning")

CUT: Server = {
    "versions": [{"size": 3000, "etag": '"v0"'}],
    "answers": [{"drop_after": 1000, "drop_with": "reset"}, {}],
}


def test_generated_servers_do_what_the_oracle_allows() -> None:
    found = servers.episode("test/0", examples=4)
    assert found.findings == []
    assert found.behaviours >= 4
    assert found.requests > found.behaviours


@pytest.mark.parametrize("kept", [{"steps": [], "lives": []}, {"steps": [], "lives": [0.5, 0.0]}])
def test_a_finding_about_servers_is_played_again(
    kept: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert servers.again({"files": [CUT, CUT], **kept}).findings == []

    def refuse(*seen: object) -> None:
        raise AssertionError("wrong bytes")

    monkeypatch.setattr(servers, "hold_against_the_truth", refuse)
    (told,) = servers.again({"files": [CUT], **kept}).findings
    assert told.startswith("AssertionError: wrong bytes\n")


@pytest.mark.slow
def test_what_fails_is_made_small_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an oracle that allows no 404: one server is left, with one answer."""

    def refuse(server: Server, seen: Any) -> None:
        (settled,) = seen.of("record.settle")
        assert settled["result"] != "bad-status", "a bad status"

    monkeypatch.setattr(servers, "hold_against_the_oracle", refuse)
    found = servers.episode("test/1", examples=40)
    (told,) = found.findings
    assert told.startswith("AssertionError: a bad status")
    assert found.kept is not None
    assert [len(server["answers"]) for server in found.kept["files"]] == [1]
    assert found.kept["files"][0]["answers"][0].keys() <= {"status", "retry_after"}
    (again,) = servers.again(found.kept).findings
    assert again.startswith("AssertionError: a bad status")
    assert 0 < found.behaviours < 400


def test_the_figures() -> None:
    for target in (frames, kills, servers):
        run = {**target.Found().counts, target.COUNTED: 1_234}
        told = target.sentence(run, {**run, target.COUNTED: 5_678, "episodes": 9})
        assert "1,234" in told
        assert "\nin all runs: 5,678" in told
        assert told.endswith("; 9 episodes")


@pytest.mark.slow
@pytest.mark.parametrize("number", range(4))
def test_kills_of_mixed_workloads_lose_nothing(number: int) -> None:
    found = kills.episode(f"test/{number}")
    assert found.findings == []
    assert found.kills > 0
