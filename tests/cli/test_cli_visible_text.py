"""Whatever a script, a server, a file or an argument is called: no control character of theirs is written."""

from __future__ import annotations

import http.server
import json
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unicodedata import category

import pytest

from swruntime.testing.diagnostics import diagnosed
from swruntime.testing.report import last_lines, timeline
from swruntime.trace import to_json
from tests.cli.conftest import Site

BAD = (
    "\x1b]0;title\x07\x1b[31m\x1b[2J\x9b31m\x85\u202e\u2066\u200e\u061c\u2028\u2029\u200b\ufeff\x7f\x0b\x0c\b\0"
    "\r\nforged\r   0.001  [red]forged[/red] [link=http://evil.test]x[/link]"
)
PATH = BAD.replace("/", "|").replace("\0", "") + "\udcff"
"""As a name of a file: bytes that are not UTF-8 as well."""

OWN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""What rich writes on a terminal: colours, and the cursor's movements."""

WORKER = r"""
BAD = %r
console.log(BAD)
def oninstall(event):
    console.warn(BAD)
async def onnotificationclick(event):
    raise ValueError(BAD)
async def onbackgroundfetchfail(event):
    console.error(BAD)
    raise ValueError(BAD)
async def onsync(event):
    print(event.tag)
"""
PAGE = r"""
BAD = %r
async def main():
    registration = await navigator.service_worker.ready
    await (await caches.open(BAD)).put("/" + BAD, Response(BAD))
    await registration.show_notification(BAD, body=BAD, tag=BAD)
    await registration.background_fetch.fetch(BAD, ["/missing" + BAD], title=BAD)
    await registration.sync.register(BAD)
    for log in (console.log, console.info, console.warn, console.error, console.debug):
        log(BAD, [BAD], {BAD: BAD})
    print(BAD, file=sys.stderr)
    raise RuntimeError(BAD)
"""
JS = r"""
const BAD = %s;
console.log(BAD, [BAD]);
console.error(new Error(BAD));
Promise.reject(new Error(BAD));
setTimeout(() => { throw new TypeError(BAD); });
fetch("http://127.0.0.1:1/" + BAD).catch((error) => console.log(error.message));
(async () => {
    await (await caches.open("js" + BAD)).put("/js", new Response(BAD));
})();
"""


def hidden(text: str, *, own: bool = False) -> set[str]:
    """The characters in it that a terminal would act on, or a reader not see."""
    if own:
        text = OWN.sub("", text).replace("\r\n", "\n").replace("\r", "")
    return {c for c in text if category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {"\n"}


def check(out: str, *, own: bool = False) -> None:
    assert hidden(out, own=own) == set(), [line for line in out.split("\n") if hidden(line, own=own)][:3]
    assert not re.search(r"^(\x1b\[[0-9;?]*[A-Za-z])*\s{0,9}(0\.001  )?\[?(red\])?forged", out, re.MULTILINE)


@pytest.fixture
def bad(site: Site) -> Site:
    site.write("worker.py", WORKER % BAD)
    site.write("page.py", "import sys\n" + PAGE % BAD)
    return site


def test_every_command(bad: Site, tmp_path: Path) -> None:
    results = {
        "run": bad.cli("run", "--give-up", "1"),
        "run again": bad.cli("run", "--strict", "--expect", f"{BAD}=success"),
        "status": bad.cli("status", "--check"),
        "cache": bad.cli("cache"),
        "entries": bad.cli("cache", BAD),
        "no entry": bad.cli("cache", BAD, f"http://a.test/{BAD}"),
        "taken out": bad.cli("cache", BAD, "--output-dir", tmp_path / "out"),
        "no cache": bad.cli("cache", f"no {BAD}"),
        "resume": bad.cli("resume"),
        "no such id": bad.cli("resume", "--drop", f"no {BAD}"),
        "abort": bad.cli("abort", f"no {BAD}"),
        "fetch": bad.cli("fetch", BAD, f"/missing{BAD}", "--title", BAD),
        "header": bad.cli("fetch", "b", "/missing", "--header", f"Host: {BAD}"),
        "worker": bad.cli("run", "--worker", BAD),
        "page": bad.cli("run", "--page", BAD),
        "origin": bad.cli("run", "--origin", BAD),
        "conditions": bad.cli("run", "--conditions", BAD),
        "upstream": bad.cli("serve", "--upstream", BAD),
        "scenario": bad.main("scenario", tmp_path / PATH),
        "conformance": bad.main("conformance", BAD),
    }
    for name, result in results.items():
        assert result.out + result.err or name == "resume", name
        check(result.out)
        check(result.err)
    # It is there, and can be read.
    shown = r"\x1b]0;title\x07"
    for name in ("run", "status", "cache"):
        assert shown in results[name].out
    assert results["status"].out.count("\n") == len(
        [line for line in results["status"].out.split("\n") if re.match(r"[a-z ]{9}\S", line)]
    )


def test_json_is_ascii_and_says_the_same(bad: Site, tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    lines = bad.process("run", "--json", "--give-up", "1").lines
    bad.cli("run", "--trace", trace)
    found = [
        bad.cli("status", "--json"),
        bad.cli("cache", "--json"),
        bad.cli("cache", BAD, "--json"),
        bad.cli("cache", BAD, "--output-dir", tmp_path / "out", "--json"),
        bad.cli("cache", BAD, "--delete", "--json"),
        bad.cli("clear", "--json"),
    ]
    assert any(BAD in line.get("text", "") for line in lines)
    assert {line["id"] for line in lines if line["kind"] == "fetch.start"} == {BAD}
    for text in (*(each.out for each in found), *(to_json(line) for line in lines), trace.read_text()):
        assert text.isascii()
        check(text)
    assert found[1].object["caches"][0]["name"] == BAD
    for line in trace.read_text("ascii").splitlines():
        json.loads(line)


def test_javascript(site: Site) -> None:
    pytest.importorskip("deno")
    (site.folder / "worker.py").unlink()
    site.write("sw.js", JS % json.dumps(BAD))
    site.write("page.js", JS % json.dumps(BAD))
    for command in ("run", "status", "cache"):
        result = site.cli(command)
        check(result.out)
        check(result.err)
        assert r"\u202e" in result.out or command == "status"


def test_a_console_message_of_several_lines_cannot_be_taken_for_one_of_ours(site: Site) -> None:
    site.write("page.py", 'console.log("one\\n   0.001  two\\n\\tthree")')
    lines = site.cli("run").out.split("\n")
    first = next(i for i, line in enumerate(lines) if line.endswith("  one"))
    assert lines[first + 1 : first + 3] == [" " * 10 + "   0.001  two", " " * 10 + " " * 8 + "three"]
    assert all(re.match(r" *\d+\.\d{3}  ", line) for line in lines[: first + 1] if line)


def test_a_name_of_the_sites_folder_and_of_its_files(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    site = Site(tmp_path / PATH, capfd)
    site.write("worker.py", "def oninstall(event:")
    for arguments in (
        ("run",),
        ("status",),
        ("cache",),
        ("clear",),
        ("resume",),
        ("run", "--profile", site.folder / "worker.py"),
    ):
        result = site.cli(*arguments)
        check(result.out)
        check(result.err)
    (site.folder / PATH).write_text("raise ValueError('no')")
    site.write("worker.py", "")
    result = site.cli("run", "--page", PATH)
    check(result.out)
    check(result.err)
    gone = site.main("run", tmp_path / f"no {PATH}")
    check(gone.err)
    gone.refused("does not exist")


@pytest.fixture
def hostile_server() -> Iterator[str]:
    """Its reason phrases and headers are what HTTP forbids, and what nobody would expect."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            raw = BAD.replace("\r\n", "\r").encode("utf-8", "surrogateescape").replace(b"\0", b"")
            if self.path.startswith("/reason"):
                self.wfile.write(b"HTTP/1.1 404 " + raw + b"\r\nContent-Length: 0\r\n\r\n")
            elif self.path.startswith("/header"):
                self.wfile.write(
                    b"HTTP/1.1 200 OK\r\nX-" + raw + b": " + raw + b"\r\nContent-Length: 0\r\n\r\n"
                )
            elif self.path.startswith("/location"):
                self.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: http://" + raw + b"/\r\n\r\n")
            else:
                self.wfile.write(raw + b"\r\n\r\n")

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("path", ["reason", "header", "location", "garbage"])
def test_what_a_server_says(site: Site, hostile_server: str, path: str) -> None:
    url = f"{hostile_server}/{path}"
    result = site.cli("fetch", "a", url, "--disable-web-security", "--give-up", "1")
    assert result.status == (0 if path == "header" else 1)  # what is not a header's name is left out
    check(result.out)
    check(result.err)


def on_terminal(*words: str) -> str:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "swruntime", *words]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    out = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # nobody has the other end any more
            break
        if not part:
            break
        out += part
    process.wait()
    os.close(ours)
    return out.decode("utf-8", "surrogateescape")


@pytest.mark.slow
def test_on_a_terminal(bad: Site) -> None:
    """The bars and colours are rich's; nothing of the script's is among them."""
    for words in (
        ("run", str(bad.folder), "--give-up", "1"),
        ("status", str(bad.folder)),
        ("cache", str(bad.folder)),
    ):
        out = on_terminal(*words)
        check(out, own=True)
        assert "\x1b[31m\x1b[2J" not in out
        assert r"\x1b]0;title\x07" in out
        assert "[red]" in out


def test_a_defect_is_told_without_them(tmp_path: Path) -> None:
    """Its traceback has the words of whatever raised it."""
    code = f"import swruntime.cli as c, swruntime.cli.arguments as a\ndef parse(x): raise RuntimeError({BAD!r})\na.parse = parse\nc.main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60)
    err = done.stderr.decode("utf-8", "surrogateescape")
    assert "RuntimeError" in err
    assert hidden(err) == set()


def test_a_failed_tests_report() -> None:
    line: dict[str, Any] = {"time": 0.0, "where": None, "scope": "/", "fetch": 1, "id": BAD}
    trace = [
        {**line, "kind": "fetch.start", "requests": [BAD], "download_total": 0},
        {**line, "kind": "record.start", "index": 0, "url": BAD, "range_start": 0, "attempt": 1},
        {
            **line,
            "kind": "record.wait",
            "index": 0,
            "url": BAD,
            "reason": "dns",
            "message": BAD,
            "until": None,
        },
        {"time": 0.0, "kind": "console", "level": "log", "text": BAD, "where": None},
        {**line, "kind": "event.start", "name": "sync", "attempt": 1},
        {"time": 0.0, "kind": "diagnostic", "code": "x", "message": BAD, "where": None},
    ]
    check(timeline(trace))
    check(last_lines(trace))
    told = diagnosed(
        {"time": 0.0, "kind": "diagnostic", "code": "listener-added-late", "message": BAD, "where": None},
        Path("/"),
    )
    assert told is None or hidden(told.text) == set()
