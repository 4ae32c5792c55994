"""Stops the deployment where the challenger may not replace the champion, or not yet."""

from __future__ import annotations

from typing import Annotated, Literal

from zenml import log_metadata, step
from zenml.models import StepRunResponse

from steps.promotion.approvals import ask_approval, read_approval
from steps.promotion.history import find_taken_back
from steps.promotion.promote import record_refusal
from vision.comparison.comparison import Comparison
from vision.comparison.decision import Decision, Outcome, decide
from vision.errors import GateStopped

_NOTE = "deployment_decision"


class DeploymentStopped(GateStopped):
    """The challenger may not replace the champion.

    Attributes:
      decision: why.
    """

    def __init__(self, decision: Decision) -> None:
        super().__init__(())
        self.decision = decision
        self.args = (decision.sentence,)


class DeploymentWaits(DeploymentStopped):
    """A person has to say whether the challenger may replace the champion."""


# Never from the cache: what a person has said since is in no input.
@step(enable_cache=False, output_materializers="materializers.decision.DecisionMaterializer")
def gate_deployment(
    comparison: Comparison,
    approval: Literal["auto", "manual"] = "auto",
    named: str | None = None,
) -> Annotated[Decision, "deployment_decision"]:
    """Lets the deployment go on where the verdict, or a person, says so.

    A version that was taken back from being champion does not come back by itself: a person names
    or approves it. What is decided is noted with the step too, for runs that end here; see
    :func:`find_decision`.

    Args:
      comparison: of challenger and champion.
      approval: ``manual`` asks a person in any case.
      named: the version that the configuration names; None where it names none.

    Raises:
      DeploymentWaits: a person is asked, with ``run.py approve VERSION``.
      DeploymentStopped: the challenger is rejected.
    """
    known = read_approval(comparison.name, comparison.challenger)
    taken_back = find_taken_back(comparison.name, comparison.challenger)
    is_named = named is not None and named.lower() == comparison.challenger.lower()
    decision = decide(comparison, approval, known, taken_back, is_named=is_named)
    log_metadata({_NOTE: {"outcome": decision.outcome, "sentence": decision.sentence}})
    if decision.outcome == "wait":
        ask_approval(comparison, taken_back)
        raise DeploymentWaits(decision)
    if decision.outcome == "stop":
        record_refusal("promote", decision.model, decision.version, decision.sentence)
        raise DeploymentStopped(decision)
    return decision


def find_decision(step_run: StepRunResponse) -> tuple[Outcome, str] | None:
    """Returns what the step has decided and why, also where it raised; None before it decided."""
    noted = step_run.run_metadata.get(_NOTE)
    if not isinstance(noted, dict):
        return None
    outcome: Outcome = noted["outcome"]
    return outcome, str(noted["sentence"])
