"""What changed between two annotation tables, image by image and class by class.

An image is known by its bytes. Where each class has a folder, another label is another path; that
counts as relabelled, and a renamed class is one change, whatever happened to its images' paths.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from functools import cached_property

import pandas as pd

from vision.datasets.match_images import Matches, Row, match_images
from vision.datasets.table import SEPARATOR, AnnotationTable, split_label
from vision.wording import count, one_line

# In the order in which they are told.
KINDS: Mapping[str, tuple[str, str]] = {
    "class_added": ("class", "added"),
    "class_removed": ("class", "removed"),
    "class_renamed": ("class", "renamed"),
    "added": ("image", "added"),
    "removed": ("image", "removed"),
    "changed": ("image", "with other bytes under the same path"),
    "renamed": ("image", "under another path"),
    "relabelled": ("image", "with another label"),
    "moved": ("image", "in another split"),
    "regrouped": ("image", "in another group"),
}
_MOST_EXAMPLES = 5
_NOWHERE = Row("", "", "", "", "")


@dataclass(frozen=True)
class Change:
    """One change; what does not apply is empty.

    Attributes:
      kind: one of :data:`KINDS`.
      path: after, or before where the image was removed; empty for a change of a class.
      path_before: where the path is another one now.
      label_before: label before.
      label: label after.
      split_before: split before.
      split: split after.
      n_images: how many images it is about.
      group_before: group before.
      group: group after.
    """

    kind: str
    path: str = ""
    path_before: str = ""
    label_before: str = ""
    label: str = ""
    split_before: str = ""
    split: str = ""
    n_images: int = 1
    group_before: str = ""
    group: str = ""


@dataclass(frozen=True)
class TableDiff:
    """The changes between two tables.

    Attributes:
      n_before: images before.
      n_after: images after.
      changes: in the order of :data:`KINDS`, then by path. An image that has another label and
        is in another split too has two, whether its bytes stayed the same or not.
    """

    n_before: int
    n_after: int
    changes: tuple[Change, ...]

    @cached_property
    def counts(self) -> dict[str, int]:
        """Each of :data:`KINDS` to the number of its changes."""
        found = Counter(change.kind for change in self.changes)
        return {kind: found[kind] for kind in KINDS}

    def frame(self) -> pd.DataFrame:
        """Returns a row per change, with the attributes of :class:`Change` as columns."""
        names = [field.name for field in fields(Change)]
        return pd.DataFrame([astuple(change) for change in self.changes], columns=names)

    def summary(self) -> str:
        """Returns the counts, with up to five examples of each kind, for people to read."""
        lines = [f"{count(self.n_before, 'image')} before, {self.n_after:,} after"]
        if not self.changes:
            return "\n".join([*lines, "nothing changed"])
        by_kind: dict[str, list[Change]] = defaultdict(list)
        for change in self.changes:
            by_kind[change.kind].append(change)
        for kind, (noun, what) in KINDS.items():
            if found := by_kind[kind]:
                lines.append(f"{count(len(found), noun)} {what}")
                lines += [f"  {one_line(_in_words(change))}" for change in found[:_MOST_EXAMPLES]]
                if len(found) > _MOST_EXAMPLES:
                    lines.append(f"  and {len(found) - _MOST_EXAMPLES:,} more")
        return "\n".join(lines)


def compare_tables(before: AnnotationTable, after: AnnotationTable) -> TableDiff:
    """Compares two tables, in whatever folders they lie.

    A class that is gone counts as renamed where more than half of its images carry one and the
    same class now that was not there before. Its images are not listed again as relabelled, nor
    as renamed where only the class's name in their path changed.
    """
    matches = match_images(before, after)
    renames = _renamed_classes(before, after, matches)
    changes = [
        *_class_changes(before, after, renames),
        *(_change("added", None, row) for row in matches.added),
        *(_change("removed", row, None) for row in matches.removed),
        *(_change("changed", old, new) for old, new in matches.changed),
    ]
    label_of = _Labels(before, after, renames)
    for old, new in (*matches.same, *matches.changed):
        changes += [_change(kind, old, new) for kind in _kinds(old, new, label_of, renames)]
    order = list(KINDS)
    changes.sort(key=lambda change: (order.index(change.kind), change.path, change.path_before))
    return TableDiff(len(before), len(after), tuple(changes))


class _Labels:
    """The classes of an image before, under their names after, and after."""

    def __init__(
        self, before: AnnotationTable, after: AnnotationTable, renames: Mapping[str, str]
    ) -> None:
        self._is_multilabel = (before.task == "multilabel", after.task == "multilabel")
        self._renames = renames

    def are_equal(self, old: Row, new: Row) -> bool:
        names = {self._renames.get(name, name) for name in _names(old, self._is_multilabel[0])}
        return names == set(_names(new, self._is_multilabel[1]))


def _kinds(old: Row, new: Row, labels: _Labels, renames: Mapping[str, str]) -> Iterator[str]:
    """Yields what happened to an image beside a change of its bytes."""
    is_relabelled = not labels.are_equal(old, new)
    if is_relabelled:
        yield "relabelled"
    if old.split != new.split:
        yield "moved"
    elif not is_relabelled and new.path not in (old.path, _with_new_names(old.path, renames)):
        yield "renamed"
    if old.group != new.group:
        yield "regrouped"


def _with_new_names(path: str, renames: Mapping[str, str]) -> str:
    *folders, name = path.split("/")
    return "/".join([*(renames.get(folder, folder) for folder in folders), name])


def _renamed_classes(
    before: AnnotationTable, after: AnnotationTable, matches: Matches
) -> dict[str, str]:
    """Returns old name to new name; no class takes the place of two."""
    gone = set(before.classes) - set(after.classes)
    come = set(after.classes) - set(before.classes)
    sizes: Counter[str] = Counter()
    for label in before.frame["label"] if gone and come else ():
        sizes.update(gone.intersection(_names_in(label, before)))
    moved: Counter[tuple[str, str]] = Counter()
    for old, new in [*matches.same, *matches.changed] if sizes else ():
        new_names = come.intersection(_names_in(new.label, after))
        for name in gone.intersection(_names_in(old.label, before)):
            moved.update((name, new_name) for new_name in new_names)
    renames: dict[str, str] = {}
    for (name, new_name), n_moved in sorted(moved.items(), key=lambda item: (-item[1], item[0])):
        is_free = name not in renames and new_name not in renames.values()
        if is_free and 2 * n_moved > sizes[name]:
            renames[name] = new_name
    return renames


def _class_changes(
    before: AnnotationTable, after: AnnotationTable, renames: Mapping[str, str]
) -> Iterator[Change]:
    n_before, n_after = _sizes(before), _sizes(after)
    for name, new_name in renames.items():
        yield Change("class_renamed", label_before=name, label=new_name, n_images=n_after[new_name])
    for name in sorted(set(after.classes) - set(before.classes) - set(renames.values())):
        yield Change("class_added", label=name, n_images=n_after[name])
    for name in sorted(set(before.classes) - set(after.classes) - set(renames)):
        yield Change("class_removed", label_before=name, n_images=n_before[name])


def _sizes(table: AnnotationTable) -> Counter[str]:
    return Counter(name for label in table.frame["label"] for name in _names_in(label, table))


def _names_in(label: str, table: AnnotationTable) -> tuple[str, ...]:
    return split_label(label) if table.task == "multilabel" else (label,)


def _names(row: Row, is_multilabel: bool) -> tuple[str, ...]:
    return split_label(row.label) if is_multilabel else (row.label,)


def _change(kind: str, old: Row | None, new: Row | None) -> Change:
    before, after = old or _NOWHERE, new or _NOWHERE
    path, path_before = after.path or before.path, before.path
    return Change(
        kind,
        path,
        path_before if path_before != path else "",
        before.label,
        after.label,
        before.split,
        after.split,
        group_before=before.group,
        group=after.group,
    )


def _in_words(change: Change) -> str:
    """Returns a change as a line; labels of several classes stand as they do in the table."""
    images = count(change.n_images, "image")
    before, after = (text.replace(SEPARATOR, " | ") for text in (change.label_before, change.label))
    came_from = f" (was {change.path_before})" if change.path_before else ""
    return {
        "class_added": f"{after} ({images})",
        "class_removed": f"{before} ({images})",
        "class_renamed": f"{before} -> {after} ({images})",
        "added": f"{change.path} ({after}, {change.split})",
        "removed": f"{change.path} ({before}, {change.split_before})",
        "changed": change.path,
        "renamed": f"{change.path_before} -> {change.path}",
        "relabelled": f"{change.path}: {before or 'none'} -> {after or 'none'}{came_from}",
        "moved": f"{change.path}: {change.split_before} -> {change.split}{came_from}",
        "regrouped": f"{change.path}: {change.group_before or 'none'} -> {change.group or 'none'}"
        f"{came_from}",
    }[change.kind]
