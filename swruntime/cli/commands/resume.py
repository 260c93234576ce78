"""`resume`, `abort`: what becomes of what an earlier process left."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from swruntime.algorithms.suggestions import or_known
from swruntime.cli.output import complain
from swruntime.cli.session import Session, run_session, take_up_all
from swruntime.cli.site import check_site, profile_of
from swruntime.errors import UsageError
from swruntime.storage import profile_origin

if TYPE_CHECKING:
    from swruntime.agent.background_fetch import BackgroundFetch


def resume(options: Namespace) -> int:
    """Take up what is left, and wait until it has ended. Without a profile there is nothing, and none is made.

    Nor does it give an origin to one that has none yet, because the process that made it died at once.
    """
    check_site(options.site)
    if profile_origin(profile_of(options)) is None:
        for id in (*options.drop, *options.retry):
            raise _unknown(id, [])
        complain(f"there is nothing in the profile {str(profile_of(options))!r}: nothing to resume")
        return 0
    return run_session(options, _resume, take_up=False)


async def _resume(session: Session) -> None:
    # What is dropped is dropped before it is taken up: its event is not dispatched, its worker not started.
    for id in session.options.drop:
        for fetch in _named(session, id):
            if fetch.active:
                session.options.expect.insert(0, (id, "aborted"))
            fetch.dormant = False
            fetch.drop()
    asked_again = [fetch for id in session.options.retry for fetch in _owed(session, id)]
    take_up_all(session)
    for fetch in asked_again:
        await fetch.retry()
    await session.agent.settled()


def _owed(session: Session, id: str) -> list[BackgroundFetch]:
    """Those of that id that have ended and whose event is owed. Raises UsageError where there is none."""
    found = [fetch for fetch in _named(session, id) if fetch.owed]
    if not found:
        raise UsageError(f"background fetch {id!r} has not ended: there is no event of it to try again yet")
    return found


def abort(options: Namespace) -> int:
    """Abort one background fetch; its event is delivered. The others are left asleep."""
    check_site(options.site)
    if not profile_of(options).exists():
        raise _unknown(options.id, [])
    options.expect.insert(0, (options.id, "aborted"))
    return run_session(options, _abort, take_up=False)


async def _abort(session: Session) -> None:
    found = [fetch for fetch in _named(session, session.options.id) if fetch.active]
    if not found:
        raise UsageError(
            f"background fetch {session.options.id!r} has ended already, and only its event is owed; "
            f"'resume' delivers it, 'resume --drop' gives it up"
        )
    for fetch in found:
        fetch.dormant = False
        await fetch.abort()
    await session.agent.settled()


def _named(session: Session, id: str) -> list[BackgroundFetch]:
    found = [fetch for fetch in session.agent.background_fetches if fetch.id == id]
    if not found:
        raise _unknown(id, session.agent.background_fetches)
    return found


def _unknown(id: str, known: list[BackgroundFetch]) -> UsageError:
    return UsageError(f"there is no background fetch {id!r}{or_known(id, [fetch.id for fetch in known])}")
