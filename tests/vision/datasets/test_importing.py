"""Imports from every form, and the way to a file and back without a change of digest."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.corpus import class_folders, coco, write_images
from tests.vision.datasets.reading import listed, load
from vision.config.dataset import SplitConfig
from vision.datasets import AnnotationTable
from vision.datasets.importing import import_dataset, write_table
from vision.datasets.table import METADATA_KEY
from vision.errors import ConfigError, DatasetError

pytestmark = pytest.mark.usefixtures("home")

BURSTS = r"burst(\d)"


def burst_folders(root: Path) -> Path:
    paths = [f"{name}/burst{n // 4}-{n}.png" for name in ("cat", "dog") for n in range(24)]
    return write_images(root, paths)


def round_trip(table: AnnotationTable, file: Path) -> AnnotationTable:
    write_table(table, file)
    again = load(file, "table")
    assert again.root == table.root.resolve()
    assert again.task == table.task
    assert again.digest == table.digest
    pd.testing.assert_frame_equal(again.frame, table.frame)
    return again


@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_a_folder_comes_back_the_same(tmp_path: Path, name: str) -> None:
    root = burst_folders(tmp_path / "data")
    table = import_dataset(root, group_by=BURSTS, seed=3)
    assert table.frame["group"].nunique() == 6
    assert round_trip(table, root / name).problems == ()


@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_a_coco_file_of_several_classes_comes_back_the_same(tmp_path: Path, name: str) -> None:
    labels = {"a.png": ["cat"], "b.png": ["dog", "cat"], "c.png": [], "d.png": ["dog"]}
    root = write_images(tmp_path / "data", labels)
    (root / "coco.json").write_text(json.dumps(coco(labels)))
    table = import_dataset(root / "coco.json")
    assert table.task == "multilabel"
    round_trip(table, root / name)


@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_final_splits_are_not_made_again(tmp_path: Path, name: str) -> None:
    root = class_folders(tmp_path / "data", n_per_class=10)
    table = import_dataset(root, split=SplitConfig(validation=0.0, test=0.3))
    assert set(table.frame["split"]) == {"train", "test"}
    # The default shares would take a validation split out of the training images.
    round_trip(table, root / name)


# Names of files and classes as people and other systems make them, and some nobody would.
NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\0|."), min_size=1, max_size=8
).filter(lambda name: name.strip() and len(name.encode()) <= 200)


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(
            NAMES, NAMES, st.sampled_from(["train", "validation", "test"]), NAMES | st.just("")
        ),
        min_size=2,
        max_size=6,
        unique_by=lambda row: row[0],
    ),
    st.sampled_from(["t.parquet", "t.csv"]),
    st.booleans(),
)
@settings(max_examples=25)
def test_any_table_comes_back_the_same(
    rows: list[tuple[str, str, str, str]], name: str, is_multilabel: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        write_images(root, [path for path, *_ in rows])
        known = pd.DataFrame(rows, columns=["path", "label", "split", "group"])
        if is_multilabel:
            known = known.rename(columns={"label": "labels"})
        known.to_parquet(root / "source.parquet")
        try:
            table = load(root / "source.parquet", "table")
        except DatasetError as error:
            assert "has only the class" in str(error)  # noqa: PT017
            return
        if len(table) < len(rows):
            # Two names that are one path, such as "a" and "./a"; or hidden from the root.
            assert set(listed(table)) <= {"duplicate_rows", "outside_root", "missing_files"}
        write_table(table, root / name)
        again = load(root / name, "table")
        assert again.digest == table.digest


def test_the_table_and_its_images_move_together(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "here" / "images")
    (tmp_path / "here" / "tables").mkdir()
    table = import_dataset(root)
    write_table(table, tmp_path / "here" / "tables" / "t.parquet")
    shutil.move(tmp_path / "here", tmp_path / "there")
    again = load(tmp_path / "there" / "tables" / "t.parquet", "table")
    assert again.root == tmp_path / "there" / "images"
    assert again.digest == table.digest


def test_a_csv_of_another_machine_with_one_hot_columns(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data", n_per_class=4)
    rows = [
        {
            "Unnamed: 0": number,
            "abs_path": f"/home/them/dvc/data/{path.relative_to(root)}",
            "cat": int(path.parent.name == "cat"),
            "dog": int(path.parent.name == "dog"),
            "split": ("train", "train", "valid", "test")[number % 4],
        }
        for number, path in enumerate(sorted(root.rglob("*.png")))
    ]
    pd.DataFrame(rows).to_csv(root / "annotation_df.csv", index=False)
    table = import_dataset(root / "annotation_df.csv")
    assert table.frame["path"].tolist() == sorted(
        str(p.relative_to(root)) for p in root.rglob("*.png")
    )
    assert table.frame["label"].tolist() == ["cat"] * 4 + ["dog"] * 4
    assert table.frame["split"].value_counts().to_dict() == {"train": 4, "validation": 2, "test": 2}
    (finding,) = table.problems
    assert finding.message == "1 column of the table that is not used: Unnamed: 0"


def test_images_may_lie_elsewhere(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "images")
    (tmp_path / "labels").mkdir()
    file = tmp_path / "labels" / "t.csv"
    file.write_text("path,label\ncat/00.png,cat\ndog/00.png,dog\n../labels/t.csv,dog\n")
    table = import_dataset(file, images=root)
    assert table.root == root
    assert listed(table) == {"outside_root": ("../labels/t.csv",)}
    with pytest.raises(DatasetError, match=r"nowhere is no folder; give the one that holds"):
        import_dataset(file, images=tmp_path / "nowhere")
    with pytest.raises(DatasetError, match=r"is a folder of images itself"):
        import_dataset(root, images=root)


@pytest.mark.security
def test_no_table_leads_out_of_the_folder_that_is_given(tmp_path: Path) -> None:
    outside = class_folders(tmp_path / "outside")
    bound = class_folders(tmp_path / "bound" / "images", seed=70).parent
    (bound / "tables").mkdir()
    write_table(import_dataset(outside), bound / "tables" / "t.parquet")
    assert load(bound / "tables" / "t.parquet", "table").root == outside
    # Its paths are there below the folder that was given, too, and no others are taken.
    table = import_dataset(bound / "tables" / "t.parquet", images=bound / "images")
    assert table.root == bound / "images"
    with pytest.raises(DatasetError, match=r"24 files that the table names but that do not exist"):
        import_dataset(bound / "tables" / "t.parquet", images=bound)


def test_a_recorded_root_inside_the_given_folder_counts(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "all" / "images")
    (tmp_path / "all" / "tables").mkdir()
    file = tmp_path / "all" / "tables" / "t.parquet"
    write_table(import_dataset(root), file)
    assert import_dataset(file, images=tmp_path / "all").root == root


@pytest.mark.parametrize("start", ["", "../tables/", "/home/them/all/tables/"])
def test_paths_from_the_file_are_found_in_a_larger_folder(tmp_path: Path, start: str) -> None:
    class_folders(tmp_path / "all" / "tables")
    file = tmp_path / "all" / "tables" / "t.csv"
    file.write_text(f"path,label\n{start}cat/00.png,cat\n{start}dog/00.png,dog\n")
    table = import_dataset(file, images=tmp_path / "all")
    assert table.root == tmp_path / "all"
    assert table.frame["path"].tolist() == ["tables/cat/00.png", "tables/dog/00.png"]


def test_damaged_metadata_is_refused(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data")
    table = pa.Table.from_pandas(import_dataset(root).frame)
    for about in (b"{", b"[1]"):
        damaged = table.replace_schema_metadata({METADATA_KEY: about})
        pq.write_table(damaged, root / "t.parquet")
        with pytest.raises(DatasetError, match=r"t\.parquet is damaged: .*; import its dataset ag"):
            load(root / "t.parquet", "table")


def test_an_absolute_root_that_is_gone_is_the_folder_of_the_table(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data")
    table = import_dataset(root)
    table.to_parquet(root / "t.parquet")
    moved = tmp_path / "moved"
    shutil.move(root, moved)
    again = load(moved / "t.parquet", "table")
    assert (again.root, again.digest) == (moved, table.digest)


def test_a_wrong_pattern_is_a_wrong_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        import_dataset(class_folders(tmp_path / "data"), group_by="burst")
    assert str(refused.value) == (
        "group_by = 'burst': Value error, needs one group in parentheses, it has 0"
    )


def test_files_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data")
    table = import_dataset(root)
    with pytest.raises(DatasetError) as refused:
        write_table(table, tmp_path / "t.csv")
    assert str(refused.value) == (
        f"{tmp_path}/t.csv does not lie in {root}, which its paths would be relative to; write "
        f"{root}/t.csv, or a .parquet file, which records the place of its images."
    )
    with pytest.raises(DatasetError, match=r"t\.txt must end in \.parquet or \.csv\."):
        write_table(table, tmp_path / "t.txt")
    with pytest.raises(DatasetError, match=r"there is no folder .*/nowhere; make it"):
        write_table(table, tmp_path / "nowhere" / "t.parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "home"]


def test_an_old_table_is_replaced_whole(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "data")
    (root / "t.csv").write_text("old")
    write_table(import_dataset(root), root / "t.csv")
    lines = (root / "t.csv").read_text().splitlines()
    assert lines[0] == (
        '"path","label","split","group","date","sha256","width","height","mode","n_bytes"'
    )
    assert lines[1].startswith('"cat/00.png","cat","')
    assert len(lines) == 25
    assert sorted(path.name for path in root.iterdir()) == ["cat", "dog", "t.csv"]
