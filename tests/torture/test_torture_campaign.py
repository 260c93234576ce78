"""What the runs of `make torture` count: once, whoever plays, whoever is killed; and what they keep of a finding."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forks import ROOT
from tests.torture.campaign import Campaign, again
from tests.torture.player import Player
from tests.torture.torture_target import DEADLY, WRONG
from tests.torture.totals import BEYOND, Totals

TARGET = "tests.torture.torture_target"

COUNTING = """
import sys
from pathlib import Path
from tests.torture.totals import Totals

totals = Totals.open(Path(sys.argv[1]), "things", "a/b")
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[2])):
    number = totals.claim()
    totals.add(number, {"episodes": 1, "things": number})
    print(number, flush=True)
"""

HOLDING = """
import sys
from pathlib import Path
from tests.torture.totals import Totals

totals = Totals.open(Path(sys.argv[1]), "things", "a/b")
print(totals.claim(), flush=True)
sys.stdin.readline()
"""


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )


def totals_of(folder: Path) -> Totals:
    return Totals.open(folder, "things", "a/b")


def test_a_run_goes_on_where_the_last_one_stopped(tmp_path: Path) -> None:
    for expected in range(3):
        totals = totals_of(tmp_path)
        assert totals.claim() == expected
        totals.add(expected, {"episodes": 1, "things": 5})
        assert totals.run["things"] == 5
    other = Totals.open(tmp_path, "things", "c")
    assert other.claim() == 0
    other.add(0, {"episodes": 1, "things": 1})
    assert other.all() == {"episodes": 4, "things": 16}


def test_what_was_counted_before_there_were_claims_counts(tmp_path: Path) -> None:
    (tmp_path / "things").mkdir()
    (tmp_path / "things" / "a_b.json").write_text(json.dumps({"episodes": 7, "things": 9}))
    totals = totals_of(tmp_path)
    assert totals.claim() == 7
    assert totals.all() == {"episodes": 7, "things": 9}


def test_what_is_claimed_is_nobody_elses(tmp_path: Path) -> None:
    one, two = totals_of(tmp_path), totals_of(tmp_path)
    assert [one.claim(), two.claim(), one.claim()] == [0, 1, 2]
    one.add(2, {"episodes": 1})
    assert json.loads((tmp_path / "things" / "a_b.json").read_text()) == {"episodes": 1, BEYOND: [2]}
    one.add(0, {"episodes": 1})
    assert one.claim() == 3
    two.add(1, {"episodes": 1})
    assert two.claim() == 4
    assert json.loads((tmp_path / "things" / "a_b.json").read_text()) == {"episodes": 3}


def test_two_processes_count_at_once(tmp_path: Path) -> None:
    processes = [start(COUNTING, tmp_path, 40) for _ in range(2)]
    numbers: list[int] = []
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        out, _ = process.communicate()
        assert process.returncode == 0
        numbers += map(int, out.split())
    assert sorted(numbers) == list(range(80))
    assert totals_of(tmp_path).all() == {"episodes": 80, "things": sum(range(80))}
    assert [path.name for path in (tmp_path / "things").iterdir() if "playing" in path.name] == []


def test_what_a_killed_run_played_is_played_by_the_next(tmp_path: Path) -> None:
    process = start(HOLDING, tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "0\n"
    totals = totals_of(tmp_path)
    assert totals.claim() == 1
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert totals.claim() == 0


def test_a_campaign_counts_tells_and_keeps(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    campaign = Campaign("things", TARGET, tmp_path, "s")
    campaign.play(60, count=15, processes=2)
    totals = campaign.totals
    assert totals.run["things"] >= 15
    played = totals.run["episodes"]
    # The one that died has counted as an episode, and its things as none.
    assert totals.run["things"] == sum(range(played)) - DEADLY
    assert campaign.found == 2
    told = capfd.readouterr().out
    assert f"--- s/{WRONG}: a wrong thing" in told
    assert f"--- s/{DEADLY}: the process that played it ended with status 77" in told
    path = tmp_path / "findings" / "things" / f"s_{WRONG}.json"
    assert f"again: python -m tests.torture things --again {path}" in told
    assert again(TARGET, str(path)).findings == [f"the thing {WRONG} again"]
    assert again(TARGET, f"s/{WRONG}").findings == ["a wrong thing"]
    assert not (path.parent / "s_1.json").exists()

    on = Campaign("things", TARGET, tmp_path, "s")
    on.play(60, count=1, processes=1)
    assert on.totals.run == {"episodes": 1, "things": played}
    assert on.totals.all()["episodes"] == played + 1


def test_a_campaign_without_time_plays_nothing(tmp_path: Path) -> None:
    campaign = Campaign("things", TARGET, tmp_path, "s")
    campaign.play(0, count=0)
    assert campaign.totals.run == {}


def test_a_player_goes_on_after_a_death() -> None:
    player = Player(TARGET)
    try:
        assert player.play(f"s/{DEADLY}").findings == ["the process that played it ended with status 77"]
        assert player.play("s/2").counts == {"things": 2, "episodes": 1}
    finally:
        player.close()
