"""The table of findings beside the report."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pandas as pd

from materializers.validation_report import ValidationReportMaterializer
from tests.materializers.memory_store import ROOT, MemoryStore
from vision.validation.findings_table import findings_table
from vision.validation.report import Finding, ValidationReport

Keep = Callable[[type[Any], Any], Any]


def _table(store: MemoryStore) -> pd.DataFrame:
    return pd.read_parquet(io.BytesIO(store.files[f"{ROOT}/findings.parquet"]))


def test_every_image_of_every_finding_is_a_row(keep: Keep, store: MemoryStore) -> None:
    images = tuple(f"{i}.png" for i in range(60_000))
    findings = (
        Finding(check="corrupt_images", severity="error", message="m", images=images,
                notes=("ends too early",) * 60_000, surplus=images[:1]),
        Finding(check="feature_drift", severity="info", message="m", value=0.1),
    )  # fmt: skip
    report = ValidationReport(validator="v", findings=findings, html="<html></html>")
    assert keep(ValidationReportMaterializer, report) == report
    table = _table(store)
    pd.testing.assert_frame_equal(table, findings_table(findings))
    assert len(table) == 60_001
    assert table["to_leave_out"].sum() == 1


def test_a_report_without_findings_has_the_columns(keep: Keep, store: MemoryStore) -> None:
    keep(ValidationReportMaterializer, ValidationReport(validator="v"))
    pd.testing.assert_frame_equal(_table(store), findings_table([]))
