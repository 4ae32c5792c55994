"""Findings, gates and the report that every data validator returns.

A check computes, a condition judges, and a gate stops. A finding lists the images it is about by
their relative paths, so that each of them can be looked at, repaired or left out.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Severity = Literal["info", "warning", "error"]


class Finding(BaseModel):
    """One thing that a check found.

    Attributes:
      check: the check's name in snake_case, for example ``corrupt_images``.
      severity: ``error`` makes the data unusable as it is, ``warning`` deserves a look.
      message: one sentence for a person, with the numbers.
      images: relative paths of the images it is about; empty for findings about whole columns.
      value: the number that conditions are written against (a count, a score), if there is one.
      notes: a few words about each of ``images``, in their order, for example what another image
        is a copy of; empty where there is nothing to say.
      surplus: those of ``images`` that have to go for the rest to be right, such as all copies of
        an image but one; None where that is all of them.
      value_left: what ``value`` would be without those, where it stands for more than are listed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str
    severity: Severity
    message: str
    images: tuple[str, ...] = ()
    value: float | None = None
    notes: tuple[str, ...] = ()
    surplus: tuple[str, ...] | None = None
    value_left: float = 0.0

    @property
    def to_leave_out(self) -> tuple[str, ...]:
        """The images without which the finding would not have been made."""
        return self.images if self.surplus is None else self.surplus

    @property
    def n_images(self) -> int:
        """Number of images the finding is about."""
        return len(self.images)


class Gate(BaseModel):
    """A rule from the configuration and whether the value at hand passes it.

    Attributes:
      name: what was judged, for example ``corrupt_images`` or ``accuracy``.
      passed: whether the rule holds; a missing or NaN value never passes.
      value: the number that was judged; None where there was none.
      rule: the rule as the configuration states it, for example ``>= 0.97`` or ``== 0``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    passed: bool
    value: float | None
    rule: str

    @property
    def sentence(self) -> str:
        """The gate in words: ``accuracy = 0.912, required >= 0.97``."""
        shown = "nothing" if self.value is None else f"{self.value:.6g}"
        return f"{self.name} = {shown}, required {self.rule}"


class ValidationReport(BaseModel):
    """What a data validator found in a dataset.

    Attributes:
      validator: the flavor that made it, for example ``deepchecks_tabular``.
      findings: errors first, then warnings, then the rest.
      gates: every ``fail_on`` condition of the configuration, judged.
      html: a page that opens without a network; ours first, then the validator's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    validator: str
    findings: tuple[Finding, ...] = ()
    gates: tuple[Gate, ...] = ()
    html: str = ""

    @property
    def passed(self) -> bool:
        """Whether no gate stops the pipeline."""
        return all(gate.passed for gate in self.gates)
