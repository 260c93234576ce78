"""Every page of docs/ does what it says; the runner itself notices where one does not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.docs.snippets import WrongPage, perform

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(
    path.relative_to(DOCS).as_posix()
    for path in DOCS.rglob("*.md")
    # Each diagnostic's before and after are held by tests of their own, which look for the code they name.
    if "diagnostics" not in path.parts
)

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the pages' commands are for a shell")


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_says(page: str, tmp_path: Path) -> None:
    perform((DOCS / page).read_text("utf-8"), tmp_path)


def test_files_are_saved_and_commands_typed_in_the_same_folder(tmp_path: Path) -> None:
    perform(
        '```toml title="a/b.toml"\nx = 1\n```\n\n```sh\ncat a/b.toml\n```\n\n```text\nx = 1\n```\n', tmp_path
    )


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        ("```sh\nfalse\n```\n", "line 1: exit status 1, not 0"),
        ("<!-- exit 1 -->\n```sh\ntrue\n```\n", "line 2: exit status 0, not 1"),
        ("```sh\necho a\necho b\n```\n```text\na\nc\n```\n", "line 5: 'b' came, not 'c'"),
        ("```sh\necho a\n```\n```text\n...\nc\n```\n", "line 4: 'c' did not come"),
        ("```python\n1\n```\n", "line 1: a block python without a title"),
        ("```sh\nfalse\n", "1 fences, and 0 blocks"),
        ("``` sh\nfalse\n```\n", "2 fences, and 0 blocks"),
    ],
)
def test_a_page_that_does_not(page: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(WrongPage) as caught:
        perform(page, tmp_path)
    assert str(caught.value).startswith(complaint)


def test_three_dots_are_anything(tmp_path: Path) -> None:
    perform("```sh\nprintf 'a\\nb\\nc\\n'\n```\n```text\n...\nb\n...\n```\n", tmp_path)
