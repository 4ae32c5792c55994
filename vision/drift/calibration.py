"""Thresholds for a wanted rate of false alarms, of all tests of a check together.

Each view at each window size is a test. All of them look at the same images, so their false alarms
come together, and how often is counted rather than assumed: among checks without drift that are
drawn from the reference set, one level is found that every test is given and at which the wanted
share of checks has an alarm (the smallest-p method of Westfall and Young 1993). Thresholds are
p-values, so they hold for the real number of rows as well.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from vision.config.drift import DriftConfig
from vision.drift.correction import correct
from vision.drift.detector_file import DetectorFile
from vision.drift.names import LEAST_CVM_P
from vision.drift.null_draws import NullDraws
from vision.drift.settling import REFERENCE_ORDER, settle
from vision.drift.tails import Tail
from vision.drift.views import DriftRows
from vision.errors import DatasetError, ModelError
from vision.progress import track

Floats = npt.NDArray[np.float64]

FEWEST_ROWS = 20
# Draws whose statistics are kept at a time.
_BATCH = 200


def calibrate(reference: DriftRows, n_classes: int, drift: DriftConfig) -> DetectorFile:
    """Finds the thresholds of every view at every window size; the same seed gives the same.

    Args:
      reference: rows of held-out images, as they are read back from the bundle.
      n_classes: classes of the model.
      drift: views, window sizes, tests and the wanted rate.

    Raises:
      DatasetError: the reference set has fewer than 20 rows.
      ModelError: a threshold would be below the smallest p-value of Cramér-von Mises.
    """
    check_n_rows(len(reference))
    p_values = draw_p_values(reference, n_classes, drift)
    tails = {
        (view, size): Tail.fit(p_values[view][:, index])
        for view in drift.views
        for index, size in enumerate(drift.windows)
    }
    level = _common_level(p_values, tails, drift)
    thresholds = {
        view: {size: min(1.0, tails[view, size].p_value(level)) for size in drift.windows}
        for view in drift.views
    }
    if drift.detector == "cvm":
        _check_told(thresholds, reference, drift)
    alarms = [
        (p_values[view] < np.array(list(thresholds[view].values()))).any(axis=1)
        for view in drift.views
    ]
    return DetectorFile(
        backend=drift.backend,
        detector=drift.detector,
        correction=drift.correction,
        views=drift.views,
        sizes=drift.windows,
        every_n=drift.every_n,
        false_alarms=drift.false_alarms,
        alarm_rate=drift.alarm_rate,
        level=level,
        thresholds=thresholds,
        n_classes=n_classes,
        n_reference=len(reference),
        n_draws=drift.n_draws,
        measured_rate=float(np.any(alarms, axis=0).mean()),
        seed=drift.seed,
    )


def check_n_rows(n_rows: int) -> None:
    """Refuses a reference set that nothing can be told from.

    Raises:
      DatasetError: it has fewer than 20 rows.
    """
    if n_rows < FEWEST_ROWS:
        raise DatasetError(
            f"the reference set has {n_rows} images of the validation split, and drift "
            f"detectors need at least {FEWEST_ROWS}; hold out more with dataset.split.validation, "
            "add images, or raise bundle.n_reference where that is smaller"
        )


def _check_told(
    thresholds: dict[str, dict[int, float]], reference: DriftRows, drift: DriftConfig
) -> None:
    """Refuses thresholds that no p-value can be below."""
    for view in set(drift.views) - {"classes"}:
        smallest = LEAST_CVM_P * reference.view(view).shape[1]
        threshold = min(thresholds[view].values())
        if threshold <= smallest:
            raise ModelError(
                f"drift.false_alarms: {drift.false_alarms!r} needs a threshold of {threshold:.2g} "
                f"for {view}, and Cramér-von Mises tells no p-value below {smallest:.2g} there; "
                "allow more false alarms, or set drift.detector: ks"
            )


def draw_p_values(reference: DriftRows, n_classes: int, drift: DriftConfig) -> dict[str, Floats]:
    """Returns corrected p-values ``(n_draws, sizes)`` of each view in checks without drift."""
    views = [view for view in drift.views if view != "classes"]
    # Values that are equal are told apart by the draws, as checks do it.
    values = [settle(view, "ks", reference.view(view), REFERENCE_ORDER) for view in views]
    # Without a column there are still rows to draw.
    columns = np.concatenate([np.empty((len(reference), 0)), *values], axis=1)
    draws = NullDraws(columns, reference.classes, n_classes, drift.windows, drift.detector)
    ends = np.cumsum([each.shape[1] for each in values])[:-1]
    found: dict[str, list[Floats]] = {view: [] for view in drift.views}
    for of_columns, of_classes in _batches(draws, drift):
        parts = np.split(of_columns, ends, axis=2) if views else []
        for view, part in zip(views, parts, strict=True):
            found[view].append(correct(drift.correction, part))
        if "classes" in found:
            found["classes"].append(of_classes)
    return {view: np.concatenate(parts) for view, parts in found.items()}


def _batches(draws: NullDraws, drift: DriftConfig) -> Iterator[tuple[Floats, Floats]]:
    statistics, counts = [], []
    drawn = draws.draw(drift.n_draws, drift.seed)
    for done, (of_columns, of_classes) in enumerate(
        track(drawn, drift.n_draws, doing="calibrating the drift detectors", unit="checks"), start=1
    ):
        statistics.append(of_columns)
        counts.append(of_classes)
        if done % _BATCH == 0 or done == drift.n_draws:
            yield draws.p_values(np.stack(statistics), np.stack(counts))
            statistics, counts = [], []


def _common_level(
    p_values: dict[str, Floats], tails: dict[tuple[str, int], Tail], drift: DriftConfig
) -> float:
    """Returns the level of each test at which the wanted share of checks has an alarm."""
    levels = [
        tails[view, size].levels(p_values[view][:, index])
        for view in drift.views
        for index, size in enumerate(drift.windows)
    ]
    return Tail.fit(np.min(levels, axis=0)).p_value(drift.alarm_rate)
