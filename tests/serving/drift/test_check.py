"""The drift check of a worker with the real checking process: verdicts, restarts, settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.drift.check import OFF, DriftCheck
from serving.record import DriftRecord
from serving.settings import ServiceSettings
from tests.fake_bundle import NAME, VERSION
from tests.serving.drift.conftest import MakeCheck
from tests.serving.drift.samples import fill, predictions, wait_for_check, wait_until, window_of
from vision.bundles.load import ServingModel

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("no_child_is_left")]


def test_usual_images_and_then_others(
    make_check: MakeCheck, model: ServingModel, told: list[DriftRecord]
) -> None:
    check = make_check(drift_every_n=100)
    assert check.last.verdict.status == "unknown"
    assert check.last.detail == "No check has been made yet."
    fill(check, predictions(model, 100))
    wait_for_check(check, 1)
    first = check.last
    assert (first.verdict.status, first.verdict.n_images, first.n_seen) == ("ok", 100, 100)
    assert set(first.views) == {"uae", "bbsd", "penultimate", "properties", "classes"}
    assert (first.moved, first.since, first.detail, first.examples) == ((), None, "", ())
    fill(check, predictions(model, 100, shift=40, first=100))
    wait_for_check(check, 2)
    second = check.last
    assert (second.verdict.status, second.verdict.n_images, second.n_seen) == ("drift", 100, 200)
    assert {"uae", "properties"} <= set(second.moved)
    assert second.since == second.verdict.checked_at
    assert len(second.examples) == 8
    assert [(each.status, each.n_images) for each in second.history] == [
        ("ok", 100),
        ("drift", 100),
    ]
    assert second.history[1].views["uae"].p_value == second.views["uae"].p_value
    assert [each.status for each in told] == ["ok", "drift"]
    assert (told[1].model_name, told[1].model_version, told[1].n_images) == (NAME, VERSION, 100)
    assert told[1].detail["uae"]["is_drift"] is True


def test_two_workers_give_one_verdict_and_one_of_them_checks(
    make_check: MakeCheck, model: ServingModel, told: list[DriftRecord]
) -> None:
    one, other = make_check(), make_check()
    fill(one, predictions(model, 30))
    fill(other, predictions(model, 30, first=30, seed=2))
    wait_until(lambda: one.last.n_seen == 60 and other.last == one.last)
    assert one.n_waiting == other.n_waiting == 60
    assert len(told) == one.last.n_checks
    assert [one._process.pid, other._process.pid].count(None) == 1
    elected, waiting = (one, other) if one._process.pid else (other, one)
    elected.stop()
    fill(waiting, predictions(model, 20, first=60))
    wait_until(lambda: waiting.last.n_seen == 80)
    assert waiting._process.pid is not None


def test_settings_narrow_what_is_compared(make_check: MakeCheck, model: ServingModel) -> None:
    check = make_check(drift_window=50, drift_every_n=60)
    wait_until(lambda: check.plan is not None)
    assert check.plan is not None
    assert (check.plan.most, check.plan.least, check.plan.every_n) == (50, 20, 60)
    fill(check, predictions(model, 59))
    wait_until(lambda: check.n_waiting == 50)
    assert check.last.n_checks == 0
    fill(check, predictions(model, 1, first=59))
    wait_for_check(check, 1)
    assert {test.n_images for test in check.last.tests} == {20, 50}


def test_a_few_predictions_are_checked_after_some_time(
    make_check: MakeCheck, model: ServingModel
) -> None:
    check = make_check(drift_every_n=1000, drift_every_s=0.2)
    fill(check, predictions(model, 20))
    wait_for_check(check, 1)
    assert check.last.n_seen == 20


def test_switched_off_it_does_nothing(
    make_check: MakeCheck, model: ServingModel, home: Path
) -> None:
    check = make_check(drift="off")
    fill(check, predictions(model, 30))
    assert (check.last.verdict.status, check.last.detail) == ("unknown", OFF)
    assert check.of((NAME, VERSION)) == check.last
    assert not window_of(home).exists()


def test_what_waits_is_bounded(model: ServingModel) -> None:
    check = DriftCheck(ServiceSettings(), lambda record: None)
    for record in predictions(model, 10) * 100:
        check.add(record)
    assert len(check._waiting) == 500
