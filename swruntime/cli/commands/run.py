"""`run SITE`: take up what was left, register the worker, run the page scripts."""

from __future__ import annotations

from argparse import Namespace

import trio

from swruntime.cli.session import (
    PAGES,
    Session,
    active_registration,
    find_script,
    run_session,
    until_done,
)
from swruntime.errors import ScriptError


def run(options: Namespace) -> int:
    return run_session(options, _run)


async def _run(session: Session) -> None:
    options = session.options
    session.worker_script()
    scripts = _pages(options)
    window = await session.agent.open_window("/")

    async def pages() -> None:
        await active_registration(session, window)
        failures: list[ScriptError] = []

        async def one(script: str) -> None:
            page = await session.agent.open_window("/")
            try:
                await page.run("/" + script)
            except ScriptError as error:
                failures.append(error)
            finally:
                page.close()

        async with trio.open_nursery() as nursery:
            for script in scripts:
                nursery.start_soon(one, script)
        if failures:
            raise failures[0]

    await until_done(session, pages)


def _pages(options: Namespace) -> list[str]:
    if options.page:
        return [find_script(options.site, page, (), "page") for page in options.page]
    return [name for name in PAGES if (options.site / name).is_file()][:1]
