"""Which members of the platform objects a script may ask for, and how.

An interface of the standards is a Python class; JavaScript's is a face of it. `state` are the attributes that the
process is told, with the object and whenever they have changed; `methods` take values as `values.py` reads them;
`promises` are attributes that the IDL calls promises; a value in `state` of the same name is what one is fulfilled
with. What is not in here cannot be asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from swruntime.algorithms.webidl import python_name
from swruntime.realms.javascript.values import (
    Reader,
    a_message,
    a_request,
    a_response,
    dictionary,
    ports,
    requests,
    value,
)
from swruntime.realms.python import (
    background_fetch,
    broadcast_channel,
    caches,
    clients,
    location,
    message_ports,
    navigation_preload,
    notifications,
    push,
    service_worker,
    sync,
)

Attribute = Callable[[Any], Any]


@attrs.frozen
class Method:
    """`attribute` is what is called, `readers` are for its arguments, of which `required` must be there.

    A script does not wait for one that is `told`: it has no answer.
    """

    attribute: str
    readers: tuple[Reader, ...]
    required: int
    told: bool = False


@attrs.frozen
class Face:
    name: str
    cls: type
    state: Mapping[str, Attribute] = attrs.field(factory=dict)
    methods: Mapping[str, Method] = attrs.field(factory=dict)
    promises: Mapping[str, str] = attrs.field(factory=dict)


def _attributes(names: str) -> dict[str, Attribute]:
    def getter(name: str) -> Attribute:
        attribute = python_name(name)
        return lambda self: getattr(self, attribute)

    return {name: getter(name) for name in names.split()}


def _method(
    name: str, *readers: Reader, required: int | None = None, told: bool = False
) -> tuple[str, Method]:
    least = sum(not reader.optional for reader in readers) if required is None else required
    return name, Method(python_name(name), readers, least, told)


_QUERY = dictionary("ignoreSearch", "ignoreMethod", "ignoreVary")
_POST = _method("postMessage", a_message, ports, told=True)

FACES: dict[str, Face] = {
    face.name: face
    for face in (
        Face(
            "BackgroundFetchManager",
            background_fetch.BackgroundFetchManager,
            methods=dict(
                [
                    _method("fetch", value, requests, dictionary("title", "icons", "downloadTotal")),
                    _method("get", value),
                    _method("getIds"),
                ]
            ),
        ),
        Face(
            "BackgroundFetchRegistration",
            background_fetch.BackgroundFetchRegistration,
            state=_attributes(
                "id uploadTotal uploaded downloadTotal downloaded result failureReason recordsAvailable"
            ),
            methods=dict(
                [
                    _method("abort"),
                    _method("match", a_request, _QUERY),
                    _method("matchAll", a_request, _QUERY, required=0),
                ]
            ),
        ),
        Face(
            "BackgroundFetchRecord",
            background_fetch.BackgroundFetchRecord,
            state={**_attributes("request"), "responseReady": lambda self: self.told_response},
            promises={"responseReady": "response_ready"},
        ),
        Face(
            "Cache",
            caches.Cache,
            methods=dict(
                [
                    _method("match", a_request, _QUERY),
                    _method("matchAll", a_request, _QUERY, required=0),
                    _method("add", a_request),
                    _method("addAll", requests),
                    _method("put", a_request, a_response),
                    _method("delete", a_request, _QUERY),
                    _method("keys", a_request, _QUERY, required=0),
                ]
            ),
        ),
        Face(
            "CacheStorage",
            caches.CacheStorage,
            methods=dict(
                [
                    _method(
                        "match",
                        a_request,
                        dictionary("cacheName", "ignoreSearch", "ignoreMethod", "ignoreVary"),
                    ),
                    _method("has", value),
                    _method("open", value),
                    _method("delete", value),
                    _method("keys"),
                ]
            ),
        ),
        Face(
            "WindowClient",
            clients.WindowClient,
            state=_attributes("url frameType id type visibilityState focused ancestorOrigins"),
            methods=dict([_POST, _method("focus"), _method("navigate", value)]),
        ),
        Face(
            "Clients",
            clients.Clients,
            methods=dict(
                [
                    _method("get", value),
                    _method("matchAll", dictionary("includeUncontrolled", "type")),
                    _method("openWindow", value),
                    _method("claim"),
                ]
            ),
        ),
        Face(
            "MessagePort",
            message_ports.MessagePort,
            methods=dict([_POST, _method("start", told=True), _method("close", told=True)]),
        ),
        Face(
            "BroadcastChannel",
            broadcast_channel.BroadcastChannel,
            methods=dict([_method("postMessage", a_message, told=True), _method("close", told=True)]),
        ),
        Face(
            "NavigationPreloadManager",
            navigation_preload.NavigationPreloadManager,
            methods=dict(
                [_method("enable"), _method("disable"), _method("setHeaderValue", value), _method("getState")]
            ),
        ),
        Face(
            "Notification",
            notifications.Notification,
            state={
                **_attributes(
                    "title dir lang body navigate tag image icon badge vibrate timestamp renotify silent "
                    "requireInteraction actions"
                ),
                "data": lambda self: self._concept.data,
            },
            methods=dict([_method("close", told=True)]),
        ),
        Face(
            "PushManager",
            push.PushManager,
            methods=dict(
                [
                    _method("subscribe", dictionary("userVisibleOnly", "applicationServerKey")),
                    _method("getSubscription"),
                    _method("permissionState", dictionary("userVisibleOnly", "applicationServerKey")),
                ]
            ),
        ),
        Face(
            "PushSubscription",
            push.PushSubscription,
            state={
                **_attributes("endpoint expirationTime"),
                "options": lambda self: {
                    "userVisibleOnly": self.options.user_visible_only,
                    "applicationServerKey": self.options.application_server_key,
                },
                "keys": lambda self: {name: self.get_key(name) for name in ("p256dh", "auth")},
                "json": lambda self: self.to_json(),
            },
            methods=dict([_method("unsubscribe")]),
        ),
        Face(
            "ServiceWorker",
            service_worker.ServiceWorker,
            state=_attributes("scriptURL state"),
            methods=dict([_POST]),
        ),
        Face(
            "ServiceWorkerRegistration",
            service_worker.ServiceWorkerRegistration,
            state=_attributes(
                "scope updateViaCache installing waiting active backgroundFetch navigationPreload pushManager "
                "sync periodicSync"
            ),
            methods=dict(
                [
                    _method("update"),
                    _method("unregister"),
                    _method(
                        "showNotification",
                        value,
                        dictionary(
                            "actions badge body data dir icon image lang navigate renotify requireInteraction "
                            "silent tag timestamp vibrate",
                        ),
                    ),
                    _method("getNotifications", dictionary("tag")),
                ]
            ),
        ),
        Face(
            "ServiceWorkerContainer",
            service_worker.ServiceWorkerContainer,
            state=_attributes("controller"),
            methods=dict(
                [
                    _method("register", value, dictionary("scope", "type", "updateViaCache")),
                    _method("getRegistration", value, required=0),
                    _method("getRegistrations"),
                    _method("startMessages", told=True),
                ]
            ),
            promises={"ready": "ready"},
        ),
        Face("SyncManager", sync.SyncManager, methods=dict([_method("register", value), _method("getTags")])),
        Face(
            "PeriodicSyncManager",
            sync.PeriodicSyncManager,
            methods=dict(
                [
                    _method("register", value, dictionary("minInterval")),
                    _method("getTags"),
                    _method("unregister", value),
                ]
            ),
        ),
        Face(
            "Permissions",
            location.Permissions,
            methods=dict([_method("query", dictionary("name"))]),
        ),
        Face("StorageManager", location.StorageManager, methods=dict([_method("estimate")])),
        Face(
            "Navigator",
            location.Navigator,
            state={
                **_attributes("onLine userAgent permissions storage"),
                "serviceWorker": lambda self: self._service_worker,
                # A static attribute of Notification, which is not an object.
                "notificationPermission": lambda self: self._realm.agent.shown_notifications.permission(
                    self._realm.storage_key
                ),
            },
        ),
    )
}


def face_of(object: object) -> Face | None:
    """The face of a platform object, None for what is none."""
    for cls in type(object).__mro__:
        face = FACES.get(cls.__name__)
        if face is not None and face.cls is cls:
            return face
    return None
