"""Lists images whose label is probably wrong, by a classifier that has not seen their label.

Images are compared at 32 x 32 pixels (:mod:`.landmarks`), a ridge classifier
predicts each from the others (:mod:`.out_of_fold`), and confident learning picks
those that contradict their label (:mod:`.confident_learning`). All of it is
linear in the number of images, about 2 ms of a core and 3 KB each.

What it cannot see: two classes whose names are swapped everywhere, mistakes that are made whenever
an image looks a certain way, and anything finer than 32 x 32 pixels.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt
import pandas as pd

from vision.datasets.table import AnnotationTable
from vision.validation.report import Finding
from vision.validation.wrong_labels.class_predictions import Predictions, predict_out_of_fold
from vision.validation.wrong_labels.confident_learning import (
    calibrate,
    class_thresholds,
    suggest_classes,
)
from vision.validation.wrong_labels.misfiled import Misfiled, find_misfiled
from vision.validation.wrong_labels.out_of_fold import Ints
from vision.validation.wrong_labels.patch_features import SIDE_PX

CHECK = "likely_wrong_labels"
MAX_LISTED = 500
# Below these nothing can be learned that would be worth saying.
_LEAST_IMAGES = 100
_LEAST_IMAGES_OF_CLASS = 10
# Share of wrong labels from which on it is a warning.
_LIMIT = 0.02


def likely_wrong_labels(table: AnnotationTable) -> list[Finding]:
    """Finds images that look like another class; value: estimated share of wrong labels.

    Args:
      table: images of any size; classes of less than 10 images are not judged.

    Returns:
      one finding, the most suspicious image first, at most 500 of them unless a whole class of a
      split is in the wrong place; a warning from 2 % of wrong labels on. Nothing for multi-label
      tables and for less than 100 images.

    Raises:
      DatasetError: an image changed or vanished since the table was made.
    """
    judged = _judged_rows(table)
    if judged.empty:
        return []
    predictions = predict_out_of_fold(table, judged)
    if predictions.calibration.gain <= 3 * predictions.calibration.gain_error:
        message = (
            f"Not measured: at {SIDE_PX} x {SIDE_PX} pixels the {len(judged):,} images do not tell "
            "their classes apart, so no label can be doubted"
        )
        return [Finding(check=CHECK, severity="info", message=message)]
    return [_finding(predictions)]


def _judged_rows(table: AnnotationTable) -> pd.DataFrame:
    """Returns the rows to judge by checksum: an arbitrary order that is always the same."""
    frame = table.frame
    if table.task == "multilabel":
        return frame.iloc[:0]
    is_judged = frame.groupby("label")["sha256"].transform("nunique") >= _LEAST_IMAGES_OF_CLASS
    judged = frame[is_judged].sort_values(["sha256", "path"], ignore_index=True)
    if len(judged) < _LEAST_IMAGES or judged["label"].nunique() < 2:
        return frame.iloc[:0]
    return judged


def _finding(predictions: Predictions) -> Finding:
    misfiled = find_misfiled(predictions)
    share, error = _wrong_share(predictions, misfiled)
    rows, looks_like, confidence = _ranked(predictions, misfiled, share)
    names, frame = predictions.classes, predictions.frame
    labels = names[predictions.labels[rows]]
    seen = names[looks_like]
    notes = tuple(
        f"looks like {other} ({probability:.2f}), labelled {label}"
        for other, probability, label in zip(seen, confidence, labels, strict=True)
    )
    return Finding(
        check=CHECK,
        severity="warning" if misfiled or share - 2 * error > _LIMIT else "info",
        message=_sentence(predictions, misfiled, share, list(zip(labels, seen, strict=True))),
        images=tuple(frame["path"].to_numpy(object)[rows]),
        value=round(share, 4),
        value_left=_share_left(share, len(predictions.labels), len(rows)),
        notes=notes,
    )


def _share_left(share: float, n_images: int, n_listed: int) -> float:
    """Returns the share of wrong labels where those that are listed are gone, and all were wrong.

    Below one label nothing is left: the number that is listed was rounded too.
    """
    n_left = share * n_images - n_listed
    return round(n_left / (n_images - n_listed), 4) if n_left >= 1 else 0.0


def _sentence(
    predictions: Predictions,
    misfiled: list[Misfiled],
    share: float,
    pairs: list[tuple[str, str]],
) -> str:
    names = predictions.classes
    n_images = len(predictions.labels)
    parts = [
        f"About {share:.1%} of the labels of {n_images:,} images seem to be wrong, judged by a "
        f"small classifier that learned from the other images; {len(pairs):,} to look at are "
        "listed, the most suspicious first"
    ]
    parts += _most_often(pairs, len(names))
    for group in misfiled:
        parts.append(
            f"{int(group.is_like.sum()):,} of the {len(group.rows):,} images of "
            f"{names[group.label]} in {group.split} look like {names[group.looks_like]}: "
            "they may be in the wrong place"
        )
    return "; ".join(parts)


def _most_often(pairs: list[tuple[str, str]], n_classes: int) -> list[str]:
    """Names the pair of classes that stands out of those listed, if there is one."""
    [((label, other), n_most)] = Counter(pairs).most_common(1) or [(("", ""), 0)]
    # A tenth of all and three times what it would be if all pairs were equally frequent.
    least = len(pairs) * max(0.1, 3 / (n_classes * (n_classes - 1)))
    if n_most < max(10, least):
        return []
    return [f"most often {label} that looks like {other} ({n_most:,})"]


def _wrong_share(predictions: Predictions, misfiled: list[Misfiled]) -> tuple[float, float]:
    """Returns the share of wrong labels and its standard error; misfiled ones count in full."""
    calibration = predictions.calibration
    if not misfiled:
        return calibration.wrong_share, calibration.wrong_share_error
    is_rest = np.ones(len(predictions.labels), bool)
    is_rest[np.concatenate([group.rows for group in misfiled])] = False
    rest = calibrate(predictions.scores[is_rest], predictions.labels[is_rest])
    share_of_rest = float(is_rest.mean())
    share = rest.wrong_share * share_of_rest + 1 - share_of_rest
    return share, rest.wrong_share_error * share_of_rest


def _ranked(
    predictions: Predictions, misfiled: list[Misfiled], share: float
) -> tuple[Ints, Ints, npt.NDArray[np.float32]]:
    """Returns rows, what they look like and how surely; the least probable label first.

    By normalised margin, the paper's other order, 0.77 of the first 100 were wrong on CIFAR-10 with
    5 % wrong labels, by the probability of the label 0.88.
    """
    labels, calibration = predictions.labels, predictions.calibration
    own = predictions.own()
    thresholds = class_thresholds(own, labels, len(predictions.classes))
    looks_like, confidence = labels.copy(), own.copy()
    for rows, probabilities in predictions.blocks():
        suggested = suggest_classes(probabilities, labels[rows], thresholds)
        looks_like[rows] = suggested
        confidence[rows] = probabilities[np.arange(len(suggested)), suggested]
    order = np.argsort(own, kind="stable")
    n_listed = min(MAX_LISTED, round(share * len(labels)))
    is_listed = np.zeros(len(labels), bool)
    is_listed[order[(looks_like != labels)[order]][:n_listed]] = True
    for group in misfiled:
        moved = group.rows[group.is_like]
        looks_like[moved] = group.looks_like
        confidence[moved] = calibration.probabilities(predictions.scores[moved])[
            :, group.looks_like
        ]
        is_listed[moved] = True
    listed = order[is_listed[order]]
    return listed, looks_like[listed], confidence[listed]
