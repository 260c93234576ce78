"""The values that the specs define, spelled as the specs spell them."""

from __future__ import annotations

from typing import Literal, get_args

BackgroundFetchResult = Literal["", "success", "failure"]
"""https://wicg.github.io/background-fetch/#enumdef-backgroundfetchresult"""

BackgroundFetchFailureReason = Literal[
    "", "aborted", "bad-status", "fetch-error", "quota-exceeded", "download-total-exceeded"
]
"""https://wicg.github.io/background-fetch/#enumdef-backgroundfetchfailurereason"""

ENDS: tuple[str, ...] = (*get_args(BackgroundFetchResult)[1:], *get_args(BackgroundFetchFailureReason)[1:])
"""How a background fetch may be expected to end: its result, or its failure reason."""

RecordResult = Literal[
    "",
    "success",
    "aborted",
    "bad-status",
    "fetch-error",
    "quota-exceeded",
    "download-total-exceeded",
    "redundant",
]
"""A background fetch response's result: https://wicg.github.io/background-fetch/#background-fetch-response-result"""

WaitReason = Literal[
    "offline", "dns", "connect", "reset", "timeout", "retry-after", "slot", "permission", "paused"
]
"""Why a record does not transfer at the moment (the trace's `record.wait`)."""

WorkerState = Literal["parsed", "installing", "installed", "activating", "activated", "redundant"]
"""https://w3c.github.io/ServiceWorker/#enumdef-serviceworkerstate"""

EventOutcome = Literal["fulfilled", "rejected", "timed-out", "interrupted"]
"""How an extendable event ended. Only `interrupted` leaves a background fetch's event owed."""

PermissionState = Literal["granted", "denied", "prompt"]
"""https://w3c.github.io/permissions/#enumdef-permissionstate"""

ConditionsName = Literal["offline", "online", "slow-3g", "3g", "fast-3g", "slow-4g", "fast-4g"]
"""The presets of `swruntime.network.conditions`, by their names."""

UpdateViaCache = Literal["imports", "all", "none"]
"""https://w3c.github.io/ServiceWorker/#enumdef-serviceworkerupdateviacache"""

RequestMode = Literal["cors", "no-cors", "same-origin", "navigate"]
RequestCredentials = Literal["omit", "same-origin", "include"]
RequestCache = Literal["default", "no-store", "reload", "no-cache", "force-cache", "only-if-cached"]
RequestRedirect = Literal["follow", "error", "manual"]
RequestDestination = Literal[
    "",
    "audio",
    "audioworklet",
    "document",
    "embed",
    "font",
    "frame",
    "iframe",
    "image",
    "json",
    "manifest",
    "object",
    "paintworklet",
    "report",
    "script",
    "serviceworker",
    "sharedworker",
    "style",
    "track",
    "video",
    "worker",
    "xslt",
]
ReferrerPolicy = Literal[
    "",
    "no-referrer",
    "no-referrer-when-downgrade",
    "same-origin",
    "origin",
    "strict-origin",
    "origin-when-cross-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
]
ResponseType = Literal["basic", "cors", "default", "error", "opaque", "opaqueredirect"]
"""All of https://fetch.spec.whatwg.org/#request-class and #response-class."""
