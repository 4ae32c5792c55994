"""Datasets from every source: what is kept, what is left out and how it is said."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from tests.corpus import class_folders, encode, picture, planted_faults, write_images
from tests.vision.datasets.reading import listed, load
from vision.config import DatasetConfig
from vision.datasets import dataset_digest, load_annotations, read
from vision.datasets.bounds import Bounds
from vision.datasets.split import assign_splits
from vision.errors import DatasetError
from vision.images import decode_image

pytestmark = pytest.mark.usefixtures("home")


def test_digits_are_1797_images_in_ten_classes() -> None:
    table = load_annotations(DatasetConfig(source="digits"))
    assert len(table) == 1797
    assert table.classes == tuple("0123456789")
    assert set(table.frame["width"]) == set(table.frame["height"]) == {8}
    assert table.frame["split"].value_counts().to_dict() == {
        "train": 1263,
        "validation": 282,
        "test": 252,
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
    expected = assign_splits(
        table.frame["sha256"].tolist(),
        table.frame["label"].tolist(),
        {"validation": 0.15, "test": 0.15},
        seed=0,
    )
    assert table.frame["split"].tolist() == expected
    assert table.frame.groupby("label")["split"].nunique().to_dict() == {"cat": 3, "dog": 3}
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


def test_missing_validation_is_taken_out_of_training(tmp_path: Path) -> None:
    class_folders(tmp_path / "data" / "train", n_per_class=20)
    class_folders(tmp_path / "data" / "test", n_per_class=5, seed=100)
    frame = load(tmp_path / "data").frame
    counts = frame["split"].value_counts()
    assert counts["test"] == 10
    assert (counts["train"] + counts["validation"], 2 <= counts["validation"] <= 14) == (40, True)
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
        "1 file that is no image of a supported format (left out), for example "
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


def test_unreadable_files_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = class_folders(tmp_path / "data")
    judge = read.open_inside

    def refuse(path: Path, bounds: Bounds) -> int:
        if path.name == "03.png":
            raise PermissionError(13, "Permission denied")
        return judge(path, bounds)

    monkeypatch.setattr(read, "open_inside", refuse)
    assert listed(load(root)) == {"unreadable_files": ("cat/03.png", "dog/03.png")}


def test_one_class_is_refused_with_the_reason(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", classes=("cat",))
    (root / "dog").mkdir()
    with pytest.raises(DatasetError) as caught:
        load(root)
    assert str(caught.value) == (
        f"{root} has only the class 'cat'; put the images of each of at least two classes into a "
        "folder of its own. Found: 1 class folder without a usable image (left out), "
        "for example dog."
    )


def test_no_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has no usable image"):
        load(tmp_path)
    with pytest.raises(DatasetError, match=r"nowhere is no folder; give the folder of class"):
        load(tmp_path / "nowhere")


def test_digest_follows_the_data(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data")
    digest = dataset_digest(load(root))
    assert dataset_digest(load(root)) == digest
    (root / "cat" / "00.png").write_bytes(encode(picture(999), "PNG"))
    changed = dataset_digest(load(root))
    assert changed != digest
    (root / "dog" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    assert dataset_digest(load(root)) != changed


def test_unchanged_files_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = planted_faults(tmp_path / "data").root
    before = load(root)
    monkeypatch.setattr(read, "open_inside", lambda path, _: pytest.fail(f"{path} was read"))
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


def test_groups_are_read_out_of_the_paths(tmp_path: Path) -> None:
    paths = [f"{name}/p{n // 5}-{n}.png" for name in ("cat", "dog") for n in range(40)]
    root = write_images(tmp_path / "data", [*paths, "cat/alone.png"])
    table = load(root, group_by=r"(p\d)-")
    frame = table.frame
    assert set(frame["group"]) == {"", *(f"p{n}" for n in range(8))}
    assert frame.loc[frame["path"] == "cat/alone.png", "group"].item() == ""
    # One person is in both classes: eight units of ten images and one of its own.
    in_groups = frame[frame["group"] != ""]
    assert (in_groups.groupby("group")["split"].nunique() == 1).all()
    assert set(frame["split"]) == {"train", "validation", "test"}


def test_a_column_of_groups_comes_first(tmp_path: Path) -> None:
    root = write_images(tmp_path / "data", ["p1-a.png", "p1-b.png", "p2-c.png"])
    (root / "t.csv").write_text(
        "path,label,group\np1-a.png,cat,own\np1-b.png,cat,\np2-c.png,dog,\n"
    )
    table = load(root / "t.csv", "table", group_by=r"(p\d)|never")
    assert table.frame["group"].tolist() == ["own", "p1", "p2"]


def test_groups_change_the_digest(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", n_per_class=1)
    assert load(root).digest != load(root, group_by="(cat|dog)").digest


def test_several_classes_per_image_are_split_and_counted(tmp_path: Path) -> None:
    root = write_images(tmp_path / "data", [f"{n:02d}.png" for n in range(40)])
    labels = ["cat", "dog", "cat|dog", ""]
    rows = [f"{n:02d}.png,{labels[n % 4]}\n" for n in range(40)]
    (root / "t.csv").write_text("".join(["path,labels\n", *rows]))
    table = load(root / "t.csv", "table")
    assert (table.task, table.classes) == ("multilabel", ("cat", "dog"))
    assert table.problems == ()
    for split in ("train", "validation", "test"):
        names = set("|".join(table.rows(split)["label"]).split("|")) - {""}
        assert names == {"cat", "dog"}
    (root / "one.csv").write_text("path,labels\n00.png,cat\n01.png,\n")
    with pytest.raises(DatasetError, match=r"has only the class 'cat'; a table needs rows of at"):
        load(root / "one.csv", "table")
    (root / "none.csv").write_text("path,labels\n00.png,\n01.png,\n")
    with pytest.raises(DatasetError, match=r"has no class; a table needs rows of at least two"):
        load(root / "none.csv", "table")
