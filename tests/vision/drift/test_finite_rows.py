"""Which rows are looked at: the newest finite ones, unless many are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.vision.drift.samples import N_CLASSES, config, draw_rows
from vision.drift.calibration import calibrate
from vision.drift.detectors import DriftDetectors
from vision.drift.finite_rows import newest_finite
from vision.drift.names import VIEWS
from vision.drift.views import DriftRows
from vision.errors import ModelError

pytestmark = pytest.mark.unit


def spoilt(rows: DriftRows, *places: int, value: float = np.nan) -> DriftRows:
    bbsd = rows.bbsd.copy()
    bbsd[list(places), 1] = value
    return replace(rows, bbsd=bbsd)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_older_rows_take_their_places(value: float):
    rows = spoilt(draw_rows(60, 1), 20, 58, value=value)
    chosen = newest_finite(rows, VIEWS, 20, 50)
    assert chosen.tolist() == [place for place in range(8, 60) if place not in (20, 58)]


def test_where_there_are_no_older_ones_fewer_are_left():
    rows = spoilt(draw_rows(50, 1), 0, 20, 30, 40, 49)
    assert len(newest_finite(rows, VIEWS, 20, 50)) == 45
    assert newest_finite(draw_rows(50, 1), VIEWS, 20, 50).tolist() == list(range(50))
    assert newest_finite(draw_rows(50, 1), VIEWS, 20, 30).tolist() == list(range(20, 50))


def test_more_than_one_in_ten_is_an_error():
    with pytest.raises(ModelError) as caught:
        newest_finite(spoilt(draw_rows(50, 1), 0, 10, 20, 30, 40, 49), VIEWS, 20, 50)
    assert str(caught.value) == (
        "6 of the newest 50 predictions have values that are not finite (in bbsd), and at most "
        "one in 10 may; look at what the model answers, or go back to another version"
    )


def test_old_rows_that_are_not_looked_at_do_not_count():
    rows = spoilt(draw_rows(100, 1), *range(50))
    assert newest_finite(rows, VIEWS, 20, 50).tolist() == list(range(50, 100))


def test_too_few_that_are_left_are_an_error():
    with pytest.raises(ModelError) as caught:
        newest_finite(spoilt(draw_rows(21, 1), 3, 4), VIEWS, 20, 50)
    assert str(caught.value) == (
        "19 rows are too few: the smallest calibrated window has 20, and 2 more have values that "
        "are not finite; wait for more predictions"
    )


def test_a_class_that_nobody_can_tell_is_not_finite():
    rows = draw_rows(30, 1)
    classes = rows.classes.copy()
    classes[29] = -1
    assert newest_finite(replace(rows, classes=classes), VIEWS, 20, 50).tolist() == list(range(29))


def test_what_is_not_watched_and_what_was_not_measured_may_be_anything():
    rows = spoilt(draw_rows(30, 1), *range(30))
    rows.properties[:] = np.nan
    views = tuple(view for view in VIEWS if view != "bbsd")
    assert len(newest_finite(rows, views, 20, 50)) == 30


def test_detectors_choose_for_their_views_and_sizes():
    reference = draw_rows(200, 1)
    detectors = DriftDetectors(calibrate(reference, N_CLASSES, config()), reference)
    rows = spoilt(draw_rows(120, 2), 119)
    chosen = detectors.choose(rows)
    assert chosen.tolist() == list(range(19, 119))
    assert {test.n_images for test in detectors.check(rows.take(chosen)).tests} == {50, 100}
    assert detectors.choose(rows, 60).tolist() == list(range(59, 119))
    assert len(detectors.choose(rows, 1_000)) == 100
    with pytest.raises(ModelError, match="bbsd has values that are not finite"):
        detectors.check(rows)
