"""What importing costs, and where the public names live."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import swruntime
import swruntime.testing

ROOT = Path(__file__).parents[1]
HEAVY = ("rich", "httpx", "httpcore", "sqlite3", "trio", "starlette", "hypercorn", "hypothesis", "pytest")


def loaded_by(*modules: str) -> set[str]:
    """The top-level modules that a fresh process has after importing `modules`."""
    code = f"import {', '.join(modules)}, json, sys; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(run.stdout)}


@pytest.mark.parametrize("module", ["swruntime", "swruntime.errors", "swruntime.worker", "swruntime.window"])
def test_importing_imports_nothing_heavy(module: str) -> None:
    assert loaded_by(module) & set(HEAVY) == set()


def test_the_package_itself_imports_nothing() -> None:
    """Nor does the command line, until it heeds signals."""
    code = "import os, signal, sys; before = set(sys.modules); import swruntime.cli; "
    code += "print(*sorted(set(sys.modules) - before))"
    run = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert set(run.stdout.split()) == {"__future__", "swruntime", "swruntime.cli"}


def test_its_exceptions_can_be_had_by_their_module() -> None:
    code = "import swruntime; print(swruntime.errors.UsageError is swruntime.UsageError)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "True\n"


def test_the_runtime_needs_no_test_tools() -> None:
    loaded = loaded_by("swruntime.runtime", "swruntime.cli.session", "swruntime.testing")
    assert loaded & {"hypothesis", "pytest"} == set()
    assert "trio" in loaded


def test_the_runtime_needs_no_other_http_client() -> None:
    """Not before the first exchange with a server: `swruntime.network.outside`."""
    assert loaded_by("swruntime.runtime") & {"httpx", "httpcore", "h2", "rich", "ijson"} == set()


def test_the_pytest_plugin_imports_hardly_anything() -> None:
    """It is imported in every session of whoever has swruntime installed."""
    code = "import pytest, sys; before = set(sys.modules); import swruntime.testing.plugin; "
    code += "print(*sorted(set(sys.modules) - before))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours = {name for name in run.stdout.split() if name.startswith("swruntime")}
    testing = {f"swruntime.testing{name}" for name in ("", ".plugin", ".watch")}
    assert ours == {"swruntime"} | testing


def test_names_that_come_when_they_are_used_are_listed() -> None:
    assert set(swruntime.__all__) <= set(dir(swruntime))
    assert set(swruntime.testing.__all__) <= set(dir(swruntime.testing))


def test_the_version_is_that_of_the_package() -> None:
    assert version("swruntime") == swruntime.__version__


@pytest.mark.parametrize("name", swruntime.__all__)
def test_a_public_name_resolves_and_has_one_home(name: str) -> None:
    value = getattr(swruntime, name)
    homes = [
        module
        for module in _modules()
        if vars(module).get(name) is value and getattr(value, "__module__", None) == module.__name__
    ]
    assert len(homes) == 1, homes


def _modules() -> list[Any]:
    """The modules that may be a public name's home, and the package's public packages."""
    found = {getattr(getattr(swruntime, name), "__module__", "swruntime") for name in swruntime.__all__}
    return [importlib.import_module(name) for name in sorted(found)]


def test_public_names_are_sorted_and_all_there() -> None:
    assert list(swruntime.__all__) == sorted(set(swruntime.__all__))
    assert not any(name.startswith("_") for name in swruntime.__all__)
    # Every exception that is meant for others can be had from the top.
    told = {
        name
        for name, value in vars(swruntime.errors).items()
        if inspect.isclass(value) and issubclass(value, Exception) and value.__module__ == "swruntime.errors"
    }
    assert told & set(swruntime.__all__) >= {"DOMException", "SwruntimeError", "UsageError", "ScriptError"}


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = swruntime.nonsense


@pytest.mark.parametrize("scope", ["worker", "window"])
def test_a_scopes_names_are_not_to_be_had_outside_a_script(scope: str) -> None:
    module = importlib.import_module(f"swruntime.{scope}")
    for name in ("caches", "nonsense"):
        with pytest.raises(ImportError, match=rf"swruntime\.{scope}\.{name} .*swruntime run SITE"):
            getattr(module, name)
    with pytest.raises(ImportError, match="swruntime run SITE"):
        exec(f"from swruntime.{scope} import caches")
    assert not hasattr(module, "__path__"), "what Python itself asks for is an AttributeError"


def typed_names(scope: str) -> set[str]:
    """What editors and linters are told of `swruntime.worker` or `swruntime.window`."""
    module = importlib.import_module(f"swruntime.{scope}")
    assert module.__file__ is not None
    (block,) = [
        node for node in ast.parse(Path(module.__file__).read_text()).body if isinstance(node, ast.If)
    ]
    names: set[str] = set()
    for node in block.body:
        if isinstance(node, ast.ImportFrom):
            names.update(alias.asname for alias in node.names if alias.asname is not None)
        elif isinstance(node, ast.AnnAssign):
            assert isinstance(node.target, ast.Name)
            names.add(node.target.id)
    return names


@pytest.mark.parametrize("scope", ["worker", "window"])
async def test_the_typed_names_are_those_that_scripts_have(scope: str, tmp_path: Path) -> None:
    (tmp_path / "worker.py").write_text("import swruntime.worker as scope\nprint(' '.join(vars(scope)))\n")
    (tmp_path / "page.py").write_text(
        "import swruntime.window as scope\nasync def main():\n    return ' '.join(vars(scope))\n"
    )
    lines: list[dict[str, Any]] = []
    async with swruntime.open_user_agent(site=tmp_path, on_trace=lines.append) as agent:
        window = await agent.open_window("/")
        if scope == "window":
            said = await window.run("/page.py")
        else:
            await window.navigator.service_worker.register("/worker.py")
            (said,) = [line["text"] for line in lines if line["kind"] == "console"]
    there = {name for name in said.split() if not name.startswith("_")}
    assert there - typed_names(scope) == set(), "what editors are not told of"
    assert typed_names(scope) - there == set(), "what scripts do not have"
