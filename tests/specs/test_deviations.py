"""The deviations name what is there."""

from __future__ import annotations

import importlib
import tomllib
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from swruntime.errors import UsageError
from swruntime.testing.conformance import read_deviations, read_ledger

SPECS = Path(__file__).parents[2] / "specs"
DEVIATIONS: dict[str, list[dict[str, Any]]] = {
    path.parent.name: tomllib.loads(path.read_text("utf-8"))["deviation"]
    for path in sorted(SPECS.glob("*/deviations.toml"))
}
REQUIRED = {"number", "algorithm", "text", "here", "symbol"}
OPTIONAL = {"chromium", "webkit", "discussion"}


@pytest.mark.parametrize(("spec", "count"), [("background-fetch", 24), ("service-workers", 30)])
def test_they_are_numbered_from_one(spec: str, count: int) -> None:
    assert [deviation["number"] for deviation in DEVIATIONS[spec]] == list(range(1, count + 1))


@pytest.mark.parametrize(
    "deviation",
    [pytest.param(each, id=f"{spec} {each['number']}") for spec, all in DEVIATIONS.items() for each in all],
)
def test_its_symbol_exists(deviation: dict[str, Any]) -> None:
    assert REQUIRED <= set(deviation) <= REQUIRED | OPTIONAL
    assert all(deviation.values())
    module, _, name = deviation["symbol"].partition(":")
    assert reduce(getattr, name.split("."), importlib.import_module(module)) is not None


@pytest.mark.parametrize("spec", ["background-fetch", "service-workers"])
def test_each_is_the_reason_of_a_step(spec: str) -> None:
    """And each step that departs has its reason, which the ledger's own test holds."""
    used = {step.deviation for algorithm in read_ledger(spec) for step in algorithm.steps}
    assert used - {None} == {deviation["number"] for deviation in DEVIATIONS[spec]}


def test_what_browsers_do_is_optional_and_nothing_else_is(tmp_path: Path) -> None:
    path = tmp_path / "here" / "deviations.toml"
    path.parent.mkdir()
    entry = '[[deviation]]\nnumber = 1\nalgorithm = "a"\ntext = "t"\nhere = "h"\nsymbol = "s"\n'
    path.write_text(entry + 'chromium = "c"\n')
    (read,) = read_deviations(path)
    assert (read.spec, read.chromium, read.webkit, read.discussion) == ("here", "c", "", "")
    path.write_text(entry + 'gecko = "g"\n')
    with pytest.raises(UsageError, match="here/deviations.toml.*gecko"):
        read_deviations(path)


@pytest.mark.parametrize(
    "url",
    [
        "http://github.com/WICG/background-fetch/issues/154",
        "https://github.com/WICG/background-fetch/issues",
        "https://github.com/WICG/background-fetch/issues/154#issuecomment-1",
        "https://example.com/WICG/background-fetch/issues/154",
    ],
)
def test_a_discussion_is_a_thread(url: str, tmp_path: Path) -> None:
    path = tmp_path / "here" / "deviations.toml"
    path.parent.mkdir()
    entry = '[[deviation]]\nnumber = 1\nalgorithm = "a"\ntext = "t"\nhere = "h"\nsymbol = "s"\n'
    path.write_text(f'{entry}discussion = "{url}"\n')
    with pytest.raises(UsageError, match="here: deviation 1: discussion is .*expected the URL of an"):
        read_deviations(path)
    path.write_text(f'{entry}discussion = "https://github.com/WICG/background-fetch/pull/164"\n')
    assert read_deviations(path)[0].discussion.endswith("/pull/164")
