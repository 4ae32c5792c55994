"""Files are moved away and back: nothing is lost, overwritten, or half done."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.corpus import planted_faults
from tests.vision.datasets.mending import files_of, listed_faults, moved
from tests.vision.datasets.reading import listed, load
from vision.datasets import fix
from vision.datasets.fix import apply_fix, plan_fix, restore_fix
from vision.errors import DatasetError

pytestmark = pytest.mark.usefixtures("home")


def test_planted_faults_are_moved_and_come_back(tmp_path: Path) -> None:
    planted = planted_faults(tmp_path / "data")
    before = files_of(planted.root)
    table = load(planted.root)
    plan = plan_fix(table)
    expected = {
        planted.truncated: "corrupt_images",
        planted.text: "not_images",
        planted.empty_file: "empty_files",
        # Within a split the first by path stays; of two splits the one that is held out.
        planted.duplicate_within[0]: "duplicates_within_splits",
        planted.duplicate_across[1]: "duplicates_across_splits",
    }
    assert moved(plan) == expected
    assert files_of(planted.root) == before
    report = apply_fix(plan)
    after = files_of(planted.root)
    assert after == {path: content for path, content in before.items() if path not in expected}
    quarantined = files_of(report.parent)
    assert {path: quarantined[path] for path in expected} == {
        path: before[path] for path in expected
    }
    assert set(quarantined) == {*expected, "fix.json", "fix.md"}
    again = load(planted.root)
    assert set(listed(again)) == {"empty_classes", "hidden_files"}
    assert plan_fix(again).is_empty
    assert restore_fix(report.parent) == f"5 files moved back to {planted.root}"
    assert files_of(planted.root) == before
    assert load(planted.root).digest == table.digest


def test_a_file_that_was_mended_meanwhile_stays(tmp_path: Path) -> None:
    planted = planted_faults(tmp_path / "data")
    plan = plan_fix(load(planted.root))
    shutil.copy(planted.root / "train/cat/00.png", planted.root / planted.truncated)
    (planted.root / planted.text).unlink()
    report = apply_fix(plan)
    assert (planted.root / planted.truncated).is_file()
    page = report.read_text()
    assert f"- left: changed since the plan was made: {planted.truncated}" in page
    assert f"- left: not there any more: {planted.text}" in page
    assert page.count("- moved: ") == 3


def test_a_second_time_has_a_folder_of_its_own(tmp_path: Path) -> None:
    plan = plan_fix(load(planted_faults(tmp_path / "data").root))
    first, second = apply_fix(plan), apply_fix(plan)
    assert first != second
    assert second.read_text().count("- left: not there any more: ") == 5


class Killed(BaseException):
    """What a killed process looks like from inside."""


@contextmanager
def killed_at(monkeypatch: pytest.MonkeyPatch, name: str, call: int) -> Iterator[None]:
    """Ends the block before the call of ``fix.<name>`` with this number, from 1."""
    real, calls = getattr(fix, name), 0

    def counted(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise Killed
        return real(*arguments)

    monkeypatch.setattr(fix, name, counted)
    with pytest.raises(Killed):
        yield
    monkeypatch.setattr(fix, name, real)


@pytest.mark.fault
@pytest.mark.parametrize(
    ("name", "call"),
    [("_write", 1), ("_write", 2), ("_write", 3), ("replace_file", 1), ("_move", 1), ("_move", 3)],
)
def test_who_is_killed_can_start_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, call: int
) -> None:
    file = listed_faults(tmp_path / "data")
    before = files_of(file.parent)
    table = load(file, "table")
    with killed_at(monkeypatch, name, call):
        apply_fix(plan_fix(table))
    apply_fix(plan_fix(load(file, "table")))
    mended = load(file, "table")
    assert listed(mended) == {}
    assert plan_fix(mended).is_empty
    # Nothing is lost, and all that was moved comes back.
    folders = sorted((tmp_path / "data.quarantine").iterdir(), reverse=True)
    for folder in folders:
        if (folder / "fix.json").is_file():
            restore_fix(folder)
    assert files_of(file.parent) == before


def test_nothing_is_overwritten_by_restoring(tmp_path: Path) -> None:
    file = listed_faults(tmp_path / "data")
    root = file.parent
    report = apply_fix(plan_fix(load(file, "table")))
    (root / "broken.jpg").write_bytes(b"new")
    (report.parent / "empty.png").write_bytes(b"no more")
    file.write_text(file.read_text() + "new.png,cat\n")
    changed = file.read_bytes()
    assert restore_fix(report.parent) == (
        f"1 file moved back to {root}\n"
        "left alone: broken.jpg: there is another file in its place\n"
        "left alone: empty.png: changed since it was moved\n"
        f"left alone: {file}: changed since; its old rows are in {report.parent}/t.csv"
    )
    assert (root / "broken.jpg").read_bytes() == b"new"
    assert file.read_bytes() == changed
    assert (root / "copy.png").is_file()


@pytest.mark.security
@pytest.mark.parametrize("path", ["../x", "/etc/x", "", "a/../../x"])
def test_a_report_that_names_other_places_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "data").mkdir()
    folder = tmp_path / "data.quarantine" / "1"
    folder.mkdir(parents=True)
    moves = [{"path": path, "sha256": "0"}]
    (folder / "fix.json").write_text(json.dumps({"moves": moves, "table": None}))
    with pytest.raises(DatasetError, match=r"which is no path of a dataset"):
        restore_fix(folder)


def test_only_folders_of_a_fix_are_restored(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"holds no fix\.json that can be read; give a folder"):
        restore_fix(tmp_path)
    (tmp_path / "fix.json").write_text('{"moves": [], "table": null}')
    with pytest.raises(DatasetError, match=r"does not lie beside its dataset"):
        restore_fix(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    plan = plan_fix(load(planted_faults(tmp_path / "data").root))
    (tmp_path / "data.quarantine").write_text("a file")
    with pytest.raises(
        DatasetError, match=r"data\.quarantine cannot be made \(File exists\); give"
    ):
        apply_fix(plan)
    (tmp_path / "data.quarantine").unlink()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data.quarantine").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DatasetError, match=r"data\.quarantine is a link; remove it"):
        apply_fix(plan)
    assert os.listdir(tmp_path / "elsewhere") == []  # noqa: PTH208


def test_a_file_that_cannot_be_moved_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_fix(load(planted_faults(tmp_path / "data").root))
    real = shutil.move

    def refuse(file: Path, target: Path) -> None:
        if file.name == "nothing.png":
            raise PermissionError(13, "Permission denied")
        real(file, target)

    monkeypatch.setattr(shutil, "move", refuse)
    page = apply_fix(plan).read_text()
    assert "- left: Permission denied: train/dog/nothing.png" in page
    assert page.count("- moved: ") == 4
