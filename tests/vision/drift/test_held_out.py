"""Which images the drift check is tried on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.synthetic import make_table
from vision.datasets.table import AnnotationTable
from vision.drift.held_out import read_held_out
from vision.errors import DatasetError
from vision.images import decode_image

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> AnnotationTable:
    return make_table(tmp_path_factory.mktemp("images"), n_per_class=10)


def test_they_are_of_the_test_split(table: AnnotationTable):
    found = read_held_out(table, table.rows("validation"), 500, 0)
    expected = table.rows("test")
    assert found.split == "test"
    assert found.labels == list(expected["label"])
    assert found.places.tolist() == []
    for image, path in zip(found.images, expected["path"], strict=True):
        assert np.array_equal(image, decode_image((table.root / path).read_bytes()))


def test_of_more_some_are_chosen_by_the_seed(table: AnnotationTable):
    reference = table.rows("validation")
    one, again, other = (read_held_out(table, reference, 12, seed) for seed in (0, 0, 1))
    assert len(one.images) == len(one.labels) == 12
    same = [np.array_equal(a, b) for a, b in zip(one.images, again.images, strict=True)]
    assert all(same)
    assert not all(np.array_equal(a, b) for a, b in zip(one.images, other.images, strict=True))


def test_others_than_those_of_a_power_table_can_be_had(table: AnnotationTable):
    reference, n_images = table.rows("validation"), len(table.rows("test"))
    tabled = read_held_out(table, reference, 12, 0)
    others = read_held_out(table, reference, 500, 0, after=12)
    assert len(others.images) == n_images - 12 > 0
    told = {image.tobytes() for image in (*tabled.images, *others.images)}
    assert len(told) == n_images
    assert read_held_out(table, reference, 500, 0, after=n_images).images == []


def test_without_a_test_split_they_are_half_of_the_reference(table: AnnotationTable):
    frame = table.frame.assign(split=table.frame["split"].replace("test", "train"))
    without = replace(table, frame=frame)
    reference = without.rows("validation")
    found = read_held_out(without, reference, 500, 0)
    assert found.split == "validation"
    assert len(found.images) == len(reference) // 2 == len(set(found.places.tolist()))
    assert found.labels == list(reference["label"].iloc[found.places])
    assert len(read_held_out(without, reference, 4, 0).images) == 4


def test_a_vanished_image_is_named(tmp_path: Path):
    table = make_table(tmp_path / "images", n_per_class=2)
    (table.root / "test/red/001.png").unlink()
    with pytest.raises(DatasetError, match=r"test/red/001\.png changed since .* run the pipeline"):
        read_held_out(table, table.rows("validation"), 500, 0)
