"""What becomes of a comparison: the deployment goes on, waits for a person, or stops."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
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


def is_about(approval: Approval, comparison: Comparison, taken_back: datetime | None) -> bool:
    """Tells whether a question, or its answer, counts for a comparison.

    An answer from before the version was taken back does not: nobody knew then what came of it.
    """
    at = approval.answered_at
    is_outdated = at is not None and taken_back is not None and at <= taken_back
    return approval.comparison == digest_comparison(comparison) and not is_outdated


def tell_taken_back(at: datetime) -> str:
    """Says when a version was taken back from being champion."""
    return f"it was champion before, and was taken back on {at:%Y-%m-%d at %H:%M} UTC"


def decide(
    comparison: Comparison,
    rule: Literal["auto", "manual"],
    approval: Approval | None,
    taken_back: datetime | None = None,
    *,
    is_named: bool = False,
) -> Decision:
    """Decides: a person can approve what was not rejected, and reject anything.

    Args:
      comparison: of challenger and champion.
      rule: ``auto`` asks nobody where the verdict is ``promote``.
      approval: what is known of the challenger; of another comparison it does not count.
      taken_back: when the challenger was last taken back from being champion; None if never.
      is_named: whether a person has named the challenger in the configuration, which is enough for
        one that was taken back.
    """
    if approval is not None and not is_about(approval, comparison, taken_back):
        approval = None
    doubt = _find_doubt(comparison, rule, None if is_named else taken_back)
    outcome, sentence = _judge(comparison, approval, doubt)
    return Decision(
        outcome=outcome,
        sentence=sentence,
        model=comparison.name,
        version=comparison.challenger,
        verdict=comparison.verdict,
        comparison=digest_comparison(comparison),
        approval=approval,
    )


def _judge(
    comparison: Comparison, approval: Approval | None, doubt: str | None
) -> tuple[Outcome, str]:
    name = f"{comparison.name} {comparison.challenger}"
    if comparison.verdict == "reject":
        against = [each.sentence for each in comparison.reasons if each.verdict == "reject"]
        return "stop", f"{name} is rejected: {'; '.join(against)}"
    if approval is not None and approval.answer == "rejected":
        return "stop", f"{name} was rejected by {approval.by}"
    if approval is not None and approval.answer == "approved":
        return "go", f"{name} was approved by {approval.by}"
    if doubt is None:
        return "go", f"{name} is promoted: nothing speaks against it"
    return "wait", (
        f"{name} waits for a person, since {doubt}: run.py approve {comparison.challenger}, then "
        "run the deployment again"
    )


def _find_doubt(
    comparison: Comparison, rule: Literal["auto", "manual"], taken_back: datetime | None
) -> str | None:
    """Returns why a person has to decide; None where nobody has to."""
    if taken_back is not None:
        return tell_taken_back(taken_back)
    if comparison.verdict == "inconclusive":
        open_ones = (each for each in comparison.reasons if each.verdict == "inconclusive")
        lost = next((each.sentence for each in open_ones if each.rule == "champion"), None)
        return lost or "the images cannot tell whether it is better"
    return "deployment.approval is manual" if rule == "manual" else None
