"""The content-addressed store: what enters is what its name says, and appears whole."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from pathlib import Path

import pytest

from vision.datasets.object_store import ObjectStore, is_md5, md5_of

pytestmark = pytest.mark.unit

_DATA = b"an image" * 1000
_MD5 = hashlib.md5(_DATA).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects")


def written(path: Path, data: bytes = _DATA) -> Path:
    path.write_bytes(data)
    return path


def n_files(store: ObjectStore) -> int:
    return sum(path.is_file() for path in store.root.rglob("*"))


def test_file_enters_under_its_md5_read_only(store: ObjectStore, tmp_path: Path) -> None:
    assert not store.is_right(_MD5)
    assert store.add(written(tmp_path / "a.png"), _MD5)
    assert store.path(_MD5) == store.root / _MD5[:2] / _MD5[2:]
    assert store.path(_MD5).read_bytes() == _DATA
    assert stat.S_IMODE(store.path(_MD5).stat().st_mode) == 0o444
    assert store.is_right(_MD5)
    assert md5_of(store.path(_MD5)) == _MD5


@pytest.mark.fault
def test_other_bytes_do_not_enter(store: ObjectStore, tmp_path: Path) -> None:
    assert not store.add(written(tmp_path / "a.png", _DATA[:-1]), _MD5)
    assert n_files(store) == 0
    with pytest.raises(FileNotFoundError):
        store.add(tmp_path / "none", _MD5)
    assert n_files(store) == 0


@pytest.mark.fault
def test_damaged_file_is_seen_and_replaced(store: ObjectStore, tmp_path: Path) -> None:
    store.add_bytes(_DATA)
    store.path(_MD5).chmod(0o644)
    store.path(_MD5).write_bytes(b"damaged")
    assert not store.is_right(_MD5)
    assert store.add_bytes(_DATA) == _MD5
    assert store.is_right(_MD5)


def test_draft_is_taken_or_removed(store: ObjectStore) -> None:
    with store.draft() as draft:
        draft.write_bytes(_DATA)
        store.take(draft, _MD5)
    with store.draft() as draft:
        draft.write_bytes(b"half")
    assert store.is_right(_MD5)
    assert n_files(store) == 1


def test_placed_file_is_a_link_and_replaces_what_is_there(
    store: ObjectStore, tmp_path: Path
) -> None:
    store.add_bytes(_DATA)
    target = tmp_path / "a.png"
    for _ in range(2):
        store.place(_MD5, target)
        assert target.samefile(store.path(_MD5))
    target.unlink()
    written(target, b"other")
    store.place(_MD5, target)
    assert target.samefile(store.path(_MD5))
    target.unlink()
    target.symlink_to(store.path(_MD5))
    store.place(_MD5, target)
    assert not target.is_symlink()
    assert (sorted(path.name for path in tmp_path.iterdir()), n_files(store)) == (
        ["a.png", "objects"],
        1,
    )


@pytest.mark.fault
@pytest.mark.parametrize("is_there", [False, True])
def test_file_is_copied_where_links_fail(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    store.add_bytes(_DATA)
    target = tmp_path / "a.png"
    if is_there:
        written(target, b"other")

    def refuse(source: Path, target: Path) -> None:
        if target.exists():
            raise FileExistsError(17, "there")
        raise OSError(31, "too many links")

    monkeypatch.setattr(os, "link", refuse)
    store.place(_MD5, target)
    assert target.read_bytes() == _DATA
    assert not target.samefile(store.path(_MD5))
    assert stat.S_IMODE(target.stat().st_mode) == 0o444
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "objects"]


def test_writers_at_once_leave_one_whole_file(store: ObjectStore, tmp_path: Path) -> None:
    source = written(tmp_path / "a.png")
    taken: list[bool] = []
    threads = [
        threading.Thread(target=lambda: taken.append(store.add(source, _MD5))) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == [True] * 16
    assert (store.is_right(_MD5), n_files(store)) == (True, 1)


def test_only_old_drafts_are_removed(store: ObjectStore) -> None:
    drafts = store.root / ".drafts"
    drafts.mkdir(parents=True)
    old, fresh = written(drafts / "old"), written(drafts / "fresh")
    os.utime(old, (0, 0))
    store.remove_old_drafts()
    assert (old.exists(), fresh.exists()) == (False, True)


@pytest.mark.security
@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 32, "0" * 31, "0" * 32 + "\n"])
def test_name_that_is_no_md5_is_refused(store: ObjectStore, name: str) -> None:
    assert not is_md5(name)
    with pytest.raises(ValueError, match="is no MD5 in 32 hex digits"):
        store.path(name)
