"""Some predictions of one model version, as the prediction log gives them to monitoring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.drift.views import DriftRows


@dataclass(frozen=True, eq=False)
class PeriodBatch:
    """``n`` predictions of one model version, newest first.

    Attributes:
      times: ``(n,)`` datetime64[us], UTC.
      request_ids: ``n`` of them.
      labels: the predicted classes.
      probabilities: ``(n, k)``, in class order.
      is_abstained: ``(n,)``.
      rows: as the detectors see them.
      properties: ``(n,)`` of each of :data:`vision.images.measure.NUMERIC`; NaN where the image was
        not measured.
      images: paths of the kept images; None where none was kept.
      true_labels: what people said it was; None where nobody did.
    """

    times: npt.NDArray[np.datetime64]
    request_ids: list[str]
    labels: list[str]
    probabilities: npt.NDArray[np.floating[Any]]
    is_abstained: npt.NDArray[np.bool_]
    rows: DriftRows
    properties: dict[str, npt.NDArray[np.float64]]
    images: list[str | None]
    true_labels: list[list[str] | None]

    def __post_init__(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in vars(self) if name != "properties"}
        lengths |= {name: len(values) for name, values in self.properties.items()}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"the columns have different numbers of rows: {lengths}")

    def __len__(self) -> int:
        return len(self.request_ids)
