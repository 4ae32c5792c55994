"""Which image of one table is which of another: by content first, then by path."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from vision.datasets.table import AnnotationTable


@dataclass(frozen=True)
class Row:
    """What a comparison needs of an image."""

    path: str
    sha256: str
    label: str
    split: str
    group: str


@dataclass(frozen=True)
class Matches:
    """The images of two tables.

    Attributes:
      same: pairs (before, after) of equal bytes.
      changed: pairs of equal path and other bytes.
      removed: images before that are nowhere after.
      added: images after that were nowhere before.
    """

    same: Sequence[tuple[Row, Row]]
    changed: Sequence[tuple[Row, Row]]
    removed: Sequence[Row]
    added: Sequence[Row]


# Of several copies of one image, the likeliest partner first: copies are told apart by what stayed
# the same, and in the end by the order of their paths.
_LIKENESS: tuple[Callable[[Row], object], ...] = (
    lambda row: row.path,
    lambda row: (row.label, row.split, PurePosixPath(row.path).name),
    lambda row: (row.label, row.split),
    lambda row: (row.split, PurePosixPath(row.path).name),
    lambda row: (row.label, PurePosixPath(row.path).name),
    lambda row: row.label,
    lambda row: row.split,
    lambda row: None,
)


def match_images(before: AnnotationTable, after: AnnotationTable) -> Matches:
    """Pairs the images of two tables; each image is in at most one pair."""
    olds, news = _by_content(before), _by_content(after)
    same: list[tuple[Row, Row]] = []
    gone: list[Row] = []
    come: list[Row] = [row for content, rows in news.items() if content not in olds for row in rows]
    for content, rows in olds.items():
        pairs, old_left, new_left = _pair(rows, news.get(content, []))
        same += pairs
        gone += old_left
        come += new_left
    by_path = {row.path: row for row in come}
    changed = [(row, by_path[row.path]) for row in gone if row.path in by_path]
    stayed = {row.path for row, _ in changed}
    return Matches(
        sorted(same, key=lambda pair: pair[1].path),
        sorted(changed, key=lambda pair: pair[1].path),
        _sorted(row for row in gone if row.path not in stayed),
        _sorted(row for row in come if row.path not in stayed),
    )


def _sorted(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row.path)


def _by_content(table: AnnotationTable) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = defaultdict(list)
    columns = (table.frame[name] for name in ("path", "sha256", "label", "split", "group"))
    for values in zip(*columns, strict=True):
        rows[values[1]].append(Row(*values))
    return rows


def _pair(
    olds: Sequence[Row], news: Sequence[Row]
) -> tuple[list[tuple[Row, Row]], Sequence[Row], Sequence[Row]]:
    """Returns the pairs of images of equal content, and what is left on either side."""
    pairs: list[tuple[Row, Row]] = []
    for likeness in _LIKENESS:
        if not olds or not news:
            break
        free: dict[object, list[Row]] = defaultdict(list)
        for row in reversed(news):
            free[likeness(row)].append(row)
        taken: set[str] = set()
        left: list[Row] = []
        for old in olds:
            if candidates := free[likeness(old)]:
                new = candidates.pop()
                taken.add(new.path)
                pairs.append((old, new))
            else:
                left.append(old)
        olds, news = left, [row for row in news if row.path not in taken]
    return pairs, olds, news
