"""A script replaces all that it can, and then uses the platform: the realm's own JavaScript asks none of it.

See attacks/poison.js for what is replaced, and what counts; attacks/exercise.js is what is used. A finding names what was
asked, by which line of ours, and of what object.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from swruntime.realms.javascript.launch import MAIN
from swruntime.testing import laboratory
from swruntime.testing.lab import Laboratory

pytest.importorskip("deno")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::swruntime.testing.DiagnosticWarning")]

ATTACKS = Path(__file__).with_name("attacks")

ENGINES = """
    timeout displayErrors breakOnSigint contextName contextOrigin contextCodeGeneration microtaskMode filename lineOffset
    columnOffset cachedData produceCachedData importModuleDynamically initializeImportMeta identifier context then toJSON
    get set value writable enumerable configurable done next return throw signal once passive capture highWaterMark size
    autoAllocateChunkSize pull start cancel type cause stack message name constructor ports data keyData privateKey seed
    code errno syscall resolve reject promise _onImmediate _idleNext _idlePrev _idleTimeout ref hasRef domain callback args
    host listeners mode assignedSlot hasActivationBehavior item itemInShadowTree relatedTarget touchTargetList
    rootOfClosedTree slotInClosedTree parentNode nodeType getRootNode options body headers redirected url status handle
    preventClose preventAbort preventCancel endings lastModified fatal ignoreBOM stream flush transform write close abort
    maxByteLength showHidden depth colors showProxy iterableLimit compact sorted getters strAbbreviateSize customInspect
"""
"""Names of what the engine reads of objects that it is handed."""


@cache
def names() -> str:
    """Every name in the realm's own JavaScript, and some of the engine's, as JSON."""
    found = set(ENGINES.split())
    for path in MAIN.parent.glob("*.js"):
        found |= set(re.findall(r"[A-Za-z_$][\w$]*", path.read_text()))
    return json.dumps(sorted(found))


def poison() -> str:
    return (ATTACKS / "poison.js").read_text().replace("/* NAMES */ []", names()) + (
        ATTACKS / "exercise.js"
    ).read_text()


def findings(lab: Laboratory, label: str) -> dict[str, int]:
    [text] = [
        line["text"] for line in lab.trace if line["kind"] == "console" and line["text"].startswith(label)
    ]
    found: dict[str, int] = json.loads(text.removeprefix(label))
    return found


def failures(lab: Laboratory) -> list[str]:
    [text] = [
        line["text"] for line in lab.trace if line["kind"] == "console" and line["text"].startswith("failed:")
    ]
    return [each for each in json.loads(text.removeprefix("failed:"))]


RUN = """
const report = (failed) => {
    poisoned.finish("found:");
    console.log("failed:" + JSON.stringify(failed));
};
"""


def serve(lab: Laboratory) -> None:
    (lab.site / "file.txt").write_text("content " * 100)


async def test_a_page_whose_builtins_are_replaced(autojump_clock: object) -> None:
    async with laboratory() as lab:
        serve(lab)
        (lab.site / "sw.js").write_text("addEventListener('fetch', () => {});")
        (lab.site / "page.js").write_text(
            poison() + RUN + "poisoned.start();\nexercise(poisoned.my, 'page').then(report);"
        )
        await lab.window("/", worker="/sw.js")
        page = await lab.user_agent.open_window("/")
        await page.run("/page.js")
        await lab.user_agent.settled()
        assert failures(lab) == []
        assert findings(lab, "found:") == {}
