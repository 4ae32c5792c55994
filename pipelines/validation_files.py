"""Writes what validation found to files, for people and scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from zenml.client import Client

from pipelines.report import RunReport
from pipelines.writing import writing
from vision.home import folder
from vision.validation.findings_table import findings_table
from vision.validation.report import ValidationReport


def write_validation(
    ended: RunReport, name: str, page: Path | None, findings: Path | None
) -> Iterator[Path]:
    """Writes the page and, where a file is named for it, the table of findings.

    Args:
      ended: the pipeline run; one that failed before it validated leaves no file.
      name: the model's name, for the page that nobody named.
      page: the HTML file; by default ``home()/validation/<name>.html``.
      findings: a ``.parquet`` or ``.csv`` file with a row for each finding and image.

    Yields:
      each file that was written.
    """
    report = _load(ended)
    if report is None:
        return
    page = page or folder("validation") / f"{name}.html"
    with writing("--page", page):
        page.write_text(report.html, encoding="utf-8")
    yield page
    if findings is not None:
        with writing("--findings", findings):
            _write_rows(findings_table(report.findings), findings)
        yield findings


def _write_rows(rows: pd.DataFrame, path: Path) -> None:
    if path.suffix.lower() == ".csv":
        rows.to_csv(path, index=False)
    else:
        rows.to_parquet(path, index=False)


def _load(ended: RunReport) -> ValidationReport | None:
    if ended.pipeline_run.id is None:
        return None
    step = Client().get_pipeline_run(ended.pipeline_run.id).steps.get("validate_dataset")
    if step is None or not step.status.is_successful:
        return None
    [[artifact]] = step.outputs.values()
    report = artifact.load()
    assert isinstance(report, ValidationReport)
    return report
