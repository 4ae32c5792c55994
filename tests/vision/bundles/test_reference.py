"""A reference set that is too small is refused before anything is trained."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.synthetic import make_table
from vision.bundles.reference import check_reference
from vision.datasets.table import AnnotationTable
from vision.errors import DatasetError

pytestmark = pytest.mark.unit

FEW = r"has 19 images of the validation split, .* at least 20; .* dataset\.split\.validation"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> AnnotationTable:
    return make_table(tmp_path_factory.mktemp("images"), n_per_class=7)


def held_out(table: AnnotationTable, n_rows: int) -> AnnotationTable:
    places = table.frame.index[table.frame["split"] == "validation"][n_rows:]
    return replace(table, frame=table.frame.drop(index=places))


def test_twenty_images_are_enough(table: AnnotationTable):
    check_reference(table, 5_000)
    check_reference(held_out(table, 20), 20)


def test_fewer_name_the_split(table: AnnotationTable):
    with pytest.raises(DatasetError, match=FEW):
        check_reference(held_out(table, 19), 5_000)
    with pytest.raises(DatasetError, match=rf"{FEW}.* bundle\.n_reference"):
        check_reference(table, 19)
