"""The page that shows what validation found: one HTML file, no script of ours, no network.

Order: verdict, our findings with thumbnails, gates, checks within their limits, and last the data
validator's own section in a sandboxed frame, which neither sees the page nor restyles it.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from string import Template

from vision.validation.page_template import PAGE
from vision.validation.report import Finding, Gate

Thumbnail = Callable[[str], bytes | None]

MAX_THUMBNAILS = 24
MAX_PATHS = 200
# Leaves room for the data validator's section (5.1 MB with Deepchecks) in a page of 10 MB.
_THUMBNAIL_BUDGET_BYTES = 3_000_000


@dataclass(frozen=True)
class Page:
    """What the page shows.

    Attributes:
      validator: the flavor's name.
      n_images: images per split.
      n_classes: number of classes.
      findings: errors first.
      gates: in the order of the configuration.
      section: the data validator's own HTML document; empty for none.
    """

    validator: str
    n_images: Mapping[str, int]
    n_classes: int
    findings: Sequence[Finding] = ()
    gates: Sequence[Gate] = ()
    section: str = ""


@dataclass
class _Pictures:
    """Hands out pictures as data URIs until the page has enough of them."""

    thumbnail: Thumbnail | None
    left_bytes: int = _THUMBNAIL_BUDGET_BYTES
    made: dict[str, str] = field(default_factory=dict)

    def source(self, path: str) -> str | None:
        if self.thumbnail is None or self.left_bytes <= 0:
            return None
        if path not in self.made:
            png = self.thumbnail(path)
            encoded = base64.b64encode(png).decode("ascii") if png else ""
            self.made[path] = f"data:image/png;base64,{encoded}" if encoded else ""
        self.left_bytes -= len(self.made[path])
        return self.made[path] or None


def render_page(page: Page, thumbnail: Thumbnail | None = None) -> str:
    """Renders the page.

    Args:
      page: what it shows.
      thumbnail: gives a PNG file for a relative path, or None where there is nothing to see. It is
        called for at most 24 images per finding.

    Returns:
      a whole HTML document that loads nothing.
    """
    pictures = _Pictures(thumbnail)
    within = [found for found in page.findings if found.severity == "info" and not found.images]
    cards = "".join(_card(found, pictures) for found in page.findings if found not in within)
    return Template(PAGE).substitute(
        verdict=_verdict(page.findings, page.gates),
        facts=html.escape(_facts(page)),
        findings=cards or "<p>No check found anything to look at.</p>",
        gates=_gates(page.gates),
        within=_within(within),
        section=_section(page),
    )


def _verdict(findings: Sequence[Finding], gates: Sequence[Gate]) -> str:
    failed = [gate for gate in gates if not gate.passed]
    if failed:
        reasons = "; ".join(html.escape(gate.sentence) for gate in failed)
        return f'<p class="verdict error">Stopped: {reasons}</p>'
    n_errors = sum(finding.severity == "error" for finding in findings)
    n_warnings = sum(finding.severity == "warning" for finding in findings)
    if not n_errors and not n_warnings:
        return '<p class="verdict info">Nothing to worry about</p>'
    kind = "error" if n_errors else "warning"
    counts = f"{_count(n_errors, 'error')}, {_count(n_warnings, 'warning')}"
    return f'<p class="verdict {kind}">Not stopped: {counts}</p>'


def _facts(page: Page) -> str:
    splits = ", ".join(f"{split} {n:,}" for split, n in page.n_images.items())
    total = _count(sum(page.n_images.values()), "image")
    classes = _count(page.n_classes, "class", "classes")
    return f"{total} ({splits}), {classes}; data validator {page.validator}"


def _count(n: int, one: str, many: str | None = None) -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def _card(finding: Finding, pictures: _Pictures) -> str:
    value = "" if finding.value is None else f'<span class="value">{finding.value:.4g}</span>'
    return (
        f'<section class="card {finding.severity}"><h3><span class="badge">{finding.severity}'
        f"</span> <code>{html.escape(finding.check)}</code> {value}</h3>"
        f"<p>{html.escape(finding.message)}</p>{_images(finding.images, pictures)}</section>"
    )


def _images(paths: Sequence[str], pictures: _Pictures) -> str:
    if not paths:
        return ""
    shown = [_figure(path, pictures) for path in islice(paths, MAX_THUMBNAILS)]
    grid = f'<div class="grid">{"".join(shown)}</div>'
    rest = paths[MAX_THUMBNAILS:]
    if not rest:
        return grid
    listed = "".join(f"<li>{html.escape(path)}</li>" for path in rest[:MAX_PATHS])
    n_unlisted = len(rest) - MAX_PATHS
    unlisted = f"<p>and {n_unlisted:,} more, named in the report artifact</p>"
    return (
        f"{grid}<details><summary>{len(rest):,} more images</summary><ul>{listed}</ul>"
        f"{unlisted if n_unlisted > 0 else ''}</details>"
    )


def _figure(path: str, pictures: _Pictures) -> str:
    name = html.escape(path)
    source = pictures.source(path)
    picture = (
        f'<img src="{source}" alt="{name}">' if source else '<div class="blank">no picture</div>'
    )
    return f'<figure title="{name}">{picture}<figcaption>{name}</figcaption></figure>'


def _gates(gates: Sequence[Gate]) -> str:
    if not gates:
        return "<p>The configuration names no <code>validation.fail_on</code> condition.</p>"
    rows = "".join(
        f'<tr><td class="{"info" if gate.passed else "error"}">'
        f"{'passed' if gate.passed else 'failed'}</td><td><code>{html.escape(gate.name)}</code>"
        f"</td><td>{_number(gate.value)}</td><td>{html.escape(gate.rule)}</td></tr>"
        for gate in gates
    )
    return _table(("Gate", "Check", "Value", "Required"), rows)


def _within(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    rows = "".join(
        f"<tr><td><code>{html.escape(finding.check)}</code></td><td>{_number(finding.value)}</td>"
        f"<td>{html.escape(finding.message)}</td></tr>"
        for finding in findings
    )
    return f"<h2>Within limits</h2>{_table(('Check', 'Value', 'Measured'), rows)}"


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.4g}"


def _table(heads: Sequence[str], rows: str) -> str:
    head = "".join(f"<th>{name}</th>" for name in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _section(page: Page) -> str:
    if not page.section:
        return ""
    # The sandbox lets the section draw its charts but keeps it out of this page: class names come
    # from folder names, and not every validator escapes them.
    return (
        f"<h2>Report of {html.escape(page.validator)}</h2>"
        # A viewer that runs no scripts, such as ZenML's dashboard, would show gaps without a word.
        "<noscript><p>Charts are left out here. Download this page and open it to see them."
        "</p></noscript>"
        '<iframe sandbox="allow-scripts allow-popups" title="Report of the data validator" '
        f'srcdoc="{html.escape(page.section, quote=True)}"></iframe>'
    )
