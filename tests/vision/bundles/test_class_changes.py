"""Classes that were renamed, removed or added since a bundle was made."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.fake_bundle import write_fake_bundle
from vision.bundles.class_changes import find_class_changes
from vision.datasets.table import AnnotationTable

pytestmark = pytest.mark.unit

SIZE = {"width": 4, "height": 3, "mode": "RGB", "n_bytes": 9, "split": "train"}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle of red, green and blue whose reference set has ten images of each."""
    folder = tmp_path / "bundle"
    write_fake_bundle(folder)
    rows = [(f"{label}{n}", label) for label in ("red", "green", "blue") for n in range(10)]
    reference = pd.DataFrame(rows, columns=["sha256", "label"])
    reference.to_parquet(folder / "reference.parquet")
    return folder


def table(**labels: str) -> AnnotationTable:
    """Ten images of each colour under other labels; a number keeps that many."""
    rows = [
        {"path": f"{label}/{colour}{n}.png", "sha256": f"{colour}{n}", "label": label, **SIZE}
        for colour, label in labels.items()
        for n in range(10)
    ]
    return AnnotationTable.from_rows(Path("/data"), rows)


def test_the_same_classes_are_no_change(bundle: Path) -> None:
    assert find_class_changes(bundle, table(red="red", green="green", blue="blue")) == ()


def test_a_rename_is_known_by_its_images(bundle: Path) -> None:
    changes = find_class_changes(bundle, table(red="rouge", green="green", blue="blue"))
    assert changes == ("red is now called rouge",)


def test_other_images_under_a_new_name_are_no_rename(bundle: Path) -> None:
    changes = find_class_changes(bundle, table(pink="pink", green="green", blue="blue"))
    assert changes == ("red was removed", "pink was added")


def test_two_classes_that_became_one(bundle: Path) -> None:
    changes = find_class_changes(bundle, table(red="warm", green="warm", blue="blue"))
    assert changes == ("red is now called warm", "green was removed")


def test_an_addition_alone(bundle: Path) -> None:
    changes = find_class_changes(bundle, table(red="red", green="green", blue="blue", x="new"))
    assert changes == ("new was added",)
