"""Messages in JavaScript's names: `downloadTotal`, where the runtime's own message says `download_total`."""

from __future__ import annotations

import re
from functools import cache

from swruntime.algorithms.webidl import python_name
from swruntime.realms.javascript.faces import FACES

_FURTHER = """
    waitUntil respondWith preloadResponse replacesClientId resultingClientId clientId updateUI lastChance skipWaiting
    importScripts downloadTotal cacheName ignoreSearch ignoreMethod ignoreVary includeUncontrolled updateViaCache
    minInterval userVisibleOnly applicationServerKey requireInteraction clientURL scriptURL serviceWorker
    statusText referrerPolicy requestPermission maxActions addEventListener deprecatedCallback
"""
"""What is not a member of a face: of events, dictionaries and Fetch."""


@cache
def _names() -> dict[str, str]:
    """Python's spelling -> JavaScript's, of what differs."""
    members = (name for face in FACES.values() for name in (*face.state, *face.methods, *face.promises))
    return {python_name(name): name for name in (*members, *_FURTHER.split()) if python_name(name) != name}


@cache
def _pattern() -> re.Pattern[str]:
    # Not in a URL or a path, a string or a longer word: that is the script's, or a server's.
    kept = r"""\S*[/?]\S*|(?<!\w)'[^']*'|(?<!\w)"[^"]*\""""
    words = "|".join(sorted(_names(), key=len, reverse=True))
    return re.compile(rf"{kept}|(?<![\w%'\"-])({words})(?![\w%'\"-])")


def in_javascript(message: str) -> str:
    """`message`, with the names of the platform's members as JavaScript has them."""
    message = message.replace("await service_worker.ready", "await navigator.serviceWorker.ready")
    return _pattern().sub(lambda found: _names()[found[1]] if found[1] else found[0], message)
