"""Which end SPEC-NOTES allows, told from what a server was asked and what it answered.

Written from the table of a record in SPEC-NOTES, and from nothing of the runtime: it follows the requests that arrived,
one after the other, says for each what must have been asked, and at the end what the result must be.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Any, Literal

import attrs

from swruntime.testing.answers import RequestRecord
from swruntime.testing.behaviour import Plain, Server, content_of, respond

STALL = 60.0
"""Seconds without a byte that the agent takes for a time-out."""

How = Literal["complete", "truncated", "reset", "timeout", "protocol"]


@attrs.frozen
class End:
    """`bodies`: what may have been stored, of a success."""

    result: str
    cause: str | None = None
    body: bytes = b""
    whole: bool = True
    """Whether the body is a version, complete; False where no client can tell that it is not."""


@attrs.frozen
class Again:
    """Temporarily unavailable; `end` is the end if it never gets better within the limit."""

    end: End


@attrs.frozen
class Next:
    """Another request at once: a redirect, the next part, or from zero."""


@attrs.define
class Oracle:
    server: Server
    stored: bytes = b""
    version: int = 0
    etag: str | None = None
    last_modified: str | None = None
    coded: bool = False
    complete: int | None = None
    restarted: bool = False
    has_head: bool = False
    redirects: int = 0
    best: int = 0
    progressed_at: int = 0
    """The number of the last request that brought new bytes."""

    def judge(self, requests: Sequence[RequestRecord]) -> End | Again:
        """The end that must follow `requests`. AssertionError where one should not have been, or is missing."""
        verdict: End | Again | Next = Next()
        for number, request in enumerate(requests):
            assert not isinstance(verdict, End), f"request {number} came after the end, {verdict}"
            if self.is_all_here():
                return self.end_of(verdict)
            assert self.expected() == (request.range, request.headers.get("if-range")), f"request {number}"
            verdict = self.after(request, self.answer(number))
            if len(self.stored) > self.best:
                self.best, self.progressed_at = len(self.stored), number
        return self.end_of(verdict)

    def end_of(self, verdict: End | Again | Next) -> End | Again:
        if not isinstance(verdict, End) and self.is_all_here():
            return self.success()
        assert not isinstance(verdict, Next), "it should have asked again at once"
        return verdict

    def answer(self, number: int) -> Plain:
        answers = self.server["answers"]
        return answers[min(number, len(answers) - 1)]

    def is_all_here(self) -> bool:
        return self.has_head and self.complete == len(self.stored) and not self.coded

    def validator(self) -> str | None:
        if self.etag is not None and not self.etag.startswith("W/"):
            return self.etag
        return self.last_modified

    def may_resume(self) -> bool:
        return self.has_head and not self.coded and self.validator() is not None

    def expected(self) -> tuple[str | None, str | None]:
        if self.stored and self.may_resume():
            return f"bytes={len(self.stored)}-", self.validator()
        return None, None

    def success(self) -> End:
        content = content_of(self.server["versions"][self.version])
        return End("success", None, self.stored, self.stored == content)

    def after(self, request: RequestRecord, answer: Plain) -> End | Again | Next:
        if "redirect" in answer:
            self.redirects += 1
            return End("fetch-error", "redirect") if self.redirects > 20 else Next()
        self.redirects = 0
        if answer.get("delay", 0) >= STALL:
            return Again(End("fetch-error", "timeout"))
        if "hang_up" in answer:
            return Again(End("fetch-error", "reset"))
        number = answer.get("version", 0)
        version = self.server["versions"][number]
        made = respond(answer, version, content_of(version), request)
        status = made.get("status", 200)
        if made.get("retry_after") is not None and status == 200:
            status = 503
        if status == 416 and request.range is not None:
            return self.after_416(made, number)
        if status not in (200, 206):
            refused = End("bad-status", "status")
            waits = status in (429, 503) and made.get("retry_after") in (0, 5)
            return Again(refused) if waits or request.range is not None else refused
        if status == 206:
            return self.after_206(request, made, number)
        self.begin(made, number)
        if "headers" not in made and not made.get("chunked") and made.get("content_length") is not False:
            self.complete = made["content_length"]
        how = self.receive(made, None)
        return self.success() if how == "complete" else self.failed(how)

    def begin(self, made: dict[str, Any], version: int) -> None:
        self.stored, self.version, self.has_head, self.complete = b"", version, True, None
        self.etag, self.last_modified = made.get("etag"), made.get("last_modified")
        self.coded = "Content-Encoding" in made.get("headers", {})

    def after_416(self, made: dict[str, Any], version: int) -> End | Next:
        length = re.fullmatch(r"bytes \*/(\d+)", made.get("headers", {}).get("Content-Range", ""))
        another = made.get("etag") is not None and self.etag is not None and made["etag"] != self.etag
        if length and int(length[1]) == len(self.stored) and self.complete is None and not another:
            return self.success()
        if self.restarted:
            return End("fetch-error", "changed")
        self.restarted, self.has_head, self.stored, self.coded, self.complete = True, False, b"", False, None
        return Next()

    def after_206(self, request: RequestRecord, made: dict[str, Any], version: int) -> End | Again | Next:
        start = len(self.stored) if request.range is not None else 0
        told = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", made.get("headers", {}).get("Content-Range", ""))
        if told is None or int(told[1]) != start or int(told[2]) < start:
            return End("fetch-error", "changed")
        complete = None if told[3] == "*" else int(told[3])
        if complete is not None and int(told[2]) >= complete:
            return End("fetch-error", "changed")
        if request.range is None:
            self.begin(made, version)
        elif (
            (self.etag is not None and self.etag != made.get("etag"))
            or (self.last_modified is not None and self.last_modified != made.get("last_modified"))
            or (self.complete is not None and self.complete != complete)
        ):
            return End("fetch-error", "changed")
        if self.complete is None:
            self.complete = complete
        part_end = int(told[2]) + 1
        how = self.receive(made, part_end)
        if how != "complete":
            return self.failed(how)
        if len(self.stored) == (part_end if self.complete is None else self.complete):
            return self.success()
        if len(self.stored) > start and self.may_resume():
            return Next()
        return End("fetch-error", "truncated")

    def failed(self, how: How) -> End | Again:
        end = End("fetch-error", how)
        return end if how == "protocol" else Again(end)

    def receive(self, made: dict[str, Any], part_end: int | None) -> How:
        """Take the body, up to where it ends or breaks."""
        body, chunk = made["body"], made.get("chunk", 65536)
        told = None if made.get("chunked") or made.get("content_length") is False else made["content_length"]
        drop, stall = made.get("drop_after", [None])[0], made.get("stall_after")
        stop = min((each for each in (drop, stall) if each is not None), default=None)
        sent = 0
        while True:
            if stop is not None and sent >= stop:
                if sent and told is not None and told <= sent:
                    break
                if drop != stop:
                    return "timeout"
                if made.get("drop_with", "reset") == "reset":
                    return "reset"
                if made.get("chunked"):
                    return "truncated"
                break
            piece = body[sent : min(sent + chunk, len(body) if stop is None else stop)]
            if not piece:
                break
            if sent and made.get("pace", 0) >= STALL:
                return "timeout"
            sent += len(piece)
            if told is not None and sent > told:
                return "protocol"
            if self.coded:
                continue
            if part_end is not None and len(self.stored) + len(piece) > part_end:
                return "protocol"
            self.stored += piece
        if told is not None and sent < told:
            return "truncated"
        if self.coded:
            return self.decode(body[:sent], told)
        return "complete"

    def decode(self, data: bytes, told: int | None) -> How:
        if told == 0:
            return "complete"
        decoder = zlib.decompressobj(31)
        decoded = decoder.decompress(data)
        if not decoder.eof:
            return "truncated"
        self.stored = decoded
        return "complete"
