"""What a Headers object lets through: its guard.

A Headers object's methods are these functions on its header list and guard.
Spec: https://fetch.spec.whatwg.org/#headers-class
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from swruntime.algorithms import headers as h, webidl
from swruntime.concepts.http import HeaderList

Guard = Literal["none", "request", "request-no-cors", "response", "immutable"]
"""https://fetch.spec.whatwg.org/#concept-headers-guard"""


def guard_allows(guard: Guard, name: str, value: str) -> bool:
    """Whether a header may be set; what may not is left out in silence, as scripts have always known it.

    Raises TypeError for what is not a header, and for every header when the guard is "immutable".
    Spec: https://fetch.spec.whatwg.org/#headers-validate, and for "request-no-cors" #dom-headers-set, step 3
    """
    if not _validate(guard, name, value):
        return False
    return guard != "request-no-cors" or h.is_no_cors_safelisted(name, value)


def append(headers: HeaderList, guard: Guard, name: str, value: str) -> HeaderList:
    """https://fetch.spec.whatwg.org/#concept-headers-append. Raises TypeError."""
    # 1. Normalize.
    value = h.normalize_value(value)
    # 2. Validate.
    if not _validate(guard, name, value):
        return headers
    # 3. Without CORS, what the header would be as a whole must be safe.
    if guard == "request-no-cors":
        existing = headers.get(name)
        combined = value if existing is None else f"{existing}, {value}"
        if not h.is_no_cors_safelisted(name, combined):
            return headers
    # 4, 5. Append.
    return _without_privileged(headers.append(name, value), guard)


def set_value(headers: HeaderList, guard: Guard, name: str, value: str) -> HeaderList:
    """https://fetch.spec.whatwg.org/#dom-headers-set. Raises TypeError."""
    value = h.normalize_value(value)
    if not guard_allows(guard, name, value):
        return headers
    return _without_privileged(headers.set(name, value), guard)


def delete(headers: HeaderList, guard: Guard, name: str) -> HeaderList:
    """https://fetch.spec.whatwg.org/#dom-headers-delete. Raises TypeError."""
    # 1. Validate, with a value that is no reason to refuse.
    if not _validate(guard, name, ""):
        return headers
    # 2. Without CORS only the few names that may be there.
    if guard == "request-no-cors" and not (
        h.is_no_cors_safelisted_name(name) or name.lower() in {p.lower() for p in h.PRIVILEGED_NO_CORS}
    ):
        return headers
    # 3. What is not there changes nothing, not even the privileged ones.
    if name not in headers:
        return headers
    return _without_privileged(headers.delete(name), guard)


def fill(headers: HeaderList, guard: Guard, init: object, name: str = "headers") -> HeaderList:
    """Append what a script gave: a mapping, a list of pairs, or a header list. `name` is for the TypeErrors.

    Spec: https://fetch.spec.whatwg.org/#concept-headers-fill
    """
    for key, value in _pairs(init, name):
        header = webidl.byte_string(f"a name in {name}", key)
        headers = append(headers, guard, header, webidl.byte_string(f"{name}[{header!r}]", value))
    return headers


def _pairs(init: object, name: str) -> Iterable[tuple[object, object]]:
    if isinstance(init, Mapping):
        return tuple(init.items())
    result: list[tuple[object, object]] = []
    for item in webidl.sequence(name, init):
        pair = webidl.sequence(f"an item of {name}", item)
        if len(pair) != 2:
            raise TypeError(f"an item of {name} is {webidl.shown(item)}; expected a name and a value")
        result.append((pair[0], pair[1]))
    return result


def _validate(guard: Guard, name: str, value: str) -> bool:
    # 1. It must be a header.
    if not h.is_name(name):
        raise TypeError(f"{webidl.shown(name)} is not a header name")
    if not h.is_value(value):
        raise TypeError(f"{webidl.shown(value)} is not a value for the header {name!r}")
    # 2. These headers are not the script's to change.
    if guard == "immutable":
        raise TypeError(f"the header {name!r} cannot be changed: these headers are immutable")
    # 3. A request's.
    if guard == "request" and h.is_forbidden_request_header(name, value):
        return False
    # 4. A response's.
    return not (guard == "response" and h.is_forbidden_response_header_name(name))


def _without_privileged(headers: HeaderList, guard: Guard) -> HeaderList:
    """https://fetch.spec.whatwg.org/#concept-headers-remove-privileged-no-cors-request-headers"""
    return headers.delete(*h.PRIVILEGED_NO_CORS) if guard == "request-no-cors" else headers
