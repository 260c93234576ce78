"""The pictures of the docs, each from a real run: `make pictures`, or `python docs/pictures.py [FOLDER]`.

demo.svg          what `make demo` prints
failing-test.svg  what pytest shows of the test in how-to/stop-the-worker-everywhere.md
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).parent
ROOT = DOCS.parent
WIDTH = 112

STYLES = (
    (r"^\$ .*", "bold"),
    (r"^ *[0-9]+\.[0-9]{3} ", "dim"),
    (r"\b(offline|waits)\b", "yellow"),
    (r"\bfrom byte [0-9,]+ \(Range\)", "cyan"),
    (r"\b(success|fulfilled|was handled)\b", "green"),
    (r"^E .*|^FAILED.*|^F\b|\b1 failed\b", "red"),
)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS
    draw(folder / "demo.svg", "make demo", demo())
    draw(folder / "failing-test.svg", "python -m pytest", failing_test())


def demo() -> list[str]:
    """Without what make itself says of its folders."""
    output(["make", "--no-print-directory", ".venv/.installed"], ROOT)  # what pip says is not the demo's
    said = output(["make", "--no-print-directory", "demo"], ROOT).splitlines()
    return ["$ make demo", *(line for line in said if not line.startswith(".venv/"))]


def failing_test() -> list[str]:
    page = (DOCS / "how-to" / "stop-the-worker-everywhere.md").read_text("utf-8")
    (script,) = re.findall(r'^```python title="test_death.py"\n(.*?)^```', page, re.MULTILINE | re.DOTALL)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_death.py").write_text(script)
        command = ["-q", "--tb=short", "--no-header", "-p", "no:cacheprovider", "test_death.py"]
        said = output([sys.executable, "-m", "pytest", *command], Path(folder)).splitlines()
    lines = ["$ python -m pytest -q --tb=short test_death.py"]
    trace = False
    for line in said:
        # The trace's JSON is for programs.
        trace = "swruntime trace" in line or (trace and not line.startswith("="))
        if not trace:
            lines.append(line)
    return lines


def output(command: list[str], folder: Path) -> str:
    # What is drawn may not hang on where it is drawn: pytest cuts its summary by the width, and not at all in CI.
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "BUILD_NUMBER")}
    ended = subprocess.run(
        command,
        cwd=folder,
        env=environment | {"COLUMNS": "80"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return ended.stdout


def draw(path: Path, title: str, lines: list[str]) -> None:
    console = Console(record=True, width=WIDTH, file=io.StringIO(), highlight=False)
    for line in lines:
        text = Text(line)
        for pattern, style in STYLES:
            text.highlight_regex(pattern, style)
        console.print(text, soft_wrap=False)
    # A name that does not change with the text: what changes in a picture is what changed in the run.
    svg = console.export_svg(title=title, unique_id=path.stem)
    path.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n")


if __name__ == "__main__":
    main()
