"""Who decides what: the verdict, the configuration, a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from vision.comparison.comparison import Comparison
from vision.comparison.decision import (
    Approval,
    Decision,
    decide,
    digest_comparison,
    is_about,
    tell_taken_back,
)
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


TAKEN_BACK = datetime(2026, 1, 2, 14, 5, tzinfo=UTC)
LATER = TAKEN_BACK + timedelta(minutes=1)


def answered(comparison: Comparison, answer: Answer | None, at: datetime | None = None) -> Approval:
    return Approval(
        model="digits",
        version="v2",
        verdict=comparison.verdict,
        comparison=digest_comparison(comparison),
        asked_at=datetime(2026, 1, 1, tzinfo=UTC),
        answer=answer,
        by="ada" if answer else "",
        answered_at=at,
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


def test_pl07_a_lost_champion_is_named_and_waits_for_a_person() -> None:
    lost = Reason(
        rule="champion",
        verdict="inconclusive",
        sentence="the champion v1 is not in the model store; restore it, or approve v2",
    )
    comparison = make_comparison("inconclusive", reasons=(lost,))
    found = decide(comparison, "auto", None)
    assert (found.outcome, found.sentence) == (
        "wait",
        "digits v2 waits for a person, since the champion v1 is not in the model store; restore "
        "it, or approve v2: run.py approve v2, then run the deployment again",
    )
    assert decide(comparison, "auto", answered(comparison, "approved")).outcome == "go"


def test_what_was_taken_back_waits_for_a_person() -> None:
    found = decide(make_comparison(), "auto", None, TAKEN_BACK)
    assert (found.outcome, found.sentence) == (
        "wait",
        "digits v2 waits for a person, since it was champion before, and was taken back on "
        "2026-01-02 at 14:05 UTC: run.py approve v2, then run the deployment again",
    )
    assert tell_taken_back(TAKEN_BACK) in found.sentence


@pytest.mark.parametrize(
    ("rule", "answer", "at", "is_named", "outcome"),
    [
        ("auto", "approved", TAKEN_BACK - timedelta(days=1), False, "wait"),
        ("auto", "approved", TAKEN_BACK, False, "wait"),
        ("auto", "approved", LATER, False, "go"),
        ("auto", "rejected", TAKEN_BACK - timedelta(days=1), False, "wait"),
        ("auto", "rejected", LATER, False, "stop"),
        ("auto", None, None, True, "go"),
        ("manual", None, None, True, "wait"),
        ("manual", "approved", TAKEN_BACK - timedelta(days=1), True, "wait"),
        ("manual", "approved", LATER, True, "go"),
    ],
)
def test_who_brings_a_version_back_that_was_taken_back(
    rule: Literal["auto", "manual"],
    answer: Answer | None,
    at: datetime | None,
    is_named: bool,
    outcome: str,
) -> None:
    comparison = make_comparison()
    known = answered(comparison, answer, at)
    found = decide(comparison, rule, known, TAKEN_BACK, is_named=is_named)
    assert found.outcome == outcome


def test_what_is_rejected_stays_rejected_where_it_is_named() -> None:
    found = decide(make_comparison("reject"), "auto", None, TAKEN_BACK, is_named=True)
    assert found.outcome == "stop"


def test_a_question_is_about_one_comparison_and_what_was_known_then() -> None:
    comparison = make_comparison()
    open_one = answered(comparison, None)
    assert is_about(open_one, comparison, TAKEN_BACK)
    assert not is_about(open_one, make_comparison(champion="v0"), None)
    assert not is_about(answered(comparison, "approved", TAKEN_BACK), comparison, TAKEN_BACK)


def test_a_decision_comes_back_from_json() -> None:
    comparison = make_comparison()
    found = decide(comparison, "manual", answered(comparison, "approved"))
    assert Decision.model_validate_json(found.model_dump_json()) == found
