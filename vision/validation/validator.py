"""What the pipeline asks of a data validator, and what all of them have in common.

A data validator brings its own computations and one section of the page. Our own checks, the
gates, the order of the findings and the page around the section are the same for all of them, so
:func:`make_report` is the last line of every ``validate``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from vision.config import ValidationConfig
from vision.validation.columns import SPLITS
from vision.validation.judge import judge_findings
from vision.validation.report import Finding, ValidationReport
from vision.validation.report_page import Page, Thumbnail, render_page

if TYPE_CHECKING:
    import pandas as pd

_ORDER = ("error", "warning", "info")


@runtime_checkable
class DataValidator(Protocol):
    """Checks a dataset by its image properties."""

    def validate(
        self,
        properties: pd.DataFrame,
        findings: Sequence[Finding],
        config: ValidationConfig,
        thumbnail: Thumbnail | None = None,
    ) -> ValidationReport:
        """Runs the selected suites and joins what they find with our own findings.

        Args:
          properties: one row per image with at least ``path``, ``label``, ``split`` and the
            measurements; see ``vision.properties``.
          findings: what our own checks found in the same dataset.
          config: which suites to run, and the conditions that stop the pipeline.
          thumbnail: gives a small picture for a relative path; None shows paths only.

        Returns:
          findings, gates and the page.
        """
        ...


@runtime_checkable
class PropertyComparer(Protocol):
    """Compares the image properties of two sets of images."""

    def compare_properties(
        self, reference: pd.DataFrame, predictions: pd.DataFrame
    ) -> Mapping[str, str]:
        """Says how each property differs that differs by more than the limit of ``feature_drift``.

        Args:
          reference: a column for each property, and a row for each image.
          predictions: the same columns, of other images.

        Returns:
          a sentence for each property that moved, the one that moved most first.
        """
        ...


def make_report(
    validator: str,
    properties: pd.DataFrame,
    findings: Sequence[Finding],
    config: ValidationConfig,
    section: str,
    thumbnail: Thumbnail | None = None,
) -> ValidationReport:
    """Orders the findings, judges the gates and renders the page.

    Args:
      validator: the flavor's name.
      properties: the table that was validated.
      findings: our own and the data validator's together.
      config: the conditions that stop the pipeline.
      section: the data validator's own part of the page, a whole HTML document; may be empty.
      thumbnail: gives a small picture for a relative path.

    Returns:
      the report, errors first.
    """
    ordered = tuple(sorted(findings, key=lambda finding: _ORDER.index(finding.severity)))
    gates = judge_findings(ordered, config)
    counts = properties["split"].value_counts()
    page = Page(
        validator=validator,
        n_images={split: int(counts[split]) for split in SPLITS if split in counts.index},
        n_classes=int(properties["label"].nunique()),
        findings=ordered,
        gates=gates,
        section=section,
    )
    html = render_page(page, thumbnail)
    return ValidationReport(validator=validator, findings=ordered, gates=gates, html=html)
