"""Values to JSON text and back.

Every field is written, the ones at their defaults too, so that a default may change without changing what
an older profile says. Unknown keys are ignored when read. The text is ASCII, with escapes: a DOMString may
hold lone surrogates, which SQLite's text cannot.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from functools import lru_cache
from typing import Any, TypeVar

import cattrs
from cattrs.gen import make_dict_unstructure_fn, override
from cattrs.strategies import configure_tagged_union

from swruntime.concepts import messages
from swruntime.concepts.http import Request, StoredBody

T = TypeVar("T")


def _request_body(value: Any, _: object) -> StoredBody | bytes | None:
    if value is None:
        return None
    if "base64" in value:
        return b64decode(value["base64"])
    return StoredBody(value["id"], value["length"])


def _message_value(value: Any, _: object) -> messages.Value:
    """What has no identity stands there as it is; a reference is an object, and so is what JSON does not have."""
    if not isinstance(value, dict):
        return value  # type: ignore[no-any-return]
    if "undefined" in value:
        return messages.Undefined()
    if "bigint" in value:
        number = int(value["bigint"], 16)
        return messages.BigInt(number) if -messages.SAFE <= number <= messages.SAFE else number
    return messages.Ref(value["index"])


_LONGEST = 10**300
"""An int beyond has so many digits that Python may refuse to write or read it in decimal."""


def _plain_value(value: messages.Value) -> Any:
    match value:
        case messages.Ref(index):
            return {"index": index}
        case messages.Undefined():
            return {"undefined": True}
        case messages.BigInt(number):
            return {"bigint": hex(number)}
        case int() if not -_LONGEST < value < _LONGEST:
            return {"bigint": hex(value)}
    return value


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=False)
    converter.register_structure_hook(bytes, lambda value, _: b64decode(value["base64"]))
    converter.register_unstructure_hook(bytes, lambda data: {"base64": b64encode(data).decode("ascii")})
    converter.register_structure_hook_func(lambda kind: kind == StoredBody | bytes | None, _request_body)
    converter.register_structure_hook(messages.Value, _message_value)
    converter.register_unstructure_hook(messages.Value, _plain_value)
    configure_tagged_union(messages.Node, converter)
    # What a request from outside brought is that client's, and is not kept.
    unstructure = make_dict_unstructure_fn(Request, converter, cookie=override(omit=True))
    converter.register_unstructure_hook(Request, unstructure)
    return converter


_converter = _make_converter()


def to_json(value: object) -> str:
    return json.dumps(_converter.unstructure(value), ensure_ascii=True, separators=(",", ":"))


def from_json(text: str, kind: type[T]) -> T:
    """The value of type `kind` that `to_json` made `text` of. Raises ValueError, KeyError for other text."""
    return _converter.structure(json.loads(text), kind)


@lru_cache(maxsize=1024)
def shared_from_json(text: str, kind: type[T]) -> T:
    """As `from_json`, for small frozen values of which a profile holds many equal ones."""
    return from_json(text, kind)


def url_key(url: str) -> str:
    """A serialized URL without its fragment."""
    return url.partition("#")[0]
