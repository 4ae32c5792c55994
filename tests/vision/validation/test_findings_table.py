"""Findings as rows."""

from __future__ import annotations

import pandas as pd

from vision.validation.findings_table import COLUMNS, findings_table
from vision.validation.report import Finding

COPIES = Finding(
    check="duplicates_within_splits",
    severity="warning",
    message="m",
    images=("a.png", "b.png"),
    value=1.0,
    notes=("kept", "copy of a.png"),
    surplus=("b.png",),
)
BROKEN = Finding(check="corrupt_images", severity="error", message="m", images=("c.png",))
DRIFT = Finding(check="feature_drift", severity="info", message="m", value=0.25)


def test_one_row_per_finding_and_image() -> None:
    table = findings_table([BROKEN, COPIES, DRIFT])
    assert tuple(table.columns) == COLUMNS
    assert table.astype(object).where(table.notna(), None).to_numpy().tolist() == [
        ["corrupt_images", "error", None, "c.png", "", True, 1],
        ["duplicates_within_splits", "warning", 1.0, "a.png", "kept", False, 1],
        ["duplicates_within_splits", "warning", 1.0, "b.png", "copy of a.png", True, 2],
        ["feature_drift", "info", 0.25, None, "", False, 0],
    ]


def test_the_types_do_not_depend_on_what_was_found() -> None:
    types = findings_table([BROKEN, COPIES, DRIFT]).dtypes
    pd.testing.assert_series_equal(findings_table([]).dtypes, types)
    pd.testing.assert_series_equal(findings_table([DRIFT]).dtypes, types)
    assert len(findings_table([])) == 0
