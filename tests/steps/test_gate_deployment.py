"""The gate of the deployment in a real pipeline run: what it lets through, and what it notes."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Literal

import pytest
from zenml import pipeline, step
from zenml.client import Client
from zenml.models import StepRunResponse

from serving.log.offline import open_log
from serving.log.recording import read_deployments
from steps.gate_deployment import find_decision, gate_deployment
from steps.promotion.approvals import answer_approval, read_approval
from steps.promotion.promote import promote
from steps.promotion.rollback import roll_back
from tests.serving.models.versions import promote as make_champion
from tests.serving.models.versions import store_version
from tests.vision.comparison.test_decision import make_comparison
from vision.comparison.comparison import Comparison
from vision.comparison.decision import Decision

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("home")]


@step(output_materializers="materializers.comparison.ComparisonMaterializer")
def give_comparison(verdict: str) -> Annotated[Comparison, "comparison"]:
    return make_comparison(verdict)  # type: ignore[arg-type]


@pipeline(enable_cache=True)
def gated(verdict: str, approval: Literal["auto", "manual"], named: str | None) -> None:
    gate_deployment(give_comparison(verdict), approval=approval, named=named)


def run(
    verdict: str, approval: Literal["auto", "manual"] = "auto", named: str | None = None
) -> StepRunResponse:
    before = {each.id for each in Client().list_pipeline_runs(size=50).items}
    with suppress(RuntimeError):  # so ZenML says that a step has failed
        gated(verdict, approval, named)
    [made] = [each for each in Client().list_pipeline_runs(size=50).items if each.id not in before]
    return Client().get_pipeline_run(made.id).steps["gate_deployment"]


def test_what_may_go_on_goes_on() -> None:
    done = run("promote")
    assert done.status.is_successful
    [[artifact]] = done.outputs.values()
    decision = artifact.load()
    assert isinstance(decision, Decision)
    assert (decision.outcome, decision.version) == ("go", "v2")
    assert find_decision(done) == ("go", "digits v2 is promoted: nothing speaks against it")


def test_what_is_rejected_stops_and_is_recorded() -> None:
    done = run("reject")
    assert done.status.is_failed
    assert find_decision(done) == ("stop", "digits v2 is rejected: 0.95 against 0.90")
    with open_log() as engine:
        [row] = read_deployments(engine, 10)
    assert (row.action, row.outcome, row.model_version) == ("promote", "refused", "v2")
    assert read_approval("digits", "v2") is None


def test_what_waits_is_told_apart_and_goes_on_once_approved() -> None:
    waiting = run("inconclusive")
    assert waiting.status.is_failed
    found = find_decision(waiting)
    assert found is not None
    assert found[0] == "wait"
    assert found[1].endswith("run.py approve v2, then run the deployment again")
    answer_approval("v2", "ada", approve=True)
    assert find_decision(run("inconclusive")) == ("go", "digits v2 was approved by ada")
    answer_approval("v2", "ada", approve=False)
    assert find_decision(run("inconclusive")) == ("stop", "digits v2 was rejected by ada")


def test_what_was_taken_back_comes_back_only_where_a_person_says_so() -> None:
    make_champion("v1", "digits")
    store_version("v2", "digits")
    promote("digits", "v2", [])
    at = roll_back("digits", None, [], []).change.at
    waiting = find_decision(run("promote"))
    assert waiting == (
        "wait",
        "digits v2 waits for a person, since it was champion before, and was taken back on "
        f"{at:%Y-%m-%d at %H:%M} UTC: run.py approve v2, then run the deployment again",
    )
    go = ("go", "digits v2 is promoted: nothing speaks against it")
    assert find_decision(run("promote", named="v1")) == waiting
    assert find_decision(run("promote", named="V2")) == go
    answer_approval("v2", "ada", approve=True)
    assert find_decision(run("promote")) == ("go", "digits v2 was approved by ada")

    promote("digits", "v2", [])
    roll_back("digits", None, [], [])
    again = find_decision(run("promote"))
    assert again is not None
    assert again[0] == "wait", "the answer is from before"
    asked = read_approval("digits", "v2")
    assert asked is not None
    assert asked.answer is None


def test_manual_asks_in_any_case() -> None:
    found = find_decision(run("promote", "manual"))
    assert found is not None
    assert found[0] == "wait"
