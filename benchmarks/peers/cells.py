"""What is tried, with each peer; what a cell of the table is."""

from __future__ import annotations

import re
from typing import Any, Literal

import attrs

Answer = Literal["yes", "no", "partly"]


@attrs.frozen
class Seen:
    """What was seen of one capability, in a sentence or two."""

    answer: Answer
    seen: str


def yes(seen: str) -> Seen:
    return Seen("yes", seen)


def no(seen: str) -> Seen:
    return Seen("no", seen)


def partly(seen: str) -> Seen:
    return Seen("partly", seen)


CAPABILITIES = {
    "runs_your_worker": "Runs your sw.js as it is",
    "has_background_fetch": "Has the Background Fetch API",
    "downloads_in_test": "A background fetch downloads in a headless test, and its event reaches the worker",
    "cuts_network": "The test cuts the network of a background fetch, and sees it resume with Range",
    "survives_kill": "kill -9 in the middle of a download: the next start goes on",
    "stops_worker_between_events": "The test stops the worker between two events",
    "stops_worker_at_await": "The test stops the worker at a chosen await",
    "finds_losing_await": "Stops the worker at each await in turn, and says where that loses data",
    "virtual_time": "Time passes in a moment, for the worker's timers and for retries",
    "same_seed_same_run": "The same seed gives the same run",
    "user_controls": "The user's pause, abort and click are the test's",
    "permission_and_quota": "The permission denied and the quota used up, on demand",
    "fires_events": "The test fires push, sync and periodicsync",
    "names_losing_line": "Names the line that loses data",
    "works_without_browser": "Works without a browser",
    "renders_pages": "Renders pages: DOM, layout, screenshots",
    "real_browser": "What runs is a real browser",
    "several_engines": "Several engines: Chromium, Firefox, WebKit",
    "first_event": "Processor time for a start, up to the worker's first event, and an end (the best of five)",
}
"""The rows, by the name of the function that tries them; in JavaScript that name is in camel case."""

MEASURED = "first_event"
"""The row whose cells are times."""


@attrs.frozen
class Peer:
    """A column: `script` is beside this file, `packages` are npm's (the first one's version is the column's)."""

    title: str
    script: str
    packages: tuple[str, ...] = ()
    needs_chromium: bool = False


PEERS = {
    "swruntime": Peer("swruntime", "swruntime_itself.py"),
    "chromium": Peer("Chromium, DevTools protocol", "chromium.mjs", needs_chromium=True),
    "playwright": Peer("Playwright, Chromium", "playwright.mjs", ("playwright-core",), needs_chromium=True),
    "service_worker_mock": Peer("service-worker-mock", "service_worker_mock.mjs", ("service-worker-mock",)),
    "sw_test_env": Peer("sw-test-env", "sw_test_env.mjs", ("sw-test-env",)),
    "miniflare": Peer("Miniflare", "miniflare.mjs", ("miniflare",)),
    "msw": Peer("MSW", "msw.mjs", ("msw",), needs_chromium=True),
}


def camel_case(name: str) -> str:
    """`runs_your_worker` is `runsYourWorker` in JavaScript."""
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def problems(results: Any) -> list[str]:
    """What is wrong with the contents of RESULTS.json; empty where it is complete."""
    found = [f"no {key}" for key in ("date", "machine", "peers", "cells") if key not in results]
    if found:
        return found
    for key in PEERS:
        if not (results["peers"].get(key) or {}).get("version"):
            found.append(f"peers.{key} has no version")
        for capability in CAPABILITIES:
            cell = results["cells"].get(capability, {}).get(key, {})
            if cell.get("answer") not in ("yes", "no", "partly"):
                found.append(f"cells.{capability}.{key}: answer is {cell.get('answer')!r}")
            if not str(cell.get("seen", "")).strip():
                found.append(f"cells.{capability}.{key}: nothing was seen")
            if capability == MEASURED and not isinstance(cell.get("seconds"), float):
                found.append(f"cells.{capability}.{key}: no seconds")
    found += [f"cells.{name} is not a capability" for name in results["cells"] if name not in CAPABILITIES]
    return found
