"""Planted wrong labels are found and counted; clean, tiny and odd datasets say what is true."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from vision.config import ValidationConfig
from vision.datasets.table import AnnotationTable
from vision.validation.judge import judge_findings
from vision.validation.wrong_labels import likely, likely_wrong_labels
from vision.validation.wrong_labels.likely import MAX_LISTED, _share_left

CLASSES = ("bars", "checks", "discs", "rings")


def draw(kind: str, rng: np.random.Generator, side: int = 24) -> np.ndarray:
    """Draws a pattern of its kind at a random place, in random colours, with noise."""
    down, across = np.mgrid[:side, :side] + rng.uniform(0, 6, (2, 1, 1))
    centre = side / 2 + 3
    distance = np.hypot(down - centre, across - centre)
    inside = {
        "bars": (down % 6) < 3,
        "checks": ((down % 8) < 4) ^ ((across % 8) < 4),
        "discs": distance < side / 4,
        "rings": (distance > side / 5) & (distance < side / 3),
    }[kind]
    low, high = rng.uniform(20, 100, 3), rng.uniform(140, 230, 3)
    image = np.where(inside[..., None], high, low) + rng.normal(0, 12, (side, side, 3))
    return np.clip(image, 0, 255).astype(np.uint8)


def write(
    root: Path, counts: dict[str, int], splits: Sequence[str] = ("train",), side: int = 24
) -> AnnotationTable:
    """Writes so many images of each class and split and returns their table."""
    rng = np.random.default_rng(0)
    rows = []
    for split in splits:
        for label, n_images in counts.items():
            for number in range(n_images):
                path = root / f"{split}_{label}_{number:03d}.png"
                cv2.imwrite(str(path), draw(label, rng, side))
                rows.append(row_of(path, label, split))
    return AnnotationTable.from_rows(root, rows)


def row_of(path: Path, label: str, split: str = "train") -> dict[str, object]:
    data = path.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    size = {"width": 24, "height": 24, "mode": "RGB", "n_bytes": len(data)}
    return {"path": path.name, "sha256": sha256, "label": label, "split": split, **size}


def relabel(table: AnnotationTable, share: float) -> tuple[AnnotationTable, set[str]]:
    """Changes a share of the labels to another class; returns the paths where it did."""
    rng = np.random.default_rng(1)
    labels = table.class_index(table.frame["label"])
    changed = rng.permutation(len(table))[: round(share * len(table))]
    n_classes = len(table.classes)
    labels[changed] = (labels[changed] + rng.integers(1, n_classes, len(changed))) % n_classes
    names = np.array(table.classes, object)[labels]
    return replace(table, frame=table.frame.assign(label=names)), set(table.frame["path"][changed])


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> AnnotationTable:
    """400 images of four classes, half in train and half in test."""
    root = tmp_path_factory.mktemp("patterns")
    return write(root, dict.fromkeys(CLASSES, 50), ("train", "test"))


@pytest.mark.slow
def test_planted_wrong_labels_are_listed_and_counted(clean: AnnotationTable) -> None:
    table, changed = relabel(clean, 0.05)
    [finding] = likely_wrong_labels(table)
    hits = [path in changed for path in finding.images]
    assert len(changed) == 20
    assert sum(hits) >= 17
    assert sum(hits) >= 0.85 * len(hits)
    assert finding.value == pytest.approx(0.05, abs=0.015)
    assert finding.severity == "warning"
    assert len(finding.notes) == len(finding.images)
    [first] = table.frame.loc[table.frame["path"] == finding.images[0], "label"]
    truth = finding.images[0].split("_")[1]
    assert finding.notes[0].startswith(f"looks like {truth} (")
    assert finding.notes[0].endswith(f", labelled {first}")
    assert finding.message == (
        f"About {finding.value:.1%} of the labels of 400 images seem to be wrong, judged by a "
        f"small classifier that learned from the other images; {len(hits)} to look at are listed, "
        "the most suspicious first"
    )


@pytest.mark.slow
def test_clean_labels_are_left_alone(clean: AnnotationTable) -> None:
    [finding] = likely_wrong_labels(clean)
    assert finding.severity == "info"
    assert finding.value is not None
    assert finding.value < 0.01
    assert finding.n_images <= 4


@pytest.mark.slow
def test_the_order_of_the_rows_and_the_names_of_the_files_do_not_matter(
    clean: AnnotationTable,
) -> None:
    table, _ = relabel(clean, 0.05)
    [finding] = likely_wrong_labels(table)
    order = np.random.default_rng(2).permutation(len(table))
    shuffled = replace(table, frame=table.frame.iloc[order].reset_index(drop=True))
    assert likely_wrong_labels(shuffled) == [finding]


@pytest.mark.slow
def test_a_copy_with_the_same_wrong_label_does_not_vouch_for_it(
    clean: AnnotationTable, tmp_path: Path
) -> None:
    rows = []
    for row in clean.frame.itertuples():
        data = (clean.root / str(row.path)).read_bytes()
        wrong = str(row.path) in {"train_discs_000.png", "train_bars_001.png"}
        label = "checks" if wrong else str(row.label)
        for copy in range(6 if wrong else 1):
            path = tmp_path / f"{copy}_{row.path}"
            path.write_bytes(data)
            rows.append(row_of(path, label))
    [finding] = likely_wrong_labels(AnnotationTable.from_rows(tmp_path, rows))
    expected = {f"{n}_{p}" for n in range(6) for p in ("train_discs_000.png", "train_bars_001.png")}
    assert len(finding.images) >= 6
    assert set(finding.images) <= expected


@pytest.mark.slow
def test_classes_swapped_in_one_split_are_named(clean: AnnotationTable) -> None:
    frame = clean.frame.copy()
    in_test = frame["split"] == "test"
    swapped = frame["label"].replace({"discs": "rings", "rings": "discs"})
    frame["label"] = swapped.where((frame["path"].str[-7:] < "020.png") & in_test, frame["label"])
    frame = frame[~in_test | (frame["path"].str[-7:] < "020.png")].reset_index(drop=True)
    [finding] = likely_wrong_labels(replace(clean, frame=frame))
    assert finding.severity == "warning"
    for one, other in (("discs", "rings"), ("rings", "discs")):
        assert f"of the 20 images of {one} in test look like {other}" in finding.message
    moved = {f"test_{kind}_{n:03d}.png" for kind in ("discs", "rings") for n in range(20)}
    assert len(moved & set(finding.images)) >= 30
    assert finding.value == pytest.approx(40 / 280, abs=0.02)


@pytest.mark.slow
def test_tiny_gray_images_of_uneven_classes(tmp_path: Path) -> None:
    table = write(tmp_path, {"bars": 200, "discs": 20}, side=8)
    for path in tmp_path.iterdir():
        cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    [clean_finding] = likely_wrong_labels(table)
    assert clean_finding.severity == "info"
    frame = table.frame.copy()
    planted = [3, 30, 77, 140]
    frame.loc[planted, "label"] = "discs"
    [finding] = likely_wrong_labels(replace(table, frame=frame))
    assert finding.n_images >= 2
    assert set(finding.images) <= set(frame["path"][planted])


def test_classes_too_small_to_learn_are_not_judged(tmp_path: Path) -> None:
    table = write(tmp_path, {"bars": 60, "discs": 60, "rings": 1, "checks": 9})
    [finding] = likely_wrong_labels(table)
    assert "of the labels of 120 images" in finding.message
    assert not [path for path in finding.images if "rings" in path or "checks" in path]


@pytest.mark.parametrize(
    "counts", [{}, {"bars": 120}, {"bars": 49, "discs": 50}, {"bars": 120, "discs": 9}]
)
def test_too_little_to_learn_from_is_silent(counts: dict[str, int], tmp_path: Path) -> None:
    assert likely_wrong_labels(write(tmp_path, counts)) == []


def test_tables_of_several_labels_are_silent(tmp_path: Path) -> None:
    table = replace(write(tmp_path, {"bars": 60, "discs": 60}), task="multilabel")
    assert likely_wrong_labels(table) == []


@pytest.mark.parametrize("is_flat", [True, False])
def test_images_that_do_not_tell_their_class_are_not_judged(is_flat: bool, tmp_path: Path) -> None:
    rows = []
    rng = np.random.default_rng(0)
    for number in range(120):
        path = tmp_path / f"{number:03d}.png"
        level = np.uint8(number) if is_flat else rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        cv2.imwrite(str(path), np.zeros((16, 16, 3), np.uint8) + level)
        rows.append(row_of(path, "odd" if rng.random() < 0.5 else "even"))
    [finding] = likely_wrong_labels(AnnotationTable.from_rows(tmp_path, rows))
    assert (finding.severity, finding.images, finding.value) == ("info", (), None)
    assert finding.message == (
        "Not measured: at 32 x 32 pixels the 120 images do not tell their classes apart, so no "
        "label can be doubted"
    )


@pytest.mark.slow
def test_many_classes(tmp_path: Path) -> None:
    table = write(tmp_path, dict.fromkeys(CLASSES, 120), side=8)
    names = np.array([f"{label} {n % 12:02d}" for n, label in enumerate(table.frame["label"])])
    frame = table.frame.assign(label=names.astype(object))
    [finding] = likely_wrong_labels(replace(table, frame=frame, classes=tuple(np.unique(names))))
    assert finding.severity == "info"


@pytest.mark.parametrize(
    ("share", "n_images", "n_listed", "left"),
    [
        # As many as are listed, give or take the rounding: nothing is left.
        (0.05, 1_000, 50, 0.0),
        (0.0504, 1_000, 50, 0.0),
        (0.05, 1_000, 60, 0.0),
        # 3,000 of 60,000, of which the list has room for 500.
        (0.05, 60_000, MAX_LISTED, 0.042),
    ],
)
def test_what_is_left_when_the_listed_are_gone(
    share: float, n_images: int, n_listed: int, left: float
) -> None:
    assert _share_left(share, n_images, n_listed) == left


@pytest.mark.slow
def test_quarantine_does_not_pass_for_more_than_is_listed(
    clean: AnnotationTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, _ = relabel(clean, 0.1)
    monkeypatch.setattr(likely, "MAX_LISTED", 10)
    [finding] = likely_wrong_labels(table)
    assert finding.value is not None
    assert len(finding.images) == 10
    expected = (finding.value * len(table) - 10) / (len(table) - 10)
    assert finding.value_left == pytest.approx(expected, abs=1e-3)
    config = ValidationConfig(
        fail_on={"likely_wrong_labels": "> 0.05"}, quarantine=("likely_wrong_labels",)
    )
    [gate] = judge_findings([finding], config)
    assert (gate.passed, gate.value) == (False, finding.value_left)
