"""`fetch SITE ID URL...`: one background fetch from the shell."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from swruntime.cli.session import Session, active_registration, run_session, take_up_all
from swruntime.cli.site import worker_script
from swruntime.errors import DOMException, UsageError

if TYPE_CHECKING:
    from swruntime.agent.background_fetch import BackgroundFetch


def fetch(options: Namespace) -> int:
    worker_script(options)
    return run_session(options, _fetch, take_up=False)


async def _fetch(session: Session) -> None:
    options = session.options
    # Without it a worker whose activation was interrupted would never be active; the background fetches wait.
    session.agent.take_up_workers()
    window = await session.agent.open_window("/")
    requests = _requests(options, window)
    registration = await active_registration(session, window)
    earlier = [
        f for f in session.agent.background_fetches if f.id == options.id and f.scope == registration.scope
    ]
    for each in earlier:
        _check_same(each, requests, options)
    # Only now: what is refused changes nothing.
    take_up_all(session)
    if not earlier:
        try:
            await registration.background_fetch.fetch(
                options.id,
                requests,
                title=options.title,
                icons=[{"src": src} for src in options.icon],
                download_total=options.download_total,
            )
        except DOMException:
            raise
        except TypeError as error:
            raise UsageError(str(error)) from None
    await session.agent.settled()


def _requests(options: Namespace, window: Any) -> list[Any]:
    try:
        requests = [window.Request(url, headers=options.header) for url in options.urls]
    except TypeError as error:
        raise UsageError(str(error)) from None
    for name, value in options.header:
        if name not in requests[0]._concept.headers:
            raise UsageError(f"--header '{name}: {value}' is a header that Fetch keeps to the user agent")
    return requests


def _check_same(earlier: BackgroundFetch, requests: list[Any], options: Namespace) -> None:
    """Asked again with the same requests it goes on; with others it is another background fetch."""
    kept = [(run.request.url, sorted(run.request.headers)) for run in earlier.runs]
    asked = [(request.url, sorted(request._concept.headers)) for request in requests]
    if kept != asked:
        raise UsageError(
            f"background fetch {options.id!r} is not done, and has other requests ({kept[0][0]} ...); "
            "use another ID, or abort it first"
        )
