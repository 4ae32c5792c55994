"""A swap begins window and verdict anew, once for all workers; a restart keeps them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from serving.drift.window import read_window
from serving.record import DriftRecord
from tests.fake_bundle import NAME, VERSION
from tests.serving.drift.conftest import MakeCheck
from tests.serving.drift.samples import (
    copied,
    fill,
    of_version,
    predictions,
    wait_for_check,
    wait_until,
    window_of,
)
from vision.bundles.load import ServingModel

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("no_child_is_left")]


@pytest.fixture(scope="module")
def other(drift_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> ServingModel:
    """Another version of the model."""
    return ServingModel.load(copied(drift_bundle, tmp_path_factory.mktemp("other") / "v2", "v2"))


def begun_at(home: Path, version: str = VERSION) -> float:
    file = window_of(home, version).with_name("begun.json")
    return float(json.loads(file.read_text())["at"]) if file.exists() else 0.0


def test_swapped_away_and_back_it_begins_anew(
    make_check: MakeCheck, model: ServingModel, other: ServingModel, home: Path
) -> None:
    check = make_check(generation=1)
    fill(check, predictions(model, 60, shift=60))
    wait_for_check(check, 1)
    assert check.last.verdict.status == "drift"
    check.follow(other, 2)
    assert check.of((NAME, VERSION)).verdict.status == "unknown"
    fill(check, predictions(model, 5))
    fill(check, of_version(predictions(model, 30, shift=60), "v2"))
    wait_for_check(check, 1)
    assert check.last.key == (NAME, "v2")
    assert (check.last.verdict.status, check.last.verdict.n_images) == ("drift", 30)
    assert read_window(window_of(home, "v2"))[1] == 30
    before = begun_at(home)
    check.follow(model, 3)
    wait_until(lambda: begun_at(home) > before)
    wait_until(lambda: check.last.begun == begun_at(home))
    assert not window_of(home).exists()
    assert (check.last.verdict.status, check.last.history, check.n_waiting) == ("unknown", (), 0)
    fill(check, predictions(model, 20))
    wait_for_check(check, 1)
    assert (check.last.verdict.status, check.last.n_seen) == ("ok", 20)
    assert len(check.last.history) == 1


def test_a_restart_keeps_window_verdict_and_history(
    make_check: MakeCheck,
    model: ServingModel,
    home: Path,
    told: list[DriftRecord],
) -> None:
    first = make_check(generation=4)
    fill(first, predictions(model, 80))
    wait_for_check(first, 1)
    fill(first, predictions(model, 5, first=80))
    first.stop()
    second = make_check(generation=4)
    wait_for_check(second, 1)
    assert second.last == first.last
    assert len(told) == 1
    rows, n_written = read_window(window_of(home))
    assert (len(rows), n_written) == (85, 85)
    fill(second, predictions(model, 5, first=85))
    wait_for_check(second, 2)
    assert second.last.verdict.n_images == 90
    assert len(second.last.history) == 2


def test_of_two_workers_one_begins_anew(
    make_check: MakeCheck, model: ServingModel, other: ServingModel, home: Path
) -> None:
    one, two = make_check(), make_check()
    fill(one, predictions(model, 30))
    wait_until(lambda: one.last.n_seen == 30 and two.last == one.last)
    for check in (one, two):
        check.follow(other)
        wait_until(lambda check=check: check.last.begun == begun_at(home, "v2"))  # type: ignore[misc]
    before = begun_at(home)
    one.follow(model)
    wait_until(lambda: begun_at(home) > before)
    begun = begun_at(home)
    fill(one, predictions(model, 30, shift=60))
    wait_for_check(one, 1)
    two.follow(model)
    wait_until(lambda: two.last == one.last)
    assert begun_at(home) == begun
    assert two.last.verdict.status == "drift"
    assert two.n_waiting == 30


def test_a_worker_that_missed_the_swap_goes_along(
    make_check: MakeCheck, model: ServingModel, other: ServingModel, home: Path
) -> None:
    quick, slow = make_check(), make_check()
    fill(slow, predictions(model, 30))
    wait_until(lambda: quick.last.n_seen == 30 and slow.last == quick.last)
    before = begun_at(home)
    quick.follow(other)
    wait_until(lambda: begun_at(home, "v2") > 0)
    quick.follow(model)
    wait_until(lambda: begun_at(home) > before)
    wait_until(lambda: slow.last.begun == quick.last.begun == begun_at(home))
    assert slow.last.verdict.status == quick.last.verdict.status == "unknown"
    fill(slow, predictions(model, 20, first=30))
    wait_until(lambda: quick.last.n_seen == 20 and slow.last == quick.last)
    assert len(slow.last.history) == 1
