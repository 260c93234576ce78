"""About how much memory plain values take."""

from __future__ import annotations

from typing import Any

import attrs

_OBJECT = 50
_NUMBER = 32


def memory_of(value: object) -> int:
    """Bytes, about: of texts, bytes, numbers, tuples, and of attrs classes made of such.

    What nests deeper than a call stack is not for it: a message is a table, and does not.
    """
    if isinstance(value, str | bytes):
        return _OBJECT + len(value)
    if isinstance(value, tuple):
        return _OBJECT + sum(map(memory_of, value))
    cls: Any = type(value)
    if attrs.has(cls):
        fields = [field for field in attrs.fields(cls) if field.init]
        return _OBJECT + sum(memory_of(getattr(value, field.name)) for field in fields)
    return _NUMBER
