"""Servers whose first answer is cut where the rest can be asked for: what is random alone seldom comes that far."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from swruntime.algorithms.http_date import format_http_date
from swruntime.testing.behaviour import Server

_FIRST_DATE = 1_767_225_600
"""2026-01-01; each version is a day younger than the one before."""

VALIDATORS = ("etag", "etag", "last_modified", "both", "weak", "weak and date", "none")
FAULTS: tuple[dict[str, Any], ...] = (
    {},
    {},
    *({"range": kind} for kind in ("careless", "ignored", "refused", "unasked", "as-200", "rest-as-200")),
    *(
        {"content_range": kind}
        for kind in ("missing", "elsewhere", "malformed", "star", "longer", "earlier", "beyond")
    ),
    *({"part": kind} for kind in ("short", "cut", "empty", "long", "multipart", "coded")),
    *({"validators": kind} for kind in ("changed", "gone")),
    *({"date": kind} for kind in (0, "none", "soon")),
    {"coding": "gzip", "coding_cut": 0},
    {"coding": "gzip", "coding_cut": 9},
)
"""At most one thing is wrong with an answer, so that it is known what it leads to; the answers differ."""

WITHOUT_BODY: tuple[dict[str, Any], ...] = (
    {"garbage": True},
    {"hang_up": "reset"},
    {"redirect": True},
    {"status": 404},
    {"status": 416},
    {"status": 500},
    {"status": 503, "retry_after": 5},
)


@st.composite
def versions(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """Of one size or of another; what tells the version, if anything does, is its own."""
    size = draw(st.one_of(st.just(2000), st.integers(1000, 4000)))
    version: dict[str, Any] = {"size": size, "seed": 4 * number}
    kind = draw(st.sampled_from(VALIDATORS))
    if kind in ("etag", "both"):
        version["etag"] = f'"v{number}"'
    if kind in ("weak", "weak and date"):
        version["etag"] = f'W/"v{number}"'
    if kind in ("last_modified", "both", "weak and date"):
        version["last_modified"] = format_http_date(_FIRST_DATE + 86_400 * number)
    return version


@st.composite
def answers(draw: st.DrawFn, number_of_versions: int, *, cut: bool, fault: dict[str, Any]) -> dict[str, Any]:
    """One that is cut after some bytes, or comes as whole as `fault` lets it."""
    answer = dict(fault)
    if number_of_versions > 1 and draw(st.booleans()):
        answer["version"] = 1
    if cut:
        stop = draw(st.sampled_from(("reset", "close", "stall")))
        after = draw(st.integers(1, 3000))
        answer |= {"stall_after": after} if stop == "stall" else {"drop_after": after, "drop_with": stop}
        answer["chunk"] = draw(st.sampled_from((200, 65536)))
    framing = draw(st.sampled_from(("length", "length", "length", "chunked", "close")))
    return answer if framing == "length" else {**answer, "framing": framing}


@st.composite
def interrupted_servers(draw: st.DrawFn) -> Server:
    """The first answer is cut; then some, each with a fault or cut again; and the last one is often as it should be."""
    count = draw(st.integers(1, 2))
    number = draw(st.integers(0, 3))
    told = [draw(answers(1, cut=True, fault={}))]
    for _ in range(number):
        if draw(st.integers(0, 4)) == 0:
            told.append(dict(draw(st.sampled_from(WITHOUT_BODY))))
        else:
            told.append(draw(answers(count, cut=draw(st.booleans()), fault=draw(st.sampled_from(FAULTS)))))
    if number == 0 or draw(st.integers(0, 3)):
        told.append(draw(answers(count, cut=False, fault=draw(st.sampled_from(({}, {}, *FAULTS))))))
    return {"versions": [draw(versions(each)) for each in range(count)], "answers": told}
