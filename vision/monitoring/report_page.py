"""The page of a monitoring report: one HTML file, no script, no network, read in a minute.

Order: for each model version the verdict with what moved and the next move, the evidence, example
images, confidence and accuracy by day, image properties and classes; then earlier runs. Names
come from folders and from requests, so everything is escaped.
"""

from __future__ import annotations

import html
from pathlib import Path

from vision.monitoring.next_move import join_words
from vision.monitoring.page_images import Pictures, examples
from vision.monitoring.page_parts import (
    accuracy_card,
    classes_card,
    confidence_card,
    evidence_card,
    properties_card,
    timeline_card,
)
from vision.monitoring.page_template import PAGE
from vision.monitoring.report import HistoryEntry, MonitoringReport, VersionReport
from vision.validation.shorten import shorten
from vision.wording import count, one_line

VERDICT_WORDS = {
    "ok": "No drift",
    "drift": "Drift",
    "too_few": "Too few predictions to tell",
    "no_traffic": "No traffic",
    "error": "Could not be checked",
}
_MOST_RUNS = 30


def write_page(report: MonitoringReport, images: Path | None = None) -> str:
    """Returns the page.

    Args:
      report: what monitoring found.
      images: the folder that the paths of kept images are relative to; None shows none. Files that
        are missing, lie outside of it or are no image are shown as blanks.
    """
    pictures = Pictures.of(images)
    parts = [_version(version, pictures) for version in report.versions]
    if not parts:
        parts = [
            '<div class="verdict no_traffic"><b>No traffic</b><p>No version of this model '
            "predicted anything in the period. Check that the service is up and that this is the "
            "log it writes to.</p></div>"
        ]
    return PAGE.substitute(
        title=f"Monitoring of {_name(report.name)}",
        facts=html.escape(
            f"{report.since:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M} UTC, checked "
            f"{report.created_at:%Y-%m-%d %H:%M} UTC"
        ),
        versions="".join(parts),
        history=_history(report.history),
    )


def _version(version: VersionReport, pictures: Pictures) -> str:
    head = f"<h2>Version {_name(version.version)}</h2>{_verdict(version)}"
    if not version.n_predictions or version.verdict == "error":
        return head
    tests = f"{evidence_card(version)}{timeline_card(version)}"
    course = f"{confidence_card(version)}{accuracy_card(version)}"
    return (
        f'{head}<div class="cards">{tests}</div>{examples(version, pictures)}'
        f'<div class="cards">{course}</div>{properties_card(version)}{classes_card(version)}'
    )


def _verdict(version: VersionReport) -> str:
    words = VERDICT_WORDS[version.verdict]
    moved = f" in {join_words(version.moved)}" if version.moved else ""
    problem = f"<p>{_text(version.problem)}</p>" if version.problem else ""
    return (
        f'<div class="verdict {version.verdict}"><b>{html.escape(words + moved)}</b>{problem}'
        f"<p><strong>Next:</strong> {_text(version.next_move)}</p></div>"
        f'<p class="facts">{html.escape(_facts(version))}</p>'
    )


def _facts(version: VersionReport) -> str:
    facts = [count(version.n_predictions, "prediction")]
    if version.first and version.last:
        facts.append(f"{version.first:%Y-%m-%d %H:%M} to {version.last:%Y-%m-%d %H:%M} UTC")
    if version.accuracy and version.n_predictions:
        facts.append(f"{count(version.accuracy.live.n, 'label')} from feedback")
        facts.append(f"{version.n_measured:,} measured")
    return ", ".join(facts)


def _history(entries: tuple[HistoryEntry, ...]) -> str:
    if not entries:
        return ""
    rows = "".join(_run(entry) for entry in reversed(entries[-_MOST_RUNS:]))
    heads = (
        "Run (UTC)",
        "Version",
        "Verdict",
        "Predictions",
        "Moved",
        "Smallest p-value ÷ threshold",
        "Live accuracy",
    )
    head = "".join(f"<th>{name}</th>" for name in heads)
    return (
        f'<h2>Earlier runs</h2><div class="card scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _run(entry: HistoryEntry) -> str:
    cells = (
        f"{entry.created_at:%Y-%m-%d %H:%M}",
        _name(entry.version),
        f'<span class="badge {entry.verdict}">{VERDICT_WORDS[entry.verdict]}</span>',
        f"{entry.n_predictions:,}",
        html.escape(", ".join(entry.moved)) or "–",
        "–" if entry.p_value is None else f"{entry.p_value:.2g}",
        "–" if entry.accuracy is None else f"{entry.accuracy:.3f}",
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _name(text: str) -> str:
    return html.escape(shorten(one_line(text)))


def _text(text: str) -> str:
    return html.escape(one_line(shorten(text, 2_000)))
