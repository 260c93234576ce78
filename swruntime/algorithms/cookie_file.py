"""The Netscape format of cookies, which curl, wget and browsers' extensions write: https://curl.se/docs/http-cookies.html

Python's MozillaCookieJar tells neither the line that is wrong nor what is wrong with it.
"""

from __future__ import annotations

import re

from swruntime.algorithms import urls
from swruntime.concepts.cookies import Cookie

HTTP_ONLY = "#HttpOnly_"
EXPECTED = "expected domain, TRUE or FALSE, path, TRUE or FALSE, time, name and value, with tabs between them"

_CONTROL = re.compile(r"[\x00-\x1f\x7f;]")


def parse_cookie_file(text: str, now: float) -> tuple[Cookie, ...]:
    """The cookies of a file, in its order; `now` is when they count as made.

    The format knows no SameSite, and whoever brings a file wants its cookies sent: they are "none". Raises ValueError,
    with the number of the line.
    """
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.removesuffix("\r")
        http_only = line.startswith(HTTP_ONLY)
        line = line.removeprefix(HTTP_ONLY)
        if not line.strip() or line.startswith("#"):
            continue
        try:
            found.append(_cookie(line, http_only, now))
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
    return tuple(found)


def _cookie(line: str, http_only: bool, now: float) -> Cookie:
    fields = line.split("\t")
    if len(fields) == 6:
        fields.append("")  # an empty value, of which an editor took the tab
    if len(fields) != 7:
        raise ValueError(f"{len(fields)} fields; {EXPECTED}")
    domain, below, path, secure, expires, name, value = fields
    if not re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]+)?", expires):
        raise ValueError(f"the time is {expires!r}; expected seconds since 1970, or 0")
    if not path.startswith("/"):
        raise ValueError(f"the path is {path!r}; expected one that begins with '/'")
    if _CONTROL.search(name + value) or "=" in name:
        raise ValueError(f"{name!r} is not the name of a cookie, or its value not a value")
    return Cookie(
        name,
        value,
        _host(domain),
        path,
        host_only=not _flag(below, "subdomains"),
        expires=None if float(expires) <= 0 else float(expires),
        secure=_flag(secure, "secure"),
        http_only=http_only,
        same_site="none",
        created=now,
    )


def _host(domain: str) -> str:
    try:
        return urls.host(f"http://{domain.removeprefix('.')}/")
    except TypeError:
        raise ValueError(f"the domain is {domain!r}, which is not a host") from None


def _flag(text: str, what: str) -> bool:
    if text.upper() not in ("TRUE", "FALSE"):
        raise ValueError(f"{what} is {text!r}; expected TRUE or FALSE")
    return text.upper() == "TRUE"
