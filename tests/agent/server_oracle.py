"""Which end SPEC-NOTES allows, told from what a server was asked and what it answered.

Written from the table of a record in SPEC-NOTES, and from nothing of the runtime: it follows the requests that arrived,
one after the other, says for each what must have been asked, and at the end what the result must be.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import attrs

from swruntime.testing.answers import RequestRecord
from swruntime.testing.behaviour import Plain, Server, content_of, respond

STALL = 60.0
"""Seconds without a byte that the agent takes for a time-out."""

Part = tuple[int, int, int | None]
"""Of a Content-Range: the first byte, the one after the last, the complete length."""

How = Literal["complete", "truncated", "reset", "timeout", "protocol", "coding", "too long"]


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


@attrs.frozen
class File:
    """What is known of the file, from the response that began the bytes."""

    version: int
    etag: str | None
    last_modified: str | None
    is_old: bool
    """Whether the Last-Modified is at least a second older than the response's Date."""
    coded: bool
    complete: int | None = None

    @property
    def validator(self) -> str | None:
        """The strong one, if there is one."""
        if self.etag is not None:
            return None if self.etag.startswith("W/") else self.etag
        return self.last_modified if self.is_old else None

    def is_promised_by(self, other: File) -> bool:
        """Whether `other` has the same strong validator, and so must be the same bytes."""
        mine = (self.etag, None if self.etag else self.last_modified)
        return self.validator is not None and mine == (other.etag, None if self.etag else other.last_modified)


@attrs.define
class Oracle:
    server: Server
    stored: bytes = b""
    file: File | None = None
    restarted: bool = False
    anew: bool = False
    """The whole is asked for, although the rest could be."""
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

    @property
    def complete(self) -> int | None:
        return self.file.complete if self.file else None

    def is_all_here(self) -> bool:
        return self.file is not None and self.complete == len(self.stored)

    def may_resume(self) -> bool:
        return self.file is not None and not self.file.coded and self.file.validator is not None

    def expected(self) -> tuple[str | None, str | None]:
        if self.stored and self.may_resume() and not self.anew:
            assert self.file is not None
            return f"bytes={len(self.stored)}-", self.file.validator
        return None, None

    def success(self) -> End:
        assert self.file is not None
        content = content_of(self.server["versions"][self.file.version])
        return End("success", None, self.stored, self.stored == content)

    def after(self, request: RequestRecord, answer: Plain) -> End | Again | Next:
        if "redirect" in answer:
            self.redirects += 1
            return End("fetch-error", "redirect") if self.redirects > 20 else Next()
        self.redirects = 0
        if answer.get("delay", 0) >= STALL:
            return Again(End("fetch-error", "timeout"))
        again = self.file is not None
        if "garbage" in answer:
            return self.failed("protocol", again)
        if "hang_up" in answer:
            return Again(End("fetch-error", "reset"))
        number = answer.get("version", 0)
        version = self.server["versions"][number]
        made = respond(answer, version, content_of(version), request)
        status = made.get("status", 200)
        if made.get("retry_after") is not None and status == 200:
            status = 503
        if status == 416 and request.range is not None:
            return self.after_416(made)
        if status not in (200, 206):
            refused = End("bad-status", "status")
            waits = status in (429, 503) and made.get("retry_after") in (0, 5)
            return Again(refused) if waits or request.range is not None or self.anew else refused
        told = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", made.get("headers", {}).get("Content-Range", ""))
        part = None
        if told is not None:
            part = int(told[1]), int(told[2]) + 1, None if told[3] == "*" else int(told[3])
            if part[0] >= part[1] or (part[2] is not None and part[1] > part[2]):
                part = None
        now = self.file_of(made, number)
        if status == 206:
            return self.after_206(request, made, now, part, again)
        return self.after_200(request, made, now, part, again)

    def file_of(self, made: dict[str, Any], version: int) -> File:
        dates = [made.get("last_modified"), made.get("date")]
        try:
            modified, date = (parsedate_to_datetime(each).timestamp() for each in dates if each is not None)
        except (ValueError, TypeError):
            is_old = False
        else:
            is_old = modified + 1 <= date
        coded = "Content-Encoding" in made.get("headers", {})
        return File(version, made.get("etag"), made.get("last_modified"), is_old, coded)

    def from_zero(self, cause: str, *, anew: bool) -> End | Next:
        """Ask for the whole, once."""
        if self.restarted:
            return End("fetch-error", cause)
        self.restarted, self.anew = True, self.anew or anew
        return Next()

    def after_416(self, made: dict[str, Any]) -> End | Next:
        assert self.file is not None
        length = re.fullmatch(r"bytes \*/(\d+)", made.get("headers", {}).get("Content-Range", ""))
        etags = {etag for etag in (made.get("etag"), self.file.etag) if etag is not None}
        if length and int(length[1]) == len(self.stored) and self.complete is None and len(etags) < 2:
            return self.success()
        if length and int(length[1]) != self.complete:
            self.file = attrs.evolve(self.file, complete=None)
        return self.from_zero("changed", anew=True)

    def after_200(
        self, request: RequestRecord, made: dict[str, Any], now: File, part: Part | None, again: bool
    ) -> End | Again | Next:
        before, is_chunked = self.file, made.get("chunked") or made.get("content_length") is False
        if not now.coded and not is_chunked:
            now = attrs.evolve(now, complete=made["content_length"])
        promised = None
        if before is not None and (request.range is not None or self.anew):
            says_part = part is not None and (part[0] > 0 or part[2] not in (None, part[1]))
            says_range = "Content-Range" in made.get("headers", {}) and request.range is not None
            rest = None if before.complete is None else before.complete - len(self.stored)
            is_rest = (
                request.range is not None and not now.coded and rest is not None and now.complete == rest
            )
            if says_range or says_part or is_rest:
                return self.from_zero("changed", anew=True)
            if before.is_promised_by(now) and not now.coded:
                if None not in (before.complete, now.complete) and before.complete != now.complete:
                    return self.from_zero("changed", anew=True)
                promised = before.complete if now.complete is None else None
        kept, how = self.take(made, now, None)
        if how != "complete":
            return self.failed(how, again)
        shorter = kept is not None and len(self.stored) < len(kept)
        if shorter or (promised is not None and len(self.stored) != promised):
            return End("fetch-error", "changed")
        return self.success()

    def after_206(
        self, request: RequestRecord, made: dict[str, Any], now: File, part: Part | None, again: bool
    ) -> End | Again | Next:
        before, start = self.file, len(self.stored) if request.range is not None else 0
        if request.range is not None and not now.coded and self.is_another(now, part):
            return End("fetch-error", "changed")
        if now.coded or part is None or part[0] != start:
            return self.from_zero("protocol", anew=request.range is not None)
        now = attrs.evolve(now, complete=part[2])
        kept = None
        if request.range is not None:
            assert before is not None
            self.file = attrs.evolve(before, complete=before.complete or part[2])
            how = self.receive(made, part[1])
        else:
            if self.anew and before is not None and before.is_promised_by(now):
                if self.is_another_length(part):
                    return self.from_zero("changed", anew=True)
                now = attrs.evolve(now, complete=part[2] or before.complete)
            kept, how = self.take(made, now, part[1])
        if how != "complete":
            return self.failed(how, again)
        assert self.file is not None
        if len(self.stored) == (part[1] if self.complete is None else self.complete):
            if kept is not None and len(self.stored) < len(kept):
                return End("fetch-error", "changed")
            return self.success()
        progressed, resumes = len(self.stored) > start, self.may_resume()
        if kept is not None:
            self.put_back(kept, before)
        return Next() if progressed and resumes else End("fetch-error", "truncated")

    def is_another(self, now: File, part: Part | None) -> bool:
        """Another ETag, Last-Modified or complete length than before."""
        assert self.file is not None
        if self.file.etag is not None and self.file.etag != now.etag:
            return True
        may_lack_date = self.file.etag is not None and now.last_modified is None
        if self.file.last_modified not in (None, now.last_modified) and not may_lack_date:
            return True
        return self.is_another_length(part)

    def is_another_length(self, part: Part | None) -> bool:
        if part is None or self.complete is None:
            return False
        return part[2] not in (None, self.complete) or part[1] > self.complete

    def take(self, made: dict[str, Any], now: File, part_end: int | None) -> tuple[bytes | None, How]:
        """A body that begins at zero. Where it is the same file anew, what was stored stays until there is more of the
        new: it comes back, unless the new is complete; the caller looks at that."""
        before, kept = self.file, self.stored
        is_same = self.anew and before is not None and before.is_promised_by(now)
        self.stored, self.file, self.anew = b"", now, False
        how = self.receive(made, part_end)
        if is_same and how != "complete" and len(self.stored) < len(kept):
            self.put_back(kept, before)
        return (kept if is_same else None), how

    def put_back(self, kept: bytes, before: File | None) -> None:
        if len(self.stored) < len(kept):
            self.stored, self.file = kept, before

    def failed(self, how: How, again: bool) -> End | Again:
        end = End("fetch-error", "protocol" if how == "too long" else how)
        is_final = how == "too long" or (how in ("protocol", "coding") and not again)
        return end if is_final else Again(end)

    def receive(self, made: dict[str, Any], part_end: int | None) -> How:
        """Take the body, up to where it ends or breaks."""
        body, chunk = made["body"], made.get("chunk", 65536)
        told = None if made.get("chunked") or made.get("content_length") is False else made["content_length"]
        drop, stall = made.get("drop_after", [None])[0], made.get("stall_after")
        stop = min((each for each in (drop, stall) if each is not None), default=None)
        sent, decoder = 0, zlib.decompressobj(31)
        while told is None or sent < told or sent == 0:  # what comes after it is not the body's
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
            piece = piece if told is None else piece[: told - sent]
            if not piece:
                break
            sent += len(piece)
            if self.file is not None and self.file.coded:
                decoder = self.decode_more(decoder, piece)
                continue
            if part_end is not None and len(self.stored) + len(piece) > part_end:
                return "too long"
            self.stored += piece
        if told is not None and sent < told:
            return "truncated"
        if self.file is not None and self.file.coded:
            return self.decode(body[:sent], told)
        return "complete"

    def decode_more(self, decoder: Any, piece: bytes) -> Any:
        """What has come of a coding may be more than what is kept, even where it breaks later."""
        try:
            self.stored += decoder.decompress(piece)
        except zlib.error:
            return zlib.decompressobj(31)  # it is judged when all has come
        return decoder

    def decode(self, data: bytes, told: int | None) -> How:
        if told == 0:
            return "complete"
        decoder = zlib.decompressobj(31)
        try:
            decoded = decoder.decompress(data)
        except zlib.error:
            return "coding"
        if not decoder.eof:
            return "truncated"
        self.stored = decoded
        return "complete"
