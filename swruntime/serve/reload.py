"""An edited worker is an updated one: what a reload does in a browser, whenever a script is saved."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import trio

from swruntime.agent.jobs import JobKey
from swruntime.agent.registrations import Registration
from swruntime.agent.user_agent import UserAgent
from swruntime.agent.worker_texts import site_differs
from swruntime.algorithms import urls
from swruntime.network.site_files import SiteFiles
from swruntime.serve.site_worker import SiteWorker
from swruntime.trace import Diagnostic

INTERVAL = 0.5
"""Seconds between two looks at the files."""

_Stamps = dict[str, tuple[int, ...]]


async def update_on_edit(
    agent: UserAgent, site: Path, interval: float = INTERVAL, worker: SiteWorker | None = None
) -> None:
    """Update every registration of the agent's origin when its worker, or what that imports, was edited.

    What was installed does not wait for open pages. `worker`, where it could not be installed, is tried again when what
    failed was edited. Never returns.
    """
    files = SiteFiles(site)
    seen: dict[str, _Stamps] = {}
    while True:
        if (
            worker is not None
            and not agent.registrations.get(*worker.key)
            and _failure_was_edited(agent, worker.key)
        ):
            worker.try_again()
        for registration in agent.registrations.all():
            stamps = _stamps(registration, files)
            before = seen.get(registration.scope)
            key = (registration.storage_key, registration.scope)
            if not (_was_edited(before, stamps) or _failure_was_edited(agent, key)):
                seen[registration.scope] = {**(before or {}), **stamps}
                continue
            seen[registration.scope] = stamps
            await _update(agent, registration)
        await trio.sleep(interval)


def _failure_was_edited(agent: UserAgent, key: JobKey) -> bool:
    return site_differs(agent.registrations.failed(key), agent.services.scripts)


async def _update(agent: UserAgent, registration: Registration) -> None:
    if registration.installing is not None:
        # Its install may never end, and the next one waits for that.
        registration.installing.stop("its script was edited")
    try:
        await agent.registrations.update(registration)
    except Exception as error:  # noqa: BLE001 - whatever a script does wrong: the old worker stays, and that is told
        text = f"the edited worker was not installed, the old one stays: {error}"
        agent.trace.emit(Diagnostic(code="update-failed", message=text))
        return
    newest = registration.newest_worker
    if newest is not None and newest is not registration.active:
        agent.registrations.skip_waiting(newest)


def _stamps(registration: Registration, files: SiteFiles) -> _Stamps:
    """The version of each script file. One that is not there counts when it is back: editors replace files."""
    newest = registration.newest_worker
    if newest is None:
        return {}
    found: _Stamps = {}
    for path in {urls.parse(newest.script_url).pathname, *map(quote, newest.sources)}:
        version = files.version(path)
        if version is not None:
            found[path] = version
    return found


def _was_edited(before: _Stamps | None, now: _Stamps) -> bool:
    return before is not None and any(before.get(path, stamp) != stamp for path, stamp in now.items())
