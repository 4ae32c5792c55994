"""Reads the dataset into an annotation table."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from steps.caching import by_content, code_of
from steps.datasets import check_unchanged, read_dataset
from vision.config import DatasetConfig
from vision.datasets.check import check_splits
from vision.datasets.table import AnnotationTable

code = code_of(__name__, "steps.datasets", "steps.revisions")


@step(
    cache_policy=by_content(__name__),
    output_materializers="materializers.annotation_table.AnnotationTableMaterializer",
)
def load_dataset(
    dataset: DatasetConfig,
    data_digest: str,
    splits: tuple[str, ...],
    data_origin: dict[str, str] | None = None,
) -> Annotated[AnnotationTable, "annotation_table"]:
    """Lists the images with their labels and splits; names what had to be left out.

    Args:
      dataset: where the images come from.
      data_digest: digest of the data when the pipeline was started; changed data run this step
        again although nothing else changed, and data that changed since are refused: the step
        would be remembered under the digest of other data.
      splits: the splits that later steps cannot do without.
      data_origin: what was found out when the pipeline was started, such as the commit of a
        revision; None reads as if for the first time.

    Raises:
      DatasetError: the data cannot be used, or are not those that the pipeline was started with,
        or one of ``splits`` is empty.
    """
    table = read_dataset(dataset, data_origin)
    check_unchanged(table, data_digest, data_origin)
    check_splits(table, splits, dataset.split)
    return table
