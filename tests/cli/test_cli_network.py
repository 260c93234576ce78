"""--resolve and --cacert: real servers, reached under the names that their certificates have."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from tests.cli.conftest import Server, Site

HOST = "files.example"
CORS = {"Access-Control-Allow-Origin": "*"}


@pytest.fixture
def authority(tmp_path: Path) -> tuple[trustme.CA, Path]:
    """Nobody's, but of who is told so; and the file with its certificate."""
    authority = trustme.CA()
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    return authority, file


@pytest.fixture
def secure(authority: tuple[trustme.CA, Path]) -> Iterator[Server]:
    """An https server whose certificate is for `HOST`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority[0].issue_cert(HOST).configure_cert(context)
    server = Server(context)
    yield server
    server.close()


def test_a_host_is_where_resolve_says_and_its_name_stays(
    site: Site, secure: Server, authority: tuple[trustme.CA, Path], noise: bytes
) -> None:
    secure.add("/a", noise, headers=CORS)
    url = f"https://{HOST}:{secure.port}/a"
    result = site.cli("fetch", "a", url, "--resolve", f"{HOST}:127.0.0.1", "--cacert", authority[1])
    assert result.status == 0, result.err
    assert site.cached(url) == noise
    assert [asked.headers["host"] for asked in secure.asked] == [f"{HOST}:{secure.port}"]


def test_an_authority_that_is_not_named_is_not_trusted(site: Site, secure: Server, noise: bytes) -> None:
    secure.add("/a", noise, headers=CORS)
    url = f"https://{HOST}:{secure.port}/a"
    result = site.cli("fetch", "a", url, "--resolve", f"{HOST}:127.0.0.1", "--json")
    assert result.status == 1, result.err
    (settled,) = result.of("record.settle")
    assert (settled["result"], settled["cause"]) == ("fetch-error", "tls")
    assert secure.asked == []


def test_a_rule_for_a_port_is_for_that_port(site: Site, server: Server, noise: bytes) -> None:
    server.add("/a", noise, headers=CORS)
    rules = ("--resolve", f"{HOST}:1234:127.0.0.9", "--resolve", f"{HOST}:{server.port}:127.0.0.1")
    result = site.cli("fetch", "a", f"http://{HOST}:{server.port}/a", *rules)
    assert result.status == 0, result.err
    assert server.asked[0].headers["host"] == f"{HOST}:{server.port}"


def test_the_sites_own_origin_can_be_anywhere(
    site: Site, secure: Server, authority: tuple[trustme.CA, Path], noise: bytes
) -> None:
    """Also when an earlier process left it: `resume` has the same options."""
    url = secure.add("/a", noise, hold=1000)
    origin = url.removesuffix("/a").replace("127.0.0.1", HOST)
    options = ("--resolve", f"{HOST}:{secure.port}:127.0.0.1", "--cacert", authority[1])
    program = site.start("fetch", "a", "/a", "--origin", origin, *options, "--json")
    program.until("fetch.progress", downloaded=1000)
    program.kill()
    program.end()
    secure.release()
    assert site.cli("resume", *options).status == 0
    assert site.cached(f"{origin}/a") == noise
    assert secure.ranges("/a") == [None, "bytes=1000-"]


def test_run_takes_them_too(
    site: Site, secure: Server, authority: tuple[trustme.CA, Path], noise: bytes
) -> None:
    secure.add("/a", noise, headers=CORS)
    site.page(f"https://{HOST}:{secure.port}/a")
    result = site.cli("run", "--resolve", f"{HOST}:127.0.0.1", "--cacert", authority[1])
    assert result.status == 0, result.err


@pytest.mark.parametrize("command", ["run", "fetch", "resume", "serve"])
def test_what_is_no_rule_is_refused(site: Site, command: str) -> None:
    arguments = ("a", "/a") if command == "fetch" else ()
    result = site.cli(command, *arguments, "--resolve", "files.example:there")
    result.refused("--resolve", "'files.example:there'", "expected HOST:ADDR or HOST:PORT:ADDR")
    assert not (site.folder / ".swruntime").exists()


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file"), ("no certificate", "no certificate in it")]
)
def test_what_is_no_certificate_is_refused(site: Site, tmp_path: Path, content: str | None, why: str) -> None:
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_text(content)
    site.cli("fetch", "a", "/a", "--cacert", file).refused("cacert", str(file), why)
    assert not (site.folder / ".swruntime").exists()


def test_a_login_is_brought_and_found_again(
    site: Site, secure: Server, authority: tuple[trustme.CA, Path], tmp_path: Path, noise: bytes
) -> None:
    """By the process that goes on, too, which is not told of the file; until `clear`."""
    origin = f"https://{HOST}:{secure.port}"
    secure.add("/a", noise, hold=1000, headers={"Set-Cookie": "seen=1"})
    jar = tmp_path / "cookies.txt"
    jar.write_text(f"#HttpOnly_{HOST}\tFALSE\t/\tTRUE\t0\tlogin\tme\n")
    before = jar.read_bytes()
    options = ("--resolve", f"{HOST}:127.0.0.1", "--cacert", authority[1])
    program = site.start("fetch", "a", "/a", "--origin", origin, *options, "--cookie-jar", jar, "--json")
    program.until("fetch.progress", downloaded=1000)
    program.kill()
    program.end()
    secure.release()
    assert site.cli("resume", *options).status == 0
    asked = [asked.headers.get("cookie") for asked in secure.asked if asked.path == "/a"]
    assert asked == ["login=me", "login=me; seen=1"]
    assert jar.read_bytes() == before
    assert site.cli("clear").status == 0
    assert site.cli("fetch", "a", "/a", "--origin", origin, *options).status == 0
    assert "cookie" not in secure.asked[-1].headers


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file"), ("a.example\tTRUE", "line 1: 2 fields; expected domain")]
)
def test_what_is_no_cookie_jar_is_refused(site: Site, tmp_path: Path, content: str | None, why: str) -> None:
    file = tmp_path / "cookies.txt"
    if content is not None:
        file.write_text(content)
    site.cli("run", "--cookie-jar", file).refused(str(file), why)
    assert not (site.folder / ".swruntime").exists()


@pytest.fixture
def two_hosts() -> Iterator[Callable[[], Server]]:
    servers: list[Server] = []

    def make() -> Server:
        servers.append(Server())
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def test_two_hosts_without_cors_headers_one_redirecting_to_the_other(
    site: Site, two_hosts: Callable[[], Server], noise: bytes
) -> None:
    one, other = two_hosts(), two_hosts()
    target = f"http://other.example:{other.port}/b"
    other.add("/b", noise)
    one.add("/a", b"", status=302, headers={"Location": target})
    url = f"http://one.example:{one.port}/a"
    rules = ("--resolve", "one.example:127.0.0.1", "--resolve", "other.example:127.0.0.1", "--json")
    result = site.cli("fetch", "a", url, *rules)
    assert result.status == 1
    (settled,) = result.of("record.settle")
    assert (settled["result"], settled["cause"]) == ("fetch-error", "cors")
    assert "Access-Control-Allow-Origin" in settled["message"]
    assert (len(one.asked), len(other.asked)) == (1, 0), "the redirect's own response is refused already"

    result = site.cli("fetch", "a", url, *rules, "--disable-web-security")
    assert result.status == 0, result.err
    skipped = [line["message"] for line in result.of("diagnostic") if line["code"] == "skipped-cors"]
    assert [text.split(": ")[0] for text in skipped] == [url, target]
    assert all("Access-Control-Allow-Origin" in text for text in skipped)
    assert [(asked.headers["host"], asked.headers["origin"]) for asked in (*one.asked[1:], *other.asked)] == [
        (f"one.example:{one.port}", "http://localhost:8400"),
        (f"other.example:{other.port}", "null"),
    ]
    assert site.cached(url) == noise
