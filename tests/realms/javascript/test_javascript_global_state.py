"""What the text of a script says of its globals."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from swruntime.realms.javascript.global_state import LONGEST, counts, fills, globals_of, with_var


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("let a = 0;\nvar b;\nconst c = [];", ["a", "b", "c"]),
        ("{ let a; }\nfunction f(b) { var c; }\n(() => { const d = 1; })();", []),
        ("for (let i = 0; i < 2; i++) {}\nlet after;", ["after"]),
        ("self.a = 0;\nfunction f() { globalThis.b = 1; this.self.c = 1; self.d == 1; }", ["a", "b"]),
        ("// let a;\n/* let b; */ 'let c;'; `let d; ${'}'}`;\nlet e;", ["e"]),
        ("x.let = 1;\nlet $ = 1, b = 2;\nletter\nvar_ = 1;", ["$"]),
        ("const re = /[}'\"`/]{2}/, b = /\\//.source; let c = 4 / 2 / 1;", ["re", "c"]),
        ("var a = 1; var a = 2; var b;", ["b"]),
    ],
)
def test_the_globals_that_there_may_be(source: str, names: list[str]) -> None:
    found = globals_of(source)
    assert found is not None
    assert list(found.names) == names


@pytest.mark.parametrize(
    "source",
    ["let a = (1;", "let a = [1);", "}", "let a; eval('a')", "let a; new Function('a')", " " * (LONGEST + 1)],
)
def test_what_is_not_looked_at(source: str) -> None:
    assert globals_of(source) is None


@given(st.text("letcons var=0123;{}()[]'\"`/\\\n ab", max_size=200))
def test_any_text(source: str) -> None:
    found = globals_of(source)
    if found is None:
        return
    assert len(found.text) == len(source)
    assert found.text.count("\n") == source.count("\n")
    for name, declared in found.names.items():
        assert source[declared.offset :].startswith(declared.keyword)
        line, column = found.filled_at(name)
        assert found.statement(line, column) in found.text
        replaced = with_var(source, [declared])
        assert len(replaced) == len(source)
        assert (
            replaced[declared.offset + len(declared.keyword) :]
            == source[declared.offset + len(declared.keyword) :]
        )


@pytest.mark.parametrize(
    "piece",
    ["=/[", "=/", '"\\\\"', "'", "/*", "`\\\\", "`${", "= ", "let ", "self.", "return /[/", "((", "(a;)"],
)
def test_a_long_text_that_is_nothing(piece: str) -> None:
    """It takes no time that grows with its square."""
    globals_of(piece * (LONGEST // len(piece)))


def test_a_declaration_with_var_has_everything_else_in_its_place() -> None:
    source = "const a = 1; let b = 2; self.c = 3;"
    found = globals_of(source)
    assert found is not None
    assert with_var(source, list(found.names.values())) == "var   a = 1; var b = 2; self.c = 3;"


SOURCE = """let a = 1;
function get() {
    return a;
}
onfetch = (event) => {
    event.respondWith(a);
};
"""


def test_the_statement_at_a_place() -> None:
    found = globals_of(SOURCE)
    assert found is not None
    assert found.statement(3, 12) == "\nfunction get() {\n    return a;\n}"
    assert found.statement(6, 23).strip().startswith("onfetch = ")
    assert found.line(3) == "    return a;"


FILLS = """a = 1
a ??= 1
a ||= b
a += 1
a++
-- a
a.b = 1
a[b].c = 1
a.push(1)
a.b.set(1)
a?.add(1)
self.a = 1
Object.assign(a, b)"""
OTHERS = """let a = 1
const a = []
b.a = 1
aa = 1
a == 1
a === 1
a => 1
a.get(1)
a.b
a[b]
f(a)
$a = 1
a.b == 1
a <= 1
a >= 1
a != 1"""


@pytest.mark.parametrize("text", FILLS.splitlines())
def test_what_fills_a_global(text: str) -> None:
    assert fills("a").search(text) is not None


@pytest.mark.parametrize("text", OTHERS.splitlines())
def test_what_does_not(text: str) -> None:
    assert fills("a").search(text) is None


@pytest.mark.parametrize(
    "text", ["a++", "++a", "a += 2", "a -= 2", "a = a + 1", "self.a = self.a * 2", "return ++a;"]
)
def test_what_counts(text: str) -> None:
    assert counts(text, "a")


@pytest.mark.parametrize("text", ["a = 1", "a ||= 1", "b.a++", "a = b + 1", "a = a || 1", "a", "f(a) + 1"])
def test_what_does_not_count(text: str) -> None:
    assert not counts(text, "a")
