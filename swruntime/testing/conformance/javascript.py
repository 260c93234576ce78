"""The JavaScript realm, held against the Web IDL of `specs/`, member by member.

A script (`interfaces.js`) looks at the interfaces of a worker and of a page as any script could, and answers with what
is wrong. Names are the IDL's, and so are lengths, prototypes, and what a wrong `this` gets.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from swruntime.realms.javascript.installed import is_installed
from swruntime.testing.conformance.idl import Definitions, Interface, Member
from swruntime.testing.lab import laboratory
from swruntime.testing.virtual_time import run

__all__ = ["is_installed", "problems_of"]

_SCRIPT = Path(__file__).with_name("interfaces.js")

_WORKER = """
addEventListener("install", (event) => event.waitUntil((async () => {{
    const problems = [];
    for (const definitions of {all}) problems.push(await ({report})(definitions, "ServiceWorker"));
    const cache = await caches.open("report");
    await cache.put("/report", new Response(JSON.stringify(problems)));
}})()));
"""

_PAGE = """
(async () => {{
    const problems = [];
    for (const definitions of {all}) problems.push(await ({report})(definitions, "Window"));
    return JSON.stringify(problems);
}})()
"""


def problems_of(definitions: Definitions) -> list[str]:
    """Where the realms of a worker and of a page are not what the IDL says, one line each.

    Raises ScriptError where they cannot even say so, NotSupportedError without Deno.
    """
    return problems_of_each([definitions])[0]


def problems_of_each(all: Sequence[Definitions]) -> list[list[str]]:
    """The problems of each, asked of the same two realms."""
    worker, page = run(_reports, [described(each) for each in all])
    return [_merged(*both) for both in zip(worker, page, strict=True)]


def _merged(worker: list[str], page: list[str]) -> list[str]:
    both = [each for each in dict.fromkeys(worker) if each in page]
    return [
        *both,
        *(f"{each} (a worker)" for each in worker if each not in both),
        *(f"{each} (a page)" for each in page if each not in both),
    ]


async def _reports(all: list[Any]) -> tuple[list[list[str]], list[list[str]]]:
    source = _SCRIPT.read_text(encoding="utf-8")
    parts = {"all": json.dumps(all), "report": source[source.index("(async function") :].rstrip()}
    async with laboratory() as lab:
        (lab.site / "worker.js").write_text(_WORKER.format(**parts), encoding="utf-8")
        (lab.site / "page.js").write_text(_PAGE.format(**parts), encoding="utf-8")
        window = await lab.window(worker="/worker.js")
        response = await window.caches.match("/report")
        return await response.json(), json.loads(await window.run("/page.js"))


def described(definitions: Definitions) -> dict[str, Any]:
    """The interfaces as plain data: those that are in parts as one, with the members of their mixins."""
    mixins = {mixin for _, mixin in definitions.includes}
    whole: dict[str, list[Interface]] = {}
    for interface in definitions.interfaces:
        whole.setdefault(interface.name, []).append(interface)
    for name, mixin in definitions.includes:
        whole.setdefault(name, []).extend(whole.get(mixin, ()))
    return {
        "interfaces": [_described(name, parts) for name, parts in whole.items() if name not in mixins],
    }


def _described(name: str, parts: list[Interface]) -> dict[str, Any]:
    return {
        "name": name,
        "inherits": next((each.inherits for each in parts if each.inherits), None),
        "exposed": sorted({kind for each in parts for kind in each.exposed}),
        "global": any(each.is_global for each in parts),
        "implemented": all(each.implemented for each in parts),
        "members": [_member(member) for each in parts for member in each.members],
    }


def _member(member: Member) -> dict[str, Any]:
    return {
        "kind": member.kind,
        "name": member.name.removeprefix("_"),
        "type": member.type,
        "static": member.static,
        "readonly": member.readonly,
        "promise": member.promise,
        "required": sum(not argument.optional for argument in member.arguments),
        "implemented": member.implemented,
        "exposed": sorted(member.exposed),
    }
