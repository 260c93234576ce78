"""Diagnostics about scripts: on standard error, once a place, silenced by a comment; --strict."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Site

WORKER = "def onbackgroundfetchsucess(event):{}\n    pass\n"
"""A handler whose name is nearly that of an event."""


def test_it_is_told_on_standard_error_with_its_reason(site: Site) -> None:
    site.write("worker.py", WORKER.format(""))
    result = site.cli("run")
    assert result.status == 0
    (told,) = result.err.splitlines()
    assert told.startswith("swruntime: worker.py:1: onbackgroundfetchsucess handles no event")
    assert "[unknown-event-name]. Why: no event has this name" in told
    assert "Instead: use the event's name" in told
    assert "unknown-event-name" not in result.out


@pytest.mark.parametrize("allowed", [False, True])
def test_a_dropped_coroutine_is_told_once_not_by_python_too(site: Site, allowed: bool) -> None:
    comment = "  # swruntime: allow=dropped-awaitable" if allowed else ""
    site.write("worker.py", f"async def work():\n    pass\n\ndef oninstall(event):\n    work(){comment}\n")
    told = site.cli("run").err.splitlines()
    assert ["[dropped-awaitable]" in line for line in told] == ([] if allowed else [True])


def test_under_json_it_is_in_the_trace_as_well(site: Site) -> None:
    site.write("worker.py", WORKER.format(""))
    result = site.cli("run", "--json")
    (line,) = result.of("diagnostic")
    assert (line["code"], line["where"]) == ("unknown-event-name", "worker.py:1")
    assert "unknown-event-name" in result.err


def test_strict(site: Site) -> None:
    site.write("worker.py", WORKER.format(""))
    result = site.cli("run", "--strict")
    assert result.status == 1
    told, complaint = result.err.splitlines()
    assert "[unknown-event-name]" in told
    assert complaint.startswith("swruntime: --strict: 1 diagnostic (above)")


@pytest.mark.parametrize("where", ["above", "beside"])
def test_a_comment_allows_one_place(site: Site, where: str) -> None:
    comment = "# swruntime: allow=unknown-event-name"
    worker = f"{comment}\n" + WORKER.format("") if where == "above" else WORKER.format(f"  {comment}")
    site.write("worker.py", worker)
    result = site.cli("run", "--strict")
    assert (result.status, result.err) == (0, "")


def test_a_comment_that_allows_what_there_is_not(site: Site) -> None:
    site.write("worker.py", WORKER.format("  # swruntime: allow=no-such-code"))
    result = site.cli("run", "--strict", "--json")
    assert result.status == 1
    assert [(line["code"], line["where"]) for line in result.of("diagnostic")] == [
        ("unknown-allowed-code", "worker.py:1"),
        ("unknown-event-name", "worker.py:1"),
    ]


def test_what_the_agent_tells_of_itself_is_no_fault_of_a_script(site: Site, tmp_path: Path) -> None:
    site.write("worker.py", "")
    scenario = tmp_path / "s.toml"
    scenario.write_text("[[step]]\nat = 0\nfetch = 'b'\ndo = 'abort'\n")
    site.write("x.bin", b"x")
    result = site.cli("fetch", "a", "/x.bin", "--strict", "--scenario", str(scenario), "--json")
    assert result.status == 0
    assert [line["code"] for line in result.of("diagnostic")] == ["scenario"]


def test_advice_to_a_javascript_author_is_in_javascript(site: Site) -> None:
    site.write(
        "sw.js",
        'addEventListener("backgroundfetchsuccess", async (event) => {\n'
        '    const cache = await caches.open("files");\n'
        "});\n"
        'addEventListener("backgroundfetchfail", () => {});\n'
        'addEventListener("backgroundfetchabort", () => {});\n',
    )
    site.write("a.bin", "a")
    told = site.cli("fetch", "one", "/a.bin", "--worker", "sw.js").err
    assert "sw.js:2: " in told
    assert "Instead: hand the work to event.waitUntil(...), before the handler's first await." in told
    assert "wait_until" not in told
