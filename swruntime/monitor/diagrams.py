"""The pictures of docs/, drawn from specs/: `python -m swruntime.monitor.diagrams docs` writes them anew."""

from __future__ import annotations

import sys
from pathlib import Path

from swruntime.monitor.states import StateMachine, machines


def diagram(machine: StateMachine) -> str:
    """The machine as a Mermaid state diagram. An arrow is told once, with all inputs that lead along it."""
    arrows: dict[tuple[str, str], dict[str, None]] = {}
    for t in machine.transitions:
        if t.source != t.target:
            arrows.setdefault((t.source, t.target), {})[t.input] = None
    lines = ["stateDiagram-v2", f"    [*] --> {_id(machine.initial)}"]
    lines += [f'    state "{name}" as {_id(name)}' for name in machine.states if name != _id(name)]
    lines += [f"    {_id(a)} --> {_id(b)} : {', '.join(inputs)}" for (a, b), inputs in arrows.items()]
    lines += [f"    {_id(name)} --> [*]" for name in machine.settled]
    return "\n".join(lines)


def _id(state: str) -> str:
    return state.replace("-", "_")


def page(machine: StateMachine) -> str:
    """A page of docs/ for a machine: its picture, its states, and its transitions with their steps."""
    states = "\n".join(f"| `{name}` | {text} |" for name, text in machine.states.items())
    rows = "\n".join(
        f"| {t.source} | {t.input} | {t.when.replace('_', ' ')} | {t.target} | [{t.step}]({t.anchor}) |"
        for t in machine.transitions
    )
    return (
        f"# {machine.title}\n\n"
        "Drawn from [specs/](../specs/README.md) by `python -m swruntime.monitor.diagrams docs`.\n\n"
        f"```mermaid\n{diagram(machine)}\n```\n\n"
        f"| state | |\n|---|---|\n{states}\n\n"
        f"| in state | input | guard | to | step |\n|---|---|---|---|---|\n{rows}\n"
    )


def pages() -> dict[str, str]:
    """The text of every page, by its file's name."""
    return {f"states-{name}.md": page(machine) for name, machine in sorted(machines().items())}


def main(folder: Path) -> None:
    """Write the pages into `folder`."""
    for name, text in pages().items():
        (folder / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
