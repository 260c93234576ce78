"""File names for URLs."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from swruntime.cli.filenames import LONGEST, SHORT, file_names, marked, portable

ORIGIN = "https://a.example"


def named(*paths: str, dot_files: bool = False) -> list[str]:
    return [str(name) for name in file_names((f"{ORIGIN}{path}" for path in paths), dot_files=dot_files)]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a.txt", "a.txt"),
        ("/", "index.html"),
        ("/a/", "a/index.html"),
        ("/a?b=c/d", "a?b=c%2Fd"),
        ("/.bashrc", "%2Ebashrc"),
        ("/.git/config", "%2Egit/config"),
        ("/a.", "a%2E"),
        ("/a%20", "a%20"),
        ("/a../b", "a.%2E/b"),
        ("/CON", "%43ON"),
        ("/con.txt", "%63on.txt"),
        ("/lpt1/x", "%6Cpt1/x"),
        ("/console", "console"),
        ("/com0", "com0"),
        ("/%2e%2e%2f", "%2e%2e%2f"),
    ],
)
def test_a_name_is_one_that_every_system_takes(path: str, name: str) -> None:
    assert named(path) == [name]


def test_dot_files_are_for_who_asks_for_them() -> None:
    assert named("/.bashrc", "/.a./b", dot_files=True) == [".bashrc", ".a%2E/b"]


def test_what_is_too_long_is_shortened_and_stays_its_own() -> None:
    one, other, folder = named(f"/{'a' * 300}.jpeg", f"/{'a' * 301}.jpeg", f"/{'é' * 200}/x")
    for name in (one, other, folder.partition("/")[0]):
        assert len(name.encode()) <= LONGEST
    assert one != other
    assert one.endswith(".jpeg")
    assert file_names([f"{ORIGIN}/{'a' * 300}"])[0].changed


def test_a_long_name_that_is_taken_is_still_not_too_long() -> None:
    long = "b" * LONGEST
    first, second = named(f"/{long}", f"//{long}")
    assert first == long
    assert second.endswith("~2")
    assert len(second) <= LONGEST


SEGMENTS = st.text(st.characters(codec="utf-8"), max_size=300) | st.sampled_from(
    [
        ".",
        "..",
        "",
        "CON",
        "aux.h",
        ".a",
        "a.",
        "a ",
        "~",
        "a~2",
        "%2E",
        "%2Ea",
        "?",
        "#",
        "\\",
        "\0",
        "é" * 200,
    ]
)


@given(st.lists(st.lists(SEGMENTS, min_size=1, max_size=4), max_size=8), st.booleans())
def test_names_are_harmless_and_different(paths: list[list[str]], dot_files: bool) -> None:
    locations = [f"{ORIGIN}/{'/'.join(path)}" for path in paths]
    names = [name.parts for name in file_names(locations, dot_files=dot_files)]
    assert len(set(names)) == len(names)
    folders = {name[:depth] for name in names for depth in range(1, len(name))}
    assert not folders & set(names)
    for name in names:
        for part in name:
            assert part not in ("", ".", "..")
            assert not {"/", "\\", "\0"} & set(part)
            assert len(part.encode()) <= LONGEST
            assert not part.endswith((".", " "))
            assert dot_files or not part.startswith(".")


@given(st.lists(SEGMENTS.filter(bool), min_size=1, max_size=3).map(tuple))
def test_portable_names(parts: tuple[str, ...]) -> None:
    for part in portable(parts):
        assert part.isascii()
        assert len(part) <= SHORT
        assert not set('<>:"/\\|?*') & set(part)


def test_marks() -> None:
    assert marked(("a", "b"), {}) == ("a", "b")
    assert marked(("a", "b"), {0: 1, 1: 2}) == ("a~2", "b~3")
