"""`serve` as a process, real sockets, curl."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

if TYPE_CHECKING:
    from tests.serve.conftest import Serving

EXAMPLES = Path(__file__).parents[2] / "examples"
HTML = ("--header", "Accept: text/html")
STATUS = ("--output", "/dev/null", "--write-out", "%{http_code}")

PASSES = "def onfetch(event):\n    if 'mine' in event.request.url:\n        event.respond_with(fetch('/file.bin'))\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "worker.py").write_text(PASSES)
    (folder / "index.html").write_text("<h1>home</h1>\n")
    (folder / "file.bin").write_bytes(bytes(range(256)) * 1000)
    (folder / ".secret").write_text("secret")
    return folder


def test_sites_files(site: Path, serving: Serving) -> None:
    server = serving.serve(site)
    assert server.curl("/") == "<h1>home</h1>\n"
    for path in ("/file.bin", "/mine"):
        copy = serving.folder / "copy"
        server.curl(path, "--output", str(copy))
        assert copy.read_bytes() == (site / "file.bin").read_bytes()
    assert server.curl("/nothing", *STATUS) == "404"
    assert server.curl("/.secret", *STATUS) == "404"
    assert server.curl("/.swruntime/profile.db", *STATUS) == "404"
    # A worker's script is one of SITE's files.
    assert server.curl("/worker.py") == PASSES
    assert server.curl("/", "--data", "body", *STATUS) == "405"
    head = server.curl("/file.bin", "--head")
    assert "content-length: 256000" in head
    assert "accept-ranges: bytes" in head
    assert server.curl("/file.bin", "--range", "65-67", "--write-out", "%{http_code}") == "ABC206"
    # IPv4 and, where there is any, IPv6; every name of this machine.
    port = server.url.rpartition(":")[2]
    assert server.curl("/", "--header", f"Host: 127.0.0.1:{port}", "--ipv4") == "<h1>home</h1>\n"
    assert server.interrupt() == 130


def test_what_it_tells_under_json(site: Path, serving: Serving) -> None:
    (site / "worker.py").write_text(PASSES + "    print('asked for', event.request.url)\n")
    server = serving.serve(site, "--json")
    assert server.curl("/", *STATUS) == "200"
    server.process.send_signal(signal.SIGINT)
    out, _ = server.process.communicate(timeout=30)
    assert server.process.returncode == 130
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines[0]["kind"] == "agent.open"
    assert lines[0]["origin"] == server.url
    assert [line["text"] for line in lines if line["kind"] == "console"] == [f"asked for {server.url}/"]


def test_a_server_is_checked(site: Path, serving: Serving) -> None:
    server = serving.serve(site, "--monitor")
    assert server.curl("/mine", *STATUS) == "200"
    server.process.send_signal(signal.SIGINT)
    out, _ = server.process.communicate(timeout=30)
    assert (server.process.returncode, "broken:" in out) == (130, False)


@pytest.mark.parametrize("name", ["cache-first", "stale-while-revalidate"])
def test_an_example_outlives_its_upstream(name: str, tmp_path: Path, serving: Serving) -> None:
    site = tmp_path / "site"
    shutil.copytree(EXAMPLES / name, site)
    (data,) = site.glob("*.json")
    with serving.upstream(site) as upstream:
        server = serving.serve(site, "--upstream", upstream)
        page = server.curl("/", *HTML)
        assert page == (site / "index.html").read_text()
        assert server.curl(f"/{data.name}") == data.read_text()
        assert server.curl("/style.css", *STATUS) == "200"
    assert server.curl("/", *HTML) == page
    assert server.curl(f"/{data.name}") == data.read_text()
    assert server.curl("/style.css", *STATUS) == "200"
    refused = server.curl("/never-asked-for", "--write-out", "%{http_code}")
    assert refused.endswith("502")
    assert "refused the connection" in refused
    # What was stored is there in the next process, too.
    assert server.interrupt() == 130
    port = server.url.rpartition(":")[2]
    server = serving.serve(site, "--upstream", upstream, "--port", port)
    assert server.curl("/", *HTML) == page


def test_stale_while_revalidate_is_one_visit_behind(tmp_path: Path, serving: Serving) -> None:
    site = tmp_path / "site"
    shutil.copytree(EXAMPLES / "stale-while-revalidate", site)
    server = serving.serve(site, "--json")
    old = server.curl("/news.json")
    server.until(kind="event.end", name="fetch")
    (site / "news.json").write_text('{"text": "new"}')
    assert server.curl("/news.json") == old
    server.until(kind="event.end", name="fetch")
    assert server.curl("/news.json") == '{"text": "new"}'


def test_a_slow_upload_and_a_slow_download(site: Path, serving: Serving) -> None:
    (site / "worker.py").write_text(
        "import trio\n"
        "def onfetch(event):\n"
        "    event.respond_with(echo(event.request))\n"
        "async def echo(request):\n"
        "    return Response(twice(request.body))\n"
        "async def twice(body):\n"
        "    async for piece in body:\n"
        "        yield piece\n"
        "        await trio.sleep(0.1)\n"
        "        yield piece.upper()\n"
    )
    server = serving.serve(site)
    host, port = "127.0.0.1", int(server.url.rpartition(":")[2])
    with socket.create_connection((host, port), timeout=30) as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )
        came = b""
        for piece in (b"one ", b"two "):
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
            # What was sent comes back before more is sent.
            while not came.endswith(piece.upper() + b"\r\n"):
                came += connection.recv(65536)
        connection.sendall(b"0\r\n\r\n")
        while more := connection.recv(65536):
            came += more
    assert came.startswith(b"HTTP/1.1 200")
    assert came.endswith(b"4\r\nTWO \r\n0\r\n\r\n")


def test_a_response_that_breaks_off_is_seen_to(site: Path, serving: Serving) -> None:
    (site / "worker.py").write_text(
        "async def broken():\n"
        "    yield b'some'\n"
        "    raise ValueError('no more')\n"
        "def onfetch(event):\n"
        "    event.respond_with(Response(broken()))\n"
    )
    server = serving.serve(site)
    cut = server.curl_process("/")
    assert (cut.stdout, cut.returncode) == ("some", 18)  # CURLE_PARTIAL_FILE
    assert server.curl_process("/").returncode == 18


def test_a_client_that_has_stopped_reading_does_not_hold_up_the_end(site: Path, serving: Serving) -> None:
    (site / "worker.py").write_text(
        "async def endless():\n"
        "    while True:\n"
        "        yield bytes(65536)\n"
        "def onfetch(event): event.respond_with(Response(endless()))\n"
    )
    server = serving.serve(site)
    with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
        assert server.interrupt() == 130


@pytest.mark.parametrize(
    "said",
    [
        "GET / HTTP/1.1\nHost: localhost\nOrigin: a b\nConnection: close\n\nnot HTTP",
        "GET / HTTP/1.1\nHost: localhost\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nContent-Length: 5\n\nnot HTTP",
    ],
)
def test_what_one_client_says_ends_its_own_connection_only(site: Path, serving: Serving, said: str) -> None:
    server = serving.serve(site)
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2]))) as connection:
            connection.sendall(said.replace("\n", "\r\n").encode())
            with suppress(ConnectionError):
                while connection.recv(65536):
                    pass
    assert server.curl("/", *STATUS) == "200"


def test_a_connection_is_used_again(site: Path, serving: Serving) -> None:
    server = serving.serve(site)
    nowhere = ("--output", "/dev/null")
    used = server.curl("/", *nowhere, *nowhere, "--write-out", "%{num_connects} ", f"{server.url}/mine")
    assert used == "1 0 "


@pytest.mark.slow  # a GiB
def test_memory_does_not_grow_with_a_body(site: Path, serving: Serving) -> None:
    size = 2**30
    with (site / "big.bin").open("wb") as file:
        file.truncate(size)
    (site / "worker.py").write_text(
        "def onfetch(event):\n"
        "    if 'worker' in event.request.url:\n"
        "        event.respond_with(through(fetch('/big.bin')))\n"
        "async def through(fetched):\n"
        "    return Response(copy((await fetched).body))\n"
        "async def copy(body):\n"
        "    async for piece in body:\n"
        "        yield piece\n"
    )
    server = serving.serve(site)
    assert server.curl("/", *STATUS) == "200"
    before = server.peak_memory()
    for path in ("/worker", "/big.bin"):
        counted = server.curl(path, "--max-time", "600", *STATUS, "--write-out", "%{size_download}")
        assert int(counted) == size
        assert server.peak_memory() - before < 64 * 2**20


def test_reload_lets_an_edited_worker_in(site: Path, serving: Serving) -> None:
    version = "import part\ndef onfetch(event): event.respond_with(Response(part.TEXT + '{}'))\n"
    (site / "part.py").write_text("TEXT = 'a'\n")
    (site / "worker.py").write_text(version.format(1))
    server = serving.serve(site, "--reload", "--json")
    assert server.curl("/", *HTML) == "a1"
    (site / "worker.py").write_text(version.format(2))
    _until(lambda: server.curl("/", *HTML) == "a2")
    # What it imports is part of it.
    (site / "part.py").write_text("TEXT = 'b'\n")
    _until(lambda: server.curl("/", *HTML) == "b2")
    # One that does not compile leaves the old one in place, until it is mended.
    (site / "worker.py").write_text("syntax error\n")
    server.until(kind="diagnostic", code="update-failed")
    assert server.curl("/", *HTML) == "b2"
    (site / "worker.py").write_text(version.format(3))
    _until(lambda: server.curl("/", *HTML) == "b3")


def test_without_reload_the_new_worker_waits(site: Path, serving: Serving) -> None:
    version = "def onfetch(event): event.respond_with(Response('{}'))\n"
    (site / "worker.py").write_text(version.format("one"))
    server = serving.serve(site, "--json")
    assert server.curl("/", *HTML) == "one"
    (site / "worker.py").write_text(version.format("two"))
    assert server.curl("/", *HTML) == "one"
    assert server.curl("/", *HTML) == "one"
    server.until(kind="worker.state", state="installed")
    server.until(kind="worker.state", state="installed")
    assert server.curl("/", *HTML) == "one"


def test_https(site: Path, serving: Serving) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    folder = serving.folder
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    authority.cert_pem.write_to_path(folder / "authority.pem")
    server = serving.serve(site, "--cert", str(folder / "both.pem"), "--key", str(folder / "both.pem"))
    assert server.url.startswith("https://localhost:")
    trusted = ("--cacert", str(folder / "authority.pem"))
    assert server.curl("/", *trusted) == "<h1>home</h1>\n"
    assert server.curl("/mine", *trusted, *STATUS) == "200"
    # It answers for the same hosts as without TLS.
    port = server.url.rpartition(":")[2]
    for host, status in (
        ("evil.test", "421"),
        (f"localhost:{int(port) - 1}", "421"),
        (f"127.0.0.1:{port}", "200"),
    ):
        assert server.curl("/", *trusted, "--header", f"Host: {host}", *STATUS) == status
    away = server.curl("/a?b", *trusted, *HTML, "--header", f"Host: [::1]:{port}", "--head")
    assert f"location: {server.url}/a?b" in away
    assert server.curl_process("/").returncode != 0
    assert server.interrupt() == 130


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--upstream", "ftp://x"), "--upstream is 'ftp://x'; expected http://HOST[:PORT]"),
        (("--upstream", "http://x/path"), "expected http://HOST[:PORT]"),
        (("--port", "99999"), "--port is 99999; expected 0 to 65535"),
        (("--cert", "a.pem"), "--cert and --key go together"),
        (("--cert", "a.pem", "--key", "b.pem"), "cannot be used"),
        (("--scope", "http://elsewhere.test/"), "is not of the page's origin"),
    ],
)
def test_wrong_command_lines(arguments: tuple[str, ...], message: str, site: Path, capfd: Any) -> None:
    from swruntime.cli import main

    arguments = ("serve", str(site), *(() if "--port" in arguments else ("--port", "0")), *arguments)
    assert main(arguments) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert message in err


def test_a_port_that_is_taken(site: Path, capfd: Any) -> None:
    from swruntime.cli import main

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", str(site), "--port", str(port)]) == 2
    assert f"cannot listen at port {port}" in capfd.readouterr().err


def test_a_worker_that_fails_is_told_at_the_start(site: Path, serving: Serving) -> None:
    (site / "worker.py").write_text("\nraise ValueError('no')\n")
    server = serving.serve(site, "--reload")
    (told,) = (line for line in server.before if line.startswith("swruntime: "))
    assert told.startswith("swruntime: worker.py:2: ValueError: no; the site is served without its worker")
    assert server.curl("/", *HTML) == "<h1>home</h1>\n"
    (site / "worker.py").write_text("def onfetch(event): event.respond_with(Response('mended'))\n")
    _until(lambda: server.curl("/", *HTML) == "mended")


def test_a_profile_keeps_its_port(site: Path, serving: Serving, capfd: Any) -> None:
    from swruntime.cli import main

    server = serving.serve(site)
    assert server.interrupt() == 130
    profile = ("--profile", str(serving.folder / "profile"))
    assert main(["status", str(site), *profile]) == 0
    assert server.url in capfd.readouterr().out
    assert main(["serve", str(site), "--port", "0", *profile]) == 2
    assert f"the profile belongs to {server.url}" in capfd.readouterr().err


def _until(holds: Any) -> None:
    """Ask again until it holds; the clock here is the real one, and the end is the test run's."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"


ANSWERS_FROM_A_CACHE = """
async def oninstall(event):
    cache = await caches.open("c")
    await cache.put("/big", Response("x" * 300_000))

async def onfetch(event):
    event.respond_with(caches.match(event.request))
"""


def test_a_stored_answer_that_lost_bytes_is_not_taken_for_whole(site: Path, serving: Serving) -> None:
    (site / "worker.py").write_text(ANSWERS_FROM_A_CACHE)
    server = serving.serve(site)
    assert server.curl("/big") == "x" * 300_000
    (body,) = (serving.folder / "profile" / "bodies").iterdir()
    with open(body, "r+b") as file:
        file.truncate(100_000)
    cut = server.curl_process("/big")
    assert cut.returncode != 0, "the connection breaks before its end"
    assert len(cut.stdout) <= 100_000
