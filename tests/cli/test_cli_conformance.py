"""`conformance`, as a person and as a program use it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from swruntime.cli import main
from swruntime.machines.service_worker import TABLE, Install, State
from swruntime.monitor import explore


def conformance(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "swruntime", "conformance", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)


def test_all_of_it(tmp_path: Path) -> None:
    done = conformance(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Complete a record" in done.stdout
    assert "Create Fetch Event and Dispatch" in done.stdout
    assert re.search(r"machines: [1-9]\d* states, [1-9]\d* transitions", done.stdout)
    assert done.stdout.endswith("conforms\n")


def test_for_programs(tmp_path: Path) -> None:
    done = conformance(tmp_path, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert report["conforms"] is True
    assert report["problems"] == []
    assert report["states"] > 20
    assert report["transitions"] > 100
    assert {"perform", "complete", "fetch"} <= {algorithm["name"] for algorithm in report["algorithms"]}


def test_where_is_that_step_and_what_proves_it(tmp_path: Path) -> None:
    done = conformance(tmp_path, "perform", "5.3")
    assert done.returncode == 0
    assert "swruntime.machines.background_fetch:note" in done.stdout
    assert (
        "tests/machines/test_background_fetch.py::test_the_first_record_to_fail_is_the_reason" in done.stdout
    )
    assert "deviation 1 of background-fetch" in done.stdout
    assert "here: It is set when it is still empty" in done.stdout


def test_what_browsers_do_where_the_text_is_not_followed(tmp_path: Path) -> None:
    done = conformance(tmp_path, "records", "2.9")
    assert done.returncode == 0
    assert "Chromium: It settles at the last byte" in done.stdout
    assert "WebKit: It settles at the headers" in done.stdout


def test_a_table_that_differs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    other = {(State.PARSED, Install): TABLE[State.PARSED, Install]}
    monkeypatch.setitem(explore.TABLES, "service-worker", (other, State))
    assert main(["conformance"]) == 1
    told = capsys.readouterr().out
    assert "PROBLEM service-worker, installing on installed: specs/ says installed, the code nothing" in told
    assert told.endswith("8 problems\n")


def test_an_algorithm_or_step_that_is_not_there(tmp_path: Path) -> None:
    for arguments, told in (
        (("no-such",), "there is no algorithm 'no-such'"),
        (("perform", "99"), "has no step '99'"),
    ):
        done = conformance(tmp_path, *arguments)
        assert done.returncode == 2
        assert done.stdout == ""
        assert told in done.stderr
        assert len(done.stderr.splitlines()) == 1
