"""`serve SITE`: the origin behind its worker, for real HTTP clients."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import trio

from swruntime.algorithms import urls
from swruntime.cli.narrate import for_a_person
from swruntime.cli.output import complain, say
from swruntime.cli.session import Session, run_session
from swruntime.cli.site import profile_of, worker_script
from swruntime.errors import DOMException, UsageError
from swruntime.serve.gateway import Answered, Gateway
from swruntime.serve.hosts import Authority, KnownHosts, checked_names
from swruntime.serve.reload import update_on_edit
from swruntime.serve.server import Listening, check_certificate, hang_up, interrupted, listen, run_server
from swruntime.serve.site_worker import SiteWorker
from swruntime.storage import profile_origin
from swruntime.storage.site_origin import is_sites_own, shown_origin

DEFAULT_PORT = 8400


def serve(options: Namespace) -> int:
    worker_script(options)
    check_certificate(options.cert, options.key)
    if options.upstream is not None:
        options.upstream = _checked_upstream(options.upstream)
    allowed = checked_names(options.allowed_host)
    port = _port_of(profile_of(options)) if options.port is None else options.port
    listening = listen(port)
    try:
        scheme = "http" if options.cert is None else "https"
        options.serve_at = f"{scheme}://localhost:{listening.port}"
        return run_session(options, lambda session: _serve(session, listening, allowed))
    finally:
        listening.close()


async def _serve(session: Session, listening: Listening, allowed: Sequence[Authority]) -> None:
    options = session.options
    hosts = KnownHosts(options.serve_at, origin=session.agent.origin, allowed=allowed)

    def stop() -> None:
        hang_up([listening.port])
        scope.cancel()

    with trio.CancelScope() as scope, interrupted(stop):
        for fetch in session.agent.background_fetches:
            if fetch.held:
                complain(f"background fetch {fetch.id!r} waits for {fetch.held_text}")
        worker = _site_worker(session)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(worker.run)
            await worker.wait_until_tried()
            run = partial(run_server, certificate=options.cert, key=options.key)
            told = (lambda answered: None) if options.json else partial(_tell_answered, session)
            gateway = Gateway(session.agent, hosts=hosts, on_navigation=worker.try_again, on_answered=told)
            await nursery.start(run, gateway, listening)
            # Under --json standard output is the trace's, and this goes to standard error.
            say(f"swruntime: {options.site} at {options.serve_at}/", flush=True)
            if options.reload:
                nursery.start_soon(partial(update_on_edit, session.agent, options.site, worker=worker))


def _tell_answered(session: Session, answered: Answered) -> None:
    """A line of the log, which has the agent's time as those of its trace have."""
    time = trio.current_time() - session.agent.services.opened_at
    who = {
        "worker": "the worker",
        "cache": "the worker's cache",
        "fetch": "the network, through the worker",
        "network": session.options.upstream or "the network",
        "server": "swruntime",
    }[answered.by]
    text = f"{time:8.3f}  {answered.method} {answered.target}: {answered.status} from {who}"
    say(for_a_person(text), flush=True)


def _site_worker(session: Session) -> SiteWorker:
    """SITE's worker. Raises UsageError for a scope that it cannot have."""
    options = session.options
    try:
        return SiteWorker(session.agent, worker_script(options), options.scope, complain)
    except (TypeError, DOMException) as error:
        raise UsageError(str(error)) from None


def _checked_upstream(text: str) -> str:
    """The server's origin. Raises UsageError for what is none."""
    try:
        url = urls.parse(text)
    except TypeError:
        url = None
    if (
        url is None
        or url.protocol not in ("http:", "https:")
        or url.pathname != "/"
        or url.search
        or url.hash
    ):
        raise UsageError(f"--upstream is {text!r}; expected http://HOST[:PORT] or https://HOST[:PORT]")
    return url.origin


def _port_of(profile: Path) -> int:
    """Where the profile's origin was served; a profile belongs to one origin."""
    if not profile.exists():
        return DEFAULT_PORT
    kept = profile_origin(profile)
    if kept is None or not is_sites_own(kept):
        return DEFAULT_PORT
    return urls.port(shown_origin(kept)) or DEFAULT_PORT
