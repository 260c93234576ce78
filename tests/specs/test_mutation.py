"""What `make mutation` makes of a run's results. The run itself is no test: CI does a tenth of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.specs import mutation
from tests.specs.mutation import Figures, Mutant, Survivor, differences, function_name, is_case, is_wording

MUTANT = Mutant("swruntime.a.x_f__mutmut_3", "swruntime.a.f", "x = 1", "x = 2")


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("swruntime.a.b.x_f__mutmut_12", "swruntime.a.b.f"),
        ("swruntime.a.b.x__f__mutmut_1", "swruntime.a.b._f"),
        ("swruntime.a.b.xǁ_Classǁ__init____mutmut_1", "swruntime.a.b._Class.__init__"),
    ],
)
def test_the_function_of_a_mutant(name: str, function: str) -> None:
    assert function_name(name) == function


@pytest.mark.parametrize(
    "survivor",
    [
        Survivor("swruntime.a.f", "why", was="x = 1", now="x = 2"),
        Survivor("swruntime.*", "why", was="x = 1", now="x = 2"),
    ],
)
def test_what_is_explained(survivor: Survivor) -> None:
    assert differences([survivor], [MUTANT]) == []
    (told,) = differences([survivor], [])
    assert told == f"survivors.toml explains {survivor.function}, 'x = 2'; that is caught now, or gone"


@pytest.mark.parametrize(
    "survivor",
    [
        Survivor("swruntime.a.g", "why", was="x = 1", now="x = 2"),
        Survivor("swruntime.a.f", "why", was="x = 1", now="x = 3"),
        Survivor("swruntime.a.f", "why", was="x = 0", now="x = 2"),
        Survivor("swruntime.a.f", "why", kind="case"),
    ],
)
def test_what_is_not_explained(survivor: Survivor) -> None:
    survives, explains = differences([survivor], [MUTANT])
    assert survives.splitlines() == [
        "swruntime.a.f survives, and survivors.toml has no reason (swruntime.a.x_f__mutmut_3)",
        "    - x = 1",
        "    + x = 2",
    ]
    assert explains.startswith(f"survivors.toml explains {survivor.function}")


@pytest.mark.parametrize(
    ("was", "now", "case", "wording"),
    [
        ('get("Vary")', 'get("vary")', True, False),
        ('get("Vary")', 'get("XXVaryXX")', False, False),
        ('"a Word"', '"A WORD"', True, True),
        ('f("a", "two words")', 'f("a", "XXtwo wordsXX")', False, True),
        ('f"is {x!r}; " "expected y"', 'f"is {x!r}; " "XXexpected yXX"', False, True),
        ('f("a", "two words")', 'f("XXaXX", "two words")', False, False),
        ('f("two words")', "f(None)", False, False),
        ('split(" ")', 'split("XX XX")', False, False),
        ("x = True", "x = False", False, False),
    ],
)
def test_kinds_of_changes(was: str, now: str, case: bool, wording: bool) -> None:
    assert is_case(was, now) is case
    assert is_wording(was, now) is wording


@pytest.mark.parametrize(
    "fields",
    [{}, {"was": "x"}, {"now": "x"}, {"was": "x", "now": "y", "kind": "case"}, {"kind": "case", "why": " "}],
)
def test_an_entry_that_is_none(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="the survivor 'f' has"):
        Survivor("f", **{"why": "why", **fields})  # type: ignore[arg-type]


def test_the_file_is_read_and_each_entry_says_something_else() -> None:
    explained = mutation.read_survivors()
    assert len({(e.function, e.was, e.now, e.kind) for e in explained}) == len(explained)


def test_a_member_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "survivors.toml"
    path.write_text('[[survivor]]\nfunction = "f"\nkind = "case"\nwhy = "w"\nline = 5\n')
    with pytest.raises(ExceptionGroup):
        mutation.read_survivors(path)


def test_of_a_share_only_its_survivors_are_judged() -> None:
    explained = Survivor("swruntime.a.g", "why", kind="case")
    assert differences([explained], [], all_tried=False) == []
    (told,) = differences([explained], [MUTANT], all_tried=False)
    assert told.startswith("swruntime.a.f survives")


def test_a_tenth_is_a_digit_of_the_commit() -> None:
    assert re.fullmatch(r"\*__mutmut_\*[0-9]", mutation.tenth())


def test_figures() -> None:
    assert str(Figures(200, (MUTANT,) * 5, 61.4)) == (
        "200 mutants, 195 caught (97.5%), 5 survivors, 61 seconds"
    )


def test_what_was_not_tried_is_not_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mutmut")
    monkeypatch.chdir(tmp_path)
    module = tmp_path / "mutants" / "swruntime" / "a.py"
    module.parent.mkdir(parents=True)
    module.write_text(
        "def x_f__mutmut_orig():\n    return 1\n\n\ndef x_f__mutmut_1():\n    return 2\n\n\n"
        "def x_f__mutmut_2():\n    return 3\n"
    )
    codes = {"swruntime.a.x_f__mutmut_1": 1, "swruntime.a.x_f__mutmut_2": None}
    module.with_suffix(".py.meta").write_text(json.dumps({"exit_code_by_key": codes}))
    count, survived = mutation.results()
    assert (count, survived) == (
        2, [Mutant("swruntime.a.x_f__mutmut_2", "swruntime.a.f", "return 1", "return 3")],
    )  # fmt: skip
    assert mutation.results("*__mutmut_*1") == (1, [])


@pytest.mark.parametrize("arguments", [[], ["--tenth"]])
def test_a_survivor_without_a_reason_fails_whatever_is_tried(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mutation, "mutmut", lambda *_: None)
    monkeypatch.setattr(mutation, "results", lambda _: (100, [MUTANT]))
    monkeypatch.setattr(mutation, "read_survivors", list)
    assert mutation.main(arguments) == 1
    assert "swruntime.a.f survives, and survivors.toml has no reason" in capsys.readouterr().out
    monkeypatch.setattr(mutation, "read_survivors", lambda: [Survivor("*", "why", was="x = 1", now="x = 2")])
    assert mutation.main(arguments) == 0
    monkeypatch.setattr(mutation, "results", lambda _: (19, [MUTANT]))
    assert mutation.main(arguments) == 1


def test_a_mutant_does_not_get_all_memory() -> None:
    program = f"bytearray({mutation.MEMORY})"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        preexec_fn=mutation.limit_memory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (1, "MemoryError")


@pytest.mark.parametrize(
    "arguments", [["--children", "0"], ["--continue", "--survivors"], ["--continue", "--tenth"], ["x"]]
)
def test_a_wrong_command_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        mutation.main(arguments)
    assert raised.value.code == 2
    assert "error: " in capsys.readouterr().err
