"""What the window keeps: enough for the largest size where one row in ten is passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.drift.plan import plan_for
from serving.drift.window import MAX_CAPACITY
from serving.settings import ServiceSettings
from tests.vision.drift.samples import detector_file
from vision.drift.detectors import write_detectors

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("largest", "capacity"), [(20, 23), (100, 112), (500, 556), (9, 10)])
def test_there_is_room_for_rows_that_are_passed_over(
    tmp_path: Path, largest: int, capacity: int
) -> None:
    file = detector_file(300, windows=(20,))
    thresholds = {view: {largest: 0.01} for view in file.views}
    write_detectors(
        tmp_path, file.model_copy(update={"sizes": (largest,), "thresholds": thresholds})
    )
    plan = plan_for(tmp_path, ServiceSettings())
    assert (plan.most, plan.least, plan.capacity) == (largest, largest, capacity)
    assert plan.capacity - plan.capacity // 10 >= largest


def test_a_narrower_window_keeps_as_much(tmp_path: Path) -> None:
    plan = plan_for(tmp_path, ServiceSettings(drift_window=60))
    assert (plan.most, plan.least, plan.capacity) == (60, 50, 556)


def test_the_largest_size_that_can_be_set_has_room() -> None:
    assert MAX_CAPACITY >= 10_000 * 10 / 9
