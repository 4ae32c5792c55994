"""The tables of docs/drift-tables.md as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean, median_low

from false_alarms import Alarms
from streams import N_SEEDS, Detection

from vision.drift.detectors import DetectorFile
from vision.drift.power_table import PowerTable


def false_alarms(procedure: Sequence[Alarms], bundle: Sequence[Alarms]) -> Iterator[str]:
    """Yields the table of whole checks."""
    yield "| wanted | the procedure | this bundle |"
    yield "|---|---|---|"
    for of_procedure, of_bundle in zip(procedure, bundle, strict=True):
        yield (
            f"| {_percent(of_procedure.rate)} "
            f"| {_percent(of_procedure.share)} ± {_percent(of_procedure.error)} "
            f"| {_percent(of_bundle.share)} |"
        )


def single_tests(procedure: Sequence[Alarms], bundle: Sequence[Alarms], rate: float) -> list[str]:
    """Returns the table of single tests at one wanted rate, procedure first, bundle behind."""
    one, other = (next(e for e in each if e.rate == rate) for each in (procedure, bundle))
    views = tuple(dict.fromkeys(view for view, _ in one.by_test))
    sizes = sorted({size for _, size in one.by_test})
    lines = [
        f"| view | {' | '.join(f'{size} images' for size in sizes)} |",
        f"|---|{'---|' * len(sizes)}",
    ]
    for view in views:
        cells = [f"{_share(one, view, size)} · {_share(other, view, size)}" for size in sizes]
        lines.append(f"| {view} | {' | '.join(cells)} |")
    given = (
        f"Single tests where {_percent(rate)} of checks may raise an alarm, the procedure first, "
        f"this bundle behind; each test was given {_percent(mean(one.levels))}:"
    )
    return [given, "", *lines]


def _share(alarms: Alarms, view: str, size: int) -> str:
    n_alarms = alarms.by_test.get((view, size))
    return "-" if n_alarms is None else _percent(n_alarms / alarms.n_windows)


def detections(found: Sequence[Detection]) -> Iterator[str]:
    """Yields the table of what was seen after how many images."""
    yield "| change | severity | promised | said by | median | worst | in time | seen first in |"
    yield "|---|---|---|---|---|---|---|---|"
    for each in found:
        seen = [n_images for n_images in each.found if n_images is not None]
        middle = f"{median_low(seen):,}" if seen else "-"
        worst = f"{max(seen):,}" if len(seen) == N_SEEDS else f"{len(seen)} of {N_SEEDS} seen"
        told = [_number(each.promised), _number(each.bound)]
        in_time = "-" if each.bound is None else f"{each.n_kept} of {N_SEEDS}"
        yield (
            f"| {each.kind.replace('_', ' ')} | {each.severity} | {' | '.join(told)} | {middle} "
            f"| {worst} | {in_time} | {', '.join(each.moved[:3])} |"
        )


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def powers(table: PowerTable) -> Iterator[str]:
    """Yields the power table: share of windows found, in percent."""
    sizes = table.sizes
    yield f"| change | severity | {' | '.join(f'{size} images' for size in sizes)} | accuracy |"
    yield f"|---|---|{'---|' * len(sizes)}---|"
    for kind, severity in table.changes:
        tried = table.sizes_of(kind, severity)
        shares = " | ".join(
            f"{100 * table.entry(kind, severity, s).share:.0f} %" if s in tried else "not tried"
            for s in sizes
        )
        accuracy = table.harm(kind, severity).accuracy
        shown = "-" if accuracy is None else f"{accuracy:.2f}"
        yield f"| {kind.replace('_', ' ')} | {severity or ''} | {shares} | {shown} |"


def about(file: DetectorFile, table: PowerTable) -> str:
    """Returns what the tables were made with."""
    return (
        f"{file.n_reference:,} reference rows, {file.detector.upper()} with {file.correction}, "
        f"windows of {', '.join(map(str, file.sizes))}, a check every {file.every_n} images, "
        f"wanted {file.false_alarms!r}; {table.n_images:,} images of the {table.split} split in "
        "the power table."
    )


def not_measured(sizes: Sequence[int], n_fresh: int) -> str:
    """Returns which windows raise false alarms that nobody counted; empty where none does."""
    missing = ", ".join(f"{size:,}" for size in sizes if size > n_fresh)
    if not missing:
        return ""
    return (
        f"False alarms of windows of {missing} were not measured: there are {n_fresh:,} fresh "
        "images."
    )


def kept(found: Sequence[Detection], every_n: int, n_images: int, *, is_unseen: bool) -> str:
    """Returns how many promises were kept, and by which images."""
    promises = [each for each in found if each.promised is not None]
    n_kept = sum(each.n_kept for each in promises)
    n_whole = sum(each.n_kept == N_SEEDS for each in promises)
    images = (
        "that the power table did not use"
        if is_unseen
        else "of the power table itself, for want of others"
    )
    return (
        f"{N_SEEDS} streams for each change, of {n_images:,} images {images}; the change comes "
        f"anywhere between two checks, so drift is to be said by the promise and {every_n} images. "
        f"It was in {n_kept:,} of {N_SEEDS * len(promises):,} streams; {n_whole} of "
        f"{len(promises)} promises were kept by all of theirs."
    )


def write_between_marks(page: Path, name: str, lines: Sequence[str]) -> None:
    """Replaces what stands between ``<!-- NAME -->`` and ``<!-- end of NAME -->`` of a page.

    Raises:
      SystemExit: the page has no such marks.
    """
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    text = "\n".join(lines)
    written, n_found = marks.subn(
        lambda found: f"{found[1]}{text}\n{found[2]}", page.read_text(encoding="utf-8")
    )
    if n_found != 1:
        raise SystemExit(
            f"{page} must have the marks of {name!r} once, and has them {n_found} times"
        )
    page.write_text(written, encoding="utf-8")


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
