"""The dataset section: where the images come from and how they are split."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from vision.config.rules import broken_rule
from vision.config.section import Fraction, Section


class SplitConfig(Section):
    """Shares of the images held out where the data brings no splits of its own.

    Attributes:
      validation: share held out for early stopping, the reference set and the golden images.
      test: share held out for the evaluation.
    """

    validation: Fraction = 0.15
    test: Fraction = 0.15

    @model_validator(mode="after")
    def _leaves_something_to_train_on(self) -> SplitConfig:
        if self.validation + self.test >= 1.0:
            raise broken_rule(
                "validation + test must be below 1, or nothing is left to train on",
                "validation",
                "test",
            )
        return self


def _has_one_group(pattern: str) -> str:
    try:
        n_groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from error
    if n_groups != 1:
        raise ValueError(f"needs one group in parentheses, it has {n_groups}")
    return pattern


class DatasetConfig(Section):
    """Where the images come from.

    Attributes:
      source: ``digits`` (bundled with scikit-learn), ``folder`` (a folder per class), ``table``
        (a CSV, parquet or COCO JSON file that lists the images) or ``dvc`` (a git repository with
        DVC).
      path: the folder, table or repository; relative to the working directory.
      subfolder: the folder of images inside a DVC repository.
      revision: tag, branch or commit of a DVC repository.
      annotations: the file in ``subfolder`` that lists the images of a DVC repository (CSV,
        parquet or COCO JSON); without it each class has a folder.
      group_by: a regular expression with one group in parentheses, searched in each path; images
        for which it matches the same text are of one source and stay in one split, for example
        ``"(patient_[0-9]+)"``. A table's own column ``group`` comes first.
      split: shares to hold out where the data has no splits.
      seed: changes which images are held out.
    """

    source: Literal["digits", "folder", "table", "dvc"]
    path: str | None = None
    subfolder: str = "."
    revision: str | None = None
    annotations: str | None = None
    group_by: Annotated[str, AfterValidator(_has_one_group)] | None = None
    split: SplitConfig = SplitConfig()
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _has_what_its_source_needs(self) -> DatasetConfig:
        source = self.source
        if source == "digits" and self.path is not None:
            raise broken_rule("source digits takes no path; remove it, or use folder", "path")
        if source != "digits" and self.path is None:
            raise broken_rule(f"source {source} needs dataset.path; add it", "source", "path")
        if source == "dvc" and self.revision is None:
            needed = "source dvc needs dataset.revision (a tag, branch or commit); add it"
            raise broken_rule(needed, "source", "revision")
        if source != "dvc" and self.revision is not None:
            raise broken_rule(f"belongs to source dvc, not to {source}; remove it", "revision")
        if source != "dvc" and self.annotations is not None:
            needed = "belongs to source dvc; for a file of your own use source table"
            raise broken_rule(needed, "annotations")
        return self
