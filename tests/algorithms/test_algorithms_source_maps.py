"""Source maps, against an encoder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from swruntime.algorithms import source_maps
from swruntime.algorithms.source_maps import Original, SourceMapError, mapping_url, parse

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

Segment = tuple[int, ...]
"""A column; where it has a source: its index, line and column; where it has one, a name."""


def digits(number: int) -> str:
    rest = abs(number) << 1 | (number < 0)
    text = ""
    while True:
        rest, digit = rest >> 5, rest & 31
        text += DIGITS[digit | (32 if rest else 0)]
        if not rest:
            return text


def encoded(lines: Sequence[Sequence[Segment]]) -> str:
    """Mappings: all but the column are told as differences to the last mapping that had them."""
    last = [0, 0, 0, 0]
    text = []
    for line in lines:
        column, segments = 0, []
        for segment in line:
            numbers = [segment[0] - column]
            column = segment[0]
            for index, value in enumerate(segment[1:]):
                numbers.append(value - last[index])
                last[index] = value
            segments.append("".join(digits(number) for number in numbers))
        text.append(",".join(segments))
    return ";".join(text)


def a_map(lines: Sequence[Sequence[Segment]] = (), **members: Any) -> dict[str, Any]:
    return {"version": 3, "sources": ["a.js", None, "b.js"], "mappings": encoded(lines), **members}


counts = st.integers(0, 2**20)
segments = st.one_of(
    st.tuples(counts),
    st.tuples(counts, st.integers(0, 2), counts, counts),
    st.tuples(counts, st.integers(0, 2), counts, counts, counts),
)
some_lines = st.lists(st.lists(segments, max_size=4, unique_by=lambda segment: segment[0]), max_size=4)


def expected(lines: Sequence[Sequence[Segment]], line: int, column: int) -> Original | None:
    before = [segment for segment in lines[line] if segment[0] <= column] if line < len(lines) else []
    if not before:
        return None
    _, *rest = max(before, key=lambda segment: segment[0])
    source = ("a.js", None, "b.js")[rest[0]] if rest else None
    return None if source is None else Original(source, rest[1], rest[2])


@given(some_lines, st.data())
def test_what_an_encoder_wrote_is_found(lines: list[list[Segment]], data: st.DataObject) -> None:
    found = parse(json.dumps(a_map(lines)))
    line = data.draw(st.integers(0, len(lines)))
    begins = [segment[0] for each in lines for segment in each]
    columns = st.one_of(counts, st.sampled_from(begins)) if begins else counts
    column = data.draw(columns)
    for each in (column - 1, column, column + 1):
        assert found.original(line, each) == expected(lines, line, each)


@settings(max_examples=40)
@given(some_lines, some_lines, st.integers(0, 10), st.integers(0, 50), st.data())
def test_sections_lie_behind_one_another(
    first: list[list[Segment]],
    second: list[list[Segment]],
    gap: int,
    indent: int,
    data: st.DataObject,
) -> None:
    begin = len(first) + gap
    other = a_map(second, sources=["c.js", None, "d.js"])
    sections = [
        {"offset": {"line": 0, "column": 0}, "map": a_map(first)},
        {"offset": {"line": begin, "column": indent}, "map": other},
    ]
    found = parse(json.dumps({"version": 3, "sections": sections}))
    line, column = data.draw(st.integers(0, begin + len(second))), data.draw(counts)
    if line < begin:
        assert found.original(line, column) == expected(first, line, column)
    else:
        there = expected(second, line - begin, column - (indent if line == begin else 0))
        names = {"a.js": "c.js", "b.js": "d.js"}
        moved = None if there is None else Original(names[there.source], there.line, there.column)
        assert found.original(line, column) == moved


def test_a_section_is_moved_right_in_its_first_line_only() -> None:
    inner = a_map([[(0, 0, 1, 0)], [(0, 0, 2, 0)]])
    found = parse(json.dumps({"sections": [{"offset": {"line": 3, "column": 100}, "map": inner}]}))
    assert found.original(3, 99) is None
    assert found.original(3, 100) == Original("a.js", 1, 0)
    assert found.original(4, 0) == Original("a.js", 2, 0)


def test_the_last_line_and_column_that_a_section_may_have() -> None:
    last = 2**31 - 1
    section = {"offset": {"line": last, "column": last}, "map": a_map([[(0, 0, 0, 0)]])}
    assert parse(json.dumps({"sections": [section]})).original(last, last) == Original("a.js", 0, 0)


@pytest.mark.parametrize(
    "columns",
    [(1, 0), (0, 2, 1), (5, 1, 9), (3, 2, 1), (0, 1, 2)],
)
def test_the_mappings_of_a_line_come_in_any_order(columns: tuple[int, ...]) -> None:
    found = parse(json.dumps(a_map([[(at, 2, index, 0) for index, at in enumerate(columns)]])))
    for index, at in enumerate(columns):
        assert found.original(0, at) == Original("b.js", index, 0)


@pytest.mark.parametrize("before", [(), ((9, 2, 7, 7),)])
def test_of_two_mappings_of_one_column_the_later_counts(before: tuple[Segment, ...]) -> None:
    found = parse(json.dumps(a_map([[*before, (4, 2, 7, 0), (4, 0, 3, 0)]])))
    assert found.original(0, 4) == Original("a.js", 3, 0)


def test_two_sections_of_one_line() -> None:
    sections = [
        {"offset": {"line": 0, "column": at}, "map": a_map([[(0, 0, at, 0)]], sources=[f"{at}.js"])}
        for at in (0, 10)
    ]
    found = parse(json.dumps({"sections": sections}))
    assert found.original(0, 9) == Original("0.js", 0, 0)
    assert found.original(0, 10) == Original("10.js", 10, 0)


@pytest.mark.parametrize(
    ("root", "source"),
    [
        (None, "a.js"),
        ("", "a.js"),
        ("src", "src/a.js"),
        ("/src/", "/src/a.js"),
        ("srcX", "srcX/a.js"),
        ("https://x.test", "https://x.test/a.js"),
    ],
)
def test_a_root(root: str | None, source: str) -> None:
    found = parse(json.dumps(a_map([[(0, 0, 0, 0)]], sourceRoot=root)))
    assert found.original(0, 0) == Original(source, 0, 0)


def test_a_map_that_no_page_can_include() -> None:
    text = json.dumps(a_map([[(0, 2, 7, 1)]]), indent=2)
    assert parse(f")]}}'\n{text}").original(0, 0) == Original("b.js", 7, 1)


def test_as_many_characters_as_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps(a_map(mappings="AAAA;AACA"))
    monkeypatch.setattr(source_maps, "MOST", 9)
    assert parse(text).original(1, 0) == Original("a.js", 1, 0)
    monkeypatch.setattr(source_maps, "MOST", 8)
    with pytest.raises(SourceMapError, match="its mappings are 9 characters; at most 8 are read"):
        parse(text)


def test_as_many_mappings_as_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps(a_map(mappings="AAAA,CAAC;AACA"))
    assert parse(text).mappings == 3
    assert parse(text, 3).mappings == 3
    with pytest.raises(SourceMapError, match="it has 3 mappings; at most 2 are read"):
        parse(text, 2)
    monkeypatch.setattr(source_maps, "MOST_MAPPINGS", 3)
    assert parse(text).mappings == 3
    monkeypatch.setattr(source_maps, "MOST_MAPPINGS", 2)
    with pytest.raises(SourceMapError, match="it has 3 mappings; at most 2 are read"):
        parse(text)


def test_sections_have_as_many_mappings_together() -> None:
    section = {"offset": {"line": 0, "column": 0}, "map": a_map(mappings="AAAA,CAAC;AACA")}
    text = json.dumps({"sections": [section, section]})
    assert parse(text, 6).mappings == 6
    with pytest.raises(SourceMapError, match="it has 3 mappings; at most 2 are read"):
        parse(text, 5)
    with pytest.raises(SourceMapError, match="its mappings are not text"):
        parse(json.dumps({"sections": [{**section, "map": a_map(mappings=None)}]}), 1)


def test_lines_without_a_mapping_take_nothing() -> None:
    found = parse(json.dumps(a_map(mappings=";;;AAAA;;")))
    assert found.mappings == 1
    assert list(found._lines) == [3]


def test_as_much_text_as_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps(a_map(mappings="AAAA", sourcesContent=["x[{" * 10]))
    monkeypatch.setattr(source_maps, "MOST_TEXT", len(text))
    monkeypatch.setattr(source_maps, "MOST_NESTED", 23)
    assert parse(text).mappings == 1
    monkeypatch.setattr(source_maps, "MOST_NESTED", 22)
    with pytest.raises(SourceMapError, match="it has 23 brackets that open; at most 22 are read"):
        parse(text)
    monkeypatch.setattr(source_maps, "MOST_TEXT", len(text) - 1)
    with pytest.raises(
        SourceMapError, match=rf"it has {len(text)} characters; at most {len(text) - 1} are read"
    ):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"sections":[' * 50_000,
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        '{"sections":[{"offset":{"line":0,"column":0},"map":' * 400 + "{}" + "}]}" * 400,
    ],
)
def test_what_nests_deeply_is_no_map(text: str) -> None:
    with pytest.raises(SourceMapError, match="it is not JSON"):
        parse(text)


def test_a_map_of_a_million_mappings_is_counted_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded(segment: str) -> tuple[int, ...]:
        raise AssertionError("it was decoded")

    monkeypatch.setattr(source_maps, "_numbers", decoded)
    with pytest.raises(SourceMapError, match="it has 4,190,001 mappings; at most 1,000,000 are read"):
        parse(json.dumps(a_map(mappings="A," * 4_190_000)))


def largest(sign: int) -> str:
    return digits(sign * (2**31 - 1))


def test_the_largest_numbers() -> None:
    mappings = f"AA{largest(1)}{largest(1)},CA{largest(-1)}{largest(-1)}"
    found = parse(json.dumps({"version": 3, "sources": ["a"], "mappings": mappings}))
    assert found.original(0, 0) == Original("a", 2**31 - 1, 2**31 - 1)
    assert found.original(0, 1) == Original("a", 0, 0)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[]", "it is not an object"),
        ("{}", "its version is None; 3 is known"),
        ({"version": "3"}, "its version is '3'"),
        ({"version": 3}, "its sources are not a list"),
        (a_map(sources=[1]), "a source is not text"),
        (a_map(sourceRoot=1), "its sourceRoot is not text"),
        (a_map(mappings=None), "its mappings are not text"),
        (a_map(mappings="A" * (source_maps.MOST + 1)), "8,388,609 characters; at most 8,388,608"),
        (a_map(mappings="AA"), "'AA' has 2 numbers; 1, 4 or 5"),
        (a_map(mappings="AAAAAA"), "'AAAAAA' has 6 numbers"),
        (a_map(mappings=","), "'' has 0 numbers"),
        (a_map(mappings="A!AA"), "'A!AA' has a character that is not a digit"),
        (a_map(mappings="AAAg"), "'AAAg' has a number that ends in the middle"),
        (a_map(mappings=f"{digits(2**31)}AAA"), "more than 32 bits"),
        (a_map(mappings="g" * 7), "ends in the middle"),
        (a_map(mappings="g" * 8), "more than seven digits"),
        (a_map(mappings="g" * 1000), f"the mapping '{'g' * 40}' has a number of more than seven digits"),
        (a_map(mappings="D"), "'D' begins before its line"),
        (a_map(mappings="AGAA"), "'AGAA' leads nowhere"),
        (a_map(mappings="ADAA"), "'ADAA' leads nowhere"),
        (a_map(mappings="AADA"), "'AADA' leads nowhere"),
        (a_map(mappings="AAAD"), "'AAAD' leads nowhere"),
        ({"sections": {}}, "its sections are not a list"),
        ({"sections": [1]}, "a section has no map"),
        ({"sections": [{"offset": {"line": 0, "column": 0}}]}, "a section has no map"),
        ({"sections": [{"map": {}}]}, "a section's offset has no line and column"),
        ({"sections": [{"map": {}, "offset": {"line": -1, "column": 0}}]}, "no line and column"),
        ({"sections": [{"map": {}, "offset": {"line": 0, "column": True}}]}, "no line and column"),
        ({"sections": [{"map": {}, "offset": {"line": 0, "column": 2**31}}]}, "no line and column"),
        (
            {"sections": [{"map": {"sections": []}, "offset": {"line": 0, "column": 0}}]},
            "its version is None",
        ),
    ],
)
def test_what_is_no_map(text: Any, why: str) -> None:
    with pytest.raises(SourceMapError) as caught:
        parse(text if isinstance(text, str) else json.dumps(text))
    assert why in str(caught.value)


@given(st.text())
def test_any_text_is_a_map_or_is_told(text: str) -> None:
    for each in (text, json.dumps(a_map(mappings=text))):
        try:
            parse(each)
        except SourceMapError:
            continue


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ("", None),
        ("code()", None),
        ("code()\n//# sourceMappingURL=a.js.map", "a.js.map"),
        ("code()\n//@ sourceMappingURL=a.js.map\n\n", "a.js.map"),
        ("code() //# sourceMappingURL=a.js.map \r\n", "a.js.map"),
        ("//# sourceMappingURL=a.map\n//# sourceMappingURL=b.map\n", "b.map"),
        ("//# sourceMappingURL=a.map\n// built by hand", "a.map"),
        ("//# sourceMappingURL=a.map\ncode()", None),
        ("// sourceMappingURL=a.map", None),
        ("//# sourceMappingURL=", None),
        ("//# sourceMappingURL=a b", None),
        ("//# sourceMappingURL=data:application/json;base64,e30=\n", "data:application/json;base64,e30="),
        ("code()\r//# sourceMappingURL=a.map\r// by hand\u2028//\u2029\n", "a.map"),
        ("//# sourceMappingURL=a.map\u2028code()", None),
        ("//# sourceMappingURL=a.map\u2029code()\r\n", None),
        ("//# sourceMappingURL=a.map" + "\n" * 999, "a.map"),
        ("//# sourceMappingURL=a.map" + "\n" * 1000, None),
        ("x\n//# sourceMappingURL=a.map" + "\n//" * 500 + "\r" * 499, "a.map"),
    ],
)
def test_where_a_script_says_that_its_map_is(source: str, url: str | None) -> None:
    assert mapping_url(source) == url


def test_a_long_line_of_comments_is_looked_at_once() -> None:
    """It took the square of its length: minutes for a megabyte."""
    line = "//# sourceMappingURL=".replace(" ", "") * 500_000
    assert mapping_url(f"{line} x") is None
    assert mapping_url(f"{line}x") == f"{line}x".removeprefix("//#sourceMappingURL=")
