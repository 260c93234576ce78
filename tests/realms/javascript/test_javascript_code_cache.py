"""The engine's cache of compiled code: whose folder it may be in, when it is made anew, and that no script's process changes it."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swruntime.errors import NotSupportedError
from swruntime.realms.javascript import code_cache, engine_files as module, launch
from swruntime.realms.javascript.confinement import kernel, missing
from swruntime.realms.javascript.deno import start_process
from swruntime.realms.javascript.engine_files import engine_files
from swruntime.realms.javascript.installed import find_deno
from swruntime.realms.javascript.wall import Kernel, Wall

pytest.importorskip("deno")

ROOT = Path(__file__).parents[3]
PATIENCE = 120
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
NOT_ROOT = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
NOBODY = 65534


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder for caches, in place of the user's."""
    base = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(base))
    module._found.cache_clear()
    yield base
    module._found.cache_clear()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_it_is_made_for_the_user_alone(base: Path) -> None:
    folder = code_cache.folder()
    assert folder == base / "swruntime" / "engine"
    assert [mode(each) for each in (base, base / "swruntime", folder)] == [0o700] * 3
    assert code_cache.folder() == folder


def test_a_home_that_is_not_there_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nonexistent"))
    assert code_cache.folder() is None
    assert list(tmp_path.iterdir()) == []
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    assert code_cache.folder() == home / ".cache" / "swruntime" / "engine"


@pytest.mark.parametrize("given", ["", "relative", "./cache"])
def test_a_folder_that_is_not_absolute_is_ignored(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", given)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert code_cache.folder() == tmp_path / ".cache" / "swruntime" / "engine"


def file_in_place(base: Path) -> None:
    base.write_text("")


def file_in_place_of_ours(base: Path) -> None:
    base.mkdir(mode=0o700)
    (base / "swruntime").write_text("")


def link_in_place_of_ours(base: Path) -> None:
    base.mkdir(mode=0o700)
    (base.parent / "elsewhere").mkdir(mode=0o700)
    (base / "swruntime").symlink_to(base.parent / "elsewhere")


def link_in_place_of_the_inner(base: Path) -> None:
    (base / "swruntime").mkdir(mode=0o700, parents=True)
    base.chmod(0o700)
    (base.parent / "elsewhere").mkdir(mode=0o700)
    (base / "swruntime" / "engine").symlink_to(base.parent / "elsewhere")


def dangling_link(base: Path) -> None:
    base.symlink_to(base.parent / "nowhere")


def circular_link(base: Path) -> None:
    base.symlink_to(base)


def ours_is_open_to_others(base: Path) -> None:
    base.mkdir(mode=0o700)
    (base / "swruntime").mkdir()
    (base / "swruntime").chmod(0o755)


def written_by_the_group(base: Path) -> None:
    base.mkdir()
    base.chmod(0o770)


def written_by_everybody(base: Path) -> None:
    base.mkdir()
    base.chmod(0o777)


def parent_written_by_the_group(base: Path) -> None:
    base.parent.chmod(0o775)


def link_to_what_others_write(base: Path) -> None:
    target = base.parent / "target"
    target.mkdir()
    target.chmod(0o777)
    base.symlink_to(target)


def nowhere(base: Path) -> None:
    base.parent.rmdir()


UNSAFE = [
    file_in_place, file_in_place_of_ours, link_in_place_of_ours, link_in_place_of_the_inner, dangling_link, circular_link,
    ours_is_open_to_others, written_by_the_group, written_by_everybody, parent_written_by_the_group,
    link_to_what_others_write, nowhere,
]  # fmt: skip


@pytest.mark.parametrize("spoil", UNSAFE, ids=lambda spoil: spoil.__name__)
def test_where_others_could_write_there_is_none(base: Path, spoil: Callable[[Path], None]) -> None:
    spoil(base)
    assert code_cache.folder() is None


@ROOT_ONLY
@pytest.mark.parametrize("place", ["", "cache", "cache/swruntime", "cache/swruntime/engine"])
def test_where_somebody_else_owns_it_there_is_none(base: Path, place: str) -> None:
    assert code_cache.folder() is not None
    os.chown(base.parent / place, NOBODY, NOBODY)
    assert code_cache.folder() is None


@NOT_ROOT
def test_where_it_cannot_be_written_there_is_none(base: Path) -> None:
    base.parent.chmod(0o500)
    assert code_cache.folder() is None
    base.parent.chmod(0o700)


def test_a_sticky_folder_above_is_good_enough(base: Path) -> None:
    """As /tmp is: what this user has there nobody else can replace."""
    base.parent.chmod(0o1777)
    assert code_cache.folder() is not None


def test_a_link_to_a_safe_folder_is_followed(base: Path) -> None:
    target = base.parent / "target"
    target.mkdir(mode=0o700)
    base.symlink_to(target)
    assert code_cache.folder() == target / "swruntime" / "engine"


def test_its_key_changes_with_the_engine_and_the_scripts(tmp_path: Path) -> None:
    program, scripts = tmp_path / "deno", tmp_path / "js"
    program.write_text("1")
    (scripts / "inner").mkdir(parents=True)
    (scripts / "main.js").write_text("1")
    (scripts / "inner" / "a.js").write_text("1")
    keys = [code_cache.key(str(program), scripts)]
    assert code_cache.key(str(program), scripts) == keys[0]
    (scripts / "inner" / "a.js").write_text("2")
    keys.append(code_cache.key(str(program), scripts))
    (scripts / "b.js").write_text("")
    keys.append(code_cache.key(str(program), scripts))
    (scripts / "b.js").rename(scripts / "c.js")
    keys.append(code_cache.key(str(program), scripts))
    program.write_text("22")
    keys.append(code_cache.key(str(program), scripts))
    os.utime(program, (1, 1))
    keys.append(code_cache.key(str(program), scripts))
    scripts = scripts.rename(tmp_path / "moved")
    keys.append(code_cache.key(str(program), scripts))
    assert len(set(keys)) == len(keys)


def test_a_cache_is_put_in_place_whole(base: Path) -> None:
    folder = code_cache.folder()
    assert folder is not None
    place = folder / ("a" * 40)

    def fill(begun: Path) -> None:
        assert not place.exists()
        (begun / "inner").mkdir()
        (begun / "inner" / "file").write_text("code")
        (begun / "link").symlink_to("/etc/passwd")

    assert code_cache.put_in_place(place, fill)
    assert [mode(place), mode(place / "inner"), mode(place / "inner" / "file")] == [0o500, 0o500, 0o400]
    assert os.listdir(folder) == [place.name]
    assert mode(Path("/etc/passwd")) == 0o644


def test_what_fails_leaves_nothing(base: Path) -> None:
    folder = code_cache.folder()
    assert folder is not None

    def fill(begun: Path) -> None:
        (begun / "half").write_text("")
        raise NotSupportedError("no")

    with pytest.raises(NotSupportedError):
        code_cache.put_in_place(folder / ("a" * 40), fill)
    assert os.listdir(folder) == []


@pytest.mark.parametrize("why", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_full_disk_is_no_cache(base: Path, why: int) -> None:
    folder = code_cache.folder()
    assert folder is not None

    def fill(begun: Path) -> None:
        (begun / "half").write_text("")
        raise OSError(why, os.strerror(why))

    assert not code_cache.put_in_place(folder / ("a" * 40), fill)
    assert os.listdir(folder) == []


def test_a_folder_that_is_gone_is_no_cache(base: Path) -> None:
    assert not code_cache.put_in_place(base / "gone" / ("a" * 40), lambda begun: None)


def test_who_is_slower_takes_what_is_there(base: Path) -> None:
    folder = code_cache.folder()
    assert folder is not None
    place = folder / ("a" * 40)

    def fill(begun: Path) -> None:
        (begun / "mine").write_text("")
        place.mkdir(mode=0o700)
        (place / "theirs").write_text("")

    assert code_cache.put_in_place(place, fill)
    assert os.listdir(folder) == [place.name]
    assert os.listdir(place) == ["theirs"]


def test_a_link_in_its_place_is_not_taken(base: Path) -> None:
    folder = code_cache.folder()
    assert folder is not None
    place = folder / ("a" * 40)
    (base / "elsewhere").mkdir(mode=0o700)
    place.symlink_to(base / "elsewhere")
    assert not code_cache.put_in_place(place, lambda begun: None)
    assert os.listdir(folder) == [place.name]


def test_of_older_ones_the_latest_stay(base: Path) -> None:
    folder = code_cache.folder()
    assert folder is not None
    now = time.time()
    for number in range(12):
        each = folder / (f"{number:x}" * 40)
        each.mkdir()
        (each / "npm").mkdir()
        (each / "npm" / "file").write_text("")
        (each / "npm").chmod(0o500)
        each.chmod(0o500)
        os.utime(each, (now - number * 100, now - number * 100))
    for name, age in (("begun-old", 7200), ("begun-new", 10)):
        (folder / name).mkdir()
        os.utime(folder / name, (now - age, now - age))
    (folder / "something else").mkdir()
    assert code_cache.put_in_place(folder / ("f" * 40), lambda begun: None)
    assert {each[:9] for each in os.listdir(folder)} == {
        *(str(number) * 9 for number in range(7)), "f" * 9, "begun-new", "something",
    }  # fmt: skip


def start(
    files: module.EngineFiles, cache: Path | None, has: Kernel, *, told: str = "--quiet", **environment: str
) -> str:
    """What the engine says on standard error as it starts."""
    answers, ours = os.pipe()
    command = launch.command(files.program, answers)
    command[command.index("--quiet")] = told
    with open(answers, "rb"), open(ours, "wb"), Wall(has, files.allowed) as wall:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[answers],
            env=launch.environment(cache) | environment,
            preexec_fn=launch.before_exec(answers, wall),
        )
    out, err = process.communicate(timeout=PATIENCE)
    assert b"ready" in out, err
    return err.decode()


def test_no_process_of_a_script_changes_it_and_each_uses_it(base: Path) -> None:
    files = engine_files()
    assert files.cache is not None
    assert files.cache.parent == code_cache.folder()
    before = digests(files.cache)
    assert before.keys() >= {"engine.json", "v8_code_cache_v2", "v8_code_cache_v2-wal"}
    here = kernel()
    kernels = {here, Kernel(0, here.seccomp), Kernel(here.landlock, False)}
    for has in kernels:
        # Where nothing confines root it may write.
        if has != Kernel(0, False) or os.geteuid() != 0:
            said = start(files, files.cache, has, told="--log-level=debug")
            assert "Opening cache" in said
            assert "Failed" not in "".join(line for line in said.splitlines() if "cache_db" in line)
            assert digests(files.cache) == before
    assert (mode(files.cache), mode(files.cache / "v8_code_cache_v2")) == (0o500, 0o400)


async def test_the_next_process_finds_it(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = engine_files()
    module._found.cache_clear()
    monkeypatch.setattr(module, "_seen", None)  # none is started to fill it
    assert engine_files() == first
    process = start_process()
    try:
        assert b"ready" in await process.stdout.receive_some()
    finally:
        await process.aclose()


def test_without_a_folder_there_is_none_and_nothing_is_made(base: Path, tmp_path: Path) -> None:
    base.write_text("in its place")
    files = engine_files()
    assert files.cache is None
    home = tmp_path / "home"
    start(files, None, Kernel(0, False), HOME=str(home))
    assert not home.exists()


def test_without_a_folder_and_without_landlock_nothing_is_started_ahead(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base.write_text("in its place")
    monkeypatch.setattr(module, "kernel", lambda: Kernel(0, True))
    monkeypatch.setattr(module, "_seen", None)
    assert engine_files() == module.EngineFiles(find_deno(), (), None)


def test_the_engines_home_is_not_made_with_a_cache(base: Path, tmp_path: Path) -> None:
    files = engine_files()
    home = tmp_path / "home"
    start(files, files.cache, kernel(), HOME=str(home))
    assert not home.exists()


@pytest.mark.parametrize(
    "broken", ["", "{", "[]", '{"program": 1, "libraries": []}', '{"program": "/x", "libraries": ["/y"]}']
)
def test_a_broken_one_is_made_anew(base: Path, broken: str) -> None:
    folder = code_cache.folder()
    assert folder is not None
    place = folder / code_cache.key(find_deno(), launch.MAIN.parent)
    place.mkdir(mode=0o700)
    (place / "engine.json").write_text(broken)
    found = engine_files()
    assert found.cache == place
    assert (place / "v8_code_cache_v2").exists()
    assert found.are_there


def test_one_that_is_removed_meanwhile_is_made_anew(base: Path) -> None:
    first = engine_files()
    assert first.cache is not None
    code_cache.remove(first.cache)
    assert not first.cache.exists()
    assert engine_files() == first
    assert first.cache.exists()


def test_an_engine_that_does_not_start_is_told(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "deno"
    broken.write_text("#!/bin/sh\necho 'no such luck' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(module, "find_deno", lambda: str(broken))
    with pytest.raises(NotSupportedError, match="does not start: no such luck"):
        engine_files()
    assert [each for each in os.listdir(base / "swruntime" / "engine") if each.startswith("begun")] == []


@pytest.mark.skipif(missing(kernel()) is not None, reason="needs a kernel with Landlock and seccomp")
async def test_an_engine_behind_a_shell_script(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Version managers have such scripts on PATH. What runs in the end is what may be executed."""
    script = tmp_path / "deno"
    script.write_text(f'#!/bin/sh\nexec "{find_deno()}" "$@"\n')
    script.chmod(0o755)
    monkeypatch.setattr(module, "find_deno", lambda: str(script))
    files = engine_files()
    assert files.program == os.path.realpath(find_deno())
    assert all(Path(each).is_file() for each in files.libraries)
    process = start_process()
    try:
        assert b"ready" in await process.stdout.receive_some()
    finally:
        await process.aclose()


MANY = """
import trio
from swruntime.realms.javascript.deno import start_process
from swruntime.realms.javascript.engine_files import engine_files
async def main():
    process = start_process()
    print(await process.stdout.receive_some(), engine_files().cache)
    await process.aclose()
trio.run(main)
"""


def test_many_processes_begin_at_once(base: Path) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", MANY], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    said = {process.communicate(timeout=PATIENCE)[0] for process in started}
    assert len(said) == 1
    assert "ready" in said.pop()
    (place,) = (base / "swruntime" / "engine").iterdir()
    assert (place / "engine.json").exists()
