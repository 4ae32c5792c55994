"""Folders of images: which files count, which are refused, and which splits they are in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.corpus import class_folders, encode, picture
from tests.vision.datasets.reading import listed, load
from vision.errors import DatasetError

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize("name", ["validation", "valid", "val", "Val"])
def test_splits_on_disk_are_kept(tmp_path: Path, name: str) -> None:
    for number, split in enumerate(("train", name, "test")):
        class_folders(tmp_path / "data" / split, n_per_class=4, seed=100 * number)
    table = load(tmp_path / "data")
    by_folder = table.frame["path"].str.split("/").str[0]
    assert set(zip(by_folder, table.frame["split"], strict=True)) == {
        ("train", "train"),
        (name, "validation"),
        ("test", "test"),
    }


def test_dangerous_files_are_refused(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data")
    secret = tmp_path / "secret.png"
    secret.write_bytes(encode(picture(), "PNG"))
    os.mkfifo(root / "cat" / "pipe.png")
    (root / "cat" / "escape.png").symlink_to(secret)
    (root / "cat" / "broken.png").symlink_to(tmp_path / "nowhere.png")
    (root / "dog" / "inside.png").symlink_to(root / "cat" / "00.png")
    (root / "dog" / "loop").symlink_to(root)
    table = load(root)
    assert listed(table) == {
        "refused_links": ("cat/broken.png", "cat/escape.png", "dog/loop"),
        "special_files": ("cat/pipe.png",),
    }
    assert "dog/inside.png" in set(table.frame["path"])


def test_what_is_not_in_a_class_folder_is_named(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data")
    (root / "README.md").write_text("about")
    class_folders(root / "dog" / "more", n_per_class=1, classes=("deep",))
    assert listed(load(root)) == {
        "nested_folders": ("dog/more",),
        "outside_classes": ("README.md",),
    }


def test_names_that_clash_are_told_and_kept(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data")
    names = ("caf\u00e9.png", "cafe\u0301.png", "A.png", "a.png")
    for number, name in enumerate(names):
        (root / "cat" / name).write_bytes(encode(picture(50 + number), "PNG"))
    table = load(root)
    assert listed(table) == {"name_clashes": ("cat/a.png", "cat/caf\u00e9.png")}
    assert len(table) == 28


def test_name_that_is_not_unicode_is_named(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data")
    with open(os.fsencode(root / "cat") + b"/\xff.png", "wb") as file:  # noqa: PTH123
        file.write(encode(picture(9), "PNG"))
    assert listed(load(root)) == {"unreadable_files": ("cat/\\xff.png",)}


def test_held_out_splits_without_training_are_refused(tmp_path: Path) -> None:
    class_folders(tmp_path / "data" / "test")
    with pytest.raises(DatasetError, match="has the splits test but no train"):
        load(tmp_path / "data")
