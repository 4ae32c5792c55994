"""The charts of a monitoring report, drawn from the report alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vision.drift.names import VIEWS
from vision.monitoring.report_parts import DayReport, PropertyReport, ShareReport
from vision.monitoring.svg import Axes, Drawing

_WIDTH = 560
_HEIGHT = 230
# Evidence beyond this is as good as certain, and would squeeze everything else.
_LEAST_RATIO = 1e-6
_MOST_DAY_LABELS = 7


def ratio_range(ratios: Sequence[float]) -> tuple[float, float]:
    """Returns whole powers of ten around p-values over thresholds; 1 is always inside."""
    low = max(_LEAST_RATIO, min([*ratios, 0.1]))
    high = max([*ratios, 10.0])
    return 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high))


def timeline(days: Sequence[DayReport]) -> str:
    """Draws the evidence of each view day by day; below 1 is drift. Empty without a tested day."""
    tested = [day for day in days if day.tests]
    if not tested:
        return ""
    drawing = Drawing(_WIDTH, _HEIGHT, "p-value over threshold of each view by day")
    span = ratio_range([ratio for day in tested for ratio in day.tests.values()])
    axes = _by_day(drawing, tested, span, "p-value ÷ threshold", is_log=True)
    right, left = axes.x.end_px, axes.x.start_px
    drawing.box(left, axes.y(1.0), right - left, axes.y(span[0]) - axes.y(1.0), "zone")
    drawing.line([(left, axes.y(1.0)), (right, axes.y(1.0))], "limit")
    for number, view in enumerate(VIEWS):
        points = [
            (axes.at(day.day.toordinal(), day.tests[view]), day)
            for day in tested
            if view in day.tests
        ]
        if points:
            drawing.line([point for point, _ in points], f"series s{number}")
        for (x, y), day in points:
            hint = f"{view}, {day.day}: p-value is {day.tests[view]:.2g} of its threshold"
            drawing.dot(x, y, 3, f"point s{number}", hint)
    return drawing.render()


def daily_share(days: Sequence[DayReport], which: str, name: str) -> str:
    """Draws a daily share with its intervals.

    Args:
      days: oldest first.
      which: ``confidence`` or ``abstained``.
      name: of the vertical axis.
    """
    shares = [(day.day.toordinal(), getattr(day, which)) for day in days if day.n]
    if not shares:
        return ""
    drawing = Drawing(_WIDTH, _HEIGHT - 30, f"{name} by day")
    axes = _by_day(drawing, days, _share_range([share for _, share in shares]), name)
    upper = [axes.at(day, share.high) for day, share in shares]
    lower = [axes.at(day, share.low) for day, share in shares]
    drawing.area([*upper, *reversed(lower)], "band")
    drawing.line([axes.at(day, share.value) for day, share in shares], "series s0")
    for day, share in shares:
        _whisker(axes, day, share, "s0", name)
    return drawing.render()


def accuracy_chart(
    days: Sequence[DayReport], live: ShareReport, expected: float | None, estimated: float | None
) -> str:
    """Draws the live accuracy of each day, and what was expected and estimated; may be empty."""
    labelled = [day for day in days if day.accuracy.n]
    if not labelled:
        return ""
    drawing = Drawing(_WIDTH, _HEIGHT, "live accuracy by day")
    lines = {"limit": expected, "estimate": estimated}
    others = [ShareReport(n=1, value=v, low=v, high=v) for v in lines.values() if v is not None]
    span = _share_range([*(day.accuracy for day in labelled), live, *others])
    axes = _by_day(drawing, days, span, "share of right answers")
    for kind, value in lines.items():
        if value is not None:
            drawing.line([(axes.x.start_px, axes.y(value)), (axes.x.end_px, axes.y(value))], kind)
    for day in labelled:
        _whisker(axes, day.day.toordinal(), day.accuracy, "s0", "accuracy")
    return drawing.render()


def distribution(compared: PropertyReport) -> str:
    """Draws how a property is distributed: filled for the reference set, a line for predictions."""
    drawing = Drawing(300, 190, f"distribution of {compared.name}")
    top = 1.08 * max(*compared.reference, *compared.predictions)
    axes = Axes.draw(
        drawing,
        (compared.edges[0], compared.edges[-1]),
        (0.0, top),
        (compared.unit, "share of images"),
    )
    floor = axes.y(0.0)
    outline = _steps(axes, compared.edges, compared.reference)
    drawing.area([(outline[0][0], floor), *outline, (outline[-1][0], floor)], "reference")
    drawing.line(_steps(axes, compared.edges, compared.predictions), "series s0")
    return drawing.render()


def _steps(
    axes: Axes, edges: Sequence[float], shares: Sequence[float]
) -> list[tuple[float, float]]:
    corners = zip(edges[:-1], edges[1:], shares, strict=True)
    return [axes.at(edge, share) for low, high, share in corners for edge in (low, high)]


def _by_day(
    drawing: Drawing,
    days: Sequence[DayReport],
    span: tuple[float, float],
    name: str,
    *,
    is_log: bool = False,
) -> Axes:
    first, last = days[0].day, days[-1].day
    places = range(first.toordinal(), last.toordinal() + 1)
    step = math.ceil(len(places) / _MOST_DAY_LABELS)
    ticks = [(float(place), first.fromordinal(place).strftime("%m-%d")) for place in places[::step]]
    years = f"{first:%Y}" if first.year == last.year else f"{first:%Y}–{last:%Y}"
    ends = (first.toordinal() - 0.5, last.toordinal() + 0.5)
    return Axes.draw(
        drawing, ends, span, (f"day (UTC), {years}", name), is_log=is_log, x_ticks=ticks
    )


def _whisker(axes: Axes, day: int, share: ShareReport, kind: str, name: str) -> None:
    if share.value is None or share.low is None or share.high is None:
        return
    x, y = axes.at(day, share.value)
    axes.drawing.line([(x, axes.y(share.low)), (x, axes.y(share.high))], f"whisker {kind}")
    hint = f"{name} {share.value:.3f} ({share.low:.3f} to {share.high:.3f}), n = {share.n:,}"
    axes.drawing.dot(x, y, 3.5, f"point {kind}", hint)


def _share_range(shares: Sequence[ShareReport]) -> tuple[float, float]:
    low = min(share.low for share in shares if share.low is not None)
    high = max(share.high for share in shares if share.high is not None)
    room = max(0.02, 0.1 * (high - low))
    return max(0.0, low - room), min(1.0, high + room)
