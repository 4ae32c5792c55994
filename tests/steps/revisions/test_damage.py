"""Damage, wherever a file of a revision lies, is mended or named; processes do not mix."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from steps.revisions import resolve_revision
from tests.dvc_repositories import (
    Workspace,
    flip_bit,
)
from tests.steps.revisions.resolving import refused, resolve
from vision.home import repository

pytestmark = [pytest.mark.integration, pytest.mark.slow]


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
def test_every_silent_flip_is_mended_when_the_revision_is_read(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    folder = resolve(workspace, "v1").folder
    good = contents(folder)
    for path in folder.rglob("*.png"):
        silently(path)
    assert resolve_revision(workspace.section("v1"), verify=False).folder == folder
    assert not [name for name, data in contents(folder).items() if data == good[name]]
    with caplog.at_level(logging.WARNING):
        resolve(workspace, "v1")
    assert contents(folder) == good
    commit = workspace.git("rev-parse", "--short=8", "v1")
    assert caplog.messages == [
        f"24 files of {workspace.root} at {commit} in 'images' had been damaged here and were made "
        "again, for example cat/00.png"
    ]


def silently(path: Path) -> None:
    """Flips a bit as a failing disk does: length and times stay."""
    info = path.stat()
    flip_bit(path)
    path.chmod(info.st_mode)
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


@pytest.mark.fault
def test_a_whole_revision_writes_no_record_when_it_is_verified(workspace: Workspace) -> None:
    beside = resolve(workspace, "v1").folder.with_name("images.json")
    inode = beside.stat().st_ino
    resolve(workspace, "v1")
    assert beside.stat().st_ino == inode


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
