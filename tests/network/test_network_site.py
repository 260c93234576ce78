"""A site's files as an origin: what is served, what never is, and the parts of it."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
import pytest
import trio
import trio.testing
from hypothesis import HealthCheck, given, settings, strategies as st

from swruntime.concepts.http import HeaderList
from swruntime.errors import NetworkFailure, SiteError
from swruntime.network.site import SiteNetwork, load_site_headers
from swruntime.ports.network import WireRequest

ORIGIN = "http://localhost:8400"


@attrs.frozen
class Answer:
    status: int
    headers: HeaderList
    body: bytes


async def ask(network: SiteNetwork, path: str, method: str = "GET", **headers: str) -> Answer:
    """`if_range="x"` is the header If-Range."""
    pairs = HeaderList.of((name.replace("_", "-"), value) for name, value in headers.items())
    async with network.exchange(WireRequest(method, ORIGIN + path, pairs)) as response:
        body = b"".join([piece async for piece in response.body])
        return Answer(response.status, response.headers, body)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    (folder / "docs" / "empty").mkdir(parents=True)
    (folder / ".swruntime").mkdir()
    (folder / ".swruntime" / "profile.db").write_bytes(b"secret")
    (folder / "docs" / ".hidden").write_bytes(b"secret")
    (folder / "index.html").write_bytes(b"<h1>home</h1>")
    (folder / "docs" / "index.html").write_bytes(b"<h1>docs</h1>")
    (folder / "sw.js").write_bytes(b"self")
    (folder / "a b\xe9.txt".encode().decode()).write_bytes(b"spaced")
    (folder / "file.bin").write_bytes(bytes(range(100)))
    (tmp_path / "outside.txt").write_bytes(b"secret")
    return folder


async def test_a_file(site: Path) -> None:
    answer = await ask(SiteNetwork(site), "/sw.js?v=2")
    assert (answer.status, answer.body) == (200, b"self")
    assert answer.headers.get("content-type") == "text/javascript;charset=utf-8"
    assert answer.headers.get("content-length") == "4"
    assert answer.headers.get("accept-ranges") == "bytes"
    etag = answer.headers.get("etag")
    assert etag is not None
    assert etag.startswith('"')
    assert (answer.headers.get("last-modified") or "").endswith(" GMT")


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/", 200, b"<h1>home</h1>"),
        ("/docs/", 200, b"<h1>docs</h1>"),
        ("/a%20b%C3%A9.txt", 200, b"spaced"),
        ("/s%77.js", 200, b"self"),
        ("/docs/../sw.js", 200, b"self"),
        ("/docs/empty/", 404, None),
        ("/missing", 404, None),
        ("/sw.js/", 404, None),
        ("/sw.js/x", 404, None),
        ("//sw.js", 404, None),
        ("/docs//index.html", 404, None),
        ("/docs%2Findex.html", 404, None),
        ("/%FF", 404, None),
        ("/a%00b", 404, None),
        ("/" + "x" * 5000, 404, None),
    ],
)
async def test_paths(site: Path, path: str, status: int, body: bytes | None) -> None:
    answer = await ask(SiteNetwork(site), path)
    assert answer.status == status
    if body is not None:
        assert answer.body == body


@pytest.mark.parametrize(
    "path",
    [
        "/.swruntime/profile.db",
        "/%2Eswruntime/profile.db",
        "/.swruntime",
        "/.swruntime/",
        "/docs/.hidden",
        "/../outside.txt",
        "/%2e%2e/outside.txt",
        "/..%2Foutside.txt",
        "/%2e%2e%2foutside.txt",
        "/link.txt",
        "/linked/outside.txt",
        "/inner-link.db",
        "/inner-linked/profile.db",
        "/loop",
        "/pipe",
    ],
)
async def test_what_is_never_served(site: Path, path: str) -> None:
    (site / "link.txt").symlink_to(site.parent / "outside.txt")
    (site / "linked").symlink_to(site.parent)
    (site / "inner-link.db").symlink_to(site / ".swruntime" / "profile.db")
    (site / "inner-linked").symlink_to(site / ".swruntime")
    (site / "loop").symlink_to(site / "loop")
    os.mkfifo(site / "pipe")
    for method in ("GET", "HEAD"):
        answer = await ask(SiteNetwork(site), path, method)
        assert answer.status == 404
        assert b"secret" not in answer.body


async def test_a_link_within_the_site_is_a_file_like_any_other(site: Path) -> None:
    (site / "alias.js").symlink_to("sw.js")
    assert (await ask(SiteNetwork(site), "/alias.js")).body == b"self"


async def test_a_site_below_a_dot_folder_is_served(tmp_path: Path) -> None:
    folder = tmp_path / ".cache" / "site"
    folder.mkdir(parents=True)
    (folder / "x").write_bytes(b"x")
    assert (await ask(SiteNetwork(folder), "/x")).body == b"x"


async def test_a_folder_without_its_slash_is_a_redirect(site: Path) -> None:
    answer = await ask(SiteNetwork(site), "/docs?q=1")
    assert answer.status == 301
    assert answer.headers.get("location") == "/docs/?q=1"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get"])
async def test_other_methods(site: Path, method: str) -> None:
    answer = await ask(SiteNetwork(site), "/sw.js", method)
    assert answer.status == 405
    assert answer.headers.get("allow") == "GET, HEAD"


async def test_head_is_get_without_the_body(site: Path) -> None:
    network = SiteNetwork(site)
    for path in ("/sw.js", "/missing", "/docs/"):
        get, head = await ask(network, path), await ask(network, path, "HEAD")
        assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")


async def test_conditions_on_what_the_client_has(site: Path) -> None:
    network = SiteNetwork(site)
    first = await ask(network, "/sw.js")
    etag, modified = first.headers.get("etag") or "", first.headers.get("last-modified") or ""
    for headers in (
        {"if_none_match": etag},
        {"if_none_match": f'"other", W/{etag}'},
        {"if_none_match": "*"},
        {"if_modified_since": modified},
        {"if_none_match": etag, "range": "bytes=0-0"},
    ):
        answer = await ask(network, "/sw.js", **headers)
        assert (answer.status, answer.body) == (304, b"")
        assert answer.headers.get("etag") == etag
    for headers in (
        {"if_none_match": '"other"'},
        {"if_none_match": '"other"', "if_modified_since": modified},
        {"if_modified_since": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"if_modified_since": "never"},
    ):
        assert (await ask(network, "/sw.js", **headers)).status == 200


async def test_the_etag_is_another_after_a_change_that_hides(site: Path) -> None:
    network, file = SiteNetwork(site), site / "sw.js"
    before = await ask(network, "/sw.js")
    times = file.stat()
    replacement = site / "new.js"
    replacement.write_bytes(b"SELF")
    os.utime(replacement, ns=(times.st_atime_ns, times.st_mtime_ns))
    replacement.replace(file)  # as long as the old one, with its very times
    after = await ask(network, "/sw.js", if_range=before.headers.get("etag") or "", range="bytes=2-")
    assert (after.status, after.body) == (200, b"SELF")


async def test_a_range_with_if_range(site: Path) -> None:
    network = SiteNetwork(site)
    first = await ask(network, "/file.bin")
    for validator in ("etag", "last-modified"):
        value = first.headers.get(validator) or ""
        answer = await ask(network, "/file.bin", range="bytes=10-19", if_range=value)
        assert (answer.status, answer.body) == (206, bytes(range(10, 20)))
        assert answer.headers.get("content-range") == "bytes 10-19/100"
        assert answer.headers.get("content-length") == "10"
        assert answer.headers.get("etag") == first.headers.get("etag")
    for other in ('"other"', f"W/{first.headers.get('etag')}", "Thu, 01 Jan 1970 00:00:00 GMT", ""):
        answer = await ask(network, "/file.bin", range="bytes=10-19", if_range=other)
        assert (answer.status, len(answer.body)) == (200, 100)


async def test_a_range_that_nothing_is_in(site: Path) -> None:
    answer = await ask(SiteNetwork(site), "/file.bin", range="bytes=100-")
    assert answer.status == 416
    assert answer.headers.get("content-range") == "bytes */100"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    size=st.integers(0, 200_000), first=st.integers(0, 250_000), length=st.none() | st.integers(1, 250_000)
)
def test_any_range_is_that_part(size: int, first: int, length: int | None) -> None:
    data = bytes(i * 31 % 251 for i in range(size))

    async def main(folder: Path) -> Answer:
        (folder / "f").write_bytes(data)
        last = "" if length is None else str(first + length - 1)
        return await ask(SiteNetwork(folder), "/f", range=f"bytes={first}-{last}")

    with TemporaryDirectory() as folder:
        answer = trio.run(main, Path(folder), clock=trio.testing.MockClock(autojump_threshold=0))
    part = data[first:] if length is None else data[first : first + length]
    assert answer.status == (206 if part else 416)
    if part:
        assert answer.body == part
        assert answer.headers.get("content-range") == f"bytes {first}-{first + len(part) - 1}/{size}"


async def test_it_answers_after_a_millisecond_and_in_pieces(
    site: Path, autojump_clock: trio.testing.MockClock
) -> None:
    (site / "big").write_bytes(bytes(150_000))
    begin = trio.current_time()
    async with SiteNetwork(site).exchange(WireRequest("GET", ORIGIN + "/big", HeaderList())) as response:
        assert trio.current_time() == begin + 0.001
        sizes = []
        while True:
            with trio.testing.assert_checkpoints():
                piece = await anext(response.body, None)
            if piece is None:
                break
            sizes.append(len(piece))
    assert sizes == [65536, 65536, 18928]


@pytest.mark.parametrize("change", ["shorter", "other"])
async def test_a_file_that_changes_while_it_is_sent(site: Path, change: str) -> None:
    file = site / "big"
    file.write_bytes(bytes(150_000))
    os.utime(file, ns=(0, 0))
    async with SiteNetwork(site).exchange(WireRequest("GET", ORIGIN + "/big", HeaderList())) as response:
        await anext(response.body)
        if change == "shorter":
            os.truncate(file, 10)
        else:
            with file.open("r+b") as writing:
                writing.write(b"changed")
        for _ in range(2):
            with pytest.raises(NetworkFailure, match="changed while it was sent") as caught:
                await anext(response.body)
            assert caught.value.cause == "reset"


async def test_reading_is_over_with_the_exchange(site: Path) -> None:
    async with SiteNetwork(site).exchange(WireRequest("GET", ORIGIN + "/sw.js", HeaderList())) as response:
        pass
    with pytest.raises(trio.ClosedResourceError):
        await anext(response.body)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.html", "text/html;charset=utf-8"),
        ("a.mp3", "audio/mpeg"),
        ("a.png", "image/png"),
        ("a.webmanifest", "application/manifest+json"),
        ("a.tar.gz", "application/gzip"),
        ("a.unheard-of", "application/octet-stream"),
    ],
)
async def test_content_types(site: Path, name: str, kind: str) -> None:
    (site / name).write_bytes(b"x")
    answer = await ask(SiteNetwork(site), f"/{name}")
    assert answer.headers.get("content-type") == kind
    assert "content-encoding" not in answer.headers


def test_what_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="nowhere is not a folder"):
        SiteNetwork(tmp_path / "nowhere")


# _headers


async def test_the_sites_own_headers(site: Path) -> None:
    (site / "_headers").write_text(
        "/*\n  X-All: yes\n/sw.js\n  Service-Worker-Allowed: /\n  Content-Type: a/b\n"
    )
    network = SiteNetwork(site, load_site_headers(site))
    answer = await ask(network, "/sw.js?v=2")
    assert (answer.status, answer.headers.get("x-all")) == (200, "yes")
    assert (answer.headers.get("service-worker-allowed"), answer.headers.all("content-type")) == (
        "/",
        ("a/b",),
    )
    assert answer.headers.get("content-length") == "4"
    for path, status in [("/missing", 404), ("/docs", 301), ("/docs/", 200)]:
        other = await ask(network, path)
        assert (other.status, other.headers.get("x-all")) == (status, "yes")
        assert "service-worker-allowed" not in other.headers
    unchanged = await ask(network, "/sw.js", if_none_match=answer.headers.get("etag") or "")
    assert (unchanged.status, unchanged.headers.get("x-all")) == (304, "yes")


@pytest.mark.parametrize("path", ["/_headers", "/_header%73", "/link"])
async def test_the_file_of_headers_is_not_served(site: Path, path: str) -> None:
    (site / "_headers").write_text("/*\n  X-Secret: 1\n")
    (site / "link").symlink_to(site / "_headers")
    (site / "docs" / "_headers").write_text("a file like others")
    network = SiteNetwork(site, load_site_headers(site))
    assert (await ask(network, path)).status == 404
    assert (await ask(network, "/docs/_headers")).status == 200


def test_a_file_of_headers_that_cannot_be_had(site: Path) -> None:
    assert load_site_headers(site).rules == ()
    (site / "_headers").mkdir()
    with pytest.raises(SiteError, match="_headers cannot be read: it is a folder"):
        load_site_headers(site)
    (site / "_headers").rmdir()
    (site / "_headers").write_text("/*\n  X-A\n")
    with pytest.raises(SiteError, match=r"site/_headers:2: 'X-A' is not a header"):
        load_site_headers(site)
