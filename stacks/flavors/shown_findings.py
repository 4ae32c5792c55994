"""Our own findings in the form in which a data validator's page lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from vision.config import ValidationConfig
from vision.validation.judge import judge_findings
from vision.validation.measured import Reading
from vision.validation.report import Finding, Gate, Severity
from vision.validation.shorten import shorten

N_ROWS = 24
COLUMNS = ("path", "label", "split", "note")

Category = Literal["PASS", "WARN", "FAIL"]
_OF_SEVERITY: Mapping[Severity, Category] = {"error": "FAIL", "warning": "WARN", "info": "PASS"}


@dataclass(frozen=True)
class ShownFinding:
    """A finding with its condition and its first images.

    Attributes:
      check: the check's name.
      value: the number that conditions are written against; None for none.
      sentence: what was found.
      condition: what was asked of the value.
      category: how the condition judged it.
      table: the first images, text; of ``COLUMNS`` those in which anything is said.
    """

    check: str
    value: float | None
    sentence: str
    condition: str
    category: Category
    table: pd.DataFrame

    @property
    def line(self) -> str:
        """The value and what was found."""
        return self.sentence if self.value is None else f"{self.value:.6g}: {self.sentence}"


def show_findings(
    findings: Sequence[Finding], config: ValidationConfig, properties: pd.DataFrame
) -> list[ShownFinding]:
    """Returns our findings as a page lists them, those that stop the pipeline first.

    Args:
      findings: of our own checks.
      config: its ``fail_on`` gives conditions; a check without one is judged by its severity.
      properties: one row per image; gives the class and split of each path.
    """
    gates = {gate.name: gate for gate in judge_findings(findings, config)}
    rows = properties.drop_duplicates("path").set_index("path")[["label", "split"]].astype(str)
    shown = [_show(finding, gates.get(finding.check), rows) for finding in findings]
    order: tuple[Category, ...] = ("FAIL", "WARN", "PASS")
    return sorted(shown, key=lambda each: order.index(each.category))


def show_reading(check: str, reading: Reading, properties: pd.DataFrame) -> ShownFinding:
    """Returns what a check of ours measured; the data validator adds the condition."""
    finding = Finding(
        check=check,
        severity="info",
        message=reading.sentence[:1].upper() + reading.sentence[1:],
        images=reading.images,
        value=reading.value,
        notes=reading.notes,
    )
    [shown] = show_findings([finding], ValidationConfig(fail_on={}), properties)
    return shown


def _show(finding: Finding, gate: Gate | None, rows: pd.DataFrame) -> ShownFinding:
    if gate is None:
        condition = f"{finding.severity}: no condition in validation.fail_on"
        category = _OF_SEVERITY[finding.severity]
    else:
        condition = f"required {gate.rule} by validation.fail_on"
        category = "PASS" if gate.passed else "FAIL"
    return ShownFinding(
        check=finding.check,
        value=finding.value,
        sentence=shorten(finding.message, 600),
        condition=condition,
        category=category,
        table=_table(finding, rows),
    )


def _table(finding: Finding, rows: pd.DataFrame) -> pd.DataFrame:
    paths = list(finding.images[:N_ROWS])
    known = rows.reindex(paths).fillna("")
    notes = [*finding.notes[:N_ROWS], *[""] * len(paths)][: len(paths)]
    columns = {
        "path": [shorten(path) for path in paths],
        "label": [shorten(label) for label in known["label"]],
        "split": known["split"].to_list(),
        "note": [shorten(note) for note in notes],
    }
    return pd.DataFrame({name: texts for name, texts in columns.items() if any(texts)}, dtype=str)
