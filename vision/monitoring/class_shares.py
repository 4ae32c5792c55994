"""How often each class is predicted, against the reference set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

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
    """Returns the p-value of Pearson's chi-squared test of two rows of counts.

    Classes that neither row has are left out. None where a row is empty or one class is left.
    """
    table = np.stack([first, second]).astype(np.float64)
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return None
    # Slow to import, and needed here alone.
    from scipy.special import chdtrc

    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    statistic = float((np.square(table - expected) / expected).sum())
    return float(chdtrc(table.shape[1] - 1, statistic))
