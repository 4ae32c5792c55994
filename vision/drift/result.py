"""What a drift check found, the same from every backend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ColumnTests:
    """A test of each column of a view, not corrected for their number.

    Attributes:
      statistics: ``(d,)``, at least 0; larger is further apart.
      p_values: ``(d,)``, 0 to 1.
    """

    statistics: Floats
    p_values: Floats


@dataclass(frozen=True)
class ViewTest:
    """One view of the newest ``n_images`` against the reference set.

    Attributes:
      view: one of :data:`vision.drift.names.VIEWS`.
      detector: ``ks``, ``cvm``, ``chi_squared`` or ``mmd``.
      n_images: rows that were compared.
      statistic: of the column that moved most.
      p_value: corrected for the number of columns.
      threshold: drift is a p-value below it; calibrated for this view and number of images.
      column: the column that moved most, for people; empty where the view has no columns.
    """

    view: str
    detector: str
    n_images: int
    statistic: float
    p_value: float
    threshold: float
    column: str = ""

    @property
    def is_drift(self) -> bool:
        """Whether the images differ from the reference set."""
        return self.p_value < self.threshold

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON values."""
        return {**vars(self), "is_drift": self.is_drift}


@dataclass(frozen=True)
class DriftResult:
    """All tests of a check.

    Attributes:
      n_images: rows that were given; the newest of them were compared.
      tests: every view at every size that there were enough rows for.
    """

    n_images: int
    tests: tuple[ViewTest, ...]

    @property
    def is_drift(self) -> bool:
        """Whether any test found drift; the thresholds allow for their number."""
        return any(test.is_drift for test in self.tests)

    @property
    def moved(self) -> tuple[str, ...]:
        """The views that drift was found in, each once."""
        return tuple(dict.fromkeys(test.view for test in self.tests if test.is_drift))

    @property
    def by_view(self) -> dict[str, ViewTest]:
        """Each view's test that is closest to its threshold, or furthest beyond it."""
        decisive: dict[str, ViewTest] = {}
        for test in self.tests:
            before = decisive.get(test.view)
            if before is None or test.p_value / test.threshold < before.p_value / before.threshold:
                decisive[test.view] = test
        return decisive
