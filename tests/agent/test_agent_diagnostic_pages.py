"""docs/diagnostics: each code has a page, whose first script is told of, with code and line, and whose second is not."""

from __future__ import annotations

import re
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio

import swruntime
from swruntime.concepts.diagnostics import CODES
from swruntime.errors import ScriptError
from swruntime.trace import Line, script_diagnostic

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "diagnostics"
README = (ROOT / "README.md").read_text()
README_WORKERS = {
    "sw.js": re.search(r"cat > site/sw.js <<'END'\n(.*?)END\n", README, re.DOTALL),
    "worker.py": re.search(r'```python title="site/worker.py"\n(.*?)```\n', README, re.DOTALL),
}
ABOUT_SCRIPTS = [name for name, code in CODES.items() if code.about == "script"]


IN_JAVASCRIPT = "## In JavaScript\n"
WITH_JAVASCRIPT = [name for name in ABOUT_SCRIPTS if IN_JAVASCRIPT in (PAGES / f"{name}.md").read_text()]


@attrs.frozen
class Page:
    file: str
    before: str
    after: str
    told: str


def read(code: str, *, javascript: bool = False) -> Page:
    """The page's scripts: those of its section "In JavaScript", or those before it."""
    text = (PAGES / f"{code}.md").read_text()
    if javascript:
        text = text.partition(IN_JAVASCRIPT)[2]
    file = re.search(r"^`(\w+\.(?:py|js))`:$", text, re.MULTILINE)
    told = re.search(r"^Told (.*)\.$", text, re.MULTILINE)
    assert file is not None
    assert told is not None
    before, after = re.findall(r"^```(?:python|javascript)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[:2]
    return Page(file[1], before, after, told[1])


async def succeed(lab: Lab) -> None:
    await lab.manager.fetch("f", "/a")
    await lab.agent.settled()
    lab.registration.active.post_message("x")
    await trio.sleep(1)


async def fail(lab: Lab) -> None:
    await lab.manager.fetch("f", "/none")
    await lab.agent.settled()


async def abort(lab: Lab) -> None:
    await (await lab.manager.fetch("f", "/slow")).abort()
    await lab.agent.settled()


async def stop_between(lab: Lab) -> None:
    await lab.manager.fetch("f", "/slow")
    lab.registration.active.post_message("x")
    await trio.sleep(1)
    await lab.agent.terminate_worker(lab.registration)
    await lab.agent.background_fetches[0].click()
    await abort_all(lab)


async def abort_all(lab: Lab) -> None:
    for fetch in lab.agent.background_fetches:
        await fetch.abort()
    await lab.agent.settled()


async def give_a_port(lab: Lab) -> None:
    channel = lab.window.MessageChannel()
    lab.registration.active.post_message("take it", [channel.port2])
    await trio.sleep(60)
    channel.port1.close()


async def run_page(lab: Lab) -> None:
    await lab.window.run("/page.py" if (lab.site / "page.py").exists() else "/page.js")
    await lab.agent.settled()


async def push(lab: Lab) -> None:
    subscription = await lab.registration.push_manager.subscribe(user_visible_only=True)
    await lab.agent.push(subscription, "news")


DRIVERS: dict[str, Callable[[Lab], Awaitable[None]]] = {
    "no-fail-handler": fail,
    "no-abort-handler": abort,
    "state-only-in-globals": stop_between,
    "port-held-across-restart": give_a_port,
    "download-total-too-small": run_page,
    "push-not-user-visible": run_page,
    "push-without-notification": push,
}


async def told(lab: Lab, code: str, file: str, script: str) -> list[tuple[str, str | None]]:
    lab.origin.add("/a", b"aaa")
    lab.origin.add("/slow", b"aaa", delay=1000)
    lab.worker(script, file)
    async with lab.open(ready=False, javascript_hints=code == "relies-on-async-handler"):
        worker = file if file.startswith(("worker", "sw")) else "worker.py"
        lab.window = await lab.agent.open_window("/")
        await lab.window.navigator.service_worker.register(f"/{worker}")
        lab.registration = await lab.window.navigator.service_worker.ready
        await DRIVERS.get(code, succeed)(lab)
    return [(line["code"], line["where"]) for line in lab.lines if script_diagnostic(line)]


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert sorted(page.stem for page in PAGES.glob("*.md") if page.stem != "README") == sorted(ABOUT_SCRIPTS)
    index = (PAGES / "README.md").read_text()
    for name, code in CODES.items():
        assert f"[{name}]({name}.md)" in index if code.about == "script" else f"`{name}`" in index


@pytest.mark.parametrize("code", ABOUT_SCRIPTS)
def test_a_page_says_what_the_registry_says(code: str) -> None:
    text = (PAGES / f"{code}.md").read_text()
    assert f"# {code}\n" in text
    assert CODES[code].why in text
    assert CODES[code].instead in text
    assert (CODES[code].javascript or "") in text.partition(IN_JAVASCRIPT)[2]


SLOW = ("script-does-not-await", "script-process-ended")
DETERMINISTIC = [code for code in ABOUT_SCRIPTS if code not in SLOW]


def where(page: Page) -> str | None:
    return None if page.told == "without a line" else page.told.removeprefix("at `").removesuffix("`")


@pytest.mark.parametrize("code", DETERMINISTIC)
async def test_before(lab: Lab, autojump_clock: object, code: str) -> None:
    page = read(code)
    assert await told(lab, code, page.file, page.before) == [(code, where(page))]


@pytest.mark.parametrize("code", DETERMINISTIC)
async def test_after(lab: Lab, autojump_clock: object, code: str) -> None:
    page = read(code)
    assert await told(lab, code, page.file, page.after) == []
    assert lab.of("event.end", outcome="rejected") == []


ONLY_PYTHON = ("dropped-awaitable", "relies-on-async-handler")
ONLY_JAVASCRIPT = ("script-process-ended",)
DETERMINISTIC_IN_JAVASCRIPT = [code for code in WITH_JAVASCRIPT if code not in SLOW]


def test_every_code_has_its_javascript() -> None:
    assert set(ABOUT_SCRIPTS) - set(WITH_JAVASCRIPT) == {*ONLY_PYTHON, *ONLY_JAVASCRIPT}


@pytest.mark.parametrize("code", DETERMINISTIC_IN_JAVASCRIPT)
async def test_before_in_javascript(lab: Lab, autojump_clock: object, code: str) -> None:
    pytest.importorskip("deno")
    page = read(code, javascript=True)
    assert await told(lab, code, page.file, page.before) == [(code, where(page))]


@pytest.mark.parametrize("code", DETERMINISTIC_IN_JAVASCRIPT)
async def test_after_in_javascript(lab: Lab, autojump_clock: object, code: str) -> None:
    pytest.importorskip("deno")
    page = read(code, javascript=True)
    assert await told(lab, code, page.file, page.after) == []
    assert lab.of("event.end", outcome="rejected") == []


WITH_A_PLACE = [code for code in DETERMINISTIC if where(read(code)) and code != "unknown-allowed-code"]


@pytest.mark.parametrize(
    ("code", "language"),
    [
        *((code, "python") for code in WITH_A_PLACE),
        *((code, "javascript") for code in WITH_A_PLACE if code in WITH_JAVASCRIPT),
    ],
)
async def test_a_comment_allows_it(lab: Lab, autojump_clock: object, code: str, language: str) -> None:
    javascript = language == "javascript"
    if javascript:
        pytest.importorskip("deno")
    page = read(code, javascript=javascript)
    place = where(page)
    assert place is not None
    lines = page.before.splitlines(keepends=True)
    line = int(place.rpartition(":")[2]) - 1
    lines.insert(line, f"{'//' if javascript else '#'} swruntime: allow={code}\n")
    assert await told(lab, code, page.file, "".join(lines)) == []


@pytest.mark.slow
@pytest.mark.parametrize("which", ["before", "after"])
async def test_a_script_that_does_not_await(lab: Lab, which: str) -> None:
    page = read("script-does-not-await")
    lab.worker(getattr(page, which), "page.py")
    async with lab.open():
        await lab.window.run("/page.py")
    lines = [line["where"] for line in lab.of("diagnostic", code="script-does-not-await")]
    if which == "after":
        assert lines == []
    else:
        assert set(lines) <= {"page.py:6", "page.py:7"}
        assert lines != []


@pytest.mark.slow
@pytest.mark.parametrize("which", ["before", "after"])
async def test_a_javascript_that_does_not_give_way(lab: Lab, which: str) -> None:
    pytest.importorskip("deno")
    page = read("script-does-not-await", javascript=True)
    assert page.told == "without a line"
    lab.worker(getattr(page, which), page.file)
    async with lab.open():
        await lab.window.run(f"/{page.file}")
    lines = [line["where"] for line in lab.of("diagnostic", code="script-does-not-await")]
    assert lines == ([None] if which == "before" else [])


@pytest.mark.slow
@pytest.mark.parametrize("which", ["before", "after"])
async def test_a_script_whose_process_ends(lab: Lab, which: str) -> None:
    pytest.importorskip("deno")
    page = read("script-process-ended")
    assert page.told == "without a line"
    lab.worker(getattr(page, which), page.file)
    async with lab.open():
        if which == "before":
            with pytest.raises(ScriptError, match="memory|given way"):
                await lab.window.run(f"/{page.file}")
        else:
            await lab.window.run(f"/{page.file}")
    lines = lab.of("diagnostic", code="script-process-ended")
    assert [line["where"] for line in lines] == ([None] if which == "before" else [])


# What is right in the repository is left in peace


@pytest.mark.parametrize("name", README_WORKERS)
async def test_the_readmes_worker(lab: Lab, autojump_clock: object, name: str) -> None:
    found = README_WORKERS[name]
    assert found is not None
    assert await told(lab, "", name, found[1]) == []


@pytest.mark.parametrize("name", ["cache-first", "stale-while-revalidate"])
async def test_sites_that_answer(tmp_path: Path, autojump_clock: object, name: str) -> None:
    site = shutil.copytree(ROOT / "examples" / name, tmp_path / name)
    lines: list[Line] = []
    async with swruntime.open_user_agent(site=site, on_trace=lines.append) as agent:
        window: Any = await agent.open_window("/")
        await window.navigator.service_worker.register("/worker.py")
        registration = await window.navigator.service_worker.ready
        page: Any = await agent.open_window("/")
        for _ in range(2):
            for url in ("/", "/style.css", "/not-there"):
                await (await page.fetch(url)).text()
            await agent.terminate_worker(registration)
        await agent.settled()
    assert [line for line in lines if script_diagnostic(line)] == []


@pytest.mark.slow
async def test_the_podcast(tmp_path: Path) -> None:
    site = shutil.copytree(ROOT / "examples" / "podcast", tmp_path / "podcast")
    lines: list[Line] = []
    async with swruntime.open_user_agent(site=site, on_trace=lines.append) as agent:
        window: Any = await agent.open_window("/")
        await window.navigator.service_worker.register("/worker.py")
        await window.run("/page.py")
        await agent.settled()
    assert [line for line in lines if script_diagnostic(line)] == []


def test_every_code_in_the_sources_is_in_the_registry() -> None:
    """A line of a trace with any other code cannot be made, and would end the agent."""
    sources = "".join(file.read_text() for file in (ROOT / "swruntime").rglob("*.py"))
    written = set(re.findall(r"""(?:Diagnostic\(\s*code=|diagnose\(\s*)"([\w-]+)\"""", sources))
    assert written >= {"no-room", "missing-wait-until"}
    assert written <= set(CODES)
