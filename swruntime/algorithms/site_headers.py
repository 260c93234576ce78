"""The headers of SITE's files, from its `_headers`: the format that Netlify and Cloudflare Pages read.

    # a comment
    /app/*
      Service-Worker-Allowed: /
      X-Frame-Options: DENY
    /app/public/:name
      ! X-Frame-Options

A path, then, indented, the headers of what it matches. In a path one `*` stands for anything, and `:name` for
one segment. Every rule that matches counts, in the order of the file: a header takes the place of the one that
the server would send, a header that is there again is sent again, and `! Name` takes it away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

import attrs

from swruntime.algorithms import headers as h
from swruntime.concepts.http import HeaderList
from swruntime.errors import SiteError

_SERVERS_OWN = frozenset(
    (
        *("accept-ranges", "connection", "content-length", "content-range", "date", "etag", "keep-alive"),
        *("last-modified", "trailer", "transfer-encoding", "upgrade"),
    )
)
"""What the server knows and a file cannot: to say otherwise would break the exchange, or its resumption."""

_WILDCARD = re.compile(r"\*|(?<=/):[A-Za-z]\w*")


@attrs.frozen
class Rule:
    """The headers of the paths that `pattern` matches; None takes a header away."""

    pattern: re.Pattern[str]
    headers: tuple[tuple[str, str | None], ...]


@attrs.frozen
class SiteHeaders:
    """All rules of a `_headers`, in their order."""

    rules: tuple[Rule, ...] = ()

    def apply(self, pathname: str, own: HeaderList = HeaderList()) -> HeaderList:  # noqa: B008 - it is frozen
        """The headers of the answer for a URL's path; `own` are those that the server has for it."""
        given: set[str] = set()
        path = _decoded(pathname)
        for rule in self.rules:
            if rule.pattern.fullmatch(path):
                for name, value in rule.headers:
                    if value is None or name.lower() not in given:
                        own = own.delete(name)
                    if value is not None:
                        given.add(name.lower())
                        own = own.append(name, value)
        return own


def parse_site_headers(data: bytes, file: str) -> SiteHeaders:
    """The rules in a `_headers`, which errors call `file`.

    Raises SiteError, naming the file and the line: for what is not UTF-8, no path, no header, a header that is
    the server's own, a header before the first path, and a path without headers.
    """
    rules: list[Rule] = []
    pattern: re.Pattern[str] | None = None
    headers: list[tuple[str, str | None]] = []
    opened = ""
    for where, line in _lines(data, file):
        if line[0] in " \t":
            if pattern is None:
                raise SiteError(f"{where}: {line.strip()!r} comes before any path; expected a path like '/*'")
            headers.append(_header(line.strip(), where))
            continue
        if pattern is not None:
            rules.append(_rule(pattern, headers, opened))
        pattern, headers, opened = _pattern(line.rstrip(), where), [], where
    if pattern is not None:
        rules.append(_rule(pattern, headers, opened))
    return SiteHeaders(tuple(rules))


def _lines(data: bytes, file: str) -> Iterator[tuple[str, str]]:
    """Each line that says something, with where it is."""
    for number, raw in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        where = f"{file}:{number}"
        try:
            line = raw.decode().removesuffix("\r")
        except UnicodeDecodeError:
            raise SiteError(f"{where}: the line is not UTF-8") from None
        if line.strip() and not line.lstrip().startswith("#"):
            yield where, line


def _pattern(line: str, where: str) -> re.Pattern[str]:
    if not line.startswith("/") or len(line.split()) != 1:
        raise SiteError(
            f"{where}: {line!r} is not a path; expected one like '/app/*', or, indented, a header like 'Name: value'"
        )
    if line.count("*") > 1:
        raise SiteError(f"{where}: {line!r} has more than one *; expected one at most")
    pieces: list[str] = []
    at = 0
    for wildcard in _WILDCARD.finditer(line):
        pieces += [re.escape(_decoded(line[at : wildcard.start()])), ".*" if wildcard[0] == "*" else "[^/]+"]
        at = wildcard.end()
    return re.compile("".join(pieces) + re.escape(_decoded(line[at:])), re.DOTALL)


def _header(line: str, where: str) -> tuple[str, str | None]:
    removed = line.startswith("!")
    name, colon, value = (line[1:], ":", "removed") if removed else line.partition(":")
    name, value = name.strip(), value.strip()
    if not colon or not value or not h.is_name(name):
        raise SiteError(f"{where}: {line!r} is not a header; expected 'Name: value' or '! Name'")
    if name.lower() in _SERVERS_OWN:
        raise SiteError(f"{where}: {name} is for the server to say; expected another header")
    if not h.is_value(value):
        raise SiteError(
            f"{where}: the value of {name} is {value!r}; expected no CR, NUL or character beyond U+00FF"
        )
    return name, None if removed else value


def _rule(pattern: re.Pattern[str], headers: list[tuple[str, str | None]], where: str) -> Rule:
    if not headers:
        raise SiteError(f"{where}: the path has no headers; expected, indented below it, 'Name: value'")
    return Rule(pattern, tuple(headers))


def _decoded(path: str) -> str:
    return unquote(path, errors="replace")
