"""`run SITE`: take up what was left, register the worker, run the page scripts."""

from __future__ import annotations

from argparse import Namespace

import trio

from swruntime.cli.output import say
from swruntime.cli.session import Session, active_registration, run_session, until_done
from swruntime.cli.site import PAGES, check_confinement, find_page, find_script, script_url, worker_script
from swruntime.errors import ScriptError
from swruntime.trace import Console


def run(options: Namespace) -> int:
    worker_script(options)
    pages = _pages(options)
    return run_session(options, lambda session: _run(session, pages))


async def _run(session: Session, pages: list[tuple[str, bytes | None]]) -> None:
    for script, text in pages:
        if text is not None:
            session.agent.services.scripts.give(f"{session.agent.origin}{script_url(script)}", text)
    window = await session.agent.open_window("/")

    async def one(script: str, url: str) -> None:
        page = await session.agent.open_window(url)
        try:
            await page.run(script_url(script))
        except ScriptError as error:
            # The other pages and the background fetches go on; the exit status tells of it in the end.
            session.agent.trace.emit(Console(level="error", text=str(error), where=error.where))
            session.agent.script_failed(error)
        finally:
            if script.endswith(".py"):
                page.close()  # a page in JavaScript may have listeners: it stays as long as anything can come

    async def all_pages() -> None:
        registration = await active_registration(session, window)
        if not pages and not session.options.json:
            from swruntime.cli.pages import without_pages

            say(without_pages(session.options.site))
        async with trio.open_nursery() as nursery:
            for script, _ in pages:
                # At the scope, so that the worker is theirs: elsewhere it would never be ready.
                nursery.start_soon(one, script, registration.scope)

    await until_done(session, all_pages)


def _pages(options: Namespace) -> list[tuple[str, bytes | None]]:
    """The page scripts: those that are named, else each that has a name of `PAGES`; with the text of one that SITE's
    server does not have. Raises SiteError for one that is not there, NotConfined as `check_confinement` does.
    """
    if options.page:
        found = [find_page(options.site, name) for name in options.page]
    else:
        # What nobody has named is what the site's server has.
        names = [name for name in PAGES if (options.site / name).is_file()]
        found = [(find_script(options.site, None, (name,), "page"), None) for name in names]
    for name, _ in found:
        check_confinement(options, name)
    return found
