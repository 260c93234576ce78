"""Under --json a script's line is whole, however long; a person is shown its beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from swruntime.cli.narrate import LONGEST, for_a_person
from swruntime.realms.javascript.texts import LONGEST_LINE

if TYPE_CHECKING:
    from tests.cli.conftest import Site

LONG = 900_000
PYTHON = f"""
async def oninstall(event):
    print("a" * {LONG})
    console.error("b" * {LONG})
    raise ValueError("c" * {LONG})
"""
JAVASCRIPT = f"""
oninstall = event => {{
    console.log("a".repeat({LONG}));
    console.error("b".repeat({LONG}));
    console.log(["d".repeat({LONG})]);
    event.waitUntil(Promise.reject(new Error("c".repeat({LONG}))));
}};
"""


@pytest.mark.parametrize(("name", "script"), [("worker.py", PYTHON), ("sw.js", JAVASCRIPT)])
def test_json_has_all_that_a_script_says(site: Site, name: str, script: str) -> None:
    (site.folder / "worker.py").unlink()
    site.write(name, script)
    trace = site.folder.parent / "trace.jsonl"
    result = site.cli("run", "--json", "--trace", trace)
    assert result.status == 1
    assert trace.read_text() == result.out
    assert all("cut" not in line for line in result.lines)
    console = result.console
    assert "a" * LONG in console
    assert "b" * LONG in console
    assert any("c" * LONG in str(line["error"]) for line in result.of("event.end"))
    if name == "sw.js":
        assert any("d" * LONG in text for text in console)
    assert max(map(len, result.err.splitlines())) < 2 * LONGEST


def test_a_line_over_the_limit_says_what_it_lacks(site: Site) -> None:
    """A process of JavaScript may not fill the runtime's memory."""
    (site.folder / "worker.py").unlink()
    site.write(
        "sw.js", f"console.log('x'.repeat({LONGEST_LINE} + 7)); console.log('y'.repeat({LONGEST_LINE}));"
    )
    cut, whole = site.cli("run", "--json").of("console")
    assert cut["cut"] == 7
    assert cut["text"] == "x" * LONGEST_LINE + "... (7 characters more)"
    assert "cut" not in whole
    assert whole["text"] == "y" * LONGEST_LINE


def test_a_person_is_shown_the_beginning(site: Site) -> None:
    site.write("worker.py", f"print('z' * {LONG})\n")
    out = site.cli("run").out
    assert "zzz... (" in out
    assert "characters more: --json and --trace have them)" in out
    assert out.count("z") < LONGEST + 10
    assert for_a_person("z" * LONGEST) == "z" * LONGEST
