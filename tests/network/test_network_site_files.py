"""What of a folder is served, whatever the path's spelling, the links in it, and who swaps them meanwhile."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import pytest
from hypothesis import given, strategies as st

from swruntime.algorithms import urls
from swruntime.errors import NotServed, SiteError
from swruntime.network.site import SiteNetwork, load_site_headers
from swruntime.network.site_files import (
    LARGEST_SCRIPT,
    PROFILE_DATABASE,
    PROFILE_ID,
    PROFILE_NAMES,
    SiteFiles,
)
from swruntime.storage import open_profile, profile as storage_profile, reading, schema

SECRET = b"SECRET"
SERVED = {
    "/sw.js",
    "/lib/a.js",
    "/lib/deep/b.js",
    "/in side.js",
    "/index.html",
    "/_headers.js",
    "/lib/_headers",
}


def build(folder: Path) -> Path:
    """A SITE with all that must stay private, beside what is served, whose content is its path."""
    site = folder / "site"
    for path in SERVED:
        file = site / path[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(path.encode())
    private = (
        *(".env", ".git/config", "lib/.hidden.js", "lib/.swp/a.js", ".well-known/x.js"),
        *("_headers", "../outside.js", "../site.js", "../.env"),
    )
    for name in private:
        file = site / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(SECRET)
    for name in ("kept", "lib/kept.js", ".swruntime"):
        open_profile(site / name).close()
        (site / name / "bodies").mkdir(exist_ok=True)
        (site / name / "bodies" / "1").write_bytes(SECRET)
        (site / name / "x.js").write_bytes(SECRET)
    links = {
        "out.js": "../outside.js",
        "out": "..",
        "outabsolute.js": str(folder / "outside.js"),
        "sibling.js": "../site.js",
        "round.js": "../site/../outside.js",
        "lib/out.js": "../../outside.js",
        "lib/up": "../..",
        "lib/far.js": "deep/../../../outside.js",
        "env.js": ".env",
        "git": ".git",
        "headers.js": "_headers",
        "lib/headers.js": "../_headers",
        "profile": "kept",
        "db.js": "kept/profile.sqlite3",
        "loop.js": "loop.js",
        "chain.js": "out.js",
        "broken.js": "nowhere.js",
        "root": "/",
        "proc.js": "/proc/self/environ",
    }
    for name, target in links.items():
        (site / name).symlink_to(target)
    os.mkfifo(site / "pipe.js")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(site / "socket.js"))
    return site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("built"))


def served(files: SiteFiles, pathname: str) -> bytes | None:
    try:
        return files.read(pathname)
    except NotServed as refused:
        if SECRET.decode() in refused.why:
            pytest.fail(refused.why)
        return None


@pytest.mark.parametrize("path", sorted(SERVED))
def test_what_is_served(site: Path, path: str) -> None:
    files = SiteFiles(site)
    assert served(files, quote(path)) == path.encode()
    assert served(files, "/" + "".join(f"%{byte:02x}" for byte in path[1:].replace("/", "\0").encode()).replace("%00", "/")) == path.encode()  # fmt: skip
    assert files.is_file(quote(path))
    assert files.why_not(quote(path)) is None


WHY = {
    "stay private": (
        *("/.env", "/%2eenv", "/%2Eenv", "/.git/config", "/lib/.hidden.js", "/lib/.swp/a.js", "/.swruntime/x.js"),
        *("/_headers", "/_header%73", "/%5fheaders", "/_headers/", "/..", "/../outside.js", "/%2e%2e/outside.js"),
        *("/lib/%2e%2e/_headers", "/.nothing", "/lib/./a.js", "/...", "/.well-known/x.js", "/out/.env"),
    ),
    "over a link that leads out of SITE": (
        *("/out.js", "/out/outside.js", "/outabsolute.js", "/sibling.js", "/round.js", "/chain.js"),
        *("/lib/out.js", "/lib/up/outside.js", "/lib/far.js", "/out/nothing", "/root/etc/passwd", "/proc.js"),
    ),
    "over a link to what stays private": ("/env.js", "/git/config", "/git/nothing", "/headers.js", "/lib/headers.js"),
    "the files of a profile": (
        *("/kept", "/kept/", "/kept/profile.sqlite3", "/kept/bodies/1", "/kept/x.js", "/kept/nothing", "/lib/kept.js"),
        *("/lib/kept.js/x.js", "/profile/x.js", "/profile/nothing", "/db.js"),
    ),
    "not a regular file": ("/pipe.js", "/socket.js"),
    "too many links": ("/loop.js",),
    "there is no such file": (
        *("/SW.JS", "/Sw.js", "/LIB/a.js", "/sw.js.", "/sw.js%20", "/sw.js/", "/sw.js/x", "/sw.js%00", "/sw.js%00.png"),
        *("/lib%2fa.js", "/lib%2Fa.js", "//sw.js", "/lib//a.js", "/lib%5ca.js", "/lib\\a.js", "/sw.js~", "/broken.js"),
        *("/%ff", "/%c0%ae%c0%ae/outside.js", "/%252eenv", "/sw.js::$DATA", "/" + "x" * 300, "/" + "x/" * 3000),
        *("/nothing", "/_HEADERS", "/sw.js;.png", "/ENV.JS", "/%", "/%u002eenv", "/~root"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("why", "path"), [(why, path) for why, paths in WHY.items() for path in paths])
def test_what_is_not_served_and_why(site: Path, why: str, path: str) -> None:
    files = SiteFiles(site)
    with pytest.raises(NotServed, match=why):
        files.read(path)
    assert not files.is_file(path)
    assert not files.is_folder(path)
    absent = why == "there is no such file"
    refused = files.why_not(path)
    assert refused is None if absent else refused is not None and why in refused


def test_folders(site: Path) -> None:
    files = SiteFiles(site)
    for path in ("/", "/lib", "/lib/", "/lib/deep"):
        assert files.is_folder(path)
        assert not files.is_file(path)
        with pytest.raises(NotServed, match="it is a folder"):
            files.read(path)


def test_links_within_site_are_followed(site: Path) -> None:
    links = {
        "one.js": "sw.js",
        "two.js": "lib/../one.js",
        "folder": "lib/./deep",
        "three.js": "folder/../a.js",
        "absolute.js": str(site / "lib" / "a.js"),
    }
    for name, target in links.items():
        (site / name).symlink_to(target)
    files = SiteFiles(site)
    assert served(files, "/one.js") == b"/sw.js"
    assert served(files, "/two.js") == b"/sw.js"
    assert served(files, "/folder/b.js") == b"/lib/deep/b.js"
    # As the system has it: the folder above what the link leads to.
    assert served(files, "/three.js") == b"/lib/a.js"
    assert served(files, "/absolute.js") == b"/lib/a.js"
    for name in links:
        (site / name).unlink()


def test_site_itself_may_be_reached_over_a_link(tmp_path: Path) -> None:
    site = build(tmp_path)
    (tmp_path / "link").symlink_to(site)
    (site / "byway.js").symlink_to(tmp_path / "link" / "sw.js")
    files = SiteFiles(tmp_path / "link")
    assert served(files, "/sw.js") == b"/sw.js"
    assert served(files, "/byway.js") == b"/sw.js"


def test_a_hard_link_is_a_file(tmp_path: Path) -> None:
    site = build(tmp_path)
    os.link(site / "sw.js", site / "hard.js")
    os.link(site / "_headers", site / "hard_headers.js")
    assert served(SiteFiles(site), "/hard.js") == b"/sw.js"
    assert served(SiteFiles(site), "/hard_headers.js") is None


def test_folders_that_are_private_by_order(tmp_path: Path) -> None:
    site = build(tmp_path)
    (site / "lib" / "link").symlink_to("deep")
    private = (site / "lib" / "deep", tmp_path / "not there yet")
    files = SiteFiles(site, private)
    for path in ("/lib/deep/b.js", "/lib/link/b.js", "/lib/deep/nothing"):
        with pytest.raises(NotServed, match="files of a profile"):
            files.read(path)
    assert served(files, "/lib/a.js") == b"/lib/a.js"
    # Known by what it is, also where it is reached over a link.
    (tmp_path / "alias").symlink_to(site / "lib" / "deep")
    assert served(SiteFiles(site, (tmp_path / "alias",)), "/lib/deep/b.js") is None


def test_site_that_is_a_profile_itself(tmp_path: Path) -> None:
    site = tmp_path / "site"
    open_profile(site).close()
    (site / "bodies").mkdir(exist_ok=True)
    (site / "bodies" / "1").write_bytes(SECRET)
    (site / "sw.js").write_bytes(b"/sw.js")
    files = SiteFiles(site, (site,))
    assert served(files, "/sw.js") == b"/sw.js"
    for name in os.listdir(site):
        if name != "sw.js":
            assert served(files, f"/{name}") is None
    assert served(files, "/bodies/1") is None


def test_what_only_looks_like_a_profile_is_served(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    (tmp_path / "lock" / PROFILE_DATABASE).write_bytes(b"SQLite format 3\0" + bytes(84))
    assert served(SiteFiles(tmp_path), f"/lock/{PROFILE_DATABASE}") is not None


def test_a_profile_is_known_by_what_storage_calls_it() -> None:
    assert reading.DATABASE == PROFILE_DATABASE
    assert schema.APPLICATION_ID.to_bytes(4, "big") == PROFILE_ID
    assert {name for name in storage_profile.OWN_NAMES if not name.startswith(".")} == PROFILE_NAMES


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser reads everything")
def test_what_cannot_be_read(tmp_path: Path) -> None:
    site = build(tmp_path)
    (site / "sw.js").chmod(0)
    with pytest.raises(NotServed, match="cannot be read") as caught:
        SiteFiles(site).read("/sw.js")
    assert caught.value.status == 403


def test_what_is_too_large(tmp_path: Path) -> None:
    with (tmp_path / "huge.js").open("wb") as file:
        file.truncate(LARGEST_SCRIPT + 1)
    with pytest.raises(NotServed, match="larger than 64 MiB"):
        SiteFiles(tmp_path).read("/huge.js")


def test_what_is_not_a_folder(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="nowhere is not a folder"):
        SiteFiles(tmp_path / "nowhere")
    site = build(tmp_path)
    files = SiteFiles(site)
    site.rename(tmp_path / "moved")
    assert served(files, "/sw.js") is None


def test_headers_are_read_by_the_same_rules(tmp_path: Path) -> None:
    site = build(tmp_path)
    (site / "_headers").unlink()
    (site / "_headers").symlink_to(tmp_path / "outside.js")
    with pytest.raises(
        SiteError, match="_headers cannot be read: it is reached over a link that leads out"
    ) as error:
        load_site_headers(site)
    assert SECRET.decode() not in str(error.value)
    (site / "_headers").unlink()
    os.mkfifo(site / "_headers")
    with pytest.raises(SiteError, match="not a regular file"):
        load_site_headers(site)
    (site / "_headers").unlink()
    (site / "_headers").symlink_to("lib/_headers")
    with pytest.raises(SiteError, match="the path has no headers"):
        load_site_headers(site)
    assert served(SiteFiles(site), "/lib/_headers") is None


# Somebody swaps what is there, while it is opened


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_that_comes_in_between_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Between the look at a name and its opening: the name is a link then."""
    site = build(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.js").write_bytes(SECRET)
    (site / "lib" / "x.js").write_bytes(b"x")
    opened = os.open
    swapped = site / ("lib/x.js" if what == "file" else "lib/deep")

    def swap_then_open(path: object, *args: object, **kwargs: object) -> int:
        if path == swapped.name:
            swapped.rename(tmp_path / "gone")
            swapped.symlink_to(tmp_path / ("outside.js" if what == "file" else "elsewhere"))
        return opened(path, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", swap_then_open)
    assert served(SiteFiles(site), "/lib/x.js" if what == "file" else "/lib/deep/b.js") is None
    assert swapped.is_symlink()


def test_a_pipe_that_comes_in_between_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = build(tmp_path)
    opened = os.open

    def swap_then_open(path: object, *args: object, **kwargs: object) -> int:
        if path == "sw.js":
            (site / "sw.js").unlink()
            os.mkfifo(site / "sw.js")
        return opened(path, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", swap_then_open)
    with pytest.raises(NotServed, match="not a regular file"):
        SiteFiles(site).read("/sw.js")


def test_a_folder_that_is_moved_out_is_left_by_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """'..' of a link is the folder that was come through, wherever that is by now."""
    site = build(tmp_path)
    (site / "lib" / "back.js").symlink_to("../sw.js")
    (tmp_path / "sw.js").write_bytes(SECRET)
    read_link = os.readlink

    def move_then_read(path: str, *, dir_fd: int) -> str:
        (site / "lib").rename(tmp_path / "lib")
        return read_link(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "readlink", move_then_read)
    assert served(SiteFiles(site), "/lib/back.js") == b"/sw.js"


def test_nothing_stays_open(site: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    files = SiteFiles(site)
    for path in [*SERVED, *(path for paths in WHY.values() for path in paths), "/lib"]:
        served(files, path)
        files.is_folder(path)
        files.why_not(path)
    assert set(os.listdir("/proc/self/fd")) == before


# Any spelling of any path

_NAMES = st.sampled_from(
    [
        *(
            "sw.js",
            "lib",
            "a.js",
            "deep",
            "b.js",
            "in side.js",
            "index.html",
            "_headers",
            "_headers.js",
            ".env",
            ".git",
        ),
        *(
            "config",
            "..",
            ".",
            "",
            "kept",
            "profile.sqlite3",
            "bodies",
            "1",
            "x.js",
            "out",
            "out.js",
            "up",
            "root",
            "etc",
        ),
        *(
            "passwd",
            "git",
            "profile",
            "db.js",
            "site",
            "outside.js",
            "env.js",
            "headers.js",
            "loop.js",
            "pipe.js",
            "~",
        ),
    ]
)


@st.composite
def _spelled(draw: st.DrawFn) -> str:
    """A path, some of whose characters are percent-encoded, are in the other case, or have something beside them."""
    text = "/" + "/".join(draw(st.lists(_NAMES | st.text(max_size=3), max_size=6)))
    out = []
    for char in text:
        how = draw(st.integers(0, 30))
        if how == 0:
            out.append("".join(f"%{byte:02x}" for byte in char.encode("utf-8", "surrogatepass")))
        elif how == 1:
            out.append(char.swapcase())
        elif how == 2:
            out.append(
                char
                + draw(
                    st.sampled_from(
                        [".", "/", "\\", "%00", "%2f", "%5c", "%2e", "%20", "::$DATA", "~", "?", "#"]
                    )
                )
            )
        else:
            out.append(char)
    return "".join(out)  # fmt: skip


@pytest.fixture(scope="module")
def reachable() -> Iterator[SiteFiles]:
    with TemporaryDirectory() as folder:
        yield SiteFiles(build(Path(folder)))


@given(path=_spelled())
def test_no_spelling_reaches_what_is_private(reachable: SiteFiles, path: str) -> None:
    """A file that is served has its own path for content: nothing else is ever handed out."""
    pathnames = {path if path.startswith("/") else f"/{path}"}
    with suppress(TypeError, UnicodeEncodeError):
        pathnames.add(urls.parse(path, "http://localhost:8400").pathname)
    for pathname in pathnames:
        if not pathname.startswith("/"):
            continue
        data = served(reachable, pathname)
        assert data is None or data.decode() in SERVED


def test_the_network_serves_the_same(site: Path) -> None:
    assert SiteNetwork(site).files.folder == SiteFiles(site).folder
