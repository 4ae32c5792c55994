"""Pictures of a comparison as PNG bytes."""

from __future__ import annotations

import io

from vision.comparison.comparison import Comparison
from vision.wording import count

_MOST_CLASSES = 40
_CHAMPION, _CHALLENGER = "#7b8794", "#1f6feb"


def slice_chart(comparison: Comparison) -> bytes:
    """Draws the recall of each class, champion and challenger joined by a line.

    Of many classes those are shown whose recall falls most; the title says so.
    """
    from matplotlib.figure import Figure

    shown = comparison.slices[:_MOST_CLASSES][::-1]
    figure = Figure(figsize=(7.0, 1.6 + 0.28 * len(shown)))
    axis = figure.subplots()
    for position, each in enumerate(shown):
        colour = "#b42318" if each.drop > 0.0 else "#0b6e4f"
        axis.plot([each.champion, each.challenger], [position] * 2, color=colour, linewidth=2)
    positions = range(len(shown))
    champion, challenger = comparison.champion, comparison.challenger
    axis.scatter(
        [each.champion for each in shown], positions, color=_CHAMPION, zorder=3,
        label=f"champion {champion}",
    )  # fmt: skip
    axis.scatter(
        [each.challenger for each in shown], positions, color=_CHALLENGER, marker="D", zorder=3,
        label=f"challenger {challenger}",
    )  # fmt: skip
    names = [f"{_short(each.name)} ({each.n_images:,})" for each in shown]
    axis.set_yticks(list(positions), names, fontsize=8)
    axis.set_xlim(-0.02, 1.02)
    axis.set_xlabel("recall (share of the images of the class)")
    axis.set_ylabel("class (images)")
    axis.grid(axis="x", alpha=0.3)
    more = len(comparison.slices) - len(shown)
    left_out = f"; {count(more, 'class')} not shown" if more else ""
    figure.suptitle(f"{comparison.split} split{left_out}", fontsize=10)
    figure.legend(fontsize=8, loc="lower center", ncols=1, bbox_to_anchor=(0.5, 1.0))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    return buffer.getvalue()


def _short(text: str, most: int = 24) -> str:
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return cut.replace("$", r"\$")  # which would begin a formula
