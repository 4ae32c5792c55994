"""Judges findings by the conditions of the configuration."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vision.config import ValidationConfig
from vision.config.rules import judge_condition
from vision.validation.names import suite_checks
from vision.validation.report import Finding, Gate

_CLASS_CHANGES = "class_changes"


def judge_findings(findings: Sequence[Finding], config: ValidationConfig) -> tuple[Gate, ...]:
    """Judges every ``fail_on`` condition.

    A check of ours without a finding found nothing and counts as 0. A check of a suite always
    leaves a finding. Where a check could not be computed, or the data validator does not have it,
    there is no number and the gate is closed: what nobody measured cannot pass.

    A check in ``quarantine`` is judged by what is left of it: nothing, unless its value stands for
    more images than it lists (``Finding.value_left``). Classes that differ
    from the champion's stop the pipeline unless ``allow_class_changes`` says otherwise.

    Args:
      findings: our own and the data validator's, in any order.
      config: its ``fail_on`` maps check names to conditions under which the pipeline stops; that
        the names exist was checked when it was read.

    Returns:
      one gate per condition, in the order of the configuration.
    """
    measured_only = {check.name for check in suite_checks(config.suites)}
    conditions = {name: text for name, text in config.fail_on.items() if config.runs(name)}
    if not config.allow_class_changes and any(f.check == _CLASS_CHANGES for f in findings):
        conditions.setdefault(_CLASS_CHANGES, "> 0")
    # What is left out is no reason to stop any more.
    left = [_without_images(f) if f.check in config.quarantine else f for f in findings]
    return tuple(
        _judge(
            name,
            [finding for finding in left if finding.check == name],
            condition,
            must_be_measured=name in measured_only,
        )
        for name, condition in conditions.items()
    )


def _without_images(finding: Finding) -> Finding:
    """Returns what a finding would be without its images; one that measured nothing stays so."""
    if _number(finding) is None:
        return finding
    return finding.model_copy(update={"value": finding.value_left, "images": ()})


def _judge(
    name: str, findings: Sequence[Finding], condition: str, *, must_be_measured: bool
) -> Gate:
    if must_be_measured:
        values = [finding.value for finding in findings if finding.value is not None]
    else:
        values = [number for each in findings if (number := _number(each)) is not None]
        values = values if findings else [0.0]
    if not values:
        closed = judge_condition(name, math.nan, condition)
        return closed.model_copy(update={"value": None})
    gates = [judge_condition(name, value, condition) for value in values]
    return next((gate for gate in gates if not gate.passed), gates[0])


def _number(finding: Finding) -> float | None:
    """Returns the number of a finding of ours; None where it says that nothing was measured."""
    if finding.value is None and not finding.images:
        return None
    return float(finding.n_images) if finding.value is None else finding.value
