"""Hypothesis strategies for what happens to offline-first apps. Plain data, so that a failing example can be kept.

    @given(strategies.servers())
    async def test_never_two_versions_at_once(server):
        async with laboratory() as lab:
            add_server(lab.origin, "/ep-5.mp3", server)

`bodies`, `versions`, `answers` and `servers` are for `swruntime.testing.behaviour`, which explains their keys;
`conditions` and `actions` are the steps of a scenario, for `swruntime.testing.parse_scenario`; `scenarios` are
whole ones:

    @given(strategies.scenarios())
    def test_it_never_breaks(scenario):
        keep(scenario, "smallest.toml")     # of those that fail, the last one that was tried
        check_trace(run_scenario(scenario))
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from hypothesis import strategies as st

from swruntime.algorithms.http_date import format_http_date
from swruntime.network.conditions import PRESETS
from swruntime.testing.behaviour import Server

_FIRST_DATE = 1_767_225_600
"""2026-01-01, for the first version of a file; each later one is a day younger."""


_RANGES = ("careless", "ignored", "refused", "unasked", "as-200", "rest-as-200")
_CONTENT_RANGES = ("missing", "elsewhere", "malformed", "star", "longer", "earlier", "beyond")
_DATES = (-1, 0, 1, 60, "none", "yesterday")


def bodies(max_size: int = 4000) -> st.SearchStrategy[dict[str, Any]]:
    """`size`, and `seed` unless it is 0, of a `Pattern`; up to `max_size` bytes, often at a border: none, one, all."""
    size = st.one_of(st.integers(1, max_size), st.sampled_from((0, 1, max_size)))
    return st.fixed_dictionaries({"size": size}, optional={"seed": st.integers(1, 3)})


@lru_cache(64)
@st.composite
def versions(draw: st.DrawFn, number: int, max_size: int = 4000) -> dict[str, Any]:
    """The `number`th version of a file, which no validator takes for another one."""
    version = draw(bodies(max_size))
    if number:
        version["seed"] = version.get("seed", 0) + 4 * number
    kind = draw(st.sampled_from(("none", "etag", "last_modified", "weak", "both")))
    if kind in ("both", "etag"):
        version["etag"] = f'"v{number}"'
    if kind == "weak":
        version["etag"] = f'W/"v{number}"'
    if kind in ("both", "last_modified"):
        version["last_modified"] = format_http_date(_FIRST_DATE + 86_400 * number)
    return version


def _merged(parts: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    return {key: value for part in parts for key, value in part.items()}


def _optional(**choices: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=choices)


def _cuts(max_size: int) -> st.SearchStrategy[dict[str, Any]]:
    # Not one byte after the other: that is nothing new, and takes thousands of requests.
    after = st.one_of(st.integers(max_size // 8, max_size), st.just(0))
    return st.one_of(
        st.just({}),
        st.fixed_dictionaries({"drop_after": after, "drop_with": st.sampled_from(("reset", "close"))}),
        st.fixed_dictionaries({"stall_after": after}),
    )


def _framings() -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        st.just({}),
        st.sampled_from(({"framing": "chunked"}, {"framing": "close"})),
        st.fixed_dictionaries({"claims": st.sampled_from((-1, 1, 500, -500))}),
    )


def _bodies_of_answers() -> st.SearchStrategy[dict[str, Any]]:
    """How the file comes: at most one thing is wrong with a 206, whatever else is."""
    ranges: st.SearchStrategy[dict[str, Any]] = st.one_of(
        st.just({}),
        st.fixed_dictionaries({"range": st.sampled_from(_RANGES)}),
    )
    wrong: st.SearchStrategy[dict[str, Any]] = st.one_of(
        st.just({}),
        st.fixed_dictionaries({"content_range": st.sampled_from(_CONTENT_RANGES)}),
        st.fixed_dictionaries(
            {"part": st.sampled_from(("short", "cut", "empty", "long", "multipart", "coded"))}
        ),
        st.fixed_dictionaries({"validators": st.sampled_from(("changed", "gone"))}),
    )
    coded = st.fixed_dictionaries(
        {"coding": st.just("gzip"), "coding_cut": st.sampled_from((0, 0, 1, 9, 20))}
    )
    return st.one_of(st.tuples(ranges, wrong).map(_merged), coded)


@lru_cache(64)
def answers(number_of_versions: int = 1, max_size: int = 4000) -> st.SearchStrategy[dict[str, Any]]:
    """One answer of a server, with one of the versions, and any mix of faults."""
    version = st.integers(0, number_of_versions - 1).map(lambda number: {"version": number} if number else {})
    pace = _optional(chunk=st.integers(max_size // 8 or 1, max_size), pace=st.sampled_from((0.5, 20.0, 90.0)))
    delays = _optional(delay=st.sampled_from((0.5, 30.0, 120.0)))
    dates = _optional(date=st.sampled_from(_DATES))
    parts = (version, _bodies_of_answers(), _framings(), _cuts(max_size), pace, delays, dates)
    whole = st.tuples(*parts).map(_merged)
    without_body = st.one_of(
        st.fixed_dictionaries({"hang_up": st.sampled_from(("reset", "close"))}),
        st.just({"redirect": True}),
        st.just({"garbage": True}),
        st.fixed_dictionaries(
            {"status": st.sampled_from((404, 416, 429, 500, 503))},
            optional={"retry_after": st.sampled_from((0, 5, "soon"))},
        ),
    )
    return st.one_of(whole, whole, whole, whole, without_body)


@st.composite
def servers(draw: st.DrawFn, max_versions: int = 3, max_answers: int = 5, max_size: int = 4000) -> Server:
    """A file on a server: its versions, and how one request after the other is answered."""
    count = draw(st.integers(1, max_versions))
    # The number first: a smaller one is tried without each of them. Of a list Hypothesis deletes a few choices at once.
    number_of_answers = draw(st.integers(1, max_answers))
    return {
        "versions": [draw(versions(number, max_size)) for number in range(count)],
        "answers": [draw(answers(count, max_size)) for _ in range(number_of_answers)],
    }


def conditions(max_steps: int = 6, longest: float = 60.0) -> st.SearchStrategy[list[dict[str, Any]]]:
    """The network over time: steps of a scenario, each up to `longest` seconds after the last. It ends online."""
    after = st.floats(0.001, longest, allow_nan=False).map(lambda seconds: round(seconds, 3))
    presets = sorted(PRESETS.keys() - {"offline"})
    step = st.one_of(
        st.fixed_dictionaries({"after": after, "do": st.sampled_from(("offline", "online"))}),
        st.fixed_dictionaries(
            {"after": after, "do": st.just("conditions"), "conditions": st.sampled_from(presets)}
        ),
    )
    return st.lists(step, max_size=max_steps).map(lambda steps: [*steps, {"after": longest, "do": "online"}])


def actions(ids: Sequence[str] = ("a",), longest: float = 60.0) -> st.SearchStrategy[dict[str, Any]]:
    """One thing that the user does, or the worker's sudden death: up to `longest` seconds after the step before, or
    when so many bytes of one of the background fetches `ids` are stored."""
    when = st.one_of(
        st.fixed_dictionaries({"after": st.floats(0, longest).map(lambda time: round(time, 3))}),
        st.fixed_dictionaries({"fetch": st.sampled_from(list(ids)), "bytes": st.integers(0, 4000)}),
    )
    of_fetches = st.sampled_from(("pause", "resume", "abort", "click"))
    named = st.fixed_dictionaries({"do": of_fetches, "fetch": st.sampled_from(list(ids))})
    done = st.one_of(named, st.sampled_from(("offline", "online", "stop-worker")).map(lambda do: {"do": do}))
    return st.tuples(when, done).map(_one_step)


def _one_step(parts: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    when, done = parts
    return {**done, **when}  # a step at bytes of a background fetch is about that one


@st.composite
def scenarios(draw: st.DrawFn, max_fetches: int = 2, max_steps: int = 4) -> dict[str, Any]:
    """A whole scenario, for `run_scenario` and `keep`: servers with faults, background fetches, what the user and the
    network do. It ends online, with nothing paused; how a background fetch ends is not said, so expect nothing."""
    paths = [f"/{number}" for number in range(draw(st.integers(1, 2)))]
    ids = "abcdefgh"[: draw(st.integers(1, max_fetches))]
    urls = st.lists(st.sampled_from(paths), min_size=1, max_size=len(paths), unique=True)
    steps = draw(st.lists(actions(ids), max_size=max_steps))
    scenario: dict[str, Any] = {
        "give_up": 300,
        "fetch": [{"id": id, "urls": draw(urls)} for id in ids],
        "servers": {path: draw(servers(max_versions=2, max_answers=3)) for path in paths},
        "expect": dict.fromkeys(ids, "any"),
    }
    if steps:
        scenario["step"] = [*steps, {"after": 60.0, "do": "online"}, {"after": 0.0, "do": "resume"}]
    return scenario
