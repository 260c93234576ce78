"""A page's scripts in JavaScript: one process for all of them, faces of the objects of the page's own realm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from swruntime.agent.scripts import Script
from swruntime.errors import NetworkError, NotSupportedError, ScriptError, SiteError
from swruntime.realms.javascript.engine import Engine
from swruntime.realms.javascript.messages import from_wire
from swruntime.realms.javascript.operations import Messaging, Tools, evaluate, init_frame
from swruntime.realms.javascript.protocol import COMPLETED, EVALUATED
from swruntime.realms.javascript.scripts import Scripts
from swruntime.realms.javascript.start import spares_of
from swruntime.realms.python.structured_clone import deserialize
from swruntime.realms.python.window_realm import WindowRealm


class JavaScriptPage:
    """Implements `swruntime.realms.python.window_realm.PageScripts`."""

    def __init__(self, realm: WindowRealm) -> None:
        self._realm = realm
        self._engine: Engine | None = None
        self._kept: dict[str, Script] = {}
        self._scripts = Scripts(realm, self._kept)
        self._failure: ScriptError | None = None
        self._pending = False
        """What the script's last statement was worth is a promise, which is not fulfilled yet."""

    async def run(self, path: str, evaluated: Callable[[], None]) -> Any:
        """See `swruntime.realms.python.window_realm.PageScripts.run`."""
        realm = self._realm
        origin = realm.context.environment.origin
        url = f"{origin}/{path.lstrip('/')}"
        module = path.endswith(".mjs")
        self._kept.clear()
        try:
            source = await self._scripts.page(url, module=module)
        except (NetworkError, TypeError) as error:
            raise SiteError(f"{path}: {error}") from error
        self._failure = None
        self._pending = True
        engine = await self._opened()
        frame = {"t": "run", "source": source, "url": url, "module": module}
        answer = await evaluate(engine, frame, EVALUATED)
        self._pending = self._pending and answer.get("pending") is True
        evaluated()
        await self._until_done(engine)
        value = await self._completion(engine)
        realm.context.report_unhandled()
        if self._failure is not None:
            raise self._failure
        return value

    async def _opened(self) -> Engine:
        if self._engine is not None and self._engine.reason is None:
            return self._engine
        realm = self._realm
        try:
            process = await spares_of(realm.agent).take()
        except NotSupportedError as error:
            raise ScriptError(str(error)) from error
        if not realm.context.alive:
            await process.aclose()
            raise ScriptError(str(realm.context.dead_error()))
        engine = self._engine = Engine(
            realm, process, places=self._scripts.places, target=realm.window, on_death=self._died
        )
        engine.operations |= {
            **Messaging(engine).operations,
            **Tools(engine, self._scripts).operations,
            "close": realm.close,
            "completed": self._completed,
        }
        engine.on_report = self._reported
        navigator = realm.window.navigator
        objects = {
            "caches": realm.window.caches,
            "navigator": navigator,
            "serviceWorker": navigator.service_worker,
        }
        url = realm.context.environment.url
        engine.send(init_frame(engine, "window", url, module=False, objects=objects))
        spares_of(realm.agent).refill(engine.channel.until_idle)
        return engine

    def _completed(self) -> None:
        self._pending = False

    def _reported(self, kind: str, text: str, where: str | None) -> None:
        # As the `main` of a Python page would raise it.
        if self._failure is None:
            self._failure = ScriptError(text, where=where)

    def _died(self, reason: str) -> None:
        context = self._realm.context
        if context.alive:
            context.diagnose(
                "script-process-ended", f"the scripts of {context.environment.url} are gone: {reason}"
            )
        if self._engine is not None:
            self._engine.close()

    async def _until_done(self, engine: Engine) -> None:
        """Wait until the scripts have nothing outstanding: no timer, no call, no promise that was their last worth.

        Such a promise and `ready` may never come; they are waited for as long as anything is going on that could
        bring them.
        """
        agent = self._realm.agent
        while not engine.channel.closed:
            await engine.channel.until_idle()
            if engine.outstanding:
                await engine.until_changed()
            elif self._failure is not None or not (self._pending or engine.waits_for_ready):
                break
            elif agent.can_go_on:
                await agent.services.activity.wait_for_change()
            else:
                break
            await trio.lowlevel.checkpoint()
        if engine.reason is not None:
            raise ScriptError(engine.reason)

    async def _completion(self, engine: Engine) -> Any:
        """What the script's last statement was worth, if that is settled by now."""
        answer = await evaluate(engine, {"t": "completion"}, COMPLETED)
        return None if answer is None else deserialize(from_wire(answer["message"]), (), self._realm.context)
