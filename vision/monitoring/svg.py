"""Charts as SVG elements that take their colours from the page, so that light and dark both work.

A chart is as wide as the page lets it be, at most as wide as it was drawn. Everything that is
written in it is escaped here.
"""

from __future__ import annotations

import html
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

Point = tuple[float, float]


def nice_ticks(low: float, high: float, n: int = 4) -> list[float]:
    """Returns about ``n`` round numbers from ``low`` to ``high``.

    >>> nice_ticks(0.0, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    raw = (high - low) / n
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.8)
    first = math.ceil(low / step - 1e-9)
    return [round(step * number, 12) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def tick_text(value: float) -> str:
    """Returns a number as short as it can be: ``0.25``, ``1,200``, ``3.4M``."""
    if abs(value) >= 1e6:
        return f"{value / 1e6:.4g}M"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def likely_width(said: str) -> float:
    """Returns about how many pixels a text of 12 pixels is wide, rather more than fewer."""
    return sum(13.0 if is_wide(each) else 10.0 if each.isupper() else 7.6 for each in said)


def is_wide(character: str) -> bool:
    """Whether a character is as wide as it is high."""
    return unicodedata.east_asian_width(character) in "WF" or character in "WMwm@%…"


@dataclass(frozen=True)
class Scale:
    """From values to pixels along one axis; ``is_log`` for powers of ten."""

    low: float
    high: float
    start_px: float
    end_px: float
    is_log: bool = False

    def __call__(self, value: float) -> float:
        """Returns the pixel of a value; those beyond the ends are put on them."""
        low, high, value = (
            map(math.log10, (self.low, self.high, max(value, self.low)))
            if self.is_log
            else (self.low, self.high, value)
        )
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return self.start_px + share * (self.end_px - self.start_px)


@dataclass
class Drawing:
    """SVG elements in pixels; the origin is at the top left."""

    width: int
    height: int
    title: str
    parts: list[str] = field(default_factory=list)

    def line(self, points: Sequence[Point], kind: str) -> None:
        """Draws a line through the points."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline class="{kind}" points="{path}"/>')

    def area(self, points: Sequence[Point], kind: str) -> None:
        """Fills what the points enclose."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polygon class="{kind}" points="{path}"/>')

    def box(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        """Fills a rectangle."""
        self.parts.append(
            f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" '
            f'height="{max(0.0, height):.1f}"/>'
        )

    def dot(self, x: float, y: float, radius: float, kind: str, hint: str) -> None:
        """Draws a dot that says something when it is pointed at."""
        self.parts.append(
            f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}">'
            f"<title>{html.escape(hint)}</title></circle>"
        )

    def text(
        self,
        x: float,
        y: float,
        said: str,
        kind: str = "",
        anchor: str = "start",
        hint: str = "",
        most_px: float = math.inf,
    ) -> None:
        """Writes a line of text, squeezed where it may be wider than ``most_px``."""
        title = f"<title>{html.escape(hint)}</title>" if hint else ""
        squeezed = ""
        if likely_width(said) > most_px:
            squeezed = f' textLength="{most_px:g}" lengthAdjust="spacingAndGlyphs"'
        self.parts.append(
            f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{squeezed}>'
            f"{html.escape(said)}{title}</text>"
        )

    def upright(self, x: float, y: float, said: str) -> None:
        """Writes the name of a vertical axis around its middle."""
        self.parts.append(
            f'<text class="name" x="{x:.1f}" y="{y:.1f}" text-anchor="middle" '
            f'transform="rotate(-90 {x:.1f} {y:.1f})">{html.escape(said)}</text>'
        )

    def render(self) -> str:
        """Returns the chart as an element of a page."""
        return (
            f'<svg viewBox="0 0 {self.width} {self.height}" style="max-width:{self.width}px" '
            f'role="img" aria-label="{html.escape(self.title)}">{"".join(self.parts)}</svg>'
        )


@dataclass
class Axes:
    """A drawing with a horizontal and a vertical scale, its ticks and its names."""

    drawing: Drawing
    x: Scale
    y: Scale

    @classmethod
    def draw(
        cls,
        drawing: Drawing,
        x: tuple[float, float],
        y: tuple[float, float],
        names: tuple[str, str],
        *,
        is_log: bool = False,
        x_ticks: Sequence[tuple[float, str]] | None = None,
    ) -> Axes:
        """Draws the frame of a chart.

        Args:
          drawing: an empty one.
          x: from and to.
          y: from and to.
          names: of the horizontal and the vertical axis, with their units.
          is_log: whether the vertical axis shows powers of ten.
          x_ticks: what stands below the horizontal axis; None for round numbers.
        """
        left, right, top, bottom = 64.0, drawing.width - 14.0, 10.0, drawing.height - 43.0
        axes = cls(drawing, Scale(*x, left, right), Scale(*y, bottom, top, is_log))
        for value, said in _y_ticks(y, is_log):
            height = axes.y(value)
            drawing.line([(left, height), (right, height)], "rule")
            drawing.text(left - 6, height + 4, said, "tick", "end")
        ticks = [(v, tick_text(v)) for v in nice_ticks(*x)] if x_ticks is None else x_ticks
        for value, said in ticks:
            drawing.text(axes.x(value), bottom + 18, said, "tick", "middle")
        drawing.line([(left, bottom), (right, bottom)], "axis")
        drawing.text((left + right) / 2, drawing.height - 7, names[0], "name", "middle")
        drawing.upright(12, (top + bottom) / 2, names[1])
        return axes

    def at(self, x: float, y: float) -> Point:
        """Returns the pixels of a point."""
        return self.x(x), self.y(y)


def _y_ticks(y: tuple[float, float], is_log: bool) -> list[tuple[float, str]]:
    if not is_log:
        return [(value, tick_text(value)) for value in nice_ticks(*y)]
    low, high = round(math.log10(y[0])), round(math.log10(y[1]))
    step = max(1, math.ceil((high - low) / 6))
    return [(10.0**power, power_text(power)) for power in range(low, high + 1) if not power % step]


def power_text(power: int) -> str:
    """Returns a power of ten: ``0.01``, ``1``, ``1e-06``."""
    return f"{10.0**power:g}"
