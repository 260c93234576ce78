"""verify and forget."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from swruntime.concepts.http import Request, Response
from swruntime.errors import NotAProfile, ProfileInUse, ProfileTooNew
from swruntime.storage import forget, open_profile, profile_origin, schema, verify
from swruntime.storage.bodies import Sizes
from swruntime.storage.files import FileBodies
from swruntime.storage.store import SqlStore

KEY = "https://a.example"


def a_profile(
    directory: Path, *, boot_id: str = "an earlier boot", synced: bool = True
) -> tuple[SqlStore, Path]:
    """A profile with one cached body of ten bytes, and the path of that."""
    store = open_profile(directory, boot_id=boot_id)
    body = store.create_body(KEY)
    store.append(body, b"0123456789")
    if synced:
        trio.run(store.sync, [body])
    store.put_entry(store.open_cache(KEY, "c"), Request("u"), Response(), body)
    return store, directory / "bodies" / str(body)


def test_a_sound_profile_has_no_problems(tmp_path: Path) -> None:
    store, _ = a_profile(tmp_path / "profile")
    assert verify(tmp_path / "profile") == []
    store.close()
    assert verify(tmp_path / "profile") == []


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda path: path.unlink(), "bodies/1 is missing"),
        (lambda path: path.write_bytes(b"01234"), "bodies/1 has 5 bytes of 10"),
        (lambda path: path.with_name("77").write_bytes(b""), "bodies/77 has no row"),
        (lambda path: path.with_name("notes.txt").write_bytes(b""), r"bodies/notes\.txt is not a body"),
    ],
)
def test_a_problem_is_told_and_left(tmp_path: Path, damage: Callable[[Path], object], told: str) -> None:
    store, path = a_profile(tmp_path / "profile")
    store.close()
    damage(path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    (problem,) = verify(tmp_path / "profile")
    assert problem.startswith(told.replace("\\", ""))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_what_a_writer_deletes_meanwhile_is_no_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = a_profile(tmp_path / "profile")
    size = FileBodies.size

    def deleted_first(self: FileBodies, body: int) -> int:
        store.delete_cache(KEY, "c")
        return size(self, body)

    monkeypatch.setattr(FileBodies, "sizes", lambda self: Sizes([(1, 4)]))  # while it grew
    monkeypatch.setattr(FileBodies, "size", deleted_first)
    assert verify(tmp_path / "profile") == []
    store.close()


def test_what_was_not_synced_is_missed_in_the_same_boot_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, path = a_profile(tmp_path / "profile", synced=False)
    store.close()
    path.write_bytes(b"01234")
    assert verify(tmp_path / "profile") == []
    monkeypatch.setattr("swruntime.storage.check.current_boot_id", lambda: "an earlier boot")
    assert verify(tmp_path / "profile") == ["bodies/1 has 5 bytes of 10"]


def test_dangling_references_are_told(tmp_path: Path) -> None:
    store, _ = a_profile(tmp_path / "profile")
    store._database.execute("PRAGMA foreign_keys = OFF")
    store._database.execute("UPDATE cache_entries SET cache = 99")
    assert verify(tmp_path / "profile") == [
        "row 1 of cache_entries refers to a row of caches that is not there"
    ]
    store.close()


def test_a_damaged_database_is_told(tmp_path: Path) -> None:
    store, _ = a_profile(tmp_path / "profile")
    store.close()
    database = tmp_path / "profile" / "profile.sqlite3"
    content = database.read_bytes()
    database.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    assert any("database" in problem for problem in verify(tmp_path / "profile"))


def test_only_a_profile_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotAProfile):
        verify(tmp_path)
    store, _ = a_profile(tmp_path / "profile")
    store.close()
    monkeypatch.setattr(schema, "MIGRATIONS", ())
    with pytest.raises(ProfileTooNew):
        verify(tmp_path / "profile")


def test_a_forgotten_profile_is_gone_and_may_be_made_again(tmp_path: Path) -> None:
    store, _ = a_profile(tmp_path / "profile")
    store.close()
    forget(tmp_path / "profile")
    assert list(tmp_path.iterdir()) == []
    store = open_profile(tmp_path / "profile")
    assert list(store.cache_names(KEY)) == []
    store.close()


def test_what_is_not_the_profiles_is_not_forgotten(tmp_path: Path) -> None:
    store, _ = a_profile(tmp_path / "profile")
    store.close()
    (tmp_path / "profile" / "thesis.tex").write_text("mine")
    forget(tmp_path / "profile")
    assert [path.name for path in (tmp_path / "profile").iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("left", ["profile.new", "bodies"])
def test_what_an_interrupted_creation_or_deletion_left_is_forgotten(tmp_path: Path, left: str) -> None:
    profile = tmp_path / "profile"
    open_profile(profile).close()
    (profile / "profile.sqlite3").rename(profile / left if left == "profile.new" else tmp_path / "gone")
    assert profile_origin(profile) is None
    forget(profile)
    assert not profile.exists()


def test_the_origin_of_a_profile(tmp_path: Path) -> None:
    assert profile_origin(tmp_path / "profile") is None
    store = open_profile(tmp_path / "profile")
    assert profile_origin(tmp_path / "profile") is None
    store.set_origin(KEY)
    assert profile_origin(tmp_path / "profile") == KEY
    store.close()
    assert profile_origin(tmp_path / "profile") == KEY
    (tmp_path / "profile" / "profile.sqlite3").write_text("mine")
    with pytest.raises(NotAProfile):
        profile_origin(tmp_path / "profile")


def test_a_profile_in_use_is_not_forgotten(tmp_path: Path) -> None:
    store, path = a_profile(tmp_path / "profile")
    with pytest.raises(ProfileInUse):
        forget(tmp_path / "profile")
    assert path.exists()
    store.close()


def test_what_is_not_a_profile_is_not_forgotten(tmp_path: Path) -> None:
    (tmp_path / "profile.sqlite3").write_text("mine")
    (tmp_path / "bodies").mkdir()
    with pytest.raises(NotAProfile):
        forget(tmp_path)
    with pytest.raises(NotAProfile):
        forget(tmp_path / "nothing")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bodies", "profile.sqlite3"]
