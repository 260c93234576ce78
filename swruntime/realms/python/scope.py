"""The names that worker and window scopes have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from swruntime import errors
from swruntime.agent.promise import Promise
from swruntime.algorithms import urls
from swruntime.realms.python.abort import AbortController, AbortSignal
from swruntime.realms.python.background_fetch import (
    BackgroundFetchManager,
    BackgroundFetchRecord,
    BackgroundFetchRegistration,
)
from swruntime.realms.python.blob import Blob, File
from swruntime.realms.python.broadcast_channel import BroadcastChannel
from swruntime.realms.python.caches import Cache, CacheStorage
from swruntime.realms.python.console import Console
from swruntime.realms.python.events import Event, EventTarget
from swruntime.realms.python.fetching import fetch
from swruntime.realms.python.form_data import FormData
from swruntime.realms.python.headers import Headers
from swruntime.realms.python.message_events import MessageEvent
from swruntime.realms.python.message_ports import MessageChannel, MessagePort, Transfer, structured_clone
from swruntime.realms.python.navigation_preload import NavigationPreloadManager
from swruntime.realms.python.notifications import notification_class
from swruntime.realms.python.push import PushManager, PushSubscription, PushSubscriptionOptions
from swruntime.realms.python.realm import PythonRealm
from swruntime.realms.python.request import Request
from swruntime.realms.python.response import Response
from swruntime.realms.python.search_params import URLSearchParams
from swruntime.realms.python.service_worker import (
    ServiceWorker,
    ServiceWorkerContainer,
    ServiceWorkerRegistration,
)
from swruntime.realms.python.streams import ReadableStream
from swruntime.realms.python.sync import PeriodicSyncManager, SyncManager
from swruntime.realms.python.unimplemented import attribute_error

EXPOSED: tuple[type, ...] = (
    BackgroundFetchManager,
    BackgroundFetchRecord,
    BackgroundFetchRegistration,
    Cache,
    CacheStorage,
    MessagePort,
    NavigationPreloadManager,
    PeriodicSyncManager,
    Promise,
    PushManager,
    PushSubscription,
    PushSubscriptionOptions,
    ReadableStream,
    ServiceWorker,
    ServiceWorkerContainer,
    ServiceWorkerRegistration,
    SyncManager,
)
"""Interfaces that are the same in every realm; feature detection finds them by name."""

CONSTRUCTED: tuple[type, ...] = (
    AbortController,
    AbortSignal,
    Blob,
    Event,
    EventTarget,
    File,
    FormData,
    Headers,
    MessageEvent,
    Request,
    Response,
    URLSearchParams,
)
"""Interfaces of which each realm has its own: their constructors need to know it."""

EXCEPTIONS: dict[str, type] = {
    "DOMException": errors.DOMException,
    **{cls.name: cls for cls in errors.DOMException.__subclasses__() if cls.name != "TimeoutError"},
}


def common_names(realm: PythonRealm, console: Console, caches: CacheStorage) -> dict[str, Any]:
    """What both kinds of scope have."""

    def fetch_(input: str | Request, **init: Any) -> Promise[Response]:
        return fetch(realm, input, **init)

    def structured_clone_(value: object, transfer: Transfer = None) -> Any:
        return structured_clone(realm, value, transfer)

    fetch_.__name__ = fetch_.__qualname__ = "fetch"
    structured_clone_.__name__ = structured_clone_.__qualname__ = "structured_clone"
    return {
        **{cls.__name__: cls for cls in EXPOSED},
        **{cls.__name__: realm.context.bind(cls) for cls in CONSTRUCTED},
        **{cls.__name__: _with_realm(cls, realm) for cls in (BroadcastChannel, MessageChannel)},
        "Notification": notification_class(realm),
        **EXCEPTIONS,
        "caches": caches,
        "console": console,
        "fetch": fetch_,
        "is_secure_context": urls.is_potentially_trustworthy(realm.context.environment.origin),
        "origin": realm.context.environment.origin,
        "structured_clone": structured_clone_,
    }


def _with_realm(cls: type[BroadcastChannel] | type[MessageChannel], realm: PythonRealm) -> type:
    """This realm's own subclass, whose constructor finds the realm."""
    bound = realm.context.bind(cls)
    bound._realm = realm
    return bound


class GlobalScope(EventTarget):
    """A global object whose names are the script's globals as well."""

    def __init__(self, realm: PythonRealm) -> None:
        super().__init__()
        self._context = realm.context
        self._realm = realm
        self._names: Mapping[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self._names:
            return self._names[name]
        raise attribute_error(self, name)

    def __contains__(self, name: str) -> bool:
        """Feature detection, as `'BackgroundFetchManager' in self`."""
        return name in self._names or hasattr(type(self), name)
