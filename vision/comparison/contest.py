"""Challenger and champion on the same held-out images, in the same order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.bundles.load import GoldenImages, ServingModel
from vision.bundles.manifest import GOLDEN_FILE
from vision.datasets.table import AnnotationTable
from vision.errors import DatasetError
from vision.image_source import batches, open_images
from vision.images.preprocess import load_image
from vision.shared_classes import share_classes

Indices = npt.NDArray[np.integer[Any]]

_BATCH_SIZE = 256


@dataclass(frozen=True)
class LostChampion:
    """A champion that there is, or was, and that cannot be compared with.

    Attributes:
      version: None where not even that is known.
      why: in a few words, such as "the champion v1 is not in the model store; restore it".
    """

    version: str | None
    why: str


@dataclass(frozen=True)
class Contest:
    """What is compared.

    Attributes:
      challenger: the new model.
      champion: the one in use; None where there is none to compare with.
      table: the images.
      split: which of them both are scored on; neither was trained on it.
      lost: why there is none, where the model has, or had, a champion; None otherwise.
    """

    challenger: ServingModel
    champion: ServingModel | None
    table: AnnotationTable
    split: str
    lost: LostChampion | None = None


@dataclass(frozen=True, eq=False)
class Answers:
    """What both answer, image by image.

    Attributes:
      classes: those that dataset and models share.
      labels: ``(n,)`` true indices among them.
      champion: ``(n,)`` predicted ones.
      challenger: likewise.
    """

    classes: tuple[str, ...]
    labels: Indices
    champion: Indices
    challenger: Indices


def answer_all(contest: Contest, champion: ServingModel) -> Answers:
    """Scores both on the images of the split.

    Raises:
      DatasetError: the split has no image.
      ModelError: the models and the dataset share fewer than two classes.
    """
    table = contest.table
    for model in (contest.challenger, champion):
        called = f"{model.manifest.name} {model.manifest.version}"
        table = share_classes(table, model.manifest.classes, called).table
    rows = table.rows(contest.split)
    if rows.empty:
        raise DatasetError(
            f"split {contest.split} of {table.root} has no image to compare models on; choose "
            "another evaluation.split, or hold out more"
        )
    paths = list(rows["path"])
    return Answers(
        table.classes,
        np.asarray(table.class_index(rows["label"])),
        champion=_predict(champion, table, paths),
        challenger=_predict(contest.challenger, table, paths),
    )


def golden_right(contest: Contest, champion: ServingModel) -> tuple[int, int, int]:
    """Returns how many of the champion's golden images challenger and champion get right.

    Returns:
      of the challenger, of the champion, and how many there are.
    """
    golden = GoldenImages.model_validate_json((champion.folder / GOLDEN_FILE).read_bytes()).images
    right = []
    for model in (contest.challenger, champion):
        images = [
            load_image((champion.folder / each.file).read_bytes(), model.manifest.input_size)
            for each in golden
        ]
        best = model.predict(np.stack(images)).probabilities.argmax(axis=1)
        named = [model.manifest.classes[index] for index in best]
        right.append(sum(n == each.label for n, each in zip(named, golden, strict=True)))
    return right[0], right[1], len(golden)


def find_doubts(contest: Contest, champion: ServingModel) -> tuple[str, ...]:
    """Returns what makes the comparison itself doubtful: other classes, other data."""
    challenger, doubts = contest.challenger.manifest, []
    added = sorted(set(challenger.classes) - set(champion.manifest.classes))
    lost = sorted(set(champion.manifest.classes) - set(challenger.classes))
    changes = [
        f"{verb} {', '.join(names)}" for verb, names in (("adds", added), ("lacks", lost)) if names
    ]
    if changes:
        doubts.append(
            f"the challenger {' and '.join(changes)}; the two were compared on the classes that "
            "both know, so somebody must approve it"
        )
    if challenger.lineage.data_digest not in (None, contest.table.digest):
        doubts.append(
            "the challenger was made from other data than these images belong to, and may have "
            "been trained on some of them; compare on the revision that it was trained on, or "
            "approve it"
        )
    return tuple(doubts)


def _predict(model: ServingModel, table: AnnotationTable, paths: list[str]) -> Indices:
    """Returns the indices, in the table's classes, of a model's answers among these."""
    positions = [model.manifest.classes.index(name) for name in table.classes]
    source = open_images(table.root, paths, model.manifest.input_size, budget_bytes=0)
    parts = [
        model.predict(images).probabilities[:, positions].argmax(axis=1)
        for images in batches(source, _BATCH_SIZE)
    ]
    return np.concatenate(parts)
