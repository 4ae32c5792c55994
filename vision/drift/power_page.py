"""What a model's drift check will see, as one HTML file that loads nothing and runs nothing."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from string import Template

from vision.drift.corruptions import describe
from vision.drift.detector_file import DetectorFile
from vision.drift.power_figures import corruption_strip, power_map
from vision.drift.power_table import CLEAN, PowerTable
from vision.drift.power_words import calibrated, describe_power, false_alarms, method
from vision.images.types import Pixels

TITLE = "What this model's drift check will see"

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="color-scheme" content="light">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
.power { font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  color: #1b1f24; background: #fff; max-width: 1200px; margin: 0 auto; padding: 1rem; }
.power h1 { font-size: 1.4rem; margin: 0 0 .5rem; }
.power h2 { font-size: 1.1rem; margin: 1.5rem 0 .4rem; }
.power img { max-width: 100%; height: auto; display: block; }
.power ul { margin: .3rem 0; padding-left: 1.3rem; }
.power .missed { padding: .1rem .9rem .4rem; border-radius: 6px; background: #ffebe9; }
.power .missed h2 { margin-top: .6rem; color: #82071e; }
.power .wide { overflow-x: auto; }
.power table { border-collapse: collapse; font-size: .85rem; }
.power th, .power td { padding: .2rem .6rem; border-bottom: 1px solid #d0d7de; text-align: left; }
.power td.number, .power th.number { text-align: right; font-variant-numeric: tabular-nums; }
</style>
</head>
<body>
$section
</body>
</html>
""")


def render_power_page(
    table: PowerTable, examples: Sequence[Pixels], detectors: DetectorFile | None = None
) -> str:
    """Returns a whole page.

    Args:
      table: what was measured.
      examples: a few of the model's images, ``(h, w, 3)`` RGB uint8; the first is shown under each
        change. None shows no examples.
      detectors: what was tried, to say how the thresholds were found.
    """
    section = render_power_section(table, examples, detectors)
    return _PAGE.substitute(title=escape(TITLE), section=section)


def render_power_section(
    table: PowerTable, examples: Sequence[Pixels], detectors: DetectorFile | None = None
) -> str:
    """Returns the page's one ``<section>``, styled by the page."""
    said = describe_power(table)
    idle = [f"{kind}: it changes no pixel of these images." for kind in said.without_effect]
    missed = _listed("Not seen, though fewer answers are right", said.missed)
    parts = [
        f"<h1>{escape(TITLE)}</h1>",
        f"<p>{escape(method(table))}</p><p>{escape(false_alarms(table))}</p>",
        f"<p>{escape(calibrated(detectors))}</p>" if detectors else "",
        f'<div class="missed">{missed}</div>' if missed else "",
        _listed("Not seen", [*said.unseen, *idle]),
        _picture("Windows in which drift was found", power_map(table)),
        "<p>In percent; what is promised is bold. Nothing was done to the images of row one.</p>",
        _listed("Seen", said.seen),
        _picture("One image under each change", corruption_strip(examples)) if examples else "",
        f"<details><summary>Every number, view by view</summary>{_numbers(table)}</details>",
    ]
    return f'<section class="power">{"".join(parts)}</section>'


def _listed(title: str, sentences: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<h2>{escape(title)}</h2><ul>{items}</ul>" if items else ""


def _picture(title: str, png: bytes) -> str:
    source = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
    return f'<h2>{escape(title)}</h2><img alt="{escape(title)}" src="{source}">'


def _numbers(table: PowerTable) -> str:
    """Returns all entries; shares are percent of the windows."""
    heads = ("change", "severity", "strength", "images", "found (%)", *_percent(table.views))
    head = "".join(f"<th{_number(place)}>{escape(name)}</th>" for place, name in enumerate(heads))
    rows = []
    for entry in table.entries:
        strength = "" if entry.kind == CLEAN else describe(entry.kind, entry.severity)
        shares = (entry.share, *(entry.by_view[view] for view in table.views))
        cells = (
            entry.kind,
            str(entry.severity),
            strength,
            f"{entry.size:,}",
            *(f"{100 * share:.4g}" for share in shares),
        )
        rows.append(
            "".join(f"<td{_number(place)}>{escape(cell)}</td>" for place, cell in enumerate(cells))
        )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    whole = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="wide"><table>{whole}</table></div>'


def _percent(views: Iterable[str]) -> list[str]:
    return [f"{view} (%)" for view in views]


def _number(place: int) -> str:
    return "" if place in (0, 2) else ' class="number"'
