"""Who decides what: the verdict, the configuration, a person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import pytest

from vision.comparison.comparison import Comparison
from vision.comparison.decision import Approval, Decision, decide, digest_comparison
from vision.comparison.judge import Cost, Reason, Verdict

pytestmark = pytest.mark.unit
Answer = Literal["approved", "rejected"]


def make_comparison(verdict: Verdict = "promote", **changes: object) -> Comparison:
    values: dict[str, object] = {
        "name": "digits",
        "challenger": "v2",
        "champion": "v1",
        "verdict": verdict,
        "reasons": (
            Reason(rule="metric", verdict=verdict, sentence="0.95 against 0.90"),
            Reason(rule="latency", verdict="promote", sentence="1.5 ms against 1.0 ms"),
        ),
        "split": "test",
        "data_digest": "d" * 64,
        "n_images": 100,
        "costs": (Cost(latency_ms=1.5, memory_mb=40.0),),
    }
    return Comparison.model_validate({**values, **changes})


def answered(comparison: Comparison, answer: Answer | None) -> Approval:
    return Approval(
        model="digits",
        version="v2",
        verdict=comparison.verdict,
        comparison=digest_comparison(comparison),
        asked_at=datetime(2026, 1, 1, tzinfo=UTC),
        answer=answer,
        by="ada" if answer else "",
    )


@pytest.mark.parametrize(
    ("verdict", "rule", "answer", "outcome"),
    [
        ("promote", "auto", None, "go"),
        ("promote", "auto", "approved", "go"),
        ("promote", "auto", "rejected", "stop"),
        ("promote", "manual", None, "wait"),
        ("promote", "manual", "approved", "go"),
        ("promote", "manual", "rejected", "stop"),
        ("inconclusive", "auto", None, "wait"),
        ("inconclusive", "auto", "approved", "go"),
        ("inconclusive", "auto", "rejected", "stop"),
        ("inconclusive", "manual", "approved", "go"),
        ("reject", "auto", None, "stop"),
        ("reject", "auto", "approved", "stop"),
        ("reject", "manual", None, "stop"),
        ("reject", "manual", "approved", "stop"),
    ],
)
def test_pl07_every_case_is_decided(
    verdict: Verdict, rule: Literal["auto", "manual"], answer: Answer | None, outcome: str
) -> None:
    comparison = make_comparison(verdict)
    assert decide(comparison, rule, answered(comparison, answer)).outcome == outcome
    if answer is None:
        assert decide(comparison, rule, None).outcome == outcome


def test_an_answer_counts_for_its_comparison_alone() -> None:
    approval = answered(make_comparison("inconclusive"), "approved")
    other = make_comparison("inconclusive", champion="v0")
    found = decide(other, "auto", approval)
    assert (found.outcome, found.approval) == ("wait", None)


def test_what_is_measured_anew_each_time_does_not_count() -> None:
    first = make_comparison()
    reasons = (first.reasons[0], Reason(rule="latency", verdict="promote", sentence="1.6 ms"))
    costs = (Cost(latency_ms=1.6, memory_mb=41.0),)
    assert digest_comparison(make_comparison(reasons=reasons, costs=costs)) == digest_comparison(
        first
    )
    slow = (first.reasons[0], Reason(rule="latency", verdict="reject", sentence="9 ms"))
    assert digest_comparison(make_comparison(reasons=slow)) != digest_comparison(first)


def test_the_sentences_name_the_next_move() -> None:
    def sentence(verdict: Verdict, rule: Literal["auto", "manual"], answer: Answer | None) -> str:
        comparison = make_comparison(verdict)
        return decide(comparison, rule, answered(comparison, answer)).sentence

    assert sentence("inconclusive", "auto", None) == (
        "digits v2 waits for a person, since the images cannot tell whether it is better: run.py "
        "approve v2, then run the deployment again"
    )
    assert "since deployment.approval is manual: run.py" in sentence("promote", "manual", None)
    assert sentence("reject", "auto", None) == "digits v2 is rejected: 0.95 against 0.90"
    assert sentence("promote", "auto", "rejected") == "digits v2 was rejected by ada"
    assert sentence("promote", "manual", "approved") == "digits v2 was approved by ada"


def test_a_decision_comes_back_from_json() -> None:
    comparison = make_comparison()
    found = decide(comparison, "manual", answered(comparison, "approved"))
    assert Decision.model_validate_json(found.model_dump_json()) == found
