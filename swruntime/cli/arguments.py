"""The command line's grammar. What is wrong in it is one line on standard error, and exit status 2."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from swruntime.algorithms.sizes import parse_size
from swruntime.network.conditions import PRESETS


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options, with `command`, what performs them. Raises SystemExit(2), after a line on standard error."""
    parser = _Parser(
        prog="swruntime",
        description="Runs service workers, and performs their background fetches for real.",
    )
    from swruntime.runtime import VERSION

    parser.add_argument("--version", action="version", version=f"swruntime {VERSION}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_run(commands)
    _add_fetch(commands)
    _add_resume(commands)
    _add_status(commands)
    _add_cache(commands)
    _add_abort(commands)
    _add_clear(commands)
    return parser.parse_args(arguments)


Commands = argparse._SubParsersAction


def _command(
    commands: Commands[_Parser], name: str, help: str, perform: Callable[[argparse.Namespace], int]
) -> _Parser:
    parser = commands.add_parser(name, help=help, description=help)
    parser.set_defaults(command=perform, name=name)
    parser.add_argument(
        "site", metavar="SITE", type=Path, help="the folder with the site's files and scripts"
    )
    parser.add_argument("--profile", metavar="DIR", type=Path, help="default: SITE/.swruntime")
    parser.add_argument("--origin", metavar="URL", help="the site's origin runs elsewhere")
    parser.add_argument("--json", action="store_true", help="for programs: nothing else on standard output")
    return parser


def _agent_options(parser: _Parser) -> None:
    """What holds for every command that opens a user agent."""
    add = parser.add_argument
    add("--worker", metavar="FILE", help="the worker's script; default: worker.py, or sw.js")
    add("--scope", metavar="PATH", help="the registration's scope; default: the worker's folder")
    add(
        "--scenario",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="what the user and the network do",
    )
    add("--conditions", choices=sorted(PRESETS), help="of the network, from the start")
    add("--quota", metavar="SIZE", type=_size, help="what an origin may store; default: 60 %% of the disk")
    add("--permission", choices=("granted", "denied", "prompt"), default="granted")
    add(
        "--give-up",
        metavar="SECONDS",
        type=_seconds,
        default=600.0,
        help="without progress, then it is final",
    )
    add("--disable-web-security", action="store_true", help="no CORS, mixed-content or CSP check")
    add("--seed", metavar="N", type=int, default=0)
    add("--trace", metavar="FILE", type=Path, help="the trace to a file as well")
    add(
        "--expect",
        metavar="ID=RESULT",
        type=_expectation,
        action="append",
        default=[],
        help="how one shall end",
    )


def _add_run(commands: Commands[_Parser]) -> None:
    from swruntime.cli.commands.run import run

    parser = _command(commands, "run", "register the worker and run the page scripts", run)
    _agent_options(parser)
    parser.add_argument(
        "--page", metavar="FILE", action="append", default=[], help="a page script; default: page.py"
    )


def _add_fetch(commands: Commands[_Parser]) -> None:
    from swruntime.cli.commands.fetch import fetch

    parser = _command(commands, "fetch", "one background fetch from the shell", fetch)
    parser.add_argument("id", metavar="ID")
    parser.add_argument("urls", metavar="URL", nargs="+")
    _agent_options(parser)
    add = parser.add_argument
    add("--title", metavar="TEXT", default="")
    add("--download-total", metavar="SIZE", type=_size, default=0, help="more bytes than that, and it fails")
    add("--icon", metavar="URL", action="append", default=[])
    add("--header", metavar="'K: V'", type=_header, action="append", default=[], help="of every request")


def _add_resume(commands: Commands[_Parser]) -> None:
    from swruntime.cli.commands.resume import resume

    parser = _command(commands, "resume", "only take up what an earlier process left", resume)
    _agent_options(parser)
    parser.add_argument("--drop", metavar="ID", action="append", default=[], help="give one up")


def _add_status(commands: Commands[_Parser]) -> None:
    from swruntime.cli.commands.status import status

    parser = _command(commands, "status", "registrations, background fetches, caches, storage", status)
    parser.add_argument("--quota", metavar="SIZE", type=_size, help="what an origin may store")
    parser.add_argument("--check", action="store_true", help="verify the profile")


def _add_cache(commands: Commands[_Parser]) -> None:
    from swruntime.cli.commands.cache import cache

    parser = _command(commands, "cache", "list the caches, a cache, or take out what is in one", cache)
    add = parser.add_argument
    add("cache", metavar="NAME", nargs="?")
    add("url", metavar="URL", nargs="?")
    add("--output", metavar="FILE", help="one stored body; - is standard output")
    add("--output-dir", metavar="DIR", type=Path, help="all of a cache, under their URL paths")
    add("--delete", action="store_true", help="the entry, or the cache")


def _add_abort(commands: Commands[_Parser]) -> None:
    from swruntime.cli.commands.resume import abort

    parser = _command(commands, "abort", "the user's abort", abort)
    parser.add_argument("id", metavar="ID")
    _agent_options(parser)


def _add_clear(commands: Commands[_Parser]) -> None:
    from swruntime.cli.commands.resume import clear

    _command(commands, "clear", "forget the site: its profile is deleted", clear)


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; expected seconds, more than 0")
    return seconds


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not a header; expected 'Name: value'")
    return name.strip(), value.strip()


RESULTS = (
    "success",
    "failure",
    "aborted",
    "bad-status",
    "fetch-error",
    "quota-exceeded",
    "download-total-exceeded",
)


def _expectation(text: str) -> tuple[str, str]:
    id, equals, result = text.rpartition("=")
    if not equals or not id or result not in RESULTS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an expectation; expected ID=RESULT, RESULT one of {', '.join(RESULTS)}"
        )
    return id, result
