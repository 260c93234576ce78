"""The names of a worker script's global scope, typed, for editors and linters.

    from swruntime.worker import caches, registration

Inside a worker these are that worker's own objects; they are its globals, too, without any import. Outside a
worker there is nothing to hand out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

    from swruntime.agent.promise import Promise as Promise
    from swruntime.errors import (
        AbortError as AbortError,
        ConstraintError as ConstraintError,
        DataCloneError as DataCloneError,
        DataError as DataError,
        DOMException as DOMException,
        InvalidAccessError as InvalidAccessError,
        InvalidCharacterError as InvalidCharacterError,
        InvalidStateError as InvalidStateError,
        NetworkError as NetworkError,
        NotAllowedError as NotAllowedError,
        NotFoundError as NotFoundError,
        NotSupportedError as NotSupportedError,
        OperationError as OperationError,
        QuotaExceededError as QuotaExceededError,
        SecurityError as SecurityError,
        UnknownError as UnknownError,
        VersionError as VersionError,
    )
    from swruntime.realms.python.abort import AbortController as AbortController, AbortSignal as AbortSignal
    from swruntime.realms.python.background_fetch import (
        BackgroundFetchManager as BackgroundFetchManager,
        BackgroundFetchRecord as BackgroundFetchRecord,
        BackgroundFetchRegistration as BackgroundFetchRegistration,
    )
    from swruntime.realms.python.background_fetch_events import (
        BackgroundFetchEvent as BackgroundFetchEvent,
        BackgroundFetchUpdateUIEvent as BackgroundFetchUpdateUIEvent,
    )
    from swruntime.realms.python.blob import Blob as Blob, File as File
    from swruntime.realms.python.broadcast_channel import BroadcastChannel as BroadcastChannel
    from swruntime.realms.python.caches import Cache as Cache, CacheStorage as CacheStorage
    from swruntime.realms.python.clients import (
        Client as Client,
        Clients as Clients,
        WindowClient as WindowClient,
    )
    from swruntime.realms.python.console import Console
    from swruntime.realms.python.events import Event as Event, EventTarget as EventTarget
    from swruntime.realms.python.extendable import ExtendableEvent as ExtendableEvent
    from swruntime.realms.python.extendable_message import (
        ExtendableMessageEvent as ExtendableMessageEvent,
    )
    from swruntime.realms.python.fetch_event import FetchEvent as FetchEvent
    from swruntime.realms.python.form_data import FormData as FormData
    from swruntime.realms.python.headers import Headers as Headers
    from swruntime.realms.python.location import Location, Navigator
    from swruntime.realms.python.message_events import MessageEvent as MessageEvent
    from swruntime.realms.python.message_ports import (
        MessageChannel as MessageChannel,
        MessagePort as MessagePort,
    )
    from swruntime.realms.python.navigation_preload import (
        NavigationPreloadManager as NavigationPreloadManager,
    )
    from swruntime.realms.python.notifications import (
        Notification as Notification,
        NotificationEvent as NotificationEvent,
    )
    from swruntime.realms.python.push import (
        PushManager as PushManager,
        PushSubscription as PushSubscription,
        PushSubscriptionOptions as PushSubscriptionOptions,
    )
    from swruntime.realms.python.push_events import (
        PushEvent as PushEvent,
        PushMessageData as PushMessageData,
        PushSubscriptionChangeEvent as PushSubscriptionChangeEvent,
    )
    from swruntime.realms.python.request import Request as Request
    from swruntime.realms.python.response import Response as Response
    from swruntime.realms.python.search_params import URLSearchParams as URLSearchParams
    from swruntime.realms.python.service_worker import (
        ServiceWorker as ServiceWorker,
        ServiceWorkerContainer as ServiceWorkerContainer,
        ServiceWorkerRegistration as ServiceWorkerRegistration,
    )
    from swruntime.realms.python.streams import ReadableStream as ReadableStream
    from swruntime.realms.python.sync import (
        PeriodicSyncManager as PeriodicSyncManager,
        SyncManager as SyncManager,
    )
    from swruntime.realms.python.sync_events import (
        PeriodicSyncEvent as PeriodicSyncEvent,
        SyncEvent as SyncEvent,
    )
    from swruntime.realms.python.worker_realm import (
        InstallEvent as InstallEvent,
        ServiceWorkerGlobalScope,
    )

    self: ServiceWorkerGlobalScope
    """The global scope: `"onsync" in self` is feature detection, and what stands here is an attribute of it, too."""
    registration: ServiceWorkerRegistration
    """The registration that this worker belongs to."""
    service_worker: ServiceWorker
    """This worker itself, as its pages see it."""
    clients: Clients
    """The pages of this worker's origin."""
    caches: CacheStorage
    """The origin's caches: those of every page and worker of the origin."""
    console: Console
    """What is logged is in the trace, and on standard error of `run`; `print` is `console.log`."""
    location: Location
    """Where the script is."""
    navigator: Navigator
    """`navigator.permissions`, `navigator.storage`, `navigator.on_line`."""
    origin: str
    """The origin of the script, serialized."""
    is_secure_context: bool
    """Whether the origin is potentially trustworthy; only such an origin has service workers."""
    fetch: Callable[..., Promise[Response]]
    """`fetch(input, **init)`: https://fetch.spec.whatwg.org/#fetch-method. `init` is RequestInit, as for `Request`."""
    structured_clone: Callable[..., Any]
    """`structured_clone(value, transfer=None)`: `value` as a message would bring it. Raises DataCloneError."""
    skip_waiting: Callable[[], Promise[None]]
    """`skip_waiting()`: be activated without waiting for the pages of the worker before this one."""
    import_scripts: Callable[..., None]
    """`import_scripts(*urls)`: run further scripts of SITE in this scope. Raises NetworkError where SITE has none."""
    add_event_listener: Callable[..., None]
    """See `EventTarget.add_event_listener`. A function named `on` and an event type needs no call."""
    remove_event_listener: Callable[..., None]
    """See `EventTarget.remove_event_listener`."""
    dispatch_event: Callable[[Event], bool]
    """See `EventTarget.dispatch_event`."""


def __getattr__(name: str) -> NoReturn:
    if name.startswith("__"):
        raise AttributeError(name)
    raise ImportError(
        f"swruntime.worker.{name} is there inside a worker only: run the script with 'swruntime run SITE'"
    )
