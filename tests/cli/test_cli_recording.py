"""--record and --replay: a real server, and then its recording."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Server, Site
from tests.crash.crash_nginx import Nginx

CORS = {"Access-Control-Allow-Origin": "*"}


def test_a_server_recorded_and_then_gone(
    site: Site, new_site: Callable[[str], Site], server: Server, noise: bytes, tmp_path: Path
) -> None:
    url, har = server.add("/a", noise, headers=CORS), tmp_path / "a.har"
    assert site.cli("fetch", "a", url, "--record", har).status == 0
    server.close()
    again = new_site("again")
    result = again.cli("fetch", "a", url, "--replay", har)
    assert result.status == 0, result.err
    assert again.cached(url) == noise


def test_an_interrupt_leaves_a_whole_file(
    site: Site, new_site: Callable[[str], Site], server: Server, noise: bytes, tmp_path: Path
) -> None:
    """What had come is in it, and what is missing is told by its name."""
    url, har = server.add("/a", noise, headers=CORS, hold=200_000), tmp_path / "a.har"
    process = site.start("fetch", "a", url, "--record", har, "--json")
    process.until("fetch.progress", downloaded=100_000)
    process.interrupt()
    assert process.end().status == 130
    last = json.loads(har.read_text())["log"]["entries"][-1]
    assert last["_swruntime"]["left"] is True
    assert 100_000 <= last["response"]["content"]["size"] <= 200_000
    result = new_site("again").cli("fetch", "a", url, "--replay", har, "--json")
    assert [line["cause"] for line in result.of("record.settle")] == ["not-recorded"]
    assert "a.har does not have more than" in result.err


@pytest.mark.parametrize("option", ["--record", "--replay"])
def test_a_file_that_cannot_be(option: str, site: Site, tmp_path: Path) -> None:
    site.write("x", b"x")
    site.cli("fetch", "a", "/x", option, tmp_path / "no" / "x.har").refused(
        option[2:], "x.har", "No such file"
    )


def test_a_file_that_is_no_archive(site: Site) -> None:
    site.write("x", b"x")
    site.cli("fetch", "a", "/x", "--replay", site.folder / "worker.py").refused("not a HAR file")
    both = site.folder / "x"
    site.cli("fetch", "a", "/x", "--replay", both, "--record", both).refused("expected two files")
    assert both.read_bytes() == b"x"


def test_sites_own_files_answer_for_what_the_recording_has_not(site: Site, tmp_path: Path) -> None:
    site.write("x", b"as it was")
    har = tmp_path / "x.har"
    assert site.cli("fetch", "a", "/x", "--record", har).status == 0
    site.write("x", b"as it is")
    site.write("y", b"new")
    assert site.cli("fetch", "b", "/x", "/y", "--replay", har).status == 0
    assert site.cached("/x") == b"as it was"
    assert site.cached("/y") == b"new"


@pytest.mark.slow
def test_nginx_cut_in_the_middle_and_replayed(
    site: Site, new_site: Callable[[str], Site], tmp_path: Path
) -> None:
    """Its Range requests and its refusals come again in the replay, in their order."""
    nginx = Nginx(
        tmp_path / "nginx", limit_rate=4_000_000, location="add_header Access-Control-Allow-Origin *;"
    )
    nginx.file("a", 6_000_000)
    nginx.start()
    url, har = f"{nginx.url}/a", tmp_path / "a.har"
    try:
        process = site.start("fetch", "a", url, "--record", har, "--json")
        process.until("fetch.progress", downloaded=1_000_000)
        nginx.stop()
        process.until("record.wait")
        nginx.configure(location="add_header Access-Control-Allow-Origin *;")
        nginx.start()
        recorded = process.end()
    finally:
        nginx.stop()
    assert recorded.status == 0, recorded.err
    again = new_site("again")
    result = again.cli("fetch", "a", url, "--replay", har, "--json")
    assert result.status == 0, result.err
    assert again.cached(url) == site.cached(url) == (nginx.www / "a").read_bytes()
    whole = [*process.read, *recorded.lines]
    starts = [line["range_start"] for line in whole if line["kind"] == "record.start"]
    assert [line["range_start"] for line in result.of("record.start")] == starts


def test_a_recording_that_is_full_ends_the_run_by_name(
    site: Site, noise: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.write("x.bin", noise)
    path = site.folder.parent / "run.har"
    real = os.pwrite

    def full(descriptor: int, data: memoryview, at: int) -> int:
        if at > 2000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data, at)

    monkeypatch.setattr(os, "pwrite", full)
    result = site.cli("fetch", "a", "/x.bin", "--record", path, "--json")
    result.refused(f"the recording {str(path)!r} cannot be written: No space left on device", status=1)
    json.loads(path.read_text())
    assert result.of("worker.stop") != [], "it ended in order"
    monkeypatch.undo()
    assert site.cli("resume").status == 0
    assert site.cli("status", "--check").status == 0
