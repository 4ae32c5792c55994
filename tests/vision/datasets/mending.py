"""Datasets to mend, and what is in a folder and in a plan."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from tests.corpus import class_folders, write_images
from vision.datasets.plan_fix import FixPlan


def files_of(root: Path) -> dict[str, str]:
    """Returns each file's path and checksum."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def moved(plan: FixPlan) -> dict[str, str]:
    return {move.path: move.check for move in plan.moves}


def make_splits(root: Path, **copies: str) -> Path:
    """Writes three splits, and copies of an image of class cat: name to path."""
    for number, split in enumerate(("train", "validation", "test")):
        class_folders(root / split, n_per_class=2, seed=100 * number)
    for path in copies.values():
        shutil.copy(root / "train/cat/00.png", root / path)
    return root


def listed_faults(root: Path) -> Path:
    """Writes images with faults and a CSV that lists them, and returns the CSV."""
    names = ["a.png", "b.png", "c.png", "d.png", "e.png", "f.png"]
    write_images(root, names)
    shutil.copy(root / "a.png", root / "copy.png")
    (root / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    (root / "empty.png").write_bytes(b"")
    rows = [f"{name},{'cat' if n % 2 else 'dog'}" for n, name in enumerate(names)]
    rows += ["copy.png,dog", "broken.jpg,cat", "empty.png,cat"]
    (root / "t.csv").write_text("\n".join(["path,label", *rows, ""]))
    return root / "t.csv"
