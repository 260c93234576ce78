"""The ledger names what is there, and what is wrong with one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from swruntime.errors import UsageError
from swruntime.testing.conformance import examine, ledger

ROOT = Path(__file__).parents[2]

SMALL = """
url = "https://example.com/#"
[modules]
machine = "swruntime.machines.background_fetch"
[files]
here = "tests/specs/test_ledger.py"
[[algorithm]]
name = "one"
title = "One"
anchor = "one"
steps = [
    { at = "1-3", says = "a", by = "machine:note", tests = ["here:test_steps_are_found_by_their_number"] },
    { at = "4", says = "b", by = "machine:Machine.feed", tests = ["here:test_steps_are_found_by_their_number"] },
    { at = "4.1-4.2.3", says = "c", by = "machine:State", tests = ["here:test_steps_are_found_by_their_number"] },
    { at = "5/response.1", says = "d", by = "machine:Settle.event", tests = ["here:test_steps_are_found_by_their_number"] },
]
"""


def read(tmp_path: Path, text: str) -> tuple[ledger.Algorithm, ...]:
    path = tmp_path / "algorithms.toml"
    path.write_text(text)
    return ledger.read_ledger("background-fetch", path)


def problems(tmp_path: Path, text: str) -> list[str]:
    return list(ledger.problems_of(read(tmp_path, text), {1}, ROOT))


def test_the_implementation_conforms() -> None:
    report = examine()
    assert report.problems == ()
    assert report.tests_checked
    assert report.steps > 150
    assert report.members > 100


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ("1", "a"),
        ("2", "a"),
        ("3", "a"),
        ("3.2", "a"),
        ("4", "b"),
        ("4.1", "c"),
        ("4.2.1", "c"),
        ("5/response.1.2", "d"),
    ],
)
def test_steps_are_found_by_their_number(tmp_path: Path, at: str, says: str) -> None:
    (algorithm,) = read(tmp_path, SMALL)
    assert algorithm.step(at).says == says


@pytest.mark.parametrize("at", ["0", "6", "5", "response", "5/request.1", ""])
def test_a_number_that_no_step_has(tmp_path: Path, at: str) -> None:
    (algorithm,) = read(tmp_path, SMALL)
    with pytest.raises(UsageError, match="one has no step"):
        algorithm.step(at)


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        (
            "machine:note",
            "machine:notes",
            "step 1-3: swruntime.machines.background_fetch:notes does not exist",
        ),
        (
            "machine:Machine.feed",
            "machine:Machine.fed",
            "step 4: swruntime.machines.background_fetch:Machine.fed",
        ),
        ('at = "4.1-4.2.3"', 'at = "4"', "step 4 is there twice"),
        (
            'says = "a", by = "machine:note", tests = [',
            'says = "a", by = "machine:note", tests = [], x = [',
            "step 1-3 has no test",
        ),
        (
            'here:test_steps_are_found_by_their_number"] },\n]',
            'here:test_nothing"] },\n]',
            "test_nothing does not exist",
        ),
        (
            'tests = ["here:test_steps_are_found_by_their_number"] },\n]',
            'tests = ["here:test_steps_are_found_by_their_number"], deviation = 7 },\n]',
            "there is no deviation 7",
        ),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, good: str, bad: str, told: str) -> None:
    assert problems(tmp_path, SMALL) == []
    assert good in SMALL
    (problem,) = problems(tmp_path, SMALL.replace(good, bad, 1))
    assert told in problem


@pytest.mark.parametrize(
    ("good", "bad", "told"),
    [
        ("machine:note", "machin:note", "one, step '1-3': 'machin' is missing"),
        ("here:test", "there:test", "'there' is missing"),
        ('title = "One"', "", "has no entry 'title'"),
        ("[[algorithm]]", "[[algorithm", "cannot be read"),
    ],
)
def test_what_is_no_ledger(tmp_path: Path, good: str, bad: str, told: str) -> None:
    with pytest.raises(UsageError, match="background-fetch") as raised:
        read(tmp_path, SMALL.replace(good, bad, 1))
    assert told in str(raised.value)


def test_what_is_renamed_is_found_missing() -> None:
    assert ledger.symbol_exists("swruntime.machines.record:TABLE")
    assert not ledger.symbol_exists("swruntime.machines.records:TABLE")
    assert ledger.test_exists(ROOT, "tests/specs/test_ledger.py::test_what_is_renamed_is_found_missing")
    assert not ledger.test_exists(ROOT, "tests/specs/test_ledgers.py::test_what_is_renamed_is_found_missing")
