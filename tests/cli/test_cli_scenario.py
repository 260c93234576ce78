"""Scenarios: what the user and the network do, on a time or a byte count, as the command line plays them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Result, Server, Site

SIZE = 300_000


@pytest.fixture
def slow(site: Site, noise: bytes) -> Site:
    """A site whose file takes a moment, because the network is slow."""
    site.write("x.bin", noise)
    return site


def play(site: Site, steps: str, *arguments: object, command: str = "fetch") -> Result:
    path = site.folder.parent / "scenario.toml"
    path.write_text('conditions = { download = "2MiB" }\n' + steps)
    what = ("a", "/x.bin") if command == "fetch" else ()
    return site.cli(command, *what, "--scenario", path, "--json", *arguments)


def test_offline_at_a_byte_count_and_online_after_a_time(slow: Site, noise: bytes) -> None:
    result = play(
        slow,
        """
        [[step]]
        fetch = "a"
        bytes = "100KiB"
        do = "offline"
        [[step]]
        after = 0.05
        do = "online"
        """,
    )
    assert result.status == 0, result.err
    assert [line["action"] for line in result.of("network.change")] == ["conditions", "offline", "online"]
    assert "offline" in [line["reason"] for line in result.of("record.wait")]
    first, second = result.of("record.start")
    assert first["range_start"] == 0
    assert 100 * 1024 <= second["range_start"] < SIZE
    assert slow.cached("/x.bin") == noise


def test_a_step_that_is_still_to_come_is_waited_for(slow: Site) -> None:
    """Offline from the start; nothing goes on but by the scenario, and it does."""
    steps = '[[step]]\nat = 0\ndo = "offline"\n[[step]]\nat = 0.3\ndo = "online"\n'
    result = play(slow, steps)
    assert result.status == 0, result.err


def test_when_no_step_is_left_the_user_is_told(slow: Site) -> None:
    result = play(slow, '[[step]]\nfetch = "a"\nbytes = 1000\ndo = "offline"\n')
    result.refused("'a'", "offline", status=1)


def test_pause_and_resume(slow: Site, noise: bytes) -> None:
    steps = """
        [[step]]
        fetch = "a"
        bytes = 65536
        do = "pause"
        [[step]]
        after = 0
        do = "pause"
        [[step]]
        after = 0.05
        fetch = "a"
        do = "resume"
        """
    result = play(slow, steps)
    assert result.status == 0, result.err
    assert len(result.of("fetch.pause")) == len(result.of("fetch.resume")) == 1
    assert [line["action"] for line in result.of("user.action")] == ["pause", "pause", "resume"]
    (refused,) = result.of("diagnostic")
    assert "pause" in refused["message"]
    assert "refused by 'a'" in refused["message"]
    assert slow.cached("/x.bin") == noise


def test_a_pause_without_an_end_is_told_and_a_later_scenario_ends_it(slow: Site, noise: bytes) -> None:
    result = play(slow, '[[step]]\nfetch = "a"\nbytes = 65536\ndo = "pause"\n')
    result.refused("'a'", "paused", status=1)
    (fetch,) = slow.status()["background_fetches"]
    assert fetch["state"] == "paused"
    assert "paused" in fetch["waits_for"]
    assert play(slow, "", command="resume").status == 1
    result = play(slow, '[[step]]\nat = 0\ndo = "resume"\n', command="resume")
    assert result.status == 0, result.err
    assert result.of("record.start")[0]["range_start"] >= 65536
    assert slow.cached("/x.bin") == noise


def test_a_prompt_is_granted_by_resume_and_refused_by_abort(slow: Site, noise: bytes) -> None:
    steps = '[[step]]\nfetch = "a"\nbytes = 0\ndo = "resume"\n'  # as soon as it has begun
    result = play(slow, steps, "--permission", "prompt")
    assert result.status == 0, result.err
    assert slow.cached("/x.bin") == noise
    result = play(slow, steps.replace("resume", "abort"), "--permission", "prompt", "--expect", "a=aborted")
    assert result.status == 0, result.err


def test_abort_at_a_byte_count(slow: Site) -> None:
    steps = '[[step]]\nfetch = "a"\nbytes = 65536\ndo = "abort"\n'
    result = play(slow, steps)
    result.refused("'a' ended with aborted", status=1)
    assert result.console == ["backgroundfetchabort a aborted"]
    assert play(slow, steps, "--expect", "a=aborted").status == 0


def test_click(slow: Site) -> None:
    result = play(slow, '[[step]]\nfetch = "a"\nbytes = 1\ndo = "click"\n')
    assert result.status == 0
    assert [line["name"] for line in result.of("event.end") if "fetch" in line] == [
        "backgroundfetchclick",
        "backgroundfetchsuccess",
    ]


def test_conditions_change(slow: Site) -> None:
    steps = '[[step]]\nfetch = "a"\nbytes = 1\ndo = "conditions"\nconditions = "fast-4g"\n'
    result = play(slow, steps)
    assert result.status == 0
    assert [line["name"] for line in result.of("network.change")] == ["down 2 MiB/s", "fast-4g"]


def test_stop_worker_interrupts_an_event_that_is_dispatched_again(slow: Site) -> None:
    slow.write(
        "worker.py",
        "import trio\n"
        "async def onbackgroundfetchclick(event):\n"
        "    await trio.sleep_forever()\n"
        "async def onbackgroundfetchsuccess(event):\n"
        "    print('success')\n",
    )
    steps = """
        [[step]]
        fetch = "a"
        bytes = 1
        do = "click"
        [[step]]
        fetch = "a"
        bytes = 200000
        do = "stop-worker"
        """
    result = play(slow, steps)
    assert result.status == 0, result.err
    assert [line["outcome"] for line in result.of("event.end") if "fetch" in line] == [
        "interrupted",
        "fulfilled",
    ]
    assert result.of("user.action")[-1]["action"] == "stop-worker"


def test_stop_worker_of_another_scope_stops_nobody(slow: Site) -> None:
    steps = '[[step]]\nfetch = "a"\nbytes = 1\ndo = "stop-worker"\nscope = "http://localhost:8400/sub/"\n'
    result = play(slow, steps)
    assert result.status == 0
    assert result.of("user.action") == []


def test_steps_that_never_came_are_told(slow: Site) -> None:
    steps = '[[step]]\nfetch = "a"\nbytes = "1G"\ndo = "abort"\n[[step]]\nafter = 1\ndo = "offline"\n'
    result = play(slow, steps)
    assert result.status == 0
    first, second = [line["message"] for line in result.of("diagnostic")]
    assert "abort at 1 GiB of 'a'" in first
    assert "never came" in first
    assert "offline" in second


def test_steps_that_never_came_are_errors_with_strict(slow: Site) -> None:
    steps = '[[step]]\nfetch = "b"\nbytes = "1M"\ndo = "offline"\n'
    result = play(slow, steps, "--strict")
    assert result.status == 1
    assert result.err == "swruntime: --strict: scenario: offline at 1 MiB of 'b': never came\n"


def test_a_step_for_a_background_fetch_that_is_not_there_is_told(slow: Site) -> None:
    result = play(slow, '[[step]]\nat = 0\nfetch = "b"\ndo = "abort"\n')
    assert result.status == 0
    (told,) = result.of("diagnostic")
    assert "there is no such background fetch" in told["message"]


def test_two_scenarios_play_side_by_side(slow: Site) -> None:
    other = slow.folder.parent / "other.toml"
    other.write_text('[[step]]\nat = 0.2\ndo = "online"\n')
    result = play(slow, '[[step]]\nat = 0\ndo = "offline"\n', "--scenario", other)
    assert result.status == 0, result.err


def test_the_connection_is_cut_in_the_middle_of_a_real_one(site: Site, server: Server, noise: bytes) -> None:
    server.add("/x.bin", noise, hold=100_000)
    path = site.folder.parent / "scenario.toml"
    path.write_text(
        '[[step]]\nfetch = "a"\nbytes = 100000\ndo = "offline"\n[[step]]\nafter = 0.05\ndo = "online"\n'
    )
    server.released.set()  # the first connection is cut by the switch, not by the server
    result = site.cli("fetch", "a", "/x.bin", "--origin", server.url, "--scenario", path, "--json")
    assert result.status == 0, result.err
    assert site.cached("/x.bin") == noise


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not toml", ("scenario.toml",)),
        ("nonsense = 1", ("'nonsense'", "conditions, step")),
        ('step = "x"', ("step is 'x'", "[[step]]")),
        ('conditions = "5g"', ("'5g'", "slow-3g")),
        ("conditions = { download = 0 }", ("download",)),
        ("conditions = { speed = 1 }", ("'speed'", "latency, download, upload")),
        ("conditions = { latency = -1 }", ("latency is -1", "seconds")),
        ('[[step]]\nat = 1\ndo = "offline"\n[[step]]\nat = 1\n', ("step 2", "do is None", "offline")),
        ('[[step]]\nat = 1\ndo = "fly"', ("step 1", "'fly'", "stop-worker")),
        ('[[step]]\ndo = "offline"', ("step 1", "nothing says when", "at, after, bytes")),
        ('[[step]]\nat = 1\nafter = 2\ndo = "offline"', ("step 1", "at and after")),
        ('[[step]]\nat = -1\ndo = "offline"', ("step 1", "at is -1", "seconds")),
        ('[[step]]\nat = true\ndo = "offline"', ("step 1", "at is True", "seconds")),
        ('[[step]]\nat = nan\ndo = "offline"', ("step 1", "at is nan", "seconds")),
        ('[[step]]\nbytes = 1\ndo = "offline"', ("step 1", "bytes needs fetch")),
        ('[[step]]\nfetch = "a"\nbytes = -1\ndo = "abort"', ("step 1", "bytes is -1", "20MiB")),
        ('[[step]]\nfetch = "a"\nbytes = "much"\ndo = "abort"', ("step 1", "bytes: 'much'", "20MiB")),
        ('[[step]]\nat = 1\nfetch = 5\ndo = "abort"', ("step 1", "fetch is 5", "text")),
        ('[[step]]\nat = 1\nfetch = "a"\ndo = "offline"', ("step 1", "fetch goes with bytes", "'offline'")),
        ('[[step]]\nat = 1\nscope = "/"\ndo = "offline"', ("step 1", "scope goes with stop-worker")),
        ('[[step]]\nat = 1\ndo = "conditions"', ("step 1", "conditions go together")),
        ('[[step]]\nat = 1\ndo = "conditions"\nconditions = "5g"', ("step 1", "'5g'")),
        ('[[step]]\nat = 1\ndo = "offline"\nwhen = 1', ("step 1", "'when'", "after")),
        ("step = [1]", ("step 1", "1 is not a table")),
    ],
)
def test_a_bad_scenario_is_one_line_that_names_the_step(site: Site, text: str, said: tuple[str, ...]) -> None:
    path = site.folder.parent / "scenario.toml"
    path.write_text(text)
    site.cli("run", "--scenario", path).refused("scenario", str(path), *said)
    assert not (site.folder / ".swruntime").exists()


def test_a_scenario_that_cannot_be_read(site: Site) -> None:
    site.cli("run", "--scenario", "none.toml").refused("scenario 'none.toml'", "does not exist")
    path = site.folder.parent / "scenario.toml"
    path.write_bytes(b"\xff")
    site.cli("run", "--scenario", path).refused("scenario", str(path))
    site.cli("run", "--scenario", site.folder).refused("scenario", str(site.folder))
    for text in ("a = " + "[" * 100_000, "a = " + "{a = " * 20_000):
        path.write_text(text)
        site.cli("run", "--scenario", path).refused("scenario", str(path), "nests too deeply")
    path.write_text("a = " + "9" * 10_000)
    site.cli("run", "--scenario", path).refused("scenario", str(path), "digits")


WHOLE = """
[[fetch]]
id = "a"
urls = ["/x"]
[servers."/x"]
versions = [{ size = 3000 }]
answers = [{ status = 404 }]
"""


def test_whole_scenarios_run_by_themselves(site: Site, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(WHOLE + '[expect]\na = "bad-status"\n')
    bad.write_text(WHOLE)
    result = site.main("scenario", good)
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith(f"{good}: a bad-status (")
    both = site.main("scenario", good, bad)
    both.refused(str(bad), "'a' ended with bad-status, not with success", status=1)
    assert len(both.out.splitlines()) == 2
    as_json = site.main("scenario", good, "--json", "--seed", 7)
    assert as_json.lines[0]["seed"] == 7
    assert [line["failure_reason"] for line in as_json.of("fetch.settle")] == ["bad-status"]


def test_a_file_that_is_no_whole_scenario(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    site.main("scenario", path).refused("x.toml", "does not exist")
    path.write_text('conditions = "3g"')
    site.main("scenario", path).refused("begins nothing")
    path.write_text(WHOLE)
    site.write("x", b"x")
    site.cli("fetch", "a", "/x", "--scenario", path).refused("has a site of its own")
