"""open_user_agent: the one place where the parts meet."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import attrs
import trio

from swruntime import __version__
from swruntime.agent.background_fetches import BackgroundFetches
from swruntime.agent.clients import Clients
from swruntime.agent.controls import NetworkControl, Permissions, StorageControl
from swruntime.agent.cookies import CookieJar
from swruntime.agent.fetching import Fetcher
from swruntime.agent.notifications import Notifications
from swruntime.agent.periodic_syncs import PeriodicSyncs
from swruntime.agent.push import PushService
from swruntime.agent.registrations import Registrations
from swruntime.agent.scripts import ScriptFetcher
from swruntime.agent.services import Limits, Services
from swruntime.agent.syncs import Syncs
from swruntime.agent.user_agent import UserAgent
from swruntime.agent.workers import Worker
from swruntime.algorithms import urls
from swruntime.algorithms.cookie_file import parse_cookie_file
from swruntime.algorithms.proxies import Proxies, Proxy, parse_proxy
from swruntime.algorithms.site_headers import SiteHeaders
from swruntime.concepts.cookies import Cookie
from swruntime.concepts.enums import PermissionState
from swruntime.errors import OriginMismatch, OutputFailed, ScriptError, SiteError, UsageError
from swruntime.network.conditions import ConditionedNetwork
from swruntime.network.names import Names
from swruntime.network.outside import OutsideNetwork
from swruntime.network.reachability import LOOK_PATIENCE, ReachabilityNetwork, ServerWatch, watch_routes
from swruntime.network.router import OriginRouter
from swruntime.network.site import SiteNetwork, load_site_headers
from swruntime.network.site_files import SiteFiles
from swruntime.ports.descriptors import Shortage, reserve
from swruntime.ports.display import Display
from swruntime.ports.network import Network
from swruntime.ports.realm import Realm
from swruntime.ports.store import Store
from swruntime.ports.wallclock import WallClock
from swruntime.realms.python.watchdog import Watchdog
from swruntime.realms.python.window_realm import PageScripts, WindowRealm, open_window_realm
from swruntime.realms.python.worker_realm import open_worker_realm
from swruntime.storage import memory_store, open_profile
from swruntime.storage.site_origin import (
    DEFAULT_ORIGIN,
    SITES_OWN,
    checked_origin,
    is_sites_own,
    kept_for,
    origin_text,
    shown_origin,
)
from swruntime.trace import AgentOpen, Console, Diagnostic, Sink, Trace

if TYPE_CHECKING:
    from swruntime.network.opening import Origin
    from swruntime.network.recording import HarWriter
    from swruntime.network.replay import Recording

VIRTUAL_EPOCH = 1_767_225_600.0
"""What the time of day is when a virtual clock shows 0: 2026-01-01 UTC."""

CLOSING = 1.0
"""Seconds that may pass until the connections are closed."""

VERSION = __version__


class SystemWallClock:
    def now(self) -> float:
        return time.time()


class VirtualWallClock:
    """The time of day under a test's clock, from a fixed epoch."""

    def now(self) -> float:
        return VIRTUAL_EPOCH + trio.current_time()


@asynccontextmanager
async def open_user_agent(
    *,
    site: Path | str | None = None,
    origin: str | None = None,
    profile: Path | str | None = None,
    network: Any = None,
    quota: int | None = None,
    permission: PermissionState = "granted",
    web_security: bool = True,
    give_up: float = 600,
    seed: int = 0,
    on_trace: Sink | None = None,
    display: Display | None = None,
    limits: Limits | None = None,
    conditions: str | None = None,
    take_up: bool = True,
    serve_at: str | None = None,
    upstream: str | None = None,
    resolve: Sequence[str] = (),
    proxy: str | Proxies | None = None,
    cacert: Path | str | None = None,
    cookie_jar: Path | str | None = None,
    javascript_hints: bool = False,
    record: Path | str | None = None,
    replay: Path | str | None = None,
    require_confinement: bool = False,
) -> AsyncIterator[UserAgent]:
    """Open a user agent; what an earlier process left in `profile` is taken up. Leaving the block closes it.

    site: the folder with the site's files and scripts.
    origin: the site's origin runs elsewhere, and requests go out to it. Without it the origin is
        http://localhost:8400 (or the profile's), and `site`'s files answer for it, in process.
    profile: the folder where everything is kept; without one it is held in memory.
    network: an httpx async transport or an ASGI app; then every request goes to it. Something with the interface
        of `swruntime.ports.network.Network`, too.
    quota: bytes an origin may store; 60 % of the disk without it.
    permission: of "background-fetch" and the like: "granted", "denied" or "prompt".
    web_security: False skips CORS, mixed content and CSP; each check skipped is a diagnostic.
    give_up: seconds without progress before a network failure is final.
    seed: of everything random: jitter, the ids of clients.
    on_trace: called with each line of the trace, a dict.
    display: shows background fetches to a user.
    limits: how patient the agent is; `give_up` is not asked then.
    conditions: of the network from the start, a preset's name.
    take_up: False leaves what the profile keeps asleep.
    serve_at: the origin that `site`'s files answer for, in place of http://localhost:8400.
    upstream: a server's origin; it answers for the site's origin in place of `site`'s files.
    resolve: addresses of hosts, in place of the system's: "HOST:ADDR", or "HOST:PORT:ADDR" for one port.
    proxy: what requests go through: a proxy's URL, for all of them, `http://[USER:PASSWORD@]HOST[:PORT]`, or what
        `swruntime.algorithms.proxies.from_environment(os.environ)` says. Without it none is used: a program's own
        environment is not read, the command line's is.
    cacert: a file of certificates (PEM) to trust besides the usual ones.
    cookie_jar: a file of cookies in Netscape's format, which are put into the profile's; it is never written.
    javascript_hints: also diagnostics of what works in Python and would not in JavaScript.
    record: a HAR file that is written, with every exchange, as the site's servers saw and answered it.
    replay: a HAR file that answers in place of the network. What it has not is a network failure, `not-recorded`;
        but where `site`'s files answer for the origin, they do so for the URLs that it has not.

    require_confinement: refuse to run JavaScript with less than the kernel's confinement, Landlock and seccomp. What
        would have run it raises NotConfined, and where that is the agent's own work, leaving the block does.

    Raises SiteError, ProfileError (in use; not one; of a later version; of another origin), UsageError. OutputFailed
    comes out of the block where `record` cannot be written any more; from an agent that is at work, in a group.
    """
    folder = _checked_site(site)
    files = None if folder is None else SiteFiles(folder, () if profile is None else (Path(profile),))
    headers = SiteHeaders() if folder is None else load_site_headers(folder)
    limits = limits or Limits(give_up=_checked_give_up(give_up))

    def tell_extra(what: str) -> None:
        parts.trace.emit(Diagnostic(code="extra-bytes", message=what))

    def tell_proxy(proxy: Proxy, origin: Origin) -> None:
        parts.trace.emit(_proxy_used(proxy, origin))

    names = Names.parse(resolve)
    authorities = None if cacert is None else Path(cacert)
    outside = OutsideNetwork(names, _proxies(proxy), authorities, tell_extra, tell_proxy)
    brought = () if cookie_jar is None else _read_cookies(Path(cookie_jar))
    with ExitStack() as stack:
        recording = _recording(stack, replay, record, network)
        unwritten = _Unwritten()
        writer = None if record is None else _har_writer(stack, Path(record), unwritten)
        store = _open_store(profile)
        stack.callback(store.close)
        origin_of_site, elsewhere = _origin(store, origin, serve_at)
        async with _outside(outside) as out, unwrapped_nursery() as nursery:
            asked_elsewhere = {} if upstream is None else {origin_of_site: upstream}
            answering = _transport(network, tell_extra)
            reached = _network(answering, out, files, headers, origin_of_site, elsewhere, upstream, recording)
            parts = _Parts(
                nursery=nursery,
                store=store,
                site=files,
                headers=headers,
                origin=origin_of_site,
                network=reached if writer is None else _recorded(reached, writer),
                quota=quota,
                permission=permission,
                web_security=web_security,
                seed=seed,
                display=display,
                limits=limits,
                brought=brought,
                javascript_hints=javascript_hints,
                require_confinement=require_confinement,
                reach=None if network is not None or replay is not None else _reach(outside, asked_elsewhere),
            )
            if files is not None:
                tell = parts.trace.emit
                files.shortage = Shortage(
                    limits.give_up, lambda text: tell(Diagnostic(code="few-descriptors", message=text))
                )
            if on_trace is not None:
                parts.trace.add_sink(on_trace)
            agent = _assemble(parts)
            opened = AgentOpen(
                version=VERSION, wall=agent.services.wall.now(), origin=origin_of_site, seed=seed
            )
            parts.trace.emit(opened)
            for loss in store.losses:
                parts.trace.emit(Diagnostic(code="profile-damaged", message=loss))
            if store.exposed is not None:
                parts.trace.emit(Diagnostic(code="profile-exposed", message=store.exposed))
            if conditions is not None:
                agent.network.conditions = conditions
            if writer is not None:
                nursery.start_soon(unwritten.end_the_agent)
            if network is None and replay is None:
                nursery.start_soon(watch_routes, lambda: agent.network_returned("route"))
            agent.restore()
            if take_up:
                agent.take_up()
            try:
                yield agent
            finally:
                agent.close()
                parts.watchdog.close()
                nursery.cancel_scope.cancel()
    if unwritten.failure is not None:
        raise unwritten.failure


class _Unwritten:
    """A recording that cannot be written ends its agent, and is told to whoever opened that, not to whoever uses it."""

    def __init__(self) -> None:
        self.failure: OutputFailed | None = None
        self._failed = trio.Event()

    def __call__(self, failure: OutputFailed) -> None:
        self.failure = failure
        self._failed.set()

    async def end_the_agent(self) -> None:
        await self._failed.wait()
        assert self.failure is not None
        raise self.failure


@attrs.define(kw_only=True)
class _Parts:
    """What an agent is made of."""

    nursery: trio.Nursery
    store: Store
    site: SiteFiles | None
    headers: SiteHeaders
    origin: str
    network: Network
    quota: int | None
    permission: PermissionState
    web_security: bool
    seed: int
    display: Display | None
    limits: Limits
    brought: tuple[Cookie, ...] = ()
    javascript_hints: bool = False
    require_confinement: bool = False
    reach: Callable[[str], Awaitable[None]] | None = None
    """Whether an origin takes connections, where its servers are real ones."""
    opened_at: float = attrs.field(factory=trio.current_time)
    trace: Trace = attrs.field(init=False)
    watchdog: Watchdog = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.trace = Trace(lambda: trio.current_time() - self.opened_at)
        self.watchdog = Watchdog(self.trace)


def _assemble(parts: _Parts) -> UserAgent:
    """Put the parts together, from the ground up."""
    conditioned = ConditionedNetwork(parts.network)
    permissions = Permissions(parts.permission, parts.trace)
    storage = StorageControl(parts.store, parts.quota, parts.origin)
    rng = random.Random(parts.seed)
    wall = _wall_clock()
    reachability = ReachabilityNetwork(conditioned, lambda origin: agent.network_returned(origin))
    cookies = CookieJar(parts.store, wall.now, lambda what, full: services.tell_no_room(what, full))
    fetcher = Fetcher(reachability, VERSION, _tell_skipped(parts.trace), cookies, parts.web_security)
    # Of the runtime's own, without a network's delay: what SITE has is there.
    site_scripts = None if parts.site is None else SiteNetwork(parts.site, parts.headers, delay=0)
    services = Services(
        nursery=parts.nursery,
        store=parts.store,
        trace=parts.trace,
        fetcher=fetcher,
        connectivity=conditioned,
        quota=storage,
        wall=wall,
        rng=rng,
        permission=lambda key: permissions.query("background-fetch", key),
        scripts=ScriptFetcher(fetcher, site_scripts, parts.origin, is_python, _tell_on_console(parts.trace)),
        watch_realm=parts.watchdog.watch,
        watch_process=parts.watchdog.watch_process,
        opened_at=parts.opened_at,
        limits=parts.limits,
        display=parts.display,
        javascript_hints=parts.javascript_hints,
        require_confinement=parts.require_confinement,
    )
    clients = Clients(rng)
    registrations = Registrations(services, clients)
    notifications = Notifications(services, registrations, permissions)
    agent = UserAgent(
        services,
        origin=parts.origin,
        registrations=registrations,
        clients=clients,
        background_fetches=BackgroundFetches(services, registrations),
        notifications=notifications,
        push_service=PushService(services, registrations, notifications, permissions),
        syncs=Syncs(services, registrations, clients, permissions),
        periodic_syncs=PeriodicSyncs(services, registrations, clients, permissions),
        network=NetworkControl(conditioned, parts.trace),
        permissions=permissions,
        storage=storage,
        open_window_realm=lambda client: open_window_realm(agent, parts.site, client, _open_javascript),
    )
    if parts.reach is not None:
        reachability.watch = ServerWatch(parts.nursery, parts.reach, agent.awaited, agent.server_returned)
    services.open_worker_realm = lambda worker: _open_worker_realm(agent, parts.site, worker)
    services.script_failed = agent.script_failed
    conditioned.on_change(agent.network_changed)
    cookies.bring(parts.brought)
    return agent


def is_python(url: str) -> bool:
    """Whether a script is trusted local code: its name ends with `.py`. All else is JavaScript."""
    return urls.parse(url).pathname.endswith(".py")


async def _open_worker_realm(agent: UserAgent, site: SiteFiles | None, worker: Worker) -> Realm:
    """A realm of the language that the worker's script is in."""
    if is_python(worker.script_url):
        return await open_worker_realm(agent, site, worker)
    with reserve().lent():
        from swruntime.realms.javascript.worker_realm import open_javascript_worker

    return await open_javascript_worker(agent, site, worker)


def _open_javascript(realm: WindowRealm) -> PageScripts:
    with reserve().lent():
        from swruntime.realms.javascript.page import JavaScriptPage

    return JavaScriptPage(realm)


@asynccontextmanager
async def _outside(outside: OutsideNetwork) -> AsyncIterator[OutsideNetwork]:
    """The network outside; what it has open is closed in the end, as far as that takes no waiting for a server."""
    try:
        yield outside
    finally:
        with trio.move_on_after(CLOSING) as closing:
            closing.shield = True
            await outside.aclose()


@asynccontextmanager
async def unwrapped_nursery() -> AsyncIterator[trio.Nursery]:
    """A nursery whose body's own exception leaves it as it is, not in a group."""
    raised: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            try:
                yield nursery
            except BaseException as error:
                raised = error
                raise
    except BaseExceptionGroup as group:
        if raised is None or not _leaves(group) <= _leaves(raised):
            raise
    if raised is not None:
        # Out here, so that its cause and context stay what they were.
        raise raised


def _leaves(error: BaseException) -> set[int]:
    """The identities of the exceptions in a group: groups are made anew where Trio takes cancellations out."""
    if isinstance(error, BaseExceptionGroup):
        return {leaf for each in error.exceptions for leaf in _leaves(each)}
    return {id(error)}


def _checked_site(site: Path | str | None) -> Path | None:
    if site is None:
        return None
    folder = Path(site)
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise SiteError(f"site {str(site)!r} {what}; expected the folder with the site's files")
    return folder.resolve()


def _checked_give_up(give_up: float) -> float:
    if not give_up > 0:
        raise UsageError(f"give_up is {give_up}; expected seconds, more than 0")
    return give_up


def _proxies(proxy: str | Proxies | None) -> Proxies:
    if isinstance(proxy, str):
        return Proxies.everything(parse_proxy(proxy))
    if not isinstance(proxy, Proxies | None):
        raise UsageError(f"proxy is {proxy!r}; expected the URL of a proxy")
    return proxy or Proxies()


def _reach(outside: OutsideNetwork, elsewhere: Mapping[str, str]) -> Callable[[str], Awaitable[None]]:
    """Whether an origin takes connections; `elsewhere` says of one which server answers for it."""

    async def reach(origin: str) -> None:
        await outside.reach(elsewhere.get(origin, origin), LOOK_PATIENCE)

    return reach


def _proxy_used(proxy: Proxy, origin: Origin) -> Diagnostic:
    """Told once of each proxy: who wonders why a server is not reached should know of it."""
    message = f"requests go through the proxy {proxy} ({proxy.named}), the first one to {origin.host}"
    return Diagnostic(code="proxy", message=message)


def _open_store(profile: Path | str | None) -> Store:
    return memory_store() if profile is None else open_profile(Path(profile))


def _origin(store: Store, given: str | None, serve_at: str | None) -> tuple[str, bool]:
    """The site's origin, and whether it runs elsewhere. The profile keeps it."""
    wanted = None if given is None else checked_origin(given)
    if wanted is None and serve_at is not None:
        wanted = kept_for(checked_origin(serve_at))
    kept = store.origin
    if kept is None:
        kept = wanted or SITES_OWN
        store.set_origin(kept)
    elif given is None and not is_sites_own(kept):
        pass  # it runs elsewhere, wherever its gateway is
    elif wanted not in (None, kept):
        raise OriginMismatch(
            f"origin is {origin_text(str(wanted))}, and the profile belongs to {origin_text(kept)}; use another profile"
        )
    return shown_origin(kept), not is_sites_own(kept)


def _transport(network: Any, tell_extra: Callable[[str], None]) -> Network | None:
    """What `open_user_agent` was given to answer for the whole network. Raises UsageError."""
    if network is None or hasattr(network, "exchange"):
        return cast(Network | None, network)
    if hasattr(network, "handle_async_request"):
        from swruntime.network.http import HttpxNetwork

        return HttpxNetwork(network, outside=False, tell=tell_extra)
    if callable(network):
        from swruntime.network.asgi import AsgiTransport
        from swruntime.network.http import HttpxNetwork

        return HttpxNetwork(AsgiTransport(network), outside=False, tell=tell_extra)
    raise UsageError(f"network is {network!r}; expected an httpx async transport, an ASGI app or a Network")


def _network(
    network: Network | None,
    out: Network,
    site: SiteFiles | None,
    headers: SiteHeaders,
    origin: str,
    elsewhere: bool,
    upstream: str | None,
    recording: Recording | None,
) -> Network:
    if recording is not None:
        from swruntime.network.replay import ReplayNetwork

        replayed = ReplayNetwork(recording)
        if elsewhere or site is None or upstream is not None:
            return replayed
        return OriginRouter(replayed, {origin: ReplayNetwork(recording, SiteNetwork(site, headers))})
    if network is None:
        if upstream is not None:
            from swruntime.network.upstream import UpstreamNetwork

            return OriginRouter(out, {origin: UpstreamNetwork(out, upstream=upstream, site=origin)})
        if elsewhere or site is None:
            return out
        return OriginRouter(out, {origin: SiteNetwork(site, headers)})
    return network


def _recording(
    stack: ExitStack, replay: Path | str | None, record: Path | str | None, network: object
) -> Recording | None:
    if replay is None:
        return None
    if network is not None:
        raise UsageError(f"replay is {str(replay)!r}, and network is {network!r}; expected one of them")
    if record is not None and Path(record).resolve() == Path(replay).resolve():
        raise UsageError(f"record and replay are both {str(replay)!r}; expected two files")
    from swruntime.network.replay import read_recording

    return stack.enter_context(read_recording(Path(replay)))


def _har_writer(stack: ExitStack, record: Path, failed: Callable[[OutputFailed], None]) -> HarWriter:
    from swruntime.network.recording import har_writer

    return stack.enter_context(har_writer(record, VERSION, failed))


def _recorded(network: Network, writer: HarWriter) -> Network:
    from swruntime.network.recording import RecordingNetwork

    return RecordingNetwork(network, writer, _wall_clock().now)


def _read_cookies(file: Path) -> tuple[Cookie, ...]:
    try:
        # A header's value stands for bytes, one character each.
        return parse_cookie_file(file.read_text(encoding="latin-1"), _wall_clock().now())
    except ValueError as error:
        raise UsageError(f"cookie_jar is {str(file)!r}, {error}") from None
    except OSError as error:
        raise UsageError(f"cookie_jar is {str(file)!r}, which cannot be read: {error.strerror}") from None


def _wall_clock() -> WallClock:
    testing = sys.modules.get("trio.testing")
    clock = trio.lowlevel.current_clock()
    return VirtualWallClock() if testing and isinstance(clock, testing.MockClock) else SystemWallClock()


def _tell_on_console(trace: Trace) -> Callable[[str], None]:
    return lambda text: trace.emit(Console(level="error", text=text, where=None))


def _tell_skipped(trace: Trace) -> Callable[[str, str], None]:
    return lambda code, message: trace.emit(Diagnostic(code=code, message=message))


__all__ = ["DEFAULT_ORIGIN", "VERSION", "ScriptError", "checked_origin", "open_user_agent"]
