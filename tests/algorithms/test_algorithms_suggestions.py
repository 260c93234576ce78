"""Did you mean ...?"""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from swruntime.algorithms.suggestions import did_you_mean, or_known

COMMANDS = ("run", "serve", "fetch", "resume", "status", "cache")


@pytest.mark.parametrize(
    ("given", "meant"),
    [("rnu", "run"), ("fecth", "fetch"), ("stat", "status"), ("s", "serve"), ("caches", "cache")],
)
def test_what_is_near(given: str, meant: str) -> None:
    assert did_you_mean(given, COMMANDS) == f"; did you mean {meant!r}?"
    assert or_known(given, COMMANDS) == f"; did you mean {meant!r}?"


@pytest.mark.parametrize("given", ["", "frobnicate", "x"])
def test_what_is_not(given: str) -> None:
    assert did_you_mean(given, COMMANDS) == ""
    assert or_known(given, ("a", "b")) == "; there are: 'a', 'b'"


def test_where_nothing_is_known() -> None:
    assert did_you_mean("a", ()) == ""
    assert or_known("a", ()) == "; there are none"


@given(st.lists(st.text(min_size=1), min_size=1), st.data())
def test_the_beginning_of_one_means_one_that_begins_so(known: list[str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(known))
    length = data.draw(st.integers(1, len(name)))
    told = did_you_mean(name[:length], known)
    first = next(each for each in known if each.startswith(name[:length]))
    assert told == f"; did you mean {first!r}?"
