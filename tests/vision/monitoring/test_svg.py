"""Scales, ticks and escaping of the charts."""

from __future__ import annotations

import doctest
from itertools import pairwise

import pytest

from vision.monitoring import svg
from vision.monitoring.figures import ratio_range
from vision.monitoring.svg import Drawing, Scale, nice_ticks, power_text, tick_text

pytestmark = pytest.mark.unit


def test_examples_of_the_module() -> None:
    assert doctest.testmod(svg).failed == 0


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (0.82, 0.97), (3.0, 8_400_000.0), (-2.0, 5.0), (0.0, 1e-4)]
)
def test_ticks_are_few_round_and_inside(low: float, high: float) -> None:
    ticks = nice_ticks(low, high)
    assert 3 <= len(ticks) <= 7
    assert low - 1e-9 <= ticks[0]
    assert ticks[-1] <= high + 1e-9
    steps = {round(b - a, 9) for a, b in pairwise(ticks)}
    assert len(steps) == 1


def test_numbers_are_short() -> None:
    assert [tick_text(value) for value in (0.25, 12.0, 1_200.0, 3_400_000.0)] == [
        "0.25",
        "12",
        "1,200",
        "3.4M",
    ]
    assert [power_text(power) for power in (-6, -2, 0, 3)] == ["1e-06", "0.01", "1", "1000"]


def test_scales() -> None:
    plain, log = Scale(0, 10, 100, 200), Scale(0.01, 100, 0, 40, is_log=True)
    assert [plain(value) for value in (0, 5, 10, 99, -1)] == [100, 150, 200, 200, 100]
    assert [log(value) for value in (0.01, 1, 100, 0.0, 1e9)] == [0, 20, 40, 0, 40]


def test_text_is_escaped() -> None:
    drawing = Drawing(10, 10, '"><script>')
    drawing.text(0, 0, "<b>&", hint="<i>")
    drawing.dot(0, 0, 1, "point", "<u>")
    assert "<script>" not in drawing.render()
    assert not {"<b>", "<i>", "<u>"} & set(drawing.render().split("&"))
    assert "&lt;b&gt;&amp;<title>&lt;i&gt;</title>" in drawing.render()


def test_evidence_is_shown_within_powers_of_ten() -> None:
    assert ratio_range([0.5, 300.0]) == (pytest.approx(0.1), pytest.approx(1000.0))
    assert ratio_range([0.0]) == (pytest.approx(1e-6), pytest.approx(10.0))
    assert ratio_range([]) == (pytest.approx(0.1), pytest.approx(10.0))
