"""Comments that silence a diagnostic at one place."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from swruntime.algorithms.allowances import allowances, unknown_codes

CODES = {"a-code": None, "b": None}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", {}),
        ("x = 1  # allow=a-code\n", {}),
        ("x = 1  # swruntime: allow=a-code\n", {1: {"a-code"}}),
        ("x = 1  # swruntime: allow=a-code, b\n", {1: {"a-code", "b"}}),
        ("x = 1  #swruntime:allow=a-code because of this\n", {1: {"a-code"}}),
        ("# swruntime: allow=b\nx = 1\n", {1: {"b"}, 2: {"b"}}),
        (
            "if x:\n    # swruntime: allow=b\n    y = 1  # swruntime: allow=a-code\n",
            {2: {"b"}, 3: {"a-code", "b"}},
        ),
        ("x = '# swruntime: allow=b'\n", {}),
        ("x = '''\n# swruntime: allow=b\n'''\n", {}),
        ("x = 1  # swruntime: allow=", {1: {""}}),
        ("x = 1  # swruntime: is fine\n", {}),
    ],
)
def test_what_is_allowed(source: str, expected: dict[int, set[str]]) -> None:
    assert allowances(source) == expected


def test_what_is_no_code() -> None:
    source = "# swruntime: allow=a-code\nx = 1  # swruntime: allow=b,c\n# swruntime: allow=\n"
    assert unknown_codes(source, CODES) == [(2, "c"), (3, "")]


@given(st.lists(st.sampled_from(["x = 1", "# swruntime: allow=b", "y = 2  # swruntime: allow=a-code", ""])))
def test_a_line_is_silenced_by_its_own_comment_or_by_one_that_has_the_line_above(lines: list[str]) -> None:
    allowed = allowances("\n".join(lines))
    for number, line in enumerate(lines, 1):
        above = lines[number - 2] if number > 1 else ""
        codes = {"b"} if above.startswith("#") or line.startswith("#") else set()
        codes |= {"a-code"} if "a-code" in line else set()
        assert allowed.get(number, frozenset()) == codes


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x(); // swruntime: allow=a-code\n", {1: {"a-code"}}),
        ("\n// swruntime: allow=b, a-code\nx();\n", {2: {"a-code", "b"}, 3: {"a-code", "b"}}),
        ("x('// swruntime: allow=b');\n", {}),
        ('x("\\"// swruntime: allow=b");\n', {}),
        ("x(`\n// swruntime: allow=b\n`);\n", {}),
        ("/*\n// swruntime: allow=b\n*/\n", {}),
        ("x('it'); y(); // swruntime: allow=b because it's so\n", {1: {"b"}}),
        ("# swruntime: allow=b\n", {}),
        ("x();\n\ny();\n// swruntime: allow=b\nz();\n", {4: {"b"}, 5: {"b"}}),
    ],
)
def test_in_javascript(source: str, expected: dict[int, set[str]]) -> None:
    assert allowances(source, javascript=True) == expected


def test_unknown_codes_in_javascript() -> None:
    assert unknown_codes("x(); // swruntime: allow=c, b\n", CODES, javascript=True) == [(1, "c")]


@given(st.text(alphabet="'\"`/*\\\n x") | st.text())
def test_any_text_is_read_as_javascript(source: str) -> None:
    allowances(source + "swruntime:", javascript=True)
