"""Charts with one row for each test or class; names may be as long as they like."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from vision.monitoring.figures import ratio_range
from vision.monitoring.report_parts import ClassReport
from vision.monitoring.svg import Drawing, Scale, nice_ticks, power_text
from vision.validation.shorten import shorten
from vision.wording import one_line

MOST_CLASSES = 20
_WIDTH = 820
_TESTS_WIDTH = 560
_TEST_NAME_PX = 140
_MOST_POWERS = 8
_NAME_PX = 190
_NAME_CHARACTERS = 24
_ROW_PX = 26
_TOP_PX = 8
_BOTTOM_PX = 44
_TESTS = {"ks": "KS", "cvm": "CvM", "chi_squared": "χ²", "mmd": "MMD"}


def evidence(tests: Sequence[dict[str, Any]]) -> str:
    """Draws p-value over threshold of every test; left of 1 is drift. Empty without a test.

    Args:
      tests: of :meth:`vision.drift.result.ViewTest.to_json`.
    """
    if not tests:
        return ""
    rows = list(dict.fromkeys((test["view"], test["detector"]) for test in tests))
    bottom = _TOP_PX + len(rows) * _ROW_PX
    drawing = Drawing(_TESTS_WIDTH, bottom + _BOTTOM_PX, "evidence of every test")
    low, high = ratio_range([test["p_value"] / test["threshold"] for test in tests])
    scale = Scale(low, high, _TEST_NAME_PX, _TESTS_WIDTH - 20.0, is_log=True)
    _draw_ratio_axis(drawing, scale, bottom)
    sizes = sorted({test["n_images"] for test in tests})
    for number, (view, detector) in enumerate(rows):
        y = _TOP_PX + (number + 0.5) * _ROW_PX
        drawing.text(_TEST_NAME_PX - 10, y + 4, f"{view} ({_TESTS[detector]})", "", "end")
        mine = [test for test in tests if (test["view"], test["detector"]) == (view, detector)]
        for test in sorted(mine, key=lambda each: -each["n_images"]):
            radius = 3.0 + 4.0 * (sizes.index(test["n_images"]) + 1) / len(sizes)
            kind = "point bad" if test["is_drift"] else "point s0"
            drawing.dot(scale(test["p_value"] / test["threshold"]), y, radius, kind, _hint(test))
    return drawing.render()


def _draw_ratio_axis(drawing: Drawing, scale: Scale, bottom: float) -> None:
    start, one = scale.start_px, scale(1.0)
    drawing.box(start, _TOP_PX, one - start, bottom - _TOP_PX, "zone")
    powers = range(round(math.log10(scale.low)), round(math.log10(scale.high)) + 1)
    step = math.ceil(len(powers) / _MOST_POWERS)
    for power in powers:
        x = scale(10.0**power)
        drawing.line([(x, _TOP_PX), (x, bottom)], "rule")
        if not power % step:
            drawing.text(x, bottom + 15, power_text(power), "tick", "middle")
    drawing.line([(one, _TOP_PX), (one, bottom)], "limit")
    name = "p-value ÷ threshold (log scale): left of the line is drift"
    drawing.text((start + scale.end_px) / 2, bottom + 34, name, "name", "middle")


def _hint(test: dict[str, Any]) -> str:
    column = f", {test['column']} moved most" if test["column"] else ""
    return (
        f"{test['view']}, newest {test['n_images']:,} images: p-value {test['p_value']:.2g}, "
        f"threshold {test['threshold']:.2g}, statistic {test['statistic']:.3g}{column}"
    )


def class_shares(shares: Sequence[ClassReport]) -> str:
    """Draws how often each class is predicted, its interval, and a mark for the reference set.

    Of more than 20 classes, the 20 whose share moved most are shown.
    """
    shown = most_moved(shares)
    if not any(each.predicted.n for each in shown):
        return ""
    bottom = _TOP_PX + len(shown) * _ROW_PX
    drawing = Drawing(_WIDTH, bottom + _BOTTOM_PX, "predicted classes")
    top = max(max(each.predicted.high or 0.0, each.reference) for each in shown)
    scale = Scale(0.0, top * 1.05, _NAME_PX, _WIDTH - 230.0)
    for value in nice_ticks(0.0, scale.high):
        drawing.line([(scale(value), _TOP_PX), (scale(value), bottom)], "rule")
        drawing.text(scale(value), bottom + 15, f"{value:.3g}", "tick", "middle")
    middle = (scale.start_px + scale.end_px) / 2
    drawing.text(middle, bottom + 34, "share of predictions, with 95 % interval", "name", "middle")
    drawing.text(_WIDTH - 210, bottom + 34, "recall in feedback", "name")
    for number, each in enumerate(shown):
        _draw_class(drawing, scale, each, _TOP_PX + number * _ROW_PX)
    return drawing.render()


def most_moved(shares: Sequence[ClassReport]) -> Sequence[ClassReport]:
    """Returns all classes, or the 20 whose share moved most, in their own order."""
    if len(shares) <= MOST_CLASSES:
        return shares
    moves = [abs((each.predicted.value or 0.0) - each.reference) for each in shares]
    chosen = sorted(range(len(shares)), key=lambda index: -moves[index])[:MOST_CLASSES]
    return [shares[index] for index in sorted(chosen)]


def _draw_class(drawing: Drawing, scale: Scale, each: ClassReport, top: float) -> None:
    middle = top + _ROW_PX / 2
    name = one_line(each.name)
    shown, hint = shorten(name, _NAME_CHARACTERS), shorten(name, 400)
    drawing.text(_NAME_PX - 10, middle + 4, shown, "", "end", hint, _NAME_PX - 14)
    value, low, high = (
        each.predicted.value or 0.0,
        each.predicted.low or 0.0,
        each.predicted.high or 0.0,
    )
    drawing.box(scale(0.0), top + 5, scale(value) - scale(0.0), _ROW_PX - 10, "bar")
    drawing.line([(scale(low), middle), (scale(high), middle)], "whisker ink")
    mark = scale(each.reference)
    drawing.line([(mark, top + 2), (mark, top + _ROW_PX - 2)], "mark")
    recall = each.recall
    said = (
        "no label"
        if recall.value is None
        else f"{recall.value:.2f} ({recall.low:.2f}–{recall.high:.2f}), n = {recall.n:,}"
    )
    drawing.text(_WIDTH - 210, middle + 4, said, "tick")
