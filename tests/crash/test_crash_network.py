"""The network as nginx makes it: stopped and started again, another file in the middle, a coding, a redirect."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from tests.crash.crash_kills import ID, Workload, make_files
from tests.crash.crash_nginx import Nginx
from tests.crash.crash_site import WHOLE, Site, fetch_arguments, sha256_of

SLOW = 400_000
"""Bytes per second: so slow that one has seen the first ones long before the last ones come."""

SIZE = 1_000_000


@pytest.mark.slow
def test_nginx_stopped_and_started_again(site: Site, make_nginx: Callable[..., Nginx]) -> None:
    nginx = make_nginx(limit_rate=SLOW)
    workload = Workload(site, nginx, make_files(nginx, [SIZE]))
    program = site.start("fetch", *workload.arguments)
    program.until("fetch.progress")
    nginx.stop()
    assert program.until("record.wait")["reason"] == "reset"
    refused = program.until("record.wait")
    nginx.configure()
    nginx.start()
    ended = program.wait()
    assert ended.status == 0, ended.told
    assert refused["reason"] == "connect", "the port is closed"
    assert ended.lines("record.start")[-1]["range_start"] > 0
    workload.check()


@pytest.mark.slow
def test_its_file_replaced_in_the_middle(site: Site, make_nginx: Callable[..., Nginx]) -> None:
    """Of the same size, and of another date: nginx answers If-Range with all of the new one."""
    nginx = make_nginx(limit_rate=SLOW)
    make_files(nginx, [SIZE])
    program = site.start("fetch", *fetch_arguments(ID, nginx.url, [f"{nginx.url}/0.bin"]))
    program.until("fetch.progress")
    nginx.stop()
    digest = nginx.file("0.bin", SIZE, seed=1)
    os.utime(nginx.www / "0.bin", (1, 1))
    nginx.configure()
    nginx.start()
    ended = program.wait()
    assert ended.status == 0, ended.told
    assert ended.lines("record.start")[-1]["range_start"] > 0
    assert [line.split()[8] for line in nginx.log()][-1] == "200"
    (settled,) = ended.lines("record.settle")
    assert (settled["result"], settled["bytes"]) == ("success", SIZE)
    site.check_sound(nginx.url, {f"{nginx.url}/0.bin": digest})


@pytest.mark.slow
@pytest.mark.parametrize("killed", [False, True], ids=["cut", "killed"])
def test_a_date_that_another_file_may_have_is_no_reason_to_go_on(
    site: Site, make_nginx: Callable[..., Nginx], killed: bool
) -> None:
    """RFC 9110 8.8.2.2: a Last-Modified that is not earlier than Date. Two files have it here, as in one second."""
    later = time.time() + 3600
    nginx = make_nginx(limit_rate=SLOW, location="etag off;")
    nginx.file("0.bin", SIZE)
    os.utime(nginx.www / "0.bin", (later, later))
    url = f"{nginx.url}/0.bin"
    program = site.start("fetch", *fetch_arguments(ID, nginx.url, [url]))
    program.until("fetch.progress")
    if killed:
        program.kill()
    nginx.stop()
    digest = nginx.file("0.bin", SIZE, seed=1)
    os.utime(nginx.www / "0.bin", (later, later))
    nginx.configure(location="etag off;")
    nginx.start()
    ended = site.resume() if killed else program.wait()
    assert ended.status == 0, ended.told
    assert {line["range_start"] for line in ended.lines("record.start")} == {0}
    assert [line.split()[8] for line in nginx.log()][-1] == "200"
    site.check_sound(nginx.url, {url: digest})


@pytest.mark.slow
def test_files_replaced_within_the_second_are_never_stitched(
    site: Site, make_nginx: Callable[..., Nginx]
) -> None:
    """As often as not the second is the same; where it is not, nginx says that the file has changed."""
    nginx = make_nginx(limit_rate=SLOW, location="etag off;")
    digests: dict[str, str] = {}
    for number in range(8):
        name = f"{number}.bin"
        nginx.file(name, SIZE, seed=2 * number)
        url = f"{nginx.url}/{name}"
        arguments = [str(site.folder), *fetch_arguments(name, nginx.url, [url])]
        program = site.fork(WHOLE, "swruntime.cli:main", "fetch", *arguments)
        program.until("fetch.progress")
        nginx.stop()
        digests[url] = nginx.file(name, SIZE, seed=2 * number + 1)
        nginx.configure(location="etag off;", limit_rate=20 * SLOW)
        nginx.start()
        ended = program.wait()
        assert ended.status == 0, ended.told
        nginx.stop()
        nginx.configure(location="etag off;", limit_rate=SLOW)
        nginx.start()
    site.check_sound(nginx.url, digests)


def test_a_file_that_is_not_there(site: Site, nginx: Nginx) -> None:
    digests = make_files(nginx, [1_000])
    urls = [*digests, f"{nginx.url}/missing.bin"]
    ended = site.run("fetch", *fetch_arguments(ID, nginx.url, urls))
    assert ended.status == 1, ended.told
    assert "Traceback" not in ended.err
    (settled,) = ended.lines("fetch.settle")
    assert (settled["result"], settled["failure_reason"]) == ("failure", "bad-status")
    assert [line["status"] for line in ended.lines("record.settle", result="bad-status")] == [404]
    assert site.events == [f"backgroundfetchfail {ID}"]
    site.check_sound(nginx.url, digests)


@pytest.mark.slow
def test_a_coded_file_starts_over_when_it_is_cut(site: Site, make_nginx: Callable[..., Nginx]) -> None:
    """What is stored is decoded, and no Range says where in the coding that is."""
    nginx = make_nginx(limit_rate=SLOW, location="gzip on;")
    nginx.file("text.txt", SIZE)
    url = f"{nginx.url}/text.txt"
    program = site.start("fetch", *fetch_arguments(ID, nginx.url, [url]))
    program.until("fetch.progress")
    nginx.stop()
    program.until("record.wait")
    nginx.configure(location="gzip on;")
    nginx.start()
    ended = program.wait()
    assert ended.status == 0, ended.told
    assert {line["range_start"] for line in ended.lines("record.start")} == {0}
    (settled,) = ended.lines("record.settle")
    assert settled["bytes"] == SIZE
    with site.store() as store:
        (entry,) = store.cache_entries(store.open_cache(nginx.url, "kept"))
        assert "gzip" in entry.response.headers.all("Content-Encoding")
    site.check_sound(nginx.url, {url: sha256_of(nginx.www / "text.txt")})


@pytest.mark.slow
def test_a_redirect(site: Site, make_nginx: Callable[..., Nginx]) -> None:
    nginx = make_nginx(limit_rate=SLOW, location="location = /old.bin { return 302 /new.bin; }")
    digest = nginx.file("new.bin", SIZE)
    url = f"{nginx.url}/old.bin"
    program = site.start("fetch", *fetch_arguments(ID, nginx.url, [url]))
    program.until("fetch.progress")
    nginx.stop()
    program.until("record.wait")
    nginx.configure(location="location = /old.bin { return 302 /new.bin; }")
    nginx.start()
    ended = program.wait()
    assert ended.status == 0, ended.told
    assert ended.lines("record.start")[-1]["range_start"] > 0
    # From its original URL, through its redirect again.
    assert [line.split()[6] for line in nginx.log()].count("/old.bin") == len(
        ended.lines("record.start")
    ) - len(ended.lines("record.wait", reason="connect"))
    site.check_sound(nginx.url, {url: digest})


@pytest.mark.slow
def test_slowness_is_no_reason_to_give_up(site: Site, make_nginx: Callable[..., Nginx]) -> None:
    """--give-up is about the time without progress, and there is some, however little."""
    nginx = make_nginx(limit_rate=20_000)
    workload = Workload(site, nginx, make_files(nginx, [80_000]))
    ended = site.run("fetch", *workload.arguments, "--give-up", "2.5")
    assert ended.status == 0, ended.told
    workload.check()


@pytest.mark.slow
def test_a_server_that_never_comes_back(site: Site, make_nginx: Callable[..., Nginx]) -> None:
    nginx = make_nginx(limit_rate=SLOW)
    workload = Workload(site, nginx, make_files(nginx, [SIZE]))
    program = site.start("fetch", *workload.arguments, "--give-up", "1")
    program.until("fetch.progress")
    nginx.stop()
    ended = program.wait()
    assert ended.status == 1, ended.told
    assert "Traceback" not in ended.err
    (settled,) = ended.lines("record.settle")
    assert settled["result"] == "fetch-error"
    assert settled["cause"] in ("connect", "reset"), "what failed last"
    assert site.events == [f"backgroundfetchfail {ID}"]
    site.check_status()


@pytest.mark.slow
def test_its_port_closed_for_a_minute(site: Site, make_nginx: Callable[..., Nginx]) -> None:
    """Less than --give-up: it waits, asks again and again, and goes on where it was."""
    nginx = make_nginx(limit_rate=SLOW)
    workload = Workload(site, nginx, make_files(nginx, [SIZE]))
    program = site.start("fetch", *workload.arguments, "--give-up", "300")
    program.until("fetch.progress")
    nginx.stop()
    time.sleep(60)
    nginx.configure()
    nginx.start()
    ended = program.wait()
    assert ended.status == 0, ended.told
    waits = [line["reason"] for line in ended.lines("record.wait")]
    assert waits[0] == "reset"
    assert len(waits) > 3
    assert set(waits[1:]) == {"connect"}
    assert ended.lines("record.start")[-1]["range_start"] > 0
    workload.check()


@pytest.mark.slow
def test_no_such_host(site: Site, nginx: Nginx) -> None:
    urls = ["http://there-is-no-such-host.invalid/a"]
    ended = site.run("fetch", *fetch_arguments(ID, nginx.url, urls), "--give-up", "1")
    assert ended.status == 1, ended.told
    assert ended.lines("record.wait")[0]["reason"] == "dns"
    (settled,) = ended.lines("record.settle")
    assert (settled["result"], settled["cause"]) == ("fetch-error", "dns")
