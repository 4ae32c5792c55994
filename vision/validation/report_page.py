"""The page that shows what validation found: one HTML file, no script of ours, no network.

Order: verdict, our findings with thumbnails, gates, checks within their limits, and last the data
validator's own section in a sandboxed frame, which neither sees the page nor restyles it.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from vision.validation.page_template import PAGE
from vision.validation.report import Finding, Gate
from vision.validation.shorten import shorten

Thumbnail = Callable[[str], bytes | None]

MAX_THUMBNAILS = 24
MAX_PATHS = 200
# Together below 10 MB, whatever the data validator (5.8 MB with Deepchecks) and the names are.
_THUMBNAIL_BUDGET_BYTES = 2_400_000
_NAMES_BUDGET_BYTES = 800_000
_SECTION_BUDGET_BYTES = 6_500_000
_MOST_MESSAGE_CHARACTERS = 1_000


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
    left_name_bytes: int = _NAMES_BUDGET_BYTES
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

    def name(self, lines: Iterable[str]) -> list[str]:
        """Returns the lines that the page has room for; what they name is in the artifact too."""
        kept = []
        for line in lines:
            self.left_name_bytes -= len(line.encode())
            if self.left_name_bytes < 0:
                break
            kept.append(line)
        return kept


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
    return PAGE.substitute(
        title="Dataset validation",
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
    message = html.escape(shorten(finding.message, _MOST_MESSAGE_CHARACTERS))
    return (
        f'<section class="card {finding.severity}"><h3><span class="badge">{finding.severity}'
        f"</span> <code>{html.escape(finding.check)}</code> {value}</h3>"
        f"<p>{message}</p>{_images(finding, pictures)}</section>"
    )


def _images(finding: Finding, pictures: _Pictures) -> str:
    if not finding.images:
        return ""
    noted = list(zip_longest(finding.images, finding.notes[: finding.n_images], fillvalue=""))
    captions = pictures.name(_caption(path, note) for path, note in noted[:MAX_THUMBNAILS])
    shown = [_figure(*each, pictures) for each in zip(finding.images, captions, strict=False)]
    grid = f'<div class="grid">{"".join(shown)}</div>'
    n_rest = finding.n_images - len(shown)
    if not n_rest:
        return grid
    end = len(shown) + MAX_PATHS
    listed = pictures.name(_line(path, note) for path, note in noted[len(shown) : end])
    n_unlisted = n_rest - len(listed)
    unlisted = f"<p>and {n_unlisted:,} more, named in findings.parquet of the report artifact</p>"
    return (
        f"{grid}<details><summary>{_count(n_rest, 'more image')}</summary>"
        f"<ul>{''.join(listed)}</ul>{unlisted if n_unlisted > 0 else ''}</details>"
    )


def _line(path: str, note: str) -> str:
    said = f' <span class="note">{html.escape(shorten(note))}</span>' if note else ""
    return f"<li>{html.escape(shorten(path))}{said}</li>"


def _caption(path: str, note: str) -> str:
    said = f'<div class="note">{html.escape(shorten(note))}</div>' if note else ""
    name = html.escape(shorten(path))
    return f'<figcaption><span class="path" title="{name}">{name}</span>{said}</figcaption>'


def _figure(path: str, caption: str, pictures: _Pictures) -> str:
    source = pictures.source(path)
    # The caption under it says what it is; a second time would only be read out twice.
    picture = f'<img src="{source}" alt="">' if source else '<div class="blank">no picture</div>'
    return f"<figure>{picture}{caption}</figure>"


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
        f"<td>{html.escape(shorten(finding.message, _MOST_MESSAGE_CHARACTERS))}</td></tr>"
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
    head = f"<h2>Report of {html.escape(page.validator)}</h2>"
    section = html.escape(page.section, quote=True)
    n_bytes = len(section.encode())
    if n_bytes > _SECTION_BUDGET_BYTES:
        return (
            f"{head}<p>Left out: its {n_bytes / 1e6:.1f} MB would make this page larger than "
            "10 MB. Everything it measured is above.</p>"
        )
    # The sandbox lets the section draw its charts but keeps it out of this page: class names come
    # from folder names, and not every validator escapes them.
    return (
        f"{head}"
        # A viewer that runs no scripts, such as ZenML's dashboard, would show gaps without a word.
        "<noscript><p>Charts are left out here. Download this page and open it to see them."
        "</p></noscript>"
        '<iframe sandbox="allow-scripts allow-popups" title="Report of the data validator" '
        f'srcdoc="{section}"></iframe>'
    )
