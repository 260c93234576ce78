"""`serve` with a real browser in front of it: Debian's Chromium, headless."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.serve.conftest import Serving

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = [
    pytest.mark.slow,  # a browser's start
    pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed"),
]


def visit(url: str) -> str:
    """The page as Chromium, without anything it could remember, has it after its scripts have run."""
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        ended = subprocess.run(
            [
                "chromium",
                *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
                *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
                *("--disable-dev-shm-usage", "--virtual-time-budget=5000", "--dump-dom"),
                f"--user-data-dir={profile}",
                url,
            ],
            capture_output=True,
            text=True,
            timeout=120,
        )
    return ended.stdout


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("cache-first", "What was here once is here to stay."),
        ("stale-while-revalidate", "Edit me, and reload twice."),
    ],
)
def test_a_page_outlives_its_upstream(name: str, says: str, tmp_path: Path, serving: Serving) -> None:
    site = tmp_path / "site"
    shutil.copytree(EXAMPLES / name, site)
    with serving.upstream(site) as upstream:
        server = serving.serve(site, "--upstream", upstream)
        assert says in visit(f"{server.url}/")
    # Another browser, which has no cache of its own of it.
    assert says in visit(f"{server.url}/")
    assert "refused the connection" in visit(f"{server.url}/never-asked-for")
    assert server.interrupt() == 130


def test_what_a_browser_tells_of_its_requests(tmp_path: Path, serving: Serving) -> None:
    site = tmp_path / "site"
    shutil.copytree(EXAMPLES / "cache-first", site)
    (site / "worker.py").write_text(
        "def onfetch(event):\n"
        "    request = event.request\n"
        "    page = bool(event.client_id), bool(event.resulting_client_id)\n"
        "    print(request.method, request.mode, request.destination or '-', request.url, *page)\n"
    )
    server = serving.serve(site, "--json")
    visit(f"{server.url}/")
    server.process.terminate()
    out, _ = server.process.communicate(timeout=30)
    for asked in (
        f"GET navigate document {server.url}/ False True",
        f"GET no-cors style {server.url}/style.css True False",
        f"GET cors - {server.url}/quote.json True False",
    ):
        assert f'"{asked}"' in out
