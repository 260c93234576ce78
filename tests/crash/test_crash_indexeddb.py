"""IndexedDB on a disk that fails at any call, and in a process that dies before any change of the disk.

A transaction is there wholly or not at all, and what was told to be committed is there. See crash_indexeddb.py.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import trio

from swruntime.errors import QuotaExceededError, StorageFailed
from swruntime.storage import open_profile, verify
from tests.crash.crash_disk import arm, only_in
from tests.crash.crash_indexeddb import State, Story, state_of, states
from tests.crash.test_crash_faults import CODES, Faults


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[State]:
    found = states(tmp_path_factory.mktemp("whole") / "profile")
    assert len({repr(state) for state in found}) == len(found) == 9
    return found


def what_is_there(profile: Path) -> State:
    with closing(open_profile(profile)) as store:
        found = state_of(store)
    assert verify(profile) == []
    return found


def tell_with(profile: Path, faults: Faults) -> int:
    """The steps that were told to be done. One that finds the disk full is tried a second time."""
    done = 0

    async def tell(story: Story) -> None:
        nonlocal done
        for step in story.steps():
            with trio.fail_after(60):  # a database must not stay blocked
                try:
                    await step()
                except QuotaExceededError:
                    assert faults.code == errno.ENOSPC
                    await step()
            done += 1

    with closing(open_profile(profile)) as store, pytest.MonkeyPatch.context() as patch:
        arm(only_in(profile, faults), patch.setattr)
        story = Story(store)
        try:
            trio.run(tell, story)
        except StorageFailed:
            assert store._database.disk.failed, "it is touched no more"
        finally:
            story.realm.close()
    return done


def check_fault(profile: Path, faults: Faults, expected: list[State]) -> bool:
    done = tell_with(profile, faults)
    assert what_is_there(profile) in expected[done : done + 2]
    if not faults.hits:
        assert done == len(expected) - 1
    elif (
        faults.code == errno.ENOSPC
    ):  # the last step is committed before its files go: no room is a failure then
        assert done >= len(expected) - 2
    return bool(faults.hits)


@pytest.mark.parametrize("code", CODES, ids=lambda code: errno.errorcode[code])
def test_a_fault_leaves_whole_transactions(tmp_path: Path, code: int, expected: list[State]) -> None:
    for number in range(7 * CODES.index(code) + 1, 130, 43):
        assert check_fault(tmp_path / str(number), Faults(code, number), expected)


SHARDS = 4
ALL = [*((code, False) for code in CODES), (errno.EIO, True)]


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize(
    ("code", "late"), ALL, ids=[f"{errno.errorcode[code]}{'-late' * late}" for code, late in ALL]
)
def test_a_fault_at_any_call_leaves_whole_transactions(
    tmp_path: Path, code: int, late: bool, shard: int, expected: list[State]
) -> None:
    number = shard + 1
    while check_fault(tmp_path / str(number), Faults(code, number, late=late), expected):
        number += SHARDS
    assert number > 100, "so many calls are made, and more"


@pytest.mark.slow
def test_a_kill_before_any_change_of_the_disk_leaves_whole_transactions(
    tmp_path: Path, expected: list[State]
) -> None:
    root = Path(__file__).parents[2]
    subprocess.run(
        [sys.executable, "-m", "tests.crash.crash_indexeddb", str(tmp_path)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=True,
    )
    told = sorted(tmp_path.glob("*.told"))
    assert len(told) > 100, "so many changes are made, and more"
    for each in told:
        profile = each.with_suffix("")
        done = len(each.read_text().splitlines())
        assert what_is_there(profile) in expected[done : done + 2], each.name
