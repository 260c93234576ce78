"""A profile that was damaged while no process had it open: `status --check` tells it, `resume` harms nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.crash_kills import ID, KILLED, Workload, at, make_files
from tests.crash.crash_nginx import Nginx
from tests.crash.crash_site import Ended, Site

PAGE = 4096


def told(site: Site) -> str:
    """What `status --check` says that is wrong."""
    ended = site.run("status", "--check")
    assert ended.status == 1, ended.told
    assert "Traceback" not in ended.err
    return ended.out + ended.err


def files_of(site: Site) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in site.profile.rglob("*") if path.is_file()}


def killed_at(site: Site, nginx: Nginx, point: str, call: int) -> Workload:
    workload = Workload(site, nginx, make_files(nginx))
    assert workload.begin(at(point, call)).status == KILLED
    return workload


@pytest.mark.slow
def test_a_torn_last_page(site: Site, nginx: Nginx) -> None:
    """It is refused, and left as it is: whoever owns it may still mend it, or `clear` it."""
    workload = Workload(site, nginx, make_files(nginx, [1000] * 30))
    workload.begin(lambda site, arguments: site.run(*arguments))
    database = site.profile / "profile.sqlite3"
    content = database.read_bytes()
    database.write_bytes(content[: -PAGE // 2] + b"\xa5" * (PAGE // 2))
    assert "database" in told(site)
    before = files_of(site)
    for refused in (site.resume(), site.run("fetch", *workload.arguments)):
        assert refused.status == 2, refused.told
        assert "damaged" in refused.err
        assert refused.err.count("\n") == 1
    assert files_of(site) == before
    assert site.run("clear").status == 0
    assert not site.profile.exists()


@pytest.mark.slow
@pytest.mark.parametrize("tenths", range(0, 10, 2))
def test_a_truncated_log(site: Site, nginx: Nginx, tenths: int) -> None:
    """What is cut is the end of the history: it is as though the process had died earlier."""
    workload = killed_at(site, nginx, "put.after", 2)
    log = site.profile / "profile.sqlite3-wal"
    content = log.read_bytes()
    log.write_bytes(content[: len(content) * tenths // 10])
    bodies = site.body_files()
    if any((body,) not in site.query("SELECT id FROM bodies") for body in bodies):
        assert "has no row" in told(site)
    resumed = site.resume()
    assert resumed.status == 0, resumed.told
    again = site.run("fetch", *workload.arguments)
    assert again.status == 0, again.told
    workload.check()


def check_lost(site: Site, workload: Workload, resumed: Ended) -> None:
    """The file of 300,000 bytes is lost, and said to be; the others are there, and so is the event."""
    assert resumed.status == 1, resumed.told
    assert f"{workload.nginx.url}/0.bin is lost to background fetch" in resumed.err
    (diagnostic,) = resumed.lines("diagnostic", code="profile-damaged")
    assert "of 300000" in diagnostic["message"]
    assert any("0.bin" in line["text"] for line in resumed.lines("console")), "the worker is told"
    assert site.events == [f"backgroundfetchsuccess {ID}"]
    lost = f"{workload.nginx.url}/0.bin"
    site.check_sound(workload.nginx.url, {u: d for u, d in workload.digests.items() if u != lost})
    again = site.run("fetch", *workload.arguments)
    assert again.status == 0, again.told
    workload.check()


def biggest_body(site: Site) -> Path:
    return max((site.profile / "bodies").iterdir(), key=lambda path: path.stat().st_size)


@pytest.mark.parametrize(
    "size", [None, pytest.param(0, marks=pytest.mark.slow), pytest.param(1000, marks=pytest.mark.slow)]
)
def test_a_body_of_an_owed_event_is_cut_or_gone(site: Site, nginx: Nginx, size: int | None) -> None:
    workload = killed_at(site, nginx, "finish.after", 1)
    body = biggest_body(site)
    body.unlink()
    if size is not None:
        body.write_bytes(bytes(size))
    assert f"bodies/{body.name}" in told(site)
    check_lost(site, workload, site.resume())


@pytest.mark.slow
@pytest.mark.parametrize("size", [None, 0, 1000])
def test_a_body_in_a_cache_is_cut_or_gone(site: Site, nginx: Nginx, size: int | None) -> None:
    """A cache that lacks it is honest, one that answers with a part of it is not."""
    workload = Workload(site, nginx, make_files(nginx))
    workload.begin(lambda site, arguments: site.run(*arguments))
    body = biggest_body(site)
    body.unlink()
    if size is not None:
        body.write_bytes(bytes(size))
    assert f"bodies/{body.name}" in told(site)
    resumed = site.resume()
    lost = f"{nginx.url}/0.bin"
    assert resumed.status == 1, resumed.told
    assert f"{lost} is gone from the cache" in resumed.err
    site.check_sound(nginx.url, {u: d for u, d in workload.digests.items() if u != lost})


@pytest.mark.slow
@pytest.mark.parametrize("gone", [True, False])
def test_a_body_of_an_unfinished_record_is_cut_or_gone(site: Site, nginx: Nginx, gone: bool) -> None:
    """It goes on with what is there, from the beginning if there is nothing."""
    workload = killed_at(site, nginx, "append.before", 4)
    body = biggest_body(site)
    content = body.read_bytes()
    if gone:
        body.unlink()
    else:
        body.write_bytes(content[:1000])
    workload.finish()


@pytest.mark.slow
def test_what_no_process_made(site: Site, nginx: Nginx) -> None:
    """A body that no row knows is collected; what is not a body is left alone."""
    workload = killed_at(site, nginx, "append.before", 4)
    (site.profile / "bodies" / "4711").write_bytes(b"an orphan")
    (site.profile / "bodies" / "thesis.txt").write_text("mine")
    text = told(site)
    assert "bodies/4711 has no row" in text
    assert "bodies/thesis.txt is not a body" in text
    resumed = site.resume()
    assert resumed.status == 0, resumed.told
    assert not (site.profile / "bodies" / "4711").exists()
    (site.profile / "bodies" / "thesis.txt").unlink()
    workload.check()
