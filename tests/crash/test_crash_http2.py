"""The same promises with nginx over HTTP/2: a connection that is cut, and six files at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from tests.crash.crash_kills import ID, make_files
from tests.crash.crash_nginx import Nginx
from tests.crash.crash_site import Site, fetch_arguments

pytestmark = pytest.mark.slow

SLOW = 400_000
"""Bytes per second."""

SIZE = 1_000_000


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    return authority


@pytest.fixture
def trusted(tmp_path: Path) -> tuple[str, str]:
    return "--cacert", str(tmp_path / "authority.pem")


def test_a_connection_that_is_cut_goes_on_with_range(
    site: Site, make_nginx: Callable[..., Nginx], authority: trustme.CA, trusted: tuple[str, str]
) -> None:
    nginx = make_nginx(limit_rate=SLOW, certificate=authority.issue_cert("localhost"))
    digests = make_files(nginx, [SIZE])
    program = site.start("fetch", *fetch_arguments(ID, nginx.url, list(digests)), *trusted)
    program.until("fetch.progress")
    nginx.stop()
    assert program.until("record.wait")["reason"] == "reset"
    program.until("record.wait", reason="connect")
    nginx.configure()
    nginx.start()
    ended = program.wait()
    assert ended.status == 0, ended.told
    assert ended.lines("record.start")[-1]["range_start"] > 0
    requests = [line.split('"')[1] for line in nginx.log() if "/0.bin" in line]
    assert requests, "nginx logs what it has sent to the end"
    assert set(requests) == {"GET /0.bin HTTP/2.0"}
    assert [line.split()[8] for line in nginx.log()][-1] == "206"
    site.check_sound(nginx.url, digests)


def test_a_process_that_is_killed_goes_on_with_range(
    site: Site, make_nginx: Callable[..., Nginx], authority: trustme.CA, trusted: tuple[str, str]
) -> None:
    nginx = make_nginx(limit_rate=SLOW, certificate=authority.issue_cert("localhost"))
    digests = make_files(nginx, [SIZE])
    program = site.start("fetch", *fetch_arguments(ID, nginx.url, list(digests)), *trusted)
    program.until("fetch.progress")
    program.kill()
    nginx.stop()
    nginx.configure()
    nginx.start()
    ended = site.run("resume", "--json", *trusted)
    assert ended.status == 0, ended.told
    assert [line["range_start"] > 0 for line in ended.lines("record.start")] == [True]
    site.check_sound(nginx.url, digests)


def test_many_files(
    site: Site, make_nginx: Callable[..., Nginx], authority: trustme.CA, trusted: tuple[str, str]
) -> None:
    nginx = make_nginx(certificate=authority.issue_cert("localhost"))
    digests = make_files(nginx, [200_000 + n for n in range(60)])
    ended = site.run("fetch", *fetch_arguments(ID, nginx.url, list(digests)), *trusted)
    assert ended.status == 0, ended.told
    assert sum("HTTP/2.0" in line and ".bin" in line for line in nginx.log()) == 60
    site.check_sound(nginx.url, digests)


GOODBYES = "keepalive_requests 3; error_page 405 =200 /thanks; location = /thanks { return 200 thanks; }"
"""nginx says GOAWAY after every third request; so it does after a thousand where nobody has configured it."""


def test_goodbyes_lose_no_file(
    site: Site, make_nginx: Callable[..., Nginx], authority: trustme.CA, trusted: tuple[str, str]
) -> None:
    nginx = make_nginx(location=GOODBYES, certificate=authority.issue_cert("localhost"))
    digests = make_files(nginx, [n * 97 for n in range(300)])
    ended = site.run("fetch", *fetch_arguments(ID, nginx.url, list(digests)), *trusted)
    assert ended.status == 0, ended.told
    assert {line["result"] for line in ended.lines("record.settle")} == {"success"}
    served = [line.split()[6:9:2] for line in nginx.log() if "HTTP/2.0" in line and ".bin" in line]
    assert sorted(served) == sorted([f"/{n}.bin", "200"] for n in range(300)), "each once"
    assert {line["reason"] for line in ended.lines("record.wait")} <= {"slot"}, "a goodbye is not a failure"
    site.check_sound(nginx.url, digests)


UPLOADS = """
async def main():
    registration = await navigator.service_worker.ready
    requests = [Request(f"/upload/{n}", method="POST", body=f"upload {n}, " * 500) for n in range(60)]
    await registration.background_fetch.fetch("uploads", requests)
"""


def test_goodbyes_lose_no_upload_and_have_none_sent_twice(
    site: Site, make_nginx: Callable[..., Nginx], authority: trustme.CA, trusted: tuple[str, str]
) -> None:
    nginx = make_nginx(location=GOODBYES, certificate=authority.issue_cert("localhost"))
    (nginx.www / "upload").mkdir()
    for number in range(60):
        nginx.file(f"upload/{number}", 1)
    site.worker("def onbackgroundfetchsuccess(event):\n    pass\n")
    (site.folder / "page.py").write_text(UPLOADS)
    ended = site.run("run", "--origin", nginx.url, "--json", *trusted)
    assert ended.status == 0, ended.told
    assert {line["result"] for line in ended.lines("record.settle")} == {"success"}
    posts = [line.split()[6] for line in nginx.log() if '"POST ' in line]
    assert sorted(posts) == sorted(f"/upload/{n}" for n in range(60))
