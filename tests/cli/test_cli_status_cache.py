"""`status`, `cache`, `clear`: what the profile keeps, taken out of it, and forgotten."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Server, Site

STATUS_KEYS = {
    "origin", "profile", "writer", "registrations", "background_fetches", "notifications", "push_subscriptions",
    "syncs", "periodic_syncs", "caches", "storage", "confinement",
}  # fmt: skip
FETCH_KEYS = {
    "id", "fetch", "scope", "title", "state", "failure_reason", "downloaded", "download_total", "waits_for",
    "records",
}  # fmt: skip

KEEPER = """
async def oninstall(event):
    cache = await caches.open("odd")
    for url in URLS:
        await cache.put(url, Response(url))
    await cache.put("/null", Response(None, status=204))
"""


def keep(site: Site, *urls: str) -> None:
    """A cache "odd" with an entry for each URL, whose body is what the URL was written as."""
    site.write("worker.py", f"URLS = {urls!r}\n{KEEPER}")
    assert site.cli("run").status == 0


def test_status_is_one_object(site: Site) -> None:
    site.write("x.bin", b"xyz")
    assert site.cli("fetch", "done", "/x.bin").status == 0
    options = ("--title", "Later", "--download-total", "5K", "--conditions", "offline")
    assert site.cli("fetch", "later", "/x.bin", *options).status == 1
    found = site.status()
    assert found.keys() == STATUS_KEYS
    assert found["origin"] == "http://localhost:8400"
    assert found["writer"] is None
    scope = "http://localhost:8400/"
    assert found["registrations"] == [
        {
            "scope": scope,
            "waiting": None,
            "active": {"script": f"{scope}worker.py", "state": "activated"},
        }
    ]
    (fetch,) = found["background_fetches"]
    assert fetch.keys() == FETCH_KEYS
    assert (fetch["id"], fetch["title"], fetch["state"]) == ("later", "Later", "pending")
    assert (fetch["downloaded"], fetch["download_total"], fetch["scope"]) == (0, 5120, scope)
    assert fetch["waits_for"].startswith("'run' or 'resume'")
    (record,) = fetch["records"]
    assert record["url"] == f"{scope}x.bin"
    assert (record["result"], record["downloaded"]) == ("", 0)
    assert found["caches"] == [{"origin": scope[:-1], "name": "kept", "entries": 1, "bytes": 3}]
    assert 3 < found["storage"]["usage"] < 5000, "the rows count, too"
    assert found["storage"]["quota"] > 5000
    assert site.cli("status", "--quota", "1K", "--json").object["storage"]["quota"] == 1024


def test_status_for_a_person(site: Site) -> None:
    site.write("x.bin", b"xyz")
    assert site.cli("fetch", "done", "/x.bin").status == 0
    assert site.cli("fetch", "later", "/none", "--conditions", "offline").status == 1
    said = site.cli("status", "--check").out
    for text in ("http://localhost:8400", " KiB used of", "worker.py (activated)", "later: pending, 0 B stored",
                 "waits for 'run' or 'resume'", "kept: 1 entry, 3 B", "no problem found"):  # fmt: skip
        assert text in said, said


NOTIFIER = """
async def onactivate(event):
    await registration.show_notification("Old", tag="t")
    await registration.show_notification("New", tag="t", body="two\\nlines", actions=[{"action": "go", "title": "Go"}])
    await registration.push_manager.subscribe(user_visible_only=True)
"""


def test_status_tells_what_is_shown_and_what_is_subscribed(site: Site) -> None:
    site.write("worker.py", NOTIFIER)
    ran = site.cli("run")
    assert "notification 'New': two" in ran.err + ran.out
    found = site.status()
    scope = "http://localhost:8400/"
    assert found["notifications"] == [
        {
            "notification": 2,
            "scope": scope,
            "title": "New",
            "body": "two\nlines",
            "tag": "t",
            "actions": ["go"],
        }
    ]
    (subscription,) = found["push_subscriptions"]
    assert subscription.keys() == {"scope", "endpoint", "user_visible_only"}
    assert (subscription["scope"], subscription["user_visible_only"]) == (scope, True)
    assert subscription["endpoint"].startswith("https://push.swruntime.invalid/1/")
    said = site.cli("status").out
    assert "shows    New: two\\nlines\n" in said
    assert f"push     {scope} is subscribed\n" in said


def test_status_changes_nothing(site: Site) -> None:
    site.write("x.bin", b"x")
    assert site.cli("fetch", "a", "/x.bin", "--conditions", "offline").status == 1

    def files() -> dict[str, bytes]:
        folder = site.folder / ".swruntime"
        return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    before = files()
    for arguments in (("status",), ("status", "--check"), ("cache",)):
        assert site.cli(*arguments).status == 0
    assert files() == before


def test_check_finds_what_is_missing(site: Site, noise: bytes) -> None:
    site.write("x.bin", noise)
    assert site.cli("fetch", "a", "/x.bin").status == 0
    assert site.cli("status", "--check").status == 0
    (body,) = (site.folder / ".swruntime" / "bodies").iterdir()
    os.truncate(body, 1000)
    result = site.cli("status", "--check", "--json")
    assert result.status == 1
    assert result.object["problems"] == [f"bodies/{body.name} has 1000 bytes of 300000"]
    body.unlink()
    result = site.cli("status", "--check")
    assert result.status == 1
    assert f"problem  bodies/{body.name} is missing" in result.out
    assert site.cli("status").status == 0, "without --check nobody asked"


def test_cache_lists_caches_and_entries(site: Site) -> None:
    keep(site, "/one", "/two?x=1")
    assert site.cli("cache", "--json").object == {"caches": [{"name": "odd", "entries": 3}]}
    assert "odd  3 entries" in site.cli("cache").out
    listed = site.cli("cache", "odd", "--json").object
    assert listed["cache"] == "odd"
    one, two, null = listed["entries"]
    assert (one["url"], one["status"], one["type"]) == ("http://localhost:8400/one", 200, "default")
    assert one["bytes"] == len("/one")
    assert ["Content-Type", "text/plain;charset=UTF-8"] in [
        [name.title(), value] for name, value in one["headers"]
    ]
    assert two["url"].endswith("/two?x=1")
    assert (null["status"], null["bytes"]) == (204, 0)
    said = site.cli("cache", "odd").out.splitlines()
    assert len(said) == 3
    assert "/two?x=1" in said[1]
    (found,) = site.cli("cache", "odd", "/one", "--json").object["entries"]
    assert found == one


def test_what_is_not_in_a_cache(site: Site) -> None:
    keep(site, "/one")
    site.cli("cache", "none").refused("there is no cache 'none'", "'odd'")
    site.cli("cache", "odd", "/none").refused("'odd'", "http://localhost:8400/none")
    site.cli("cache", "odd", "http://").refused("http://")
    site.cli("cache", "odd", "/none", "--output", "-").refused("'odd'", "/none")
    site.cli("cache", "none", "--delete").refused("there is no cache 'none'")
    site.cli("cache", "odd", "/none", "--delete").refused("/none")


def test_one_body_is_taken_out(site: Site, noise: bytes) -> None:
    site.write("x.bin", noise)
    assert site.cli("fetch", "a", "/x.bin").status == 0
    path = site.folder.parent / "out.bin"
    for url in ("/x.bin", "x.bin", "http://localhost:8400/x.bin"):
        path.unlink(missing_ok=True)
        result = site.cli("cache", "kept", url, "--output", path)
        assert (result.status, result.out) == (0, "")
        assert path.read_bytes() == noise
    result = site.cli("cache", "kept", "/x.bin", "--output", path, "--json")
    assert (result.object["file"], result.object["bytes"]) == (str(path), len(noise))


def test_a_response_without_a_body_is_an_empty_file(site: Site) -> None:
    keep(site)
    path = site.folder.parent / "out.bin"
    assert site.cli("cache", "odd", "/null", "--output", path).status == 0
    assert path.read_bytes() == b""


@pytest.mark.parametrize("option", ["--output", "--output-dir"])
def test_an_output_that_cannot_be_written(site: Site, option: str) -> None:
    keep(site, "/one")
    url = ["/one"] if option == "--output" else []
    place = site.folder / "worker.py" / "out"
    site.cli("cache", "odd", *url, option, place).refused(option, str(place))


def test_all_of_a_cache_is_taken_out_and_nothing_leaves_the_folder(site: Site) -> None:
    keep(
        site,
        "/", "/a/b/c.txt", "/a/", "/a", "/caf%C3%A9", "/space%20d", "/x?q=1", "/x?q=2", "/x?p=/../../up",
        "/../x", "/%2e%2e/y", "/a%2fb", "/a%2Fb", "/..%2f..%2fz", "/%2e%2e%2fz", "/%00", "/new%0aline", "/%ff",
        "/c\\d", "/c%5cd", "/a/b/c.txt/deep", "//twice", "http://other.test/a", "/~", "/...", "/.hidden",
    )  # fmt: skip
    folder = site.folder.parent / "out" / "in"
    beside = site.folder.parent / "out" / "beside"
    beside.parent.mkdir()
    beside.write_text("untouched")
    result = site.cli("cache", "odd", "--output-dir", folder, "--json")
    assert result.status == 0, result.err
    files = result.object["files"]
    entries = site.cli("cache", "odd", "--json").object["entries"]
    assert [each["url"] for each in files] == [entry["url"] for entry in entries], "every entry has a file"
    names = [each["file"] for each in files]
    assert len(set(names)) == len(names)
    for each, entry in zip(files, entries, strict=True):
        path = (folder / each["file"]).resolve()
        assert path.is_relative_to(folder.resolve())
        assert path.stat().st_size == entry["bytes"] == each["bytes"]
    on_disk = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert on_disk == set(names)
    assert sorted(path.name for path in folder.parent.iterdir()) == ["beside", "in"]
    assert beside.read_text() == "untouched"
    found = dict(
        zip((each["url"].removeprefix("http://localhost:8400") for each in files), names, strict=True)
    )
    assert found["/"] == "index.html"
    assert found["/a/b/c.txt"] == "a/b/c.txt"
    assert found["/caf%C3%A9"] == "café"
    assert found["/x?q=1"] == "x?q=1"
    assert found["/a%2fb"] == "a%2fb"
    assert found["/.hidden"] == "%2Ehidden"
    assert found["/..."] == "%2E.%2E"
    renamed = {each["url"].removeprefix("http://localhost:8400") for each in files if each["renamed"]}
    assert {"/.hidden", "/..."} <= renamed
    assert not {"/", "/a/b/c.txt", "/caf%C3%A9", "/x?q=1"} & renamed
    # Once more, over what is there; and for a person, a line each.
    assert site.cli("cache", "odd", "--output-dir", folder, "--force").out.splitlines()[:2] == names[:2]


def test_a_link_in_the_folder_is_not_followed_out_of_it(site: Site) -> None:
    keep(site, "/link/one")
    folder, outside = site.folder.parent / "out", site.folder.parent / "outside"
    folder.mkdir()
    outside.mkdir()
    (folder / "link").symlink_to(outside)
    site.cli("cache", "odd", "--output-dir", folder).refused("--output-dir", "is a link", status=1)
    assert sorted(path.name for path in folder.iterdir()) == ["link", "null"], "the others are written"
    assert list(outside.iterdir()) == []
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "link").mkdir()
    (folder / "link" / "one").symlink_to(outside / "one")
    site.cli("cache", "odd", "--output-dir", folder).refused("--output-dir", "is a link", status=1)
    site.cli("cache", "odd", "--output-dir", folder, "--force").refused("--output-dir", "is a link", status=1)


def test_delete_of_an_entry_and_of_a_cache(site: Site) -> None:
    keep(site)
    site.cli("cache", "odd", "--delete")
    without = site.status()["storage"]["usage"]
    site.cli("clear")
    keep(site, "/one", "/two")
    assert site.status()["storage"]["usage"] > without + len("/one/two")
    result = site.cli("cache", "odd", "/one", "--delete")
    assert (result.status, result.out) == (0, "")
    assert [e["url"] for e in site.cli("cache", "odd", "--json").object["entries"]] == [
        "http://localhost:8400/two",
        "http://localhost:8400/null",
    ]
    result = site.cli("cache", "odd", "--delete", "--json")
    assert result.object["cache"] == "odd"
    assert len(result.object["deleted"]) == 2
    assert site.cli("cache", "--json").object == {"caches": []}
    assert site.status()["storage"]["usage"] == without


def test_clear_forgets_everything(site: Site, server: Server) -> None:
    site.write("x.bin", b"x")
    assert site.cli("fetch", "a", "/x.bin").status == 0
    site.cli("clear", "--origin", server.url).refused(server.url, "http://localhost:8400")
    assert site.status()["caches"] != []
    result = site.cli("clear", "--json")
    assert (result.status, result.object["cleared"]) == (0, True)
    assert not (site.folder / ".swruntime").exists()
    assert site.cli("run", "--origin", server.url).status == 0, "the site may have another origin now"


def test_clear_leaves_what_is_not_the_profiles(site: Site) -> None:
    assert site.cli("run").status == 0
    (site.folder / ".swruntime" / "mine").write_text("mine")
    assert site.cli("clear").status == 0
    assert [path.name for path in (site.folder / ".swruntime").iterdir()] == ["mine"]
