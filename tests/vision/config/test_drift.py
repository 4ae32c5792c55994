"""How often a job may ask to be wrong: what the calibration keeps, and no more."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from vision.config.drift import DriftConfig

pytestmark = pytest.mark.unit


def problem(**values: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        DriftConfig(**values)
    [found] = caught.value.errors()
    return found["msg"]


def test_the_default_is_one_check_in_360() -> None:
    assert 1 / DriftConfig().alarm_rate == pytest.approx(360)


@pytest.mark.parametrize(
    ("false_alarms", "every_n", "rate"),
    [
        ("1 per 1 days at 1000 images per day", 50, 0.05),
        ("1 per 1 days at 200 images per day", 10, 0.05),
        ("3 per 30 days at 200 images per day", 100, 0.05),
    ],
)
def test_one_check_in_20_may_be_wrong(false_alarms: str, every_n: int, rate: float) -> None:
    drift = DriftConfig(false_alarms=false_alarms, every_n=every_n)
    assert drift.alarm_rate == pytest.approx(rate)


def test_more_than_one_check_in_20_is_refused() -> None:
    said = problem(false_alarms="1 per 1 days at 500 images per day")
    assert said == (
        "'1 per 1 days at 500 images per day' is one false alarm in 10.0 checks; allow at most "
        "one in 20 (with more the promise would not be kept), or check more often (every_n)"
    )
    assert "one false alarm in 19.8 checks" in problem(
        false_alarms="1 per 1 days at 990 images per day"
    )
    # The same promise with checks that are further apart is more of them.
    assert "one false alarm in 18.0 checks" in problem(every_n=1_000)


def test_too_few_draws_cannot_show_so_few_alarms() -> None:
    said = problem(n_draws=300)
    assert "300 draws cannot show one false alarm in 360 checks" in said


@pytest.mark.parametrize("text", ["often", "1 per 0 days at 200 images per day", "1 per 90 days"])
def test_a_rate_is_written_in_one_way(text: str) -> None:
    assert 'must read "1 per 90 days at 200 images per day"' in problem(false_alarms=text)
