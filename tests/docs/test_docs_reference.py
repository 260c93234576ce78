"""The reference has every name that a script sees, with every member."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import swruntime

ROOT = Path(__file__).parents[2]

LOOK = """
def seen(names):
    classes = {name: dir(value) for name, value in names.items() if isinstance(value, type)}
    objects = {name: [] for name, value in names.items() if not isinstance(value, type)}
    objects.update({type(names[name]).__name__: dir(type(names[name])) for name in ("navigator", "location", "console", "self")})
    return {**classes, **objects}
"""

OPERATORS = {"__aiter__", "__await__", "__contains__", "__getitem__", "__iter__", "__len__"}


async def names_of(scope: str, site: Path) -> dict[str, list[str]]:
    """What a script of a running site finds: each name, and the attributes of each interface."""
    look = f"{LOOK}\nimport json, swruntime.{scope} as scope\n"
    (site / "worker.py").write_text(look + "print(json.dumps(seen(vars(scope))))\n")
    (site / "page.py").write_text(look + "async def main():\n    return json.dumps(seen(vars(scope)))\n")
    lines: list[dict[str, Any]] = []
    async with swruntime.open_user_agent(site=site, on_trace=lines.append) as agent:
        window = await agent.open_window("/")
        if scope == "window":
            said = await window.run("/page.py")
        else:
            await window.navigator.service_worker.register("/worker.py")
            (said,) = [line["text"] for line in lines if line["kind"] == "console"]
    found: dict[str, list[str]] = json.loads(said)
    return {name: members for name, members in found.items() if not name.startswith("_")}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(built)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return built / "reference"


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["worker", "window"])
async def test_no_name_is_missing(scope: str, tmp_path: Path, reference: Path) -> None:
    page = (reference / scope / "index.html").read_text("utf-8")
    there = set(re.findall(rf'id="swruntime\.{scope}\.([^"]+)"', page))
    names = await names_of(scope, tmp_path)
    assert {"caches", "fetch", "Cache", "Response", "Navigator"} < names.keys()
    wanted = set(names)
    for name, members in names.items():
        public = {each for each in members if not each.startswith("_")} | (OPERATORS & set(members))
        wanted |= {f"{name}.{each}" for each in public}
    of_python = {f"{name}.{each}" for name in names for each in ("add_note", "args", "with_traceback")}
    assert wanted - of_python - there == set(), "what a script has, and the reference does not"


@pytest.mark.slow
def test_what_has_no_name_of_its_own_is_there(reference: Path) -> None:
    page = (reference / "worker" / "index.html").read_text("utf-8")
    for member in (
        "Permissions.query",
        "PermissionStatus.state",
        "StorageManager.estimate",
        "StorageEstimate.quota",
    ):
        assert f'id="swruntime.realms.python.location.{member}"' in page


@pytest.mark.slow
def test_the_site_loads_nothing_from_elsewhere(reference: Path) -> None:
    pages = list(reference.parent.rglob("*.html"))
    assert len(pages) > 40
    loaded = re.compile(
        r'<(?:script|img|iframe|source|link rel="(?:stylesheet|preconnect|icon)")[^>]*?(?:src|href)="?(?:https?:)?//'
    )
    assert [page.name for page in pages if loaded.search(page.read_text("utf-8"))] == []
