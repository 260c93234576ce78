"""A window's realm, as far as a page without a document goes, and the Window that a test holds."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Protocol

import trio

from swruntime.agent.clients import Client
from swruntime.agent.messaging import Posted
from swruntime.agent.promise import Promise
from swruntime.agent.registrations import Registration
from swruntime.agent.user_agent import UserAgent
from swruntime.errors import ScriptError
from swruntime.network.site_files import SiteFiles
from swruntime.ports.realm import EventResult, EventSpec
from swruntime.realms.python.caches import CacheStorage
from swruntime.realms.python.console import Console
from swruntime.realms.python.context import RealmContext, error_text
from swruntime.realms.python.driver import start_script
from swruntime.realms.python.events import EventHandler, EventTarget
from swruntime.realms.python.loader import Loader
from swruntime.realms.python.location import Location, Navigator
from swruntime.realms.python.realm import PythonRealm
from swruntime.realms.python.scope import GlobalScope, common_names
from swruntime.realms.python.service_worker import ServiceWorkerContainer
from swruntime.realms.python.unimplemented import name_error
from swruntime.realms.python.worker_realm import open_context


class Window(GlobalScope):
    """A page: `window` in its script, and what `UserAgent.open_window()` answers with."""

    ononline = EventHandler()
    onoffline = EventHandler()

    def __init__(self, realm: WindowRealm) -> None:
        super().__init__(realm)
        self._window_realm = realm

    def __repr__(self) -> str:
        return f"<Window {self.location.href}>"

    @property
    def navigator(self) -> Navigator:
        return self._names["navigator"]  # type: ignore[no-any-return]

    @property
    def location(self) -> Location:
        return self._names["location"]  # type: ignore[no-any-return]

    @property
    def caches(self) -> CacheStorage:
        return self._names["caches"]  # type: ignore[no-any-return]

    async def run(self, path: str = "/page.py") -> Any:
        """Evaluate a page script of SITE and await its `async def main()`, if there is one; answer with its value.

        A JavaScript ("/page.js") has run when its top level has, and no timer and no call of it is outstanding any
        more; the answer is its completion value, awaited, where that can be cloned.

        Raises ScriptError, with the line, for whatever the script raises; SiteError where there is no such script.
        """
        return await self._window_realm.run(path)

    def focus(self) -> None:
        """Bring the page to the front, as its user would."""
        self._window_realm.agent.clients.focus(self._window_realm.client)

    async def navigate(self, url: str) -> Window:
        """Go to another page, as the user would; this Window is dead then, and the new one is answered with.

        Raises TypeError for a URL that does not parse, InvalidStateError once the page is closed.
        """
        realm = self._window_realm
        realm.context.check_alive()
        return await realm.agent.navigate(realm.client, url)  # type: ignore[no-any-return]

    def close(self) -> None:
        """Close the page: its script ends at once; its background fetches go on."""
        self._window_realm.close()


class PageScripts(Protocol):
    """Runs the scripts of a page that are in another language."""

    async def run(self, path: str, evaluated: Callable[[], None]) -> Any:
        """See `Window.run`. `evaluated` is called when the script's top level has run: from then on messages come."""
        ...


class WindowRealm(PythonRealm):
    """Implements `swruntime.ports.realm.Realm` for a page."""

    def __init__(
        self,
        agent: UserAgent,
        context: RealmContext,
        client: Client,
        open_javascript: Callable[[WindowRealm], PageScripts],
    ) -> None:
        super().__init__(agent, context)
        self._client = client
        client.realm = self
        agent.services.realms[self] = self.storage_key
        self.window = Window(self)
        self._console = Console(context)
        self.window._names = self._global_names()
        self._open_javascript = open_javascript
        self._javascript: PageScripts | None = None

    def _global_names(self) -> dict[str, Any]:
        container = self._container = ServiceWorkerContainer._create(self, self._client)
        return {
            **common_names(self, self._console, CacheStorage._create(self)),
            "self": self.window,
            "window": self.window,
            "location": Location.of(self._client.url),
            "navigator": Navigator._create(self, container),
            "add_event_listener": self.window.add_event_listener,
            "remove_event_listener": self.window.remove_event_listener,
            "dispatch_event": self.window.dispatch_event,
            "close": self.close,
        }

    async def run(self, path: str) -> Any:
        """See `Window.run`."""
        self.context.check_alive()
        names = self.window._names
        if not path.endswith(".py"):
            return await self._run_javascript(path)
        loader = Loader(
            self.context,
            globals=names,
            scope_modules={"swruntime.window": names},
            console=self._console,
            absent=lambda name: name_error(Window.__name__, name),
        )
        promise = self._start(loader, path)
        if promise is None:
            return None
        try:
            return await promise
        except Exception as error:
            raise ScriptError(error_text(error), where=self.context.where_of(error)) from error
        finally:
            self.context.report_unhandled()

    async def _run_javascript(self, path: str) -> Any:
        if self._javascript is None:
            self._javascript = self._open_javascript(self)
        container = self._container
        container._scripts_begin()
        try:
            return await self._javascript.run(path, container._scripts_have_run)
        finally:
            container._scripts_have_run()

    def _start(self, loader: Loader, path: str) -> Promise[Any] | None:
        """Evaluate a script and start its main. Messages come once that has suspended for the first time."""
        container = self._container
        container._scripts_begin()
        try:
            main = loader.run(path).get("main")
            if main is not None and not inspect.iscoroutinefunction(main):
                raise ScriptError(f"{path}: main is not an 'async def'; write 'async def main():'")
        except BaseException:
            container._scripts_have_run()
            raise
        if main is None:
            container._scripts_have_run()
            return None
        return start_script(
            self.context,
            main(),
            name=f"main of {path}",
            on_first_suspension=container._scripts_have_run,
        )

    @property
    def client(self) -> Client:
        return self._client

    def _object_for(self, about: object) -> EventTarget | None:
        return self._container if about is self._client else super()._object_for(about)

    def became_ready(self, registration: object) -> None:
        """See `swruntime.ports.realm.Realm.became_ready`."""
        assert isinstance(registration, Registration)

        async def task() -> None:
            self._container._resolve_ready(registration)
            # What reacts to it runs before the next task.
            await trio.lowlevel.checkpoint()

        if self.context.alive:
            self._enqueue(task)

    def receive(self, posted: object) -> None:
        """See `swruntime.ports.realm.Realm.receive`."""
        assert isinstance(posted, Posted)
        self._container._receive(posted)

    def close(self) -> None:
        self.discard("the window was closed")
        self.agent.client_left(self._client)

    async def evaluate(self) -> None:
        """A page without a document has nothing of its own to evaluate; its scripts are `run`."""

    async def dispatch(self, event: EventSpec) -> EventResult:
        raise AssertionError(f"{event.name} is an event of workers")

    def discard(self, reason: str) -> None:
        """See `swruntime.ports.realm.Realm.discard`."""
        self.agent.services.realms.pop(self, None)
        self.context.discard(reason)


async def open_window_realm(
    agent: UserAgent,
    site: SiteFiles | None,
    client: Client,
    open_javascript: Callable[[WindowRealm], PageScripts],
) -> Window:
    """The Window of a new realm for `client`. `open_javascript` is called when a page runs its first JavaScript."""
    context = await open_context(agent, site, client.environment)
    return WindowRealm(agent, context, client, open_javascript).window
