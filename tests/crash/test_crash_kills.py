"""kill -9 at chosen instants of a background fetch, then `resume`: nothing is lost, no event, no byte.

What is chosen is in crash_launcher.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.crash_kills import KILLED, Workload, at, make_files
from tests.crash.crash_nginx import Nginx
from tests.crash.crash_site import Site

QUICK = [
    ("append.after", 2),  # bytes, and more to come
    ("sync.after", 1),  # on the disk, and not committed
    ("finish.after", 1),  # committed, and the event not begun
    ("put.after", 2),  # in the handler
    ("release.before", 1),  # after the handler
    ("create.after", 1),  # an empty profile
]

MORE = [
    *((f"append.{when}", call) for when in ("before", "after") for call in (1, 3, 6)),
    *((f"{point}.{when}", 1) for point in ("sync", "synced", "finish", "release") for when in ("before", "after")),
    *((f"save-record.{when}", call) for when in ("before", "after") for call in range(1, 7)),
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


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_kill_before_any_change_of_the_disk_loses_nothing(tmp_path: Path, nginx: Nginx, shard: int) -> None:
    """Every instant there is, one after the other, until the program comes to its end unharmed."""
    digests = make_files(nginx)
    call = shard + 1
    while True:
        workload = Workload(Site(tmp_path, f"site{call}"), nginx, digests)
        if workload.begin(at("disk", call)).status != KILLED:
            break
        workload.finish()
        call += SHARDS
    workload.check()
    assert call > 100, "the launcher counts what there is"


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_second_kill_while_it_goes_on_loses_nothing(tmp_path: Path, nginx: Nginx, shard: int) -> None:
    """The same for `resume`, after a death with half of the bytes there."""
    digests = make_files(nginx)
    call = shard + 1
    while True:
        workload = Workload(Site(tmp_path, f"site{call}"), nginx, digests)
        assert workload.begin(at("append.after", 4)).status == KILLED
        if workload.resume(at("disk", call)).status != KILLED:
            break
        workload.finish()
        call += SHARDS
    workload.check()
    assert call > 40, "the launcher counts what there is"
