"""Thumbnails for the page."""

from __future__ import annotations

import os
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from tests.corpus import class_folders
from vision.config import DatasetConfig, ValidationConfig
from vision.datasets import AnnotationTable, load_annotations
from vision.properties import compute_properties
from vision.validation.find import find_problems
from vision.validation.report import ValidationReport
from vision.validation.thumbnails import thumbnails_from
from vision.validation.validator import make_report

DANGEROUS = ("cat/pipe.png", "cat/link.png", "../secret.png", "cat/huge.png")


def test_large_images_shrink_and_keep_aspect_and_colour(tmp_path: Path) -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    image[:] = (200, 30, 10)
    cv2.imwrite(str(tmp_path / "a.png"), image[:, :, ::-1])
    png = thumbnails_from(tmp_path)("a.png")
    assert png is not None
    small = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert small is not None
    assert small.shape == (32, 64, 3)
    assert small[16, 32, ::-1].tolist() == [200, 30, 10]


def test_small_images_stay_as_they_are(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))
    png = thumbnails_from(tmp_path)("a.png")
    assert png is not None
    assert png[16:24] == (8).to_bytes(4, "big") * 2


def test_what_is_no_image_has_no_thumbnail(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("not an image")
    thumbnail = thumbnails_from(tmp_path)
    assert thumbnail("text.jpg") is None
    assert thumbnail("missing.jpg") is None


@pytest.fixture
def planted(tmp_path: Path, home: Path) -> AnnotationTable:
    """A table that names a pipe, links and paths that lead outside, and a huge file."""
    root = class_folders(tmp_path / "data", n_per_class=4)
    (tmp_path / "secret.png").write_bytes((root / "cat" / "00.png").read_bytes())
    os.mkfifo(root / "cat" / "pipe.png")
    (root / "cat" / "link.png").symlink_to(tmp_path / "secret.png")
    with (root / "cat" / "huge.png").open("wb") as file:
        file.truncate(200_000_000)
    whole = [f"{name}/{number:02d}.png" for name in ("cat", "dog") for number in range(4)]
    paths = [*whole, *DANGEROUS, str(tmp_path / "secret.png"), "."]
    labels = [path.split("/")[0] if path in whole else "cat" for path in paths]
    pd.DataFrame({"path": paths, "label": labels}).to_csv(root / "images.csv", index=False)
    return load_annotations(DatasetConfig(source="table", path=str(root / "images.csv")))


def within(seconds: float, call: Callable[[], Any]) -> Any:
    """Returns what ``call`` returns; fails where it does not end in time."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(call()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert results, f"nothing after {seconds} s"
    return results[0]


@pytest.mark.security
def test_files_that_must_not_be_opened_are_named_without_a_picture(
    planted: AnnotationTable,
) -> None:
    findings = find_problems(planted, compute_properties(planted))
    named = {finding.check: finding.images for finding in findings}
    assert named["special_files"] == ("cat/pipe.png",)
    assert named["refused_links"] == ("cat/link.png",)
    assert named["too_large_images"] == ("cat/huge.png",)
    assert set(named["outside_root"]) == {
        "../secret.png", str(planted.root.parent / "secret.png"), "."
    }  # fmt: skip
    errors = [finding for finding in findings if finding.severity == "error"]
    properties = compute_properties(planted)
    thumbnail = thumbnails_from(planted.root)

    def validate() -> ValidationReport:
        return make_report("ours", properties, errors, ValidationConfig(), "", thumbnail)

    report = within(20, validate)
    assert "data:image/png" not in report.html
    for path in DANGEROUS:
        assert f">{path}</span>" in report.html


@pytest.mark.security
def test_a_huge_file_is_not_read(planted: AnnotationTable) -> None:
    thumbnail = thumbnails_from(planted.root)
    tracemalloc.start()
    assert thumbnail("cat/huge.png") is None
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most_bytes < 1_000_000


def test_a_link_inside_the_dataset_has_a_thumbnail(planted: AnnotationTable) -> None:
    (planted.root / "cat" / "inside.png").symlink_to(planted.root / "cat" / "00.png")
    thumbnail = thumbnails_from(planted.root)
    assert thumbnail("cat/00.png") is not None
    assert thumbnail("cat/inside.png") == thumbnail("cat/00.png")
