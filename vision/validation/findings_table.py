"""Findings as a table, one row per finding and image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

import pandas as pd

from vision.validation.report import Finding

_TYPES = {
    "check": "string",
    "severity": "string",
    "value": "float64",
    "path": "string",
    "note": "string",
    "to_leave_out": "bool",
    "rank": "int64",
}
COLUMNS = tuple(_TYPES)


def findings_table(findings: Sequence[Finding]) -> pd.DataFrame:
    """Returns one row per finding and image, in the order of the report.

    Args:
      findings: of a report.

    Returns:
      columns ``check``, ``severity``, ``value`` (NaN for none), ``path`` (null for a finding
      without images, which has one row), ``note`` (empty for none), ``to_leave_out`` (whether the
      image has to go for the finding to be resolved) and ``rank`` (place in its finding, from 1;
      0 without an image).
    """
    rows = [row for finding in findings for row in _rows(finding)]
    # Typed whatever is in it: a column of nulls alone would be no text in a parquet file.
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(_TYPES)


def _rows(finding: Finding) -> Iterator[tuple[object, ...]]:
    head = (finding.check, finding.severity, finding.value)
    if not finding.images:
        yield (*head, None, "", False, 0)
        return
    left_out = set(finding.to_leave_out)
    noted = zip_longest(finding.images, finding.notes[: finding.n_images], fillvalue="")
    for rank, (path, note) in enumerate(noted, start=1):
        yield (*head, path, note, path in left_out, rank)
