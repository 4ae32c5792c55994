"""How often each class is predicted, against the reference set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.drift.p_values import chi_squared
from vision.monitoring.intervals import share_of
from vision.monitoring.report_parts import ClassesReport, ClassReport, ShareReport

Counts = npt.NDArray[np.integer[Any]]


def compare_classes(
    classes: Sequence[str],
    predicted: Counts,
    reference: Counts,
    recalls: Sequence[ShareReport],
) -> ClassesReport:
    """Compares the predicted classes of a whole period with those of the reference images.

    Args:
      classes: class names.
      predicted: ``(k,)`` predictions of each class.
      reference: ``(k,)`` reference images that are predicted so.
      recalls: of each class.
    """
    n, n_reference = int(predicted.sum()), int(reference.sum())
    return ClassesReport(
        p_value=homogeneity_p_value(predicted, reference),
        shares=tuple(
            ClassReport(
                name=name,
                predicted=share_of(int(predicted[index]), n),
                reference=int(reference[index]) / max(1, n_reference),
                recall=recalls[index],
            )
            for index, name in enumerate(classes)
        ),
    )


def homogeneity_p_value(first: Counts, second: Counts) -> float | None:
    """Returns the p-value of the chi-squared test of two rows of counts, that of the detectors.

    None where a row is empty, or where both have the same one class.
    """
    table = np.stack([first, second]).astype(np.float64)
    if (table.sum(axis=0) > 0).sum() < 2 or not table.sum(axis=1).all():
        return None
    return float(chi_squared(table)[1])
