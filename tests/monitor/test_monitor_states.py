"""Reading states.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from swruntime.errors import SpecError
from swruntime.monitor.expressions import Expression
from swruntime.monitor.states import machines, parse, read

GOOD = """
standard = "https://example.com/"
[machine.door]
title = "A door"
anchor = "#door"
initial = "open"
settled = ["shut"]
states = { open = "", shut = "" }
inputs = { push = "" }
effects = { creak = "" }
facts = { oiled = "" }
guards = { is_dry = "not oiled" }
[[machine.door.transition]]
from = "open"
input = "push"
when = "is_dry"
to = "shut"
effects = ["creak", "creak if not oiled"]
anchor = "#push"
step = "push, 1"
"""


def test_a_machine() -> None:
    (door,) = parse(GOOD, "door.toml")
    push = door.next("open", "push", {"oiled": False})
    assert push is not None
    assert (push.target, push.anchor) == ("shut", "https://example.com/#push")
    assert push.expected({"oiled": False}) == ["creak", "creak"]
    assert push.expected({"oiled": True}) == ["creak"]
    assert door.next("open", "push", {"oiled": True}) is None
    assert door.next("shut", "push", {"oiled": False}) is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("standard =", "standrad =", "door.toml: the file: 'standrad' is not a key of it"),
        ('to = "shut"', 'to = "ajar"', "machine 'door': transition 1: state 'ajar' is not declared"),
        ('input = "push"', 'input = "pull"', "machine 'door': transition 1: input 'pull' is not declared"),
        ('when = "is_dry"', 'when = "is_wet"', "transition 1: guard 'is_wet' is not declared"),
        ('["creak",', '["squeak",', "transition 1: effect 'squeak' is not declared"),
        ('"not oiled" }', '"not oil" }', "guard 'is_dry': 'not oil': 'oil' is not a declared fact"),
        ('"not oiled" }', '"not" }', "guard 'is_dry': 'not' is not an expression"),
        ('"not oiled" }', '"oiled()" }', "guard 'is_dry': 'oiled()' has a Call"),
        ('anchor = "#push"', 'anchor = "push"', "transition 1: anchor is 'push'; expected #NAME"),
        ('step = "push, 1"', 'step = ""', "transition 1: step is empty"),
        ('step = "push, 1"', "", "transition 1: 'step' is missing"),
        ('shut = ""', 'shut = "", ajar = ""', "states.ajar is declared, and no transition has it"),
        ('initial = "open"', "initial = 1", "machine 'door': initial is 1; expected a string"),
        ('["creak", "creak if not oiled"]', "7", "transition 1: effects is 7; expected a string, or a list"),
        ('"A door"', '"A door', "door.toml: "),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(SpecError) as caught:
        parse(GOOD.replace(old, new), "door.toml")
    assert message in str(caught.value)


def test_a_transition_that_changes_nothing_says_why() -> None:
    quiet = GOOD.replace('to = "shut"', 'to = "same"').replace('["creak", "creak if not oiled"]', "[]")
    with pytest.raises(SpecError, match="say in 'quiet' why"):
        parse(quiet, "door.toml")


def test_a_transition_behind_one_without_a_guard_is_never_asked() -> None:
    transition = GOOD[GOOD.index("[[") :].replace('when = "is_dry"\n', "")
    with pytest.raises(SpecError, match="is never asked"):
        parse(GOOD + transition + transition, "door.toml")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be read"):
        read(tmp_path / "states.toml")


def test_every_machine_of_the_standards_is_there() -> None:
    syncs = {"background-sync", "periodic-background-sync"}
    assert set(machines()) == {"background-fetch", "record", "service-worker", "extendable-event", *syncs}


def test_an_expression_can_do_nothing() -> None:
    for text in ("__import__('os')", "a.b", "[x for x in a]", "lambda: 1"):
        with pytest.raises(ValueError, match="a guard may not have|no declared fact"):
            Expression(text, {"a"})
