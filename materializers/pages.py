"""Small pages for the dashboard: complete HTML files that load nothing from a network."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

import pandas as pd

_STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; margin: 1.5rem; color: #1f2933; background: #fff; }
h1 { font-size: 1.25rem; } h2 { font-size: 1.05rem; margin-top: 1.5rem; }
table { border-collapse: collapse; } th, td { padding: .25rem .75rem; text-align: left; }
th { border-bottom: 2px solid #cbd2d9; } td { border-bottom: 1px solid #e4e7eb; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.passed { color: #0b6e4f; } .failed { color: #b42318; font-weight: 600; }
img { max-width: 100%; } code { background: #f0f2f4; padding: 0 .25rem; }
"""


def page(title: str, *parts: str) -> str:
    """Returns a complete HTML page.

    Args:
      title: plain text.
      parts: pieces of HTML in order; the caller has escaped what comes from data.
    """
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1>{''.join(parts)}</body></html>"
    )


def heading(text: str) -> str:
    """Returns a second-level heading."""
    return f"<h2>{escape(text)}</h2>"


def paragraph(text: str) -> str:
    """Returns a paragraph of plain text."""
    return f"<p>{escape(text)}</p>"


def image(png: bytes, description: str) -> str:
    """Returns a PNG image inside the page itself."""
    encoded = base64.b64encode(png).decode("ascii")
    return f'<img alt="{escape(description)}" src="data:image/png;base64,{encoded}">'


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Returns a table; columns of numbers are aligned right, passed and failed are coloured."""
    kept = [list(row) for row in rows]
    is_number = [bool(kept) and all(map(_is_number, column)) for column in zip(*kept, strict=True)]
    is_number = is_number or [False] * len(header)
    aligned = [' class="number"' if number else "" for number in is_number]
    head = "".join(f"<th{kind}>{escape(n)}</th>" for n, kind in zip(header, aligned, strict=True))
    body = "".join(f"<tr>{''.join(map(_cell, row, aligned))}</tr>" for row in kept)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def frame(data: pd.DataFrame, index_name: str) -> str:
    """Returns a data frame as a table, its index as the first column."""
    header = [index_name, *map(str, data.columns)]
    return table(
        header,
        ([index, *row] for index, row in zip(data.index, data.to_numpy().tolist(), strict=True)),
    )


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _cell(value: object, aligned: str) -> str:
    if value in ("passed", "failed"):
        aligned = f' class="{value}"'
    return f"<td{aligned}>{escape(_text(value))}</td>"


def _text(value: object) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
