"""What people are asked and say, kept in files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from steps.promotion.approvals import (
    answer_approval,
    ask_approval,
    read_approval,
    waiting_approvals,
)
from tests.vision.comparison.test_decision import make_comparison
from vision.errors import VisionError

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("home")]


def test_a_question_is_answered(home: Path) -> None:
    asked = ask_approval(make_comparison("inconclusive"))
    assert (asked.answer, asked.verdict) == (None, "inconclusive")
    assert asked.reasons[0] == "metric: 0.95 against 0.90"
    assert waiting_approvals() == (asked,)
    said = answer_approval("v2", "ada", approve=True)
    assert (said.answer, said.by, said.comparison) == ("approved", "ada", asked.comparison)
    assert said.answered_at is not None
    assert read_approval("digits", "v2") == said
    assert waiting_approvals() == ()
    assert [path.name for path in (home / "deployments/approvals/digits").iterdir()] == ["v2.json"]


def test_the_same_question_keeps_its_answer_and_another_does_not() -> None:
    ask_approval(make_comparison())
    said = answer_approval("v2", "ada", approve=False)
    assert ask_approval(make_comparison()) == said
    assert ask_approval(make_comparison(champion="v0")).answer is None


def test_an_answer_from_before_the_version_was_taken_back_is_asked_for_anew() -> None:
    ask_approval(make_comparison())
    answer_approval("v2", "ada", approve=True)
    taken_back = datetime.now(UTC) + timedelta(seconds=1)
    asked = ask_approval(make_comparison(), taken_back)
    assert asked.answer is None
    assert asked.reasons[-1] == (
        f"rollback: it was champion before, and was taken back on {taken_back:%Y-%m-%d at %H:%M} "
        "UTC"
    )
    assert ask_approval(make_comparison(), taken_back) == asked
    assert waiting_approvals() == (asked,)


def test_the_last_answer_counts() -> None:
    ask_approval(make_comparison())
    answer_approval("v2", "ada", approve=False)
    assert answer_approval("v2", "bob", approve=True).by == "bob"


def test_nobody_asked() -> None:
    with pytest.raises(VisionError, match=r"^nobody asks about version 'v9'; nothing waits\. Run"):
        answer_approval("v9", "ada", approve=True)
    ask_approval(make_comparison())
    with pytest.raises(VisionError, match=r"'v9'; waiting: digits v2\. Run the deployment first"):
        answer_approval("v9", "ada", approve=True)


def test_two_models_with_the_same_version() -> None:
    ask_approval(make_comparison())
    ask_approval(make_comparison(name="owls"))
    with pytest.raises(VisionError, match=r"'v2' is of several models \(digits, owls\); add"):
        answer_approval("v2", "ada", approve=True)
    assert answer_approval("v2", "ada", approve=True, model="owls").model == "owls"
    assert [each.model for each in waiting_approvals()] == ["digits"]


def test_a_damaged_file_is_named(home: Path) -> None:
    ask_approval(make_comparison())
    (home / "deployments/approvals/digits/v2.json").write_text("{}")
    with pytest.raises(VisionError, match=r"v2\.json, is damaged; delete the file and run"):
        read_approval("digits", "v2")
