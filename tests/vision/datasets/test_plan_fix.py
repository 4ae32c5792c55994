"""What would be moved out of a dataset, what is left to a person, and what is never touched."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.corpus import class_folders, planted_faults, write_images
from tests.vision.datasets.mending import make_splits, moved
from tests.vision.datasets.reading import load
from vision.datasets import AnnotationTable
from vision.datasets.fix import apply_fix, plan_fix
from vision.datasets.plan_fix import Move
from vision.errors import DatasetError
from vision.validation.report import Finding

pytestmark = pytest.mark.usefixtures("home")


def test_the_plan_and_the_report_say_what_and_why(tmp_path: Path) -> None:
    planted = planted_faults(tmp_path / "data")
    plan = plan_fix(load(planted.root))
    decision = "train/cat/02.png (cat) = train/dog/not a cat.png (dog)"
    assert plan.undecided == (decision,)
    assert plan.summary() == (
        f"5 files to move out of {planted.root}\n"
        "1 damaged or cut short (corrupt_images)\n"
        "  train/cat/truncated.jpg: damaged or cut short\n"
        "1 empty (empty_files)\n"
        "  train/dog/nothing.png: empty\n"
        "1 no image of a supported format (not_images)\n"
        "  train/cat/notes.jpg: no image of a supported format\n"
        "1 a copy of an image in a held-out split (duplicates_across_splits)\n"
        "  train/cat/leaked.png: a copy of test/cat/00.png\n"
        "1 a copy of another image of its split (duplicates_within_splits)\n"
        "  train/dog/01.png: a copy of train/dog/01 copy.png\n"
        "1 image left alone until you decide\n"
        f"  {decision}"
    )
    report = apply_fix(plan)
    assert report.parent.parent == tmp_path / "data.quarantine"
    page = report.read_text()
    sha256 = hashlib.sha256(b"").hexdigest()
    assert f"- moved: train/dog/nothing.png: empty (empty_files, sha256 {sha256})\n" in page
    assert f"To undo it: `python run.py data restore {report.parent}`" in page
    assert f"- {decision}\n" in page
    told = json.loads((report.parent / "fix.json").read_text())
    assert [move["outcome"] for move in told["moves"]] == ["moved"] * 5


def test_a_good_dataset_needs_nothing(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data")
    plan = plan_fix(load(root))
    assert plan.is_empty
    assert plan.summary() == f"0 files to move out of {root}"


def test_test_stays_before_validation_before_training(tmp_path: Path) -> None:
    root = make_splits(tmp_path / "data", a="validation/cat/a.png", b="train/cat/b.png")
    assert moved(plan_fix(load(root))) == {
        "train/cat/00.png": "duplicates_across_splits",
        "train/cat/b.png": "duplicates_across_splits",
    }
    shutil.copy(root / "train/cat/00.png", root / "test/cat/z.png")
    shutil.copy(root / "train/cat/00.png", root / "test/cat/y.png")
    plan = plan_fix(load(root))
    assert moved(plan) == {
        "test/cat/z.png": "duplicates_within_splits",
        "train/cat/00.png": "duplicates_across_splits",
        "train/cat/b.png": "duplicates_across_splits",
        "validation/cat/a.png": "duplicates_across_splits",
    }
    assert {move.why for move in plan.moves} == {"a copy of test/cat/y.png"}


def test_links_are_left_alone(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data")
    (root / "cat" / "a link.png").symlink_to(root / "cat" / "05.png")
    (root / "dog" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    (root / "dog" / "to broken.jpg").symlink_to(root / "dog" / "broken.jpg")
    plan = plan_fix(load(root))
    assert moved(plan) == {"dog/broken.jpg": "corrupt_images"}
    why = "reached through a link"
    assert plan.left == (("cat/a link.png", why), ("dog/to broken.jpg", why))
    assert f"2 files left alone\n  cat/a link.png: {why}\n" in plan.summary()


@pytest.mark.security
def test_nothing_outside_the_root_is_moved(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data")
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"secret")
    (root / "cat" / "link.png").symlink_to(secret)
    (root / "way").symlink_to(tmp_path)
    paths = ("../secret.png", "cat/link.png", "way/secret.png", str(secret), "gone.png")
    finding = Finding(check="corrupt_images", severity="error", message="", images=paths)
    plan = plan_fix(load(root), [finding])
    assert plan.moves == ()
    assert dict(plan.left) == {
        **dict.fromkeys(paths[:4], "leads outside the dataset"),
        "gone.png": "not there any more",
    }
    # Nor by a plan that somebody else made.
    moves = tuple(fix_move(path, b"secret") for path in paths)
    told = json.loads(apply_fix(replace(plan, moves=moves)).with_name("fix.json").read_text())
    assert {move["outcome"].split(":")[0] for move in told["moves"]} == {"left"}
    assert secret.read_bytes() == b"secret"


def fix_move(path: str, content: bytes) -> Move:
    return Move(path, "corrupt_images", "", hashlib.sha256(content).hexdigest())


def test_revisions_and_linked_tables_are_not_changed(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data")
    revision = replace(load(root), source={"kind": "dvc"})
    with pytest.raises(DatasetError, match=r"A dataset of source dvc is never changed; mend a"):
        plan_fix(revision)
    (tmp_path / "cache.csv").write_text("path,label\ncat/00.png,cat\ndog/00.png,dog\n")
    (root / "t.csv").symlink_to(tmp_path / "cache.csv")
    table = replace(load(root), source={"kind": "table", "path": str(root / "t.csv")})
    with pytest.raises(DatasetError, match=r"t\.csv is a link, and what it leads to may belong"):
        plan_fix(table)


def test_a_table_in_several_classes_keeps_one_of_equal_sets(tmp_path: Path) -> None:
    root = write_images(tmp_path / "data", ["a.png", "b.png", "c.png"])
    shutil.copy(root / "a.png", root / "same.png")
    shutil.copy(root / "b.png", root / "other.png")
    rows = "a.png,cat|dog\nb.png,dog\nc.png,\nsame.png,dog|cat\nother.png,cat\n"
    (root / "t.csv").write_text(f"path,labels\n{rows}")
    table: AnnotationTable = load(root / "t.csv", "table")
    plan = plan_fix(table)
    assert moved(plan) == {"same.png": "duplicates_within_splits"}
    assert plan.undecided == ("b.png (dog) = other.png (cat)",)


def test_a_name_of_two_lines_breaks_no_line(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", n_per_class=3)
    (root / "cat" / "two\nlines.png").write_bytes(b"")
    (root / "dog" / "other\r.png").write_bytes((root / "cat" / "00.png").read_bytes())
    plan = plan_fix(load(root))
    decision = r"cat/00.png (cat) = dog/other\r.png (dog)"
    assert plan.summary().splitlines()[1:] == [
        "1 empty (empty_files)",
        r"  cat/two\nlines.png: empty",
        "1 image left alone until you decide",
        f"  {decision}",
    ]
    page = apply_fix(plan).read_text().splitlines()
    sha256 = hashlib.sha256(b"").hexdigest()
    assert rf"- moved: cat/two\nlines.png: empty (empty_files, sha256 {sha256})" in page
    assert f"- {decision}" in page
    assert "lines.png" not in [line[:9] for line in page]
