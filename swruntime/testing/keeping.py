"""Failing examples that stay, as files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tomli_w

from swruntime.testing.experiment import parsed_whole

_WIDTH = 110


def keep(scenario: Mapping[str, Any], path: Path | str) -> None:
    """Write a scenario, plain data, to a TOML file: a failing example that stays. Nothing is written of what is none.

    In a test of `@given`, where the examples shrink, the last one that is kept is the smallest.

    Raises UsageError, and OSError where the file cannot be written.
    """
    parsed_whole(scenario)
    Path(path).write_text("\n".join(_lines(scenario)) + "\n", "utf-8")


def _lines(scenario: Mapping[str, Any]) -> Iterator[str]:
    """A table for each background fetch, server and step, and a line for each key: what is kept is read by people.

    tomli-w would give a line to each element of each array, however short.
    """
    tables = {key: value for key, value in scenario.items() if _is_tables(value)}
    yield from _pairs({key: value for key, value in scenario.items() if key not in tables})
    for key, value in tables.items():
        if isinstance(value, list):
            for each in value:
                yield from ("", f"[[{key}]]", *_pairs(each))
        elif all(isinstance(each, Mapping) for each in value.values()):
            for name, each in value.items():
                yield from ("", f"[{key}.{_key(name)}]", *_pairs(each))
        else:
            yield from ("", f"[{key}]", *_pairs(value))


def _is_tables(value: object) -> bool:
    many = isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value)
    return bool(many or (isinstance(value, Mapping) and value))


def _pairs(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, str) and "\r" not in value:  # which tomli-w drops from a text in lines
            yield tomli_w.dumps({key: value}, multiline_strings=True).rstrip("\n")
            continue
        line = f"{_key(key)} = {_inline(value)}"
        if isinstance(value, list) and len(line) > _WIDTH:
            yield f"{_key(key)} = ["
            yield from (f"    {_inline(each)}," for each in value)
            yield "]"
        else:
            yield line


def _inline(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_inline(each) for each in value)}]"
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(key)} = {_inline(each)}" for key, each in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    return tomli_w.dumps({"x": value}).removeprefix("x = ").rstrip("\n")


def _key(key: str) -> str:
    return tomli_w.dumps({key: 0}).removesuffix(" = 0\n")
