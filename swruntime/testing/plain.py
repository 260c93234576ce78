"""Values of plain data, as a TOML file has them. A ValueError names the key, the value and what is expected."""

from __future__ import annotations

from collections.abc import Mapping, Set as AbstractSet
from typing import Any

from swruntime.algorithms.sizes import parse_size


def seconds(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ValueError(f"{key} is {value!r}; expected seconds, 0 or more")
    return float(value)


def size(key: str, value: object) -> int:
    if isinstance(value, str):
        try:
            return parse_size(value)
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{key} is {value!r}; expected bytes, such as 65536 or '20MiB'")
    return value


def text(key: str, value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} is {value!r}; expected text")
    return value


def table(key: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{key} is {value!r}; expected a table")
    return value


def list_of_tables(key: str, data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What `data` has as `key`; nothing is none."""
    value = data.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        raise ValueError(f"{key} is {value!r}; expected [[{key}]] tables")
    return value


def checked_keys(of: str, data: Mapping[str, Any], expected: AbstractSet[str]) -> None:
    unknown = data.keys() - expected
    if unknown:
        raise ValueError(f"{of}: {min(unknown)!r} is not a key; expected {', '.join(sorted(expected))}")
