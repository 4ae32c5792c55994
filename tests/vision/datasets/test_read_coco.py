"""COCO files: classes of whole images, and one sentence for each thing that may be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.corpus import coco, write_images
from tests.vision.datasets.reading import listed, load
from vision.datasets.problems import Problems
from vision.datasets.read_coco import read_coco
from vision.errors import DatasetError

pytestmark = pytest.mark.usefixtures("home")

LABELS = {"a.png": ["cat"], "b.png": ["dog"], "c.png": ["cat", "cat"]}


def write(file: Path, content: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def test_one_category_each_is_multiclass(tmp_path: Path) -> None:
    write_images(tmp_path, LABELS)
    content = coco(LABELS)
    content["images"][1]["date_captured"] = "2013-11-14 17:02:52"
    table = load(write(tmp_path / "t.json", content), "table")
    assert (table.task, table.classes) == ("multiclass", ("cat", "dog"))
    assert table.frame["label"].tolist() == ["cat", "dog", "cat"]
    assert table.frame["date"].tolist() == ["", "2013-11-14T17:02:52", ""]
    assert table.problems == ()


def test_several_categories_are_multilabel(tmp_path: Path) -> None:
    labels = {**LABELS, "c.png": ["dog", "cat"], "d.png": []}
    write_images(tmp_path, labels)
    table = load(write(tmp_path / "t.json", coco(labels)), "table")
    assert table.task == "multilabel"
    assert table.frame["label"].tolist() == ["cat", "dog", "cat|dog", ""]
    assert table.targets().tolist() == [[1, 0], [0, 1], [1, 1], [0, 0]]


def test_images_without_annotations_are_named(tmp_path: Path) -> None:
    labels = {**LABELS, "d.png": []}
    write_images(tmp_path, labels)
    table = load(write(tmp_path / "t.json", coco(labels)), "table")
    assert listed(table) == {"unlabelled_images": ("d.png",)}
    assert len(table) == 3


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        (".", "t.json"),
        ("images", "t.json"),
        ("val2017", "instances_val2017.json"),
        ("valid", "labels.json"),
        ("images/val2017", "instances_val2017.json"),
    ],
)
def test_images_lie_where_such_files_have_them(tmp_path: Path, folder: str, name: str) -> None:
    write_images(tmp_path / folder, LABELS)
    (tmp_path / "train2017").mkdir()
    table = load(write(tmp_path / name, coco(LABELS)), "table")
    assert table.root == tmp_path
    assert [Path(path).parent for path in table.frame["path"]] == [Path(folder)] * 3


def test_two_categories_of_one_name_are_one_class(tmp_path: Path) -> None:
    content = coco(LABELS)
    content["categories"].append({"id": "other", "name": " cat"})
    content["annotations"].append({"image_id": 1, "category_id": "other"})
    rows = read_coco(write(tmp_path / "t.json", content), Problems())
    assert rows.labels == ["cat", "cat|dog", "cat"]


def broken(part: str, number: int, **changes: Any) -> dict[str, Any]:
    content = coco(LABELS)
    content[part][number] = {**content[part][number], **changes}
    return content


def without(part: str, number: int, key: str) -> dict[str, Any]:
    content = coco(LABELS)
    del content[part][number][key]
    return content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "t.json is no JSON: Expecting property name"),
        ("[" * 100_000, "t.json is no JSON: maximum recursion depth exceeded"),
        ("[]", "t.json is no COCO file: it holds a list."),
        ({"images": []}, "t.json is no COCO file: it has no list 'annotations'; it needs images, "),
        (broken("images", 1, id=0), "t.json, images[1]: id 0 is that of images[0]; ids of images"),
        (broken("categories", 1, id=10), "t.json, categories[1]: id 10 is that of categories[0]"),
        (broken("annotations", 2, image_id=7), "annotations[2]: image_id 7 is no id of images."),
        (broken("annotations", 2, category_id=7), "category_id 7 is no id of categories."),
        (without("images", 2, "file_name"), "t.json, images[2] has no file_name."),
        (without("images", 0, "id"), "t.json, images[0] has no id."),
        (without("annotations", 0, "category_id"), "annotations[0] has no category_id."),
        (broken("images", 0, file_name=3), "images[0]: file_name must be text, it is 3."),
        (broken("images", 0, id=[1]), "images[0]: id must be a whole number or text, it is [1]."),
        (broken("images", 0, id=True), "images[0]: id must be a whole number or text, it is True."),
        (
            broken("images", 0, file_name="\ud800"),
            "file_name must be valid Unicode, it is '\\ud800'.",
        ),
        (broken("categories", 0, name=" "), "categories[0]: name is empty; give each category a"),
        ({**coco(LABELS), "images": [3]}, "t.json, images[0] is no object: 3"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(DatasetError) as refused:
        read_coco(write(tmp_path / "t.json", content), Problems())
    assert message in str(refused.value)


def test_a_bar_in_a_name_is_refused_where_it_would_separate(tmp_path: Path) -> None:
    labels = {"a.png": ["x|y"], "b.png": ["dog"]}
    rows = read_coco(write(tmp_path / "t.json", coco(labels)), Problems())
    assert rows.labels == ["x|y", "dog"]
    with pytest.raises(DatasetError, match=r"has the category 'x\|y' \(id 11\); \| stands between"):
        read_coco(write(tmp_path / "t.json", coco({"a.png": ["x|y", "dog"]})), Problems())
