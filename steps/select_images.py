"""Leaves out what the configuration puts into quarantine."""

from __future__ import annotations

from typing import Annotated

from zenml import log_metadata, step

from steps.caching import by_content, code_of
from vision.config import DatasetConfig, ValidationConfig
from vision.datasets.check import check_splits
from vision.datasets.table import AnnotationTable
from vision.progress import say
from vision.validation.quarantine import check_classes, leave_out
from vision.validation.report import ValidationReport

code = code_of(__name__)

# Noted with the selected images: the digest of the table that they were selected from.
WHOLE_DIGEST = "whole_digest"


@step(
    cache_policy=by_content(__name__),
    output_materializers="materializers.annotation_table.AnnotationTableMaterializer",
)
def select_images(
    table: AnnotationTable,
    report: ValidationReport,
    dataset: DatasetConfig,
    validation: ValidationConfig,
    splits: tuple[str, ...],
) -> Annotated[AnnotationTable, "selected_images"]:
    """Returns the images that are trained on and scored.

    Args:
      table: all usable images.
      report: what validation found among them.
      dataset: for the message, what was to be held out.
      validation: its ``quarantine`` names the checks whose images go.
      splits: the splits that later steps cannot do without.

    Raises:
      DatasetError: nothing is left in one of ``splits``, or of a class in ``train``.
    """
    selection = leave_out(table, report.findings, validation.quarantine)
    check_classes(table, selection, splits)
    check_splits(selection.table, splits, dataset.split)
    if validation.quarantine:
        say(selection.sentence)
    noted = {"left_out": dict(selection.left_out), WHOLE_DIGEST: table.digest}
    log_metadata(noted, infer_artifact=True)
    return selection.table
