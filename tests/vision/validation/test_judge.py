"""Conditions on findings become gates."""

from __future__ import annotations

import pytest

from vision.config import ValidationConfig
from vision.validation.judge import judge_findings
from vision.validation.report import Finding, Gate


def found(check: str, value: float | None, images: tuple[str, ...] = ()) -> Finding:
    return Finding(check=check, severity="warning", message="m", images=images, value=value)


def judge(condition: dict[str, str], *findings: Finding) -> tuple[Gate, ...]:
    return judge_findings(findings, ValidationConfig(fail_on=condition))


def test_no_condition_is_no_gate() -> None:
    assert judge({}, found("corrupt_images", 3.0)) == ()


def test_gates_keep_the_order_of_the_configuration_and_the_opposite_rule() -> None:
    gates = judge(
        {"feature_drift": "> 0.3", "corrupt_images": "> 0"},
        found("corrupt_images", 2.0),
        found("feature_drift", 0.3),
    )
    assert gates == (
        Gate(name="feature_drift", passed=True, value=0.3, rule="<= 0.3"),
        Gate(name="corrupt_images", passed=False, value=2.0, rule="<= 0"),
    )
    assert gates[1].sentence == "corrupt_images = 2, required <= 0"


def test_our_own_check_without_a_finding_counts_as_nothing_found() -> None:
    assert judge({"corrupt_images": "> 0"})[0] == Gate(
        name="corrupt_images", passed=True, value=0.0, rule="<= 0"
    )


def test_our_own_check_without_a_number_counts_its_images() -> None:
    (gate,) = judge({"corrupt_images": ">= 2"}, found("corrupt_images", None, ("a.png", "b.png")))
    assert (gate.passed, gate.value) == (False, 2.0)


@pytest.mark.parametrize("findings", [(), (found("feature_drift", None),)])
def test_a_suite_check_that_was_not_measured_never_passes(findings: tuple[Finding, ...]) -> None:
    (gate,) = judge({"feature_drift": "> 0.9"}, *findings)
    assert gate == Gate(name="feature_drift", passed=False, value=None, rule="<= 0.9")
    assert gate.sentence == "feature_drift = nothing, required <= 0.9"


def test_one_finding_that_breaks_the_rule_is_enough() -> None:
    (gate,) = judge(
        {"corrupt_images": "> 1"}, found("corrupt_images", 1.0), found("corrupt_images", 4.0)
    )
    assert (gate.passed, gate.value) == (False, 4.0)


def test_a_check_that_was_not_selected_has_no_gate() -> None:
    config = ValidationConfig(checks=("class_imbalance", "feature_drift"))
    gates = judge_findings([found("conflicting_labels", 3.0)], config)
    # What reading the files finds is reported and judged whatever is selected.
    assert [gate.name for gate in gates] == ["corrupt_images"]


def test_what_is_in_quarantine_stops_nothing() -> None:
    config = ValidationConfig(
        fail_on={"corrupt_images": "> 0", "class_imbalance": "> 5"}, quarantine=("corrupt_images",)
    )
    gates = judge_findings([found("corrupt_images", 3.0), found("class_imbalance", 6.0)], config)
    assert gates == (
        Gate(name="corrupt_images", passed=True, value=0.0, rule="<= 0"),
        Gate(name="class_imbalance", passed=False, value=6.0, rule="<= 5"),
    )


def test_changed_classes_stop_unless_they_are_allowed() -> None:
    changed = found("class_changes", 2.0)
    stopped = Gate(name="class_changes", passed=False, value=2.0, rule="<= 0")
    assert judge({}, changed) == (stopped,)
    allowed = ValidationConfig(fail_on={}, allow_class_changes=True)
    assert judge_findings([changed], allowed) == ()
    assert judge({}) == ()


def test_a_condition_of_the_configuration_on_changed_classes_is_kept() -> None:
    (gate,) = judge({"class_changes": "> 2"}, found("class_changes", 2.0))
    assert gate == Gate(name="class_changes", passed=True, value=2.0, rule="<= 2")


def test_our_own_check_that_says_it_measured_nothing_cannot_pass() -> None:
    (gate,) = judge({"likely_wrong_labels": "> 0.1"}, found("likely_wrong_labels", None))
    assert (gate.passed, gate.value, gate.rule) == (False, None, "<= 0.1")


def test_quarantine_is_judged_by_what_is_left() -> None:
    # 3,000 of 60,000 labels are wrong, and 500 of them are listed: 2,500 of 59,500 stay.
    finding = found("likely_wrong_labels", 0.05, ("a.png",))
    config = ValidationConfig(
        fail_on={"likely_wrong_labels": "> 0.02"}, quarantine=("likely_wrong_labels",)
    )
    left = finding.model_copy(update={"value_left": 0.042})
    assert judge_findings([left], config) == (
        Gate(name="likely_wrong_labels", passed=False, value=0.042, rule="<= 0.02"),
    )
    assert judge_findings([finding], config) == (
        Gate(name="likely_wrong_labels", passed=True, value=0.0, rule="<= 0.02"),
    )
    nothing = found("likely_wrong_labels", None)
    assert not judge_findings([nothing], config)[0].passed, "what nobody measured cannot pass"
