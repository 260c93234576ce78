"""What a sweep of deaths has found, and how it says so."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from swruntime.testing.outcome import Outcome

_SHOWN = 3
"""Lines of the summary, and of what differs after one death."""


@attrs.frozen
class Death:
    """A point at which a worker, or the process, died in one run.

    `number` counts the points of the undisturbed run, from 0. `file` is relative to SITE, and None where the
    worker was idle; `line` counts from 1, and `source` is what is written there. `events` were being handled.
    """

    number: int
    file: str | None
    line: int | None
    source: str
    events: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """ "worker.py:12", or "idle after install"."""
        return self.source if self.file is None else f"{self.file}:{self.line}"

    def __str__(self) -> str:
        return self.where if self.file is None else f"{self.where}: {self.source}"


@attrs.frozen
class Difference:
    """A death after which the outcome is another one than undisturbed. `changes` says what differs, a line each.

    `lost` are the events that it interrupted and that nobody dispatches again: whoever sent them has to notice.
    """

    death: Death
    changes: tuple[str, ...]
    lost: tuple[str, ...]
    outcome: Outcome

    def __str__(self) -> str:
        return "\n".join([str(self.death), *self.lines])

    @property
    def lines(self) -> tuple[str, ...]:
        """What differs, indented, and no more of it than one wants to read."""
        return tuple(f"    {line}" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield from self.changes[:_SHOWN]
        if len(self.changes) > _SHOWN:
            yield f"and {len(self.changes) - _SHOWN} more"
        for name in self.lost:
            yield f"(a {name} event was lost: it is not dispatched again)"


@attrs.frozen(repr=False)
class Sweep:
    """Every death of a sweep, and those after which the outcome differs. False where there are none of these.

    `kind` is "stopped" (the worker) or "killed" (the process). `undisturbed` is the outcome without a death.
    """

    kind: str
    deaths: tuple[Death, ...]
    differences: tuple[Difference, ...]
    undisturbed: Outcome

    def __bool__(self) -> bool:
        return bool(self.differences)

    def __repr__(self) -> str:
        found = list(dict.fromkeys(difference.death.where for difference in self.differences))
        names = ", ".join(found[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
        what = f"{len(self.differences)} of {len(self.deaths)} deaths change the outcome"
        return f"<{self.kind}: {what}: {names}>" if names else f"<{self.kind}: {what}>"

    def __str__(self) -> str:
        whom = "The worker was stopped" if self.kind == "stopped" else "The process was killed"
        if not self.differences:
            return f"{whom} {len(self.deaths)} times; each time the outcome was the same."
        head = f"{whom} {len(self.deaths)} times; {len(self.differences)} times the outcome was another one:"
        # A line with several awaits, or in a loop, is one line here.
        alike: dict[tuple[str, tuple[str, ...]], int] = {}
        for each in self.differences:
            alike[str(each.death), each.lines] = alike.get((str(each.death), each.lines), 0) + 1
        for (death, lines), times in alike.items():
            head += "".join(
                f"\n{line}" for line in (death + (f"  ({times} times)" if times > 1 else ""), *lines)
            )
        return head
