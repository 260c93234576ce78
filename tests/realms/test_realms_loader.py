"""How a Python realm evaluates its script: loader, importer, console, handlers."""

from __future__ import annotations

import linecache
import os
import sys
import textwrap
import traceback
from pathlib import Path
from typing import Any

import pytest

from swruntime.errors import NetworkError, ScriptError, SiteError
from swruntime.network.site_files import SiteFiles
from swruntime.realms.python.console import Console
from swruntime.realms.python.context import RealmContext
from swruntime.realms.python.handlers import collect_handlers, tell_near_misses
from swruntime.realms.python.loader import Loader
from swruntime.realms.python.sitefiles import script_path
from swruntime.trace import Console as ConsoleLine, Diagnostic, TraceEvent


def write(site: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = site / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))


def load(context: RealmContext, path: str = "/worker.py", **globals: object) -> dict[str, Any]:
    scope = {"swruntime.worker": {"caches": "the caches", "self": "the scope"}}
    return Loader(context, globals=globals, scope_modules=scope).run(path)


async def test_a_script_finds_its_globals(context: RealmContext, site: Path) -> None:
    write(site, {"worker.py": "found = (caches, __name__, __file__)\n"})
    namespace = load(context, caches="the caches")
    assert namespace["found"] == ("the caches", "worker", str(site / "worker.py"))


async def test_every_start_evaluates_the_script_and_its_modules_anew(
    context: RealmContext, site: Path
) -> None:
    write(site, {"worker.py": "import state\nfrom state import items\n", "state.py": "items = []\n"})
    first, second = load(context), load(context)
    first["items"].append(1)
    assert (first["state"].items, second["state"].items) == ([1], [])
    write(site, {"state.py": "items = ['edited']\n"})
    assert load(context)["items"] == ["edited"]
    assert "state" not in sys.modules
    assert "worker" not in sys.modules
    assert sorted(os.listdir(site)) == ["state.py", "worker.py"]


async def test_packages_modules_and_relative_imports(context: RealmContext, site: Path) -> None:
    write(
        site,
        {
            "worker.py": """\
                import lib.deep.leaf
                import lib.other as other
                from lib import tool, VALUE
                from lib.deep import *
                from .sibling import name
                from . import sibling
                from lib import *
                import json
                from json.decoder import JSONDecoder
                import plain.inside
                """,
            "sibling.py": "name = __name__\n",
            "lib/__init__.py": "__all__ = ['listed']\nVALUE = 1\nfrom . import tool\n",
            "lib/tool.py": "from .other import DEPTH\nfrom .deep.leaf import leaf\n",
            "lib/other.py": "DEPTH = 1\n",
            "lib/listed.py": "",
            "lib/deep/__init__.py": "star = 'star'\n",
            "lib/deep/leaf.py": "from ..other import DEPTH\nfrom .. import VALUE\nleaf = DEPTH + VALUE\n",
            "plain/inside.py": "where = __package__\n",
        },
    )
    found = load(context)
    assert found["lib"].deep.leaf.leaf == 2
    assert (found["tool"].leaf, found["VALUE"], found["star"], found["name"]) == (2, 1, "star", "sibling")
    assert found["sibling"].name == "sibling"
    assert found["other"].DEPTH == 1
    assert found["listed"].__name__ == "lib.listed"
    assert found["json"] is sys.modules["json"]
    assert found["plain"].inside.where == "plain"


async def test_modules_may_import_each_other(context: RealmContext, site: Path) -> None:
    write(
        site,
        {
            "worker.py": "import a\nimport p.x\n",
            "a.py": "import b\nvalue = 1\n",
            "b.py": "import a\ndef get():\n    return a.value\n",
            "p/__init__.py": "",
            "p/x.py": "import p.y as y\n",
            "p/y.py": "import p.x as x\n",
        },
    )
    found = load(context)
    assert found["a"].b.get() == 1
    assert found["p"].x.y.x is found["p"].x


async def test_a_script_in_a_folder_finds_its_siblings_and_sites(context: RealmContext, site: Path) -> None:
    write(
        site,
        {
            "js/worker.py": "import near, far\n",
            "js/near.py": "",
            "far.py": "",
            "near.py": "raise ValueError\n",
        },
    )
    found = load(context, "/js/worker.py")
    assert found["near"].__file__ == str(site / "js" / "near.py")
    assert found["far"].__file__ == str(site / "far.py")


async def test_sites_modules_go_before_the_librarys(context: RealmContext, site: Path) -> None:
    write(site, {"worker.py": "import colorsys\n", "colorsys.py": "mine = True\n"})
    assert load(context)["colorsys"].mine
    import colorsys

    assert not hasattr(colorsys, "mine")


async def test_a_folder_without_modules_does_not_hide_the_library(context: RealmContext, site: Path) -> None:
    write(site, {"worker.py": "import json\n", "json/data.txt": ""})
    assert load(context)["json"] is sys.modules["json"]


async def test_dataclasses_find_their_module(context: RealmContext, site: Path) -> None:
    text = """\
        from __future__ import annotations
        import dataclasses, typing
        @dataclasses.dataclass
        class Episode:
            title: str
            kind: typing.ClassVar[str] = "audio"
        """
    write(site, {"worker.py": text + "import model\n", "model.py": text})
    found = load(context)
    assert found["Episode"]("x").title == found["model"].Episode("x").title == "x"


async def test_a_module_that_fails_is_forgotten(context: RealmContext, site: Path) -> None:
    write(
        site,
        {
            "worker.py": """\
                import p
                for attempt in range(2):
                    try:
                        import p.bad
                    except ValueError:
                        failed = attempt, hasattr(p, "bad")
                """,
            "p/__init__.py": "",
            "p/bad.py": "raise ValueError\n",
        },
    )
    assert load(context)["failed"] == (1, False)


@pytest.mark.parametrize(
    "statement",
    [
        "from swruntime.worker import caches",
        "import swruntime.worker; caches = swruntime.worker.caches",
        "import swruntime.worker as w; caches = w.caches",
        "from swruntime import worker; caches = worker.caches",
        "import swruntime; caches = swruntime.worker.caches",
        "from swruntime.worker import *",
    ],
)
async def test_the_scopes_names_can_be_imported(context: RealmContext, site: Path, statement: str) -> None:
    write(site, {"worker.py": "import helper\n" + statement + "\n", "helper.py": statement + "\n"})
    found = load(context)
    assert found["caches"] == found["helper"].caches == "the caches"


@pytest.mark.parametrize(
    "statement",
    ["from swruntime.window import caches", "from swruntime import window", "import swruntime.window"],
)
async def test_the_other_scopes_names_cannot(context: RealmContext, site: Path, statement: str) -> None:
    write(site, {"worker.py": "\n" + statement + "\n"})
    with pytest.raises(ScriptError, match=r"swruntime\.window is not to be had in this realm") as caught:
        load(context)
    assert caught.value.where == "worker.py:2"


async def test_the_rest_of_swruntime_is_the_real_one(context: RealmContext, site: Path) -> None:
    write(site, {"worker.py": "import swruntime.errors\nfrom swruntime.errors import AbortError as A\n"})
    found = load(context)
    assert found["A"] is found["swruntime"].errors.AbortError is sys.modules["swruntime.errors"].AbortError


# What goes wrong


@pytest.mark.parametrize(
    ("files", "message", "where"),
    [
        ({"worker.py": "x = 1\ny = (\n"}, "SyntaxError", "worker.py:2"),
        ({"worker.py": "\n\n1 / 0\n"}, "ZeroDivisionError: division by zero", "worker.py:3"),
        ({"worker.py": "import lib.m\n", "lib/m.py": "\nf(\n"}, "SyntaxError", "lib/m.py:2"),
        ({"worker.py": "import lib.m\n", "lib/m.py": "\n{}['x']\n"}, "KeyError: 'x'", "lib/m.py:2"),
        ({"worker.py": "\nimport nothing_there\n"}, "ModuleNotFoundError.*nothing_there", "worker.py:2"),
        ({"worker.py": "import p.q\n", "p/__init__.py": ""}, "No module named 'p.q'", "worker.py:1"),
        ({"worker.py": "from m import x\n", "m.py": ""}, "ImportError.*'x'", "worker.py:1"),
        ({"worker.py": "from ..up import x\n"}, "ImportError", "worker.py:1"),
        ({"worker.py": "import sys\nsys.exit(3)\n"}, "cannot end the process", "worker.py:2"),
        ({"worker.py": "x = '\0'\n"}, "null bytes", None),
    ],
)
async def test_what_a_script_raises_is_a_script_error_with_its_line(
    context: RealmContext, site: Path, files: dict[str, str], message: str, where: str | None
) -> None:
    write(site, files)
    with pytest.raises(ScriptError, match=message) as caught:
        load(context)
    assert where is None or caught.value.where == where
    assert context.script_running.since is None


async def test_tracebacks_show_the_scripts_lines(context: RealmContext, site: Path) -> None:
    write(site, {"worker.py": "def f():\n    raise ValueError('no')  # here\nf()\n"})
    with pytest.raises(ScriptError) as caught:
        load(context)
    linecache.checkcache()
    assert "# here" in "".join(traceback.format_exception(caught.value))


async def test_a_script_that_is_not_utf8(context: RealmContext, site: Path) -> None:
    (site / "worker.py").write_bytes(b"# -*- coding: latin-1 -*-\nx = '\xe4'\n")
    with pytest.raises(ScriptError, match="not UTF-8: the byte 0xe4 in line 2") as caught:
        load(context)
    assert caught.value.where == "worker.py:2"
    (site / "worker.py").write_bytes(b"\xef\xbb\xbfx = 1\n")
    assert load(context)["x"] == 1


@pytest.mark.parametrize(
    "path",
    ["/missing.py", "/", "/lib", "/.hidden.py", "/.swruntime/x.py", "/../outside.py", "/%2e%2e/outside.py"],
)
async def test_what_is_not_there_or_private_is_a_site_error(
    context: RealmContext, site: Path, path: str
) -> None:
    write(site, {".hidden.py": "", ".swruntime/x.py": "", "lib/x.py": "", "../outside.py": ""})
    with pytest.raises(SiteError):
        load(context, path)


async def test_links_do_not_lead_out(context: RealmContext, site: Path) -> None:
    write(site, {"worker.py": "import link\n", "../outside.py": "", "in side.py": ""})
    (site / "link.py").symlink_to(site.parent / "outside.py")
    with pytest.raises(SiteError, match="leads out"):
        load(context, "/link.py")
    with pytest.raises(ScriptError, match="leads out"):
        load(context)
    assert script_path(SiteFiles(site), "/in%20side.py?x".partition("?")[0]) == site / "in side.py"


# import_scripts


async def test_import_scripts_runs_in_the_workers_globals(context: RealmContext, site: Path) -> None:
    write(
        site,
        {
            "worker.py": "before = 1\nimport_scripts('lib/a.py', '/b.py?v=2')\nafter = both\n",
            "lib/a.py": "a = before + 1\n",
            "b.py": "def onfetch(event): pass\nboth = (before, a, __name__)\n",
        },
    )
    globals: dict[str, object] = {}
    loader = Loader(context, globals=globals)
    globals["import_scripts"] = loader.import_scripts
    assert loader.run("/worker.py")["after"] == (1, 2, "worker")
    assert loader.sources == {
        f"/{name}": (site / name).read_bytes() for name in ("worker.py", "lib/a.py", "b.py")
    }


@pytest.mark.parametrize(
    ("urls", "error"),
    [
        (["/missing.py"], NetworkError),
        (["https://elsewhere.test/a.py"], NetworkError),
        (["/.hidden.py"], NetworkError),
        (["/a.py", "http://["], TypeError),
        (["/bad.py"], SyntaxError),
    ],
)
async def test_import_scripts_that_fail(
    context: RealmContext, site: Path, urls: list[str], error: type[Exception]
) -> None:
    write(site, {"worker.py": "", "a.py": "ran = True\n", ".hidden.py": "", "bad.py": "(\n"})
    loader = Loader(context, globals={})
    loader.run("/worker.py")
    with pytest.raises(error):
        loader.import_scripts(*urls)
    assert "ran" not in loader.namespace


# The console


async def test_print_goes_to_the_console(
    context: RealmContext, site: Path, told: list[TraceEvent], capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        site,
        {
            "worker.py": """\
                import io, sys, helper
                print("a", 1, sep="-")
                print("no", "end", end="")
                print("to stderr", file=sys.stderr)
                print("elsewhere", file=(out := io.StringIO()))
                """,
            "helper.py": "print()\n",
        },
    )
    found = load(context)
    assert told == [
        ConsoleLine(level="log", text="", where="helper.py:1"),
        ConsoleLine(level="log", text="a-1", where="worker.py:2"),
        ConsoleLine(level="log", text="no end", where="worker.py:3"),
        ConsoleLine(level="error", text="to stderr", where="worker.py:4"),
    ]
    assert found["out"].getvalue() == "elsewhere\n"
    assert tuple(capsys.readouterr()) == ("", "")


@pytest.mark.parametrize("level", ["debug", "log", "info", "warn", "error"])
async def test_the_levels_of_the_console(
    context: RealmContext, site: Path, told: list[TraceEvent], level: str
) -> None:
    write(site, {"worker.py": f"\nconsole.{level}('one', 2)\n"})
    load(context, console=Console(context))
    assert told == [ConsoleLine(level=level, text="one 2", where="worker.py:2")]


# Handlers


async def test_top_level_functions_are_handlers_by_their_name(
    context: RealmContext, site: Path, told: list[TraceEvent]
) -> None:
    write(
        site,
        {
            "worker.py": """\
                def oninstall(event): pass
                async def onfetch(event): pass
                onpush = 5
                def onbackgroundfetchfailure(event): pass
                def on_activate(event): pass
                def once(event): pass
                def only_these(event): pass
                """
        },
    )
    types = ["install", "activate", "fetch", "push", "backgroundfetchsuccess", "backgroundfetchfail"]
    namespace = load(context)
    handlers, near = collect_handlers(namespace, types)
    assert handlers == {"install": namespace["oninstall"], "fetch": namespace["onfetch"]}
    assert [(miss.name, miss.nearest) for miss in near] == [
        ("onbackgroundfetchfailure", "onbackgroundfetchfail"),
        ("on_activate", "onactivate"),
    ]
    tell_near_misses(context, near)
    assert told[0] == Diagnostic(
        code="unknown-event-name",
        message="onbackgroundfetchfailure handles no event of this scope; did you mean "
        "onbackgroundfetchfail?",
        where="worker.py:4",
    )
