"""What mkdocs is told when it builds this folder: the order of the pages, and those that are made from the program.

Loaded by mkdocs itself (`hooks` in mkdocs.yml); nothing of it is in the wheel.
"""

from __future__ import annotations

import argparse
import ast
import re
import tomllib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import attrs
from mkdocs.structure.files import File, Files

from swruntime import trace
from swruntime.cli.arguments import grammar
from swruntime.cli.parser import commands

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"

OUTSIDE = re.compile(r"\[([^\]\n]*)\]\((\.\./[^)#\s]+)(#[^)\s]*)?\)")
"""A link to the sources: good where the page is read among them, and not on the site."""

DIAGRAM = re.compile(r"^```mermaid\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
"""Drawn where the page is read among the sources. Here nothing could draw it that is not loaded from elsewhere."""

OPTION = re.compile(r"<code>(--[\w-]+)")


def on_config(config: Any) -> Any:
    config.nav = [
        {"Start": "index.md"},
        {"Tutorials": ["tutorial-javascript.md", "tutorial.md"]},
        {"How to": _pages("how-to")},
        {"Explanation": [*_pages("explanation"), "differences.md", "security.md"]},
        {
            "Reference": [
                *_pages("reference"),
                *sorted(path for path in GENERATED if path.startswith("reference/")),
            ]
        },
        {"Diagnostics": _pages("diagnostics")},
        {"State machines": [f"{path.name}" for path in sorted(DOCS.glob("states-*.md"))]},
    ]
    config.nav = [entry for entry in config.nav if all(entry.values())]
    return config


def _pages(folder: str) -> list[str]:
    found = sorted((DOCS / folder).glob("*.md"), key=lambda path: (path.name != "index.md", path.name))
    return [path.relative_to(DOCS).as_posix() for path in found]


def on_files(files: Files, config: Any) -> Files:
    for path, make in GENERATED.items():
        files.append(File.generated(config, path, content=make()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    folder = (DOCS / page.file.src_uri).parent

    def text_alone(match: re.Match[str]) -> str:
        target = (folder / match[2]).resolve()
        if target.is_relative_to(DOCS):
            return match[0]
        if not target.exists():
            raise FileNotFoundError(f"{page.file.src_uri}: there is no {match[2]}")
        return match[1]

    if page.file.src_uri == "differences.md":
        markdown += "\n" + deviations()
    return OUTSIDE.sub(text_alone, DIAGRAM.sub(_arrows, markdown))


def on_page_content(html: str, **_: Any) -> str:
    return OPTION.sub(r'<code><span class="option">\1</span>', html)


def _arrows(diagram: re.Match[str]) -> str:
    """The arrows of a diagram, as a table."""
    lines = ["| from | to | on |", "|---|---|---|"]
    named = {
        short: name for name, short in re.findall(r'^ *state "(.+)" as (\w+)$', diagram[1], re.MULTILINE)
    }
    for start, end, inputs in re.findall(r"^ *(\S+) --> (\S+)(?: : (.+))?$", diagram[1], re.MULTILINE):
        if end != "[*]":
            source = "the beginning" if start == "[*]" else f"`{named.get(start, start)}`"
            lines.append(f"| {source} | `{named.get(end, end)}` | {inputs} |")
    return "\n".join(lines) + "\n"


def command_line() -> str:
    """From argparse, so that it is what `--help` says."""
    return "\n".join(_command_line(grammar()))


def _command_line(parser: argparse.ArgumentParser) -> Iterator[str]:
    epilog = re.sub(r"'(swruntime [^']+)'", r"`\1`", parser.epilog or "")
    yield f"# The command line\n\n{parser.description}\n"
    yield f"`python -m swruntime` is the same as `swruntime`. {epilog}\n"
    for command in commands(parser):
        yield f"## {command.get_default('name')}\n\n{command.description}\n"
        yield "```sh"
        yield from command.examples
        yield "```\n"
        yield "| argument | |\n|---|---|"
        for action in command._actions:
            if not isinstance(action, argparse._HelpAction):
                yield f"| {_spelling(action)} | {_explanation(action)} |"
        yield ""


def _spelling(action: argparse.Action) -> str:
    value = action.metavar if isinstance(action.metavar, str) else ""
    if action.choices and not value:
        value = "|".join(map(str, action.choices))
    names = action.option_strings or [""]
    return ", ".join(f"`{_cell(f'{name} {value}'.strip() if action.nargs != 0 else name)}`" for name in names)


def _explanation(action: argparse.Action) -> str:
    return _cell((action.help or "") % {"default": action.default, "prog": "swruntime"})


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def trace_kinds() -> str:
    """From the classes in swruntime/trace.py."""
    return "\n".join(_trace_kinds())


def _trace_kinds() -> Iterator[str]:
    yield "# The trace\n"
    yield (
        "Every line is one JSON object. It has `time`, in seconds since the agent opened, and `kind`. Ignore kinds "
        "and keys that you do not know: there will be more. `--json` writes the trace to standard output, `--trace "
        "FILE` to a file, and `open_user_agent(on_trace=...)` hands each line to a function.\n"
    )
    yield "| kind | further keys | |\n|---|---|---|"
    events = [cls for cls in _subclasses(trace.TraceEvent) if "kind" in vars(cls)]
    for event in events:
        keys = ", ".join(f"`{field.name}`" for field in attrs.fields(event))
        about = " ".join((event.__doc__ or "").split()) if "__doc__" in vars(event) else ""
        about = "" if about.startswith("Method generated") else about
        yield f"| `{event.kind}` | {keys} | {_cell(about)} |"


def _subclasses(cls: type[trace.TraceEvent]) -> Iterator[type[trace.TraceEvent]]:
    for subclass in cls.__subclasses__():
        if subclass.__module__ == trace.__name__:
            yield subclass
            yield from _subclasses(subclass)


def deviations() -> str:
    """Of every standard in specs/ that has some."""
    lines: list[str] = []
    for path in sorted((ROOT / "specs").glob("*/deviations.toml")):
        lines.append(f"\n## Where the text of {path.parent.name} is not followed\n")
        lines.append("| | algorithm | the text | swruntime |\n|---|---|---|---|")
        for each in tomllib.loads(path.read_text("utf-8"))["deviation"]:
            algorithm = f"`{each['algorithm']}`"
            lines.append(
                f"| D {each['number']} | {algorithm} | {_cell(each['text'])} | {_cell(each['here'])} |"
            )
    return "\n".join(lines)


def scope_names(scope: str) -> list[str]:
    """The names that swruntime/worker.py or swruntime/window.py tells editors of: interfaces, then the others."""
    tree = ast.parse((ROOT / "swruntime" / f"{scope}.py").read_text("utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    told = [node for node in block.body if isinstance(node, ast.AnnAssign | ast.ImportFrom)]
    names = [node.target.id for node in told if isinstance(node, ast.AnnAssign)]  # type: ignore[union-attr]
    interfaces = [
        alias.asname or alias.name
        for node in told
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("swruntime.")
        for alias in node.names
    ]
    return [*names, *sorted(interfaces)]


SHOWN = """
      show_root_toc_entry: false
      show_if_no_docstring: true
      inherited_members: true
      filters: ["!^_(?!_(aiter|await|contains|getitem|iter|len)__)"]"""
"""Of a scope: whatever a script can use, with a docstring or without one, its own or inherited."""

REACHED = ("PermissionStatus", "Permissions", "StorageEstimate", "StorageManager")
"""What navigator leads to, and what has no name in a scope."""


def scope(name: str) -> str:
    """From the docstrings of what scripts see, by mkdocstrings."""
    page = f"""# swruntime.{name}

::: swruntime.{name}
    options:
      heading_level: 2
      show_root_heading: false{SHOWN}
      members: [{", ".join(scope_names(name))}]
"""
    if name == "window":
        return (
            page
            + "\nWhat `navigator` leads to: [in a worker](worker.md#what-navigator-leads-to) it is the same.\n"
        )
    reached = (f"::: swruntime.realms.python.location.{each}\n    options:{SHOWN}\n" for each in REACHED)
    return page + "\n## What `navigator` leads to\n\n" + "\n".join(reached)


def security() -> str:
    """SECURITY.md stands where people look for it; the site has the same text."""
    return (ROOT / "SECURITY.md").read_text("utf-8")


GENERATED = {
    "security.md": security,
    "reference/command-line.md": command_line,
    "reference/trace.md": trace_kinds,
    "reference/window.md": partial(scope, "window"),
    "reference/worker.md": partial(scope, "worker"),
}
