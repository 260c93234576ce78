"""kill -9 at chosen instants of a background fetch, then `resume`: nothing is lost, no event, no byte.

What is chosen is in crash_launcher.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from swruntime.storage import verify
from tests.crash.crash_kills import ID, KILLED, Workload, at, make_files
from tests.crash.crash_nginx import Nginx
from tests.crash.crash_site import Site

QUICK = [
    ("append.after", 2),  # bytes, and more to come
    ("sync.after", 1),  # on the disk, and not committed
    ("finish.after", 1),  # committed, and the event not begun
    ("put.after", 2),  # in the handler
    ("release.before", 1),  # after the handler
    ("create.after", 1),  # an empty profile
    ("registration.after", 1),  # a worker that waits to be activated
]

MORE = [
    *((f"append.{when}", call) for when in ("before", "after") for call in (1, 2, 4)),
    *((f"{point}.{when}", 1) for point in ("sync", "synced", "finish", "release") for when in ("before", "after")),
    *(
        (f"{place}.{when}", call)
        for place in ("save-record", "save-record-state")
        for when in ("before", "after")
        for call in range(1, 4)
    ),
    # The first call is for the install event, the second for activate, the third for success.
    *((f"dispatch.{when}", call) for when in ("before", "after") for call in (1, 2, 3)),
    *((f"evaluate.{when}", 1) for when in ("before", "after")),
    # The first is for the shell, the others are the handler's.
    *((f"put.{when}", call) for when in ("before", "after") for call in (1, 2, 3, 4)),
    *((f"registration.{when}", call) for when in ("before", "after") for call in (1, 2)),
    *((f"{point}.{when}", 1) for point in ("create", "origin", "recover", "collect") for when in ("before", "after")),
    *((f"add-fetch.{when}", 1) for when in ("before", "after")),
]  # fmt: skip


def kill_and_resume(site: Site, nginx: Nginx, point: str, call: int) -> None:
    workload = Workload(site, nginx, make_files(nginx))
    assert workload.begin(at(point, call)).status == KILLED, "the point was never reached"
    workload.finish()


@pytest.mark.parametrize(("point", "call"), QUICK)
def test_a_kill_loses_nothing(site: Site, nginx: Nginx, point: str, call: int) -> None:
    kill_and_resume(site, nginx, point, call)
    site.check_status()


def test_after_a_kill_only_the_rest_is_asked_for(site: Site, nginx: Nginx) -> None:
    workload = Workload(site, nginx, make_files(nginx, [400_000]))
    assert workload.begin(at("append.before", 3)).status == KILLED
    (record,) = site.unfinished()
    assert 0 < record.downloaded < 400_000
    workload.finish()
    assert workload.asked == 1
    # nginx's own word: so much it sent in the first answer, cut as it was, and the rest in the second.
    answers = [line.split()[8:10] for line in nginx.log() if "/0.bin" in line]
    assert answers[-1] == ["206", str(400_000 - record.downloaded)]


@pytest.mark.slow
@pytest.mark.parametrize(("point", "call"), MORE)
def test_a_kill_at_a_chosen_instant_loses_nothing(site: Site, nginx: Nginx, point: str, call: int) -> None:
    kill_and_resume(site, nginx, point, call)


SHARDS = 8


def every_instant(shard: int, story: Callable[[int], bool]) -> int:
    """Tell `story` for call number SHARD, SHARD + SHARDS, ... until nothing was killed. How many were."""
    kills = 0
    while story(1 + shard + SHARDS * kills):
        kills += 1
    return kills


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_kill_before_any_change_of_the_disk_loses_nothing(tmp_path: Path, nginx: Nginx, shard: int) -> None:
    """Every instant there is, one after the other, until the program comes to its end unharmed."""
    digests = make_files(nginx)

    def story(call: int) -> bool:
        workload = Workload(Site(tmp_path, f"site{call}"), nginx, digests)
        killed = workload.begin(at("disk", call)).status == KILLED
        workload.finish()
        return killed

    assert every_instant(shard, story) > 20, "the launcher counts what there is"


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_second_kill_while_it_goes_on_loses_nothing(tmp_path: Path, nginx: Nginx, shard: int) -> None:
    """The same for `resume`, after a death with half of the bytes there; and of a background fetch that fails."""
    digests = make_files(nginx)

    def story(call: int) -> bool:
        workload = Workload(Site(tmp_path, f"site{call}"), nginx, digests, fails=True)
        assert workload.begin(at("append.after", 4)).status == KILLED
        killed = workload.resume(at("disk", call)).status == KILLED
        workload.finish()
        return killed

    assert every_instant(shard, story) > 10, "the launcher counts what there is"


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_kill_while_the_user_aborts_leaves_it_aborted_or_as_it_was(
    tmp_path: Path, nginx: Nginx, shard: int
) -> None:
    digests = make_files(nginx)

    def story(call: int) -> bool:
        site = Site(tmp_path, f"site{call}")
        workload = Workload(site, nginx, digests)
        assert workload.begin(at("append.after", 4)).status == KILLED
        aborted = site.run("abort", ID, "--json", kill=("disk", str(call)))
        told = aborted.lines("fetch.settle", failure_reason="aborted")
        resumed = site.resume()
        assert resumed.status in (0, 1), resumed.told
        outcomes = {line.split()[0] for line in site.events}
        assert outcomes in (
            [{"backgroundfetchabort"}] if told else [{"backgroundfetchabort"}, {"backgroundfetchsuccess"}]
        )
        cached = site.cached(nginx.url)
        assert cached.keys() <= digests.keys()
        site.check_sound(nginx.url, {url: digests[url] for url in cached})
        return aborted.status == KILLED

    assert every_instant(shard, story) > 5, "the launcher counts what there is"


@pytest.mark.slow
def test_a_kill_while_a_cache_or_the_profile_is_deleted(tmp_path: Path, nginx: Nginx) -> None:
    """Done again it is done, and nothing of it is left."""
    digests = make_files(nginx)
    site = Site(tmp_path)
    Workload(site, nginx, digests).begin(lambda site, arguments: site.run(*arguments))
    whole = tmp_path / "whole"
    shutil.copytree(site.profile, whole)
    for arguments in (["cache", "kept", "--delete"], ["clear"]):
        call, killed = 1, True
        while killed:
            if site.profile.exists():
                shutil.rmtree(site.profile)
            shutil.copytree(whole, site.profile)
            command, *rest = arguments
            killed = site.run(command, *rest, kill=("disk", str(call))).status == KILLED
            call += 1
            if command == "cache":
                resumed = site.resume()
                assert resumed.status == 0, resumed.told
                assert verify(site.profile) == []
                cached = site.cached(nginx.url)
                assert cached in ({}, digests)
                assert killed or not cached
                assert len(site.body_files()) == (1 if not cached else len(digests))
            elif site.profile.exists():
                assert site.run("clear").status in (0, 2)
                assert not site.profile.exists() or not any(site.profile.iterdir())
        assert call > 4, "the launcher counts what there is"
