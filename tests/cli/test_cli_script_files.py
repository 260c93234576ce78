"""Which scripts a command takes: what SITE's server has, and the page that the user has named, wherever it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Site

SECRET = "console.log('SECRET')"


@pytest.fixture
def js(site: Site) -> Site:
    (site.folder / "worker.py").unlink(missing_ok=True)
    (site.folder / "page.py").unlink(missing_ok=True)
    (site.folder / "sw.js").write_text("")
    return site


def test_a_page_from_anywhere(js: Site, tmp_path: Path) -> None:
    (js.folder / ".dev").mkdir()
    (js.folder / ".dev" / "page.js").write_text("console.log('hidden')")
    (js.folder / "lib.js").write_text("console.log('lib')")
    (js.folder / "served.js").write_text("console.log('served')")
    outside = tmp_path / "story.mjs"
    outside.write_text("import '/lib.js'; console.log('outside')")
    named = [".dev/page.js", outside, js.folder / "served.js"]
    result = js.cli("run", *(word for name in named for word in ("--page", name)), "--json")
    assert sorted(result.console) == ["hidden", "lib", "outside", "served"]
    assert result.status == 0


def test_what_a_page_from_outside_imports_is_what_site_serves(js: Site, tmp_path: Path) -> None:
    (js.folder / ".env").write_text(SECRET)
    (tmp_path / "near.js").write_text(SECRET)
    for number, imported in enumerate(("/.env", "./near.js", "/../near.js")):
        (tmp_path / f"story{number}.mjs").write_text(f"import '{imported}';")
        result = js.cli("run", "--page", tmp_path / f"story{number}.mjs")
        assert result.status == 1
        assert "answered 404" in result.err
        assert "SECRET" not in result.out + result.err


@pytest.mark.parametrize("name", ["page.js", "sw.js"])
def test_a_link_that_nobody_has_named(js: Site, tmp_path: Path, name: str) -> None:
    """A cloned SITE may bring it along."""
    (tmp_path / "outside.js").write_text(SECRET)
    (js.folder / name).unlink(missing_ok=True)
    (js.folder / name).symlink_to(tmp_path / "outside.js")
    result = js.cli("run")
    assert result.status != 0
    assert "it is reached over a link that leads out of SITE" in result.err
    assert "SECRET" not in result.out + result.err


def test_a_profile_within_site_is_not_served(js: Site) -> None:
    js.cli("run", "--profile", js.folder / "kept")
    (js.folder / "page.js").write_text(
        "Promise.all(['/kept/profile.sqlite3', '/kept/lock'].map((url) => fetch(url))).then((all) =>"
        " console.log(...all.map((each) => each.status)))"
    )
    for profile in ("kept", "other"):
        result = js.cli("run", "--profile", js.folder / profile, "--json")
        assert result.console == ["404 404"]


def test_a_worker_of_another_type(js: Site) -> None:
    (js.folder / "sw.ts").write_text("")
    result = js.cli("run", "--worker", "sw.ts")
    result.refused("write /sw.ts and, indented below it, Content-Type: text/javascript")
