"""The section of the page that the flavor ``property_schema`` adds: tables and small charts.

One HTML document without a script; dark text on light; nothing is loaded. Names come from folders
and are escaped.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

import pandas as pd

from stacks.flavors.schema_charts import COLOURS, draw_bar, draw_histogram
from vision.validation.columns import SPLITS
from vision.validation.measured import Outcome
from vision.validation.schema import MEASURED, Ranges, broken_columns, with_ranges
from vision.validation.shorten import shorten

_MOST_CLASSES = 50
_STYLE = """
body { margin: 0; padding: 1rem; background: #fff; color: #1b1f24;
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h2 { margin: 1.5rem 0 .5rem; font-size: 1.1rem; }
h2:first-child { margin-top: 0; }
p { margin: .4rem 0; color: #57606a; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid #d0d7de; text-align: left;
  vertical-align: top; overflow-wrap: anywhere; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.bad { color: #82071e; font-weight: 600; }
.good { color: #044f1e; }
.ends { display: flex; justify-content: space-between; width: 180px; color: #57606a;
  font-size: .75rem; }
.key { display: inline-block; width: .8rem; height: .8rem; margin: 0 .3rem 0 .8rem;
  vertical-align: middle; }
"""


def render_section(properties: pd.DataFrame, outcomes: Sequence[Outcome], ranges: Ranges) -> str:
    """Renders what was measured, the columns with their rules, and the splits side by side.

    Args:
      properties: one row per image.
      outcomes: what the checks measured.
      ranges: of the stack component's configuration.

    Returns:
      a whole HTML document.
    """
    splits = [split for split in SPLITS if (properties["split"] == split).any()]
    parts = (
        "<h2>Measured</h2>",
        _measured(outcomes),
        "<h2>Columns</h2>",
        "<p>Share of the images of each split over the values of a property, from the smallest to "
        f"the largest.{_legend(splits)}</p>",
        _columns(properties, splits, ranges),
        "<h2>Classes</h2>",
        "<p>Share of each class in its split.</p>",
        _classes(properties, splits),
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="color-scheme" content="light"><title>Property schema</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


def _measured(outcomes: Sequence[Outcome]) -> str:
    rows = []
    for outcome in outcomes:
        check, reading = outcome.check, outcome.reading
        value = "not measured" if reading is None else f"{reading.value:.4g}"
        said = outcome.reason if reading is None else reading.sentence
        is_above = reading is not None and reading.value > check.limit
        kind = "bad" if is_above else "good" if reading is not None else ""
        rows.append(
            f"<tr><td>{check.name}</td><td>{outcome.split or 'all'}</td>"
            f'<td class="number {kind}">{value}</td><td class="number">{check.limit:g}</td>'
            f"<td>{html.escape(shorten(said, 400))}</td></tr>"
        )
    return _table(("Check", "Split", "#Value", "#At most", "In words"), rows)


def _columns(properties: pd.DataFrame, splits: Sequence[str], ranges: Ranges) -> str:
    broken = broken_columns(properties, ranges)
    rows = []
    for name, column in with_ranges(ranges).items():
        n_broken = int(broken[name].sum()) if name in broken else 0
        chart = _chart(properties, name, splits) if name in MEASURED else ""
        rows.append(
            f"<tr><td>{name}</td><td>{column.rule}</td>"
            f'<td class="number {"bad" if n_broken else "good"}">{n_broken:,}</td>'
            f'<td class="number">{_median(properties, name)}</td><td>{chart}</td></tr>'
        )
    return _table(("Property", "Declared", "#Images that break it", "#Median", "Values"), rows)


def _is_measured(properties: pd.DataFrame, name: str) -> bool:
    return name in properties and pd.api.types.is_numeric_dtype(properties[name])


def _median(properties: pd.DataFrame, name: str) -> str:
    if name not in MEASURED or not _is_measured(properties, name):
        return ""
    return f"{properties[name].median():.4g}"


def _chart(properties: pd.DataFrame, name: str, splits: Sequence[str]) -> str:
    if not _is_measured(properties, name):
        return "no numbers"
    by_split = {
        split: properties.loc[properties["split"] == split, name].to_numpy(dtype=float)
        for split in splits
    }
    drawn = draw_histogram(by_split, f"{name} in {', '.join(splits)}")
    if drawn is None:
        return "one value"
    low, high, picture = drawn
    return f'{picture}<div class="ends"><span>{low:.4g}</span><span>{high:.4g}</span></div>'


def _classes(properties: pd.DataFrame, splits: Sequence[str]) -> str:
    counts = pd.crosstab(properties["label"].astype(str), properties["split"])
    counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    shares = counts / counts.sum()
    largest = float(shares.to_numpy().max()) if shares.size else 1.0
    rows = []
    for label in counts.index[:_MOST_CLASSES]:
        cells = "".join(
            f'<td class="number">{counts.at[label, split]:,}</td>'
            f"<td>{draw_bar(shares.at[label, split] / largest, split)}"
            f" {shares.at[label, split]:.1%}</td>"
            for split in splits
        )
        rows.append(f"<tr><td>{html.escape(shorten(label))}</td>{cells}</tr>")
    heads = [name for split in splits for name in (f"#{split}", "Share")]
    n_left = len(counts) - _MOST_CLASSES
    more = f"<p>and {n_left:,} smaller classes</p>" if n_left > 0 else ""
    return _table(("Class", *heads), rows) + more


def _legend(splits: Iterable[str]) -> str:
    return "".join(
        f'<span class="key" style="background: {COLOURS[split]}"></span>{split}' for split in splits
    )


def _table(heads: Sequence[str], rows: Sequence[str]) -> str:
    cells = "".join(
        f'<th class="number">{head[1:]}</th>' if head.startswith("#") else f"<th>{head}</th>"
        for head in heads
    )
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
