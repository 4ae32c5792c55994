"""Datasets from every source: what is kept, what is left out and how it is said."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.corpus import class_folders, encode, picture, planted_faults
from vision.config import DatasetConfig
from vision.datasets import AnnotationTable, dataset_digest, load_annotations
from vision.errors import DatasetError
from vision.images import decode_image


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISIONSTACK_HOME", str(tmp_path / "home"))


def load(path: Path, source: str = "folder", **changes: Any) -> AnnotationTable:
    return load_annotations(DatasetConfig(source=source, path=str(path), **changes))  # type: ignore[arg-type]


def listed(table: AnnotationTable) -> dict[str, tuple[str, ...]]:
    return {finding.check: finding.images for finding in table.problems}


def test_digits_are_1797_images_in_ten_classes() -> None:
    table = load_annotations(DatasetConfig(source="digits"))
    assert len(table) == 1797
    assert table.classes == tuple("0123456789")
    assert set(table.frame["width"]) == set(table.frame["height"]) == {8}
    assert table.frame["split"].value_counts().to_dict() == {
        "train": 1259,
        "validation": 269,
        "test": 269,
    }
    assert table.problems == ()


def test_digits_are_the_scans_of_scikit_learn() -> None:
    from sklearn.datasets import load_digits

    table = load_annotations(DatasetConfig(source="digits"))
    digits = load_digits()
    for number in (0, 1, 1796):
        path = table.root / str(digits.target[number]) / f"{number:04d}.png"
        pixels = decode_image(path.read_bytes())[..., 0]
        assert abs(pixels - digits.images[number] * 255 / 16).max() <= 0.5


def test_folder_without_splits_is_split_by_content(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", n_per_class=20)
    table = load(root)
    assert table.classes == ("cat", "dog")
    assert table.frame["split"].value_counts().to_dict() == {
        "train": 28,
        "validation": 6,
        "test": 6,
    }
    first = table.frame.iloc[0]
    data = (root / "cat" / "00.png").read_bytes()
    assert (first["path"], first["width"], first["height"]) == ("cat/00.png", 24, 20)
    assert (first["sha256"], first["n_bytes"]) == (hashlib.sha256(data).hexdigest(), len(data))


def test_renamed_files_keep_their_split(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", n_per_class=20)
    before = load(root).frame.set_index("sha256")["split"].to_dict()
    for path in list((root / "cat").iterdir()):
        path.rename(path.with_name(f"renamed {path.name}"))
    assert load(root).frame.set_index("sha256")["split"].to_dict() == before


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


def test_missing_validation_is_taken_out_of_training(tmp_path: Path) -> None:
    class_folders(tmp_path / "data" / "train", n_per_class=20)
    class_folders(tmp_path / "data" / "test", n_per_class=5, seed=100)
    frame = load(tmp_path / "data").frame
    assert frame["split"].value_counts().to_dict() == {"train": 34, "validation": 6, "test": 10}
    assert (frame.loc[frame["split"] == "test", "path"].str.startswith("test/")).all()


def test_planted_faults_are_all_named(tmp_path: Path) -> None:
    planted = planted_faults(tmp_path / "data")
    table = load(planted.root)
    assert listed(table) == {
        "corrupt_images": (planted.truncated,),
        "empty_files": (planted.empty_file,),
        "not_images": (planted.text,),
        "empty_classes": (planted.empty_class,),
        "hidden_files": (planted.thumbs, planted.hidden),
    }
    left_out = {planted.truncated, planted.empty_file, planted.text, planted.hidden, planted.thumbs}
    assert not left_out & set(table.frame["path"])
    assert table.classes == ("cat", "dog")
    assert len(table) == 24 + 12 + 3


def test_messages_say_how_many_and_why(tmp_path: Path) -> None:
    planted = planted_faults(tmp_path / "data")
    (finding,) = [found for found in load(planted.root).problems if found.check == "not_images"]
    assert finding.message.startswith(
        "1 files that are no image of a supported format (left out), for example "
        "train/cat/notes.jpg: The bytes start with b'These ar'"
    )
    assert finding.value == 1.0


def test_class_of_damaged_files_only_counts_as_empty(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data")
    (root / "fox").mkdir()
    (root / "fox" / "0.jpg").write_bytes(b"\xff\xd8\xff")
    table = load(root)
    assert listed(table) == {"corrupt_images": ("fox/0.jpg",), "empty_classes": ("fox",)}
    assert table.classes == ("cat", "dog")


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


def test_unreadable_files_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = class_folders(tmp_path / "data")
    read = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "03.png":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert listed(load(root)) == {"unreadable_files": ("cat/03.png", "dog/03.png")}


def test_one_class_is_refused_with_the_reason(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", classes=("cat",))
    (root / "dog").mkdir()
    with pytest.raises(DatasetError) as caught:
        load(root)
    assert str(caught.value) == (
        f"{root} has only the class 'cat'; put the images of each of at least two classes into a "
        "folder of its own. Found: 1 class folders without a usable image (left out), "
        "for example dog."
    )


def test_no_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has no usable image"):
        load(tmp_path)
    with pytest.raises(DatasetError, match=r"nowhere is no folder; give the folder of class"):
        load(tmp_path / "nowhere")


def test_held_out_splits_without_training_are_refused(tmp_path: Path) -> None:
    class_folders(tmp_path / "data" / "test")
    with pytest.raises(DatasetError, match="has the splits test but no train"):
        load(tmp_path / "data")


def test_digest_follows_the_data(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data")
    config = DatasetConfig(source="folder", path=str(root))
    digest = dataset_digest(config)
    assert dataset_digest(config) == digest
    (root / "cat" / "00.png").write_bytes(encode(picture(999), "PNG"))
    changed = dataset_digest(config)
    assert changed != digest
    (root / "dog" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    assert dataset_digest(config) != changed


def test_unchanged_files_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = planted_faults(tmp_path / "data").root
    before = load(root)
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"{path} was read"))
    again = load(root)
    assert again.digest == before.digest
    assert again.problems == before.problems


def test_damaged_cache_is_made_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = class_folders(tmp_path / "data")
    before = load(root).digest
    (cache,) = (tmp_path / "home" / "cache").iterdir()
    cache.write_bytes(b"this is no database" * 100)
    assert load(root).digest == before
    assert "is made anew" in caplog.text


def write_table(root: Path, frame: pd.DataFrame, suffix: str) -> Path:
    file = root / f"images{suffix}"
    frame.to_csv(file, index=False) if suffix == ".csv" else frame.to_parquet(file)
    return file


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_table_gives_labels_and_splits(tmp_path: Path, suffix: str) -> None:
    root = class_folders(tmp_path / "data", n_per_class=3)
    paths = [f"{name}/{number:02d}.png" for name in ("cat", "dog") for number in range(3)]
    splits = ["train", "valid", "test"] * 2
    frame = pd.DataFrame({"path": paths, "label": ["10", "7"] * 3, "split": splits, "note": "x"})
    table = load(write_table(root, frame, suffix), "table")
    assert table.classes == ("10", "7")
    assert table.root == root
    assert table.frame["split"].tolist() == ["train", "validation", "test"] * 2


def test_table_names_what_it_leaves_out(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", n_per_class=3)
    rows = [
        ("cat/00.png", "cat"),
        (str(root / "dog" / "00.png"), "dog"),
        ("cat/00.png", "dog"),
        ("cat/99.png", "cat"),
        ("../outside.png", "cat"),
        ("dog/01.png", ""),
    ]
    table = load(write_table(root, pd.DataFrame(rows, columns=["path", "label"]), ".csv"), "table")
    assert table.frame["path"].tolist() == ["cat/00.png", "dog/00.png"]
    assert listed(table) == {
        "missing_files": ("cat/99.png",),
        "outside_root": ("../outside.png",),
        "duplicate_rows": ("cat/00.png",),
        "unlabelled_images": ("dog/01.png",),
    }


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"file": ["a"], "label": ["b"]}, "has the columns file, label, but no path"),
        ({"path": ["a"], "label": ["b"], "split": ["dev"]}, "has the splits dev; use train"),
        (
            {"path": ["a", "b"], "label": ["x", "y"], "split": ["train", ""]},
            "has 1 rows without a split",
        ),
    ],
)
def test_unusable_tables_say_why(tmp_path: Path, frame: dict[str, list[str]], message: str) -> None:
    file = write_table(tmp_path, pd.DataFrame(frame), ".csv")
    with pytest.raises(DatasetError, match=message):
        load(file, "table")


def test_table_must_be_csv_or_parquet(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"must end in \.csv or \.parquet"):
        load(tmp_path / "images.xlsx", "table")
    with pytest.raises(DatasetError, match=r"images.csv does not exist"):
        load(tmp_path / "images.csv", "table")


def test_dvc_must_be_resolved_first(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="not fetched yet"):
        load(tmp_path, "dvc", revision="v1")


def test_two_loaders_of_the_digits_do_not_disturb_each_other(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from vision.datasets.digits import digits_folder

    with ThreadPoolExecutor(4) as pool:
        folders = set(pool.map(lambda _: digits_folder(), range(4)))
    (folder,) = folders
    assert len(list(folder.rglob("*.png"))) == 1797
    assert [path.name for path in folder.parent.iterdir()] == ["digits"]
    shutil.rmtree(folder)
