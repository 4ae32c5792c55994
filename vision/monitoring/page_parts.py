"""The cards of the monitoring page: a chart each, what its marks mean, and what to make of it."""

from __future__ import annotations

import html

from vision.drift.names import VIEWS
from vision.monitoring.bar_figures import MOST_CLASSES, class_shares, evidence
from vision.monitoring.figures import accuracy_chart, daily_share, distribution, timeline
from vision.monitoring.report import VersionReport
from vision.monitoring.report_parts import AccuracyReport, PropertyReport, TrendReport
from vision.validation.shorten import shorten
from vision.wording import count, one_line

_SURE = 0.01
_LEAST_TILES = 8


def evidence_card(version: VersionReport) -> str:
    """Returns every test against its threshold."""
    chart = evidence(version.tests)
    if not chart:
        return _card("Evidence", "<p>There were too few predictions to test anything.</p>")
    sizes = sorted({test["n_images"] for test in version.tests})
    key = _key(("kbad", "drift"), ("k0", "within its threshold"))
    note = (
        f"Newest {', '.join(f'{size:,}' for size in sizes)} images, a larger dot for more. "
        "Thresholds are calibrated so that all of it together rarely raises a false alarm."
    )
    return _card("Evidence: is it drift?", f"{chart}{key}{_note(note)}")


def timeline_card(version: VersionReport) -> str:
    """Returns the tests day by day."""
    chart = timeline(version.days)
    if not chart:
        return ""
    seen = {view for day in version.days for view in day.tests}
    key = _key(*((f"k{i}", view) for i, view in enumerate(VIEWS) if view in seen))
    note = (
        "The newest rows of each day, most telling size of each view. A single day below the line "
        "can be chance: the thresholds are made for one look, and here are many."
    )
    return _card("Since when?", f"{chart}{key}{_note(note)}")


def confidence_card(version: VersionReport) -> str:
    """Returns confidence and abstentions day by day."""
    confidence = daily_share(version.days, "confidence", "mean winning probability")
    if not confidence:
        return ""
    abstained = daily_share(version.days, "abstained", "share abstained")
    trends = " ".join(
        _trend(name, version.trends[key])
        for key, name in (("confidence", "Confidence"), ("abstained", "The share abstained"))
        if key in version.trends
    )
    note = _note(f"Marks are means with their 95 % interval. {trends}")
    return _card("Confidence and abstentions", f"{confidence}{abstained}{note}")


def accuracy_card(version: VersionReport) -> str:
    """Returns live accuracy and what it may be without labels."""
    accuracy = version.accuracy
    if accuracy is None:
        return ""
    said = [_live(accuracy)]
    estimate = version.estimate
    if estimate is not None:
        said.append(
            f"Without labels, from confidence alone, it may be {estimate.atc:.3f} (ATC) or "
            f"{estimate.confidence:.3f} (difference of confidences); it was "
            f"{estimate.reference:.3f} on the reference set. Both miss confident mistakes, such as "
            "on noisy images or unknown things, and are then too hopeful."
        )
    chart = accuracy_chart(
        version.days, accuracy.live, accuracy.expected, estimate.atc if estimate else None
    )
    key = (
        _key(("k0", "live, with 95 % interval"), ("kbad", "in the evaluation"), ("k1", "ATC"))
        if chart
        else ""
    )
    paragraphs = "".join(f"<p>{html.escape(one_line(text))}</p>" for text in said)
    return _card("Accuracy", f"{paragraphs}{chart}{key}")


def properties_card(version: VersionReport) -> str:
    """Returns how image properties and confidence are distributed, those that moved most first."""
    confidence = (version.confidence,) if version.confidence else ()
    compared = sorted([*version.properties, *confidence], key=lambda each: -each.statistic)
    if not compared:
        return ""
    n_shown = max(_LEAST_TILES, sum(each.is_moved for each in compared))
    tiles = f'<div class="grid">{"".join(map(_tile, compared[:n_shown]))}</div>'
    if rest := compared[n_shown:]:
        tiles += (
            f"<details><summary>{len(rest)} more, whose distributions are closer</summary>"
            f'<div class="grid">{"".join(map(_tile, rest))}</div></details>'
        )
    key = _key(("kref fill", "reference set"), ("k0", "predictions of the whole period"))
    note = (
        "Properties in the order of how far their distributions are apart (D, "
        "Kolmogorov-Smirnov); at the ends of each axis is what lies beyond it."
    )
    return _card("Image properties and confidence", f"{key}{tiles}{_note(note)}")


def classes_card(version: VersionReport) -> str:
    """Returns how often each class is predicted."""
    chart = class_shares(version.classes.shares)
    if not chart:
        return ""
    k = len(version.classes.shares)
    key = _key(("k0 fill", "predictions of the whole period"), ("kink", "reference set"))
    p_value = version.classes.p_value
    note = "" if p_value is None else f"Chi-squared test of all classes: p = {p_value:.2g}. "
    if k > MOST_CLASSES:
        note += f"Of {k:,} classes, the {MOST_CLASSES} whose share moved most are shown."
    return _card("Predicted classes", f'<div class="scroll">{chart}</div>{key}{_note(note)}')


def _live(accuracy: AccuracyReport) -> str:
    live = accuracy.live
    if live.value is None:
        return "Nobody has said what an image really was, so the live accuracy is not known."
    said = (
        f"Live accuracy is {live.value:.3f} (95 % interval {live.low:.3f} to {live.high:.3f}, "
        f"{count(live.n, 'label')})"
    )
    said += "" if accuracy.expected is None else f"; it was {accuracy.expected:.3f} when evaluated"
    said += ". Feedback is rarely a random sample, and the interval knows nothing of that."
    if accuracy.n_unknown:
        names = ", ".join(shorten(name, 40) for name in accuracy.unknown)
        said += f" {count(accuracy.n_unknown, 'label')} are no class of the model: {names}."
    if accuracy.n_several:
        said += f" {count(accuracy.n_several, 'image')} with several labels are not counted."
    return said


def _trend(name: str, trend: TrendReport) -> str:
    if trend.p_value >= _SURE:
        return f"{name} shows no trend over {trend.n_days} days (p = {trend.p_value:.2g})."
    direction = "rises" if trend.slope > 0 else "falls"
    return f"{name} {direction} by {abs(trend.slope):.2g} a day (p = {trend.p_value:.2g})."


def _tile(each: PropertyReport) -> str:
    finding = f"<p class='small'>{html.escape(one_line(each.finding))}</p>" if each.finding else ""
    return (
        f'<div class="tile{" moved" if each.is_moved else ""}"><h4>{html.escape(each.name)} '
        f'<span class="soft">D = {each.statistic:.2f}</span></h4>{distribution(each)}{finding}'
        "</div>"
    )


def _card(heading: str, body: str) -> str:
    return f'<section class="card"><h3>{heading}</h3>{body}</section>'


def _note(text: str) -> str:
    return f'<p class="soft small">{html.escape(text)}</p>' if text.strip() else ""


def _key(*entries: tuple[str, str]) -> str:
    spans = []
    for kind, said in entries:
        colour, _, fill = kind.partition(" ")
        spans.append(f'<span class="{colour}"><i class="{fill}"></i>{html.escape(said)}</span>')
    return f'<p class="key">{"".join(spans)}</p>'
