"""Near-duplicates and outlying images among 10,000 real photographs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vision.config import DatasetConfig
from vision.datasets.load import load_annotations
from vision.home import repository
from vision.properties import compute_properties
from vision.validation.near_duplicates import find_near_duplicates
from vision.validation.outlying import outlying_images

pytestmark = [pytest.mark.integration, pytest.mark.slow]

# Pictures that the sample itself holds twice: each pair was looked at, and shows one photograph.
LEAKED = (
    "test/airplane/0164.jpg",
    "test/bird/0021.jpg",
    "test/deer/0052.jpg",
    "test/dog/0162.jpg",
    "test/frog/0168.jpg",
    "test/horse/0089.jpg",
)


def test_photographs_that_the_sample_holds_twice(cifar10: Path, home: Path) -> None:
    table = load_annotations(DatasetConfig(source="folder", path=str(cifar10)))
    properties = compute_properties(table)
    found = {each.check: each for each in find_near_duplicates(table, properties)}
    assert set(found) == {"near_duplicates_across_splits", "near_duplicates_within_splits"}
    across = found["near_duplicates_across_splits"]
    assert (across.severity, across.value) == ("warning", 10 / 3189)
    assert tuple(path for path in across.images if path.startswith("test/")) == LEAKED
    assert all(path.startswith("train/") for path in across.to_leave_out)
    within = found["near_duplicates_within_splits"]
    assert (within.severity, within.value) == ("info", 11 / 10_000)
    assert outlying_images(table, properties) == []


def test_planted_copies_of_every_kind_are_found_and_nothing_else(cifar10: Path, home: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "benchmarks/near_duplicates.py", str(cifar10), "--each", "60"],
        cwd=repository(),
        env={**os.environ, "PYTHONPATH": str(repository())},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    figures = json.loads(ended.stdout)
    assert min(figures["recall"].values()) >= 0.95
    assert len(figures["pairs_in_clean_folder"]) == 21
    assert figures["pairs_beyond_planted"] == []


@pytest.mark.parametrize("size", [(64, 64), (8, 32)])
def test_ten_images_of_another_size_are_found_and_nothing_else(
    cifar10: Path, tmp_path: Path, home: Path, size: tuple[int, int]
) -> None:
    root = tmp_path / "images"
    shutil.copytree(cifar10, root)
    paths = sorted(root.rglob("*.jpg"))
    chosen = np.random.default_rng(0).choice(len(paths), 10, replace=False)
    for number in chosen:
        with Image.open(paths[number]) as image:
            image.resize(size).save(paths[number], quality=95)
    table = load_annotations(DatasetConfig(source="folder", path=str(root)))
    (finding,) = outlying_images(table, compute_properties(table))
    odd = {paths[number].relative_to(root).as_posix() for number in chosen}
    assert set(finding.images) == odd
    assert finding.value == 10.0
