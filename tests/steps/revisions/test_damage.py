"""Damage, wherever a file of a revision lies, is mended or named; processes do not mix."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from steps.revisions import ResolvedDataset, resolve_revision
from tests.dvc_repositories import (
    Workspace,
    copy_workspace,
    flip_bit,
    make_versions,
)
from vision.errors import DatasetError
from vision.home import repository

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict[str, str]]:
    return make_versions(tmp_path_factory.mktemp("made") / "dvc")


@pytest.fixture
def workspace(made: tuple[Workspace, dict[str, str]], tmp_path: Path, home: Path) -> Workspace:
    return copy_workspace(made[0], tmp_path / "dvc")


def resolve(workspace: Workspace, revision: str, **changes: Any) -> ResolvedDataset:
    return resolve_revision(workspace.section(revision, **changes))


def refused(workspace: Workspace, revision: str = "v1", **changes: Any) -> str:
    with pytest.raises(DatasetError) as caught:
        resolve(workspace, revision, **changes)
    return str(caught.value)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


_RESOLVE = """
import sys
from steps.revisions import resolve_revision
from vision.config import DatasetConfig
section = DatasetConfig.model_validate_json(sys.argv[1])
for _ in range(2):
    print(resolve_revision(section).folder)
"""


@pytest.mark.fault
def test_damaged_entry_of_the_cache_is_fetched_from_the_remote(workspace: Workspace) -> None:
    good = (workspace.root / "images" / "cat" / "03.png").read_bytes()
    entry = workspace.entry("images/cat/03.png")
    flip_bit(entry)
    damaged = entry.read_bytes()
    assert (resolve(workspace, "v1").folder / "cat" / "03.png").read_bytes() == good
    assert entry.read_bytes() == damaged


@pytest.mark.fault
def test_every_flipped_bit_is_named_where_no_remote_has_the_file(workspace: Workspace) -> None:
    names = [f"{kind}/{number:02d}.png" for kind in ("cat", "dog") for number in range(0, 12, 3)]
    entries = [workspace.entry(f"images/{name}") for name in names]
    pushed = [workspace.pushed(f"images/{name}") for name in names]
    for path in entries:
        flip_bit(path)
    for path in pushed:
        path.unlink()
    why = "damaged in DVC's cache and missing in the remote"
    shown = "; ".join(f"{name} ({why})" for name in names[:5])
    where = f"{workspace.root} at {workspace.git('rev-parse', '--short=8', 'v1')}"
    assert refused(workspace) == (
        f"8 of 24 files of {where} cannot be had: {shown}; and 3 more. Run dvc push to store "
        f"{workspace.store} where the files are whole, then try again."
    )
    assert not list(workspace.root.parent.glob("home/datasets/dvc/*/images"))


@pytest.mark.fault
def test_damaged_remote_is_not_served(workspace: Workspace) -> None:
    pushed = workspace.pushed("images/dog/01.png")
    pushed.chmod(0o644)
    pushed.write_bytes(pushed.read_bytes()[:100])
    shutil.rmtree(workspace.root / ".dvc" / "cache")
    why = "missing in DVC's cache and damaged in the remote"
    assert f"1 of 24 files of {workspace.root}" in (message := refused(workspace))
    assert f"cannot be had: dog/01.png ({why}). Run dvc push" in message


@pytest.mark.fault
@pytest.mark.parametrize("damage", ["flip", "truncate", "delete", "replace"])
def test_damage_in_the_folder_is_mended_from_store_or_cache(
    workspace: Workspace, damage: str
) -> None:
    resolved = resolve(workspace, "v1")
    target = resolved.folder / "cat" / "05.png"
    good = target.read_bytes()
    if damage == "flip":
        flip_bit(target)
    elif damage == "truncate":
        target.chmod(0o644)
        target.write_bytes(good[:10])
    else:
        target.unlink()
    if damage == "replace":
        target.symlink_to("/etc/passwd")
    resolve(workspace, "v1")
    assert target.read_bytes() == good
    assert not target.is_symlink()


@pytest.mark.fault
def test_damage_that_nothing_can_mend_is_named(workspace: Workspace) -> None:
    target = resolve(workspace, "v1").folder / "cat" / "05.png"
    flip_bit(target)
    shutil.rmtree(workspace.root / ".dvc" / "cache")
    shutil.rmtree(workspace.store)
    assert "1 of 24 files" in (message := refused(workspace))
    assert "cat/05.png (missing in DVC's cache and missing in the remote)" in message
    assert message.endswith(
        f"There is nothing at the DVC remote store {workspace.store}; check its address."
    )


@pytest.mark.fault
def test_touched_files_stay_and_strangers_are_set_aside(workspace: Workspace) -> None:
    resolved = resolve(workspace, "v1")
    touched = resolved.folder / "cat" / "00.png"
    inode = touched.stat().st_ino
    touched.touch()
    for text in ("first", "second"):
        (resolved.folder / "cat" / "Thumbs.db").write_text(text)
        resolve(workspace, "v1")
    assert touched.stat().st_ino == inode
    assert len(contents(resolved.folder)) == 24
    aside = contents(resolved.folder.with_name("images.aside"))
    assert aside == {"cat/Thumbs.db": b"first", "cat/Thumbs.db~": b"second"}


@pytest.mark.fault
@pytest.mark.parametrize("record", [None, "", "[]", '{"version": 1, "files": 3}'])
def test_folder_without_a_usable_record_is_made_again(
    workspace: Workspace, record: str | None
) -> None:
    resolved = resolve(workspace, "v1")
    beside = resolved.folder.with_name("images.json")
    beside.unlink()
    if record is not None:
        beside.write_text(record)
    # As an earlier version left it: plain copies, one of them damaged in place.
    plain = resolved.folder / "cat" / "00.png"
    good = plain.read_bytes()
    plain.unlink()
    plain.write_bytes(good[:-1] + b"\0")
    (resolved.folder / "cat" / "extra.png").write_bytes(b"not of it")
    assert resolve(workspace, "v1") == resolved
    assert plain.read_bytes() == good
    assert len(contents(resolved.folder)) == 24


@pytest.mark.fault
def test_killed_process_leaves_nothing_in_the_way(workspace: Workspace) -> None:
    script = _RESOLVE.replace("resolve_revision(section)", "stopped(section)").replace(
        "section =",
        "import os, signal\n"
        "from vision.datasets.object_store import ObjectStore\n"
        "placed = []\n"
        "def place(store, md5, target):\n"
        "    placed.append(os.link(store.path(md5), target))\n"
        "    len(placed) < 10 or os.kill(os.getpid(), signal.SIGKILL)\n"
        "ObjectStore.place = place\n"
        "stopped = resolve_revision\n"
        "section =",
    )
    section = workspace.section("v1")
    killed = subprocess.run(
        [sys.executable, "-c", script, section.model_dump_json()],
        cwd=repository(),
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    resolved = resolve_revision(section)
    assert len(contents(resolved.folder)) == 24
    assert sorted(path.name for path in resolved.folder.parent.iterdir()) == [
        "images",
        "images.json",
        "images.lock",
    ]


@pytest.mark.fault
def test_damaged_object_is_not_linked_into_another_revision(
    workspace: Workspace, home: Path
) -> None:
    target = resolve(workspace, "v1").folder / "dog" / "02.png"
    good = (workspace.root / "images" / "dog" / "02.png").read_bytes()
    flip_bit(target)
    assert (resolve(workspace, "v2").folder / "dog" / "02.png").read_bytes() == good
    assert (resolve(workspace, "v1").folder / "dog" / "02.png").read_bytes() == good


def test_processes_that_resolve_at_once_do_not_mix(workspace: Workspace) -> None:
    shutil.rmtree(workspace.root / ".dvc" / "cache")
    revisions = ["v1", "v2", "v1", "v2"]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", _RESOLVE, workspace.section(revision).model_dump_json()],
            cwd=repository(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for revision in revisions
    ]
    folders = []
    for process in started:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        folders.append({Path(line) for line in out.split()})
    assert folders[0] == folders[2] != folders[1] == folders[3]
    (first,), (second,) = folders[0], folders[1]
    now = contents(workspace.root / "images")
    assert contents(second) == now
    assert contents(first) == {k: v for k, v in now.items() if k != "dog/new.png"}
