"""`fetch`, `resume`, `abort`: what an earlier process left is gone on with, given up, or aborted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest

from swruntime.agent.worker_texts import digest
from swruntime.storage import open_profile

if TYPE_CHECKING:
    from tests.cli.conftest import Server, Site


def left_offline(site: Site, *ids: str) -> None:
    """Background fetches that were begun and are left with nothing."""
    for id in ids:
        site.write(f"{id}.bin", id.encode())
        assert site.cli("fetch", id, f"/{id}.bin", "--conditions", "offline").status == 1


def owed(site: Site, url: str = "/x.bin") -> None:
    """A background fetch that has ended, and whose worker could not be started."""
    site.write("x.bin", b"x")
    left_offline(site, "other")
    mended = (site.folder / "worker.py").read_text()
    assert site.cli("resume").status == 0
    site.write("worker.py", "def (\n")
    result = site.cli("fetch", "a", url)
    assert result.status == 1
    assert "is owed" in result.err
    assert "mend the worker" in result.err
    site.write("worker.py", mended)


def test_title_icons_total_and_headers_reach_the_fetch(site: Site, server: Server) -> None:
    url = server.add("/x.bin", b"x", headers={"Access-Control-Allow-Origin": "*"})
    site.write(
        "worker.py",
        "async def onbackgroundfetchsuccess(event):\n"
        "    print(event.registration.id, event.registration.download_total)\n",
    )
    options = ("--title", "An episode", "--icon", "/icon.png", "--download-total", "1KiB")
    result = site.cli(
        "fetch", "a", url, *options, "--header", "Accept: a/b", "--header", "Accept-Language: x", "--json"
    )
    assert result.status == 0, result.err
    assert result.console == ["a 1024"]
    (asked,) = server.asked
    assert (asked.headers["accept"], asked.headers["accept-language"]) == ("a/b", "x")
    assert site.cli("fetch", "b", "/b", "--title", "B", "--conditions", "offline").status == 1
    assert site.status()["background_fetches"][0]["title"] == "B"


def test_more_than_the_total(site: Site, noise: bytes) -> None:
    site.write("x.bin", noise)
    result = site.cli("fetch", "a", "/x.bin", "--download-total", "1K")
    result.refused("download-total-exceeded", status=1)


def test_several_urls_are_one_background_fetch(site: Site) -> None:
    site.write("x.bin", b"x")
    site.write("y.bin", b"yy")
    result = site.cli("fetch", "a", "x.bin", "http://localhost:8400/y.bin", "--json")
    assert result.status == 0
    (settled,) = result.of("fetch.settle")
    assert settled["downloaded"] == 3
    assert (site.cached("/x.bin"), site.cached("/y.bin")) == (b"x", b"yy")


def test_a_finished_one_can_be_fetched_again(site: Site) -> None:
    site.write("x.bin", b"x")
    numbers = [site.cli("fetch", "a", "/x.bin", "--json").of("fetch.start")[0]["fetch"] for _ in range(2)]
    assert numbers[0] < numbers[1]


def test_resume_takes_everything_up(site: Site) -> None:
    left_offline(site, "a", "b")
    (site.folder / "page.py").write_text("raise AssertionError('resume runs no page')")
    result = site.cli("resume", "--json")
    assert result.status == 0
    assert {line["id"] for line in result.of("fetch.settle")} == {"a", "b"}
    assert (site.cached("/a.bin"), site.cached("/b.bin")) == (b"a", b"b")
    assert site.status()["background_fetches"] == []


def test_resume_drop_gives_one_up_and_goes_on_with_the_others(site: Site) -> None:
    left_offline(site, "a", "b")
    result = site.cli("resume", "--drop", "a", "--json")
    assert result.status == 0, result.err
    assert {line["id"]: line["failure_reason"] for line in result.of("fetch.settle")} == {
        "a": "aborted",
        "b": "",
    }
    assert [line["id"] for line in result.of("record.start")] == ["b"]
    site.cli("resume", "--drop", "a").refused("there is no background fetch 'a'", "none")


def test_abort_delivers_the_event_and_leaves_the_others_asleep(site: Site) -> None:
    left_offline(site, "a", "b")
    result = site.cli("abort", "a", "--json")
    assert result.status == 0, result.err
    assert result.console == ["backgroundfetchabort a aborted"]
    assert [line["outcome"] for line in result.of("event.end")] == ["fulfilled"]
    (left,) = site.status()["background_fetches"]
    assert (left["id"], left["state"], left["downloaded"]) == ("b", "pending", 0)
    site.cli("abort", "a").refused("there is no background fetch 'a'", "'b'")


def test_an_owed_event_comes_once_the_worker_is_mended(site: Site) -> None:
    owed(site)
    (fetch,) = site.status()["background_fetches"]
    assert (fetch["state"], fetch["downloaded"]) == ("success", 1)
    assert "backgroundfetchsuccess event is owed" in fetch["waits_for"]
    site.cli("abort", "a").refused("'a' has ended already", "resume")
    result = site.cli("resume", "--json")
    assert result.status == 0, result.err
    assert result.console == ["backgroundfetchsuccess a "]
    assert site.cached("/x.bin") == b"x"


def test_fetch_again_delivers_an_owed_event(site: Site) -> None:
    owed(site)
    result = site.cli("fetch", "a", "/x.bin", "--json")
    assert result.status == 0
    assert result.of("fetch.start") == []
    assert site.cached("/x.bin") == b"x"


def test_a_failure_that_was_not_delivered_fails_who_delivers_it(site: Site) -> None:
    """Else a script that asks until the exit status is 0 would take nothing for the file."""
    owed(site, "/none.bin")
    result = site.cli("fetch", "a", "/none.bin")
    result.refused("'a' ended with bad-status", "404", status=1)
    assert site.status()["background_fetches"] == []


def test_an_owed_event_is_dropped_without_starting_the_worker(site: Site) -> None:
    owed(site)
    result = site.cli("resume", "--drop", "a", "--json")
    assert result.status == 0, result.err
    assert result.of("worker.start") == []
    assert site.status()["background_fetches"] == []
    bodies = [path.read_bytes() for path in (site.folder / ".swruntime" / "bodies").iterdir()]
    assert bodies == [b"other"], "its bytes are gone"


@pytest.mark.parametrize("command", [("fetch", "a", "/x.bin"), ("run",), ("resume",)])
def test_what_is_left_goes_on_whatever_the_command(site: Site, command: tuple[str, ...]) -> None:
    site.write("x.bin", b"x")
    assert site.cli("fetch", "a", "/x.bin", "--conditions", "offline").status == 1
    assert site.cli(*command).status == 0
    assert site.cached("/x.bin") == b"x"


def held(site: Site) -> None:
    """One that is held: its worker's text failed five times."""
    owed(site)
    site.write("worker.py", "1 / 0\n")
    store = open_profile(site.folder / ".swruntime")
    try:
        (fetch,) = (each for each in store.fetches() if each.id == "a")
        url = "http://localhost:8400/worker.py"
        texts = ((url, digest(b"1 / 0\n")),)
        store.save_fetch(fetch.number, attrs.evolve(fetch.snapshot, event="owed", attempts=5, texts=texts))
    finally:
        store.close()


def test_status_and_resume_say_the_same_of_what_is_held(site: Site) -> None:
    held(site)
    (fetch,) = site.status()["background_fetches"]
    waits_for = fetch["waits_for"]
    assert waits_for.startswith(
        "a worker whose text differs from the one that failed: backgroundfetchsuccess"
    )
    assert "'resume --retry a'" in waits_for
    assert "'resume --drop a'" in waits_for
    result = site.cli("resume")
    assert result.status == 1
    assert f"background fetch 'a' waits for {waits_for}\n" in result.err
    assert site.status()["background_fetches"] == [fetch]


def test_what_is_held_is_tried_again_when_it_is_asked_for(site: Site) -> None:
    held(site)
    result = site.cli("resume", "--retry", "a", "--json")
    assert result.status == 1
    assert [line["attempt"] for line in result.of("event.start")] == [6]
    (fetch,) = site.status()["background_fetches"]
    assert "backgroundfetchsuccess event is owed, tried 6 times" in fetch["waits_for"]
    site.cli("resume", "--retry", "b").refused("there is no background fetch 'b'", "'a'")


def test_what_is_held_is_given_up(site: Site) -> None:
    held(site)
    result = site.cli("resume", "--drop", "a", "--json")
    assert result.status == 0, result.err
    assert site.status()["background_fetches"] == []


def test_what_has_not_ended_is_not_asked_for_again(site: Site) -> None:
    left_offline(site, "a")
    site.cli("resume", "--retry", "a").refused("'a' has not ended", "no event")
