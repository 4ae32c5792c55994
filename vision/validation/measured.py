"""What a data validator measures, and how its numbers become findings.

A check looks at one table, or at one held-out split beside train. What it measures is a
:class:`Reading`; what became of it, also where it could not be measured, is an :class:`Outcome`;
and the outcomes of one check on all splits are one finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from vision.config import ValidationConfig
from vision.validation.columns import HELD_OUT, informative_properties, numeric_properties
from vision.validation.names import SuiteCheck, suite_checks
from vision.validation.report import Finding

# These see every property; the rest see each piece of information once.
_ON_ALL_COLUMNS = ("missing_properties", "constant_properties", "schema_violations")


@dataclass(frozen=True)
class Compared:
    """What a check looked at.

    Attributes:
      rows: the checked rows of the image-property table: all of them, or one held-out split.
      columns: the properties it looked at.
      split: the held-out split's name; empty for all rows.
      train: the training rows it was compared with; None for checks of one table.
    """

    rows: pd.DataFrame
    columns: tuple[str, ...]
    split: str = ""
    train: pd.DataFrame | None = None


@dataclass(frozen=True)
class Reading:
    """What a check measured.

    Attributes:
      value: higher is worse.
      sentence: the number in words.
      images: relative paths, in the order of the table or the worst first.
      notes: a few words about each of ``images``; empty where there is nothing to say.
      by_column: the number of each property, where it is the largest of them.
    """

    value: float
    sentence: str
    images: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    by_column: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of one check on one table or pair of tables.

    Attributes:
      check: which check.
      split: the held-out split; empty for checks of the whole table.
      reading: what it measured; None where it could not.
      reason: why it could not.
    """

    check: SuiteCheck
    split: str
    reading: Reading | None
    reason: str = ""


@dataclass(frozen=True)
class Round:
    """Checks that run together over the same rows."""

    checks: tuple[SuiteCheck, ...]
    compared: Compared


def selected_checks(config: ValidationConfig) -> tuple[SuiteCheck, ...]:
    """Returns the checks that a configuration selects, each with the limit it sets."""
    return tuple(
        replace(check, limit=config.limits.get(check.name, check.limit))
        for check in suite_checks(config.suites, config.checks)
    )


def plan_rounds(properties: pd.DataFrame, checks: Sequence[SuiteCheck]) -> list[Round]:
    """Returns which checks look at which rows and columns of an image-property table."""
    coarse = tuple(check for check in checks if check.name in _ON_ALL_COLUMNS)
    fine = tuple(c for c in checks if c.suite == "integrity" and c not in coarse)
    compare = tuple(check for check in checks if check.suite == "train_test")
    columns = tuple(informative_properties(properties))
    train = properties[properties["split"] == "train"]
    rounds = [
        Round(coarse, Compared(properties, tuple(numeric_properties(properties)))),
        Round(fine, Compared(properties, columns)),
    ]
    for split in HELD_OUT:
        rows = properties[properties["split"] == split]
        rounds.append(Round(compare, Compared(rows, columns, split, train)))
    return [each for each in rounds if each.checks]


def why_not(check: SuiteCheck, compared: Compared) -> str:
    """Says why a check cannot be measured on these rows; empty where it can."""
    if not compared.columns:
        return "no property differs between the images"
    tables = {"train": compared.train, compared.split or "the dataset": compared.rows}
    for name, table in tables.items():
        if table is not None and table.empty:
            return f"{name} has no images"
        if table is not None and len(table) < check.least_images:
            return f"{name} has {len(table)} of the {check.least_images} images needed"
    return ""


def unmeasured(each: Round) -> Iterator[Outcome]:
    """Yields an outcome without a reading for each check of a round that cannot be measured."""
    for check in each.checks:
        if reason := why_not(check, each.compared):
            yield Outcome(check, each.compared.split, None, reason)


def findings_of(checks: Sequence[SuiteCheck], outcomes: Sequence[Outcome]) -> list[Finding]:
    """Returns one finding per check, also where it is within its limit or was not measured."""
    return [
        _finding(check, [outcome for outcome in outcomes if outcome.check == check])
        for check in checks
    ]


def _finding(check: SuiteCheck, outcomes: Sequence[Outcome]) -> Finding:
    """Joins what a check measured on several splits: the worst number, and a clause for each."""
    readings = [one.reading for one in outcomes if one.reading is not None]
    clauses = "; ".join(_clause(one) for one in outcomes)
    message = clauses[:1].upper() + clauses[1:]
    if not readings:
        return Finding(check=check.name, severity="info", message=message)
    value = max(reading.value for reading in readings)
    if value <= check.limit:
        return Finding(check=check.name, severity="info", message=message, value=value)
    noted: dict[str, str] = {}
    for reading in readings:
        notes = reading.notes or ("",) * len(reading.images)
        noted |= dict(zip(reading.images, notes, strict=True))
    return Finding(
        check=check.name,
        severity=check.severity,
        message=message,
        images=tuple(noted),
        notes=tuple(noted.values()) if any(noted.values()) else (),
        value=value,
    )


def _clause(outcome: Outcome) -> str:
    reading = outcome.reading
    said = reading.sentence if reading else f"nothing was measured: {outcome.reason}"
    return f"in {outcome.split}, {said}" if outcome.split else said
