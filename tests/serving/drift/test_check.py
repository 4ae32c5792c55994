"""The drift check of a worker with the real checking process: restarts, swaps and faults."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from serving.drift.check import OFF, DriftCheck
from serving.drift.verdict import VerdictFile
from serving.drift.window import Window, read_window
from serving.record import DriftRecord
from serving.settings import ServiceSettings
from tests.fake_bundle import NAME, VERSION
from tests.serving.drift.conftest import MakeCheck
from tests.serving.drift.samples import (
    copied,
    fill,
    of_version,
    predictions,
    wait_for_check,
    wait_until,
)
from vision.bundles.load import ServingModel

pytestmark = pytest.mark.unit


def window_of(home: Path, version: str = VERSION) -> Path:
    return home / "logs" / "service" / "drift" / NAME / version / "window.rows"


@pytest.fixture(autouse=True)
def no_child_is_left() -> Iterator[None]:
    before = {each.pid for each in psutil.Process().children(recursive=True)}
    yield
    after = psutil.Process().children(recursive=True)
    assert [each for each in after if each.pid not in before] == []


def test_usual_images_and_then_others(
    make_check: MakeCheck, model: ServingModel, told: list[DriftRecord]
) -> None:
    check = make_check()
    assert check.last.verdict.status == "unknown"
    assert check.last.detail == "No check has been made yet."
    fill(check, predictions(model, 80))
    wait_for_check(check, 1)
    first = check.last
    assert (first.verdict.status, first.verdict.n_images, first.n_seen) == ("ok", 80, 80)
    assert set(first.views) == {"uae", "bbsd", "penultimate", "properties", "classes"}
    assert (first.moved, first.since, first.detail, first.examples) == ((), None, "", ())
    fill(check, predictions(model, 100, shift=40, first=80))
    wait_for_check(check, 2)
    second = check.last
    assert (second.verdict.status, second.verdict.n_images, second.n_seen) == ("drift", 100, 180)
    assert {"uae", "properties"} <= set(second.moved)
    assert second.since == second.verdict.checked_at
    assert len(second.examples) == 8
    assert [(each.status, each.n_images) for each in second.history] == [("ok", 80), ("drift", 100)]
    assert second.history[1].views["uae"].p_value == second.views["uae"].p_value
    assert [each.status for each in told] == ["ok", "drift"]
    assert (told[1].model_name, told[1].model_version, told[1].n_images) == (NAME, VERSION, 100)
    assert told[1].detail["uae"]["is_drift"] is True


def test_a_restart_keeps_window_verdict_and_history(
    make_check: MakeCheck, model: ServingModel, home: Path, told: list[DriftRecord]
) -> None:
    before = make_check()
    fill(before, predictions(model, 80))
    wait_for_check(before, 1)
    fill(before, predictions(model, 5, first=80))
    before.stop()
    after = make_check()
    wait_for_check(after, 1)
    assert after.last == before.last
    assert len(told) == 1
    rows, n_written = read_window(window_of(home))
    assert (len(rows), n_written) == (85, 85)
    fill(after, predictions(model, 5, first=85))
    wait_for_check(after, 2)
    assert after.last.verdict.n_images == 90
    assert len(after.last.history) == 2


def test_another_version_has_a_window_of_its_own_and_the_first_is_resumed(
    make_check: MakeCheck, drift_bundle: Path, model: ServingModel, tmp_path: Path, home: Path
) -> None:
    other = ServingModel.load(copied(drift_bundle, tmp_path / "other", "v2"))
    check = make_check()
    fill(check, predictions(model, 60))
    wait_for_check(check, 1)
    first = check.last
    check.follow(other)
    assert check.last.verdict.status == "unknown"
    assert check.of((NAME, VERSION)).verdict.status == "unknown"
    fill(check, predictions(model, 5))
    fill(check, of_version(predictions(model, 30, shift=60), "v2"))
    wait_for_check(check, 1)
    assert check.last.key == (NAME, "v2")
    assert (check.last.verdict.status, check.last.verdict.n_images) == ("drift", 30)
    assert read_window(window_of(home, "v2"))[1] == 30
    check.follow(model)
    wait_until(lambda: check.last == first)


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


def test_dr01_a_checking_process_that_is_killed_is_replaced(
    make_check: MakeCheck, model: ServingModel
) -> None:
    check = make_check()
    fill(check, predictions(model, 30))
    wait_for_check(check, 1)
    killed = check._process.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
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
    assert (check.plan.capacity, check.plan.every_n, check.plan.alarms_in_words) == (500, 50, "")


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
