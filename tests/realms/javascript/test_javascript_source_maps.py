"""Where the trace says that a script is: in the source that a map leads to."""

from __future__ import annotations

import base64
import json
import threading
from typing import Any
from urllib.parse import quote

import pytest

from swruntime.realms.javascript import places as places_module
from swruntime.testing import laboratory
from tests.algorithms.test_algorithms_source_maps import Segment, encoded

pytestmark = pytest.mark.filterwarnings("ignore::swruntime.testing.DiagnosticWarning")

# Each line of it comes from a line of src/worker.ts, the tenth and after.
WORKER = """\
console.log("top level");
addEventListener("message", ({ data }) => {
  console.log("told");
  Promise.reject(new Error("unseen"));

  throw new Error("thrown");
});
addEventListener("install", (event) => { try { event.waitUntil(() => 0) } catch {} });
"""
MAP = {
    "version": 3,
    "sourceRoot": "../src/",
    "sources": ["worker.ts"],
    "mappings": encoded([[(0, 0, 10 + line, 0)] for line in range(8)]),
}


def places(lab: Any) -> list[tuple[str, Any]]:
    """What has a place in the trace, and which, sorted: how an event ends is told when its rejections may be still."""
    return sorted(
        (line.get("code") or line.get("text") or line.get("error"), line["where"])
        for line in lab.trace
        if line.get("where") is not None
    )


async def run(lab: Any, comment: str, files: dict[str, str] | None = None) -> list[tuple[str, Any]]:
    """Run the worker, whose last line is `comment`, and have it do all that has a place. Those are given back."""
    (lab.site / "js").mkdir()
    for name, text in {"sw.js": f"{WORKER}{comment}\n", **(files or {})}.items():
        (lab.site / "js" / name).write_text(text)
    window = await lab.user_agent.open_window("/")
    registration = await window.navigator.service_worker.register("/js/sw.js")
    await lab.user_agent.settled()
    registration.active.post_message("go")
    await lab.user_agent.settled()
    return places(lab)


def warnings(lab: Any) -> list[str]:
    return [line["text"] for line in lab.trace if line["kind"] == "console" and line["level"] == "warn"]


def all_places(file: str, first: int) -> list[tuple[str, str]]:
    """Those of WORKER, if its first line is that line of a file."""
    lines = {
        "top level": 0,
        "function-to-wait-until": 7,
        "told": 2,
        "Uncaught Error: thrown": 5,
        "unhandled-rejection": 3,
        "Uncaught Error: unseen": 3,
        "Error: thrown": 5,
    }
    return sorted((what, f"{file}:{first + line}") for what, line in lines.items())


IN_SCRIPT = json.dumps(MAP)
BASE64 = base64.b64encode(IN_SCRIPT.encode()).decode()


@pytest.mark.parametrize(
    "comment",
    [
        "//# sourceMappingURL=sw.js.map",
        "//# sourceMappingURL=/js/sw.js.map?v=1",
        f"//# sourceMappingURL=data:application/json,{quote(IN_SCRIPT)}",
        f"//# sourceMappingURL=data:application/json;charset=utf-8;base64,{BASE64}",
    ],
    ids=["file", "path", "data", "base64"],
)
async def test_every_place_is_in_the_source(autojump_clock: object, comment: str) -> None:
    async with laboratory() as lab:
        files = {"sw.js.map": IN_SCRIPT}
        assert await run(lab, comment, files) == all_places("src/worker.ts", 11)
        assert warnings(lab) == []


@pytest.mark.parametrize(
    ("source", "file"),
    [
        ("webpack:///./src/worker.ts", "webpack:///src/worker.ts"),
        ("https://cdn.example/worker.ts", "https://cdn.example/worker.ts"),
        ("worker.ts", "js/worker.ts"),
        ("http://[", "http://["),
    ],
)
async def test_sources_have_all_kinds_of_names(autojump_clock: object, source: str, file: str) -> None:
    async with laboratory() as lab:
        files = {"sw.js.map": json.dumps({**MAP, "sourceRoot": "", "sources": [source]})}
        assert await run(lab, "//# sourceMappingURL=sw.js.map", files) == all_places(file, 11)


@pytest.mark.parametrize(
    ("comment", "why"),
    [
        ("sw.js.map", "SITE has no /js/sw.js.map"),
        ("broken.map", "it is not JSON: "),
        ("http://[", "does not parse as a URL"),
        ("data:application/json", "its data: URL has no data"),
        ("data:application/json;base64,AAA", "its data: URL is not base64: "),
    ],
)
async def test_a_map_that_is_broken_is_told_once(autojump_clock: object, comment: str, why: str) -> None:
    async with laboratory() as lab:
        found = await run(lab, f"//# sourceMappingURL={comment}", {"broken.map": "{"})
        assert found == all_places("js/sw.js", 1)
        window = await lab.user_agent.open_window("/js/")
        registration = await window.navigator.service_worker.ready
        await lab.user_agent.terminate_worker(registration)
        registration.active.post_message("go")
        await lab.user_agent.settled()
        assert [what for what, _ in places(lab)].count("told") == 2
        (text,) = warnings(lab)
        assert text.startswith("the source map of http://localhost:8400/js/sw.js is not used: ")
        assert why in text


async def test_no_map_is_fetched(autojump_clock: object) -> None:
    async with laboratory() as lab:
        cdn = lab.origin_at("https://cdn.example")
        found = await run(lab, "//# sourceMappingURL=https://cdn.example/sw.js.map")
        assert found == all_places("js/sw.js", 1)
        assert (cdn.requests, warnings(lab)) == ([], [])


async def test_what_the_bundler_has_made_itself_stays(autojump_clock: object) -> None:
    async with laboratory() as lab:
        # Its third line, which says "told", is the only one that has no source.
        lines: list[list[Segment]] = [[(0, 0, 10 + line, 0)] if line != 2 else [(0,)] for line in range(8)]
        files = {"a.map": json.dumps({**MAP, "mappings": encoded(lines)})}
        found = await run(lab, "//# sourceMappingURL=a.map", files)
        there = [each for each in all_places("src/worker.ts", 11) if each[0] != "told"]
        assert found == sorted([*there, ("told", "js/sw.js:3")])


async def test_scripts_that_are_imported_and_a_pages(autojump_clock: object) -> None:
    async with laboratory() as lab:
        comment = "//# sourceMappingURL=a.map"
        (lab.site / "a.map").write_text(json.dumps({**MAP, "sourceRoot": ""}))
        (lab.site / "lib.js").write_text(f"console.log('imported');\n{comment}\n")
        (lab.site / "sw.js").write_text(
            f"importScripts('/lib.js');\n{comment.replace('a.map', 'none.map')}\n"
        )
        (lab.site / "page.js").write_text(f"console.log('page');\n{comment}\n")
        window = await lab.user_agent.open_window("/")
        await window.run("/page.js")
        await window.navigator.service_worker.register("/sw.js")
        await lab.user_agent.settled()
        assert places(lab) == [("imported", "worker.ts:11"), ("page", "worker.ts:11")]


def large(mappings: int) -> str:
    """A map with the eight lines of MAP, and many mappings more."""
    return json.dumps({**MAP, "mappings": f"{MAP['mappings']};{','.join(['AAAA'] * (mappings - 8))}"})


@pytest.mark.parametrize("inline", [False, True])
async def test_a_large_map_is_decoded_in_a_thread(inline: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the real clock."""
    threads = []
    decode = places_module._decode

    def noting(*given: Any) -> Any:
        threads.append(threading.get_ident())
        return decode(*given)

    monkeypatch.setattr(places_module, "_decode", noting)
    text = large(places_module.LARGE // 5 + 100)
    async with laboratory() as lab:
        encoded = base64.b64encode(text.encode()).decode()
        comment = f"data:application/json;base64,{encoded}" if inline else "sw.js.map"
        found = await run(lab, f"//# sourceMappingURL={comment}", {"sw.js.map": text})
        # An inline one would have its source below the script.
        assert found == all_places("src/worker.ts", 11)
        assert warnings(lab) == []
    [thread] = set(threads)
    assert thread != threading.get_ident()


async def test_under_a_virtual_clock_it_is_decoded_in_this_one(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []
    decode = places_module._decode

    def noting(*given: Any) -> Any:
        threads.append(threading.get_ident())
        return decode(*given)

    monkeypatch.setattr(places_module, "_decode", noting)
    async with laboratory() as lab:
        text = large(places_module.LARGE // 5 + 100)
        found = await run(lab, "//# sourceMappingURL=sw.js.map", {"sw.js.map": text})
        assert found == all_places("src/worker.ts", 11)
    assert threads == [threading.get_ident()]


TOO_LARGE = {
    "mappings": (
        json.dumps({**MAP, "mappings": "A," * 4_190_000}),
        "it has 4,190,001 mappings; at most 1,000,000 are read",
    ),
    "brackets": (
        '{"a":' + "[" * 2_000_001,
        "it has 2,000,002 brackets that open; at most 2,000,000 are read",
    ),
    "depth": ("[" * 300_000, "it is not JSON: maximum recursion depth exceeded"),
    "depth of sections": ('{"sections":[' * 30_000, "it is not JSON: maximum recursion depth exceeded"),
}


@pytest.mark.parametrize(("text", "why"), TOO_LARGE.values(), ids=TOO_LARGE.keys())
@pytest.mark.parametrize("virtual", [False, True])
@pytest.mark.parametrize("inline", [False, True])
async def test_a_map_that_is_too_large_is_refused_with_a_line(
    text: str, why: str, virtual: bool, inline: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places_module, "clock_is_virtual", lambda: virtual)
    async with laboratory() as lab:
        encoded = base64.b64encode(text.encode()).decode()
        comment = f"data:application/json;base64,{encoded}" if inline else "sw.js.map"
        assert await run(lab, f"//# sourceMappingURL={comment}", {"sw.js.map": text}) == all_places(
            "js/sw.js", 1
        )
        (line,) = warnings(lab)
        assert line.startswith(f"the source map of http://localhost:8400/js/sw.js is not used: {why}")


@pytest.mark.parametrize(
    ("name", "comment", "why"),
    [
        ("MOST_URL", f"data:application/json;base64,{BASE64}", "its URL has"),
        ("MOST_ESCAPES", f"data:application/json,{quote(IN_SCRIPT)}", "its data: URL has"),
        ("MOST_BYTES", "sw.js.map", "it has"),
    ],
)
async def test_what_is_too_long_is_not_decoded(
    name: str, comment: str, why: str, autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places_module, name, 10)
    async with laboratory() as lab:
        found = await run(lab, f"//# sourceMappingURL={comment}", {"sw.js.map": IN_SCRIPT})
        assert found == all_places("js/sw.js", 1)
        (line,) = warnings(lab)
        assert why in line
        assert "at most 10 are read" in line


async def test_the_maps_of_a_realm_have_a_bound_together(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places_module, "MOST_MAPPINGS", 12)
    async with laboratory() as lab:
        (lab.site / "a.map").write_text(json.dumps({**MAP, "sourceRoot": ""}))
        for name in ("one", "other"):
            (lab.site / f"{name}.js").write_text(f"console.log('{name}');\n//# sourceMappingURL=a.map\n")
        (lab.site / "sw.js").write_text("importScripts('/one.js', '/other.js');")
        window = await lab.user_agent.open_window("/")
        await window.navigator.service_worker.register("/sw.js")
        await lab.user_agent.settled()
        assert places(lab) == [("one", "worker.ts:11"), ("other", "other.js:1")]
        (line,) = warnings(lab)
        assert "it has 8 mappings; at most 4 are read" in line
