"""What a script of either kind of realm may ask for besides the members of its platform objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from swruntime.agent.messaging import Port
from swruntime.agent.promise import Promise
from swruntime.algorithms import urls
from swruntime.algorithms.webidl import python_name
from swruntime.errors import AbortError, ScriptError
from swruntime.realms.javascript.engine import Engine
from swruntime.realms.javascript.scripts import Scripts
from swruntime.realms.javascript.shapes import AnyShape, shown
from swruntime.realms.javascript.texts import LONGEST_LINE, more, shortened
from swruntime.realms.javascript.values import WireError
from swruntime.realms.python.absent_names import MEMBERS
from swruntime.realms.python.broadcast_channel import BroadcastChannel
from swruntime.realms.python.message_ports import MessagePort
from swruntime.realms.python.unimplemented import absent_global
from swruntime.trace import Console


class Messaging:
    """Objects that a script's constructors make: it chooses their numbers, and does not wait."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.operations: dict[str, Callable[..., Any]] = {
            "MessageChannel.new": self._channel,
            "BroadcastChannel.new": self._broadcast,
        }

    def _put(self, number: int, object: object) -> None:
        self._engine.handles.require_free(number)
        self._engine.handles.put(number, object)

    def _channel(self, one: int, other: int) -> None:
        for number, port in zip((one, other), Port.pair(), strict=True):
            self._put(number, MessagePort._of(self._engine.realm, port))

    def _broadcast(self, number: int, name: str) -> None:
        bound = self._engine.realm.context.bind(BroadcastChannel)
        bound._realm = self._engine.realm
        self._put(number, bound(name))


class Tools:
    """The console, diagnostics, and the text of modules."""

    def __init__(self, engine: Engine, scripts: Scripts) -> None:
        self._realm = engine.realm
        self._context = engine.realm.context
        self._scripts = scripts
        self.operations: dict[str, Callable[..., Any]] = {
            "console": self._console,
            "absent": self._absent,
            "diagnose": self._diagnose,
            "script.fetch": self._script,
        }
        if self._realm.own_worker is None:
            self.operations["Notification.requestPermission"] = self._request_permission

    def _console(self, level: str, text: str, cut: int = 0) -> None:
        """`cut`: so many characters more the line had, which the process did not send."""
        cut += max(len(text) - LONGEST_LINE, 0)
        shown = text[:LONGEST_LINE] + more(cut) if cut else text
        self._context.tell(Console(level=level, text=shown, where=self._context.where(), cut=cut or None))

    def _diagnose(self, code: str, text: str) -> None:
        self._context.diagnose(code, shortened(text), self._context.where())

    def _absent(self, name: str, known: bool) -> None:
        """A script touches what it has not got: tell, if browsers have it."""
        if not known and not self._is_absent(name):
            return
        text = f"{name} is not implemented in this version of swruntime"
        self._context.diagnose("not-implemented", text, self._context.where())

    def _is_absent(self, name: str) -> bool:
        """Whether browsers have it: a global, or INTERFACE.MEMBER."""
        interface, dot, member = name.partition(".")
        if dot:
            return "_" not in member and python_name(member) in MEMBERS.get(interface, ())
        scope = "Window" if self._realm.own_worker is None else "ServiceWorkerGlobalScope"
        return "_" not in name and absent_global(scope, name, member=python_name(name)) is not None

    def _request_permission(self) -> Promise[str]:
        """https://notifications.spec.whatwg.org/#dom-notification-requestpermission"""
        realm = self._realm

        async def operation() -> str:
            realm.agent.permissions.request("notifications", realm.storage_key)
            return realm.agent.shown_notifications.permission(realm.storage_key)

        return self._context.promise(operation, name="Notification.requestPermission")

    def _script(self, url: str) -> Promise[list[str]]:
        if not urls.is_http(url):
            raise WireError(f"a module at {shown(url)}")
        return self._context.promise(self._scripts.module, url, name="import")


def init_frame(
    engine: Engine, kind: str, url: str, *, module: bool, objects: dict[str, object]
) -> dict[str, Any]:
    """What a process is told first: which realm it is."""
    origin = engine.realm.context.environment.origin
    return {
        "t": "init",
        "kind": kind,
        "url": url,
        "origin": origin,
        "module": module,
        "isSecureContext": urls.is_potentially_trustworthy(origin),
        "objects": {name: engine.writer.write(each) for name, each in objects.items()},
    }


async def evaluate(engine: Engine, frame: dict[str, Any], answer: AnyShape) -> Any:
    """Have a script evaluated. Raises ScriptError, with the place, for what it threw."""
    try:
        return await engine.ask(frame, answer)
    except AbortError as error:
        raise ScriptError(engine.reason or str(error)) from error
