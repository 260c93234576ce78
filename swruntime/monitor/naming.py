"""The names that specs/ has for what the machines take and give: a class `RecordSettled` is `record-settled`."""

from __future__ import annotations

import re
from functools import cache

from swruntime.machines import background_fetch, background_sync, extendable_event, record, service_worker


def kebab(cls: type) -> str:
    """The name of a class of inputs or effects."""
    return _kebab(cls.__name__)


@cache
def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def label(effect: object) -> str:
    """An effect's name, and the values of it that specs/ speaks of."""
    name = kebab(type(effect))
    match effect:
        case background_fetch.Answer(value):
            return f"{name} {str(value).lower()}"
        case background_fetch.Settle():
            return f"{name} {effect.result} {effect.event or 'none'}"
        case record.Settled():
            return f"{name} {effect.result}"
        case record.StoreResponse(fresh):
            return f"{name} fresh" if fresh else name
        case extendable_event.End():
            return f"{name} {effect.outcome}"
        case background_sync.Dispatch(last_chance=True):
            return f"{name} last-chance"
        case service_worker.StateChanged(state):
            return f"{name} {state.value}"
        case _:
            return name
