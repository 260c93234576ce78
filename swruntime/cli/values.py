"""The values of options, read from the command line. Each raises ArgumentTypeError, which names what was given."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from swruntime.algorithms.sizes import parse_size
from swruntime.concepts.enums import ENDS
from swruntime.errors import UsageError

if TYPE_CHECKING:
    from swruntime.algorithms.proxies import Proxies

LARGEST_TOTAL = 2**53 - 1
"""Of --download-total: an enforced unsigned long long takes no more. https://webidl.spec.whatwg.org/#EnforceRange"""


def read_size(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def read_total(text: str) -> int:
    size = read_size(text)
    if size > LARGEST_TOTAL:
        raise argparse.ArgumentTypeError(
            f"{text!r} is too large a size; the largest is {LARGEST_TOTAL} bytes"
        )
    return size


def read_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; expected seconds, more than 0")
    return seconds


def read_whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def read_rule(text: str) -> str:
    from swruntime.network.names import Names

    try:
        Names.parse([text])
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def read_proxy(text: str) -> Proxies:
    from swruntime.algorithms.proxies import Proxies, parse_proxy

    try:
        return Proxies.everything(parse_proxy(text, "--proxy"))
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def read_header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not a header; expected 'Name: value'")
    return name.strip(), value.strip()


def read_expectation(text: str) -> tuple[str, str]:
    id, equals, result = text.rpartition("=")
    if not equals or not id or result not in ENDS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an expectation; expected ID=RESULT, RESULT one of {', '.join(ENDS)}"
        )
    return id, result
