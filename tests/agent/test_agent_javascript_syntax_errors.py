"""A script in JavaScript whose text is wrong: the file and the line are told, wherever it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from swruntime import ScriptError

if TYPE_CHECKING:
    from tests.agent.conftest import Lab

pytest.importorskip("deno")

WRONG = "let a = 1;\n\nlet b = ;\n"


async def registered(lab: Lab, *, type: str = "classic") -> str:
    """What `register()` rejects with."""
    window = await lab.agent.open_window("/")
    with pytest.raises(TypeError) as caught:
        await window.navigator.service_worker.register("/sw.js", type=type)
    return str(caught.value)


WORKERS: dict[str, tuple[dict[str, str], str]] = {
    "worker": ({"sw.js": WRONG}, "sw.js:3"),
    "cut": ({"sw.js": "let a = 1;\nfunction f( {\n"}, "sw.js:3"),
    "declared twice": ({"sw.js": "let a;\nlet a;"}, "sw.js:2"),
    "module syntax": ({"sw.js": "\nexport default 1;"}, "sw.js:2"),
    "imported script": ({"sw.js": "\nimportScripts('lib/a.js');", "lib/a.js": WRONG}, "lib/a.js:3"),
    "declared by another": ({"sw.js": "let a;\nimportScripts('a.js');", "a.js": "\nlet a;"}, "a.js:1"),
    "thrown by the script": ({"sw.js": "\n\nthrow new SyntaxError('mine');"}, "sw.js:3"),
    "eval": ({"sw.js": "\n\neval('let b = ;');"}, "sw.js:3"),
    "Function": ({"sw.js": "\n\nnew Function('let b = ;');"}, "sw.js:3"),
}

MODULES: dict[str, tuple[dict[str, str], str]] = {
    "worker": ({"sw.js": WRONG}, "sw.js:3"),
    "imported module": ({"sw.js": "\nimport './a.js';", "a.js": WRONG}, "a.js:3"),
    "of a module's": (
        {"sw.js": "import './b/c.js';", "b/c.js": "import '../a.js';", "a.js": WRONG},
        "a.js:3",
    ),
    "no such export": (
        {"sw.js": "\nimport { no } from './a.js';", "a.js": "export const yes = 1;"},
        "sw.js:2",
    ),
    "no such export below": (
        {"sw.js": "import './a.js';", "a.js": "\n\nimport { no } from './b.js';", "b.js": ""},
        "a.js:3",
    ),
}


def write(lab: Lab, files: dict[str, str]) -> None:
    for name, text in files.items():
        (lab.site / name).parent.mkdir(exist_ok=True)
        lab.worker(text, name)


@pytest.mark.parametrize("name", WORKERS)
async def test_a_worker(lab: Lab, autojump_clock: object, name: str) -> None:
    files, where = WORKERS[name]
    write(lab, files)
    async with lab.open(ready=False) as agent:
        assert f"({where}): SyntaxError: " in await registered(lab)
        assert [error.where for error in agent.script_errors] == [where]
    lab.one("console", level="error", where=where)


@pytest.mark.parametrize("name", MODULES)
async def test_a_worker_that_is_a_module(lab: Lab, autojump_clock: object, name: str) -> None:
    files, where = MODULES[name]
    write(lab, files)
    async with lab.open(ready=False) as agent:
        assert f"({where}): SyntaxError: " in await registered(lab, type="module")
        assert [error.where for error in agent.script_errors] == [where]


PAGES: dict[str, tuple[dict[str, str], str]] = {
    "page": ({"page.js": WRONG}, "page.js:3"),
    "await": ({"page.js": "const a = await 1;"}, "page.js:1"),
    "timer": ({"page.js": "\nsetTimeout('let b = ;');"}, "page.js:2"),
    "interval": (
        {"page.js": "\n\nlet n = setInterval('let b = ;', 5);\nsetTimeout(() => clearInterval(n), 9);"},
        "page.js:3",
    ),
}


async def ran(lab: Lab, files: dict[str, str]) -> Any:
    write(lab, files)
    async with lab.open() as agent:
        window = await agent.open_window("/")
        with pytest.raises(ScriptError, match="SyntaxError: ") as caught:
            await window.run("/page.js")
    return caught.value


@pytest.mark.parametrize("name", PAGES)
async def test_a_page(lab: Lab, autojump_clock: object, name: str) -> None:
    files, where = PAGES[name]
    assert (await ran(lab, files)).where == where


async def test_a_timer_of_a_worker(lab: Lab, autojump_clock: object) -> None:
    lab.worker("\n\nsetTimeout('let b = ;');", "sw.js")
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        await window.navigator.service_worker.register("/sw.js")
        await agent.settled()
    assert lab.one("console", level="error")["where"] == "sw.js:3"


DISGUISES = {
    "no limit of its own": "delete Error.stackTraceLimit;",
    "an accessor": "Object.defineProperty(Error, 'stackTraceLimit', { get() { throw 1; } });",
    "a writer of stacks": "Error.prepareStackTrace = (error, sites) => 'at http://localhost:8400/other.js:7:7';",
    "frames": "Object.defineProperty(Object.prototype, 'fileName', { get() { throw 1; }, set() { throw 1; } });",
    "indices": "Object.defineProperty(Array.prototype, 0, { get() { throw 1; }, set() { throw 1; }, configurable: true });",
}


@pytest.mark.parametrize("name", DISGUISES)
async def test_what_a_script_has_made_of_errors(lab: Lab, autojump_clock: object, name: str) -> None:
    write(lab, {"sw.js": f"{DISGUISES[name]}\nimportScripts('a.js');", "a.js": WRONG})
    async with lab.open(ready=False) as agent:
        await registered(lab)
        assert [error.where for error in agent.script_errors] == ["a.js:3"]


@pytest.mark.parametrize(
    "text",
    [
        "Error.prepareStackTrace = () => { throw 1; };",
        "Object.defineProperty(SyntaxError.prototype, 'name', { get() { throw 1; } });",
        "Object.defineProperty(Error.prototype, 'stack', { get() { throw 1; } });",
    ],
)
async def test_what_throws_when_it_is_looked_at_is_told_all_the_same(
    lab: Lab, autojump_clock: object, text: str
) -> None:
    write(lab, {"sw.js": f"{text}\nimportScripts('a.js');", "a.js": WRONG})
    async with lab.open(ready=False) as agent:
        await registered(lab)
        (error,) = agent.script_errors
        assert error.where in (None, "a.js:3")


async def test_where_the_script_allows_nothing_it_is_only_the_error(lab: Lab, autojump_clock: object) -> None:
    write(lab, {"sw.js": "Object.freeze(Error);\nimportScripts('a.js');", "a.js": WRONG})
    async with lab.open(ready=False) as agent:
        await registered(lab)
        (error,) = agent.script_errors
        assert error.where in ("sw.js:2", "a.js:3")


async def test_the_error_that_a_script_catches_is_as_it_was(lab: Lab, autojump_clock: object) -> None:
    text = (
        "let limit = Error.stackTraceLimit;\n"
        "try {\n  importScripts('a.js');\n} catch (error) {\n"
        "  console.log(error instanceof SyntaxError, error.stack.includes('sw.js:3'), limit === Error.stackTraceLimit);\n"
        "  console.log(Reflect.ownKeys(error).sort().join(), typeof Error.prepareStackTrace);\n}\n"
    )
    write(lab, {"sw.js": text, "a.js": WRONG})
    async with lab.open(ready=False) as agent:
        window = await agent.open_window("/")
        await window.navigator.service_worker.register("/sw.js")
    lab.said("true true true", "message,stack undefined")


async def test_another_origins_text_is_not_told(lab: Lab, autojump_clock: object) -> None:
    elsewhere = lab.internet.origin_at("http://elsewhere.test")
    elsewhere.add("/a.js", WRONG.encode(), headers={"Content-Type": "text/javascript"})
    write(lab, {"sw.js": "\nimportScripts('http://elsewhere.test/a.js');"})
    async with lab.open(ready=False) as agent:
        text = await registered(lab)
        assert "elsewhere.test/a.js' failed" in text
        assert "Unexpected" not in text
        assert [error.where for error in agent.script_errors] == ["sw.js:2"]
