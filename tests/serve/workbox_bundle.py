"""Workers that are bundled with Workbox, as its users build them: from npm's registry, committed nowhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest


def bundled(folder: Path, source: str, packages: tuple[str, ...], manifest: object = None) -> Path:
    """A folder with `sw.js`, minified in one line, and its map; and with `globals.js`, which has all in globals.

    The test is skipped where there is no npm.
    """
    npm = shutil.which("npm")
    if npm is None:
        assert os.environ.get("CI") != "true", "npm is not installed, and CI tests with it"
        pytest.skip("npm is not installed")
    (folder / "worker.js").write_text(source)
    (folder / "package.json").write_text('{"private": true}\n')
    versions = (*(f"{package}@7" for package in packages), "esbuild@0.28")
    _run(folder, npm, "install", "--no-audit", "--no-fund", *versions)
    for options in (
        ("--format=iife", "--minify", "--sourcemap", "--outfile=built/sw.js"),
        # Without imports and exports that is a classic script, too, and all of it is in globals.
        ("--format=esm", "--outfile=built/globals.js"),
    ):
        _run(
            folder,
            *("node_modules/.bin/esbuild", "worker.js", "--bundle"),
            '--define:process.env.NODE_ENV="production"',
            f"--define:self.__WB_MANIFEST={json.dumps(manifest)}",
            *options,
        )
    return folder / "built"


def _run(folder: Path, *command: str) -> None:
    """Run a tool of npm's. What it says is in the failure."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
