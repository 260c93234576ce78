"""A server's behaviour as plain data, which a strategy can make, a person read, and a TOML file keep.

    [[versions]]                 # of the file, in the order of their numbers
    size = 3000                  # bytes, which `seed` determines
    seed = 0
    etag = '"v0"'                # none without it
    last_modified = "Thu, 01 Jan 2026 00:00:00 GMT"

    [[answers]]                  # the first request gets the first one, and so on; the last one repeats
    version = 0
    drop_after = 1000

What an answer may have, beside `version`; what is not there is as a good server does it:

- `status` and `retry_after`: it has no body then. `redirect = true`: to the same file, as the next answer has it.
- `hang_up`: "reset" or "close", before the answer. `garbage = true`: what comes in its place is not HTTP. `delay`:
  seconds before it.
- `date`: so many seconds after the version's `last_modified` (a day, unless it says otherwise) is its Date; or a text
  that is sent as it is; or "none".
- `framing`: "chunked", or "close" (the body ends with the connection). `claims`: so many bytes more, or fewer,
  than the body has are told by Content-Length.
- `coding = "gzip"`, which ignores ranges; `coding_cut`: so many bytes are missing at its end.
- `range`: "careless" (does not look at If-Range), "ignored", "refused" (416), "unasked" (206 to a plain request),
  "as-200" (what should be a 206 says 200, and keeps its Content-Range), "rest-as-200" (and has none).
- of a 206, `content_range`: "missing", "elsewhere", "malformed", "star" (`/*`), "longer" (than the file is), "earlier"
  (and so does the part), "beyond" (ends behind the file's end, of a length that is not told); `part`: "short" (and says
  so), "cut" (and does not say so), "empty", "long" (more than it says, chunked), "multipart" (of several ranges),
  "coded" (says that it is gzip); `validators`: "changed" or "gone".
- `drop_after` with `drop_with`, `stall_after`, `chunk`, `pace`: as in `Origin.add`, on every connection.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypedDict

from swruntime.algorithms.http_date import format_http_date, parse_http_date
from swruntime.network.ranges import if_range_holds, select_range
from swruntime.testing.answers import RequestRecord
from swruntime.testing.origin import Origin
from swruntime.testing.pattern import Pattern

Plain = Mapping[str, Any]

_PASSED_ON = ("stall_after", "drop_with", "chunk", "pace")
_DAY = 86_400

_ALWAYS = 5000
"""Connections, of which none gets past a `drop_after`: more than a file has bytes, which may come one at a time."""


class Server(TypedDict):
    """What `swruntime.testing.strategies.servers` makes, and `add_server` takes."""

    versions: Sequence[Plain]
    answers: Sequence[Plain]


def content_of(version: Plain) -> bytes:
    """All bytes of a version."""
    return _content(version["size"], version.get("seed", 0))


@lru_cache(64)
def _content(size: int, seed: int) -> bytes:
    return bytes(Pattern(size, seed))


def add_server(origin: Origin, path: str, server: Server) -> None:
    """Have `origin` answer for `path` as `server` says. Raises KeyError, IndexError for what it does not have."""
    versions = [(version, content_of(version)) for version in server["versions"]]
    responses: list[dict[str, Any]] = []
    for answer in server["answers"]:
        version, content = versions[answer.get("version", 0)]

        def body(
            request: RequestRecord, answer: Plain = answer, version: Plain = version, content: bytes = content
        ) -> dict[str, Any]:
            return respond(answer, version, content, request)

        responses.append({"body": body, "delay": answer.get("delay", 0.0)})
    origin.add(path, responses=responses)


def respond(answer: Plain, version: Plain, content: bytes, request: RequestRecord) -> dict[str, Any]:
    """What `answer` is to `request`, as arguments of `Origin.add`."""
    if "garbage" in answer:
        return {"garbage": True}
    if "hang_up" in answer:
        return {"hang_up": True, "drop_with": answer["hang_up"]}
    if "redirect" in answer:
        return {"redirect": request.path}
    if "status" in answer:
        return {"status": answer["status"], "etag": None, "retry_after": answer.get("retry_after")}
    said = {
        "etag": version.get("etag"),
        "last_modified": version.get("last_modified"),
        "date": _date(answer, version),
    }
    selected = None if "coding" in answer else _selected(answer, version, len(content), request)
    if selected == "unsatisfiable":
        return {**said, **_unsatisfiable(answer, len(content))}
    made: dict[str, Any] = {key: answer[key] for key in _PASSED_ON if key in answer}
    if "drop_after" in answer:
        made["drop_after"] = [answer["drop_after"]] * _ALWAYS
    if selected is not None:
        return {**said, **made, **_part(answer, version.get("seed", 0), content, *selected)}
    if "coding" in answer:
        coded = gzip.compress(content, 1, mtime=0)
        content = coded[: len(coded) - answer.get("coding_cut", 0)]
        made["headers"] = {"Content-Encoding": "gzip"}
    return {**said, **made, **_framing(answer, len(content)), "body": content, "ignore_range": True}


def _selected(answer: Plain, version: Plain, size: int, request: RequestRecord) -> Any:
    how = answer.get("range", "honoured")
    if how == "ignored":
        return None
    if request.range is None:
        return (0, size) if how == "unasked" else None
    holds = if_range_holds(request.headers.get("if-range"), version.get("etag"), version.get("last_modified"))
    if how in ("honoured", "as-200", "rest-as-200") and not holds:
        return None
    return "unsatisfiable" if how == "refused" else select_range(request.range, size)


def _date(answer: Plain, version: Plain) -> str | None:
    date, modified = answer.get("date", _DAY), parse_http_date(version.get("last_modified") or "")
    if not isinstance(date, str):
        return None if modified is None else format_http_date(modified + date)
    return None if date == "none" else date


def _unsatisfiable(answer: Plain, size: int) -> dict[str, Any]:
    told = size + (500 if answer.get("content_range") == "longer" else 0)
    headers = {} if answer.get("content_range") == "missing" else {"Content-Range": f"bytes */{told}"}
    return {"status": 416, "headers": headers}


def _part(answer: Plain, seed: int, content: bytes, start: int, end: int) -> dict[str, Any]:
    part = answer.get("part")
    if answer.get("content_range") == "earlier":
        start //= 2
    if part in ("short", "long"):
        end = start + (end - start + 1) // 2
    body = content[start:end]
    if part == "cut":
        body = body[: len(body) // 2]
    elif part == "empty":
        body = b""
    elif part == "long":
        body += b"more"
    headers = _content_range(answer, start, end, len(content))
    if part == "multipart":
        lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
        body = b"--X\r\n%b\r\n%b\r\n--X--\r\n" % ("".join(lines).encode(), body)
        headers = {"Content-Type": "multipart/byteranges; boundary=X"}
    elif part == "coded":
        headers["Content-Encoding"] = "gzip"
    made: dict[str, Any] = {"status": 206, "body": body, "headers": headers}
    if answer.get("range") in ("as-200", "rest-as-200"):
        made["status"], made["ignore_range"] = 200, True
    if answer.get("range") == "rest-as-200":
        headers.pop("Content-Range", None)
    if "validators" in answer:
        made["etag"] = f'"changed-{seed}"' if answer["validators"] == "changed" else None
        made["last_modified"] = None
    return {**made, **_framing(answer, len(body))}


def _content_range(answer: Plain, start: int, end: int, size: int) -> dict[str, str]:
    kind = answer.get("content_range")
    if kind == "missing":
        return {}
    first = start + 1 if kind == "elsewhere" else start
    unit = "bytes=" if kind == "malformed" else "bytes "
    if kind == "beyond":
        end = size + 500
    length = "*" if kind in ("star", "beyond") else str(size + 500 if kind == "longer" else size)
    return {"Content-Range": f"{unit}{first}-{end - 1}/{length}"}


def _framing(answer: Plain, size: int) -> dict[str, Any]:
    framing = answer.get("framing", "length")
    if framing == "chunked":
        return {"chunked": True}
    if framing == "close":
        return {"content_length": False}
    return {"content_length": max(0, size + answer.get("claims", 0))}
