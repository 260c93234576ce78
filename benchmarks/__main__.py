"""`python -m benchmarks`: see README.md beside it."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import attrs

from benchmarks import machine, report
from benchmarks.at_once import at_once
from benchmarks.bench import QUICK, Amounts, Bench
from benchmarks.contest import Refused, Row
from benchmarks.downloads import big, many
from benchmarks.entries import cache, profile
from benchmarks.peers import install
from benchmarks.sides import WrongCheckout, sides
from benchmarks.small import small
from benchmarks.start import start
from swruntime.algorithms.sizes import parse_size

ROWS: dict[str, Callable[[Bench], Row]] = {
    "big": big,
    "many": many,
    "small": small,
    "at-once": at_once,
    "start": start,
    "profile": profile,
    "cache": cache,
}


def main(arguments: list[str] | None = None) -> int:
    """0; 1 where a contestant was refused; 2 where what is to be measured is not there."""
    options = _options().parse_args(arguments)
    failed = install() if options.install else {}
    with tempfile.TemporaryDirectory(prefix="benchmarks-", ignore_cleanup_errors=True) as folder:
        try:
            found = sides(options.before, Path(folder))
        except WrongCheckout as error:
            print(f"--before: {error}", file=sys.stderr)
            return 2
        bench = Bench(Path(folder), found, _amounts(options), failed)
        facts, loads, rows = machine.facts(bench.folder, found), [machine.load()], []
        try:
            for name in options.only or ROWS:
                try:
                    rows.append(ROWS[name](bench))
                except Refused as reason:
                    rows.append(Row(name, "not measured", {}, refused={"all": str(reason)}))
                loads.append(machine.load())
                if not options.json:
                    print("\n".join(report.row_lines(rows[-1])), flush=True)
        finally:
            bench.close()
    if options.json:
        print(json.dumps(report.as_json(rows, facts, loads), indent=2))
    else:
        print("\n".join(report.summary_lines(rows, bench.ours)), end="\n\n")
        print("\n".join([*(f"{name}: {value}" for name, value in facts.items()), *report.busy(loads)]))
    if options.results is not None and not options.quick and not options.only:
        text = report.markdown(rows, bench.ours, facts, loads)
        options.results.write_text(f"# One run of `make bench`\n\n{text}")
    return 1 if any(row.refused for row in rows) else 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="swruntime beside its peers")
    parser.add_argument("--only", action="append", choices=ROWS, help="only this row; may be given again")
    parser.add_argument(
        "--before",
        action="append",
        type=Path,
        default=[],
        metavar="CHECKOUT",
        help="an older checkout of swruntime is a further contestant; may be given again",
    )
    parser.add_argument("--quick", action="store_true", help="small amounts, two rounds: does it work?")
    parser.add_argument("--size", type=_size, help="of the big body (default 1GiB)")
    parser.add_argument("--repeat", type=_positive, help="rounds of each row, in place of its own number")
    parser.add_argument("--json", action="store_true", help="one object, with every run, in place of tables")
    parser.add_argument("--install", action="store_true", help="first install the peers (Debian packages)")
    parser.add_argument(
        "--results",
        type=_file,
        metavar="FILE",
        help="write the tables there, where all rows were run in full",
    )
    return parser


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rounds; expected 1 or more")
    return int(text)


def _size(text: str) -> int:
    try:
        size = parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if size == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not the size of a body; expected 1 byte or more")
    return size


def _file(text: str) -> Path:
    path = Path(text)
    # Not after ten minutes.
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text!r} cannot be written; expected a file")
    return path


def _amounts(options: argparse.Namespace) -> Amounts:
    amounts = QUICK if options.quick else Amounts()
    given = {
        name: getattr(options, name) for name in ("size", "repeat") if getattr(options, name) is not None
    }
    return attrs.evolve(amounts, **given)


if __name__ == "__main__":
    sys.exit(main())
