"""Reads a COCO file (images, annotations, categories) as classes of whole images.

Boxes and masks are passed over: an image has the categories of its annotations. Where each
annotated image has exactly one, the file is multi-class, otherwise multi-label. The form is that
of https://cocodataset.org/#format-data.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from vision.datasets.label_names import clean_name
from vision.datasets.labelled import SPLIT_NAMES
from vision.datasets.problems import Problems
from vision.datasets.table import SEPARATOR
from vision.datasets.table_rows import TableRows, read_dates
from vision.errors import DatasetError

_PARTS = ("images", "annotations", "categories")
_Id = int | str


def read_coco(file: Path, problems: Problems) -> TableRows:
    """Returns what the file says about each image.

    Args:
      file: a JSON file.
      problems: gets what is not used.

    Raises:
      DatasetError: it is no COCO file, or its parts do not fit together; says where.
    """
    content = load_coco(file)
    categories = _categories(content, file)
    images = list(_entries(content, "images", file, file_name=str))
    known = _unique_ids(images, "images", file)
    classes: dict[_Id, set[str]] = defaultdict(set)
    wanted = {"image_id": _Id, "category_id": _Id}
    for place, entry in _entries(content, "annotations", file, has_id=False, **wanted):
        image, category = entry["image_id"], entry["category_id"]
        if image not in known:
            raise DatasetError(f"{file}, {place}: image_id {image!r} is no id of images.")
        if category not in categories:
            raise DatasetError(f"{file}, {place}: category_id {category!r} is no id of categories.")
        classes[image].add(clean_name(categories[category]))
    is_single = all(len(names) == 1 for names in classes.values())
    if not is_single:
        _refuse_separator(categories, file)
    rows = [entry for _, entry in images]
    empty = [""] * len(rows)
    dates = [str(row.get("date_captured") or "") for row in rows]
    return TableRows(
        paths=[row["file_name"] for row in rows],
        labels=[SEPARATOR.join(sorted(classes[row["id"]])) for row in rows],
        splits=empty,
        groups=empty,
        dates=read_dates(dates, problems),
        task="multiclass" if is_single else "multilabel",
        raw_names=frozenset(categories.values()),
        folders=_image_folders(file),
    )


def load_coco(file: Path) -> dict[str, Any]:
    """Returns the content of a COCO file, with its three lists.

    Raises:
      DatasetError: it is no JSON, or no COCO file.
    """
    try:
        content = json.loads(file.read_bytes())
    except OSError as error:
        raise DatasetError(f"{file} cannot be read as a table: {error}") from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{file} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise DatasetError(f"{file} is no COCO file: it holds a {type(content).__name__}.")
    for part in _PARTS:
        if not isinstance(content.get(part), list):
            raise DatasetError(
                f"{file} is no COCO file: it has no list {part!r}; it needs {', '.join(_PARTS)}."
            )
    return content


def _categories(content: Mapping[str, Any], file: Path) -> dict[_Id, str]:
    entries = list(_entries(content, "categories", file, name=str))
    _unique_ids(entries, "categories", file)
    for place, entry in entries:
        if not entry["name"].strip():
            raise DatasetError(f"{file}, {place}: name is empty; give each category a name.")
    return {entry["id"]: entry["name"] for _, entry in entries}


def _refuse_separator(categories: Mapping[_Id, str], file: Path) -> None:
    for number, name in categories.items():
        if SEPARATOR in name:
            raise DatasetError(
                f"{file} has the category {name!r} (id {number}); {SEPARATOR} stands between "
                "class names, so no name of a multi-label file may contain it: rename it."
            )


def _entries(
    content: Mapping[str, Any], part: str, file: Path, has_id: bool = True, **wanted: Any
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields (place, entry) of one of the lists; each has what is wanted of it."""
    kinds = {"id": _Id, **wanted} if has_id else wanted
    for number, entry in enumerate(content[part]):
        place = f"{part}[{number}]"
        if not isinstance(entry, dict):
            raise DatasetError(f"{file}, {place} is no object: {entry!r:.80}")
        for key, kind in kinds.items():
            if key not in entry:
                raise DatasetError(f"{file}, {place} has no {key}.")
            if problem := _problem(entry[key], kind):
                raise DatasetError(f"{file}, {place}: {key} {problem}, it is {entry[key]!r:.80}.")
        yield place, entry


def _problem(value: object, kind: Any) -> str:
    """Returns what is wrong with a value, or nothing."""
    if not isinstance(value, kind) or isinstance(value, bool):
        return "must be text" if kind is str else "must be a whole number or text"
    # JSON can write half of a character that takes two, which no file can be called.
    is_text = not isinstance(value, str) or value.encode("utf-8", "replace").decode() == value
    return "" if is_text else "must be valid Unicode"


def _unique_ids(entries: list[tuple[str, dict[str, Any]]], part: str, file: Path) -> set[_Id]:
    first: dict[_Id, str] = {}
    for place, entry in entries:
        if entry["id"] in first:
            raise DatasetError(
                f"{file}, {place}: id {entry['id']!r} is that of {first[entry['id']]}; ids of "
                f"{part} must differ."
            )
        first[entry["id"]] = place
    return set(first)


def _image_folders(file: Path) -> list[str]:
    """Returns the folders beside the file in which its images may lie, the likeliest first.

    Those of splits (``valid``, or ``val2017`` beside ``instances_val2017.json``), ``images``, and
    those of splits in it.
    """
    folders = []
    for top in ("", "images"):
        splits = [name for name in _folders_in(file.parent / top) if _is_split(name, file.stem)]
        # The one that the file is named after comes before the other splits.
        splits.sort(key=lambda name: name.casefold() not in file.stem.casefold())
        folders += [str(PurePosixPath(top, name)) for name in splits]
    return [*folders, "images"]


def _folders_in(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    except OSError:
        return []


def _is_split(folder: str, stem: str) -> bool:
    return folder.casefold() in SPLIT_NAMES or folder.casefold() in stem.casefold()
