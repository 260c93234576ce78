"""The files of the random side: what a server makes of a request, and with which results a record of it may end.

Written from SPEC-NOTES' tables, not from the code: `ends` is what becomes of it when nobody interferes, `interrupted`
what may become of it besides when its exchange was cut off from outside (offline, pause, a new process) before or
while the server did what it does once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

import attrs

from swruntime.testing import RequestRecord

Kind = Literal[
    "whole",
    "slow",
    "cut",
    "cut at the end",
    "cut, then 206 with *",
    "cut, then 206 without a byte",
    "cut, then more than the 206 says",
    "cut, then another ETag",
    "cut, and ranges ignored",
    "not found",
    "of another origin, without CORS",
    "upload",
    "upload, cut",
    "upload, 206",
]
KINDS: tuple[Kind, ...] = get_args(Kind)


@attrs.frozen
class Behaviour:
    """`answers` makes the arguments of `Origin.add` of a body."""

    answers: Callable[[bytes], dict[str, Any]]
    ends: str = "success"
    interrupted: str = ""
    method: str = "GET"
    starts_over: bool = False
    beyond: int = 0
    """Bytes that its server sends beside those that the file has."""


def _half(body: bytes) -> int:
    return len(body) // 2


def _nothing_more(body: bytes) -> dict[str, Any]:
    half, size = _half(body), len(body)
    part = {"Content-Range": f"bytes {half}-{size - 1}/{size}"}
    return {
        "etag": '"v"',
        "responses": [{"drop_after": half}, {"status": 206, "body": b"", "headers": part}],
    }


def _more_than_told(body: bytes) -> dict[str, Any]:
    """Whatever is asked for, there is always one byte more than the 206 says."""

    def answer(request: RequestRecord) -> dict[str, Any]:
        if request.range is None:
            return {"body": body, "drop_after": [_half(body)] * 100}
        start = int(request.range.removeprefix("bytes=").removesuffix("-"))
        rest = body[start:] or b"!"
        end = start + len(rest)
        told = {"Content-Range": f"bytes {start}-{end - 1}/{end}"}
        return {"status": 206, "body": rest + b"!", "headers": told}

    return {"body": answer, "etag": '"v"'}


def _in_part(body: bytes) -> dict[str, Any]:
    half = _half(body)
    part = {"Content-Range": f"bytes 0-{half - 1}/{len(body)}"}
    return {"status": 206, "body": body[:half], "headers": part}


BEHAVIOURS: dict[Kind, Behaviour] = {
    "whole": Behaviour(lambda body: {}),
    "slow": Behaviour(lambda body: {"pace": 5.0, "chunk": 2}),
    "cut": Behaviour(lambda body: {"drop_after": _half(body)}),
    "cut at the end": Behaviour(lambda body: {"chunked": True, "drop_after": len(body)}),
    "cut, then 206 with *": Behaviour(
        lambda body: {
            "chunked": True,
            "drop_after": _half(body),
            "content_range": "bytes {start}-{end}/*",
        }
    ),
    "cut, then 206 without a byte": Behaviour(_nothing_more, ends="fetch-error"),
    "cut, then more than the 206 says": Behaviour(_more_than_told, ends="fetch-error", beyond=1),
    "cut, then another ETag": Behaviour(
        lambda body: {"drop_after": _half(body), "range_etag": '"other"'},
        ends="fetch-error",
        interrupted="success",
    ),
    "cut, and ranges ignored": Behaviour(
        lambda body: {"drop_after": _half(body), "ignore_range": True}, starts_over=True
    ),
    "not found": Behaviour(lambda body: {"status": 404}, ends="bad-status"),
    "of another origin, without CORS": Behaviour(lambda body: {}, ends="fetch-error"),
    "upload": Behaviour(lambda body: {}, interrupted="fetch-error", method="POST"),
    "upload, cut": Behaviour(lambda body: {"hang_up": True}, ends="fetch-error", method="POST"),
    "upload, 206": Behaviour(_in_part, ends="fetch-error", method="POST"),
}


@attrs.frozen
class File:
    """`size` is in bytes, at least 4."""

    kind: Kind
    size: int

    @property
    def behaviour(self) -> Behaviour:
        return BEHAVIOURS[self.kind]

    @property
    def counts(self) -> int:
        """The bytes that it has stored once it has ended undisturbed; of a failed one nothing is promised."""
        return self.size if self.behaviour.ends == "success" else 0

    @property
    def most(self) -> int:
        """The bytes that may come of it."""
        return self.size + self.behaviour.beyond

    def body(self, number: int) -> bytes:
        """What the server has; files of different numbers differ in every byte."""
        return bytes((number * 31 + k) % 256 for k in range(self.size))

    def results(self, *, interrupted: bool) -> set[str]:
        """Of its record, where neither quota nor total nor an abort came in between."""
        may_be = {self.behaviour.ends}
        if interrupted:
            may_be |= {self.behaviour.interrupted} - {""}
            if self.kind == "cut, then another ETag":
                # Its interruption may be the first break, or a second one.
                may_be.add("fetch-error")
        return may_be
