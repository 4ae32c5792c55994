"""What fails in the drift check of a worker becomes its verdict, and the next check works."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from serving.drift.verdict import VerdictFile
from serving.drift.window import Window
from serving.record import DriftRecord
from tests.serving.drift.conftest import MakeCheck
from tests.serving.drift.samples import (
    copied,
    fill,
    predictions,
    wait_for_check,
    wait_until,
    without_numbers,
)
from vision.bundles.load import ServingModel

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("no_child_is_left")]


def test_dr01_a_checking_process_that_is_killed_is_replaced(
    make_check: MakeCheck, model: ServingModel
) -> None:
    check = make_check()
    fill(check, predictions(model, 30))
    wait_for_check(check, 1)
    killed = check._process.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: check._process.pid is None)
    fill(check, predictions(model, 30, first=30))
    wait_until(lambda: check.last.n_seen == 60)
    assert check.last.verdict.status == "ok"
    assert check._process.pid not in (None, killed)


def test_dr01_a_detector_that_hangs_is_the_verdict_and_the_next_check_works(
    make_check: MakeCheck,
    model: ServingModel,
    monkeypatch: pytest.MonkeyPatch,
    told: list[DriftRecord],
) -> None:
    monkeypatch.setenv("VISIONSTACK_DRIFT_FAULT", "hang")
    check = make_check(drift_timeout_s=3, drift_every_s=0.5)
    fill(check, predictions(model, 30))
    wait_for_check(check, 1)
    assert check.last.verdict.status == "error"
    assert check.last.detail.startswith("the detectors did not end within 3 s")
    assert told[0].detail == {"error": check.last.detail}
    monkeypatch.delenv("VISIONSTACK_DRIFT_FAULT")
    fill(check, predictions(model, 30, first=30))
    wait_for_check(check, 2)
    assert (check.last.verdict.status, check.last.n_errors) == ("ok", 1)
    assert [each.status for each in check.last.history] == ["error", "ok"]


def test_dr01_a_bundle_without_detectors_is_the_verdict_error(
    make_check: MakeCheck, drift_bundle: Path, tmp_path: Path
) -> None:
    bundle = copied(drift_bundle, tmp_path / "old")
    shutil.rmtree(bundle / "drift")
    model = ServingModel.load(copied(bundle, tmp_path / "older", "old"))
    check = make_check(model)
    fill(check, predictions(model, 50))
    wait_for_check(check, 1)
    assert check.last.verdict.status == "error"
    said = "BundleError: the bundle has no drift detectors (drift/detectors.json); train again"
    assert check.last.detail.startswith(said)
    assert check.plan is not None
    assert (check.plan.most, check.plan.every_n, check.plan.alarms_in_words) == (500, 50, "")


def test_one_answer_that_is_no_number_is_passed_over_and_told(
    make_check: MakeCheck, model: ServingModel, told: list[DriftRecord]
) -> None:
    check = make_check(drift_every_n=110)
    fill(check, [*predictions(model, 50), *without_numbers(predictions(model, 1, first=50))])
    fill(check, predictions(model, 59, first=51))
    wait_for_check(check, 1)
    assert (check.last.verdict.status, check.last.verdict.n_images) == ("ok", 100)
    assert check.last.detail == "Passed over: 1 prediction with values that are not finite."
    assert {test.n_images for test in check.last.tests} == {20, 50, 100}
    assert set(told[0].detail) == {"uae", "bbsd", "penultimate", "properties", "classes"}


def test_a_model_that_answers_no_numbers_is_the_verdict_error(
    make_check: MakeCheck, model: ServingModel, told: list[DriftRecord]
) -> None:
    check = make_check()
    fill(check, without_numbers(predictions(model, 30)))
    wait_for_check(check, 1)
    assert check.last.verdict.status == "error"
    assert check.last.detail == (
        "ModelError: 30 of the newest 30 predictions have values that are not finite (in bbsd, "
        "classes), and at most one in 10 may; look at what the model answers, or go back to "
        "another version"
    )
    assert told[0].detail == {"error": check.last.detail}


def test_a_disk_that_cannot_be_written_is_the_verdict(
    make_check: MakeCheck, model: ServingModel, home: Path, told: list[DriftRecord]
) -> None:
    place = home / "logs" / "service" / "drift"
    place.parent.mkdir(parents=True)
    place.write_text("a file where a folder has to be")
    check = make_check(drift_every_s=0.2)
    fill(check, predictions(model, 30))
    wait_until(lambda: check.last.verdict.status == "error")
    said = "The window of the drift check cannot be kept: Not a directory."
    assert check.last.detail == said
    wait_until(lambda: len(told) >= 2)
    place.unlink()
    fill(check, predictions(model, 30, first=30))
    wait_until(lambda: check.last.verdict.status == "ok")
    assert check.last.n_seen == 30


def test_a_disk_that_is_full_is_the_verdict(
    make_check: MakeCheck, model: ServingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Window, "append", full)
    check = make_check()
    fill(check, predictions(model, 1))
    wait_until(lambda: check.last.verdict.status == "error")
    said = "The window of the drift check cannot be kept: No space left on device."
    assert check.last.detail == said


def test_a_verdict_that_cannot_be_written_is_the_verdict_until_it_can(
    make_check: MakeCheck, model: ServingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    check = make_check(drift_every_s=0.2)
    fill(check, predictions(model, 30))
    wait_for_check(check, 1)
    with monkeypatch.context() as broken:
        broken.setattr(VerdictFile, "write", full)
        fill(check, predictions(model, 30, first=30))
        wait_until(lambda: check.last.verdict.status == "error")
        said = "The verdict of the drift check cannot be kept: No space left on device."
        assert check.last.detail == said
        fill(check, predictions(model, 10, first=60))
        wait_until(lambda: check.last.n_seen == 70)
        assert (check.last.verdict.status, check.last.detail) == ("error", said)
    fill(check, predictions(model, 30, first=70))
    wait_until(lambda: check.last.verdict.status == "ok")
    assert check.last.n_seen == 100
