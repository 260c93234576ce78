"""The command line's grammar: commands, their options, their help. What is said wrong is `swruntime.cli.parser`'s.

It is there for `--help` alone, too: what performs a command, or reads a rare option's value, is imported when it is
asked for.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

from swruntime import __version__
from swruntime.cli.parser import SHELLS, Parser, PrintCompletion
from swruntime.cli.values import (
    read_expectation,
    read_header,
    read_proxy,
    read_rule,
    read_seconds,
    read_size,
    read_total,
    read_whole_number,
)
from swruntime.concepts.enums import ConditionsName, PermissionState


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options; `name` is the command's (`swruntime.cli.commands`). Raises SystemExit(2), after a line on standard
    error; where there is not even a command, after the whole help.
    """
    parser = grammar()
    given = sys.argv[1:] if arguments is None else arguments
    if not given:
        parser.print_help(sys.stderr)
        parser.exit(2)
    if given[0] == "help":
        given = [*given[1:2], "--help"]
    return parser.parse_whole(given)


def grammar() -> Parser:
    """All commands with their options; the documentation's reference is made from it, too."""
    parser = Parser(
        prog="swruntime",
        usage="%(prog)s COMMAND [OPTIONS] ...",
        description="Runs service workers, and performs their background fetches for real.",
        epilog="'swruntime COMMAND --help' tells more of a command, with examples.\n"
        "Exit status: 0 done; 1 a script raised, or a background fetch ended otherwise than it should;\n"
        "2 the command line was wrong; 130 interrupted (143 by SIGTERM, 129 by SIGHUP).",
    )
    parser.add_argument("--version", action="version", version=f"swruntime {__version__}")
    parser.add_argument(
        "--print-completion",
        metavar="SHELL",
        choices=SHELLS,
        action=PrintCompletion,
        help=f"what makes a shell complete commands and options: {', '.join(SHELLS)}",
    )
    commands = parser.add_subparsers(prog=parser.prog, title="commands", metavar="COMMAND", required=True)
    _add_run(commands)
    _add_serve(commands)
    _add_fetch(commands)
    _add_resume(commands)
    _add_status(commands)
    _add_cache(commands)
    _add_abort(commands)
    _add_clear(commands)
    _add_scenario(commands)
    _add_conformance(commands)
    return parser


Commands = argparse._SubParsersAction


def _command(commands: Commands[Parser], name: str, help: str) -> Parser:
    parser = commands.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.")
    parser.set_defaults(name=name, parser=parser)
    return parser


def _site_command(commands: Commands[Parser], name: str, help: str) -> Parser:
    parser = _command(commands, name, help)
    parser.add_argument(
        "site", metavar="SITE", type=Path, help="the folder with the site's files and scripts"
    )
    return parser


def _profile_options(parser: Parser) -> None:
    add = parser.add_argument
    add("--profile", metavar="DIR", type=Path, help="what is stored is in DIR; default: SITE/.swruntime")
    add(
        "--origin",
        metavar="URL",
        help="a server at URL answers for the site; default: SITE's files do, as http://localhost:8400",
    )


def _json_option(parser: Parser, what: str) -> None:
    parser.add_argument("--json", action="store_true", help=f"{what}, and nothing else on standard output")


def _worker_options(parser: Parser) -> None:
    """What holds for every command that registers a worker."""
    add = parser.add_argument
    add("--worker", metavar="FILE", help="the worker's script; default: worker.py or sw.js")
    add("--scope", metavar="PATH", help="the registration's scope; default: the worker's folder")


def _agent_options(parser: Parser) -> None:
    """What holds for every command that opens a user agent. The common ones first."""
    parser.add_argument(
        "--scenario",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="what the user and the network do, and when; may be given again",
    )
    presets = get_args(ConditionsName)
    parser.add_argument(
        "--conditions",
        choices=sorted(presets),
        metavar="NAME",
        help=f"the network from the start: {', '.join(presets)}",
    )
    _json_option(parser, "the trace, one object a line")
    _profile_options(parser)
    _network_options(parser)
    _browser_options(parser)
    _checking_options(parser)


def _network_options(parser: Parser) -> None:
    group = parser.add_argument_group("the network")
    add = group.add_argument
    add(
        "--give-up",
        metavar="SECONDS",
        type=read_seconds,
        default=600.0,
        help="without progress for so long, a network failure is final; default: 600",
    )
    proxies = group.add_mutually_exclusive_group()
    proxies.add_argument(
        "--proxy",
        metavar="URL",
        type=read_proxy,
        help="for all requests, in place of what HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY say",
    )
    proxies.add_argument("--no-proxy", action="store_true", help="no proxy, whatever they say")
    add(
        "--resolve",
        metavar="HOST[:PORT]:ADDR",
        type=read_rule,
        action="append",
        default=[],
        help="the address of a host, in place of what the system says; may be given again",
    )
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


def _browser_options(parser: Parser) -> None:
    add = parser.add_argument_group("the browser").add_argument
    add(
        "--quota", metavar="SIZE", type=read_size, help="what an origin may store; default: 60 %% of the disk"
    )
    add(
        "--permission",
        choices=get_args(PermissionState),
        default="granted",
        help="what the user has said when a script asks; default: granted",
    )
    add("--disable-web-security", action="store_true", help="no CORS, mixed-content or CSP check")
    _seed_option(add)
    _confinement_option(add)


def _checking_options(parser: Parser) -> None:
    add = parser.add_argument_group("what counts as a failure, and the trace").add_argument
    add(
        "--expect",
        metavar="ID=RESULT",
        type=read_expectation,
        action="append",
        default=[],
        help="the background fetch ID must end with RESULT, instead of success; may be given again",
    )
    add(
        "--strict",
        action="store_true",
        help="a diagnostic about a script, or a step of a scenario that never came, makes the exit status 1",
    )
    add(
        "--javascript-hints",
        action="store_true",
        help="also warn of what works in Python and would not in JavaScript",
    )
    add(
        "--monitor",
        action="store_true",
        help="hold the trace against the standards' state machines; a violation is an error",
    )
    add("--trace", metavar="FILE", type=Path, help="write the trace to FILE as well")


def _seed_option(add: Callable[..., object]) -> None:
    add(
        "--seed",
        metavar="N",
        type=read_whole_number,
        default=0,
        help="everything random is made from N; default: 0",
    )


def _confinement_option(add: Callable[..., object]) -> None:
    add(
        "--require-confinement",
        action="store_true",
        help="refuse to run JavaScript with less than the kernel's confinement, Landlock and seccomp",
    )


def _add_run(commands: Commands[Parser]) -> None:
    parser = _site_command(commands, "run", "register the worker and run the page scripts")
    _worker_options(parser)
    parser.add_argument(
        "--page",
        metavar="FILE",
        action="append",
        default=[],
        help="a page script; default: page.py and page.js; may be given again",
    )
    _agent_options(parser)
    parser.show_examples(
        "swruntime run site",
        "swruntime run site --scenario tunnel.toml",
        "swruntime run site --page tests/first-visit.js --origin https://example.com",
    )


def _add_serve(commands: Commands[Parser]) -> None:
    parser = _site_command(commands, "serve", "the origin behind its worker, for browsers and HTTP clients")
    add = parser.add_argument
    add("--upstream", metavar="URL", help="a server that answers in place of SITE's files")
    add(
        "--port",
        metavar="N",
        type=read_whole_number,
        help="of localhost; 0 is any free one; default: the profile's, or 8400",
    )
    add("--reload", action="store_true", help="an edited worker takes over at once")
    _worker_options(parser)
    add(
        "--allowed-host",
        metavar="NAME",
        action="append",
        default=[],
        help="another name that it may be asked by, as HOST or HOST:PORT; any other is refused (421)",
    )
    add("--cert", metavar="FILE", type=Path, help="serve https, with this certificate (PEM)")
    add("--key", metavar="FILE", type=Path, help="the certificate's private key (PEM)")
    _agent_options(parser)
    parser.show_examples(
        "swruntime serve site",
        "swruntime serve site --upstream http://localhost:3000 --reload",
        "swruntime serve site --conditions slow-3g",
    )


def _add_fetch(commands: Commands[Parser]) -> None:
    parser = _site_command(commands, "fetch", "one background fetch from the shell")
    add = parser.add_argument
    add("id", metavar="ID", help="its name; with the same URLs again, it goes on where it was")
    add("urls", metavar="URL", nargs="+", help="absolute, or below the site's origin")
    add(
        "-H",
        "--header",
        metavar="'K: V'",
        type=read_header,
        action="append",
        default=[],
        help="of every request; may be given again",
    )
    add("--title", metavar="TEXT", default="", help="what the user is shown")
    add(
        "--icon",
        metavar="URL",
        action="append",
        default=[],
        help="what the user is shown; may be given again",
    )
    add("--download-total", metavar="SIZE", type=read_total, default=0, help="with more bytes it fails")
    _worker_options(parser)
    _agent_options(parser)
    parser.show_examples(
        "swruntime fetch site big /big.bin",
        "swruntime fetch site episodes /1.mp3 /2.mp3 --scenario tunnel.toml",
        "swruntime fetch site big https://example.com/big.bin -H 'Accept: audio/mpeg'",
    )


def _add_resume(commands: Commands[Parser]) -> None:
    parser = _site_command(commands, "resume", "only take up what an earlier process left")
    add = parser.add_argument
    add("--drop", metavar="ID", action="append", default=[], help="give this one up; may be given again")
    add(
        "--retry",
        metavar="ID",
        action="append",
        default=[],
        help="deliver the event of this one again, which is held; may be given again",
    )
    _agent_options(parser)
    parser.show_examples("swruntime resume site", "swruntime resume site --drop big")


def _add_status(commands: Commands[Parser]) -> None:
    parser = _site_command(commands, "status", "registrations, background fetches, caches, storage")
    parser.add_argument("--check", action="store_true", help="also verify everything that is stored")
    _json_option(parser, "one object")
    _profile_options(parser)
    parser.add_argument("--quota", metavar="SIZE", type=read_size, help="what an origin may store")
    parser.show_examples("swruntime status site", "swruntime status site --check")


def _add_cache(commands: Commands[Parser]) -> None:
    parser = _site_command(commands, "cache", "list the caches, a cache, or take out what is in one")
    add = parser.add_argument
    add("cache", metavar="NAME", nargs="?", help="list this cache's entries; without it, the caches")
    add("url", metavar="URL", nargs="?", help="only this entry, absolute or below the site's origin")
    add("-o", "--output", metavar="FILE", help="write one stored body to FILE; - is standard output")
    add(
        "--output-dir", metavar="DIR", type=Path, help="write all of a cache below DIR, under their URL paths"
    )
    add("--force", action="store_true", help="--output-dir overwrites files, and writes dot files")
    add("--delete", action="store_true", help="delete the entry, or the cache")
    _json_option(parser, "one object")
    _profile_options(parser)
    parser.show_examples(
        "swruntime cache site",
        "swruntime cache site files /big.bin -o big.bin",
        "swruntime cache site files --output-dir out",
    )


def _add_abort(commands: Commands[Parser]) -> None:
    parser = _site_command(commands, "abort", "abort a background fetch, as the user")
    parser.add_argument("id", metavar="ID", help="which background fetch")
    _agent_options(parser)
    parser.show_examples("swruntime abort site big")


def _add_clear(commands: Commands[Parser]) -> None:
    parser = _site_command(commands, "clear", "forget the site: delete its profile")
    parser.add_argument("--force", action="store_true", help="also one of a later version")
    _json_option(parser, "one object")
    _profile_options(parser)
    parser.show_examples("swruntime clear site")


def _add_scenario(commands: Commands[Parser]) -> None:
    parser = _command(
        commands, "scenario", "run whole scenarios, each with its site and its servers, under virtual time"
    )
    add = parser.add_argument
    add("files", metavar="FILE", type=Path, nargs="+", help="a scenario that begins something")
    _json_option(parser, "the traces, one object a line")
    _seed_option(add)
    _confinement_option(add)
    parser.show_examples("swruntime scenario scenarios/lost-connection.toml")


def _add_conformance(commands: Commands[Parser]) -> None:
    parser = _command(commands, "conformance", "where the implementation stands against specs/")
    add = parser.add_argument
    add("algorithm", metavar="ALGORITHM", nargs="?", help="the steps of one algorithm, 'perform' say")
    add("step", metavar="STEP", nargs="?", help="one of its steps, '8.3' say")
    _json_option(parser, "one object")
    parser.show_examples("swruntime conformance", "swruntime conformance perform 8.3")
