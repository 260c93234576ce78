"""Whoever fails, or stores other bytes than the server sent, has no time."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, strategies as st

from benchmarks import bench as bench_module
from benchmarks.bench import CHUNK, Bench, digest
from benchmarks.contest import Refused
from benchmarks.downloads import Load, compare
from benchmarks.processes import answered, timed, tree_cpu
from benchmarks.sides import ROOT, Side, WrongCheckout, sides

HELLO = digest([b"hello"])


@attrs.frozen
class NoServer:
    url: str = "http://localhost:1"


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """One file that holds "hello"; nobody asks its server."""
    nginx: Any = NoServer()
    return Load(Bench(tmp_path, [], nginx=nginx), {"hello.bin": HELLO})


def test_the_right_bytes_count(load: Load) -> None:
    found = load.shell("printf hello > out/hello.bin")
    assert found.cpu is not None
    assert found.rss is not None
    assert found.rss > 0


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("printf hellO > out/hello.bin", "other bytes"),
        ("printf hell > out/hello.bin", "other bytes"),
        ("printf 'hello ' > out/hello.bin", "other bytes"),
        (": > out/hello.bin", "other bytes"),
        (":", "was not stored"),
        ("mkdir out/hello.bin", "was not stored"),
        ("printf hello > out/hello.bin; echo so much for that >&2; exit 3", "so much for that"),
        ("printf hello > out/hello.bin; kill -9 $$", "failed"),
        ("printf hello > out/hello.bin && sync out/another", "failed"),
    ],
)
def test_a_wrong_run_does_not_count(load: Load, command: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        load.shell(command)


def test_no_run_sees_what_the_one_before_stored(load: Load) -> None:
    load.shell("printf hello > out/hello.bin")
    with pytest.raises(Refused, match="was not stored"):
        load.shell(":")


def test_what_is_asked_for_and_not_there_is_named() -> None:
    with pytest.raises(Refused, match=r"2\.bin was not stored"):
        compare({"1.bin": HELLO}, {"1.bin": HELLO, "2.bin": HELLO})


def test_a_program_that_fails_tells_nothing(tmp_path: Path) -> None:
    failing = [sys.executable, "-c", "print('{}'); raise SystemExit('it went wrong')"]
    with pytest.raises(Refused, match="it went wrong"):
        answered(failing, cwd=tmp_path, env=os.environ)


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no-such-program"):
        timed(["no-such-program"], cwd=tmp_path)


def test_the_processor_time_of_a_tree_of_processes_is_known(tmp_path: Path) -> None:
    assert tree_cpu(os.getpid()) > 0
    assert tree_cpu(1 << 30) == 0  # nobody's


@given(st.binary(max_size=100), st.lists(st.integers(0, 100)))
def test_a_digest_is_that_of_the_chunks_however_the_bytes_come(data: bytes, cuts: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench_module, "CHUNK", 16)
        chunks = [hashlib.sha256(data[at : at + 16]).digest() for at in range(0, len(data), 16)]
        assert digest(pieces(data, cuts)) == hashlib.sha256(b"".join(chunks)).hexdigest()


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    at = 0
    for cut in sorted(cuts):
        yield data[at:cut]
        at = max(at, cut)
    yield data[at:]


def test_a_chunk_is_as_large_as_the_browsers() -> None:
    page = (ROOT / "benchmarks" / "programs" / "page.html").read_text()
    assert CHUNK == 1 << 22
    assert "const size = 1 << 22" in page


def test_this_checkout_is_what_is_measured(tmp_path: Path) -> None:
    (ours,) = sides([], tmp_path)
    assert (ours.name, ours.checkout) == ("swruntime", ROOT)


def test_the_modules_of_a_checkout_are_compiled_once_whatever_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    side = Side("ours", ROOT, tmp_path / "compiled")
    side.check(tmp_path)
    assert list((tmp_path / "compiled").rglob("*.pyc"))


@pytest.mark.parametrize("name", ["http_proxy", "HTTPS_PROXY", "ALL_PROXY"])
def test_nobody_goes_through_a_proxy(name: str, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "http://proxy.test")
    load.shell(f'test -z "${name}" && printf hello > out/hello.bin')
    assert name not in Side("ours", ROOT, ROOT).env


def test_a_folder_that_is_not_a_checkout_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    # Python would import the installed one, and this version would be compared with itself.
    with pytest.raises(WrongCheckout, match="is not a checkout of swruntime"):
        sides([empty], tmp_path)


def test_a_checkout_that_cannot_be_imported_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken" / "swruntime"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('half a checkout')")
    with pytest.raises(WrongCheckout, match="half a checkout"):
        sides([broken.parent], tmp_path)
