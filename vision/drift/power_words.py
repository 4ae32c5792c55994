"""A power table in sentences: what is seen after how many images, and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vision.drift.corruptions import describe
from vision.drift.detector_file import DetectorFile
from vision.drift.power_table import CLEAN, SURE, PowerTable
from vision.wording import count

# Of the answers: a smaller loss is within what another choice of images would show.
_HARM = 0.01


@dataclass(frozen=True)
class PowerSentences:
    """What a power table says.

    Attributes:
      seen: a sentence for each change that is promised to be seen.
      missed: those that are not, although fewer answers are right.
      unseen: the others that are not, and those that were not tried.
      without_effect: kinds that change none of these images.
    """

    seen: tuple[str, ...]
    missed: tuple[str, ...]
    unseen: tuple[str, ...]
    without_effect: tuple[str, ...]


def describe_power(table: PowerTable) -> PowerSentences:
    """Puts every change of the table in one of the lists, in the table's order."""
    seen, missed, unseen = [], [], []
    idle = without_effect(table)
    for kind, severity in table.changes:
        if kind == CLEAN or kind in idle:
            continue
        if table.promise(kind, severity) is not None:
            seen.append(_seen(table, kind, severity))
        elif _loss(table, kind, severity) > _HARM:
            missed.append(_unseen(table, kind, severity))
        else:
            unseen.append(_unseen(table, kind, severity))
    return PowerSentences(tuple(seen), tuple(missed), tuple(unseen), idle)


def without_effect(table: PowerTable) -> tuple[str, ...]:
    """Returns the kinds that change no pixel, such as swapped channels where all is gray."""
    changed: dict[str, float] = {}
    for harm in table.harms:
        changed[harm.kind] = max(changed.get(harm.kind, 0.0), harm.changed)
    kinds = (kind for kind, share in changed.items() if share == 0.0)
    return tuple(kind for kind in kinds if kind not in (CLEAN, "class_shift"))


def method(table: PowerTable) -> str:
    """Returns how the table was measured and what "seen" means, for people."""
    sure = f"{SURE:.0%}"
    windows = max(entry.n_windows for entry in table.entries if entry.kind != CLEAN)
    sentences = [
        f"{count(table.n_images, 'image')} of the {table.split} split were changed on purpose and "
        f"put through the model and its drift check, {windows} windows for each change and number "
        "of images.",
        f"“Seen after 100 images” means that in {sure} of the windows of 100 changed images, or "
        "more, drift was found.",
        f"The service checks every {count(table.every_n, 'image')}, so it tells at most so many "
        "images later.",
    ]
    if table.split == "validation":
        sentences.append(
            "There is no test split; half of the reference set was changed, and compared with the "
            "other half."
        )
    if table.not_tried:
        sizes = ", ".join(f"{size:,}" for size in table.not_tried)
        sentences.append(
            f"Windows of {sizes} images were not tried, for want of twice as many; the service "
            "uses them too."
        )
    sentences += [
        f"{change_name(kind, severity)} was not tried with windows of "
        f"{', '.join(f'{size:,}' for size in sizes)} images: no class has so many that none would "
        "come twice."
        for kind, severity, sizes in _partly_tried(table)
    ]
    return " ".join(sentences)


def _partly_tried(table: PowerTable) -> list[tuple[str, int, tuple[int, ...]]]:
    """Returns the changes that were tried with fewer sizes than others, and the sizes missing."""
    missing = [
        (kind, severity, tuple(sorted({*table.sizes} - {*table.sizes_of(kind, severity)})))
        for kind, severity in table.changes
    ]
    return [each for each in missing if each[2]]


def false_alarms(table: PowerTable) -> str:
    """Returns how often drift was found where nothing had changed."""
    found = table.entry(CLEAN, 0, table.sizes[-1])
    n_found = round(found.share * found.n_windows)
    # One image set stands behind all of them, so one unlucky set of images shows in many.
    return (
        f"Of {count(found.n_windows, 'window')} of {count(found.size, 'image')} that nothing was "
        f"done to, {n_found:,} raised a false alarm; the wanted rate is one check in "
        f"{1 / table.alarm_rate:,.0f}."
    )


def calibrated(detectors: DetectorFile) -> str:
    """Returns what the thresholds were found with."""
    return (
        f"The thresholds were found with {count(detectors.n_draws, 'check')} without drift, drawn "
        f"from {count(detectors.n_reference, 'reference image')}; {detectors.measured_rate:.2%} of "
        f"these very checks raise an alarm, and {detectors.alarm_rate:.2%} were wanted."
    )


def change_name(kind: str, severity: int) -> str:
    """Returns a change for people: ``blur 2 (over 2% of the side)``."""
    return f"{kind} {severity} ({describe(kind, severity)})"


def _seen(table: PowerTable, kind: str, severity: int) -> str:
    size = table.promise(kind, severity)
    assert size is not None
    views = table.seen_by(kind, severity)
    by = f"by {', '.join(views)}" if views else "by several views together"
    return (
        f"{change_name(kind, severity)} is seen after {count(size, 'image')}, {by}"
        f"{_answers(table, kind, severity)}."
    )


def _unseen(table: PowerTable, kind: str, severity: int) -> str:
    sizes = table.sizes_of(kind, severity)
    if not sizes:
        return f"{change_name(kind, severity)}: not tried, for want of images of one class."
    size = sizes[-1]
    share = table.entry(kind, severity, size).share
    return (
        f"{change_name(kind, severity)}: found in {share:.0%} of the windows of "
        f"{count(size, 'image')}{_answers(table, kind, severity)}."
    )


def _answers(table: PowerTable, kind: str, severity: int) -> str:
    accuracy, clean = table.harm(kind, severity).accuracy, table.harm(CLEAN, 0).accuracy
    if accuracy is None or clean is None:
        return ""
    return f"; {accuracy:.1%} of the answers are right instead of {clean:.1%}"


def _loss(table: PowerTable, kind: str, severity: int) -> float:
    accuracy, clean = table.harm(kind, severity).accuracy, table.harm(CLEAN, 0).accuracy
    return 0.0 if accuracy is None or clean is None else clean - accuracy


def short_table(table: PowerTable) -> list[tuple[str, ...]]:
    """Returns a row for each kind: its name, and what is seen at severities 1, 2 and 3."""
    idle = without_effect(table)
    kinds = [kind for kind in dict.fromkeys(kind for kind, _ in table.changes) if kind != CLEAN]
    severities: dict[str, Sequence[int]] = {
        kind: [severity for name, severity in table.changes if name == kind] for kind in kinds
    }
    return [
        (kind, *(_short(table, kind, severity, kind in idle) for severity in severities[kind]))
        for kind in kinds
    ]


def _short(table: PowerTable, kind: str, severity: int, is_idle: bool) -> str:
    if is_idle:
        return "changes nothing"
    if not table.sizes_of(kind, severity):
        return "not tried"
    size = table.promise(kind, severity)
    return "not seen" if size is None else f"{size:,}"
