"""What becomes of a comparison: the deployment goes on, waits for a person, or stops."""

from __future__ import annotations

import hashlib
import json
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from vision.comparison.comparison import Comparison
from vision.comparison.judge import Verdict

Outcome = Literal["go", "wait", "stop"]
# Measured anew with every comparison, and different every time.
_MEASURED = ("costs",)


class Approval(BaseModel):
    """What a person is asked about a version, and says.

    Attributes:
      model: the model's name.
      version: the challenger.
      verdict: of the comparison that the person is asked about.
      comparison: its digest; an answer counts for this comparison alone.
      reasons: what it has found, in sentences.
      asked_at: UTC.
      answer: None until somebody has answered.
      by: who answered; empty before.
      answered_at: UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    version: str
    verdict: Verdict
    comparison: str
    reasons: tuple[str, ...] = ()
    asked_at: AwareDatetime
    answer: Literal["approved", "rejected"] | None = None
    by: str = ""
    answered_at: AwareDatetime | None = None


class Decision(BaseModel):
    """What becomes of a comparison.

    Attributes:
      outcome: ``go``, ``wait`` for a person, or ``stop``.
      sentence: why, and what to do.
      model: the model's name.
      version: the challenger.
      verdict: of the comparison.
      comparison: its digest.
      approval: what a person has said; None where nobody was asked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcome: Outcome
    sentence: str
    model: str
    version: str
    verdict: Verdict
    comparison: str
    approval: Approval | None = None


def digest_comparison(comparison: Comparison) -> str:
    """Hashes what was judged, without times and memory, which differ each time they are measured.

    What those were judged to be counts.
    """
    values = comparison.model_dump(mode="json", exclude={*_MEASURED, "reasons"})
    rules = [(reason.rule, reason.verdict) for reason in comparison.reasons]
    text = json.dumps([values, rules], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def decide(
    comparison: Comparison, rule: Literal["auto", "manual"], approval: Approval | None
) -> Decision:
    """Decides: a person can approve what was not rejected, and reject anything.

    Args:
      comparison: of challenger and champion.
      rule: ``auto`` asks nobody where the verdict is ``promote``.
      approval: what is known of the challenger; of another comparison it does not count.
    """
    digest = digest_comparison(comparison)
    if approval is not None and approval.comparison != digest:
        approval = None
    name = f"{comparison.name} {comparison.challenger}"
    outcome: Outcome = "go"
    if comparison.verdict == "reject":
        against = [each.sentence for each in comparison.reasons if each.verdict == "reject"]
        outcome, sentence = "stop", f"{name} is rejected: {'; '.join(against)}"
    elif approval is not None and approval.answer == "rejected":
        outcome, sentence = "stop", f"{name} was rejected by {approval.by}"
    elif approval is not None and approval.answer == "approved":
        sentence = f"{name} was approved by {approval.by}"
    elif comparison.verdict == "promote" and rule == "auto":
        sentence = f"{name} is promoted: nothing speaks against it"
    else:
        why = (
            "the images cannot tell whether it is better"
            if comparison.verdict == "inconclusive"
            else "deployment.approval is manual"
        )
        outcome, sentence = (
            "wait",
            (
                f"{name} waits for a person, since {why}: run.py approve "
                f"{comparison.challenger}, then run the deployment again"
            ),
        )
    return Decision(
        outcome=outcome,
        sentence=sentence,
        model=comparison.name,
        version=comparison.challenger,
        verdict=comparison.verdict,
        comparison=digest,
        approval=approval,
    )
