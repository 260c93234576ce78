"""The command line's grammar. What is wrong in it is one line on standard error, and exit status 2.

It is there for `--help` alone, too: what performs a command, or reads a rare option's value, is imported when it is
asked for.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, get_args

from swruntime import __version__
from swruntime.algorithms.sizes import parse_size
from swruntime.algorithms.visible_text import visible
from swruntime.concepts.enums import ConditionsName
from swruntime.errors import UsageError

if TYPE_CHECKING:
    from swruntime.algorithms.proxies import Proxies

LARGEST_TOTAL = 2**53 - 1
"""Of --download-total: an enforced unsigned long long takes no more. https://webidl.spec.whatwg.org/#EnforceRange"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{visible(f'{self.prog}: {message}')} (see '{self.prog} --help')\n")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options; `name` is the command's (`swruntime.cli.commands`). Raises SystemExit(2), after a line on standard
    error.
    """
    return grammar().parse_args(arguments)


def grammar() -> argparse.ArgumentParser:
    """All commands with their options; the documentation's reference is made from it, too."""
    parser = _Parser(
        prog="swruntime",
        description="Runs service workers, and performs their background fetches for real.",
        epilog="'swruntime COMMAND --help' tells more of a command. Exit status: 0 done; 1 a script raised, or a "
        "background fetch ended otherwise than it should; 2 the command line was wrong; 130 interrupted (143 by "
        "SIGTERM, 129 by SIGHUP).",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"swruntime {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_run(commands)
    _add_fetch(commands)
    _add_resume(commands)
    _add_status(commands)
    _add_cache(commands)
    _add_abort(commands)
    _add_clear(commands)
    _add_serve(commands)
    _add_scenario(commands)
    _add_conformance(commands)
    return parser


Commands = argparse._SubParsersAction


def _command(commands: Commands[_Parser], name: str, help: str) -> _Parser:
    parser = commands.add_parser(
        name, help=help, description=f"{help[0].upper()}{help[1:]}.", allow_abbrev=False
    )
    parser.set_defaults(name=name)
    parser.add_argument(
        "site", metavar="SITE", type=Path, help="the folder with the site's files and scripts"
    )
    parser.add_argument("--profile", metavar="DIR", type=Path, help="default: SITE/.swruntime")
    parser.add_argument("--origin", metavar="URL", help="the site's origin runs elsewhere, at URL")
    return parser


def _json_option(parser: _Parser, what: str) -> None:
    parser.add_argument("--json", action="store_true", help=f"{what}, and nothing else on standard output")


def _agent_options(parser: _Parser) -> None:
    """What holds for every command that opens a user agent."""
    _json_option(parser, "the trace, one object a line")
    presets = get_args(ConditionsName)
    add = parser.add_argument
    add(
        "--scenario",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="what the user and the network do",
    )
    add(
        "--conditions",
        choices=sorted(presets),
        metavar="NAME",
        help=f"of the network, from the start: {', '.join(presets)}",
    )
    add("--quota", metavar="SIZE", type=_size, help="what an origin may store; default: 60 %% of the disk")
    add("--permission", choices=("granted", "denied", "prompt"), default="granted", help="default: granted")
    add(
        "--give-up",
        metavar="SECONDS",
        type=_seconds,
        default=600.0,
        help="so long without progress, and a network failure is final; default: 600",
    )
    add(
        "--resolve",
        metavar="HOST[:PORT]:ADDR",
        type=_rule,
        action="append",
        default=[],
        help="the address of a host, in place of what the system says",
    )
    proxies = parser.add_mutually_exclusive_group()
    proxies.add_argument(
        "--proxy",
        metavar="URL",
        type=_proxy,
        help="all requests go through this proxy, in place of what HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY say",
    )
    proxies.add_argument("--no-proxy", action="store_true", help="and through none, whatever they say")
    add("--cacert", metavar="FILE", type=Path, help="certificates (PEM) to trust besides the usual ones")
    add(
        "--cookie-jar",
        metavar="FILE",
        type=Path,
        help="cookies to begin with, in Netscape's format; FILE is never written",
    )
    add("--record", metavar="FILE", type=Path, help="write what goes over the network to a HAR file")
    add(
        "--replay",
        metavar="FILE",
        type=Path,
        help="a HAR file, of --record or of a browser, answers in place of the network",
    )
    add("--disable-web-security", action="store_true", help="no CORS, mixed-content or CSP check")
    add("--strict", action="store_true", help="a diagnostic about a script makes the exit status 1")
    add(
        "--javascript-hints",
        action="store_true",
        help="tell also what works in Python and would not in JavaScript",
    )
    add("--seed", metavar="N", type=int, default=0, help="of everything random; default: 0")
    add("--trace", metavar="FILE", type=Path, help="the trace to a file as well")
    add("--check", action="store_true", help="hold the trace against the standards; a violation is an error")
    add(
        "--expect",
        metavar="ID=RESULT",
        type=_expectation,
        action="append",
        default=[],
        help="the background fetch ID shall end so, instead of success",
    )
    _confinement_option(parser)


def _confinement_option(parser: _Parser) -> None:
    parser.add_argument(
        "--require-confinement",
        action="store_true",
        help="refuse to run JavaScript with less than the kernel's confinement, Landlock and seccomp",
    )


def _worker_options(parser: _Parser) -> None:
    """What holds for every command that registers a worker."""
    add = parser.add_argument
    add("--worker", metavar="FILE", help="the worker's script; default: worker.py")
    add("--scope", metavar="PATH", help="the registration's scope; default: the worker's folder")


def _add_run(commands: Commands[_Parser]) -> None:
    parser = _command(commands, "run", "register the worker and run the page scripts")
    _worker_options(parser)
    _agent_options(parser)
    parser.add_argument(
        "--page", metavar="FILE", action="append", default=[], help="a page script; default: page.py"
    )


def _add_fetch(commands: Commands[_Parser]) -> None:
    parser = _command(commands, "fetch", "one background fetch from the shell")
    parser.add_argument("id", metavar="ID", help="its name; asked again with the same URLs, it goes on")
    parser.add_argument("urls", metavar="URL", nargs="+", help="absolute, or below the site's origin")
    _worker_options(parser)
    _agent_options(parser)
    add = parser.add_argument
    add("--title", metavar="TEXT", default="", help="shown to the user")
    add("--download-total", metavar="SIZE", type=_total, default=0, help="more bytes than that, and it fails")
    add("--icon", metavar="URL", action="append", default=[], help="shown to the user")
    add("--header", metavar="'K: V'", type=_header, action="append", default=[], help="of every request")


def _add_resume(commands: Commands[_Parser]) -> None:
    parser = _command(commands, "resume", "only take up what an earlier process left")
    _agent_options(parser)
    parser.add_argument("--drop", metavar="ID", action="append", default=[], help="give this one up")
    parser.add_argument(
        "--retry",
        metavar="ID",
        action="append",
        default=[],
        help="try the event of this one again that is held",
    )


def _add_status(commands: Commands[_Parser]) -> None:
    parser = _command(commands, "status", "registrations, background fetches, caches, storage")
    _json_option(parser, "one object")
    parser.add_argument("--quota", metavar="SIZE", type=_size, help="what an origin may store")
    parser.add_argument("--check", action="store_true", help="verify the profile")


def _add_cache(commands: Commands[_Parser]) -> None:
    parser = _command(commands, "cache", "list the caches, a cache, or take out what is in one")
    _json_option(parser, "one object")
    add = parser.add_argument
    add("cache", metavar="NAME", nargs="?", help="list this cache's entries; without it, the caches")
    add("url", metavar="URL", nargs="?", help="only this entry, absolute or below the site's origin")
    add("--output", metavar="FILE", help="one stored body; - is standard output")
    add("--output-dir", metavar="DIR", type=Path, help="all of a cache, under their URL paths")
    add("--force", action="store_true", help="--output-dir overwrites files, and writes dot files")
    add("--delete", action="store_true", help="the entry, or the cache")


def _add_abort(commands: Commands[_Parser]) -> None:
    parser = _command(commands, "abort", "the user's abort")
    parser.add_argument("id", metavar="ID", help="which background fetch")
    _agent_options(parser)


def _add_conformance(commands: Commands[_Parser]) -> None:
    help = "where the implementation stands against specs/"
    parser = commands.add_parser("conformance", help=help, description=f"W{help[1:]}.", allow_abbrev=False)
    parser.set_defaults(name="conformance")
    parser.add_argument(
        "algorithm", metavar="ALGORITHM", nargs="?", help="the steps of one algorithm, 'perform' say"
    )
    parser.add_argument("step", metavar="STEP", nargs="?", help="one of its steps, '8.3' say")
    parser.add_argument("--json", action="store_true", help="one object, for programs")


def _add_clear(commands: Commands[_Parser]) -> None:
    parser = _command(commands, "clear", "forget the site: its profile is deleted")
    _json_option(parser, "one object")
    parser.add_argument("--force", action="store_true", help="also one of a later version")


def _add_serve(commands: Commands[_Parser]) -> None:
    parser = _command(commands, "serve", "the origin behind its worker, for real HTTP clients")
    _worker_options(parser)
    _agent_options(parser)
    add = parser.add_argument
    add(
        "--port",
        metavar="N",
        type=int,
        help="of localhost; 0 is any free one; default: the profile's, or 8400",
    )
    add("--upstream", metavar="URL", help="a server that answers in place of SITE's files")
    add(
        "--allowed-host",
        metavar="NAME",
        action="append",
        default=[],
        help="another name that it may be asked by, as HOST or HOST:PORT; any other is refused (421)",
    )
    add("--reload", action="store_true", help="an edited worker takes over at once")
    add("--cert", metavar="FILE", type=Path, help="serve https, with this certificate (PEM)")
    add("--key", metavar="FILE", type=Path, help="and its private key (PEM)")


def _add_scenario(commands: Commands[_Parser]) -> None:
    help = "run whole scenarios, each with its site and its servers, under virtual time"
    parser = commands.add_parser(
        "scenario", help=help, description=f"{help.capitalize()}.", allow_abbrev=False
    )
    parser.set_defaults(name="scenario")
    parser.add_argument(
        "files", metavar="FILE", type=Path, nargs="+", help="a scenario that begins something"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of everything random; default: 0")
    _confinement_option(parser)
    _json_option(parser, "the traces, one object a line")


def _size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _total(text: str) -> int:
    size = _size(text)
    if size > LARGEST_TOTAL:
        raise argparse.ArgumentTypeError(
            f"{text!r} is too large a size; the largest is {LARGEST_TOTAL} bytes"
        )
    return size


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; expected seconds, more than 0")
    return seconds


def _rule(text: str) -> str:
    from swruntime.network.names import Names

    try:
        Names.parse([text])
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _proxy(text: str) -> Proxies:
    from swruntime.algorithms.proxies import Proxies, parse_proxy

    try:
        return Proxies.everything(parse_proxy(text, "--proxy"))
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


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
